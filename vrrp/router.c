/* SPDX-License-Identifier: ISC */
/* One virtual router: steps the decision, performs its actions. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "shm/event.h"
#include "vrrp/sock.h"
#include "vrrp/state.h"

#define PEER_LOST_NS 1300000000LL  /* answers are due each second */
#define PEER_GONE_NS 60000000000LL /* no hurry any more */

const char *
router_ip_text(const struct ip *ip, char *buf, size_t size)
{
	if (ip->family == 0 || inet_ntop(ip->family, ip->b, buf, (socklen_t)size) == NULL)
		snprintf(buf, size, "nobody");
	return buf;
}

/* ---- publishing ------------------------------------------------------------ */

static void
keep(struct router *r)
{
	uint32_t valid = sw32_get(&r->room->valid);
	uint32_t to = valid == 1 ? 1 : 0;
	struct router_kept *k = &r->room->copy[to];

	decide_save(&r->d, &k->saved);
	k->hold = r->hold;
	k->fault_until = r->fault_until;
	sw32_set(&r->room->valid, to + 1);
}

static void
publish(struct router *r)
{
	sw32_set(&r->pub->band, r->d.band);
	sw32_set(&r->pub->priority, r->d.priority);
	sw64_set(&r->pub->lease_boot_ns, (uint64_t)r->d.lease.ns);
	sw32_set(&r->pub->role, r->d.role);
}

static void
notify(struct router *r, const struct decide_action *a)
{
	struct proto_run run = {.priority = r->d.priority};

	switch (a->role) {
	case DECIDE_MASTER:
		run.what = PROTO_RUN_MASTER;
		break;
	case DECIDE_BACKUP:
		run.what = PROTO_RUN_BACKUP;
		break;
	case DECIDE_FAULT:
		run.what = PROTO_RUN_FAULT;
		break;
	case DECIDE_STOPPED:
		run.what = PROTO_RUN_STOP;
		break;
	default:
		return;
	}
	snprintf(run.name, sizeof(run.name), "%s", r->plan->name);
	snprintf(run.reason, sizeof(run.reason), "%s", decide_reason_text(a->why));
	msg_send(&r->v->child->chan, PROTO_RUN, ++r->v->requests, &run, sizeof(run), NULL, 0);
}

/* The first of the reasons for a FAULT. */
static const char *
fault_text(uint32_t mask)
{
#define X(name, bit, text) \
	if (mask & (bit))  \
		return text;
	FAULT_NAMES(X)
#undef X
	return "";
}

static void
role_changed(struct router *r, const struct decide_action *a)
{
	const char *why =
	    a->why == DECIDE_WHY_FAULT ? fault_text(r->fault) : decide_reason_text(a->why);
	char ip[64] = "";

	keep(r);
	publish(r);
	sw64_set(&r->pub->since_ns, (uint64_t)loop_now(r->v->loop).ns);
	sw64_set(&r->pub->since_wall_us, (uint64_t)mono_wall_us());
	if (a->role == DECIDE_MASTER && a->notify)
		sw64_add(&r->pub->became_master, 1);
	snprintf(r->pub->reason, sizeof(r->pub->reason), "%s", why);
	if (a->role == DECIDE_BACKUP && r->d.m.known)
		router_ip_text(&r->d.m.addr, ip, sizeof(ip));
	if (a->from != a->role)
		log_notice("router %s: %s -> %s: %s (priority %u, band %s%s%s)", r->plan->name,
		    decide_role_text(a->from), decide_role_text(a->role), why, r->d.priority,
		    band_text(r->d.band), ip[0] != '\0' ? ", master " : "", ip);
	if (a->notify)
		notify(r, a);
}

