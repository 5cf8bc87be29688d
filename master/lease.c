/* SPDX-License-Identifier: ISC */
/*
 * When vrrp is dead and cannot be brought back inside its lease, the peers take the address over,
 * and this host must not hold it any more: the master removes it (failover-logic.md, Lease). Inside
 * the lease nothing is touched: the respawned vrrp goes on as MASTER. When vipd stops there will be
 * none, so there it is not waited for.
 */
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/nl.h"
#include "master/master.h"
#include "vrrp/decide.h"

#define MARK       112 /* IFA_PROTO of vrrp's addresses */
#define DEAD_TICKS 10

static bool
held(const struct shm_router *r)
{
	enum decide_role role = (enum decide_role)sw32_get(&r->role);

	return sw32_get(&r->used) &&
	       (role == DECIDE_MASTER || role == DECIDE_RESIGN || role == DECIDE_LEAVE);
}

/* A claim whose first advertisement has not left has no lease yet: it gets the time of one. */
static bool
expired(const struct shm_router *r, uint64_t now_boot_ns, unsigned dead_ticks)
{
	uint64_t lease = sw64_get(&r->lease_boot_ns);

	return held(r) && (lease != 0 ? lease < now_boot_ns : dead_ticks > DEAD_TICKS);
}

/* What the dead vrrp had set, or was about to set, for the router of that slot. */
static bool
is_ours(const struct shm_vrrp *v, uint32_t slot, const struct nl_addr *a)
{
	uint32_t n = sw32_get(&v->n_held);

	for (uint32_t i = 0; i < n && i < SHM_HELD; i++) {
		const struct shm_held *h = &v->held[i];

		if (sw32_get(&h->used) == slot + 1 && h->ifindex == a->ifindex &&
		    h->family == a->family && h->prefix == a->prefix &&
		    memcmp(h->addr, a->addr, sizeof(h->addr)) == 0)
			return true;
	}
	return false;
}

static bool
has_any(const struct shm_vrrp *v, uint32_t slot)
{
	uint32_t n = sw32_get(&v->n_held);

	for (uint32_t i = 0; i < n && i < SHM_HELD; i++)
		if (sw32_get(&v->held[i].used) == slot + 1)
			return true;
	return false;
}

#define FOUND_MAX 64

struct found {
	const struct shm_vrrp *v;
	uint32_t slot;
	struct nl_addr a[FOUND_MAX];
	unsigned n;
	bool more;
};

static void
on_addr(const struct nl_addr *a, void *arg)
{
	struct found *f = arg;

	/* An unmarked one (an old kernel) with a lifetime is vrrp's too; without: an operator's. */
	if (!is_ours(f->v, f->slot, a) ||
	    !(a->proto == MARK || (a->proto == 0 && a->valid_s != NL_FOREVER)))
		return;
	if (f->n < FOUND_MAX)
		f->a[f->n++] = *a;
	else
		f->more = true;
}

static void
remove_all(struct master *m, struct nl *nl, uint32_t slot, const char *why)
{
	const struct shm_router *r = &m->seg.vrrp->routers[slot];
	struct found f = {.v = m->seg.vrrp, .slot = slot, .more = true};
	unsigned n = 0, before = 0;

	for (unsigned turn = 0; f.more && (turn == 0 || n > before); turn++) {
		before = n;
		f.n = 0;
		f.more = false;
		if (nl_addr_dump(nl, AF_UNSPEC, 0, on_addr, &f) == -1)
			log_err("router %s: cannot read addresses: %s", r->name, strerror(errno));
		for (unsigned i = 0; i < f.n; i++)
			if (nl_addr_del(nl, &f.a[i]) == 0)
				n++;
			else if (errno != EADDRNOTAVAIL)
				log_err("router %s: cannot remove an address: %s", r->name,
				    strerror(errno));
	}
	if (n > 0 || held(r))
		log_alert("router %s: vrrp %s: %u addresses removed", r->name, why, n);
}

void
lease_stopped(struct master *m)
{
	uint32_t n = sw32_get(&m->seg.vrrp->n_routers);
	struct nl nl = {0};

	if (nl_open(&nl) == -1)
		return;
	/* Also of one that had left, when the removal was still to come. */
	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++)
		if (has_any(m->seg.vrrp, i))
			remove_all(m, &nl, i, "has died in the stop");
	nl_close(&nl);
}

void
lease_watch(struct master *m)
{
	static bool done[SHM_MAX_ROUTERS]; /* once a death */
	static unsigned dead_ticks;
	uint64_t now = (uint64_t)mono_now_boot().ns;
	uint32_t n = sw32_get(&m->seg.vrrp->n_routers);
	struct nl nl = {0};
	bool open = false;

	if (process_serves(&m->vrrp)) {
		memset(done, 0, sizeof(done));
		dead_ticks = 0;
		return;
	}
	dead_ticks++;
	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS && !m->stopping; i++) {
		const struct shm_router *r = &m->seg.vrrp->routers[i];

		if (done[i] || !has_any(m->seg.vrrp, i) ||
		    (held(r) && !expired(r, now, dead_ticks)))
			continue;
		done[i] = true;
		if (!open && nl_open(&nl) == -1)
			return;
		open = true;
		remove_all(m, &nl, i, "did not come back inside its lease");
	}
	if (open)
		nl_close(&nl);
}
