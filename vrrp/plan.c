/* SPDX-License-Identifier: ISC */
/* From the configuration to one virtual router. Pure. */
#include "vrrp/plan.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000LL

struct ip
plan_ip(const struct sock_addr *a)
{
	if (a->family == AF_INET)
		return ip_make(AF_INET, (const uint8_t *)&a->in.sin_addr);
	if (a->family == AF_INET6)
		return ip_make(AF_INET6, (const uint8_t *)&a->in6.sin6_addr);
	return (struct ip){0};
}

static uint8_t
scope_number(const char *s)
{
	if (s == NULL || strcmp(s, "global") == 0)
		return RT_SCOPE_UNIVERSE;
	if (strcmp(s, "link") == 0)
		return RT_SCOPE_LINK;
	if (strcmp(s, "host") == 0)
		return RT_SCOPE_HOST;
	return (uint8_t)strtoul(s, NULL, 10);
}

static void
copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static void
addr_fill(struct plan_addr *a, const struct conf_address *c)
{
	a->ip = plan_ip(&c->addr);
	a->prefix = (uint8_t)c->prefix;
	a->scope = scope_number(c->scope);
	a->advertised = !c->excluded;
	if (c->broadcast.family == AF_INET)
		memcpy(a->broadcast, &c->broadcast.in.sin_addr, 4);
	copy_text(a->dev, sizeof(a->dev), c->dev);
	copy_text(a->label, sizeof(a->label), c->label);
}

static void
link_local(struct plan_addr *a, unsigned vrid)
{
	/* RFC 9568 5.2.9: the first address of an IPv6 router is link-local. Derived from the
	 * VRID, as the virtual MAC would give it. */
	static const uint8_t b[16] = {0xfe, 0x80, [8] = 0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x02};

	*a = (struct plan_addr){
	    .ip = ip_make(AF_INET6, b), .prefix = 64, .scope = RT_SCOPE_LINK, .advertised = true};
	a->ip.b[15] = (uint8_t)vrid;
}

static bool
addrs_build(struct plan *p, const struct conf_router *r, char *reason, size_t size)
{
	bool add = p->family == AF_INET6 && r->n_addresses > 0;

	for (size_t i = 0; i < r->n_addresses && add; i++) {
		struct ip ip = plan_ip(&r->addresses[i].addr);

		add = r->addresses[i].excluded || !ip_is_linklocal6(&ip);
	}
	p->addrs = calloc(r->n_addresses + 1, sizeof(*p->addrs));
	p->adverts = calloc(r->n_addresses + 1, sizeof(*p->adverts));
	if (p->addrs == NULL || p->adverts == NULL) {
		snprintf(reason, size, "out of memory");
		return false;
	}
	if (add)
		link_local(&p->addrs[p->n_addrs++], p->vrid);
	for (size_t i = 0; i < r->n_addresses; i++)
		addr_fill(&p->addrs[p->n_addrs++], &r->addresses[i]);
	/* In advertisements the link-local ones come first. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->n_addrs; i++) {
			const struct plan_addr *a = &p->addrs[i];

			if (a->advertised && a->ip.family == p->family &&
			    ip_is_linklocal6(&a->ip) == (pass == 0))
				p->adverts[p->n_adverts++] = a->ip;
		}
	if (p->n_adverts == 0 || p->n_adverts > PACKET_ADDRS_MAX) {
		snprintf(reason, size,
		    "instance %s: %zu addresses to advertise, 1 to %d are possible", p->name,
		    p->n_adverts, PACKET_ADDRS_MAX);
		return false;
	}
	return true;
}

static bool
peers_build(struct plan *p, const struct conf_router *r, char *reason, size_t size)
{
	if (r->n_peers > DECIDE_PEERS_MAX) {
		snprintf(
		    reason, size, "instance %s: more than %d peers", p->name, DECIDE_PEERS_MAX);
		return false;
	}
	for (size_t i = 0; i < r->n_peers; i++) {
		const struct conf_peer *c = &r->peers[i];
		struct plan_peer *to = &p->peers[i];

		to->ip = plan_ip(&c->addr);
		to->min_ttl = (uint8_t)c->min_ttl;
		/* keepalived sends unicast IPv6 with the kernel's 64 (conformance note 4). */
		if (p->family == AF_INET6 && to->min_ttl == 255 && !r->all_vipd)
			to->min_ttl = 0;
		if (c->name != NULL)
			copy_text(to->name, sizeof(to->name), c->name);
		else
			sock_addr_format_host(&c->addr, to->name, sizeof(to->name));
		p->decide.peers[i] = (struct decide_peer){to->ip, (uint8_t)c->priority};
	}
	p->n_peers = p->decide.n_peers = r->n_peers;
	return true;
}

static bool
tracks_build(struct plan *p, const struct conf *conf, const struct conf_router *r)
{
	p->tracks = calloc(r->n_tracks + 1, sizeof(*p->tracks));
	if (p->tracks == NULL)
		return false;
	for (size_t i = 0; i < r->n_tracks; i++) {
		const struct conf_track *c = &r->tracks[i];
		struct plan_track *to = &p->tracks[p->n_tracks++];

		to->kind = c->kind;
		to->weight = c->weight;
		copy_text(to->name, sizeof(to->name), c->name);
		if (c->kind == CONF_TRACK_SCRIPT && c->index < conf->vrrp.n_scripts) {
			const struct conf_script *s = &conf->vrrp.scripts[c->index];

			to->interval_ms = s->interval_ms;
			to->rise = s->rise;
			to->fall = s->fall;
			to->init_fail = s->init_fail;
		}
	}
	return true;
}

