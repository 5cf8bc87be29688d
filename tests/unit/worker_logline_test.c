/* SPDX-License-Identifier: ISC */
/* Lines about sessions: each variable, quotes, hexadecimal, escapes, cuts, fields. What HAProxy
 * writes for the same was looked at with version 2.6; tests/system/log.test runs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "worker/logline.h"

static struct logline l;

static struct shm_end
end4(const char *ip, uint16_t port)
{
	struct shm_end e = {.family = AF_INET, .port = port};

	assert_int_equal(inet_pton(AF_INET, ip, e.addr), 1);
	return e;
}

static int
setup(void **state)
{
	(void)state;
	setenv("TZ", "XXX-5:30", 1); /* 5:30 east */
	tzset();
	l = (struct logline){.client = end4("192.0.2.1", 5000),
	    .local = end4("127.0.0.1", 80),
	    .source = end4("10.0.0.255", 40000),
	    .server_at = end4("10.0.0.1", 9),
	    .accept_wall_us = 1700000000023456,
	    .id = 77,
	    .frontend = "fe",
	    .backend = "be",
	    .server = "s1",
	    .host = "h\"]\\o",
	    .pid = 4321,
	    .handshake_ms = 3,
	    .wait_ms = 0,
	    .connect_ms = 2,
	    .total_ms = 30,
	    .bytes_in = INT64_MAX,
	    .bytes_out = 4096,
	    .state = {'-', '-'},
	    .actconn = 4,
	    .feconn = 3,
	    .beconn = 2,
	    .srv_conn = 1,
	    .retries = 0,
	    .be_queue = 7};
	return 0;
}

static const char *
render(const char *format)
{
	static char line[LOGLINE_MOST];
	static struct logformat_op op[LOGFORMAT_OPS];
	struct logformat f;
	struct logformat_error error;
	size_t len;

	if (logformat_parse(format, op, &f, &error) == -1)
		fail_msg("%s: column %u: %s", format, error.column, error.text);
	memset(line, 'z', sizeof(line));
	len = logline_render(&f, &l, line, sizeof(line));
	assert_int_equal(len, strlen(line));
	return line;
}

/* Plain, and with +Q and +X; NULL: as plain. */
static void
every_variable(void **state)
{
	static const struct {
		const char *name, *plain, *quoted, *hex;
	} t[] = {
	    {"ci", "192.0.2.1", "\"192.0.2.1\"", "C0000201"},
	    {"cp", "5000", NULL, "1388"},
	    {"fi", "127.0.0.1", "\"127.0.0.1\"", "7F000001"},
	    {"fp", "80", NULL, "0050"},
	    {"bi", "10.0.0.255", "\"10.0.0.255\"", "0A0000FF"},
	    {"bp", "40000", NULL, "9C40"},
	    {"si", "10.0.0.1", "\"10.0.0.1\"", "0A000001"},
	    {"sp", "9", NULL, "0009"},
	    {"f", "fe", "\"fe\"", NULL},
	    {"ft", "fe", "\"fe\"", NULL},
	    {"b", "be", "\"be\"", NULL},
	    {"s", "s1", "\"s1\"", NULL},
	    {"t", "15/Nov/2023:03:43:20.023", NULL, NULL},
	    {"Tl", "15/Nov/2023:03:43:20 +0530", NULL, NULL},
	    {"T", "14/Nov/2023:22:13:20 +0000", NULL, NULL},
	    {"Ts", "1700000000", NULL, "6553F100"},
	    {"ms", "023", NULL, NULL},
	    {"Th", "3", NULL, NULL},
	    {"Tw", "0", NULL, NULL},
	    {"Tc", "2", NULL, NULL},
	    {"Td", "25", NULL, NULL},
	    {"Tt", "30", NULL, NULL},
	    {"Tu", "30", NULL, NULL},
	    {"B", "4096", NULL, NULL},
	    {"U", "9223372036854775807", NULL, NULL},
	    {"ts", "--", NULL, NULL},
	    {"tsc", "----", NULL, NULL},
	    {"ac", "4", NULL, NULL},
	    {"fc", "3", NULL, NULL},
	    {"bc", "2", NULL, NULL},
	    {"sc", "1", NULL, NULL},
	    {"rc", "0", NULL, NULL},
	    {"sq", "0", NULL, NULL},
	    {"bq", "7", NULL, NULL},
	    {"rt", "77", NULL, "004D"},
	    {"pid", "4321", NULL, "10E1"},
	    {"H", "h\"]\\o", "\"h\"]\\o\"", NULL},
	};
	char format[32];

	(void)state;
	assert_int_equal(sizeof(t) / sizeof(t[0]), LOGFORMAT_N - LOGFORMAT_SPACE - 1);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(format, sizeof(format), "%%%s", t[i].name);
		assert_string_equal(render(format), t[i].plain);
		snprintf(format, sizeof(format), "%%{+Q}%s", t[i].name);
		assert_string_equal(render(format), t[i].quoted ? t[i].quoted : t[i].plain);
		snprintf(format, sizeof(format), "%%{+X}%s", t[i].name);
		assert_string_equal(render(format), t[i].hex ? t[i].hex : t[i].plain);
	}
}

