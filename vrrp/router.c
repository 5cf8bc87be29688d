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
#include "shm/role.h"
#include "vrrp/sock.h"
#include "vrrp/state.h"

#define PEER_LOST_NS 1300000000LL  /* answers are due each second */
#define PEER_GONE_NS 60000000000LL /* no hurry any more */
#define SEND_WAIT_NS 1000000000LL  /* for the addresses, before a first advertisement */
#define THERE_MS     2000          /* from the kernel's answer to its event */

const char *
router_ip_text(const struct ip *ip, char *buf, size_t size)
{
	if (ip->family == 0 || inet_ntop(ip->family, ip->b, buf, (socklen_t)size) == NULL)
		snprintf(buf, size, "nobody");
	return buf;
}

/* What others read in shm_router.role. */
_Static_assert((int)SHM_ROLE_N == DECIDE_ROLE_COUNT && (int)SHM_ROLE_MASTER == DECIDE_MASTER &&
		   (int)SHM_ROLE_STOPPED == DECIDE_STOPPED,
    "roles");

/* ---- publishing ------------------------------------------------------------ */

void
router_keep(struct router *r)
{
	uint32_t valid = sw32_get(&r->room->valid);
	uint32_t to = valid == 1 ? 1 : 0;
	struct router_kept *k = &r->room->copy[to];

	decide_save(&r->d, &k->saved);
	k->hold = r->hold;
	k->fault_until = r->fault_until;
	sw32_set(&r->room->valid, to + 1);
}

