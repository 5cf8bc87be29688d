/* SPDX-License-Identifier: ISC */
/*
 * Reads the group vrrp and resolves it for one host: which member it is, what that member says
 * otherwise, who its peers are. Text that says who "self" is has been resolved before.
 */
#include "conf/vrrp.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "conf/words.h"

/* The groups of vrrp, in the order in which they are read. */
enum part { PART_SELF = 0, PART_MEMBERS, PART_SCRIPTS, PART_INSTANCES, PARTS };
static const char *const part_names[PARTS] = {"self", "members", "scripts", "instances"};

struct vrrp_input {
	const config_setting_t *parts[PARTS];
	const config_setting_t *member; /* this host's, or NULL */
};

/* ---- members ------------------------------------------------------------------------- */

/* A key of a member is its own or overrides an instance's. */
static bool
member_key_is_known(struct reader *r, const config_setting_t *s)
{
	const struct conf_key *k = scope_find(&scope_instance, "", rd_name(s));
	const char *near = NULL;
	unsigned best = UINT_MAX;

	if (scope_find(&scope_member, "", rd_name(s)) != NULL)
		return true;
	if (k != NULL && (k->flags & F_MEMBER) != 0)
		return true;
	if (k != NULL) {
		rd_error(r, s, "must be the same on all hosts: it stands in instances");
		return false;
	}
	for (size_t i = 0; i < scope_instance.n; i++)
		if ((scope_instance.keys[i].flags & F_MEMBER) != 0 &&
		    words_near(rd_name(s), scope_instance.keys[i].name, &best))
			near = scope_instance.keys[i].name;
	for (size_t i = 0; i < scope_member.n; i++)
		if (words_near(rd_name(s), scope_member.keys[i].name, &best))
			near = scope_member.keys[i].name;
	if (near != NULL)
		rd_error(r, s, "unknown key; do you mean \"%s\"?", near);
	else
		rd_error(r, s, "unknown key");
	return false;
}

static void
router_begin(struct conf_router *v)
{
	memset(v, 0, sizeof(*v));
	scope_init(&scope_instance, v);
}

/* What the member says in place of instances: in v if it is this host's, else only checked. */
static void
member_overrides(struct reader *r, struct conf_router *v, const config_setting_t *s, bool mute)
{
	if (!config_setting_is_group(s))
		return;
	r->only = F_MEMBER;
	r->mute = mute;
	rd_group(r, &scope_instance, v, s);
	r->only = 0;
	r->mute = false;
}

static void
read_member(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	struct conf_member m = {.name = name, .where = rd_where(r, s)};
	struct conf_router scratch;
	size_t n = r->n_msgs;

	(void)arg;
	scope_init(&scope_member, &m);
	if (config_setting_is_group(s)) {
		for (size_t i = 0; i < (size_t)config_setting_length(s); i++) {
			const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
			const struct conf_key *k = scope_find(&scope_member, "", rd_name(e));
			size_t mark = rd_push(r, rd_name(e));

			if (e != NULL && !(s == r->named && strcmp(rd_name(e), "name") == 0) &&
			    member_key_is_known(r, e) && k != NULL) {
				if (k->read != NULL)
					k->read(r, k, &m, e);
				else
					rd_value(r, k, &m, e);
			}
			rd_pop(r, mark);
		}
		router_begin(&scratch);
		member_overrides(r, &scratch, s, false);
	} else {
		rd_group(r, &scope_member, &m, s);
	}
	if (m.address.family == AF_UNSPEC && r->n_msgs == n)
		rd_error(r, s, "address is missing");
	w->members = arena_grow(r->arena, w->members, w->n_members, sizeof(*w->members));
	w->members[w->n_members++] = m;
}

static bool
host_has(const struct conf_host *h, const struct sock_addr *a)
{
	struct sock_addr x = *a;

	for (size_t i = 0; i < h->n_addrs; i++) {
		struct sock_addr y = h->addrs[i];

		sock_addr_set_port(&x, 0);
		sock_addr_set_port(&y, 0);
		if (sock_addr_equal(&x, &y))
			return true;
	}
	return false;
}

/* Which member this host is: named, or found by its addresses. */
static void
choose_self(struct reader *r, const config_setting_t *members)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	size_t found = 0;

	if (r->host == NULL || w->n_members == 0)
		return;
	for (size_t i = 0; i < w->n_members; i++) {
		const struct conf_member *m = &w->members[i];

		if (r->host->member != NULL ? strcmp(m->name, r->host->member) == 0
					    : host_has(r->host, &m->address)) {
			w->self = (uint32_t)i;
			found++;
		}
	}
	if (found == 0 && r->host->member != NULL)
		rd_error(
		    r, members, "there is no member \"%s\", which --host names", r->host->member);
	else if (found == 0)
		rd_error(r, members, "this host has the address of no member; name it with --host");
	else if (found > 1)
		rd_error(r, members,
		    "this host has the addresses of %zu members; name one with --host", found);
}