static void
what_is_not_known(void **state)
{
	(void)state;
	l.server = NULL;
	l.local.family = l.source.family = l.server_at.family = 0;
	l.wait_ms = l.connect_ms = -1;
	l.state[0] = 's';
	l.state[1] = 'Q';
	assert_string_equal(render("%s %bi:%bp %si:%sp %fi:%fp %Tw/%Tc/%Td %ts"),
	    "<NOSRV> -:- -:- -:- -1/-1/-1 sQ");
	assert_string_equal(render("%{+Q}o%s %bi:%bp"), "\"<NOSRV>\" \"\":\"\"");
	l.client = (struct shm_end){.family = AF_UNIX};
	assert_string_equal(render("%ci:%cp %{+X}ci"), "unix:0 unix");
	l.client.family = AF_INET6;
	memcpy(l.client.addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_string_equal(render("%ci %{+X}ci"), "2001:db8::1 20010DB8000000000000000000000001");
	l.retries = 2;
	l.redispatched = true;
	assert_string_equal(render("%rc"), "+2");
}

static void
blanks_and_flags(void **state)
{
	(void)state;
	assert_string_equal(render("  a \t b%{+Q}o %f  %{-Q}b  c%%\n"), "a b \"fe\" be c% ");
	assert_string_equal(
	    render("%{+E}H|%H|%{+E,+Q}H"), "h\\\"\\]\\\\o|h\"]\\o|\"h\\\"\\]\\\\o\"");
	assert_string_equal(render("%{+X,+Q}ci"), "C0000201");
}

static void
default_is_tcplog(void **state)
{
	char line[200];

	(void)state;
	logline_render(logformat_tcplog(), &l, line, sizeof(line));
	assert_string_equal(line, "192.0.2.1:5000 [15/Nov/2023:03:43:20.023] fe be/s1 0/2/30 4096 "
				  "-- 4/3/2/1/0 0/7");
	/* The second's text is made anew. */
	l.accept_wall_us += 1000000;
	logline_render(logformat_tcplog(), &l, line, sizeof(line));
	assert_non_null(strstr(line, ":03:43:21.023]"));
}

/* At every size: cut there, never longer. */
static void
cuts(void **state)
{
	static const char *const formats[] = {LOGFORMAT_TCPLOG,
	    "%{+Q,+E}o %H%H %{+X}ci %bi %si%fp %T %Tl %t %Ts %{+X}pid %U %tsc", "json"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct logformat_op op[LOGFORMAT_OPS];
		struct logformat f;
		struct logformat_error error;
		char whole[LOGLINE_MOST], *cut;
		size_t len;

		assert_int_equal(logformat_parse(formats[i], op, &f, &error), 0);
		len = logline_render(&f, &l, whole, sizeof(whole));
		for (size_t size = 1; size <= len + 1 && i < 2; size++) {
			cut = malloc(size); /* so that sanitizers see */
			assert_non_null(cut);
			assert_int_equal(logline_render(&f, &l, cut, size), size - 1);
			assert_memory_equal(cut, whole, size - 1);
			assert_int_equal(cut[size - 1], '\0');
			free(cut);
		}
		assert_true(len > 60);
	}
}

static void
json(void **state)
{
	(void)state;
	assert_string_equal(render("json"),
	    "{\"accepted\":\"2023-11-15T03:43:20.023456+05:30\",\"session\":77,\"frontend\":\"fe\","
	    "\"backend\":\"be\",\"server\":\"s1\",\"client_ip\":\"192.0.2.1\",\"client_port\":5000,"
	    "\"frontend_ip\":\"127.0.0.1\",\"frontend_port\":80,\"source_ip\":\"10.0.0.255\","
	    "\"source_port\":40000,\"server_ip\":\"10.0.0.1\",\"server_port\":9,\"state\":\"--\","
	    "\"bytes_in\":9223372036854775807,\"bytes_out\":4096,\"handshake_ms\":3,\"wait_ms\":0,"
	    "\"connect_ms\":2,"
	    "\"total_ms\":30,\"actconn\":4,\"feconn\":3,\"beconn\":2,\"srv_conn\":1,\"retries\":0,"
	    "\"redispatched\":0,\"be_queue\":7}");
	l.server = NULL;
	l.source.family = l.server_at.family = l.local.family = 0;
	l.client = (struct shm_end){.family = AF_UNIX};
	assert_non_null(
	    strstr(render("json"), "\"backend\":\"be\",\"client_ip\":\"unix\",\"state\""));
}

/* People rely on the names. */
static void
fields_are_in_the_manual(void **state)
{
	static char manual[200000];
	struct log_field f[LOGLINE_FIELDS];
	struct logline_room room;
	FILE *file = fopen("doc/vipd.conf.5", "r");
	const char *at, *end;
	size_t n;

	(void)state;
	assert_non_null(file);
	n = fread(manual, 1, sizeof(manual) - 1, file);
	fclose(file);
	manual[n] = '\0';
	at = strstr(manual, ".It sessions\n");
	assert_non_null(at);
	end = strstr(at, ".El\n");
	assert_non_null(end);
	n = logline_fields(&l, f, &room);
	assert_int_equal(n, 27);
	for (size_t i = 0; i < n; i++) {
		const char *found = strstr(at, f[i].name);

		if (found == NULL || found > end)
			fail_msg("%s is not in the manual", f[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(every_variable, setup),
	    cmocka_unit_test_setup(what_is_not_known, setup),
	    cmocka_unit_test_setup(blanks_and_flags, setup),
	    cmocka_unit_test_setup(default_is_tcplog, setup),
	    cmocka_unit_test_setup(cuts, setup),
	    cmocka_unit_test_setup(json, setup),
	    cmocka_unit_test_setup(fields_are_in_the_manual, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
