/* SPDX-License-Identifier: ISC */
/* conf: reading, messages with their lines, printing and reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/lib/conf_text.h"

static const char *const sample =
    "global = {\n"
    "  workers = 2; maxconn = 2000;\n"
    "  log = ( \"stderr\", { address = \"127.0.0.1\"; facility = \"local0\"; level = \"err\"; } "
    ");\n"
    "  control = \"/run/vipd/control.sock\"; hard-stop-after = \"90s\"; user = \"a\\\"b\\\\c\";\n"
    "};\n"
    "defaults = { timeout = { connect = \"3s\"; client = \"50s\"; check = \"700ms\"; };\n"
    "             check = { inter = \"1s\"; }; tcpka = { idle = \"30s\"; }; };\n"
    "frontends = {\n"
    "  mon = { mode = \"http\"; bind = \":8404\"; monitor_uri = \"/m\"; monitor_fail = \"api\"; "
    "};\n"
    "  api = { bind = [ \"0.0.0.0:6443\", \"127.0.0.1:6443\", \"[::1]:6443\" ];\n"
    "          default-backend = \"api\"; allow = [ \"192.0.2.0/24\", \"2001:db8::/32\" ];\n"
    "          deny = ( \"all\" ); };\n"
    "};\n"
    "backends = {\n"
    "  api = { check = { type = \"kubernetes\"; rise = 1; headers = \"Authorization: Bearer x\"; "
    "};\n"
    "          default_server = { weight = 100; slowstart = \"60s\"; };\n"
    "          servers = { a = \"192.0.2.1:6443\";\n"
    "                      b = { address = \"192.0.2.2:6443\"; weight = 50;\n"
    "                            check = { type = \"http\"; status = [ 200, 301 ]; }; };\n"
    "                      c = { address = \"192.0.2.3:6443\"; check = false; slowstart = 0; }; }; "
    "};\n"
    "  tls = { check = { type = \"https\"; ca_file = \"/ca\"; }; servers = { t = \"192.0.2.9:1\"; "
    "}; };\n"
    "  two = { servers = ( { name = \"1\"; address = \"[2001:db8::1]:80\"; id = 7; },\n"
    "                      { name = \"2\"; address = \"/run/x.sock\"; } ); };\n"
    "  from = { srvtcpka = { idle = \"7s\"; };\n"
    "           default_server = { source = \"192.0.2.8:1000-1999\"; send-proxy-v2 = true; };\n"
    "           servers = { a = { address = \"192.0.2.1:1\"; send_proxy_v2 = false; tcpka = "
    "false;\n"
    "                             source = \"192.0.2.8\"; interface = \"eth0\"; };\n"
    "                       b = { address = \"192.0.2.1:2\"; tcp_user_timeout = 0; }; }; };\n"
    "};\n";

static struct conf *
read_ok(const char *text)
{
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(text, strlen(text), "t", &m);

	if (m.n != 0)
		conf_msgs_print(&m, stderr);
	assert_non_null(c);
	assert_int_equal(m.n, 0);
	conf_msgs_free(&m);
	return c;
}

static void
values(void **state)
{
	struct conf *c = read_ok(sample);
	const struct conf_backend *b = &c->backends[0];

	(void)state;
	assert_int_equal(c->global.workers, 2);
	assert_int_equal(c->global.hard_stop_after_ms, 90000);
	assert_string_equal(c->global.user, "a\"b\\c");
	assert_int_equal(c->global.n_logs, 2);
	assert_int_equal(c->global.logs[0].format, LOG_PLAIN);
	assert_int_equal(c->global.logs[1].format, LOG_LOCAL);
	assert_int_equal(sock_addr_port(&c->global.logs[1].to), 514);
	assert_int_equal(c->global.logs[1].facility, 16);
	assert_int_equal(c->global.logs[1].level, 3);
	assert_int_equal(c->n_frontends, 2);
	assert_int_equal(c->frontends[0].timeout_client_ms, 50000);
	assert_int_equal(c->frontends[0].monitor_fail[0], 0);
	assert_int_equal(c->frontends[0].default_backend, CONF_NONE);
	assert_int_equal(c->frontends[1].n_binds, 3);
	assert_string_equal(c->frontends[0].binds[0].name, "0.0.0.0:8404");
	assert_int_equal(c->frontends[1].n_access, 2);
	assert_int_equal(c->frontends[1].access[0].n_nets, 2);
	assert_int_equal(c->frontends[1].keepalive.idle_s, 30);
	assert_int_equal(b->keepalive.idle_s, 30);
	assert_int_equal(b->timeout_connect_ms, 3000);
	assert_int_equal(b->timeout_queue_ms, 3000);
	assert_int_equal(b->timeout_server_ms, 3600000);
	b = &c->backends[conf_find_backend(c, "from")];
	assert_int_equal(b->servers[0].from.addr.in.sin_port, 0);
	assert_string_equal(b->servers[0].from.interface, "eth0");
	assert_false(b->servers[0].send_proxy_v2);
	assert_false(b->servers[0].keepalive.on);
	assert_int_equal(b->servers[0].keepalive.idle_s, 60);
	assert_int_equal(b->servers[0].tcp_user_timeout_ms, -1);
	assert_int_equal(sock_addr_port(&b->servers[1].from.addr), 1000);
	assert_int_equal(b->servers[1].from.last, 1999);
	assert_true(b->servers[1].send_proxy_v2);
	assert_int_equal(b->servers[1].keepalive.idle_s, 7);
	assert_int_equal(b->servers[1].tcp_user_timeout_ms, 0);
	b = &c->backends[0];
	assert_int_equal(b->servers[0].weight, 100);
	assert_int_equal(b->servers[0].check.type, CONF_CHECK_KUBERNETES);
	assert_int_equal(b->servers[0].check.inter_ms, 1000);
	assert_int_equal(b->servers[0].check.timeout_ms, 700);
	assert_int_equal(b->servers[0].check.rise, 1);
	assert_string_equal(b->servers[0].check.uri, "/readyz");
	assert_false(b->servers[0].check.verify);
	assert_int_equal(b->servers[0].check.status[0].to, 200);
	assert_string_equal(b->servers[1].check.uri, "/");
	assert_true(b->servers[1].check.verify);
	assert_int_equal(b->servers[1].check.n_status, 2);
	assert_int_equal(b->servers[1].weight, 50);
	assert_false(b->servers[2].check.on);
	assert_int_equal(b->servers[2].slowstart_ms, 0);
	assert_int_equal(c->backends[2].servers[0].id, 7);
	assert_int_equal(c->backends[2].servers[1].id, 2);
	assert_int_equal(c->backends[2].servers[1].addr.family, AF_UNIX);
	conf_free(c);
}

static void
fixed_point(void **state)
{
	struct conf *c = read_ok(sample);

	(void)state;
	for (enum conf_reader r = CONF_FOR_ALL; r <= CONF_FOR_HUMAN; r++) {
		char *a = conf_text(c, r), *b;
		struct conf *again = read_ok(a);

		b = conf_text(again, r);
		assert_string_equal(a, b);
		assert_true(
		    (strstr(a, "Bearer") != NULL) == (r == CONF_FOR_ALL || r == CONF_FOR_CHECKER));
		assert_true((strstr(a, "frontends") != NULL) ==
			    (r != CONF_FOR_CHECKER && r != CONF_FOR_VRRP));
		conf_free(again);
		free(a);
		free(b);
	}
	conf_free(c);
}

/* ---- messages ------------------------------------------------------------------------ */

