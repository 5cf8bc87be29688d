/* SPDX-License-Identifier: ISC */
/* Interfaces and addresses as netlink tells them; ARP and ND sockets. */
#include <errno.h>
#include <net/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "vrrp/arp.h"
#include "vrrp/state.h"

#define FIRST_TRIES 10

static void
close_fd(struct vrrp *v, struct loop_fd *f)
{
	int fd = f->fd;

	if (fd == -1)
		return;
	loop_fd_del(v->loop, f);
	f->fd = -1;
	close(fd);
}

struct iface *
iface_of_addr(const struct router *r, size_t i)
{
	const char *dev = r->plan->addrs[i].dev;
	struct iface *f = dev[0] != '\0' ? iface_get(r->v, dev) : NULL;

	return f != NULL && f->ethernet ? f : r->iface;
}

/* ---- who answers ----------------------------------------------------------- */

static void
saw(struct iface *f, const struct arp_seen *s)
{
	struct router *r;

	if (memcmp(s->mac, f->mac, 6) == 0)
		return;
	router_each (f->v, r) {
		if (!r->started)
			continue;
		for (size_t i = 0; i < r->plan->n_peers; i++)
			if (r->iface == f && ip_equal(&r->plan->peers[i].ip, &s->ip))
				r->peer_seen[i] = loop_now(f->v->loop);
		for (size_t i = 0; i < r->plan->n_addrs; i++)
			if (ip_equal(&r->plan->addrs[i].ip, &s->ip) && iface_of_addr(r, i) == f) {
				router_holder(r, s->mac);
				break;
			}
	}
}

static void
on_arp(struct loop_fd *l, uint32_t events)
{
	struct iface *f = (struct iface *)(void *)((char *)l - offsetof(struct iface, arp));
	struct arp_seen s;

	(void)events;
	for (int i = 0; i < 64 && l->fd != -1 && arp_read(l->fd, AF_INET, &s) == 1; i++)
		saw(f, &s);
}

static void
on_nd(struct loop_fd *l, uint32_t events)
{
	struct iface *f = (struct iface *)(void *)((char *)l - offsetof(struct iface, nd));
	struct arp_seen s;

	(void)events;
	for (int i = 0; i < 64 && l->fd != -1 && arp_read(l->fd, AF_INET6, &s) == 1; i++)
		saw(f, &s);
}

static int
socket_for(struct iface *f, uint8_t family)
{
	struct loop_fd *l = family == AF_INET ? &f->arp : &f->nd;
	int fd;

	if (l->fd != -1 || f->index == 0 || !f->ethernet)
		return l->fd;
	fd = arp_open(family, f->index);
	if (fd == -1)
		return -1;
	if (loop_fd_add(f->v->loop, l, fd, EPOLLIN) == -1) {
		close(fd);
		l->fd = -1;
	}
	return l->fd;
}

void
iface_probe(struct iface *f, const struct ip *ip)
{
	int fd = socket_for(f, ip->family);

	if (fd != -1 && f->running)
		arp_probe(fd, f->index, f->mac, ip);
}

/* ---- announcements --------------------------------------------------------- */

static size_t
garps_of(struct iface *f, struct garp **g, struct router **of)
{
	struct router *r;
	size_t n = 0;

	router_each (f->v, r)
		if (r->iface == f && r->garp.running) {
			of[n] = r;
			g[n++] = &r->garp;
		}
	return n;
}

void
iface_garp(struct iface *f)
{
	struct garp *g[SHM_MAX_ROUTERS];
	struct router *of[SHM_MAX_ROUTERS];
	const struct garp_cfg *cfg[SHM_MAX_ROUTERS];
	struct mono now = loop_now(f->v->loop), at = MONO_NEVER;
	size_t n = garps_of(f, g, of), which = 0;
	int i;

	for (size_t k = 0; k < n; k++)
		cfg[k] = &of[k]->plan->garp;
	while (n > 0 && (i = garp_step(g, n, &f->rate, now, cfg, &which)) >= 0) {
		const struct plan *p = of[which]->plan;
		struct iface *to;
		int fd;

		if ((size_t)i >= p->n_addrs)
			continue;
		to = iface_of_addr(of[which], (size_t)i);
		fd = socket_for(to, p->addrs[i].ip.family);
		if (fd != -1 && to->running)
			arp_announce(fd, to->index, to->mac, &p->addrs[i].ip);
	}
	for (size_t k = 0; k < n; k++)
		at = mono_min(at, garp_next(g[k], &f->rate));
	if (at.ns == MONO_NEVER.ns)
		loop_timer_del(f->v->loop, &f->garp_timer);
	else
		loop_timer_set(f->v->loop, &f->garp_timer, at);
}

