/* SPDX-License-Identifier: ISC */
/* lib/buf, lib/duration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/duration.h"

static void
grows(void **state)
{
	struct buf b = BUF_INIT;
	char want[40000], *p, *taken;
	size_t len;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf_printf(&b, "%d,", i), 0);
	p = want;
	for (int i = 0; i < 3000; i++)
		p += sprintf(p, "%d,", i);
	assert_int_equal(b.len, p - want);
	assert_string_equal(buf_text(&b), want);
	buf_reset(&b);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_append(&b, "a\0b", 3), 0);
	buf_putc(&b, 'c');
	buf_puts(&b, "de");
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "a\0bcde", 7);
	buf_consume(&b, 2);
	assert_string_equal(buf_text(&b), "bcde");
	buf_truncate(&b, 9);
	buf_truncate(&b, 3);
	assert_string_equal(buf_text(&b), "bcd");
	buf_consume(&b, 3);
	assert_int_equal(b.len, 0);
	buf_puts(&b, "mine");
	taken = buf_take(&b, &len);
	assert_string_equal(taken, "mine");
	assert_int_equal(len, 4);
	assert_null(b.data);
	free(taken);
	/* One printf that is longer than all the room, also as the first. */
	memset(want, 'x', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	assert_int_equal(buf_printf(&b, "%s", want), 0);
	assert_string_equal(b.data, want);
	buf_free(&b);
	buf_free(&b);
	buf_free(NULL);
}

static void
bounded(void **state)
{
	char mem[8];
	struct buf b = BUF_MAX(5), f = BUF_FIXED(mem, sizeof(mem));

	(void)state;
	assert_int_equal(buf_puts(&b, "12345"), 0);
	assert_int_equal(buf_putc(&b, '6'), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_string_equal(buf_text(&b), "12345");
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "%d", 123456), -1);
	assert_string_equal(buf_text(&b), "");
	/* Failure sticks. */
	assert_int_equal(buf_puts(&b, "1"), -1);
	assert_int_equal(buf_printf(&b, "1"), -1);
	assert_true(b.failed);
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "%d", 12345), 0);
	assert_int_equal(buf_printf(&b, "%d", 6), -1);
	assert_string_equal(b.data, "12345");
	buf_free(&b);

	assert_int_equal(buf_printf(&f, "%s", "1234567"), 0);
	assert_int_equal(buf_append(&f, "8", 1), -1);
	assert_string_equal(buf_text(&f), "1234567");
	buf_reset(&f);
	assert_int_equal(buf_puts(&f, "123"), 0);
	assert_int_equal(buf_printf(&f, "%s", "45678"), -1);
	assert_string_equal(f.data, "123");
	assert_null(buf_take(&f, NULL));
	assert_ptr_equal(f.data, mem);
	buf_free(&f);
	assert_int_equal(buf_puts(&f, "again"), 0);
	assert_string_equal(mem, "again");
}

static void
durations(void **state)
{
	static const struct {
		const char *in;
		int64_t us;
		const char *out;
	} good[] = {
	    {"50s", 50000000, "50s"},
	    {"90s", 90000000, "90s"},
	    {"3600s", INT64_C(3600000000), "1h"},
	    {"1h", INT64_C(3600000000), "1h"},
	    {"100ms", 100000, "100ms"},
	    {"10us", 10, "10us"},
	    {"2d", INT64_C(172800000000), "2d"},
	    {"25h", INT64_C(90000000000), "25h"},
	    {"0", 0, "0"},
	    {"0s", 0, "0"},
	    {"007m", INT64_C(420000000), "7m"},
	    {"1500us", 1500, "1500us"},
	    {"9223372036854775us", INT64_C(9223372036854775), "9223372036854775us"},
	};
	static const struct {
		const char *in;
		enum duration_result r;
	} bad[] = {
	    {"", DURATION_EMPTY},
	    {"50", DURATION_NO_UNIT},
	    {"-1s", DURATION_NEGATIVE},
	    {"s", DURATION_NO_NUMBER},
	    {"+1s", DURATION_NO_NUMBER},
	    {" 1s", DURATION_NO_NUMBER},
	    {"1.5s", DURATION_NO_NUMBER},
	    {"1h30m", DURATION_UNKNOWN_UNIT},
	    {"1 s", DURATION_UNKNOWN_UNIT},
	    {"1s ", DURATION_UNKNOWN_UNIT},
	    {"1S", DURATION_UNKNOWN_UNIT},
	    {"1min", DURATION_UNKNOWN_UNIT},
	    {"9223372036854776us", DURATION_TOO_BIG},
	    {"106751992d", DURATION_TOO_BIG},
	    {"99999999999999999999999s", DURATION_TOO_BIG},
	};
	char buf[DURATION_TEXT];
	int64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(duration_parse_us(good[i].in, &v), DURATION_OK);
		assert_int_equal(v, good[i].us);
		assert_string_equal(duration_format_us(v, buf, sizeof(buf)), good[i].out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 77;
		assert_int_equal(duration_parse_us(bad[i].in, &v), bad[i].r);
		assert_int_equal(v, 77);
	}
	assert_int_equal(duration_parse_ms("2s", &v), DURATION_OK);
	assert_int_equal(v, 2000);
	assert_int_equal(duration_parse_ms("3000us", &v), DURATION_OK);
	assert_int_equal(v, 3);
	assert_int_equal(duration_parse_ms("3001us", &v), DURATION_TOO_FINE);
	assert_int_equal(duration_parse_ms("x", &v), DURATION_NO_NUMBER);
	assert_string_equal(duration_format_ms(90000, buf, sizeof(buf)), "90s");
	assert_string_equal(
	    duration_format_ms(INT64_MAX, buf, sizeof(buf)), "9223372036854775807ms");
	assert_non_null(strstr(duration_result_text(DURATION_NO_UNIT), "us, ms, s, m, h, d"));
}

static void
sizes(void **state)
{
	int64_t v;
	char buf[DURATION_TEXT];

	(void)state;
	assert_int_equal(size_parse("16k", &v), DURATION_OK);
	assert_int_equal(v, 16384);
	assert_string_equal(size_format(v, buf, sizeof(buf)), "16k");
	assert_int_equal(size_parse("1024M", &v), DURATION_OK);
	assert_string_equal(size_format(v, buf, sizeof(buf)), "1g");
	assert_int_equal(size_parse("1500b", &v), DURATION_OK);
	assert_string_equal(size_format(v, buf, sizeof(buf)), "1500b");
	assert_int_equal(size_parse("1500", &v), DURATION_NO_UNIT);
	assert_int_equal(size_parse("16kb", &v), DURATION_UNKNOWN_UNIT);
	assert_int_equal(size_parse("8589934591g", &v), DURATION_OK);
	assert_int_equal(size_parse("8589934592g", &v), DURATION_TOO_BIG);
	assert_non_null(strstr(size_result_text(DURATION_NO_UNIT), "b, k, m, g"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(grows),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