struct bad {
	const char *text;
	unsigned line;
	const char *want; /* part of the message */
};

static void
expect(const struct bad *b)
{
	struct conf_msgs m = {0};
	struct conf *c;
	char path[] = "/tmp/vipd-conf-XXXXXX";
	int fd = mkstemp(path);
	bool found = false;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, b->text, strlen(b->text)), (ssize_t)strlen(b->text));
	close(fd);
	c = conf_read_file(path, NULL, &m);
	unlink(path);
	for (size_t i = 0; i < m.n; i++)
		found =
		    found || (m.v[i].where.line == b->line && strstr(m.v[i].text, b->want) != NULL);
	if (!found) {
		fprintf(stderr, "wanted line %u: %s, got:\n", b->line, b->want);
		conf_msgs_print(&m, stderr);
	}
	assert_true(found);
	assert_true((c == NULL) == (m.n_errors != 0));
	conf_free(c);
	conf_msgs_free(&m);
}

#define CASES(name, ...)                                                      \
	static void name(void **state)                                        \
	{                                                                     \
		static const struct bad cases[] = {__VA_ARGS__};              \
		(void)state;                                                  \
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) \
			expect(&cases[i]);                                    \
	}

CASES(syntax, {"\xef\xbb\xbfglobal = { };\n", 1, "byte order mark"},
    {"global = {\n  quickstart = yes;\n};\n", 2, "write true"},
    {"global = {\n  quickstart = off;\n};\n", 2, "write false"},
    {"global = {\n  hard_stop_after = 5s;\n};\n", 2, "in quotes, \"5s\""},
    {"global = {\n  control = /run/x.sock;\n};\n", 2, "in quotes"},
    {"global = {\n  user = \"vipd;\n  maxconn = 1;\n};\n", 2, "not closed"},
    {"global = {\n  maxconn = 5000000000;\n};\n", 2, "too large"},
    {"global = {\n  maxconn = 0x1ffffffff;\n};\n", 2, "too large"},
    {"global = {\n  maxconn 5;\n};\n", 2, "'=' is missing"},
    {"# mine\nglobal\n  maxconn 5\n", 2, "is this a configuration of HAProxy?"},
    {"vrrp_instance VI_1 {\n", 1, "is this a configuration of keepalived?"},
    {"backends = (\n { name = \"a\\n\\x1bb\"; } );\n", 2, "the name \"a??b\" has other"},
    {"global = {\n  maxconn = ;\n};\n", 2, "no value"},
    {"global = {\n  maxconn = 5;;\n};\n", 2, "one too many"},
    {"a = [ 1, 2, ];\n", 1, "comma before ']'"}, {"a = [ 1\n, , 2 ];\n", 2, "comma too many"},
    {"a = ( { b = 1; }\n { b = 2; } );\n", 1, "comma is missing"},
    {"a = ( { b = 1; }; { b = 2; } );\n", 1, "write ','"},
    {"a = [ 1, { b = 2; } ];\n", 1, "use ( ) instead"},
    {"a = {\n b = ( 1, 2 };\n", 2, "'(' of line 2"}, {"a = {\n b = 1;\n", 1, "'}' is missing"},
    {"a = 0644;\n", 1, "without 0 in front"}, {"a = \"\\q\";\n", 1, "means nothing"},
    {"a = 1; @include \"x\"\n", 1, "alone on its line"}, {"a = 1;\n}\n", 2, "closes nothing"},
    {"6443-in = { };\n", 1, "cannot be a key"}, {"\"a\" = { };\n", 1, "without quotes"},
    {"a = 1;\n/* b\n", 2, "not closed"}, {"a = [ 1, \"x\" ];\n", 1, "one kind only"},
    {"a = 1;\nb = 2;\na = 3;\n", 3, "stands twice"}, {"a = $x;\n", 1, "quotes missing"},
    {"@include \"/nonexistent/x\"\n", 1, "cannot open"})

