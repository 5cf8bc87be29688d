/* SPDX-License-Identifier: ISC */
/* conf: vrrp, for each member of one file, in keepalived's words, and what is refused. */
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

#define BACKEND "backends = { b = { servers = { s = \"192.0.2.20:80\"; }; }; };\n"
#define MEMBERS                                                              \
	"members = { ha1 = { address = \"192.0.2.10\"; priority = 100; };\n" \
	"            ha2 = { address = \"192.0.2.11\"; priority = 96; }; };\n"

static struct conf *
read_for(const char *text, const struct conf_host *host, struct conf_msgs *m)
{
	char path[] = "/tmp/vipd-conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf *c;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	c = conf_read_file(path, host, m);
	unlink(path);
	return c;
}

static struct conf *
read_ok(const char *text, const struct conf_host *host)
{
	struct conf_msgs m = {0};
	struct conf *c = read_for(text, host, &m);

	conf_msgs_print(&m, stderr);
	assert_non_null(c);
	assert_int_equal(m.n, 0);
	conf_msgs_free(&m);
	return c;
}

static const char *const members_file =
    BACKEND "vrrp = {\n" MEMBERS
	    "scripts = { chk = { script = \"/bin/true -x\"; weight = -7; interval = \"5s\"; }; };\n"
	    "instances = { VI_1 = { virtual_router_id = 71;\n"
	    "  virtual_ipaddress = [ \"192.0.2.100/24 dev eth0 label eth0:1\", \"192.0.2.101\" ];\n"
	    "  virtual_ipaddress_excluded = ( { address = \"2001:db8::1/64\"; } );\n"
	    "  track = { backend = \"b\"; workers = true; script = \"chk\"; weight = 0; };\n"
	    "}; }; };\n";

static void
members(void **state)
{
	struct conf_host host = {.member = "ha2"};
	struct conf *c = read_ok(members_file, &host);
	const struct conf_router *v = &c->vrrp.routers[0];
	char buf[SOCK_ADDR_TEXT];

	(void)state;
	assert_int_equal(c->vrrp.self, 1);
	assert_int_equal(c->vrrp.n_members, 2);
	assert_int_equal(c->vrrp.n_routers, 1);
	assert_int_equal(v->vrid, 71);
	assert_int_equal(v->version, 3);
	assert_int_equal(v->family, AF_INET);
	assert_int_equal(v->priority, 96);
	assert_int_equal(v->advert_int_ms, 250);
	assert_int_equal(v->priority_mode, CONF_PRIORITY_BANDS);
	assert_int_equal(v->preempt, CONF_PREEMPT_WHEN_BETTER);
	assert_true(v->unicast);
	assert_true(v->all_vipd);
	assert_string_equal(sock_addr_format_host(&v->source, buf, sizeof(buf)), "192.0.2.11");
	assert_int_equal(v->n_peers, 1);
	assert_string_equal(v->peers[0].name, "ha1");
	assert_int_equal(v->peers[0].priority, 100);
	assert_int_equal(v->peers[0].min_ttl, 255);
	assert_int_equal(v->n_addresses, 3);
	assert_int_equal(v->addresses[0].prefix, 24);
	assert_string_equal(v->addresses[0].dev, "eth0");
	assert_string_equal(v->addresses[0].label, "eth0:1");
	assert_int_equal(v->addresses[1].prefix, 32);
	assert_true(v->addresses[2].excluded);
	assert_int_equal(v->n_tracks, 3);
	assert_int_equal(v->tracks[0].kind, CONF_TRACK_BACKEND);
	assert_int_equal(v->tracks[2].weight, 0);
	assert_int_equal(v->address_lease_ms, 10000);
	assert_int_equal(c->vrrp.scripts[0].argv.n, 2);
	assert_int_equal(c->vrrp.scripts[0].timeout_ms, 5000);
	conf_free(c);
}