static void
on_garp(struct loop_timer *t)
{
	struct iface *f = (struct iface *)(void *)((char *)t - offsetof(struct iface, garp_timer));
	struct router *r;

	/* After a pause the decisions come first: an address that may be another's by now is not
	 * announced. */
	router_each (f->v, r)
		if (r->iface == f && r->garp.running)
			router_input(r, DECIDE_IN_TIMER);
	iface_garp(f);
}

/* ---- table ----------------------------------------------------------------- */

struct iface *
iface_find_index(struct vrrp *v, unsigned index)
{
	for (size_t i = 0; i < v->n_ifaces && index != 0; i++)
		if (v->ifaces[i].index == index)
			return &v->ifaces[i];
	return NULL;
}

static void
take_link(struct iface *f, const struct nl_link *l)
{
	if (f->index != l->index) {
		close_fd(f->v, &f->arp);
		close_fd(f->v, &f->nd);
	}
	f->index = l->index;
	f->running = nl_link_is_running(l);
	f->ethernet = l->type == ARPHRD_ETHER && l->mac_len == 6;
	if (f->ethernet)
		memcpy(f->mac, l->mac, 6);
}

static void
link_gone(struct iface *f)
{
	close_fd(f->v, &f->arp);
	close_fd(f->v, &f->nd);
	f->index = 0;
	f->running = false;
}

/* Does a router need it, or will it? */
static bool
names(const struct plan *p, const char *name)
{
	bool yes = strcmp(p->ifname, name) == 0;

	for (size_t i = 0; i < p->n_addrs && !yes; i++)
		yes = strcmp(p->addrs[i].dev, name) == 0;
	for (size_t i = 0; i < p->n_tracks && !yes; i++)
		yes = p->tracks[i].kind == CONF_TRACK_INTERFACE &&
		      strcmp(p->tracks[i].name, name) == 0;
	return yes;
}

static bool
is_needed(const struct iface *f)
{
	const struct router *r;

	router_each (f->v, r)
		if (r->iface == f || (r->plan != NULL && names(r->plan, f->name)) ||
		    (r->next != NULL && names(r->next, f->name)))
			return true;
	return false;
}

/* One that reloads have left behind. */
static struct iface *
reclaim(struct vrrp *v)
{
	for (size_t i = 0; i < v->n_ifaces; i++) {
		struct iface *f = &v->ifaces[i];

		if (is_needed(f))
			continue;
		link_gone(f);
		loop_timer_del(v->loop, &f->garp_timer);
		return f;
	}
	return NULL;
}

struct iface *
iface_get(struct vrrp *v, const char *name)
{
	const struct nl_link *l;
	struct iface *f;

	for (size_t i = 0; i < v->n_ifaces; i++)
		if (strcmp(v->ifaces[i].name, name) == 0)
			return &v->ifaces[i];
	if (v->n_ifaces == VRRP_IFACES) {
		f = reclaim(v);
		if (f == NULL)
			return NULL;
	} else {
		if (loop_timer_reserve(v->loop, 1) == -1)
			return NULL;
		f = &v->ifaces[v->n_ifaces++];
	}
	*f = (struct iface){.v = v,
	    .arp = {.cb = on_arp, .fd = -1},
	    .nd = {.cb = on_nd, .fd = -1},
	    .garp_timer.cb = on_garp};
	snprintf(f->name, sizeof(f->name), "%s", name);
	l = mirror_link(&v->mirror, name);
	if (l != NULL)
		take_link(f, l);
	return f;
}

static void
look_all(struct vrrp *v)
{
	for (size_t i = 0; i < v->n_ifaces; i++) {
		struct iface *f = &v->ifaces[i];
		const struct nl_link *l = mirror_link(&v->mirror, f->name);

		if (l != NULL)
			take_link(f, l);
		else if (f->index != 0)
			link_gone(f);
	}
}

bool
iface_runs(void *ctx, const char *name)
{
	struct iface *f = iface_get(ctx, name);

	return f != NULL && f->index != 0 && f->running;
}

/* ---- addresses of the host ------------------------------------------------- */

bool
iface_of_ip(struct vrrp *v, const struct ip *ip, char name[IF_NAMESIZE])
{
	const struct nl_link *l = mirror_link_index(&v->mirror, mirror_link_of(&v->mirror, ip));

	if (l != NULL)
		snprintf(name, IF_NAMESIZE, "%s", l->name);
	return l != NULL;
}