/* Of a secret's value no message shows a byte, whatever is wrong with it. */
static void
secrets_are_not_quoted(void **state)
{
	static const char *const values[] = {"w7fQ2zz", "$w7fQ2zz", "\"w7fQ2zz", "\"w7fQ2zz\\q\"",
	    "07772777", "77727772777", "7f2zz", "\"w7fQ2\" w7fQ2zz", "\"a\"; \"w7fQ2zz\"",
	    "\"w7fQ2zz-too-long\"", "( w7fQ2zz = 5 )", "[ \"w7fQ2zz\" ]",
	    "( \"w7fQ2zz\" \"w7fQ2zz\" )", "yes", "7772777"};
	static const char *const keys[] = {"auth_pass", "auth-pass", "authentication.auth_pass"};
	char text[512];

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct conf_msgs msgs = {0};
			struct conf *c;
			const char *dot = strchr(keys[k], '.');

			snprintf(text, sizeof(text),
			    "vrrp = { instances = { a = { %.*s%s%s = %s;\n%s }; }; };\n",
			    dot != NULL ? (int)(dot - keys[k]) : 0, keys[k],
			    dot != NULL ? " = { " : "", dot != NULL ? dot + 1 : keys[k], values[i],
			    dot != NULL ? " };" : "");
			c = conf_read_text(text, strlen(text), "t", &msgs);
			assert_null(c);
			assert_true(msgs.n > 0);
			for (size_t m = 0; m < msgs.n; m++)
				if (strstr(msgs.v[m].text, "7fQ2") != NULL ||
				    strstr(msgs.v[m].text, "7772") != NULL ||
				    strstr(msgs.v[m].text, "7f2z") != NULL)
					fail_msg("%s: %s", text, msgs.v[m].text);
			conf_msgs_free(&msgs);
		}
}

/* What people write who write such a file for the first time. */
CASES(likely,
    {"backends = { b = { servers = [\n s1 = \"192.0.2.1:80\"; ]; }; };\n", 2,
	"'s1 =' inside '[' of line 1, where only values may stand: write servers = { ... }"},
    {"backends = { b = { servers = (\n s1 = { address = \"192.0.2.1:80\"; } ); }; };\n", 2,
	"inside '(' of line 1"},
    {"global = {\n workers = 1; maxconn = 5;\n maxconn = 6; };\n", 3,
	"maxconn stands twice in its group: first in line 2"},
    {"defaults = { }; backends = { a = { servers = {\n s1 = \"192.0.2.1:80\"; }; }; b = { servers "
     "= "
     "{\n s1 = \"192.0.2.1:80\";\n s1 = \"192.0.2.2:80\"; }; }; };\n",
	4, "s1 stands twice in its group: first in line 3"},
    {"vrrp = { instances = {\n v = { interface = \"lo\"; virtual_router_id = 0;\n"
     " virtual_ipaddress = \"192.0.2.9\"; }; }; };\n",
	2, "virtual_router_id: 0 is out of range: 1 to 255"},
    {"backends = { b = { servers = {\n x = \"2001:db8::1:443\"; }; }; };\n", 2,
	"in brackets: write \"[2001:db8::1]:443\" or \"[2001:db8::1:443]:PORT\""},
    {"backends = { b = { servers = {\n x = \"web1.example.org:443\"; }; }; };\n", 2,
	"names of hosts are not resolved yet: write the numeric address"},
    {"backends = { b = { servers = { x = { address = \"192.0.2.1:1\";\n init-addr = \"libc\"; }; "
     "}; "
     "}; };\n",
	2, "servers.x.init-addr: not supported: names of hosts are not resolved"},
    {"backends = { b = { servers = { x = { address = \"192.0.2.1:1\";\n check-ssl = true; }; }; "
     "}; };\n",
	2, "type = \"https\""},
    {"backends = { b = { servers = {\n x = \"2001:db8::1\"; }; }; };\n", 2,
	"write \"[2001:db8::1]:PORT\""},
    {"global = {\n control = \xe2\x80\x9c/x\xe2\x80\x9d; };\n", 2,
	"a quotation mark as in printed text: write \""},
    {"global = {\n workers\xc2\xa0= 1; };\n", 2, "a no-break space"},
    {"backends = { api = { servers = { x = \"192.0.2.1:80\"; }; }; };\n"
     "frontends = { a = {\n bind = \":80\"; default_backend = \"apii\"; }; };\n",
	3, "there is no backend \"apii\"; do you mean \"api\"?"},
    {"backends = { api = { servers = { x = \"192.0.2.1:80\"; }; }; };\n"
     "vrrp = { instances = { v = { interface = \"lo\"; virtual_router_id = 7;\n"
     " virtual_ipaddress = \"192.0.2.9\"; track = { backend = \"ap\"; }; }; }; };\n",
	3, "do you mean \"api\"?"})