static void
by_address(void **state)
{
	struct sock_addr a[2];
	struct conf_host host = {.n_addrs = 2, .addrs = a};
	struct conf_msgs m = {0};
	struct conf *c;

	(void)state;
	assert_int_equal(sock_addr_parse(&a[0], "127.0.0.1", false), 0);
	assert_int_equal(sock_addr_parse(&a[1], "192.0.2.10", false), 0);
	c = read_ok(members_file, &host);
	assert_int_equal(c->vrrp.self, 0);
	assert_int_equal(c->vrrp.routers[0].priority, 100);
	conf_free(c);
	host.n_addrs = 1;
	assert_null(read_for(members_file, &host, &m));
	assert_non_null(strstr(m.v[0].text, "address of no member"));
	conf_msgs_free(&m);
	assert_int_equal(sock_addr_parse(&a[0], "192.0.2.11", false), 0);
	host.n_addrs = 2;
	assert_null(read_for(members_file, &host, &m));
	assert_non_null(strstr(m.v[0].text, "addresses of 2 members"));
	conf_msgs_free(&m);
	/* Nobody asked for a host: members only. */
	c = read_ok(members_file, NULL);
	assert_int_equal(c->vrrp.n_members, 2);
	assert_int_equal(c->vrrp.self, CONF_NONE);
	assert_int_equal(c->vrrp.n_routers, 0);
	conf_free(c);
}

static void
overrides(void **state)
{
	struct conf_host host = {.member = "ha2"};
	struct conf *c =
	    read_ok("vrrp = { members = (\n"
		    " { name = \"ha1\"; address = \"192.0.2.10\"; interface = \"eth1\"; },\n"
		    " { name = \"ha2\"; address = \"192.0.2.11\"; priority = 50;\n"
		    "   interface = \"eth2\"; nopreempt = true; } );\n"
		    "instances = { v = { virtual_router_id = 7; interface = \"eth0\";\n"
		    "  virtual_ipaddress = \"192.0.2.100\"; }; }; };\n",
		&host);

	(void)state;
	assert_string_equal(c->vrrp.routers[0].interface, "eth2");
	assert_int_equal(c->vrrp.routers[0].preempt, CONF_PREEMPT_NEVER);
	conf_free(c);
}

static void
keepalived_keys(void **state)
{
	struct conf *c = read_ok(BACKEND
	    "vrrp = { scripts = { chk = { script = \"/bin/true\"; weight = -7; }; };\n"
	    "instances = { VI_1 = { state = \"MASTER\"; interface = \"eth0\"; virtual_router_id = "
	    "51;\n"
	    "  advert_int = \"2s\"; authentication = { auth_type = \"pass\"; auth_pass = "
	    "\"K8SHA_KA\"; };\n"
	    "  unicast_src_ip = \"192.0.2.10\"; mcast_src_ip = \"192.0.2.10\";\n"
	    "  unicast_peer = { address = \"192.0.2.11\"; min_ttl = 1; };\n"
	    "  virtual_ipaddress = \"192.0.2.100\"; track_script = [ \"chk\" ];\n"
	    "  track_interface = \"eth1 weight -3\"; }; }; };\n",
	    NULL);
	const struct conf_router *v = &c->vrrp.routers[0];

	(void)state;
	assert_int_equal(v->version, 2);
	assert_int_equal(v->advert_int_ms, 2000);
	assert_int_equal(v->priority, 100);
	assert_int_equal(v->priority_mode, CONF_PRIORITY_WEIGHTS);
	assert_int_equal(v->preempt, CONF_PREEMPT_ALWAYS);
	assert_int_equal(v->auth, CONF_AUTH_PASS);
	assert_string_equal(v->auth_pass, "K8SHA_KA");
	assert_int_equal(v->peers[0].min_ttl, 1);
	assert_int_equal(v->peers[0].priority, 0);
	assert_false(v->all_vipd);
	assert_int_equal(v->tracks[0].weight, -7);
	assert_int_equal(v->tracks[1].weight, -3);
	assert_int_equal(v->tracks[1].kind, CONF_TRACK_INTERFACE);
	conf_free(c);
}