static void
alarm_said(struct router *r, const struct decide_action *a)
{
	struct ratelimit *l = &r->say_alarm[a->alarm];
	const uint8_t *m = r->holder_mac;
	char who[96];

	if (l->burst == 0)
		*l = (struct ratelimit)RATELIMIT_INIT(1, 30000);
	if (!ratelimit_step(l, loop_now(r->v->loop), NULL))
		return;
	if (a->ip.family != 0)
		router_ip_text(&a->ip, who, sizeof(who));
	else
		snprintf(who, sizeof(who), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		    m[4], m[5]);
	if (a->alarm == DECIDE_ALARM_MOVE_LIMIT)
		log_alert("router %s: %s %s", r->plan->name, decide_alarm_text(a->alarm), who);
	else
		log_alert("router %s: %s %s", r->plan->name, who, decide_alarm_text(a->alarm));
}

/* ---- sending --------------------------------------------------------------- */

static int
send_to(struct router *r, struct packet_out *o, const struct ip *dst)
{
	static uint8_t b[PACKET_MAX];
	size_t ip_len;
	int n;

	o->dst = *dst;
	o->ip_id = (uint16_t)(sw32_get(&r->room->ip_id) + 1);
	sw32_set(&r->room->ip_id, o->ip_id);
	n = packet_build(o, b, sizeof(b), &ip_len);
	if (n == -1)
		return -1;
	if (sock_send(r->rx.fd, r->bound_index, b, (size_t)n, ip_len, &r->source, dst) == -1)
		return -1;
	sw64_add(&r->pub->sent, 1);
	return 0;
}

int
router_send(struct router *r, uint8_t priority, int64_t interval_ns, const struct ip *only)
{
	const struct plan *p = r->plan;
	struct packet_out o = {.version = p->version,
	    .vrid = p->vrid,
	    .priority = priority,
	    .ttl = 255,
	    .interval_cs = (uint16_t)(interval_ns / 10000000),
	    .auth_type = p->auth_type,
	    .sum = p->checksum_v2 ? PACKET_SUM_NONE : PACKET_SUM_REAL,
	    .src = r->source,
	    .addrs = p->adverts,
	    .n_addrs = p->n_adverts};
	struct ip group;
	int sent = -1;

	/* Without carrier the kernel would keep it for an unresolved neighbour and deliver it when
	 * the link is back: a stale claim. */
	if (r->rx.fd == -1 || !r->iface->running)
		return -1;
	memcpy(o.auth, p->auth, sizeof(o.auth));
	if (!p->unicast) {
		group = packet_group(p->family);
		return send_to(r, &o, &group);
	}
	/* One that cannot be reached does not keep the others from hearing. */
	for (size_t i = 0; i < p->n_peers; i++)
		if (only == NULL || ip_equal(only, &p->peers[i].ip))
			if (send_to(r, &o, &p->peers[i].ip) == 0)
				sent = 0;
	return sent;
}

/*
 * The kernel asks for the MAC of a peer that was away once a second, and keeps advertisements back
 * until it is answered. Asking at each advertisement makes a repaired network known at once.
 */
static void
wake_neighbours(struct router *r)
{
	struct mono now = loop_now(r->v->loop);

	for (size_t i = 0; i < r->plan->n_peers && r->plan->unicast; i++) {
		int64_t silent = now.ns - r->peer_seen[i].ns;

		if (silent > PEER_LOST_NS && silent < PEER_GONE_NS)
			iface_probe(r->iface, &r->plan->peers[i].ip);
	}
}

static void
do_send(struct router *r, const struct decide_action *a)
{
	struct decide_in ok = {
	    .kind = DECIDE_IN_SENT, .now = loop_now(r->v->loop), .boot = mono_now_boot()};
	struct decide_out none;

	if (r->iface != NULL && r->iface->running)
		wake_neighbours(r);
	if (router_send(r, a->priority, a->interval_ns, NULL) == -1)
		return;
	decide_step(&r->d, &ok, &none);
	sw64_set(&r->pub->lease_boot_ns, (uint64_t)r->d.lease.ns);
}

/* ---- draining -------------------------------------------------------------- */

static void
drain_list(struct vrrp *v)
{
	struct router *r;
	uint32_t n = 0;

	router_each(v, r)
	{
		if (r->drain_seq == 0)
			continue;
		for (size_t i = 0; i < r->plan->n_addrs && n < 64; i++, n++) {
			v->own->drain[n].family = r->plan->addrs[i].ip.family;
			memcpy(v->own->drain[n].addr, r->plan->addrs[i].ip.b, 16);
		}
	}
	sw32_set(&v->own->n_drain, n);
}