CASES(meaning, {"globl = { };\n", 1, "do you mean \"global\""},
    {"global = {\n maxcon = 1; };\n", 2, "global.maxcon: unknown key; do you mean \"maxconn\""},
    {"global = {\n weight = 1; };\n", 2, "setting of server"},
    {"global = {\n log_tag = \"a\";\n log-tag = \"b\"; };\n", 3, "spelt otherwise"},
    {"global = {\n workers = 257; };\n", 2, "0 to 256"},
    {"global = {\n workers = \"2\"; };\n", 2, "without quotes"},
    {"global = {\n quickstart = 1; };\n", 2, "write true"},
    {"global = {\n quickstart = \"no\"; };\n", 2, "write true or false"},
    {"global = {\n hard_stop_after = 7; };\n", 2, "write \"7ms\" or \"7s\""},
    {"global = {\n hard_stop_after = \"7\"; };\n", 2, "\"7ms\" or \"7s\""},
    {"global = {\n hard_stop_after = \"7 parsecs\"; };\n", 2, "7 parsecs"},
    {"global = {\n control = [ \"/x\", \"192.0.2.1:9999\" ]; };\n", 2, "loopback addresses"},
    {"global = {\n control = [ \"/x\", \"/x\" ]; };\n", 2, "stands twice"},
    {"global = {\n control = \"fd@1\"; };\n", 2, "fd@3"},
    {"global = {\n control = { level = \"admin\"; }; };\n", 2, "address is missing"},
    {"global = {\n control = { path = \"/x\"; address = \"/y\"; }; };\n", 2, "the same setting"},
    {"global = {\n control = { path = \"/x\"; mode = 600; }; };\n", 2, "\"0660\""},
    {"global = {\n control = { path = \"/x\"; mode = \"0999\"; }; };\n", 2, "octal"},
    {"global = {\n log = { level = \"info\"; }; };\n", 2, "address is missing"},
    {"global = {\n log = { address = \"stderr\"; level = \"wraning\"; }; };\n", 2,
	"do you mean \"warning\""},
    {"defaults = {\n timeout = { connect = 5000; }; };\n", 2,
	"defaults.timeout.connect: 5000: a duration needs a unit: write \"5000ms\" or \"5s\""},
    {"defaults = {\n bind = \":80\"; };\n", 2, "cannot stand in defaults"},
    {"defaults = {\n timeout = { conect = \"5s\"; }; };\n", 2, "do you mean \"connect\""},
    {"frontends = {\n a = { default_backend = \"x\"; }; };\n", 2, "bind is missing"},
    {"frontends = {\n a = { mode = \"http\"; bind = [ ]; }; };\n", 2, "bind is missing"},
    {"frontends = {\n a = { bind = [\n \":80\",\n \"x:80\"\n ]; }; };\n", 4, "not resolved"},
    {"frontends = {\n a = { bind = \":80\"; }; };\n", 2, "default_backend is missing"},
    {"frontends = {\n a = { bind = \":80\"; default_backend = \"x\"; }; };\n", 2,
	"no backend \"x\""},
    {"frontends = {\n a = { bind = \"localhost:80\"; }; };\n", 2, "not resolved yet"},
    {"frontends = {\n a = { bind = \"192.0.2.1\"; }; };\n", 2, "port is missing"},
    {"frontends = {\n a = { bind = \"::1\"; }; };\n", 2, "\"[::1]:PORT\""},
    {"frontends = {\n a = { bind = \"/0123456789012345678901234567890123456789012345678901234"
     "56789012345678901234567890123456789012345678901234567\"; }; };\n",
	2, "at most 107 bytes"},
    {"frontends = { a = { mode = \"http\"; bind = { address = \"[::]:80\"; v4v6 = true;\n"
     " v6only = true; }; }; };\n",
	2, "opposite of each other"},
    {"frontends = {\n a = { bind = \"192.0.2.1:70000\"; }; };\n", 2, "1 to 65535"},
    {"frontends = {\n a = { bind = [ \"192.0.2.1:1\"\n \"192.0.2.2:1\" ]; }; };\n", 3,
	"comma missing"},
    {"frontends = {\n a = { mode = \"http\"; bind = \":80\"; };\n"
     " b = { mode = \"http\"; bind = \"*:80\"; }; };\n",
	3, "also by frontend a"},
    {"frontends = {\n a = { bind = \":80\"; allow = \"192.0.2.1/24\"; }; };\n", 2, "no network"},
    {"frontends = {\n a = { mode = \"http\"; bind = \":80\"; monitor_uri = \"x\"; }; };\n", 2,
	"begins with /"},
    {"backends = {\n a = {\n servers = { x = 5; }; }; };\n", 3, "an address in quotes"},
    {"backends = {\n a = {\n servers = { x = { weight = 1; }; }; }; };\n", 3, "address is missing"},
    {"backends = {\n a = {\n servers = ( \"192.0.2.1:80\" ); }; };\n", 3, "name = "},
    {"backends = {\n a = {\n servers = ( { name = \"x\"; address = \"192.0.2.1:80\"; },\n"
     " { name = \"x\"; address = \"192.0.2.2:80\"; } ); }; };\n",
	4, "in line 3"},
    {"backends = {\n a = {\n servers = { x = { address = \"192.0.2.1:80\"; weight = 257; }; };\n"
     " }; };\n",
	3, "0 to 256"},
    {"backends = {\n a = {\n default_server = { address = \"192.0.2.1:80\"; }; }; };\n", 3,
	"cannot stand in default_server"},
    {"backends = {\n a = {\n balance = \"roundrobbin\"; }; };\n", 3, "do you mean \"roundrobin\""},
    {"backends = {\n a = {\n check = { status = 99; }; }; };\n", 3, "between 100 and 599"},
    {"backends = { a = { check = \"https\"; servers = {\n s = \"192.0.2.1:1\"; }; }; };\n", 2,
	"needs check.ca_file"},
    {"backends = {\n a = {\n check = { headers = \"x\"; }; }; };\n", 3, "Name: value"},
    {"backends = {\n a = {\n mode = \"http\"; }; };\n", 2, "relay tcp"},
    {"backends = {\n a = { check = { type = \"https\"; };\n"
     " servers = { x = \"192.0.2.1:80\"; }; }; };\n",
	3, "verify needs check.ca_file"},
    {"global = { max_servers = 1; };\nbackends = { a = { servers = {\n"
     " x = \"192.0.2.1:80\"; y = \"192.0.2.2:80\"; }; }; };\n",
	1, "max_servers is 1"})

#define ONE "backends = { b = { servers = { s = \"192.0.2.1:80\"; }; }; };\n"

