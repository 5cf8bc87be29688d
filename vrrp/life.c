/* SPDX-License-Identifier: ISC */
/* A router comes, changes by a reload, goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/state.h"

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
	r->say_refresh = (struct ratelimit)RATELIMIT_INIT(1, 60000);
	r->group.d = &r->d;
	r->timer.cb = router_on_timer;
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
	router_close_rx(r);
	loop_timer_del(r->v->loop, &r->timer);
	loop_timer_unreserve(r->v->loop, 1);
	router_abort(r);
	plan_free(r->plan);
	free(r->tracks);
	free(r);
}

/* fresh: of a router that begins; of one that goes on, what the slot says stays true. */
static void
claim_slot(struct router *r, bool fresh)
{
	const struct plan *p = r->plan;

	if (fresh) {
		memset(r->room, 0, sizeof(*r->room));
		sw64_set(&r->pub->sent, 0);
		for (unsigned i = 0; i < PACKET_REASON_COUNT; i++)
			sw32_set(&r->pub->refused[i], 0);
		sw64_set(&r->pub->received, 0);
		why_peers_changed(r);
		sw64_set(&r->pub->became_master, 0);
		sw32_set(&r->pub->role, DECIDE_INIT);
		snprintf(r->pub->name, sizeof(r->pub->name), "%s", p->name);
		sw32_add(&r->pub->epoch, 1);
	}
	snprintf(r->pub->group, sizeof(r->pub->group), "%s", p->group);
	sw32_set(&r->pub->vrid, p->vrid);
	sw32_set(&r->pub->used, 1);
}

void
router_keep_scripts(struct router *r)
{
	for (size_t i = 0; i < KEPT_SCRIPTS; i++)
		sw64_set(&r->room->scripts[i],
		    i < r->plan->n_tracks && r->plan->tracks[i].kind == CONF_TRACK_SCRIPT
			? track_script_pack(&r->tracks[i].script, r->plan->tracks[i].name)
			: 0);
}

/* Without it a respawn would be in FAULT, or of another priority, until each has run. */
static void
recall_scripts(struct router *r)
{
	for (size_t i = 0; i < r->plan->n_tracks && i < KEPT_SCRIPTS; i++)
		if (r->plan->tracks[i].kind == CONF_TRACK_SCRIPT)
			track_script_unpack(&r->tracks[i].script, sw64_get(&r->room->scripts[i]),
			    r->plan->tracks[i].name);
}

static void
first_step(struct router *r)
{
	struct decide_in in = {.kind = DECIDE_IN_START};
	uint32_t valid = sw32_get(&r->room->valid);

	decide_init(&r->d, &r->plan->decide);
	if (r->resumed)
		recall_scripts(r);
	r->net_fault = router_attach(r);
	r->fault = router_look_faults(r);
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
	router_look_track(r);
	in.start.band = r->d.band;
	in.start.priority = r->d.priority;
	in.start.link = r->link;
	in.start.fault = r->fault;
	r->holds = in.start.saved.holds;
	r->started = true;
	router_step(r, in);
	router_publish(r);
	router_keep(r);
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

	if (memcmp(&old->keys, &r->plan->keys, sizeof(old->keys)) != 0 || !same_peers(old, r->plan))
		signed_changed(r);
	if (!same_peers(old, r->plan)) {
		memset(r->peer_seen, 0, sizeof(r->peer_seen));
		why_peers_changed(r);
		router_close_rx(r); /* another filter */
	}
	if (r->holds) {
		addr_change(r, old);
		router_arp_start(r);
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
	claim_slot(r, old == NULL && !r->resumed);
	if (old == NULL)
		first_step(r);
	else
		change(r, old);
	router_keep_scripts(r);
	plan_free(old);
}