static bool
drain_done(const struct router *r)
{
	const struct shm *s = r->v->seg;
	uint32_t n = sw32_get(&s->master->n_workers);

	if (r->v->orphan)
		return true;
	for (uint32_t w = 0; w < n; w++)
		if (sw64_get(&s->master->live[w / 64]) >> (w % 64) & 1 &&
		    sw64_get(&shm_worker(s, w)->drained) < r->drain_seq)
			return false;
	return true;
}

static void
do_drain(struct router *r)
{
	struct vrrp *v = r->v;

	r->drain_seq = sw64_get(&v->own->drain_seq) + 1;
	drain_list(v);
	sw64_set(&v->own->drain_seq, r->drain_seq);
	for (unsigned w = 0; w < SHM_MAX_WORKERS; w++)
		child_ring_worker(v->child, w);
}

/* ---- actions --------------------------------------------------------------- */

static void
do_probe(struct router *r)
{
	struct mono now = loop_now(r->v->loop);

	if (r->iface == NULL)
		return;
	for (size_t i = 0; i < r->plan->n_addrs; i++)
		iface_probe(r->iface, &r->plan->addrs[i].ip);
	if (r->d.role != DECIDE_MASTER)
		return;
	for (size_t i = 0; i < r->plan->n_peers; i++) {
		bool lost = r->peer_seen[i].ns != 0 && now.ns - r->peer_seen[i].ns > PEER_LOST_NS;

		iface_probe(r->iface, &r->plan->peers[i].ip);
		if (lost && !r->peer_lost[i])
			garp_trouble(&r->garp, now, &r->plan->garp);
		r->peer_lost[i] = lost;
	}
}

static void
ask_fresh(struct router *r)
{
	struct mono now = loop_now(r->v->loop);

	/* One that has just ended is as good as one that is asked for. */
	r->fresh_since = mono_add_ms(now, -200);
	sw64_set(&r->v->own->want_fresh_ns, (uint64_t)now.ns);
	child_ring_fd(r->v->child->start.bells.checker);
}

static void
perform(struct router *r, const struct decide_action *a)
{
	struct mono now = loop_now(r->v->loop);
	char ip[64];

	switch (a->kind) {
	case DECIDE_DO_SEND:
		do_send(r, a);
		break;
	case DECIDE_DO_SEND_LAST:
		router_send(r, a->priority, a->interval_ns, &a->ip);
		break;
	case DECIDE_DO_ROLE:
		role_changed(r, a);
		break;
	case DECIDE_DO_ADD:
		addr_set(r);
		break;
	case DECIDE_DO_REMOVE:
		r->drain_seq = 0;
		addr_remove(r);
		break;
	case DECIDE_DO_ARP_START:
		garp_start(&r->garp, r->plan->n_addrs, now);
		break;
	case DECIDE_DO_ARP_SIGN:
		garp_sign(&r->garp, now);
		break;
	case DECIDE_DO_ARP_TROUBLE:
		garp_trouble(&r->garp, now, &r->plan->garp);
		break;
	case DECIDE_DO_ARP_STOP:
		garp_stop(&r->garp);
		break;
	case DECIDE_DO_DRAIN:
		do_drain(r);
		break;
	case DECIDE_DO_PROBE:
		do_probe(r);
		break;
	case DECIDE_DO_ASK_FRESH:
		ask_fresh(r);
		break;
	case DECIDE_DO_ALARM:
		alarm_said(r, a);
		break;
	case DECIDE_DO_REPORT:
		if (a->ip.family != 0)
			log_notice("router %s: released to %s", r->plan->name,
			    router_ip_text(&a->ip, ip, sizeof(ip)));
		else
			log_warning("router %s: released, but nobody took it: it stays here",
			    r->plan->name);
		break;
	case DECIDE_DO_EXIT:
	case DECIDE_DO_COUNT:
		break;
	}
}