CASES(binds,
    {"frontends = { a = { mode = \"http\"; bind = (\n \"192.0.2.1:80-90\",\n \"192.0.2.1:85\" ); "
     "}; };\n",
	3, "192.0.2.1:85 is bound twice"},
    {"frontends = { a = { mode = \"http\"; bind = (\n \"192.0.2.1:85\",\n \"192.0.2.1:80-90\",\n"
     " \"192.0.2.1:89-95\" ); }; };\n",
	2, "192.0.2.1:85 is bound twice"},
    {"frontends = { a = { mode = \"http\"; bind = (\n \"/run/x\",\n \"/run/x\" ); }; };\n", 3,
	"/run/x is bound twice"},
    {"frontends = { a = { mode = \"http\"; bind = (\n \"/run/v/x\",\n \"/run//v/./x\" ); }; };\n",
	3, "/run/v/x is bound twice: also by frontend a, /tmp/vipd-conf-"},
    {"frontends = { a = { mode = \"http\"; bind = (\n \"//run/./x\" ); }; };\n"
     "global = { control = \"/run/./././x\"; };\n",
	3, "/run/x is bound twice: also by frontend a, /tmp/vipd-conf-"},
    {"global = { control = (\n \"/run/x\",\n \"/run//x\" ); };\n", 3,
	"/run/x stands twice: also in /tmp/vipd-conf-"},
    {"frontends = { a = { mode = \"http\"; bind = (\n \"[::1]:80-90\", \"127.0.0.1:80-90\" ); }; "
     "};\n"
     "global = { control = [ \"127.0.0.1:91\",\n \"127.0.0.1:85\" ]; };\n",
	4, "127.0.0.1:85 is bound twice: also by frontend a"},
    {"frontends = { a = { mode = \"http\"; bind = {\n address = \"[::1]:80\"; interface = \"lo\"; "
     "}; }; };\n"
     "global = { control = \"[::1]:80\"; };\n",
	3, "[::1]:80 is bound twice: also by frontend a"},
    {"frontends = { a = { mode = \"http\"; bind = \"192.0.2.1:90-80\"; }; };\n", 1,
	"range of ports"},
    {"frontends = { a = { mode = \"http\"; bind = \"fd@2\"; }; };\n", 1, "or a higher number"},
    {"frontends = { a = { mode = \"http\"; bind = \"fd@\"; }; };\n", 1, "fd@NAME"},
    {"frontends = { a = { mode = \"http\"; bind = \"fd@a b\"; }; };\n", 1, "fd@NAME"},
    {"frontends = { a = { mode = \"http\"; bind = { address = \":80\";\n v6only = 1; }; }; };\n", 2,
	"true or false"},
    {"frontends = { a = { mode = \"http\"; bind = {\n accept_proxy = true; }; }; };\n", 1,
	"address is missing"},
    {"frontends = { a = { mode = \"http\"; bind = { address = \":80\";\n accept_proxy_from = "
     "\"192.0.2.1/24\"; }; }; };\n",
	2, "is no network"})

CASES(servers_from,
    {"backends = { a = { servers = { x = {\n address = \"[2001:db8::1]:80\"; source = "
     "\"192.0.2.1\"; }; }; }; };\n",
	1, "source is IPv4, the server's address IPv6"},
    {"backends = { a = { default_server = {\n source = \"192.0.2.1:90-80\"; }; }; };\n", 2,
	"is no source"},
    {"backends = { a = { default_server = {\n source = \"/x\"; }; }; };\n", 2, "is no source"},
    {"backends = { a = { default_server = {\n interface = \"a/b\"; }; }; };\n", 2,
	"network interface"},
    {"backends = { a = { default_server = {\n check_send_proxy = true; }; }; };\n", 2,
	"a setting of check"})

#define FE(x) ONE "frontends = { f = { bind = \":80\"; default_backend = \"b\";\n" x "; }; };\n"

CASES(rules, {FE("rules = ( { sni = \"x\"; } )"), 3, "rules.1: what is to be done"},
    {FE("rules = ( { sni = \"x\"; action = \"accept\"; },\n { use_backend = \"b\"; action = "
	"\"accept\"; } )"),
	4, "rules.2: action and use_backend"},
    {FE("rules = ( { use_backend = \"x\"; } )"), 3, "no backend \"x\""},
    {FE("rules = ( { action = \"drop\"; } )"), 3, "\"accept\" or \"reject\""},
    {FE("rules = ( { sni = [ ]; action = \"reject\"; } )"), 3, "sni: empty"},
    {FE("rules = ( { src = ( ); action = \"reject\"; } )"), 3, "src: empty"},
    {FE("rules = ( { src = \"192.0.2.1/24\"; action = \"reject\"; } )"), 3, "is no network"},
    {FE("rules = ( { sni = \"a.*.b\"; action = \"reject\"; } )"), 3, "a host's name"},
    {FE("rules = ( { sni = \"a.\"; action = \"reject\"; } )"), 3, "a host's name"},
    {FE("rules = ( { sni = \"*a\"; action = \"reject\"; } )"), 3, "a host's name"},
    {FE("rules = ( { alpn = \"h 2\"; action = \"reject\"; } )"), 3, "without blanks"},
    {FE("rules = ( { prefix = \"\\xff\"; action = \"reject\"; } )"), 3, "prefix_hex"},
    {FE("rules = ( { prefix_hex = \"abc\"; action = \"reject\"; } )"), 3, "two digits"},
    {FE("rules = ( { tls = \"yes\"; action = \"reject\"; } )"), 3, "write true"},
    {FE("rules = ( { snii = \"x\"; action = \"reject\"; } )"), 3, "do you mean \"sni\""},
    {FE("rules = \"x\""), 3, "a group { } should stand"},
    {"defaults = {\n rules = ( ); };\n", 2, "cannot stand in defaults"},
    {ONE "frontends = {\n f = { bind = \":80\"; rules = ( { sni = \"x\"; use_backend = \"b\"; } "
	 "); }; };\n",
	3, "default_backend is missing for what no rule takes"},
    {ONE "frontends = {\n f = { bind = \":80\"; rules = ( { tls = true; use_backend = \"b\"; },\n"
	 " { action = \"accept\"; } ); }; };\n",
	3, "default_backend is missing"})

