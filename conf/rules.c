/* SPDX-License-Identifier: ISC */
/* Content rules of frontends: reading, printing, what they mean together. */
#include <stdio.h>

#include "conf/check.h"
#include "conf/print.h"
#include "conf/read.h"

void
read_rule_src(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_rule *rule = obj;

	(void)k;
	rd_nets(r, s, &rule->src, &rule->n_src, "no network: leave it out for any");
}

void
print_rule_src(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_rule *rule = obj;

	pr_nets(p, k->name, rule->src, rule->n_src);
}

/* A condition of which nothing is left would hold for everybody. */
static void
refuse_empty(struct reader *r, const config_setting_t *s)
{
	for (size_t i = 0; i < (size_t)config_setting_length(s); i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		size_t mark = rd_push(r, rd_name(e));

		if (config_setting_is_aggregate(e) && config_setting_length(e) == 0)
			rd_error(r, e, "empty: leave it out, or say what it should be");
		rd_pop(r, mark);
	}
}

static bool
is_given(const struct conf_rule *rule)
{
	return (unsigned)rule->action != (unsigned)-1;
}

static void
read_rule(struct reader *r, struct conf_rule *rule, const config_setting_t *s)
{
	size_t before = r->n_errors;

	if (!config_setting_is_group(s)) {
		rd_error(r, s, "%s where a group { } should stand", rd_type(s));
		return;
	}
	refuse_empty(r, s);
	rd_group(r, &scope_rule, rule, s);
	if (r->n_errors != before)
		return;
	if (rule->backend == CONF_NONE && !is_given(rule))
		rd_error(r, s,
		    "what is to be done? Say use_backend, or action = \"accept\" or "
		    "\"reject\"");
	else if (rule->backend != CONF_NONE && is_given(rule))
		rd_error(r, s, "action and use_backend: a rule has one of them");
	scope_resolve(&scope_rule, rule);
}

void
read_rules(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_frontend *f = obj;
	char place[32];

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_rule rule = {.where = rd_where(r, rd_elem(s, i)), .backend = CONF_NONE};
		size_t mark;

		snprintf(place, sizeof(place), "%zu", i + 1);
		mark = rd_push(r, place);
		scope_init(&scope_rule, &rule);
		read_rule(r, &rule, rd_elem(s, i));
		f->rules = arena_grow(r->arena, f->rules, f->n_rules, sizeof(*f->rules));
		f->rules[f->n_rules++] = rule;
		rd_pop(r, mark);
	}
}

void
print_rules(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_frontend *f = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < f->n_rules; i++) {
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_rule, &f->rules[i]);
		pr_close(p);
	}
	pr_close(p);
}

/* ---- what they mean together -------------------------------------------------------------------
 */

static bool
takes_all(const struct conf_rule *rule)
{
	return rule->n_src == 0 && !conf_rule_needs_bytes(rule);
}

bool
check_rules_take_all(const struct conf_frontend *f)
{
	return f->n_rules != 0 && takes_all(&f->rules[f->n_rules - 1]) &&
	       f->rules[f->n_rules - 1].action != CONF_RULE_ACCEPT;
}

static void
check_rule(struct reader *r, const struct conf_frontend *f, size_t i)
{
	const struct conf_rule *rule = &f->rules[i];

	if (rule->action == CONF_RULE_ACCEPT && f->default_backend == CONF_NONE)
		rd_at(r, CONF_ERROR, rule->where,
		    "accept gives the session to default_backend, and there is none");
	if (rule->tls == 0 && (rule->sni.n != 0 || rule->alpn.n != 0))
		rd_at(r, CONF_WARNING, rule->where,
		    "it never holds: tls = false, but sni and alpn stand in a TLS hello");
	/* After errors a condition may be missing that the file has. */
	if (takes_all(rule) && i + 1 < f->n_rules && r->n_errors == 0)
		rd_at(r, CONF_WARNING, f->rules[i + 1].where,
		    "it is never reached: the rule before it has no conditions");
}

void
check_rules(struct reader *r, const struct conf_frontend *f, const config_setting_t *s)
{
	const config_setting_t *delay = rd_find(s, "inspect_delay");
	bool bytes = false;
	size_t mark;

	for (size_t i = 0; i < f->n_rules; i++) {
		char place[32];

		snprintf(place, sizeof(place), "rules.%zu", i + 1);
		mark = rd_push(r, place);
		check_rule(r, f, i);
		rd_pop(r, mark);
		bytes = bytes || conf_rule_needs_bytes(&f->rules[i]);
	}
	mark = rd_push(r, "inspect_delay");
	if (delay != NULL && !bytes)
		rd_warn(r, delay, "has no effect without rules that look at the client's bytes");
	if (bytes && f->timeout_client_ms <= f->inspect_delay_ms)
		rd_at(r, CONF_WARNING, f->where,
		    "timeout.client is not longer: it ends the sessions that wait");
	rd_pop(r, mark);
}