bool
iface_primary(struct vrrp *v, unsigned index, const struct plan *p, struct ip *out)
{
	return mirror_primary(&v->mirror, index, p, out);
}

/* ---- events ---------------------------------------------------------------- */

static void
on_link_event(struct vrrp *v, const struct nl_event *e)
{
	struct iface *f = NULL;

	for (size_t i = 0; i < v->n_ifaces; i++)
		if (strcmp(v->ifaces[i].name, e->link.name) == 0)
			f = &v->ifaces[i];
	if (e->kind == NL_EVENT_LINK_GONE) {
		if (f != NULL && f->index == e->link.index)
			link_gone(f);
		return;
	}
	if (f != NULL) {
		bool other = f->index != e->link.index;
		struct router *r;

		take_link(f, &e->link);
		router_each (v, r)
			if (other)
				addr_come(r);
	}
	/* Renamed away; the name it has now may be another entry's, which has the index already. */
	for (size_t i = 0; i < v->n_ifaces; i++)
		if (v->ifaces[i].index == e->link.index &&
		    strcmp(v->ifaces[i].name, e->link.name) != 0)
			link_gone(&v->ifaces[i]);
}

/* Links and addresses that no router has to do with come and go by thousands. */
static bool
concerns(struct vrrp *v, const struct nl_event *e)
{
	bool addr = e->kind == NL_EVENT_ADDR_NEW || e->kind == NL_EVENT_ADDR_GONE;
	unsigned index = addr ? e->addr.ifindex : e->link.index;
	struct router *r;

	if (iface_find_index(v, index) != NULL)
		return true;
	for (size_t i = 0; i < v->n_ifaces && !addr; i++)
		if (strcmp(v->ifaces[i].name, e->link.name) == 0)
			return true;
	router_each (v, r)
		if (r->net_fault != 0)
			return true;
	return false;
}

static void
on_event(const struct nl_event *e, void *arg)
{
	struct vrrp *v = arg;
	struct router *r;

	mirror_event(&v->mirror, e);
	if (e->kind == NL_EVENT_OVERRUN)
		return; /* a dump follows */
	v->look = v->look || concerns(v, e);
	switch (e->kind) {
	case NL_EVENT_LINK_NEW:
	case NL_EVENT_LINK_GONE:
		on_link_event(v, e);
		break;
	case NL_EVENT_ADDR_GONE:
		router_each (v, r)
			addr_gone(r, &e->addr);
		break;
	case NL_EVENT_ADDR_NEW:
		router_each (v, r)
			router_look_there(r);
		break;
	default:
		break;
	}
}

static void
on_events(struct loop_fd *l, uint32_t events)
{
	struct vrrp *v = (struct vrrp *)(void *)((char *)l - offsetof(struct vrrp, events_fd));
	struct router *r;

	(void)events;
	if (nl_events_read(&v->events, on_event, v) == -1)
		log_err("vrrp: netlink: %s", strerror(errno));
	addr_pump(v);
	if (!v->look)
		return;
	v->look = false;
	router_each (v, r)
		router_look(r);
}

void
iface_dumped(struct vrrp *v, bool ok)
{
	struct router *r;

	if (mirror_take(&v->mirror, &v->snap, ok) == -1)
		return; /* another follows */
	look_all(v);
	router_each (v, r) {
		addr_gone(r, NULL);
		router_look_there(r);
		router_look(r);
	}
}

/* What is there already. Nothing is promised to anybody yet: here it is waited for. */
static int
first_dump(struct vrrp *v)
{
	struct nl nl;
	int r = -1;

	if (nl_open(&nl) == -1)
		return -1;
	for (int i = 0; i < FIRST_TRIES && r == -1; i++) {
		if (mirror_ask(&v->mirror, &v->snap) == -1)
			break;
		r = kernel_dump(&nl, &v->snap);
		r = mirror_take(&v->mirror, &v->snap, r == 0);
	}
	nl_close(&nl);
	return r;
}

int
iface_events_open(struct vrrp *v)
{
	v->events_fd = (struct loop_fd){.cb = on_events, .fd = -1};
	v->kernel.answered = addr_answered;
	/* Events first: what changes during the dump is told by them. */
	if (nl_open_events(&v->events) == -1 || first_dump(v) == -1 ||
	    kernel_start(&v->kernel, v->loop) == -1)
		return -1;
	return loop_fd_add(v->loop, &v->events_fd, nl_fd(&v->events), EPOLLIN);
}