CASES(rules_warnings, {FE("inspect_delay = \"5s\""), 3, "without rules that look"},
    {FE("inspect_delay = \"5s\"; rules = ( { src = \"192.0.2.1\"; action = \"reject\"; } )"), 3,
	"without rules that look"},
    {FE("rules = ( { action = \"reject\"; },\n { tls = true; action = \"accept\"; } )"), 4,
	"never reached"},
    {FE("rules = ( { tls = false; sni = \"x\"; action = \"reject\"; } )"), 3, "never holds"},
    {FE("timeout = { client = \"5s\"; }; rules = ( { tls = true; action = \"accept\"; } )"), 2,
	"ends the sessions that wait"},
    {ONE "frontends = { f = { bind = \":80\"; mode = \"http\"; monitor_uri = \"/\";\n"
	 " rules = ( { action = \"reject\"; } ); }; };\n",
	3, "no effect in mode http"})

/* Each condition and action, read, printed and read again; a backend that only a rule names is
 * used, and a frontend whose rules decide all needs no default. */
static void
rules_in_full(void **state)
{
	struct conf *c = read_ok(
	    "backends = { a = { servers = { s = \"192.0.2.1:1\"; }; };\n"
	    " b = { servers = { s = \"192.0.2.1:2\"; }; }; };\n"
	    "frontends = { f = { bind = \":80\"; inspect-delay = \"7s\"; rules = (\n"
	    "{ src = [ \"192.0.2.0/24\", \"2001:db8::1\" ]; action = \"reject\"; },\n"
	    "{ tls = true; sni = [ \"a_b-1.example.com\", \"*.k8s.example.com\", \"*\" ];\n"
	    "  alpn = \"h2\"; use-backend = \"a\"; },\n"
	    "{ tls = false; prefix = [ \"SSH-\", \"\\r\\n\\\"\\x01\" ]; prefix_hex = \"00fF\";\n"
	    "  use_backend = \"b\"; }, { action = \"reject\"; } ); };\n"
	    " g = { bind = \":81\"; default_backend = \"a\"; rules = { action = \"accept\"; }; }; "
	    "};\n");
	char *a = conf_text(c, CONF_FOR_ALL), *w = conf_text(c, CONF_FOR_WORKER), *b;
	struct conf *again = read_ok(w);
	const struct conf_rule *r = again->frontends[0].rules;

	(void)state;
	assert_int_equal(again->frontends[0].n_rules, 4);
	assert_int_equal(again->frontends[0].inspect_delay_ms, 7000);
	assert_int_equal(again->frontends[0].default_backend, CONF_NONE);
	assert_int_equal(r[0].n_src, 2);
	assert_int_equal(r[0].action, CONF_RULE_REJECT);
	assert_int_equal(r[0].tls, CONF_EITHER);
	assert_false(conf_rule_needs_bytes(&r[0]));
	assert_int_equal(r[1].tls, 1);
	assert_int_equal(r[1].sni.n, 3);
	assert_string_equal(r[1].sni.v[1], "*.k8s.example.com");
	assert_string_equal(r[1].alpn.v[0], "h2");
	assert_int_equal(r[1].action, CONF_RULE_USE);
	assert_int_equal(r[1].backend, 0);
	assert_true(conf_rule_needs_bytes(&r[1]));
	assert_int_equal(r[2].tls, 0);
	assert_string_equal(r[2].prefix.v[1], "\r\n\"\x01");
	assert_string_equal(r[2].prefix_hex.v[0], "00fF");
	assert_int_equal(r[2].backend, 1);
	assert_int_equal(again->frontends[1].rules[0].action, CONF_RULE_ACCEPT);
	assert_int_equal(again->frontends[1].rules[0].backend, CONF_NONE);
	b = conf_text(again, CONF_FOR_WORKER);
	assert_string_equal(w, b);
	free(a);
	free(b);
	free(w);
	conf_free(c);
	conf_free(again);
}

CASES(warnings,
    {ONE "global = {\n log = { address = \"stderr\"; level = \"err\"; }; };\n"
	 "frontends = { f = { bind = \":80\"; default_backend = \"b\"; }; };\n",
	2, "tcplog has no effect"},
    {ONE "frontends = {\n f = { bind = \":80\"; default_backend = \"b\"; monitor_uri = \"/\"; }; "
	 "};\n",
	3, "no effect in mode tcp"},
    {ONE "frontends = { f = { bind = \":80\"; default_backend = \"b\";\n"
	 " timeout = { http_request = \"5s\"; }; }; };\n",
	3, "f.timeout.http_request: has no effect in mode tcp"},
    {ONE "frontends = { f = { bind = \":80\"; mode = \"http\"; monitor_uri = \"/\";\n"
	 " default_backend = \"b\"; }; };\n",
	3, "no effect in mode http"},
    {ONE "frontends = { f = { bind = \":80\"; mode = \"http\"; monitor_uri = \"/\"; }; };\n", 1,
	"no frontend uses it"},
    {"backends = {\n b = { servers = { s = { address = \"192.0.2.1:80\"; maxqueue = 5; }; }; }; "
     "};\n",
	2, "maxqueue has no effect"},
    {ONE "frontends = {\n f = { bind = \":80\"; default_backend = \"b\"; allow = \"all\"; }; };\n",
	3, "allow alone"},
    {"backends = {\n b = { servers = { s = { address = \"192.0.2.1:80\"; slowstart = \"5s\";\n"
     " check = false; }; }; }; };\n",
	2, "slowstart has no effect"},
    {"backends = {\n b = { default_server = { weight = 0; };\n"
     " servers = { s = \"192.0.2.1:80\"; }; }; };\n",
	2, "weight 0"},
    {"backends = {\n b = { }; };\n", 2, "no servers"})

