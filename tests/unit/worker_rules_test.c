/* SPDX-License-Identifier: ISC */
/* worker/rules: which rule takes a session, by what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "tests/lib/hellos.h"
#include "worker/rules.h"

#define LIST(...)                                                                        \
	{                                                                                \
		sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]) \
		{                                                                        \
			__VA_ARGS__                                                      \
		}                                                                        \
	}
#define RULE(a, t, ...)                                                      \
	{                                                                    \
		.action = (a), .tls = (t), .backend = CONF_NONE, __VA_ARGS__ \
	}
#define WAIT   RULES_WAIT
#define PASS   RULES_PASS
#define REJECT RULES_REJECT
#define USE    RULES_USE

static struct gen_rule rules[8];
static size_t n_rules;
static struct hello_vector hellos[HELLOS_MOST];
static const struct gen_rule *which;

static void
with(const struct conf_rule *v, size_t n)
{
	for (n_rules = 0; n_rules < n; n_rules++)
		rules[n_rules].conf = &v[n_rules];
}
#define WITH(v) with(v, sizeof(v) / sizeof((v)[0]))

static enum rules_verdict
decide(const void *data, size_t len, bool complete, const char *from)
{
	static struct tlshello h;
	struct sock_addr client = {.len = 0};
	struct rules_facts f = {.client = &client,
	    .data = data,
	    .len = len,
	    .complete = complete,
	    .tls = tlshello_parse(data, len, &h),
	    .hello = &h};

	if (from != NULL)
		assert_int_equal(sock_addr_parse(&client, from, false), 0);
	return rules_decide(rules, n_rules, &f, &which);
}
#define DECIDE(lit, complete) decide(lit, sizeof(lit) - 1, complete, "192.0.2.1")

static const struct hello_vector *
hello(const char *name)
{
	for (size_t i = 0; i < HELLOS_MOST; i++)
		if (strcmp(hellos[i].name, name) == 0)
			return &hellos[i];
	fail_msg("no hello %s", name);
	return NULL;
}

static enum rules_verdict
of_hello(const char *name)
{
	const struct hello_vector *h = hello(name);

	return decide(h->data, h->len, false, "192.0.2.1");
}

static void
names(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} t[] = {
	    {"db.example.com", "db.example.com", true},
	    {"db.example.com", "DB.Example.COM", true},
	    {"DB.example.com", "db.example.com", true},
	    {"db.example.com", "xdb.example.com", false},
	    {"db.example.com", "db.example.co", false},
	    {"db.example.com", "db.example.com.", false},
	    {"*.example.com", "a.example.com", true},
	    {"*.example.com", "A.B.EXAMPLE.com", true},
	    {"*.example.com", "example.com", false},
	    {"*.example.com", ".example.com", false},
	    {"*.example.com", "badexample.com", false},
	    {"*.example.com", "a.example.com.evil", false},
	    {"*", "x", true},
	    {"*", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (rules_name_matches(t[i].pattern, t[i].name, strlen(t[i].name)) != t[i].want)
			fail_msg("%s, %s", t[i].pattern, t[i].name);
}

static void
hellos_by_name_and_protocol(void **state)
{
	const struct conf_rule v[] = {
	    RULE(CONF_RULE_USE, CONF_EITHER, .sni = LIST("other", "*.example.com"),
		.alpn = LIST("h3", "h2")),
	    RULE(CONF_RULE_REJECT, CONF_EITHER, .sni = LIST("k8s.example.com")),
	    RULE(CONF_RULE_ACCEPT, 1, .alpn = LIST("postgresql")),
	    RULE(CONF_RULE_REJECT, 0, .where = {NULL, 0}),
	};

	(void)state;
	WITH(v);
	assert_int_equal(of_hello("openssl-tls13-sni-alpn"), USE);
	assert_ptr_equal(which, &rules[0]);
	assert_int_equal(of_hello("made-grease"), USE);
	assert_int_equal(of_hello("openssl-tls12-sni"), REJECT);
	assert_int_equal(of_hello("openssl-tls12-alpn"), PASS);
	assert_ptr_equal(which, &rules[2]);
	assert_int_equal(of_hello("openssl-tls13-bare"), PASS);
	assert_null(which);
	assert_int_equal(DECIDE("", false), WAIT);
	assert_int_equal(DECIDE("\x16\x03", false), WAIT);
	assert_int_equal(DECIDE("\x16\x03", true), REJECT);
	assert_ptr_equal(which, &rules[3]);
	assert_int_equal(DECIDE("", true), REJECT);
	assert_int_equal(DECIDE("G", false), REJECT);
}

/* With every beginning of a hello and of what is none: a verdict once given never changes. */
static void
verdicts_last(void **state)
{
	const struct conf_rule v[] = {
	    RULE(CONF_RULE_REJECT, CONF_EITHER, .prefix = LIST("SSH-", "GET "),
		.prefix_hex = LIST("16030101FF")),
	    RULE(CONF_RULE_USE, CONF_EITHER, .sni = LIST("db.example.com")),
	    RULE(CONF_RULE_REJECT, 0, .src = (struct sock_net[]){{.family = AF_INET}}, .n_src = 1),
	};
	static const char *const texts[] = {
	    "SSH-2.0-x", "GET / HTTP/1.0", "GEX", "\x16\x03\x01\x01\xff"};

	(void)state;
	WITH(v);
	for (size_t i = 0; i < HELLOS_MOST + 4; i++) {
		const void *data = i < 4 ? (const void *)texts[i] : hellos[i - 4].data;
		size_t len = i < 4 ? strlen(texts[i]) : hellos[i - 4].len;
		enum rules_verdict last = WAIT;

		for (size_t n = 0; n <= len; n++) {
			enum rules_verdict now = decide(data, n, false, "192.0.2.1");

			assert_int_not_equal(decide(data, n, true, "192.0.2.1"), WAIT);
			if (last != WAIT)
				assert_int_equal(now, last);
			last = now;
		}
		if (i < 3)
			assert_int_equal(last, REJECT);
	}
	assert_int_equal(DECIDE("\x16\x03\x01\x01\xff", false), REJECT);
	assert_ptr_equal(which, &rules[0]);
}