void
router_step(struct router *r, struct decide_in in)
{
	struct decide_out out;

	if (!r->started && in.kind != DECIDE_IN_START)
		return;
	in.now = loop_now(r->v->loop);
	in.boot = mono_now_boot();
	decide_step(&r->d, &in, &out);
	for (size_t i = 0; i < out.n; i++)
		perform(r, &out.a[i]);
	if (out.n > 0 && r->iface != NULL)
		iface_garp(r->iface);
	if (r->drain_seq != 0 && r->d.role == DECIDE_LEAVE && drain_done(r))
		router_step(r, (struct decide_in){.kind = DECIDE_IN_DRAINED});
	if (r->fresh_since.ns != 0 && r->d.asked &&
	    track_fresh(r->v->seg, r->plan, r->fresh_since)) {
		r->fresh_since = (struct mono){0};
		router_step(r, (struct decide_in){.kind = DECIDE_IN_FRESH, .fresh = true});
	}
}

void
router_input(struct router *r, enum decide_input kind)
{
	struct decide_in in = {.kind = kind};

	if (kind == DECIDE_IN_TIMER) {
		in.queued = rx_drain(r);
		loop_refresh(r->v->loop);
	}
	router_step(r, in);
	router_timer_set(r);
}

/* ---- health ---------------------------------------------------------------- */

static void
look_track(struct router *r)
{
	struct mono now = loop_now(r->v->loop);
	enum band b;
	uint8_t p;

	track_look(&r->view, r->v->seg, r->plan, r->tracks, now, iface_runs, r->v);
	if (r->d.role == DECIDE_INIT && !r->resumed)
		r->hold = (struct band_hold){0}; /* nothing has been shown to anybody */
	b = band_hold_step(&r->hold, r->view.band, now, &r->plan->holds, &r->hold_at);
	p = r->plan->decide.mode == BAND_MODE_BANDS
		? band_priority(b, r->plan->decide.base)
		: band_weights_priority(r->plan->decide.base, r->view.sum);
	if (b == r->d.band && p == r->d.priority)
		return;
	if (r->started)
		log_notice("router %s: band %s -> %s, priority %u -> %u%s%s", r->plan->name,
		    band_text(r->d.band), band_text(b), r->d.priority, p,
		    r->view.why[0] != '\0' ? ": " : "", r->view.why);
	if (!r->started) {
		r->d.band = b;
		r->d.priority = p;
		return;
	}
	router_step(
	    r, (struct decide_in){.kind = DECIDE_IN_HEALTH, .health = {.band = b, .priority = p}});
	publish(r);
	keep(r);
}

/* ---- interface, source, sockets -------------------------------------------- */

static void
close_rx(struct router *r)
{
	int fd = r->rx.fd;

	if (fd != -1) {
		loop_fd_del(r->v->loop, &r->rx);
		r->rx.fd = -1;
		close(fd);
	}
	if (r->strangers.fd != -1)
		close(r->strangers.fd);
	r->strangers.fd = -1;
	r->bound_index = 0;
}

static int
open_rx(struct router *r)
{
	struct ip sources[DECIDE_PEERS_MAX];
	struct sock_want w = {.family = r->plan->family,
	    .vrid = r->plan->vrid,
	    .multicast = !r->plan->unicast,
	    .ifname = r->iface->name,
	    .ifindex = r->iface->index,
	    .own = r->source,
	    .sources = sources,
	    .n_sources = r->plan->n_peers};
	int fd;

	for (size_t i = 0; i < w.n_sources; i++)
		sources[i] = r->plan->peers[i].ip;
	fd = sock_open(&w);
	if (fd == -1)
		return -1;
	if (loop_fd_add(r->v->loop, &r->rx, fd, EPOLLIN) == -1) {
		close(fd);
		r->rx.fd = -1;
		return -1;
	}
	r->bound_index = r->iface->index;
	if (w.n_sources > 0) {
		w.strangers = true;
		r->strangers.fd = sock_open(&w);
	}
	return 0;
}