/* Those that the manual tells in words; those that are numbers it prints from the table. */
static void
defaults_as_the_manual_says(void **state)
{
	static const char text[] =
	    "global = { log = ( \"stderr\", \"journal\", { address = \"192.0.2.5:514\"; format = "
	    "\"json\"; } ); };\n"
	    "frontends = { t = { bind = \":1\"; default_backend = \"tcp\"; };\n"
	    " h = { mode = \"http\"; bind = \":2\"; monitor_uri = \"/\"; }; };\n"
	    "backends = {\n"
	    " tcp = { timeout = { connect = \"4s\"; }; check = { inter = \"7s\"; };\n"
	    "   servers = { a = \"192.0.2.1:1\"; b = { address = \"192.0.2.2:1\"; id = 9; }; "
	    "c = \"192.0.2.3:1\"; }; };\n"
	    " web = { check = \"https\"; default_server = { check = { ca_file = \"/ca\"; }; };\n"
	    "   servers = { a = \"192.0.2.1:2\"; }; };\n"
	    " k8s = { check = \"kubernetes\"; servers = { a = \"192.0.2.1:3\"; }; };\n"
	    " sec = { check = { type = \"kubernetes\"; ca_file = \"/ca\"; };\n"
	    "   servers = { a = \"192.0.2.1:4\"; }; };\n"
	    "};\n"
	    "vrrp = { instances = {\n"
	    " v4 = { interface = \"lo\"; virtual_router_id = 1; virtual_ipaddress = \"192.0.2.9\"; "
	    "};\n"
	    " v6 = { interface = \"lo\"; virtual_router_id = 2; virtual_ipaddress = \"fe80::9\"; "
	    "};\n"
	    "}; };\n";
	struct conf_msgs m = {0};
	struct conf *c = conf_read_text(text, strlen(text), "t", &m);
	const struct conf_backend *tcp, *web, *k8s, *sec;

	(void)state;
	if (c == NULL) {
		conf_msgs_print(&m, stderr);
		fail();
		return;
	}
	tcp = &c->backends[conf_find_backend(c, "tcp")];
	web = &c->backends[conf_find_backend(c, "web")];
	k8s = &c->backends[conf_find_backend(c, "k8s")];
	sec = &c->backends[conf_find_backend(c, "sec")];
	assert_int_equal(c->global.logs[0].format, LOG_PLAIN);
	assert_int_equal(c->global.logs[0].len, 1024);
	assert_int_equal(c->global.logs[1].format, LOG_JOURNAL);
	assert_int_equal(c->global.logs[1].len, 4096);
	assert_int_equal(c->global.logs[2].len, 4096);
	assert_int_equal(c->frontends[0].timeout_client_ms, 3600000);
	assert_int_equal(c->frontends[1].timeout_client_ms, 50000);
	assert_int_equal(c->frontends[1].n_monitor_fail, 0);
	assert_int_equal(tcp->timeout_queue_ms, 4000);
	assert_int_equal(tcp->servers[0].id, 1);
	assert_int_equal(tcp->servers[1].id, 9);
	assert_int_equal(tcp->servers[2].id, 3);
	assert_int_equal(tcp->servers[0].check.type, CONF_CHECK_TCP);
	assert_int_equal(tcp->servers[0].check.inter_ms, 7000);
	assert_int_equal(tcp->servers[0].check.fastinter_ms, 0); /* timing_interval: inter */
	assert_int_equal(tcp->servers[0].check.downinter_ms, 0);
	assert_int_equal(tcp->servers[0].check.port, 0);
	assert_true(web->servers[0].check.verify);
	assert_string_equal(web->servers[0].check.uri, "/");
	assert_int_equal(web->servers[0].check.n_status, 1);
	assert_int_equal(web->servers[0].check.status[0].from, 200);
	assert_int_equal(web->servers[0].check.status[0].to, 399);
	assert_false(k8s->servers[0].check.verify);
	assert_string_equal(k8s->servers[0].check.uri, "/readyz");
	assert_int_equal(k8s->servers[0].check.status[0].from, 200);
	assert_int_equal(k8s->servers[0].check.status[0].to, 200);
	assert_true(sec->servers[0].check.verify);
	assert_int_equal(c->vrrp.routers[0].version, 2);
	assert_int_equal(c->vrrp.routers[0].advert_int_ms, 1000);
	assert_int_equal(c->vrrp.routers[1].version, 3);
	assert_int_equal(c->vrrp.routers[1].advert_int_ms, 1000);
	conf_msgs_free(&m);
	conf_free(c);
}

static void
saved_as_utf16(void **state)
{
	static const char text[] = "\xff\xfeg\0l\0o\0b\0a\0l\0=\0";
	struct conf_msgs m = {0};

	(void)state;
	assert_null(conf_read_text(text, sizeof(text) - 1, "t", &m));
	assert_int_equal(m.n_errors, 1);
	assert_int_equal(m.v[0].where.line, 1);
	assert_non_null(strstr(m.v[0].text, "UTF-16"));
	conf_msgs_free(&m);
}

static void
all_in_one_pass(void **state)
{
	static const char text[] = "global = {\n workers = 999;\n maxcon = 1;\n};\n"
				   "backends = { b = {\n balance = \"x\";\n} };\n";
	struct conf_msgs m = {0};

	(void)state;
	assert_null(conf_read_text(text, strlen(text), "t", &m));
	assert_int_equal(m.n_errors, 3);
	assert_int_equal(m.v[0].where.line, 2);
	assert_int_equal(m.v[1].where.line, 3);
	assert_int_equal(m.v[2].where.line, 6);
	assert_string_equal(m.v[2].where.file, "t");
	conf_msgs_free(&m);
}

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
includes(void **state)
{
	char dir[] = "/tmp/vipd-conf-XXXXXX", sub[64], path[128], cmd[128];
	struct conf_msgs m = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "mkdir %s/sub", dir);
	assert_int_equal(system(sub), 0);
	put(dir, "main.conf",
	    "/* @include \"nothing\"\n@include \"nothing\" */\nglobal = {\n"
	    "@include \"sub/a.conf\"\n};\nworkers = 1;\n");
	put(dir, "sub/a.conf", "workers = 3;\n@include \"b.conf\"");
	put(dir, "sub/b.conf", "\n\nmaxcon = 4;");
	snprintf(path, sizeof(path), "%s/main.conf", dir);
	assert_null(conf_read_file(path, NULL, &m));
	assert_int_equal(m.n, 2);
	assert_non_null(strstr(m.v[0].where.file, "sub/b.conf"));
	assert_int_equal(m.v[0].where.line, 3);
	assert_string_equal(m.v[1].where.file, path);
	assert_int_equal(m.v[1].where.line, 6);
	conf_msgs_free(&m);
	put(dir, "sub/b.conf", "@include \"../main.conf\"\n");
	assert_null(conf_read_file(path, NULL, &m));
	assert_non_null(strstr(m.v[0].text, "include itself"));
	conf_msgs_free(&m);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

