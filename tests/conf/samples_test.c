/* SPDX-License-Identifier: ISC */
/* conf: every sample file parses without a word, and prints to a text that reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "tests/lib/conf_text.h"

static void
round_trip(const struct conf *c)
{
	for (enum conf_reader r = CONF_FOR_ALL; r <= CONF_FOR_HUMAN; r++) {
		struct conf_msgs m = {0};
		char *a = conf_text(c, r), *b;
		struct conf *again = conf_read_text(a, strlen(a), "text", &m);

		if (again == NULL) {
			fputs(a, stderr);
			conf_msgs_print(&m, stderr);
		}
		assert_non_null(again);
		b = conf_text(again, r);
		assert_string_equal(a, b);
		conf_free(again);
		conf_msgs_free(&m);
		free(a);
		free(b);
	}
}

static size_t
read_for(const char *path, const struct conf_host *host, char name[64], size_t member)
{
	struct conf_msgs m = {0};
	struct conf *c = conf_read_file(path, host, &m);
	size_t n;

	if (c == NULL || m.n != 0)
		conf_msgs_print(&m, stderr);
	assert_non_null(c);
	if (c == NULL)
		return 0;
	assert_int_equal(m.n, 0);
	conf_msgs_free(&m);
	round_trip(c);
	n = c->vrrp.n_members;
	assert_true(host == NULL || n == 0 || c->vrrp.n_routers > 0);
	if (member < n)
		snprintf(name, 64, "%s", c->vrrp.members[member].name);
	conf_free(c);
	return n;
}

/* Once without a host, then for each of its members. */
static void
sample(const char *path)
{
	char name[64], next[64];
	struct conf_host host = {.member = name};
	size_t n = read_for(path, NULL, name, 0);

	for (size_t i = 0; i < n; i++) {
		read_for(path, &host, next, i + 1);
		memcpy(name, next, sizeof(name));
	}
}

static void
samples(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("conf/*.conf", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 3);
	for (size_t i = 0; i < g.gl_pathc; i++)
		sample(g.gl_pathv[i]);
	globfree(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(samples)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