/* Which interface, which source. Returns the fault bit that is in the way, or 0. */
static uint32_t
resolve(struct router *r)
{
	char name[IF_NAMESIZE];
	struct ip src;

	if (r->plan->ifname[0] != '\0')
		r->iface = iface_get(r->v, r->plan->ifname);
	else if (r->plan->source.family != 0 && iface_of_ip(r->v, &r->plan->source, name))
		r->iface = iface_get(r->v, name);
	if (r->iface == NULL || r->iface->index == 0)
		return FAULT_IFACE;
	if (r->plan->source.family != 0) {
		if (!iface_of_ip(r->v, &r->plan->source, name))
			return FAULT_SOURCE;
		src = r->plan->source;
	} else if (!iface_primary(r->v, r->iface->index, r->plan, &src)) {
		return FAULT_SOURCE;
	}
	if (!ip_equal(&src, &r->source) || r->bound_index != r->iface->index)
		close_rx(r);
	r->source = r->d.cfg.self = src;
	return 0;
}

static uint32_t
attach(struct router *r)
{
	uint32_t fault = resolve(r);
	struct ratelimit *l = &r->say_refused[PACKET_OK];

	if (fault != 0) {
		close_rx(r);
		return fault;
	}
	if (r->rx.fd != -1 || open_rx(r) == 0)
		return 0;
	if (l->burst == 0)
		*l = (struct ratelimit)RATELIMIT_INIT(1, 60000);
	if (ratelimit_step(l, loop_now(r->v->loop), NULL))
		log_err("router %s: raw socket on %s: %s", r->plan->name, r->iface->name,
		    strerror(errno));
	return FAULT_SOCKET;
}

static uint32_t
look_faults(struct router *r)
{
	struct mono now = loop_now(r->v->loop);
	uint32_t f = r->net_fault;

	/* Scripts that have not answered yet hold the start as a fault does. */
	track_look(&r->view, r->v->seg, r->plan, r->tracks, now, iface_runs, r->v);
	if (r->view.fault)
		f |= FAULT_TRACKED;
	if (mono_before(now, r->fault_until))
		f |= FAULT_ADDRESS;
	if (sw32_get(&r->v->seg->master->maintenance) != 0)
		f |= FAULT_MAINTENANCE;
	return f;
}

void
router_look_health(struct router *r)
{
	uint32_t was = r->fault;

	if (!r->started)
		return;
	r->fault = look_faults(r);
	if (r->fault != was) {
		if (r->fault != 0)
			log_warning("router %s: fault: %s%s%s", r->plan->name, fault_text(r->fault),
			    r->fault & FAULT_TRACKED ? ": " : "",
			    r->fault & FAULT_TRACKED ? r->view.why : "");
		router_step(r, (struct decide_in){.kind = DECIDE_IN_FAULT, .fault = r->fault});
	}
	look_track(r);
	router_timer_set(r);
}

void
router_look(struct router *r)
{
	bool was = r->link;

	if (!r->started)
		return;
	r->net_fault = attach(r);
	r->link = r->iface != NULL && r->iface->running;
	if (r->link != was) {
		log_notice("router %s: interface %s is %s", r->plan->name,
		    r->iface != NULL ? r->iface->name : "?", r->link ? "up" : "down");
		router_step(r, (struct decide_in){.kind = DECIDE_IN_LINK, .link = r->link});
	}
	router_look_health(r);
}

/* ---- timer, bell ----------------------------------------------------------- */

void
router_timer_set(struct router *r)
{
	struct mono at = decide_next(&r->d);

	if (!r->started)
		return;
	at = mono_min(at, r->hold_at);
	if (r->holds)
		at = mono_min(at, r->refresh_at);
	if (r->fault_until.ns != 0)
		at = mono_min(at, r->fault_until);
	for (size_t i = 0; i < r->plan->n_tracks; i++)
		if (r->plan->tracks[i].kind == CONF_TRACK_SCRIPT)
			at = mono_min(at, r->tracks[i].at);
	if (at.ns == MONO_NEVER.ns)
		loop_timer_del(r->v->loop, &r->timer);
	else
		loop_timer_set(r->v->loop, &r->timer, at);
}

