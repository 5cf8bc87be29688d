/* SPDX-License-Identifier: ISC */
/* From a configuration's log targets to a process'. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "conf/targets.h"

static const char text[] = "global = { log_tag = \"lb\"; log = ("
			   "{ address = \"stderr\"; level = \"err\"; },"
			   "{ address = \"stderr\"; format = \"rfc3164\"; },"
			   "{ address = \"192.0.2.1\"; facility = \"local0\"; len = 2000; },"
			   "{ address = \"192.0.2.2\"; format = \"rfc5424\"; },"
			   "{ address = \"stderr\"; format = \"journal\"; }, \"journal\"); };\n";

static int
fd_of(void *ctx, const char *address)
{
	const char *absent = ctx;

	if (strcmp(address, absent) != 0)
		return 77;
	errno = ENOENT;
	return -1;
}

static struct conf *
read_conf(const char *s)
{
	struct conf_msgs msgs = {0};
	struct conf *c = conf_read_text(s, strlen(s), "t", &msgs);

	assert_non_null(c);
	conf_msgs_free(&msgs);
	return c;
}

static void
all_of_them(void **state)
{
	/* The journal's own protocol is for its socket alone; stderr's lines have an end. */
	static const enum log_format formats[] = {
	    LOG_PLAIN, LOG_RFC3164, LOG_LOCAL, LOG_RFC5424, LOG_SHORT, LOG_JOURNAL};
	static const int fds[] = {2, 2, 77, 77, 2, 77};
	struct log_target t[LOG_TARGETS_MAX];
	const struct conf_log *missing;
	struct conf *c = read_conf(text);

	(void)state;
	assert_int_equal(conf_targets(&c->global, fd_of, (void *)(uintptr_t) "", t, &missing), 6);
	assert_null(missing);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(t[i].format, formats[i]);
		assert_int_equal(t[i].fd, fds[i]);
		assert_int_equal(t[i].lines, fds[i] == 2);
		assert_string_equal(t[i].tag, "lb");
	}
	assert_int_equal(t[0].level, LOG_ERR);
	assert_int_equal(t[2].facility, 16);
	assert_int_equal(t[2].len, 2000);
	assert_int_equal(t[3].len, 1024);
	assert_int_equal(t[5].len, 4096);
	assert_int_equal(c->global.logs[5].to.family, AF_UNIX);
	assert_string_equal(t[2].name, "192.0.2.1");
	conf_free(c);
}

static void
one_without_descriptor(void **state)
{
	struct log_target t[LOG_TARGETS_MAX];
	const struct conf_log *missing;
	struct conf *c = read_conf(text);
	void *absent = (void *)(uintptr_t) "192.0.2.1";

	(void)state;
	assert_int_equal(conf_targets(&c->global, fd_of, absent, t, NULL), 5);
	assert_string_equal(t[2].name, "192.0.2.2");
	assert_int_equal(conf_targets(&c->global, fd_of, absent, t, &missing), 2);
	assert_string_equal(missing->address, "192.0.2.1");
	assert_int_equal(errno, ENOENT);
	conf_free(c);
}

static void
none_is_stderr(void **state)
{
	struct log_target t[LOG_TARGETS_MAX];
	struct conf *c = read_conf("global = { };\n");

	(void)state;
	assert_int_equal(conf_targets(&c->global, fd_of, (void *)(uintptr_t) "", t, NULL), 1);
	assert_int_equal(t[0].format, LOG_PLAIN);
	assert_int_equal(t[0].fd, 2);
	conf_free(c);
}

static void
host_name(void **state)
{
	static const struct {
		const char *value, *host;
		enum log_format format;
	} t[] = {
	    {"true", "", LOG_RFC3164}, {"false", "", LOG_LOCAL}, {"\"n1\"", "n1", LOG_RFC3164}};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct log_target v[LOG_TARGETS_MAX];
		char conf[128];
		struct conf *c;

		snprintf(conf, sizeof(conf),
		    "global = { log = \"192.0.2.1\"; log_send_hostname = %s; };\n", t[i].value);
		c = read_conf(conf);
		conf_targets(&c->global, fd_of, (void *)(uintptr_t) "", v, NULL);
		assert_int_equal(v[0].format, t[i].format);
		assert_string_equal(v[0].host, t[i].host);
		conf_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_of_them),
	    cmocka_unit_test(one_without_descriptor),
	    cmocka_unit_test(none_is_stderr),
	    cmocka_unit_test(host_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
