/* SPDX-License-Identifier: ISC */
/*
 * conf: no change is silent. Every row of the table of settings is changed alone, in an object of
 * its scope; the comparison has to name it, and a reload has to refuse it exactly when the row says
 * that it needs a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/diff.h"
#include "conf/manual.h"
#include "conf/table.h"

static const char text[] =
    "global = { log = { address = \"stderr\"; }; control = \"/run/c\"; };"
    "frontends = { f = { bind = \":80\"; default_backend = \"b\"; };"
    " m = { mode = \"http\"; bind = \":81\"; monitor_uri = \"/m\"; }; };"
    "backends = { b = { check = { type = \"http\"; };"
    " servers = { s = { address = \"192.0.2.1:80\"; }; }; }; };"
    "vrrp = { scripts = { t = \"/bin/true\"; };"
    " instances = { v = { virtual_router_id = 7; interface = \"eth0\";"
    " virtual_ipaddress = \"192.0.2.100\"; auth_type = \"PASS\"; auth_pass = \"one\"; }; }; };";

struct world {
	struct conf *old;
	struct conf *now;
	unsigned rows;
};

static struct conf *
read_it(void)
{
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(text, strlen(text), "t", &m);

	conf_msgs_print(&m, stderr);
	assert_non_null(c);
	conf_msgs_free(&m);
	return c;
}

struct said {
	const char *want;
	unsigned lines;
	bool found;
};

static void
look(void *ctx, const char *line)
{
	struct said *s = ctx;

	s->lines++;
	s->found |= strstr(line, s->want) != NULL;
}

static void
expect_said(struct world *w, const struct conf_scope *scope, const struct conf_key *k)
{
	struct said s = {.want = k->name};
	char reason[512] = "";
	bool refused;

	conf_diff(w->old, w->now, look, &s);
	if (!s.found)
		fail_msg("a change of %s.%s is silent (%u lines)", scope->name, k->name, s.lines);
	refused = conf_diff_refused(w->old, w->now, reason, sizeof(reason));
	if (refused != ((k->flags & F_RESTART) != 0))
		fail_msg("%s.%s: restart needed, but not refused, or the reverse: %s", scope->name,
		    k->name, reason);
	if (refused && strstr(reason, k->name) == NULL)
		fail_msg("%s.%s: not named in: %s", scope->name, k->name, reason);
	w->rows++;
}

static int64_t
another(const struct conf_key *k, int64_t v)
{
	switch (k->kind) {
	case K_BOOL:
		return !v;
	case K_ENUM:
		return v == 0 ? 1 : 0;
	case K_FILEMODE:
		return v == 0600 ? 0640 : 0600;
	default:
		return v == k->max ? v - 1 : v + 1;
	}
}

static void
change_string(struct world *w, const struct conf_scope *scope, const struct conf_key *k, void *obj)
{
	const char **at = key_string(k, obj), *before = *at;

	*at = before != NULL && strcmp(before, "zzz") == 0 ? "yyy" : "zzz";
	expect_said(w, scope, k);
	if (before != NULL) {
		*at = NULL;
		expect_said(w, scope, k);
	}
	*at = before;
}

static void
change_strings(struct world *w, const struct conf_scope *scope, const struct conf_key *k, void *obj)
{
	struct conf_strings *v = (void *)((char *)obj + k->offset), before = *v;
	const char *more[] = {"one", "two"};

	*v = (struct conf_strings){2, more};
	expect_said(w, scope, k);
	*v = before;
}

static void
walk(struct world *w, const struct conf_scope *scope, void *obj)
{
	for (size_t i = 0; i < scope->n; i++) {
		const struct conf_key *k = &scope->keys[i];
		int64_t v;

		if ((k->flags & (F_INPUT | F_NODIFF)) != 0)
			continue;
		switch (k->kind) {
		case K_GROUP:
			walk(w, k->scope, (char *)obj + k->offset);
			break;
		case K_CUSTOM:
			if (k->scope == &scope_check)
				walk(w, k->scope, (char *)obj + k->offset);
			break;
		case K_STRING:
			change_string(w, scope, k, obj);
			break;
		case K_STRINGS:
			change_strings(w, scope, k, obj);
			break;
		default:
			v = key_get(k, obj);
			key_set(k, obj, another(k, v));
			expect_said(w, scope, k);
			key_set(k, obj, v);
		}
	}
}

static void
every_row(void **state)
{
	struct world w = {read_it(), read_it(), 0};

	(void)state;
	walk(&w, &scope_global, &w.now->global);
	walk(&w, &scope_control, &w.now->global.controls[0]);
	walk(&w, &scope_frontend, &w.now->frontends[0]);
	walk(&w, &scope_backend, &w.now->backends[0]);
	walk(&w, &scope_server, &w.now->backends[0].servers[0]);
	walk(&w, &scope_vrrp, &w.now->vrrp);
	walk(&w, &scope_script, &w.now->vrrp.scripts[0]);
	walk(&w, &scope_instance, &w.now->vrrp.routers[0]);
	print_message("%u changes\n", w.rows);
	assert_true(w.rows > 100);
	conf_free(w.old);
	conf_free(w.now);
}

/* The section RELOAD of the manual names them, in this order, and nothing else. */
static void
manual_lists(const char *want)
{
	static const char more[] = "global.control global.workers ";
	char *page = NULL, *at, *end, got[1024] = "";
	size_t n;
	FILE *f = open_memstream(&page, &n);

	assert_non_null(f);
	assert_int_equal(manual_write(f), 0);
	fclose(f);
	at = strstr(page, ".Sh RELOAD\n");
	assert_non_null(at);
	end = strstr(at + 1, ".Sh ");
	assert_non_null(end);
	*end = '\0';
	while ((at = strstr(at, "\n.Ic ")) != NULL) {
		at += strlen("\n.Ic ");
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ",
		    (int)strcspn(at, " \n"), at);
	}
	assert_int_equal(strncmp(got, want, strlen(want)), 0);
	assert_string_equal(got + strlen(want), more);
	free(page);
}