static void
scripts_due(struct router *r)
{
	struct mono now = loop_now(r->v->loop);

	for (size_t i = 0; i < r->plan->n_tracks; i++) {
		const struct plan_track *t = &r->plan->tracks[i];
		struct track_state *s = &r->tracks[i];
		struct proto_run run = {.what = PROTO_RUN_TRACK};

		if (t->kind != CONF_TRACK_SCRIPT || mono_before(now, s->at))
			continue;
		s->at = mono_add_ms(now, t->interval_ms > 0 ? t->interval_ms : 1000);
		if (s->asked != 0)
			continue; /* still runs: this one is skipped */
		s->asked = ++r->v->requests;
		snprintf(run.name, sizeof(run.name), "%s", t->name);
		if (msg_send(&r->v->child->chan, PROTO_RUN, s->asked, &run, sizeof(run), NULL, 0) ==
		    -1)
			s->asked = 0;
	}
}

void
router_script_ran(struct router *r, uint64_t request, int status)
{
	for (size_t i = 0; i < r->plan->n_tracks; i++) {
		const struct plan_track *t = &r->plan->tracks[i];

		if (t->kind != CONF_TRACK_SCRIPT || r->tracks[i].asked != request)
			continue;
		r->tracks[i].asked = 0;
		track_script_step(&r->tracks[i].script, status == 0, t->rise, t->fall);
		router_look_health(r);
	}
}

static bool
may_refresh(const struct router *r)
{
	return decide_holds(&r->d) && !r->d.unsure && mono_now_boot().ns <= r->d.lease.ns;
}

static void
on_timer(struct loop_timer *t)
{
	struct router *r = (struct router *)(void *)((char *)t - offsetof(struct router, timer));
	struct mono now;

	router_input(r, DECIDE_IN_TIMER);
	now = loop_now(r->v->loop);
	if (r->holds && !mono_before(now, r->refresh_at)) {
		r->refresh_at = mono_add_ms(now, 100);
		if (may_refresh(r))
			addr_set(r);
	}
	if (r->fault_until.ns != 0 && !mono_before(now, r->fault_until)) {
		r->fault_until = (struct mono){0};
		router_look(r);
	}
	if (!mono_before(now, r->hold_at))
		look_track(r);
	scripts_due(r);
	router_timer_set(r);
}

void
router_bell(struct router *r)
{
	if (r->drain_seq != 0 && r->d.role == DECIDE_LEAVE && drain_done(r))
		router_input(r, DECIDE_IN_DRAINED);
	router_look_health(r);
	if (r->d.asked)
		router_input(r, DECIDE_IN_TIMER);
}

void
router_holder(struct router *r, const uint8_t mac[6])
{
	memcpy(r->holder_mac, mac, 6);
	router_input(r, DECIDE_IN_HOLDER);
}

/* ---- life ------------------------------------------------------------------ */

struct router *
router_new(struct vrrp *v, unsigned slot)
{
	struct router *r = calloc(1, sizeof(*r));

	if (r == NULL || loop_timer_reserve(v->loop, 1) == -1) {
		free(r);
		return NULL;
	}
	r->v = v;
	r->slot = slot;
	r->pub = &v->own->routers[slot];
	r->room = (struct router_room *)(void *)r->pub->room;
	r->rx = (struct loop_fd){.cb = rx_packets, .fd = -1};
	r->strangers.fd = -1;
	r->timer.cb = on_timer;
	r->hold_at = r->refresh_at = MONO_NEVER;
	return r;
}

int
router_prepare(struct router *r, struct plan *plan)
{
	router_abort(r);
	r->next = plan;
	r->next_tracks = calloc(plan->n_tracks + 1, sizeof(*r->next_tracks));
	if (r->next_tracks == NULL)
		return -1;
	for (size_t i = 0; i < plan->n_tracks; i++) /* init_fail: bad until it has risen */
		r->next_tracks[i].script.known = plan->tracks[i].init_fail;
	return 0;
}

void
router_abort(struct router *r)
{
	plan_free(r->next);
	free(r->next_tracks);
	r->next = NULL;
	r->next_tracks = NULL;
}

