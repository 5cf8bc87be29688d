/* SPDX-License-Identifier: ISC */
/* Giving addresses away. Runs in a worker. */
#include "worker/drain.h"

#include <string.h>

#include "worker/record.h"
#include "worker/session.h"

/* Is this an address that is being given away? An inherited socket on [::] names those of IPv4 as
 * mapped ones. */
static bool
listed(const struct worker *w, const struct shm_end *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct shm_vrrp *v = w->seg->vrrp;
	uint32_t n = sw32_get(&v->n_drain);
	const uint8_t *addr = e->addr;
	int family = e->family;

	if (family == AF_INET6 && memcmp(addr, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		addr += sizeof(mapped);
	}
	if (family != AF_INET && family != AF_INET6)
		return false;
	for (uint32_t i = 0; i < n && i < sizeof(v->drain) / sizeof(v->drain[0]); i++)
		if (v->drain[i].family == family &&
		    memcmp(v->drain[i].addr, addr, family == AF_INET ? 4 : 16) == 0)
			return true;
	return false;
}

static bool
local_end(int fd, struct shm_end *e)
{
	struct sock_addr a = {.len = sizeof(a.un)};

	if (getsockname(fd, &a.sa, &a.len) == -1)
		return false;
	record_set_end(e, &a);
	return true;
}

bool
drain_refuses(const struct worker *w, int fd, const struct conf_bind *bind)
{
	struct shm_end e;

	if (!mono_before(loop_now(w->loop), w->drain_until))
		return false;
	if (bind != NULL && conf_bind_local(bind) != NULL)
		record_set_end(&e, conf_bind_local(bind));
	else if (!local_end(fd, &e))
		return false;
	return listed(w, &e);
}

static void
doom_local(struct worker *w)
{
	struct shm_end e;

	for (struct session *s = w->live; s != NULL; s = s->next) {
		if (s->rec->local.family != 0 && !(s->flags & SESSION_PROXIED))
			e = s->rec->local;
		else if (!local_end(s->c.fd, &e))
			continue;
		if (listed(w, &e))
			session_doom(s, 'K');
	}
}

void
drain_look(struct worker *w)
{
	uint64_t seq = sw64_get(&w->seg->vrrp->drain_seq);

	if (seq == w->drain_seq)
		return;
	w->drain_seq = seq;
	w->drain_until = mono_add_ms(loop_now(w->loop), DRAIN_MS);
	doom_local(w);
}

void
drain_confirm(struct worker *w)
{
	if (sw64_get(&w->own->drained) == w->drain_seq || w->doomed != NULL)
		return;
	sw64_set(&w->own->drained, w->drain_seq);
	child_ring_fd(w->child->start.bells.vrrp);
}
