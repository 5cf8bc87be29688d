/* SPDX-License-Identifier: ISC */
/*
 * A router's addresses in the kernel. Held with a lifetime that is refreshed, so that they vanish
 * when everything is killed, and marked by IFA_PROTO, so that a leftover can be told from an
 * address that somebody else configured (failover-logic.md rule 3).
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

#include "lib/log.h"
#include "vrrp/state.h"

#define MARK 112 /* IFA_PROTO: VRRP's protocol number */

static bool
fill(struct router *r, const struct plan_addr *a, struct nl_addr *n)
{
	struct iface *f = a->dev[0] != '\0' ? iface_get(r->v, a->dev) : r->iface;

	if (f == NULL || f->index == 0)
		return false;
	*n = (struct nl_addr){.family = a->ip.family,
	    .prefix = a->prefix,
	    .scope = a->scope,
	    .proto = MARK,
	    .ifindex = f->index,
	    .valid_s = r->plan->lifetime_s,
	    .preferred_s = r->plan->lifetime_s};
	memcpy(n->addr, a->ip.b, 16);
	memcpy(n->broadcast, a->broadcast, 4);
	memcpy(n->label, a->label, sizeof(n->label));
	if (a->ip.family == AF_INET6) {
		/* No wait for duplicates, and never a source of the host's own connections. */
		n->flags = IFA_F_NODAD;
		n->preferred_s = 0;
	}
	return true;
}

static void
complain(const struct router *r, const struct plan_addr *a, const char *what)
{
	char ip[64];
	int err = errno;

	log_err("router %s: cannot %s %s/%u: %s%s%s", r->plan->name, what,
	    router_ip_text(&a->ip, ip, sizeof(ip)), a->prefix, strerror(err),
	    r->v->req.error[0] != '\0' ? ": " : "", r->v->req.error);
}

/* The kernel keeps IFA_PROTO of an address that is replaced, so a stranger's stays one. */
unsigned
addr_set(struct router *r)
{
	unsigned fresh = 0;
	uint32_t third = r->plan->lifetime_s / 3;

	for (size_t i = 0; i < r->plan->n_addrs; i++) {
		const struct plan_addr *a = &r->plan->addrs[i];
		struct nl_addr n;

		if (!fill(r, a, &n))
			continue;
		if (nl_addr_add(&r->v->req, &n) == 0) {
			fresh++;
			continue;
		}
		if (errno == ENODEV) /* it has just gone: its event comes */
			continue;
		if (errno != EEXIST) {
			complain(r, a, "add");
			continue;
		}
		if (r->plan->lifetime_s != NL_FOREVER && nl_addr_replace(&r->v->req, &n) == -1)
			complain(r, a, "refresh");
	}
	r->holds = true;
	r->refresh_at = r->plan->lifetime_s == NL_FOREVER
			    ? MONO_NEVER
			    : mono_add_ms(loop_now(r->v->loop), (int64_t)third * 1000);
	return fresh;
}

/* An address of ours by its mark. An unmarked one (a kernel before 5.18) with a lifetime is ours
 * too; without: an operator's. */
static bool
is_marked(const struct nl_addr *n)
{
	return n->proto == MARK || (n->proto == 0 && n->valid_s != NL_FOREVER);
}

struct stray {
	const struct plan_addr *a;
	struct nl_addr at;
	bool found;
};

static void
on_stray(const struct nl_addr *n, void *arg)
{
	struct stray *s = arg;
	struct ip ip = ip_make(n->family, n->addr);

	if (is_marked(n) && ip_equal(&ip, &s->a->ip) && n->prefix == s->a->prefix) {
		s->at = *n;
		s->found = true;
	}
}

/* Another router of this host has taken it on that device: the same one under another name or VRID.
 */
static bool
has_heir(const struct router *r, const struct nl_addr *at)
{
	struct router *o;

	router_each (r->v, o) {
		struct nl_addr n;

		if (o == r || !o->started || !o->holds)
			continue;
		for (size_t i = 0; i < o->plan->n_addrs; i++)
			if (fill(o, &o->plan->addrs[i], &n) && n.family == at->family &&
			    n.ifindex == at->ifindex && n.prefix == at->prefix &&
			    memcmp(n.addr, at->addr, sizeof(n.addr)) == 0)
				return true;
	}
	return false;
}

bool
addr_has_heir(struct router *r, size_t i)
{
	struct nl_addr n;

	return fill(r, &r->plan->addrs[i], &n) && has_heir(r, &n);
}