/* What is printed is resolved: it reads back without a host, and holds all that was chosen. */
static void
fixed_point(void **state)
{
	struct conf_host host = {.member = "ha2"};
	struct conf *c = read_ok(members_file, &host), *again;

	(void)state;
	for (enum conf_reader r = CONF_FOR_ALL; r <= CONF_FOR_HUMAN; r++) {
		char *a = conf_text(c, r), *b;

		again = conf_read_text(a, strlen(a), "t", NULL);
		assert_non_null(again);
		b = conf_text(again, r);
		assert_string_equal(a, b);
		assert_true((strstr(a, "vrrp") != NULL) ==
			    (r == CONF_FOR_ALL || r == CONF_FOR_VRRP || r == CONF_FOR_HUMAN));
		if (r == CONF_FOR_VRRP) {
			const struct conf_router *v = &again->vrrp.routers[0];

			assert_int_equal(again->vrrp.self, 1);
			assert_true(v->all_vipd);
			assert_int_equal(v->priority, 96);
			assert_int_equal(v->advert_int_ms, 250);
			assert_int_equal(v->preempt, CONF_PREEMPT_WHEN_BETTER);
			assert_int_equal(v->peers[0].priority, 100);
			assert_int_equal(v->n_tracks, 3);
			assert_int_equal(v->tracks[2].weight, 0);
		}
		conf_free(again);
		free(a);
		free(b);
	}
	conf_free(c);
}

/* The word of PASS is shown to nobody but who needs it. */
static void
secrets(void **state)
{
	struct conf *c = read_ok("vrrp = { instances = { v = { virtual_router_id = 7;\n"
				 " interface = \"eth0\"; virtual_ipaddress = \"192.0.2.100\";\n"
				 " auth_type = \"PASS\"; auth_pass = \"sesame\"; }; }; };\n",
	    NULL);

	(void)state;
	for (enum conf_reader r = CONF_FOR_ALL; r <= CONF_FOR_HUMAN; r++) {
		char *a = conf_text(c, r);

		assert_true(
		    (strstr(a, "sesame") != NULL) == (r == CONF_FOR_ALL || r == CONF_FOR_VRRP));
		free(a);
	}
	conf_free(c);
}

/* ---- refused ----------------------------------------------------------------------------------
 */

struct bad {
	const char *text;
	unsigned line;
	const char *want;
};

/* An instance without members, its own line 2; with members (for ha1), line 4. */
#define ALONE(x)                                                                      \
	"vrrp = { instances = {\n v = { virtual_router_id = 7; interface = \"eth0\";" \
	" virtual_ipaddress = \"192.0.2.100\"; " x "}; }; };\n"
#define BESIDE(x)                                                          \
	"vrrp = {\n" MEMBERS " instances = { v = { virtual_router_id = 7;" \
	" virtual_ipaddress = \"192.0.2.100\"; " x "}; }; };\n"

