/* SPDX-License-Identifier: ISC */
/* vipctl: what "events --since" takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "ctl/ctl.h"

static void
times_are_read(void **state)
{
	static const struct {
		const char *word;
		const char *want; /* NULL: refused */
	} cases[] = {
	    {"10s", "2026-11-25T03:12:20"},
	    {"5m", "2026-11-25T03:07:30"},
	    {"4h", "2026-11-24T23:12:30"},
	    {"1d", "2026-11-24T03:12:30"},
	    {"0s", "2026-11-25T03:12:30"},
	    {"02:10", "2026-11-25T02:10:00"},
	    {"03:13", "2026-11-24T03:13:00"}, /* not yet today */
	    {"02:10:11", "2026-11-25T02:10:11"},
	    {"2026-01-02", "2026-01-02T00:00:00"},
	    {"2026-01-02 03:04", "2026-01-02T03:04:00"},
	    {"2026-01-02T03:04:05", "2026-01-02T03:04:05"},
	    {"", NULL},
	    {"s", NULL},
	    {"10x", NULL},
	    {"10ss", NULL},
	    {"-1s", NULL},
	    {"25:00", NULL},
	    {"yesterday", NULL},
	    {"2026-01-02 03:04x", NULL},
	    {"99999999999s", NULL},
	};
	char to[32];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = look_since(cases[i].word, 1795576350, to, sizeof(to));

		if (ok != (cases[i].want != NULL))
			fail_msg("\"%s\" was %s", cases[i].word, ok ? "taken" : "refused");
		if (ok)
			assert_string_equal(to, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
