/* SPDX-License-Identifier: ISC */
/* log_format: every variable, flags, and the column of every error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "conf/logformat.h"

static struct logformat_op op[LOGFORMAT_OPS];
static struct logformat f;
static struct logformat_error error;

static void
good(const char *text)
{
	if (logformat_parse(text, op, &f, &error) == -1)
		fail_msg("%s: column %u: %s", text, error.column, error.text);
	assert_ptr_equal(f.op, op);
}

static void
every_variable(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = LOGFORMAT_SPACE + 1; i < LOGFORMAT_N; i++, n++) {
		char text[32];

		snprintf(text, sizeof(text), "%%%s,%%{+X}%s", logformat_name(i), logformat_name(i));
		good(text);
		assert_int_equal(f.n, 3);
		assert_int_equal(op[0].what, i);
		assert_int_equal(op[0].flags, 0);
		assert_int_equal(op[1].what, LOGFORMAT_TEXT);
		assert_int_equal(op[1].len, 1);
		assert_int_equal(op[1].text[0], ',');
		assert_int_equal(op[2].what, i);
		assert_int_equal(op[2].flags, LOGFORMAT_HEX);
		assert_true(logformat_meaning(i)[0] != '\0');
		/* Those for which a socket has to be asked. */
		assert_int_equal(f.ends, strlen(logformat_name(i)) == 2 &&
					     strchr("bf", logformat_name(i)[0]) != NULL &&
					     strchr("ip", logformat_name(i)[1]) != NULL);
		for (unsigned k = i + 1; k < LOGFORMAT_N; k++)
			assert_string_not_equal(logformat_name(i), logformat_name(k));
	}
	assert_true(n >= 37);
}

static void
parts(void **state)
{
	static const unsigned char want[] = {LOGFORMAT_SPACE, LOGFORMAT_TEXT, LOGFORMAT_SPACE,
	    LOGFORMAT_CLIENT_IP, LOGFORMAT_TEXT, LOGFORMAT_TEXT, LOGFORMAT_FRONTEND,
	    LOGFORMAT_BACKEND, LOGFORMAT_SERVER, LOGFORMAT_SPACE};

	(void)state;
	good(" a \t %{+Q,+X,-E}ci%%b%{+E}o%{-E, +X}f%b%{}s\t");
	assert_int_equal(f.n, sizeof(want));
	for (unsigned i = 0; i < f.n; i++)
		assert_int_equal(op[i].what, want[i]);
	assert_int_equal(op[3].flags, LOGFORMAT_QUOTE | LOGFORMAT_HEX);
	assert_int_equal(op[4].text[0], '%');
	assert_int_equal(op[6].flags, LOGFORMAT_HEX);
	assert_int_equal(op[7].flags, LOGFORMAT_ESCAPE);
	assert_int_equal(op[8].flags, LOGFORMAT_ESCAPE);
	assert_false(f.json);
	good("json");
	assert_true(f.json);
	good("json ");
	assert_false(f.json);
	good(LOGFORMAT_TCPLOG);
	assert_int_equal(logformat_tcplog()->n, f.n);
	assert_false(logformat_tcplog()->ends);
}

static void
errors(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
		const char *word;
	} t[] = {
	    {"", 1, "empty"},
	    {"%xx", 1, "no variable %xx"},
	    {"a %ci %cims", 7, "no variable %cims"},
	    {"%Tw1", 1, "no variable %Tw1"},
	    {"%", 1, "without a variable"},
	    {"ab % c", 4, "without a variable"},
	    {"%ci-%-", 5, "without a variable"},
	    {"%{+Q}", 1, "without a variable"},
	    {"x%[src]", 2, "expressions"},
	    {"x%{+Q}[src]", 2, "expressions"},
	    {"%ci %{+Q", 6, "{ without }"},
	    {"%{+Z}ci", 4, "flags are Q, X and E"},
	    {"%{Q}ci", 3, "begins with + or -"},
	    {"%{+Q+X}ci", 5, "comma"},
	    {"%{+Q,}ci", 5, "comma"},
	    {"%ST", 1, "HTTP"},
	    {"%ci %HM", 5, "HTTP"},
	    {"%Tr", 1, "HTTP"},
	    {"%tr", 1, "HTTP"},
	    {"%hrl", 1, "HTTP"},
	    {"%sslv", 1, "TLS"},
	    {"%ID", 1, "unique-id-format"},
	    {"%lc", 1, "lines are not counted"},
	};
	char many[2 * LOGFORMAT_OPS + 3], big[LOGFORMAT_MOST + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (logformat_parse(t[i].text, op, &f, &error) == 0)
			fail_msg("%s is taken", t[i].text);
		if (error.column != t[i].column || strstr(error.text, t[i].word) == NULL)
			fail_msg("%s: column %u: %s", t[i].text, error.column, error.text);
	}
	for (int i = 0; i <= LOGFORMAT_OPS; i++)
		memcpy(many + 2 * i, "%f", 2);
	many[2 * LOGFORMAT_OPS] = '\0';
	good(many);
	many[2 * LOGFORMAT_OPS] = '%';
	many[2 * LOGFORMAT_OPS + 2] = '\0';
	assert_int_equal(logformat_parse(many, op, &f, &error), -1);
	assert_int_equal(error.column, 2 * LOGFORMAT_OPS + 1);
	memset(big, 'a', sizeof(big) - 1);
	big[LOGFORMAT_MOST] = '\0';
	good(big);
	big[LOGFORMAT_MOST] = 'a';
	big[LOGFORMAT_MOST + 1] = '\0';
	assert_int_equal(logformat_parse(big, op, &f, &error), -1);
	assert_int_equal(error.column, LOGFORMAT_MOST + 1);
}

/* In a file: the line, the setting and the column; defaults hold for frontends without one. */
static void
in_a_file(void **state)
{
	static const char wrong[] =
	    "frontends = { f = { bind = \":80\"; default_backend = \"b\";\n"
	    "log_format = \"%ci %zz\"; }; };\n"
	    "backends = { b = { servers = { s = \"192.0.2.1:80\"; }; }; };\n";
	static const char right[] =
	    "defaults = { log_format = \"%ci\"; };\n"
	    "frontends = { f = { bind = \":80\"; default_backend = \"b\"; };\n"
	    "g = { bind = \":81\"; default_backend = \"b\"; log_format = \"json\"; }; };\n"
	    "backends = { b = { servers = { s = \"192.0.2.1:80\"; }; }; };\n";
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(wrong, strlen(wrong), "t", &m);

	(void)state;
	assert_null(c);
	assert_int_equal(m.n_errors, 1);
	assert_int_equal(m.v[0].where.line, 2);
	assert_non_null(strstr(m.v[0].text, "log_format: column 5: there is no variable %zz"));
	conf_msgs_free(&m);
	c = conf_read_text(right, strlen(right), "t", &m);
	assert_non_null(c);
	assert_string_equal(c->frontends[0].log_format, "%ci");
	assert_int_equal(c->frontends[0].log_program->n, 1);
	assert_int_equal(c->frontends[0].log_program->op[0].what, LOGFORMAT_CLIENT_IP);
	assert_true(c->frontends[1].log_program->json);
	conf_free(c);
	conf_msgs_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_variable),
	    cmocka_unit_test(parts),
	    cmocka_unit_test(errors),
	    cmocka_unit_test(in_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