void
router_free(struct router *r)
{
	if (r == NULL)
		return;
	close_rx(r);
	loop_timer_del(r->v->loop, &r->timer);
	loop_timer_unreserve(r->v->loop, 1);
	router_abort(r);
	plan_free(r->plan);
	free(r->tracks);
	free(r);
}

static void
claim_slot(struct router *r)
{
	const struct plan *p = r->plan;

	if (!r->resumed) {
		memset(r->room, 0, sizeof(*r->room));
		sw64_set(&r->pub->sent, 0);
		sw64_set(&r->pub->received, 0);
		sw64_set(&r->pub->became_master, 0);
		sw32_set(&r->pub->role, DECIDE_INIT);
		snprintf(r->pub->name, sizeof(r->pub->name), "%s", p->name);
		sw32_add(&r->pub->epoch, 1);
	}
	sw32_set(&r->pub->vrid, p->vrid);
	sw32_set(&r->pub->used, 1);
}

static void
first_step(struct router *r)
{
	struct decide_in in = {.kind = DECIDE_IN_START};
	uint32_t valid = sw32_get(&r->room->valid);

	decide_init(&r->d, &r->plan->decide);
	r->net_fault = attach(r);
	r->fault = look_faults(r);
	r->link = r->iface != NULL && r->iface->running;
	if (r->resumed && (valid == 1 || valid == 2)) {
		const struct router_kept *k = &r->room->copy[valid - 1];

		in.start.resumed = true;
		in.start.saved = k->saved;
		/* These two are newer than the copy: one store each. */
		in.start.saved.role = (enum decide_role)sw32_get(&r->pub->role);
		in.start.saved.lease.ns = (int64_t)sw64_get(&r->pub->lease_boot_ns);
		r->hold = k->hold;
		r->fault_until = k->fault_until;
	}
	in.start.saved.holds = addr_leftover(r->v, r->plan);
	look_track(r);
	in.start.band = r->d.band;
	in.start.priority = r->d.priority;
	in.start.link = r->link;
	in.start.fault = r->fault;
	r->holds = in.start.saved.holds;
	r->started = true;
	router_step(r, in);
	publish(r);
	keep(r);
	if (r->v->ready_told)
		router_input(r, DECIDE_IN_READY);
	router_timer_set(r);
}

/* The scripts' states are kept where the name is the same. */
static void
carry_tracks(struct router *r, const struct plan *old)
{
	for (size_t i = 0; i < r->next->n_tracks; i++)
		for (size_t k = 0; k < old->n_tracks; k++)
			if (r->next->tracks[i].kind == CONF_TRACK_SCRIPT &&
			    old->tracks[k].kind == CONF_TRACK_SCRIPT &&
			    strcmp(r->next->tracks[i].name, old->tracks[k].name) == 0)
				r->next_tracks[i] = r->tracks[k];
}

static bool
same_peers(const struct plan *a, const struct plan *b)
{
	bool same = a->n_peers == b->n_peers;

	for (size_t i = 0; i < a->n_peers && same; i++)
		same = ip_equal(&a->peers[i].ip, &b->peers[i].ip);
	return same;
}

static void
change(struct router *r, const struct plan *old)
{
	struct decide_in in = {.kind = DECIDE_IN_CONFIG};
	struct decide_cfg cfg = r->plan->decide;

	if (!same_peers(old, r->plan)) {
		memset(r->peer_seen, 0, sizeof(r->peer_seen));
		close_rx(r); /* another filter */
	}
	if (r->holds) {
		addr_remove_gone(r, old);
		addr_set(r);
		garp_start(&r->garp, r->plan->n_addrs, loop_now(r->v->loop));
	}
	cfg.self = r->source;
	in.cfg = &cfg;
	router_step(r, in);
	router_look(r);
}

void
router_commit(struct router *r)
{
	struct plan *old = r->plan;

	if (old != NULL)
		carry_tracks(r, old);
	free(r->tracks);
	r->tracks = r->next_tracks;
	r->plan = r->next;
	r->next = NULL;
	r->next_tracks = NULL;
	claim_slot(r);
	if (old == NULL)
		first_step(r);
	else
		change(r, old);
	plan_free(old);
}