/* Two intervals of the slowest check of a tracked backend, at least 2 s. */
static int64_t
degrade_ns(const struct conf *conf, const struct conf_router *r)
{
	int64_t ms = r->degrade_hold_ms;

	for (size_t i = 0; i < r->n_tracks && r->degrade_hold_ms == 0; i++) {
		const struct conf_track *t = &r->tracks[i];

		if (t->kind != CONF_TRACK_BACKEND || t->index >= conf->n_backends)
			continue;
		for (size_t k = 0; k < conf->backends[t->index].n_servers; k++) {
			int64_t inter = conf->backends[t->index].servers[k].check.inter_ms;

			ms = 2 * inter > ms ? 2 * inter : ms;
		}
	}
	return (r->degrade_hold_ms == 0 && ms < 2000 ? 2000 : ms) * MS;
}

static void
decide_build(struct plan *p, const struct conf_router *r)
{
	p->decide = (struct decide_cfg){
	    .mode = r->priority_mode == CONF_PRIORITY_BANDS ? BAND_MODE_BANDS : BAND_MODE_WEIGHTS,
	    .preempt = r->preempt == CONF_PREEMPT_ALWAYS  ? DECIDE_ALWAYS
		       : r->preempt == CONF_PREEMPT_NEVER ? DECIDE_NEVER
							  : DECIDE_WHEN_BETTER,
	    .version = p->version,
	    .n_adverts = (uint8_t)r->down_timer_adverts,
	    .base = (uint8_t)r->priority,
	    .peers_vipd = r->all_vipd,
	    .interval_ns = r->advert_int_ms * MS,
	    .conflict_hold_ns = r->conflict_hold_ms * MS,
	    .startup_ns = r->startup_delay_ms * MS,
	    .preempt_delay_ns = r->preempt_delay_ms * MS};
}

/* What of the two the user does not say is keepalived's default beside the other. */
static void
garp_build(struct garp_cfg *g, const struct conf_router *r)
{
	*g = (struct garp_cfg){
	    .refresh_ns = r->garp_master_refresh_ms * MS, .trouble_ns = 1000 * MS};
	if (r->garp_master_delay_ms < 0 && r->garp_master_repeat == 0)
		return;
	g->repeat = r->garp_master_repeat > 0 ? r->garp_master_repeat : 5;
	g->delay_ns = (r->garp_master_delay_ms >= 0 ? r->garp_master_delay_ms : 5000) * MS;
}

struct plan *
plan_new(const struct conf *conf, const struct conf_router *r, char *reason, size_t reason_size)
{
	struct plan *p = calloc(1, sizeof(*p));
	int64_t need, life;

	if (p == NULL) {
		snprintf(reason, reason_size, "out of memory");
		return NULL;
	}
	copy_text(p->name, sizeof(p->name), r->name);
	copy_text(p->group, sizeof(p->group), r->sync_group);
	p->vrid = (uint8_t)r->vrid;
	p->version = (uint8_t)r->version;
	p->family = (uint8_t)r->family;
	p->unicast = r->unicast;
	p->strict = r->strict;
	p->checksum_v2 = r->checksum_v2;
	copy_text(p->ifname, sizeof(p->ifname), r->interface);
	p->source = plan_ip(&r->source);
	if (r->auth == CONF_AUTH_PASS) {
		p->auth_type = PACKET_AUTH_PASS;
		packet_auth_from_pass(p->auth, r->auth_pass != NULL ? r->auth_pass : "");
	}
	if (r->auth == CONF_AUTH_HMAC) {
		static const enum hmac_mode modes[] = {[CONF_AUTH_ENFORCE] = HMAC_ENFORCE,
		    [CONF_AUTH_PERMISSIVE] = HMAC_PERMISSIVE,
		    [CONF_AUTH_RECEIVE_ONLY] = HMAC_RECEIVE_ONLY,
		    [CONF_AUTH_OFF] = HMAC_OFF};

		p->hmac = modes[r->auth_mode];
		p->sign_id = (uint8_t)r->auth_key_id;
		p->key_file = r->auth_key_file;
	}
	decide_build(p, r);
	p->holds.rise_ns = r->rise_hold_ms * MS;
	p->holds.degrade_ns = p->decide.patience_ns = degrade_ns(conf, r);
	garp_build(&p->garp, r);
	need = (decide_lifetime_ns(&p->decide) + 999 * MS) / (1000 * MS);
	life = (r->address_lease_ms + 999) / 1000;
	p->lifetime_s =
	    r->address_lease_ms == 0 ? UINT32_MAX : (uint32_t)(life > need ? life : need);
	if (!addrs_build(p, r, reason, reason_size) || !peers_build(p, r, reason, reason_size) ||
	    !tracks_build(p, conf, r)) {
		plan_free(p);
		return NULL;
	}
	return p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	free(p->addrs);
	free(p->adverts);
	free(p->tracks);
	explicit_bzero(&p->keys, sizeof(p->keys));
	free(p);
}

bool
plan_same_router(const struct plan *a, const struct plan *b)
{
	return a->vrid == b->vrid && a->family == b->family && a->unicast == b->unicast &&
	       strcmp(a->ifname, b->ifname) == 0 && ip_equal(&a->source, &b->source);
}

const struct plan_peer *
plan_peer(const struct plan *p, const struct ip *ip)
{
	for (size_t i = 0; i < p->n_peers; i++)
		if (ip_equal(&p->peers[i].ip, ip))
			return &p->peers[i];
	return NULL;
}