static const struct bad bad[] = {
    {ALONE("virtual_router_idd = 1;"), 2, "do you mean"},
    {"vrrp = { instances = {\n v = { interface = \"e\"; virtual_ipaddress = \"192.0.2.1\"; }; }; "
     "};\n",
	2, "virtual_router_id is missing"},
    {"vrrp = { instances = {\n v = { interface = \"e\"; virtual_router_id = 1; }; }; };\n", 2,
	"virtual_ipaddress is missing"},
    {"vrrp = { instances = {\n v = { virtual_router_id = 256; }; }; };\n", 2, "1 to 255"},
    {"vrrp = { instances = {\n v = { virtual_router_id = 7;\n"
     " virtual_ipaddress = \"192.0.2.1\"; }; }; };\n",
	2, "interface is missing"},
    {ALONE("auth_pass = \"123456789\";"), 2, "8 bytes"},
    {ALONE("auth_type = \"AH\";"), 2, "AH is not supported"},
    {ALONE("auth_type = \"PASS\";"), 2, "auth_pass is missing"},
    {ALONE("auth_type = \"HMAC\"; auth_key_file = \"/k\";"), 2, "vipd hosts only"},
    {ALONE("all_vipd = true;"), 2, "only vipd itself"},
    {ALONE("use_vmac = true;"), 2, "not supported: vipd holds"},
    {ALONE("dont_track_primary = true;"), 2, "always tracked"},
    {ALONE("state = \"SLAVE\";"), 2, "neither has an effect"},
    {ALONE("advert_int = 1;"), 2, "needs a unit"},
    {ALONE("advert_int = \"250ms\";"), 2, "version 2 has whole seconds"},
    {ALONE("version = 3; advert_int = \"15ms\";"), 2, "steps of 10ms"},
    {ALONE("priority_mode = \"bands\";"), 2, "vipd hosts only"},
    {ALONE("preempt = \"when_better\";"), 2, "needs priority_mode bands"},
    {ALONE("priority = 255; track = { workers = true; };"), 2, "at most 254"},
    {ALONE("priority = 255; nopreempt = true;"), 2, "at most 254"},
    {ALONE("track = { backend = \"nope\"; };"), 2, "no backend \"nope\""},
    {ALONE("track = { script = \"nope\"; };"), 2, "no script \"nope\""},
    {ALONE("track_script = \"nope weight 300\";"), 2, "-253 to 253"},
    {ALONE("unicast_src_ip = \"192.0.2.1\"; unicast_peer = \"2001:db8::1\";"), 2,
	"different families"},
    {ALONE("unicast_src_ip = \"192.0.2.1\"; unicast_peer = \"192.0.2.1\";"), 2, "not a peer"},
    {ALONE("unicast_src_ip = \"192.0.2.1:5\";"), 2, "without port"},
    {ALONE("unicast_src_ip = \"ha1\";"), 2, "not resolved yet"},
    {ALONE("virtual_ipaddress_excluded = \"192.0.2.100\";"), 2, "stands twice"},
    {ALONE("virtual_ipaddress_excluded = \"192.0.2.1/33\";"), 2, "prefix from 1 to 32"},
    {ALONE("virtual_ipaddress_excluded = \"192.0.2.1 via x\";"), 2, "\"via\" is unknown"},
    {ALONE("virtual_ipaddress_excluded = \"192.0.2.1 dev\";"), 2, "nothing follows"},
    {ALONE("virtual_ipaddress_excluded = \"2001:db8::1 label x\";"), 2, "IPv4 only"},
    {ALONE("virtual_ipaddress_excluded = \"192.0.2.1 dev abcdefghijklmnop\";"), 2,
	"1 to 15 characters"},
    {"vrrp = { instances = {\n v = { virtual_router_id = 7; interface = \"e\";\n"
     " virtual_ipaddress = [ \"192.0.2.1\", \"2001:db8::1\" ]; }; }; };\n",
	2, "virtual_ipaddress_excluded"},
    {"vrrp = { instances = {\n v = { virtual_router_id = 7; interface = \"e\";\n"
     " virtual_ipaddress = \"192.0.2.1\"; };\n w = { virtual_router_id = 7; interface = \"e\";\n"
     " virtual_ipaddress = \"192.0.2.2\"; }; }; };\n",
	4, "also that of instance v"},
    {BESIDE("unicast_peer = \"192.0.2.11\";"), 4, "with vrrp.members"},
    {BESIDE("mcast_src_ip = \"192.0.2.11\";"), 4, "with vrrp.members"},
    {BESIDE("priority = 5;"), 4, "each member has its priority"},
    {BESIDE("auth_type = \"HMAC\";"), 4, "auth_key_file is missing"},
    {BESIDE("auth_type = \"PASS\"; auth_pass = \"x\";"), 4, "has no effect"},
    {BESIDE("track = { workers = true; weight = 5; };"), 4, "has no effect in priority_mode bands"},
    {"vrrp = { members = {\n ha1 = { address = \"192.0.2.10\"; };\n ha2 = \"192.0.2.11\"; };\n"
     " instances = { v = { virtual_router_id = 7; virtual_ipaddress = \"192.0.2.100\"; }; }; };\n",
	3, "differ by at least 4"},
    {"vrrp = { members = {\n ha1 = { address = \"192.0.2.10\"; };\n"
     " ha2 = { address = \"192.0.2.10\"; priority = 1; }; }; };\n",
	3, "has the address of ha1"},
    {"vrrp = { members = {\n ha1 = { address = \"192.0.2.10\"; }; }; };\n", 2, "only one"},
    {"vrrp = { members = {\n ha1 = { address = \"192.0.2.10\"; virtual_router_id = 1; }; }; };\n",
	2, "same on all hosts"},
    {"vrrp = { members = {\n ha1 = { adress = \"192.0.2.10\"; }; }; };\n", 2,
	"do you mean \"address\""},
    {"vrrp = { scripts = {\n a = \"true\"; }; };\n", 2, "absolute path"},
    {"vrrp = {\n instance = { }; };\n", 2, "do you mean \"instances\""},
};

