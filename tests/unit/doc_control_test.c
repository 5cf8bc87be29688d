/* SPDX-License-Identifier: ISC */
/* doc/vipd-control.7 names every command of the control socket and every metric. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fixture.h"
#include "worker/command.h"
#include "worker/metrics.h"

static char *manual;

static int
read_manual(void **state)
{
	FILE *f = fopen("doc/vipd-control.7", "r");
	size_t n;

	(void)state;
	manual = calloc(1, 1 << 20);
	if (f == NULL || manual == NULL)
		return -1;
	n = fread(manual, 1, (1 << 20) - 1, f);
	fclose(f);
	return n > 0 ? 0 : -1;
}

static int
free_manual(void **state)
{
	(void)state;
	free(manual);
	return 0;
}

static void
every_command_is_named(void **state)
{
	const struct command *tables[] = {show_commands, act_commands, master_commands};

	(void)state;
	for (size_t t = 0; t < 3; t++)
		for (const struct command *c = tables[t]; c->words != NULL; c++)
			if (strstr(manual, c->words) == NULL)
				fail_msg("vipd-control.7 does not name %s", c->words);
}

static void
every_metric_is_named(void **state)
{
	static const char *const scopes[] = {"vipd_frontend_", "vipd_backend_", "vipd_server_"};
	struct http_reply rp = {.status = 200};
	struct buf out = BUF_INIT;
	struct shm seg;
	unsigned n = 0;

	(void)state;
	fixture_make(&seg);
	metrics_answer(&seg, NULL, &rp);
	while (rp.more(rp.stream, &out, 1 << 20))
		;
	rp.end(rp.stream);
	for (const char *p = out.data; (p = strstr(p, "# HELP ")) != NULL; n++) {
		char name[96], item[128];

		p += 7;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, " "), p);
		snprintf(item, sizeof(item), ".It Cm %s\n", name);
		for (unsigned i = 0; i < 3; i++)
			if (strncmp(name, scopes[i], strlen(scopes[i])) == 0)
				snprintf(
				    item, sizeof(item), ".It Cm %s Pq ", name + strlen(scopes[i]));
		if (strstr(manual, item) == NULL)
			fail_msg("vipd-control.7 does not name %s", name);
	}
	assert_in_range(n, 60, 200);
	buf_free(&out);
	shm_detach(&seg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_command_is_named),
	    cmocka_unit_test(every_metric_is_named),
	};

	return cmocka_run_group_tests(tests, read_manual, free_manual);
}
