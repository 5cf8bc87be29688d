/* SPDX-License-Identifier: ISC */
/*
 * A router's addresses in the kernel. Held with a lifetime that is refreshed, so that they vanish
 * when everything is killed, and marked by IFA_PROTO, so that a leftover can be told from an
 * address that somebody else configured (failover-logic.md rule 3). Here is decided what is wanted
 * (wish.h); kernel.h asks for it, and the answers come back here.
 *
 * Lifetimes are counted from when the kernel took the request, so one that had to wait ends no
 * sooner than this process counts. When requests wait for longer than a lifetime, the kernel cannot
 * end it either: that waits for the same lock. A router that does not get its address for so long
 * while it is not there gives up (FAULT_KERNEL), so that another host may.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <string.h>

#include "lib/log.h"
#include "shm/event.h"
#include "vrrp/state.h"

#define DUMP_GAP_MS 200
#define STUCK_S     10 /* of addresses without a lifetime */

static bool
fill(struct router *r, const struct plan_addr *a, struct nl_addr *n)
{
	struct iface *f = a->dev[0] != '\0' ? iface_get(r->v, a->dev) : r->iface;

	if (f == NULL || f->index == 0)
		return false;
	*n = (struct nl_addr){.family = a->ip.family,
	    .prefix = a->prefix,
	    .scope = a->scope,
	    .proto = MIRROR_MARK,
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
full(const struct router *r)
{
	log_err("router %s: too many addresses at once", r->plan->name);
}

/* ---- wishes ---------------------------------------------------------------- */

/* How long an address may be set without a new decision: as long as the lease is, or would be. */
static struct mono
authority(const struct router *r)
{
	struct mono now = mono_now_boot();
	struct mono full_lease = mono_add_ns(now, 3 * r->d.cfg.interval_ns);

	return mono_before(now, r->d.lease) ? r->d.lease : full_lease;
}

static bool
is_entry(const struct shm_held *h, const struct nl_addr *a)
{
	return h->ifindex == a->ifindex && h->family == a->family && h->prefix == a->prefix &&
	       memcmp(h->addr, a->addr, sizeof(h->addr)) == 0;
}

/* Before the kernel is asked to set it. A full table (devices that went and came a thousand times)
 * costs no more than it would without. */
static void
held_enter(struct vrrp *v, const struct nl_addr *a, unsigned slot)
{
	uint32_t n = sw32_get(&v->own->n_held), at = n;
	struct shm_held *h;

	for (uint32_t i = 0; i < n; i++) {
		h = &v->own->held[i];
		if (sw32_get(&h->used) != 0 && is_entry(h, a)) {
			sw32_set(&h->used, slot + 1);
			return;
		}
		if (at == n &&
		    (sw32_get(&h->used) == 0 || mirror_link_index(&v->mirror, h->ifindex) == NULL))
			at = i;
	}
	if (at == SHM_HELD)
		return;
	h = &v->own->held[at];
	sw32_set(&h->used, 0);
	h->ifindex = a->ifindex;
	h->family = a->family;
	h->prefix = a->prefix;
	memcpy(h->addr, a->addr, sizeof(h->addr));
	sw32_set(&h->used, slot + 1);
	if (at == n)
		sw32_set(&v->own->n_held, n + 1);
}

static void
held_clear(struct vrrp *v, const struct nl_addr *a)
{
	for (uint32_t i = 0; i < sw32_get(&v->own->n_held); i++)
		if (is_entry(&v->own->held[i], a))
			sw32_set(&v->own->held[i].used, 0);
}

void
addr_pump(struct vrrp *v)
{
	struct wish_job w;
	struct kernel_job j;

	if (v->kernel.busy)
		return;
	if (wish_next(&v->wishes, &w)) {
		const struct router *r = v->routers[w.slot];

		j = (struct kernel_job){.what = w.want == WISH_SET ? KERNEL_SET : KERNEL_REMOVE,
		    .a = w.a,
		    .anew = w.cause == WISH_ANEW,
		    .not_after = r != NULL ? authority(r) : (struct mono){0}};
		if (j.what == KERNEL_SET)
			held_enter(v, &w.a, w.slot);
		v->job = w;
		kernel_give(&v->kernel, &j);
	} else if (v->mirror.stale && !mono_before(loop_now(v->loop), v->dump_at) &&
		   mirror_ask(&v->mirror, &v->snap) == 0) {
		/* One that does not help (it does not fit, the next events were lost too) is not
		 * followed by another at once. */
		v->dump_at = mono_add_ms(loop_now(v->loop), DUMP_GAP_MS);
		kernel_give(
		    &v->kernel, &(struct kernel_job){.what = KERNEL_DUMP, .snap = &v->snap});
	}
}

static void
set_all(struct router *r, enum wish_cause cause)
{
	for (size_t i = 0; i < r->plan->n_addrs; i++) {
		struct nl_addr n;

		if (fill(r, &r->plan->addrs[i], &n) &&
		    wish_set(&r->v->wishes, &n, r->slot, cause) == -1)
			full(r);
	}
	r->holds = true;
	r->refused = 0;
	r->refresh_at =
	    r->plan->lifetime_s == NL_FOREVER
		? MONO_NEVER
		: mono_add_ms(loop_now(r->v->loop), (int64_t)(r->plan->lifetime_s / 3) * 1000);
	addr_pump(r->v);
}

void
addr_set(struct router *r)
{
	r->say_set = true;
	r->last_due = false;
	r->there_until = (struct mono){0};
	set_all(r, WISH_CLAIM);
}

void
addr_refresh(struct router *r)
{
	set_all(r, WISH_REFRESH);
}

bool
addr_settled(const struct router *r)
{
	return wish_open(&r->v->wishes, r->slot) == 0;
}

/* Does a router of this host hold it on that device? Not counting r (NULL: all count). */
static bool
is_held(struct vrrp *v, const struct router *r, const struct nl_addr *at)
{
	struct router *o;

	router_each (v, o) {
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

/* Another one has taken it: the same one under another name or VRID. */
static bool
has_heir(const struct router *r, const struct nl_addr *at)
{
	return is_held(r->v, r, at);
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
	struct nl_addr n;

	if (!fill(r, a, &n)) {
		const struct nl_addr *at = mirror_marked(&r->v->mirror, &a->ip, a->prefix, 0);

		if (at == NULL)
			return;
		n = *at;
	}
	if (!has_heir(r, &n) && wish_remove(&r->v->wishes, &n, r->slot) == -1)
		full(r);
}

void
addr_remove(struct router *r)
{
	r->holds = false;
	r->refresh_at = MONO_NEVER;
	r->say_set = r->arp_when_set = r->send_when_set = false;
	r->say_removed = true;
	for (size_t i = 0; i < r->plan->n_addrs; i++)
		remove_one(r, &r->plan->addrs[i]);
	addr_pump(r->v);
}

/* The same address in p, or NULL. */
static const struct plan_addr *
same_in(const struct plan *p, const struct plan_addr *a)
{
	for (size_t k = 0; k < p->n_addrs; k++) {
		const struct plan_addr *b = &p->addrs[k];

		if (ip_equal(&a->ip, &b->ip) && a->prefix == b->prefix &&
		    strcmp(a->dev, b->dev) == 0)
			return b;
	}
	return NULL;
}

static bool
looks_same(const struct plan_addr *a, const struct plan_addr *b)
{
	return a->scope == b->scope && strcmp(a->label, b->label) == 0 &&
	       memcmp(a->broadcast, b->broadcast, sizeof(a->broadcast)) == 0;
}

void
addr_change(struct router *r, const struct plan *old)
{
	for (size_t i = 0; i < old->n_addrs; i++) {
		const struct plan_addr *a = &old->addrs[i], *b = same_in(r->plan, a);
		struct nl_addr n;

		if (b == NULL)
			remove_one(r, a);
		else if (!looks_same(a, b) && fill(r, b, &n) &&
			 wish_set(&r->v->wishes, &n, r->slot, WISH_ANEW) == -1)
			full(r);
	}
	addr_set(r);
}

/* ---- leftovers ------------------------------------------------------------- */

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
	struct router *r;

	/* Not while a router that is leaving (renamed, say) still serves on it. */
	router_each (v, r)
		if (r->started && r->holds && share(r->plan, p))
			return false;
	for (size_t i = 0; i < p->n_addrs; i++) {
		const struct nl_addr *at = mirror_marked(&v->mirror, &p->addrs[i].ip, 0, 0);

		if (at != NULL && wish_of(&v->wishes, at) != WISH_REMOVE)
			return true;
	}
	return false;
}

static bool
in_a_plan(struct vrrp *v, const struct nl_addr *a)
{
	struct router *r;

	router_each (v, r) {
		struct nl_addr n;

		for (size_t i = 0; r->plan != NULL && i < r->plan->n_addrs; i++)
			if (fill(r, &r->plan->addrs[i], &n) && mirror_same_addr(&n, a))
				return true;
	}
	return false;
}

void
addr_inherit(struct vrrp *v)
{
	for (uint32_t i = 0; i < sw32_get(&v->own->n_held) && i < SHM_HELD; i++) {
		struct shm_held *h = &v->own->held[i];
		uint32_t used = sw32_get(&h->used);
		struct nl_addr a = {
		    .family = h->family, .prefix = h->prefix, .ifindex = h->ifindex};
		struct ip ip;
		char text[64];

		memcpy(a.addr, h->addr, sizeof(h->addr));
		if (used == 0 || in_a_plan(v, &a))
			continue;
		ip = ip_make(a.family, a.addr);
		if (mirror_marked(&v->mirror, &ip, a.prefix, a.ifindex) == NULL) {
			sw32_set(&h->used, 0); /* gone, or somebody else's */
			continue;
		}
		log_notice("vrrp: %s/%u, which a router has left behind that is no more, is "
			   "removed",
		    router_ip_text(&ip, text, sizeof(text)), a.prefix);
		wish_remove(&v->wishes, &a, used - 1);
	}
	addr_pump(v);
}

/* The kernel had no memory for the request, or its answer was lost. */
static bool
is_passing(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETIMEDOUT || error == EAGAIN;
}

/* What should be gone, and is not. */
static void
remove_again(struct vrrp *v)
{
	for (uint32_t i = 0; i < sw32_get(&v->own->n_held) && i < SHM_HELD; i++) {
		struct shm_held *h = &v->own->held[i];
		struct nl_addr a;

		if (sw32_get(&h->used) == 0)
			continue;
		a = (struct nl_addr){
		    .family = h->family, .prefix = h->prefix, .ifindex = h->ifindex};
		memcpy(a.addr, h->addr, sizeof(h->addr));
		if (wish_of(&v->wishes, &a) == WISH_NONE && !is_held(v, NULL, &a))
			wish_remove(&v->wishes, &a, sw32_get(&h->used) - 1);
	}
}

/* ---- taken away ------------------------------------------------------------ */

/* May the addresses be there now? Not while the decision still has to look. */
static bool
wanted(const struct router *r)
{
	return r->started && r->holds && decide_holds(&r->d) && !r->d.unsure &&
	       mono_now_boot().ns <= r->d.lease.ns;
}

/* Somebody had removed it, and it is there again. */
static void
put_back(struct router *r, const char *ip)
{
	struct mono now = loop_now(r->v->loop);

	log_warning("router %s: %s was removed by somebody else; put back", r->plan->name, ip);
	if (r->put_back[2].ns != 0 && now.ns - r->put_back[2].ns < 10000000000LL) {
		log_alert(
		    "router %s: %s is removed again and again: FAULT for 30 s", r->plan->name, ip);
		r->fault_until = mono_add_ms(now, 30000);
		memset(r->put_back, 0, sizeof(r->put_back));
		router_look(r);
	} else {
		r->put_back[2] = r->put_back[1];
		r->put_back[1] = r->put_back[0];
		r->put_back[0] = now;
		garp_sign(&r->garp, now);
	}
}

void
addr_gone(struct router *r, const struct nl_addr *a)
{
	if (!wanted(r) || r->iface == NULL || r->iface->index == 0)
		return;
	if (a == NULL) {
		set_all(r, WISH_GONE);
		return;
	}
	for (size_t i = 0; i < r->plan->n_addrs; i++) {
		struct ip gone = ip_make(a->family, a->addr);
		struct nl_addr n;

		/* It may be there: an old event, or our own doing. The answer tells. */
		if (ip_equal(&gone, &r->plan->addrs[i].ip) && fill(r, &r->plan->addrs[i], &n) &&
		    wish_set(&r->v->wishes, &n, r->slot, WISH_GONE) == -1)
			full(r);
	}
	addr_pump(r->v);
}

void
addr_come(struct router *r)
{
	if (wanted(r) && r->iface != NULL && r->iface->index != 0)
		set_all(r, WISH_COME);
}

void
addr_again(struct vrrp *v)
{
	struct router *r;

	if (!v->again)
		return;
	v->again = false;
	router_each (v, r)
		addr_come(r);
	remove_again(v);
}

/* ---- answers --------------------------------------------------------------- */

static void
complain(const struct router *r, const struct nl_addr *a, const char *what,
    const struct kernel_answer *k)
{
	struct ip ip = ip_make(a->family, a->addr);
	char text[64];

	log_err("router %s: cannot %s %s/%u: %s%s%s", r->plan->name, what,
	    router_ip_text(&ip, text, sizeof(text)), a->prefix, strerror(k->error),
	    k->words[0] != '\0' ? ": " : "", k->words);
}

static void
was_set(struct router *r, const struct wish_job *w, const struct kernel_answer *k)
{
	struct ip ip = ip_make(w->a.family, w->a.addr);
	char text[64];

	/* It has given it up meanwhile, and nobody else wants it: a device with another name by
	 * now, where it was not found. */
	if (!r->holds && k->error == 0 && wish_of(&r->v->wishes, &w->a) == WISH_NONE &&
	    !has_heir(r, &w->a)) {
		wish_remove(&r->v->wishes, &w->a, r->slot);
		return;
	}
	if (k->error == ECANCELED) { /* this process was held up: does it still hold it? */
		if (wanted(r) && wish_of(&r->v->wishes, &w->a) == WISH_NONE)
			wish_set(&r->v->wishes, &w->a, r->slot, w->cause);
		return;
	}
	if (k->error != 0 && k->error != ENODEV) { /* that has just gone: its event comes */
		if (w->cause != WISH_REFRESH)
			complain(r, &w->a, "add", k);
		else if (ratelimit_step(&r->say_refresh, loop_now(r->v->loop), NULL))
			complain(r, &w->a, "refresh", k);
		r->refused++;
	}
	if (!k->fresh || !r->holds)
		return;
	if (w->cause == WISH_GONE)
		put_back(r, router_ip_text(&ip, text, sizeof(text)));
	else if (w->cause == WISH_COME)
		garp_sign(&r->garp, loop_now(r->v->loop));
}

size_t
addr_missing(struct router *r)
{
	struct nl_addr a;
	size_t n = 0;

	for (size_t i = 0; i < r->plan->n_addrs; i++)
		n += fill(r, &r->plan->addrs[i], &a) &&
		     mirror_link_of(&r->v->mirror, &r->plan->addrs[i].ip) == 0;
	return n;
}

bool
addr_there(struct router *r)
{
	return addr_missing(r) == 0;
}

/* All that it wanted is as it wanted it. */
static void
settled(struct router *r)
{
	if (r->say_set)
		event_add(r->v->seg, EVENT_ROUTER, r->slot, "router %s: %zu address%s set",
		    r->plan->name, r->plan->n_addrs, r->plan->n_addrs == 1 ? "" : "es");
	if (r->say_removed)
		event_add(r->v->seg, EVENT_ROUTER, r->slot, "router %s: addresses removed",
		    r->plan->name);
	r->say_set = r->say_removed = false;
	router_settled(r);
}

bool
addr_stuck(struct router *r)
{
	const struct vrrp *v = r->v;
	int64_t s = r->plan->lifetime_s == NL_FOREVER ? STUCK_S : r->plan->lifetime_s;

	if (!v->kernel.busy || loop_now(v->loop).ns - v->kernel.since.ns <= s * 1000000000)
		return false;
	return !addr_there(r);
}

void
addr_answered(struct kernel *kernel, const struct kernel_job *j, const struct kernel_answer *k)
{
	struct vrrp *v = (struct vrrp *)(void *)((char *)kernel - offsetof(struct vrrp, kernel));
	struct wish_job w = v->job;
	struct router *r;

	if (j->what == KERNEL_DUMP) {
		iface_dumped(v, k->error == 0);
		addr_pump(v);
		return;
	}
	wish_done(&v->wishes);
	v->again = v->again || is_passing(k->error);
	if (j->what == KERNEL_REMOVE && wish_of(&v->wishes, &w.a) != WISH_SET &&
	    (k->error == 0 || k->error == EADDRNOTAVAIL || k->error == ENODEV))
		held_clear(v, &w.a);
	r = v->routers[w.slot];
	if (r != NULL && r->started) {
		if (j->what == KERNEL_SET)
			was_set(r, &w, k);
		else if (k->error != 0 && k->error != EADDRNOTAVAIL && k->error != ENODEV)
			complain(r, &w.a, "remove", k);
		if (addr_settled(r))
			settled(r);
	}
	addr_pump(v);
}