static const config_setting_t *
member_setting(const config_setting_t *members, const char *name)
{
	for (size_t i = 0; i < (size_t)config_setting_length(members); i++) {
		const config_setting_t *s = config_setting_get_elem(members, (unsigned)i), *n;

		if (config_setting_type(members) == CONFIG_TYPE_GROUP) {
			if (strcmp(rd_name(s), name) == 0)
				return s;
			continue;
		}
		n = config_setting_is_group(s) ? config_setting_get_member(s, "name") : NULL;
		if (n != NULL && config_setting_type(n) == CONFIG_TYPE_STRING &&
		    strcmp(config_setting_get_string(n), name) == 0)
			return s;
	}
	return NULL;
}

static void
read_members(struct reader *r, struct vrrp_input *in)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	size_t mark;

	if (in->parts[PART_MEMBERS] == NULL)
		return;
	mark = rd_push(r, "members");
	rd_objects(r, in->parts[PART_MEMBERS], "member", read_member, NULL);
	if (!r->resolved)
		choose_self(r, in->parts[PART_MEMBERS]);
	rd_pop(r, mark);
	if (w->self != CONF_NONE)
		in->member = member_setting(in->parts[PART_MEMBERS], w->members[w->self].name);
}

/* In text that was resolved before. */
static void
read_self(struct reader *r, const config_setting_t *s)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	const char *name = rd_string(r, s, "the name of a member");

	for (size_t i = 0; name != NULL && i < w->n_members; i++)
		if (strcmp(w->members[i].name, name) == 0)
			w->self = (uint32_t)i;
	if (name != NULL && w->self == CONF_NONE)
		rd_error(r, s, "self: there is no member \"%s\"", name);
}

/* ---- scripts ------------------------------------------------------------------------- */

static void
read_script(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	struct script_input in = {.script = {.name = name, .where = rd_where(r, s)}};
	size_t n = r->n_msgs;

	(void)arg;
	scope_init(&scope_script, &in);
	rd_group(r, &scope_script, &in, s);
	scope_resolve(&scope_script, &in);
	if (in.script.argv.n == 0 && r->n_msgs == n)
		rd_error(r, s, "script is missing");
	r->script_weights =
	    arena_grow(r->arena, r->script_weights, w->n_scripts, sizeof(*r->script_weights));
	r->script_weights[w->n_scripts] = in.weight;
	w->scripts = arena_grow(r->arena, w->scripts, w->n_scripts, sizeof(*w->scripts));
	w->scripts[w->n_scripts++] = in.script;
}

/* ---- instances ----------------------------------------------------------------------- */

/* The other members are the peers. */
static void
resolve_peers(struct reader *r, struct conf_router *v)
{
	const struct conf_vrrp *w = &r->conf->vrrp;
	const struct conf_member *self = &w->members[w->self];

	v->all_vipd = true;
	v->unicast = true;
	v->source = self->address;
	v->priority = self->priority;
	v->n_peers = 0;
	v->peers = NULL;
	for (size_t i = 0; i < w->n_members; i++) {
		struct conf_peer p = {.addr = w->members[i].address,
		    .name = w->members[i].name,
		    .priority = w->members[i].priority,
		    .min_ttl = 255};

		if (i == w->self)
			continue;
		v->peers = arena_grow(r->arena, v->peers, v->n_peers, sizeof(*v->peers));
		v->peers[v->n_peers++] = p;
	}
}

/* keepalived's way to say who is who beside members. */
static void
refuse_mixing(struct reader *r, const config_setting_t *s)
{
	static const char *const explicit[] = {
	    "unicast_src_ip", "unicast_peer", "mcast_src_ip", "priority"};

	for (size_t i = 0; i < sizeof(explicit) / sizeof(explicit[0]); i++) {
		const config_setting_t *e = rd_find(s, explicit[i]);
		size_t mark;

		if (e == NULL)
			continue;
		mark = rd_push(r, explicit[i]);
		if (strcmp(explicit[i], "priority") == 0)
			rd_error(
			    r, e, "with vrrp.members each member has its priority; take it away");
		else
			rd_error(r, e,
			    "with vrrp.members the others are the peers; take it away, or "
			    "leave members out");
		rd_pop(r, mark);
	}
}

static void
set_family(struct conf_router *v)
{
	if (v->source.family != AF_UNSPEC)
		v->family = v->source.family;
	else if (v->n_peers > 0)
		v->family = v->peers[0].addr.family;
	else
		v->family = v->n_addresses > 0 ? v->addresses[0].addr.family : AF_INET;
	if (v->family != AF_INET6)
		v->family = AF_INET;
}

