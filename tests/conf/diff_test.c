/* SPDX-License-Identifier: ISC */
/* conf: what a reload changes, and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/diff.h"

static struct conf *
read_text(const char *text)
{
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(text, strlen(text), "t", &m);

	conf_msgs_print(&m, stderr);
	assert_non_null(c);
	conf_msgs_free(&m);
	return c;
}

static void
collect(void *ctx, const char *text)
{
	fprintf(ctx, "%s\n", text);
}

static void
expect(const char *a, const char *b, const char *want)
{
	struct conf *old = read_text(a), *now = read_text(b);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	conf_diff(old, now, collect, f);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
	conf_free(old);
	conf_free(now);
}

#define A "backends = { b = { servers = { s1 = \"192.0.2.1:80\"; s2 = \"192.0.2.2:80\"; }; }; };"
#define F "frontends = { f = { bind = [ \":80\", \":81\" ]; default_backend = \"b\"; }; };"

static void
nothing(void **state)
{
	(void)state;
	expect(A F, A F, "");
	expect("", "", "");
	/* Another way to write the same. */
	expect(A,
	    "backends = ( { name = \"b\"; servers = { s1 = { address = \"192.0.2.1:80\"; weight = "
	    "1; };"
	    " s2 = \"192.0.2.2:80\"; }; } );",
	    "");
}

static void
settings(void **state)
{
	(void)state;
	expect("global = { maxconn = 5; control = \"/a\"; };",
	    "global = { maxconn = 6; control = "
	    "{ path = \"/a\"; level = \"admin\"; }; };",
	    "global: maxconn 5 -> 6\ncontrol socket /a: level \"operator\" -> \"admin\"\n");
	expect("global = { control = ( \"/a\", \"127.0.0.1:9\" ); };",
	    "global = { control = [ \"/a\", \"fd@3\" ]; };",
	    "control socket 127.0.0.1:9 removed\ncontrol socket fd@3 added\n");
	expect("global = { log = \"stderr\"; };",
	    "global = { log = { address = \"stderr\"; level = \"err\"; }; };",
	    "global: log changed\n");
	expect("backends = { b = { timeout = { connect = \"1s\"; }; }; };",
	    "backends = { b = { timeout = { connect = \"2s\"; }; redispatch = false; }; };",
	    "backend b: timeout.connect \"1s\" -> \"2s\"\nbackend b: timeout.queue \"1s\" -> "
	    "\"2s\"\n"
	    "backend b: redispatch true -> false\n");
	expect("backends = { b = { servers = { s = { address = \"192.0.2.1:80\"; }; }; }; };",
	    "backends = { b = { servers = { s = { address = \"192.0.2.1:80\"; weight = 5;"
	    " check = { type = \"http\"; host = \"x\"; status = 204; }; }; }; }; };",
	    "server b/s 192.0.2.1:80: weight 1 -> 5\n"
	    "server b/s 192.0.2.1:80: check.type \"tcp\" -> \"http\"\n"
	    "server b/s 192.0.2.1:80: check.host none -> \"x\"\n"
	    "server b/s 192.0.2.1:80: check.status changed\n");
}

static void
objects(void **state)
{
	(void)state;
	expect(A F,
	    "backends = { b = { servers = { s1 = \"192.0.2.1:80\"; s2 = \"192.0.2.9:80\";"
	    " s3 = \"192.0.2.3:80\"; }; }; c = { }; };"
	    "frontends = { f = { bind = [ \":81\", \":82\" ]; default_backend = \"c\"; };"
	    " g = { bind = \":90\"; default_backend = \"b\"; }; };",
	    "frontend f: default_backend changed\n"
	    "bind f/0.0.0.0:80 removed\n"
	    "bind f/0.0.0.0:82 added\n"
	    "frontend g added\n"
	    "server b/s2 192.0.2.2:80 removed\n"
	    "server b/s2 192.0.2.9:80 added\n"
	    "server b/s3 192.0.2.3:80 added\n"
	    "backend c added\n");
	expect(A F, "", "frontend f removed\nbackend b removed\n");
}

#define V(x)                                                                        \
	"vrrp = { instances = { v = { virtual_router_id = 7; interface = \"eth0\";" \
	" virtual_ipaddress = \"192.0.2.100\"; auth_type = \"PASS\"; " x " }; }; };"

static void
routers(void **state)
{
	(void)state;
	expect(V("auth_pass = \"one\";"), V("auth_pass = \"two\"; priority = 50;"),
	    "vrrp instance v: priority 100 -> 50\n"
	    "vrrp instance v: authentication.auth_pass changed\n");
}

static void
refused(void **state)
{
	struct conf *a = read_text("global = { workers = 1; user = \"a\"; control = \"/a\"; };");
	struct conf *b =
	    read_text("global = { workers = 2; user = \"b\"; control = \"/b\"; maxconn = 9; };");
	struct conf *c =
	    read_text("global = { workers = 1; user = \"a\"; control = \"/a\"; maxconn = 9; };");
	char reason[256] = "";

	(void)state;
	assert_true(conf_diff_refused(a, b, reason, sizeof(reason)));
	assert_non_null(strstr(reason, "user, control (its first path);"));
	assert_false(conf_diff_refused(a, c, reason, sizeof(reason)));
	conf_free(a);
	conf_free(b);
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(settings),
	    cmocka_unit_test(objects),
	    cmocka_unit_test(routers),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