static void
refused(void **state)
{
	struct conf_host host = {.member = "ha1"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf_msgs m = {0};
		struct conf *c = read_for(bad[i].text, &host, &m);
		bool found = false;

		for (size_t j = 0; j < m.n; j++)
			found = found || (m.v[j].where.line == bad[i].line &&
					     strstr(m.v[j].text, bad[i].want) != NULL);
		if (!found) {
			fprintf(stderr, "%s\nwanted line %u: %s, got:\n", bad[i].text, bad[i].line,
			    bad[i].want);
			conf_msgs_print(&m, stderr);
		}
		assert_true(found);
		for (size_t j = 0; j < m.n; j++)
			assert_null(strstr(m.v[j].text, "123456789"));
		conf_free(c);
		conf_msgs_free(&m);
	}
}

/* An instance with n excluded addresses on interfaces of that many names: is it refused like this?
 */
static bool
is_refused(unsigned n, unsigned names, const char *want)
{
	struct conf_msgs m = {0};
	char *text = NULL;
	bool said = false;
	struct conf *c;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs("vrrp = { instances = { v = { virtual_router_id = 7; interface = \"e0\";\n"
	      " virtual_ipaddress = \"192.0.2.1\"; virtual_ipaddress_excluded = [ ",
	    f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%s\"198.51.%u.%u dev e%u\"", i > 0 ? ", " : "", i / 256, i % 256,
		    i % names);
	fputs(" ]; }; }; };\n", f);
	fclose(f);
	c = conf_read_text(text, len, "t", &m);
	for (size_t i = 0; i < m.n; i++)
		said = said || strstr(m.v[i].text, want);
	conf_free(c);
	conf_msgs_free(&m);
	free(text);
	return said;
}

/* As many as can be given away at once, and one more. */
static void
too_many_addresses(void **state)
{
	(void)state;
	assert_false(is_refused(1023, 1, "virtual addresses in all; at most"));
	assert_true(is_refused(1024, 1, "virtual addresses in all; at most"));
}

/* The vrrp process knows so many; a device that it had no room for would carry no address. */
static void
too_many_interfaces(void **state)
{
	(void)state;
	assert_false(is_refused(200, 128, "interfaces are named"));
	assert_true(is_refused(200, 129, "more than 128 interfaces are named"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members),
	    cmocka_unit_test(by_address),
	    cmocka_unit_test(overrides),
	    cmocka_unit_test(keepalived_keys),
	    cmocka_unit_test(fixed_point),
	    cmocka_unit_test(secrets),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(too_many_addresses),
	    cmocka_unit_test(too_many_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
