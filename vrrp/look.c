/* SPDX-License-Identifier: ISC */
/* What a router stands on: health, interface, source, sockets; and what that means for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "shm/event.h"
#include "vrrp/sock.h"
#include "vrrp/state.h"

/* ---- health ---------------------------------------------------------------- */

/* The worst of its sync group, without those that have shown nothing yet. */
static enum band
group_band(const struct router *r, int *sum, const char **whose)
{
	enum band b = r->own_band;
	struct router *o;
	unsigned i = 0;

	*sum = r->view.sum;
	*whose = NULL;
	while (together_next(r, &i, &o)) {
		if (o->d.role == DECIDE_INIT)
			continue;
		if (o->own_band < b || o->view.sum < *sum)
			*whose = o->plan->name;
		b = band_worse(b, o->own_band);
		*sum = o->view.sum < *sum ? o->view.sum : *sum;
	}
	return b;
}

void
router_tell_health(struct router *r)
{
	const char *whose;
	int sum;
	enum band b = group_band(r, &sum, &whose);
	uint8_t p = r->plan->decide.mode == BAND_MODE_BANDS
			? band_priority(b, r->plan->decide.base)
			: band_weights_priority(r->plan->decide.base, sum);

	if (b == r->d.band && p == r->d.priority)
		return;
	if (r->started)
		event_log(r->v->seg, LOG_NOTICE, EVENT_ROUTER, r->slot,
		    "router %s: band %s -> %s, priority %u -> %u%s%s", r->plan->name,
		    band_text(r->d.band), band_text(b), r->d.priority, p,
		    whose != NULL            ? ": as the sync group's "
		    : r->view.why[0] != '\0' ? ": "
					     : "",
		    whose != NULL ? whose : r->view.why);
	if (!r->started) {
		r->d.band = b;
		r->d.priority = p;
		return;
	}
	router_step(
	    r, (struct decide_in){.kind = DECIDE_IN_HEALTH, .health = {.band = b, .priority = p}});
	router_publish(r);
	router_keep(r);
}

static bool
workers_serve(struct vrrp *v, struct mono now)
{
	if (track_workers(v->seg))
		v->served = now;
	return now.ns - v->served.ns < TRACK_WORKERS_NS;
}

void
router_look_track(struct router *r)
{
	struct mono now = loop_now(r->v->loop);

	track_look(&r->view, r->v->seg, r->plan, r->tracks, workers_serve(r->v, now), now,
	    iface_runs, r->v);
	if (r->d.role == DECIDE_INIT && !r->resumed)
		r->hold = (struct band_hold){0}; /* nothing has been shown to anybody */
	r->own_band = band_hold_step(&r->hold, r->view.band, now, &r->plan->holds, &r->hold_at);
	router_tell_health(r);
}

/* ---- interface, source, sockets -------------------------------------------- */

void
router_close_rx(struct router *r)
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

struct want_room {
	struct ip sources[DECIDE_PEERS_MAX];
	uint8_t others[SOCK_OTHERS_MAX];
};

static struct sock_want
want_of(const struct router *r, struct want_room *room)
{
	struct sock_want w = {.family = r->plan->family,
	    .vrid = r->plan->vrid,
	    .multicast = !r->plan->unicast,
	    .ifname = r->iface->name,
	    .ifindex = r->iface->index,
	    .own = r->source,
	    .sources = room->sources,
	    .n_sources = r->plan->n_peers,
	    .others = room->others};
	struct router *o;

	for (size_t i = 0; i < w.n_sources; i++)
		room->sources[i] = r->plan->peers[i].ip;
	router_each (r->v, o) {
		const struct plan *p = o->plan != NULL ? o->plan : o->next;

		if (o != r && p != NULL && p->family == w.family && w.n_others < SOCK_OTHERS_MAX)
			room->others[w.n_others++] = p->vrid;
	}
	return w;
}

static int
open_rx(struct router *r)
{
	struct want_room room;
	struct sock_want w = want_of(r, &room);
	int fd = sock_open(&w);

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

void
router_refilter(struct router *r)
{
	struct want_room room;
	struct sock_want w;

	if (r->rx.fd == -1 || r->iface == NULL)
		return;
	w = want_of(r, &room);
	if (sock_refilter(r->rx.fd, &w) == -1)
		log_err("router %s: socket filter: %s", r->plan->name, strerror(errno));
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
		router_close_rx(r);
	r->source = r->d.cfg.self = src;
	return 0;
}

uint32_t
router_attach(struct router *r)
{
	uint32_t fault = resolve(r);
	struct ratelimit *l = &r->say_refused[PACKET_OK];

	if (fault != 0) {
		router_close_rx(r);
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

static bool
in_maintenance(const struct router *r)
{
	return sw32_get(&r->v->seg->master->maintenance) != 0;
}

uint32_t
router_look_faults(struct router *r)
{
	struct mono now = loop_now(r->v->loop);
	uint32_t f = r->net_fault;

	/* Scripts that have not answered yet hold the start as a fault does. */
	track_look(&r->view, r->v->seg, r->plan, r->tracks, workers_serve(r->v, now), now,
	    iface_runs, r->v);
	if (r->view.fault)
		f |= FAULT_TRACKED;
	if (mono_before(now, r->fault_until))
		f |= FAULT_ADDRESS;
	if (in_maintenance(r) && !(r->let_go && r->d.role == DECIDE_RESIGN))
		f |= FAULT_MAINTENANCE;
	if (together_fault(r))
		f |= FAULT_GROUP;
	if (addr_stuck(r))
		f |= FAULT_KERNEL;
	return f;
}

/* Maintenance hands over as a release does, without a gap; only then, or when nobody takes the
 * addresses, it is a fault. */
static void
look_maintenance(struct router *r)
{
	bool on = in_maintenance(r);

	if (on && !r->let_go && r->d.role == DECIDE_MASTER) {
		r->let_go = true;
		router_input(r, DECIDE_IN_RELEASE);
	}
	r->let_go = r->let_go && on;
}

void
router_look_health(struct router *r)
{
	uint32_t was = r->fault;

	if (!r->started)
		return;
	look_maintenance(r);
	r->fault = router_look_faults(r);
	if (r->fault != was) {
		if (r->fault != 0)
			log_warning("router %s: fault: %s%s%s", r->plan->name,
			    router_fault_text(r->fault), r->fault & FAULT_TRACKED ? ": " : "",
			    r->fault & FAULT_TRACKED ? r->view.why : "");
		router_step(r, (struct decide_in){.kind = DECIDE_IN_FAULT, .fault = r->fault});
	}
	router_look_track(r);
	router_timer_set(r);
}

void
router_look(struct router *r)
{
	bool was = r->link;

	if (!r->started)
		return;
	r->net_fault = router_attach(r);
	r->link = r->iface != NULL && r->iface->running;
	if (r->link != was) {
		log_notice("router %s: interface %s is %s", r->plan->name,
		    r->iface != NULL ? r->iface->name : "?", r->link ? "up" : "down");
		router_step(r, (struct decide_in){.kind = DECIDE_IN_LINK, .link = r->link});
	}
	router_look_health(r);
}