/* The list is written out on purpose: whoever adds a setting that needs a restart adds it here. */
static void
restart_list(void **state)
{
	static const char want[] = "global.user global.group global.state_dir global.max_servers "
				   "global.max_backends global.max_frontends ";
	char got[1024] = "";

	(void)state;
	for (size_t i = 0; conf_scopes[i] != NULL; i++) {
		const struct conf_scope *s = conf_scopes[i];

		for (size_t k = 0; k < s->n; k++)
			if ((s->keys[k].flags & F_RESTART) != 0)
				snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s.%s ",
				    s->name, s->keys[k].name);
	}
	assert_string_equal(got, want);
	manual_lists(want);
}

/* What is no plain value: one change of each, as text. */
static void
every_custom(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *want;
	} t[] = {
	    {"\"stderr\"", "\"127.0.0.1:514\"", "log"},
	    {"address = \"stderr\";", "address = \"stderr\"; level = \"err\";", "log"},
	    {"control = ", "log_send_hostname = true; control = ", "log_send_hostname"},
	    {"\"/run/c\"", "( \"/run/c\", \"127.0.0.1:9\" )", "control socket 127.0.0.1:9 added"},
	    {"default_backend = \"b\";", "default_backend = \"b\"; allow = \"192.0.2.0/24\";",
		"allow"},
	    {"default_backend = \"b\";", "default_backend = \"b\"; log_format = \"%ci\";",
		"log_format"},
	    {"default_backend = \"b\";",
		"default_backend = \"b\"; rules = ( { tls = false; action = \"reject\"; } );",
		"rules"},
	    {"monitor_uri = \"/m\";", "monitor_uri = \"/m\"; monitor_fail = \"b\";",
		"monitor_fail"},
	    {"bind = \":80\"", "bind = \":82\"", "bind f/0.0.0.0:82 added"},
	    {"type = \"http\";", "type = \"http\"; status = 204;", "check.status"},
	    {"type = \"http\";", "type = \"http\"; headers = \"A: b\";", "check.headers"},
	    {"192.0.2.1:80", "192.0.2.2:80", "server b/s 192.0.2.2:80 added"},
	    {"\"192.0.2.100\"", "\"192.0.2.101\"", "virtual_ipaddress"},
	    {"\"192.0.2.100\"", "{ address = \"192.0.2.100\"; dev = \"eth1\"; }",
		"virtual_ipaddress"},
	    {"auth_type =", "track = { backend = \"b\"; }; auth_type =", "track"},
	    {"auth_type =", "unicast_peer = \"192.0.2.9\"; auth_type =", "unicast_peer"},
	    {"auth_type =", "unicast_src_ip = \"192.0.2.8\"; auth_type =", "unicast_src_ip"},
	    {"auth_pass = \"one\"", "auth_pass = \"two\"", "auth_pass"},
	    {"/bin/true", "/bin/false", "script"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct said s = {.want = t[i].want};
		const char *at = strstr(text, t[i].from);
		struct conf *old = read_it(), *now;
		struct conf_msgs m = {0};
		char changed[2048];

		assert_non_null(at);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, t[i].to,
		    at + strlen(t[i].from));
		now = conf_read_text(changed, strlen(changed), "t", &m);
		conf_msgs_print(&m, stderr);
		assert_non_null(now);
		conf_diff(old, now, look, &s);
		if (!s.found)
			fail_msg("%s -> %s: silent about %s", t[i].from, t[i].to, t[i].want);
		conf_msgs_free(&m);
		conf_free(old);
		conf_free(now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row),
	    cmocka_unit_test(every_custom),
	    cmocka_unit_test(restart_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
