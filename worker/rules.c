/* SPDX-License-Identifier: ISC */
/* Content rules. Pure. */
#include "worker/rules.h"

#include <string.h>
#include <strings.h>

enum truth { NO = 0, UNKNOWN, YES }; /* in an order: "and" is the least, "or" the greatest */

static enum truth
least(enum truth a, enum truth b)
{
	return a < b ? a : b;
}

static enum truth
greatest(enum truth a, enum truth b)
{
	return a > b ? a : b;
}

static enum truth
truth(bool b)
{
	return b ? YES : NO;
}

bool
rules_name_matches(const char *pattern, const char *name, size_t len)
{
	size_t n = strlen(pattern);

	if (pattern[0] != '*')
		return len == n && strncasecmp(pattern, name, n) == 0;
	/* What stands for the star is not empty. */
	return len >= n && strncasecmp(pattern + 1, name + len - (n - 1), n - 1) == 0;
}

static enum truth
by_source(const struct conf_rule *r, const struct rules_facts *f)
{
	for (size_t i = 0; i < r->n_src; i++)
		if (sock_net_contains(&r->src[i], f->client))
			return YES;
	return truth(r->n_src == 0);
}

static enum truth
by_hello(const struct conf_rule *r, const struct rules_facts *f)
{
	bool sni = r->sni.n == 0, alpn = r->alpn.n == 0;

	if (r->tls == CONF_EITHER && sni && alpn)
		return YES;
	if (f->tls == TLSHELLO_MORE && !f->complete)
		return UNKNOWN;
	if (f->tls != TLSHELLO_OK)
		return truth(r->tls == 0 && sni && alpn);
	for (size_t i = 0; i < r->sni.n && !sni; i++)
		sni = f->hello->sni_len > 0 &&
		      rules_name_matches(r->sni.v[i], f->hello->sni, f->hello->sni_len);
	for (size_t i = 0; i < r->alpn.n && !alpn; i++)
		alpn = tlshello_offers(f->hello, r->alpn.v[i]);
	return truth(r->tls != 0 && sni && alpn);
}

static unsigned
digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* The i-th byte of a prefix. */
static uint8_t
byte_at(const char *prefix, bool hex, size_t i)
{
	if (!hex)
		return (uint8_t)prefix[i];
	return (uint8_t)(digit(prefix[2 * i]) << 4 | digit(prefix[2 * i + 1]));
}

static enum truth
begins_with(const struct rules_facts *f, const char *prefix, bool hex)
{
	size_t n = strlen(prefix) / (hex ? 2 : 1);

	for (size_t i = 0; i < n; i++) {
		if (i == f->len)
			return f->complete ? NO : UNKNOWN;
		if (f->data[i] != byte_at(prefix, hex, i))
			return NO;
	}
	return YES;
}

static enum truth
by_prefix(const struct conf_rule *r, const struct rules_facts *f)
{
	enum truth t = truth(r->prefix.n == 0 && r->prefix_hex.n == 0);

	for (size_t i = 0; i < r->prefix.n; i++)
		t = greatest(t, begins_with(f, r->prefix.v[i], false));
	for (size_t i = 0; i < r->prefix_hex.n; i++)
		t = greatest(t, begins_with(f, r->prefix_hex.v[i], true));
	return t;
}

enum rules_verdict
rules_decide(const struct gen_rule *rules, size_t n, const struct rules_facts *f,
    const struct gen_rule **which)
{
	static const enum rules_verdict verdicts[] = {
	    [CONF_RULE_ACCEPT] = RULES_PASS,
	    [CONF_RULE_REJECT] = RULES_REJECT,
	    [CONF_RULE_USE] = RULES_USE,
	};

	*which = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct conf_rule *r = rules[i].conf;
		enum truth t = least(by_source(r, f), least(by_hello(r, f), by_prefix(r, f)));

		if (t == NO)
			continue;
		*which = &rules[i];
		return t == YES ? verdicts[r->action] : RULES_WAIT;
	}
	return RULES_PASS;
}