/* A device that has another name by now keeps its addresses: they are looked for. */
static void
remove_one(struct router *r, const struct plan_addr *a)
{
	struct stray s = {.a = a};

	if (!fill(r, a, &s.at)) {
		nl_addr_dump(&r->v->req, a->ip.family, 0, on_stray, &s);
		if (!s.found)
			return;
	}
	if (has_heir(r, &s.at))
		return;
	if (nl_addr_del(&r->v->req, &s.at) == -1 && errno != EADDRNOTAVAIL && errno != ENODEV)
		complain(r, a, "remove");
}

void
addr_remove(struct router *r)
{
	r->holds = false;
	r->refresh_at = MONO_NEVER;
	for (size_t i = 0; i < r->plan->n_addrs; i++)
		remove_one(r, &r->plan->addrs[i]);
}

void
addr_remove_gone(struct router *r, const struct plan *old)
{
	for (size_t i = 0; i < old->n_addrs; i++) {
		const struct plan_addr *a = &old->addrs[i];
		bool kept = false;

		for (size_t k = 0; k < r->plan->n_addrs && !kept; k++) {
			const struct plan_addr *b = &r->plan->addrs[k];

			kept = ip_equal(&a->ip, &b->ip) && a->prefix == b->prefix &&
			       strcmp(a->dev, b->dev) == 0;
		}
		if (!kept)
			remove_one(r, a);
	}
}

/* ---- leftovers ------------------------------------------------------------- */

struct leftover {
	const struct plan *p;
	bool found;
};

static void
on_addr(const struct nl_addr *a, void *arg)
{
	struct leftover *l = arg;
	struct ip ip = ip_make(a->family, a->addr);

	if (!is_marked(a))
		return;
	for (size_t i = 0; i < l->p->n_addrs; i++)
		l->found = l->found || ip_equal(&ip, &l->p->addrs[i].ip);
}

static bool
share(const struct plan *a, const struct plan *b)
{
	for (size_t i = 0; i < a->n_addrs; i++)
		for (size_t k = 0; k < b->n_addrs; k++)
			if (ip_equal(&a->addrs[i].ip, &b->addrs[k].ip))
				return true;
	return false;
}

bool
addr_leftover(struct vrrp *v, const struct plan *p)
{
	struct leftover l = {.p = p};
	struct router *r;

	/* Not while a router that is leaving (renamed, say) still serves on it. */
	router_each (v, r)
		if (r->started && r->holds && share(r->plan, p))
			return false;
	nl_addr_dump(&v->req, AF_UNSPEC, 0, on_addr, &l);
	return l.found;
}

/* ---- taken away ------------------------------------------------------------ */

/* May the addresses be there now? Not while the decision still has to look. */
static bool
wanted(const struct router *r)
{
	return r->started && r->holds && decide_holds(&r->d) && !r->d.unsure &&
	       mono_now_boot().ns <= r->d.lease.ns;
}

void
addr_gone(struct router *r, const struct nl_addr *a)
{
	struct mono now = loop_now(r->v->loop);
	bool ours = a == NULL;
	char ip[64] = "?";

	if (!r->started) /* only prepared: it has no plan in force */
		return;
	for (size_t i = 0; a != NULL && i < r->plan->n_addrs; i++) {
		struct ip gone = ip_make(a->family, a->addr);

		if (ip_equal(&gone, &r->plan->addrs[i].ip)) {
			ours = true;
			router_ip_text(&gone, ip, sizeof(ip));
		}
	}
	if (!ours || !wanted(r) || r->iface == NULL || r->iface->index == 0)
		return;
	if (addr_set(r) == 0)
		return; /* it is there: an old event, or our own doing */
	log_warning("router %s: %s was removed by somebody else; put back", r->plan->name, ip);
	if (r->put_back[2].ns != 0 && now.ns - r->put_back[2].ns < 10000000000LL) {
		log_alert(
		    "router %s: %s is removed again and again: FAULT for 30 s", r->plan->name, ip);
		r->fault_until = mono_add_ms(now, 30000);
		memset(r->put_back, 0, sizeof(r->put_back));
	} else {
		r->put_back[2] = r->put_back[1];
		r->put_back[1] = r->put_back[0];
		r->put_back[0] = now;
		garp_sign(&r->garp, now);
	}
}

void
addr_come(struct router *r)
{
	if (wanted(r) && r->iface != NULL && r->iface->index != 0 && addr_set(r) > 0)
		garp_sign(&r->garp, loop_now(r->v->loop));
}
