/* SPDX-License-Identifier: ISC */
/* What the settings of vrrp mean together. */
#include "conf/vrrp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROUTERS 64   /* the shared segment's */
#define MAX_VIPS    1024 /* the same */
#define BASE_STEP   4    /* bands keep a quarter of the base: nearer ones would be equal */

static const char *
family_name(int family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static void
check_addresses(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	size_t advertised = 0;

	for (size_t i = 0; i < v->n_addresses; i++) {
		const struct conf_address *a = &v->addresses[i];

		if (a->excluded)
			continue;
		advertised++;
		if (a->addr.family != v->family) {
			rd_error(r, s,
			    "virtual_ipaddress: advertisements are %s and can name only such "
			    "addresses; %s ones belong in virtual_ipaddress_excluded",
			    family_name(v->family), family_name(a->addr.family));
			break;
		}
	}
	if (advertised == 0 && r->n_msgs == r->n_before)
		rd_error(r, s, "virtual_ipaddress is missing: which address does it hold?");
	if (advertised > 20)
		rd_error(r, s,
		    "virtual_ipaddress: at most 20; the rest belongs in "
		    "virtual_ipaddress_excluded");
}

static void
check_times(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	if (v->version == 2 && (v->advert_int_ms % 1000 != 0 || v->advert_int_ms > 255000))
		rd_error(r, s, "advert_int: version 2 has whole seconds, 1s to 255s");
	if (v->version == 3 && (v->advert_int_ms % 10 != 0 || v->advert_int_ms > 40950))
		rd_error(r, s, "advert_int: version 3 has steps of 10ms, 10ms to 40950ms");
	if (v->version == 2 && v->family == AF_INET6)
		rd_error(r, s, "version: IPv6 needs version 3");
	if (v->address_lease_ms % 1000 != 0)
		rd_error(r, s, "address_lease: whole seconds");
	if (v->preempt == CONF_PREEMPT_NEVER && v->preempt_delay_ms != 0)
		rd_warn(r, s, "preempt_delay has no effect with preempt = \"never\"");
	if (v->version != 3 && v->checksum_v2)
		rd_warn(r, s, "v3_checksum_as_v2 has no effect with version 2");
}

static void
check_peers(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	if (v->interface == NULL && v->source.family == AF_UNSPEC)
		rd_error(
		    r, s, "interface is missing (or unicast_src_ip, whose interface is taken)");
	for (size_t i = 0; i < v->n_peers; i++) {
		if (v->peers[i].addr.family != v->family)
			rd_error(r, s, "unicast_peer: source and peers are of different families");
		if (v->source.family != AF_UNSPEC && sock_addr_equal(&v->peers[i].addr, &v->source))
			rd_error(r, s, "unicast_peer: this host's own address is not a peer");
	}
}

static void
check_priority(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	bool bands = v->priority_mode == CONF_PRIORITY_BANDS;

	if (bands && !v->all_vipd)
		rd_error(r, s,
		    "priority_mode bands is for vipd hosts only, listed in vrrp.members; with "
		    "keepalived use weights");
	if (!bands && v->preempt == CONF_PREEMPT_WHEN_BETTER)
		rd_error(r, s,
		    "preempt = \"when_better\" needs priority_mode bands; write \"always\" or "
		    "\"never\"");
	if (v->priority == 255 && v->n_tracks > 0)
		rd_error(r, s,
		    "priority 255 never changes, so track would have no effect: take at most "
		    "254");
	if (v->priority == 255 && v->preempt == CONF_PREEMPT_NEVER)
		rd_error(r, s,
		    "priority 255 always takes over, so preempt cannot be never: take at most "
		    "254");
	for (size_t i = 0; i < v->n_tracks; i++)
		if (bands && v->tracks[i].weight != 0)
			rd_warn(r, s, "track: the weight %d has no effect in priority_mode bands",
			    v->tracks[i].weight);
}

static void
check_auth(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	if (v->auth == CONF_AUTH_PASS && v->auth_pass == NULL && r->n_msgs == r->n_before)
		rd_error(r, s, "auth_pass is missing");
	if (v->auth != CONF_AUTH_PASS && v->auth_pass != NULL)
		rd_warn(r, s, "auth_pass has no effect without auth_type = \"PASS\"");
	if (v->auth == CONF_AUTH_PASS && v->version == 3)
		rd_warn(r, s,
		    "auth_type = \"PASS\" has no effect: version 3 has no passwords; use "
		    "\"HMAC\" between vipd hosts");
	if (v->auth == CONF_AUTH_HMAC && !v->all_vipd)
		rd_error(r, s,
		    "auth_type = \"HMAC\" is for vipd hosts only, listed in vrrp.members; "
		    "keepalived would drop the advertisements");
	if (v->auth == CONF_AUTH_HMAC && v->auth_key_file == NULL && r->n_msgs == r->n_before)
		rd_error(r, s, "auth_key_file is missing");
	if (v->auth != CONF_AUTH_HMAC && v->auth_key_file != NULL)
		rd_warn(r, s, "auth_key_file has no effect without auth_type = \"HMAC\"");
}

void
check_router(struct reader *r, const struct conf_router *v, const config_setting_t *s)
{
	if (v->vrid == 0 && r->n_msgs == r->n_before)
		rd_error(r, s, "virtual_router_id is missing");
	check_addresses(r, v, s);
	check_times(r, v, s);
	check_peers(r, v, s);
	check_priority(r, v, s);
	check_auth(r, v, s);
}

/* ---- all together -------------------------------------------------------------------- */

static bool
same_interface(const struct conf_router *a, const struct conf_router *b)
{
	if (a->interface != NULL && b->interface != NULL)
		return strcmp(a->interface, b->interface) == 0;
	return a->source.family != AF_UNSPEC && sock_addr_equal(&a->source, &b->source);
}

static void
check_pair(struct reader *r, const struct conf_router *a, const struct conf_router *b)
{
	char text[SOCK_ADDR_TEXT];
	size_t mark = rd_push(r, "instances");

	rd_push(r, b->name);
	if (a->vrid == b->vrid && a->family == b->family && a->unicast == b->unicast &&
	    same_interface(a, b))
		rd_at(r, CONF_ERROR, b->where,
		    "virtual_router_id: %u is also that of instance %s, %s:%u", b->vrid, a->name,
		    a->where.file != NULL ? a->where.file : "line", a->where.line);
	for (size_t i = 0; i < a->n_addresses; i++)
		for (size_t j = 0; j < b->n_addresses; j++)
			if (sock_addr_equal(&a->addresses[i].addr, &b->addresses[j].addr))
				rd_at(r, CONF_ERROR, b->addresses[j].where,
				    "the address %s stands twice: also in instance %s",
				    sock_addr_format_host(
					&b->addresses[j].addr, text, sizeof(text)),
				    a->name);
	rd_pop(r, mark);
}

/* What makes the members of a sync group decide alike. */
static void
check_group(struct reader *r, const struct conf_router *a, const struct conf_router *b)
{
	const char *differs = a->priority != b->priority             ? "priority"
			      : a->priority_mode != b->priority_mode ? "priority_mode"
			      : a->preempt != b->preempt             ? "preempt"
								     : NULL;

	if (a->sync_group == NULL || b->sync_group == NULL ||
	    strcmp(a->sync_group, b->sync_group) != 0 || differs == NULL)
		return;
	rd_at(r, CONF_ERROR, b->where,
	    "instances.%s: %s must be the same in all instances of sync_group \"%s\"; it is "
	    "another "
	    "in %s",
	    b->name, differs, b->sync_group, a->name);
}

static void
check_alone(struct reader *r, const struct conf_router *v)
{
	const struct conf_vrrp *w = &r->conf->vrrp;

	for (size_t i = 0; i < w->n_routers && v->sync_group != NULL; i++)
		if (&w->routers[i] != v && w->routers[i].sync_group != NULL &&
		    strcmp(w->routers[i].sync_group, v->sync_group) == 0)
			return;
	if (v->sync_group != NULL)
		rd_at(r, CONF_WARNING, v->where,
		    "instances.%s: no other instance is in sync_group \"%s\"", v->name,
		    v->sync_group);
}

static void
check_own_addresses(struct reader *r, const struct conf_router *v)
{
	char text[SOCK_ADDR_TEXT];

	for (size_t i = 0; i < v->n_addresses; i++)
		for (size_t j = i + 1; j < v->n_addresses; j++)
			if (sock_addr_equal(&v->addresses[i].addr, &v->addresses[j].addr))
				rd_at(r, CONF_ERROR, v->addresses[j].where,
				    "instances.%s: the address %s stands twice", v->name,
				    sock_addr_format_host(
					&v->addresses[j].addr, text, sizeof(text)));
}

static bool
any_bands(const struct conf_vrrp *w)
{
	for (size_t i = 0; i < w->n_routers; i++)
		if (w->routers[i].priority_mode == CONF_PRIORITY_BANDS && w->routers[i].all_vipd)
			return true;
	return false;
}

static void
check_members(struct reader *r)
{
	const struct conf_vrrp *w = &r->conf->vrrp;
	bool bands = any_bands(w);
	size_t mark = rd_push(r, "members");

	for (size_t i = 0; i < w->n_members; i++)
		for (size_t j = 0; j < i; j++) {
			const struct conf_member *a = &w->members[j], *b = &w->members[i];
			unsigned gap = a->priority > b->priority ? a->priority - b->priority
								 : b->priority - a->priority;

			if (sock_addr_equal(&a->address, &b->address))
				rd_at(r, CONF_ERROR, b->where, "%s has the address of %s", b->name,
				    a->name);
			if (a->address.family != b->address.family)
				rd_at(r, CONF_ERROR, b->where,
				    "%s and %s: addresses of one family are "
				    "needed",
				    a->name, b->name);
			if (bands && gap < BASE_STEP)
				rd_at(r, CONF_ERROR, b->where,
				    "the priorities of %s (%u) and %s (%u) must differ by at least "
				    "%d",
				    a->name, a->priority, b->name, b->priority, BASE_STEP);
		}
	if (w->n_members == 1)
		rd_at(
		    r, CONF_WARNING, w->members[0].where, "only one: no other host can take over");
	rd_pop(r, mark);
}

/* Distinct names, in set: room for one more than are allowed. */
static void
name_iface(const char **set, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (name == NULL || strcmp(set[i], name) == 0)
			return;
	if (name != NULL && *n <= CONF_NAMED_IFACES)
		set[(*n)++] = name;
}

static void
check_ifaces(struct reader *r, const config_setting_t *s, const struct conf_vrrp *w)
{
	const char *set[CONF_NAMED_IFACES + 1];
	size_t n = 0;

	for (size_t i = 0; i < w->n_routers; i++) {
		const struct conf_router *v = &w->routers[i];

		name_iface(set, &n, v->interface);
		for (size_t k = 0; k < v->n_addresses; k++)
			name_iface(set, &n, v->addresses[k].dev);
		for (size_t k = 0; k < v->n_tracks; k++)
			if (v->tracks[k].kind == CONF_TRACK_INTERFACE)
				name_iface(set, &n, v->tracks[k].name);
	}
	if (n > CONF_NAMED_IFACES)
		rd_error(r, s, "more than %d interfaces are named", CONF_NAMED_IFACES);
}

void
check_vrrp(struct reader *r, const config_setting_t *s)
{
	const struct conf_vrrp *w = &r->conf->vrrp;
	size_t vips = 0;

	for (size_t i = 0; i < w->n_routers; i++)
		vips += w->routers[i].n_addresses;
	if (vips > MAX_VIPS)
		rd_error(r, s, "%zu virtual addresses in all; at most %d", vips, MAX_VIPS);
	if (w->n_routers > MAX_ROUTERS)
		rd_error(r, s, "%zu instances; at most %d", w->n_routers, MAX_ROUTERS);
	for (size_t i = 0; i < w->n_routers && i < MAX_ROUTERS; i++) {
		for (size_t j = 0; j < i; j++) {
			check_pair(r, &w->routers[j], &w->routers[i]);
			check_group(r, &w->routers[j], &w->routers[i]);
		}
		check_own_addresses(r, &w->routers[i]);
		check_alone(r, &w->routers[i]);
	}
	check_ifaces(r, s, w);
	check_members(r);
}
