/* SPDX-License-Identifier: ISC */
/* Publishes why a router is what it is, for "explain" in other processes. */
#include <stdio.h>
#include <string.h>

#include "vrrp/state.h"

_Static_assert(DECIDE_PEERS_MAX <= SHM_PEERS, "peers");

static void
put_ip(struct shm_ip *to, const struct ip *ip)
{
	if (to->family == ip->family && memcmp(to->b, ip->b, sizeof(to->b)) == 0)
		return;
	to->family = (uint8_t)ip->family;
	memcpy(to->b, ip->b, sizeof(to->b));
}

static uint64_t
when(struct mono at)
{
	return at.ns == MONO_NEVER.ns ? 0 : (uint64_t)at.ns;
}

void
why_heard(struct router *r, size_t peer, uint8_t priority)
{
	if (peer >= SHM_PEERS)
		return;
	sw32_set(&r->pub->why.peers[peer].priority, priority);
	sw64_set(&r->pub->why.peers[peer].said_ns, (uint64_t)loop_now(r->v->loop).ns);
}

void
why_peers_changed(struct router *r)
{
	for (size_t i = 0; i < SHM_PEERS; i++) {
		sw64_set(&r->pub->why.peers[i].said_ns, 0);
		sw64_set(&r->pub->why.peers[i].clock_us, 0);
	}
}

void
why_publish(struct router *r)
{
	struct shm_why *w = &r->pub->why;
	const struct decide *d = &r->d;

	sw32_set(&w->weights, r->plan->decide.mode == BAND_MODE_WEIGHTS);
	sw32_set(&w->base, r->plan->decide.base);
	sw32_set(&w->raw, r->view.band);
	sw64_set(&w->hold_ns, r->hold_at.ns != 0 ? when(r->hold_at) : 0);
	sw64_set(&w->next_ns,
	    when(d->role == DECIDE_BACKUP || d->role == DECIDE_MASTER ? d->deadline
								      : decide_next(d)));
	sw64_set(&w->heard_ns, d->role == DECIDE_BACKUP && d->m.known ? when(d->m.heard) : 0);
	sw32_set(&w->heard_priority, d->m.priority);
	put_ip(&w->master, &d->m.addr);
	sw32_set(&w->n_peers, (uint32_t)r->plan->n_peers);
	for (size_t i = 0; i < r->plan->n_peers; i++)
		put_ip(&w->peers[i].ip, &r->plan->peers[i].ip);
	if (strcmp(w->track, r->view.why) != 0)
		snprintf(w->track, sizeof(w->track), "%s", r->view.why);
}