static void
read_router(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct conf_vrrp *w = &r->conf->vrrp;
	struct vrrp_input *in = arg;
	struct conf_router v;

	if (!config_setting_is_group(s)) {
		rd_error(r, s, "an instance is a group { }");
		return;
	}
	router_begin(&v);
	v.name = name;
	v.where = rd_where(r, s);
	r->n_before = r->n_msgs;
	rd_group(r, &scope_instance, &v, s);
	if (!r->resolved && in->parts[PART_MEMBERS] != NULL) {
		refuse_mixing(r, s);
		if (in->member == NULL)
			return; /* not for a host: see conf_read_file */
		member_overrides(r, &v, in->member, true);
		resolve_peers(r, &v);
	}
	v.unicast = v.unicast || v.n_peers > 0 || (r->resolved && w->self != CONF_NONE);
	set_family(&v);
	scope_resolve(&scope_instance, &v);
	check_router(r, &v, s);
	w->routers = arena_grow(r->arena, w->routers, w->n_routers, sizeof(*w->routers));
	w->routers[w->n_routers++] = v;
}

/* ---- the whole ----------------------------------------------------------------------- */

static void
read_rest(struct reader *r, struct vrrp_input *in, const config_setting_t *s)
{
	for (size_t i = 0; i < (size_t)config_setting_length(s); i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		const struct conf_key *k = scope_find(&scope_vrrp, "", rd_name(e));
		const char *near = NULL;
		unsigned best = UINT_MAX;
		size_t p, mark = rd_push(r, rd_name(e));

		for (p = 0; p < PARTS && strcmp(rd_name(e), part_names[p]) != 0; p++)
			if (p != PART_SELF && words_near(rd_name(e), part_names[p], &best))
				near = part_names[p];
		if (p < PARTS)
			in->parts[p] = e;
		else if (k != NULL)
			rd_value(r, k, &r->conf->vrrp, e);
		else if (near != NULL)
			rd_error(r, e, "unknown key; do you mean \"%s\"?", near);
		else
			rd_error(r, e,
			    "unknown key; in vrrp stand members, scripts, instances and "
			    "router_id");
		rd_pop(r, mark);
	}
}

void
vrrp_read(struct reader *r, const config_setting_t *s)
{
	struct vrrp_input in = {{NULL}, NULL};
	size_t mark = rd_push(r, "vrrp"), sub;

	if (!config_setting_is_group(s)) {
		rd_error(r, s, "vrrp is a group { }");
		rd_pop(r, mark);
		return;
	}
	scope_init(&scope_vrrp, &r->conf->vrrp);
	read_rest(r, &in, s);
	r->resolved = in.parts[PART_SELF] != NULL;
	read_members(r, &in);
	if (r->resolved)
		read_self(r, in.parts[PART_SELF]);
	if (in.parts[PART_SCRIPTS] != NULL) {
		sub = rd_push(r, "scripts");
		rd_objects(r, in.parts[PART_SCRIPTS], "script", read_script, &in);
		rd_pop(r, sub);
	}
	if (in.parts[PART_INSTANCES] != NULL) {
		sub = rd_push(r, "instances");
		rd_objects(r, in.parts[PART_INSTANCES], "instance", read_router, &in);
		rd_pop(r, sub);
	}
	check_vrrp(r, s);
	rd_pop(r, mark);
}

/* ---- printing ------------------------------------------------------------------------ */

static const char *
member_name(const void *array, size_t i)
{
	return ((const struct conf_member *)array)[i].name;
}

static const char *
script_name(const void *array, size_t i)
{
	return ((const struct conf_script *)array)[i].name;
}

static const char *
router_name(const void *array, size_t i)
{
	return ((const struct conf_router *)array)[i].name;
}

void
vrrp_print(struct printer *p)
{
	const struct conf_vrrp *w = &p->conf->vrrp;
	bool list;

	pr_open(p, "vrrp", '{');
	if (w->self != CONF_NONE)
		pr_string(p, "self", w->members[w->self].name);
	pr_scope(p, &scope_vrrp, w);
	list = pr_objects_open(p, "members", w->members, w->n_members, member_name);
	for (size_t i = 0; i < w->n_members; i++) {
		pr_object_open(p, list, w->members[i].name);
		pr_scope(p, &scope_member, &w->members[i]);
		pr_close(p);
	}
	pr_close(p);
	list = pr_objects_open(p, "scripts", w->scripts, w->n_scripts, script_name);
	for (size_t i = 0; i < w->n_scripts; i++) {
		pr_object_open(p, list, w->scripts[i].name);
		pr_scope(p, &scope_script, &w->scripts[i]);
		pr_close(p);
	}
	pr_close(p);
	list = pr_objects_open(p, "instances", w->routers, w->n_routers, router_name);
	for (size_t i = 0; i < w->n_routers; i++) {
		pr_object_open(p, list, w->routers[i].name);
		pr_scope(p, &scope_instance, &w->routers[i]);
		pr_close(p);
	}
	pr_close(p);
	pr_close(p);
}