void
router_publish(struct router *r)
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
const char *
router_fault_text(uint32_t mask)
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
	/* It may be over before its role is left: then there is no text of which. */
	const char *why = a->why == DECIDE_WHY_FAULT && r->fault != 0 ? router_fault_text(r->fault)
								      : decide_reason_text(a->why);
	char ip[64] = "";

	group_note(&r->group, a->from, a->role, a->why, loop_now(r->v->loop));
	router_keep(r);
	router_publish(r);
	sw64_set(&r->pub->since_ns, (uint64_t)loop_now(r->v->loop).ns);
	sw64_set(&r->pub->since_wall_us, (uint64_t)mono_wall_us());
	if (a->role == DECIDE_MASTER && a->notify)
		sw64_add(&r->pub->became_master, 1);
	snprintf(r->pub->reason, sizeof(r->pub->reason), "%s", why);
	if (a->role == DECIDE_BACKUP && r->d.m.known)
		router_ip_text(&r->d.m.addr, ip, sizeof(ip));
	if (a->from != a->role)
		event_log(r->v->seg, LOG_NOTICE, EVENT_ROUTER, r->slot,
		    "router %s: %s -> %s: %s (priority %u, band %s%s%s)", r->plan->name,
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

/* One that the kernel has refused never comes: announced nonetheless, it may be another's mistake;
 * so are the others that do not come. */
static bool
is_there(struct router *r)
{
	return addr_settled(r) &&
	       (addr_missing(r) <= r->refused ||
		   (r->there_until.ns != 0 && !mono_before(loop_now(r->v->loop), r->there_until)));
}

/* ---- sending --------------------------------------------------------------- */

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

/*
 * The predecessor leaves when it hears this advertisement: it should find the addresses here. It is
 * patient (RESIGN); other hosts, if there are any, claim too after half an interval. Meanwhile the
 * lease runs as if it had left.
 */
static void
send_when_set(struct router *r, const struct decide_action *a)
{
	int64_t wait_ns = r->d.cfg.interval_ns * 3;
	struct decide_in ok = {
	    .kind = DECIDE_IN_SENT, .now = loop_now(r->v->loop), .boot = mono_now_boot()};
	struct decide_out none;

	if (r->plan->n_peers > 1)
		wait_ns = r->d.cfg.interval_ns / 2;
	if (!r->send_when_set)
		r->send_until =
		    mono_add_ns(ok.now, wait_ns < SEND_WAIT_NS ? wait_ns : SEND_WAIT_NS);
	r->send_when_set = true;
	r->send = *a;
	decide_step(&r->d, &ok, &none);
	sw64_set(&r->pub->lease_boot_ns, (uint64_t)r->d.lease.ns);
}

static void
do_send(struct router *r, const struct decide_action *a)
{
	struct decide_in ok = {
	    .kind = DECIDE_IN_SENT, .now = loop_now(r->v->loop), .boot = mono_now_boot()};
	struct decide_out none;

	r->send_when_set = false;
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

	router_each (v, r) {
		if (r->drain_seq == 0)
			continue;
		for (size_t i = 0; i < r->plan->n_addrs && n < SHM_MAX_VIPS; i++) {
			if (addr_has_heir(r, i))
				continue;
			v->own->drain[n].family = r->plan->addrs[i].ip.family;
			memcpy(v->own->drain[n++].addr, r->plan->addrs[i].ip.b, 16);
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
	event_add(v->seg, EVENT_ROUTER, r->slot,
	    "router %s: sessions on its addresses are reset, no new ones are taken", r->plan->name);
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
		iface_probe(iface_of_addr(r, i), &r->plan->addrs[i].ip);
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
do_arp(struct router *r, enum decide_do what)
{
	struct mono now = loop_now(r->v->loop);

	if (what == DECIDE_DO_ARP_START) {
		router_arp_start(r);
	} else if (what == DECIDE_DO_ARP_SIGN) {
		garp_sign(&r->garp, now);
	} else if (what == DECIDE_DO_ARP_TROUBLE) {
		garp_trouble(&r->garp, now, &r->plan->garp);
	} else {
		r->arp_when_set = false;
		garp_stop(&r->garp);
	}
}

/* Not before the address answers. */
void
router_arp_start(struct router *r)
{
	r->arp_when_set = !is_there(r);
	if (r->arp_when_set)
		return;
	garp_start(&r->garp, r->plan->n_addrs, loop_now(r->v->loop));
	event_add(r->v->seg, EVENT_ROUTER, r->slot,
	    "router %s: announces its addresses by ARP and ND", r->plan->name);
}

/* The winner announces its address when it hears this: not before ours is gone. */
static void
send_last(struct router *r, const struct decide_action *a)
{
	r->last = *a;
	r->last_due = !addr_settled(r);
	if (!r->last_due)
		router_send(r, a->priority, a->interval_ns, &a->ip);
}

void
router_look_there(struct router *r)
{
	bool due = r->send_when_set && !mono_before(loop_now(r->v->loop), r->send_until);

	if (!r->started || !(r->arp_when_set || r->send_when_set) || !(is_there(r) || due))
		return;
	if (r->send_when_set)
		do_send(r, &r->send);
	if (r->arp_when_set)
		router_arp_start(r);
	if (r->iface != NULL)
		iface_garp(r->iface);
}

void
router_settled(struct router *r)
{
	if (r->holds && !addr_there(r))
		r->there_until = mono_add_ms(loop_now(r->v->loop), THERE_MS);
	router_look_there(r);
	router_timer_set(r);
	if (r->last_due && !r->holds)
		send_last(r, &r->last);
	r->last_due = false;
}

static void
do_report(const struct router *r, const struct ip *ip)
{
	char text[64];

	if (ip->family != 0)
		log_notice("router %s: released to %s", r->plan->name,
		    router_ip_text(ip, text, sizeof(text)));
	else
		log_warning(
		    "router %s: released, but nobody took it: it stays here", r->plan->name);
}

/* add_first: an ADD stood before it. */
static void
perform(struct router *r, const struct decide_action *a, bool add_first)
{
	switch (a->kind) {
	case DECIDE_DO_SEND:
		if (a->priority > 0 && (r->send_when_set || (add_first && !addr_there(r))))
			send_when_set(r, a);
		else
			do_send(r, a);
		break;
	case DECIDE_DO_SEND_LAST:
		send_last(r, a);
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
	case DECIDE_DO_ARP_SIGN:
	case DECIDE_DO_ARP_TROUBLE:
	case DECIDE_DO_ARP_STOP:
		do_arp(r, a->kind);
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
		do_report(r, &a->ip);
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
	bool added = false;

	if (!r->started && in.kind != DECIDE_IN_START)
		return;
	in.now = loop_now(r->v->loop);
	in.boot = mono_now_boot();
	decide_step(&r->d, &in, &out);
	for (size_t i = 0; i < out.n; i++) {
		perform(r, &out.a[i], added);
		added = added || out.a[i].kind == DECIDE_DO_ADD;
	}
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

/* ---- timer, bell ----------------------------------------------------------- */

void
router_timer_set(struct router *r)
{
	struct mono at = decide_next(&r->d);

	if (!r->started)
		return;
	why_publish(r);
	at = mono_min(at, r->hold_at);
	if (r->holds)
		at = mono_min(at, r->refresh_at);
	if (r->send_when_set)
		at = mono_min(at, r->send_until);
	if (r->arp_when_set && r->there_until.ns != 0 && addr_settled(r))
		at = mono_min(at, r->there_until);
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
		router_keep_scripts(r);
		router_look_health(r);
	}
}

static bool
may_refresh(const struct router *r)
{
	return decide_holds(&r->d) && !r->d.unsure && mono_now_boot().ns <= r->d.lease.ns;
}

void
router_on_timer(struct loop_timer *t)
{
	struct router *r = (struct router *)(void *)((char *)t - offsetof(struct router, timer));
	struct mono now;

	router_look_there(r);
	router_input(r, DECIDE_IN_TIMER);
	now = loop_now(r->v->loop);
	if (r->holds && !mono_before(now, r->refresh_at)) {
		r->refresh_at = mono_add_ms(now, 100);
		if (may_refresh(r))
			addr_refresh(r);
	}
	if (r->fault_until.ns != 0 && !mono_before(now, r->fault_until)) {
		r->fault_until = (struct mono){0};
		router_look(r);
	}
	if (!mono_before(now, r->hold_at))
		router_look_track(r);
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