/* 5,000 servers: time and messages stay in bounds. */
static void
thousands(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct conf *c;

	(void)state;
	fputs("backends = { b = { servers = (\n", f);
	for (int i = 0; i < 5000; i++)
		fprintf(f, "%s{ name = \"s%d\"; address = \"192.0.2.1:%d\"; }\n", i ? "," : "", i,
		    1 + i);
	fputs("); }; };\n", f);
	fclose(f);
	c = read_ok(text);
	assert_int_equal(c->backends[0].n_servers, 5000);
	assert_int_equal(c->backends[0].servers[4999].id, 5000);
	free(text);
	text = conf_text(c, CONF_FOR_ALL);
	conf_free(c);
	c = read_ok(text);
	assert_int_equal(c->backends[0].n_servers, 5000);
	conf_free(c);
	free(text);
}

/* What makes sockets others shows in their names; the same descriptor twice has two; ranges that
 * touch do not overlap. */
static void
bind_names(void **state)
{
	static const struct {
		const char *name;
		uint16_t last;
	} want[] = {{"0.0.0.0:80", 80}, {"0.0.0.0:80 eth0", 80}, {"[::]:81 v4v6", 81},
	    {"[::]:82", 82}, {"192.0.2.1:90-99", 99}, {"192.0.2.1:100-109", 109}, {"fd@3", 0},
	    {"fd@3 2", 0}, {"fd@web", 0}, {"/run/x", 0}};
	struct conf *c = read_ok(
	    "frontends = { a = { mode = \"http\"; monitor_uri = \"/\"; bind = ( \":80\",\n"
	    "{ address = \":80\"; interface = \"eth0\"; }, { address = \"[::]:81\"; v4v6 = true; "
	    "},\n"
	    "{ address = \"[::]:82\"; v6only = true; backlog = 5; "
	    "accept_proxy_from = [ \"192.0.2.0/24\", \"2001:db8::1\" ]; },\n"
	    "\"192.0.2.1:90-99\", \"192.0.2.1:100-109\", \"fd@3\", \"fd@3\", \"fd@web\",\n"
	    "{ address = \"/run/x\"; mode = \"0666\"; user = \"u\"; group = \"g\"; } ); }; };\n");
	char *a = conf_text(c, CONF_FOR_ALL), *b;
	struct conf *again = read_ok(a);

	(void)state;
	assert_int_equal(c->frontends[0].n_binds, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_string_equal(c->frontends[0].binds[i].name, want[i].name);
		assert_int_equal(c->frontends[0].binds[i].last, want[i].last);
		assert_string_equal(again->frontends[0].binds[i].name, want[i].name);
	}
	assert_int_equal(again->frontends[0].binds[9].mode, 0666);
	assert_true(again->frontends[0].binds[3].accept_proxy);
	assert_int_equal(again->frontends[0].binds[3].n_proxies, 2);
	b = conf_text(again, CONF_FOR_ALL);
	assert_string_equal(a, b);
	free(a);
	free(b);
	conf_free(c);
	conf_free(again);
}

/* libconfig takes minutes for 100,000 names in one group; in a list they are nothing special. */
static void
group_of_many(void **state)
{
	char *text = malloc(1 << 20);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i <= 10001; i++)
		n += (size_t)sprintf(text + n, i == 0 ? "backends = {\n" : "b%u = { };\n", i);
	sprintf(text + n, "};\n");
	expect(&(struct bad){text, 10002, "more than 10000 names in a group"});
	free(text);
}

/* As many messages as a person may read, and an error that comes after many warnings counts. */
static void
messages_have_an_end(void **state)
{
	struct conf_msgs m = {0};
	char *text = malloc(1 << 20);
	size_t n = (size_t)sprintf(text, "backends = ( {}");

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		n += (size_t)sprintf(text + n, ", { name = \"b%u\"; nonsense = 1; }", i);
	sprintf(text + n, " );\n");
	assert_null(conf_read_text(text, strlen(text), "t", &m));
	assert_int_equal(m.n_errors, 1000);
	assert_string_equal(m.v[m.n - 1].text, "backends.b998.nonsense: and more that is not said");
	conf_msgs_free(&m);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(fixed_point),
	    cmocka_unit_test(syntax),
	    cmocka_unit_test(group_of_many),
	    cmocka_unit_test(messages_have_an_end),
	    cmocka_unit_test(secrets_are_not_quoted),
	    cmocka_unit_test(likely),
	    cmocka_unit_test(meaning),
	    cmocka_unit_test(binds),
	    cmocka_unit_test(bind_names),
	    cmocka_unit_test(servers_from),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(rules_warnings),
	    cmocka_unit_test(rules_in_full),
	    cmocka_unit_test(warnings),
	    cmocka_unit_test(all_in_one_pass),
	    cmocka_unit_test(saved_as_utf16),
	    cmocka_unit_test(defaults_as_the_manual_says),
	    cmocka_unit_test(includes),
	    cmocka_unit_test(thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