static void
order_and_waiting(void **state)
{
	struct sock_net net;
	struct conf_rule v[3] = {
	    RULE(CONF_RULE_ACCEPT, CONF_EITHER, .sni = LIST("a"), .src = &net, .n_src = 1),
	    RULE(CONF_RULE_USE, CONF_EITHER, .src = &net, .n_src = 1),
	    RULE(CONF_RULE_REJECT, CONF_EITHER, .prefix = LIST("x")),
	};

	(void)state;
	assert_int_equal(sock_net_parse(&net, "192.0.2.0/24"), 0);
	WITH(v);
	/* A condition that does not hold decides its rule: nothing is waited for. */
	assert_int_equal(decide("", 0, false, "198.51.100.1"), WAIT);
	assert_ptr_equal(which, &rules[2]);
	assert_int_equal(decide("x", 1, false, "198.51.100.1"), REJECT);
	assert_int_equal(decide("y", 1, false, "2001:db8::1"), PASS);
	/* A rule that cannot be decided holds up those behind it. */
	assert_int_equal(decide("", 0, false, "192.0.2.1"), WAIT);
	assert_ptr_equal(which, &rules[0]);
	assert_int_equal(decide("", 0, true, "192.0.2.1"), USE);
	assert_int_equal(decide("y", 1, false, "192.0.2.1"), USE);
	/* Sources alone: never. A client on a UNIX socket is in no network. */
	with(v + 1, 1);
	assert_int_equal(decide("", 0, false, "192.0.2.1"), USE);
	assert_int_equal(decide("", 0, false, "198.51.100.1"), PASS);
	assert_int_equal(decide("", 0, false, NULL), PASS);
	/* No condition at all. */
	v[1].n_src = 0;
	assert_int_equal(decide("", 0, false, NULL), USE);
	with(v, 0);
	assert_int_equal(decide("", 0, false, NULL), PASS);
}

static void
prefixes(void **state)
{
	const struct conf_rule v[] = {RULE(CONF_RULE_USE, CONF_EITHER, .prefix = LIST("\r\n", "ab"),
	    .prefix_hex = LIST("00aBff", "00ab01"))};

	(void)state;
	WITH(v);
	assert_int_equal(DECIDE("", false), WAIT);
	assert_int_equal(DECIDE("a", false), WAIT);
	assert_int_equal(DECIDE("a", true), PASS);
	assert_int_equal(DECIDE("ab", false), USE);
	assert_int_equal(DECIDE("abc", false), USE);
	assert_int_equal(DECIDE("A", false), PASS);
	assert_int_equal(DECIDE("\r\n", false), USE);
	assert_int_equal(DECIDE("\0\xab", false), WAIT);
	assert_int_equal(DECIDE("\0\xab\xff", false), USE);
	assert_int_equal(DECIDE("\0\xab\x01", false), USE);
	assert_int_equal(DECIDE("\0\xab\x02", false), PASS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(hellos_by_name_and_protocol),
	    cmocka_unit_test(verdicts_last),
	    cmocka_unit_test(order_and_waiting),
	    cmocka_unit_test(prefixes),
	};

	hellos_load(hellos);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
