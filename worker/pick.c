/* SPDX-License-Identifier: ISC */
/* Picking a server. Runs in a worker; no system call. */
#include "worker/pick.h"

#include "shm/limit.h"
#include "shm/schedule.h"
#include "worker/least.h"
#include "worker/wait.h"

uint32_t
pick_dynamic(uint32_t minconn, uint32_t full, uint32_t slow, uint32_t sessions, uint32_t fullconn)
{
	uint64_t n = full;

	if (full == 0)
		return 0;
	if (sessions < fullconn)
		n = (uint64_t)full * sessions / fullconn;
	if (n < minconn)
		n = minconn;
	if (n > full)
		n = full;
	if (slow != 0 && slow < full)
		n = n * slow / full;
	return n == 0 ? 1 : (uint32_t)n;
}

/* Sessions at which the backend is full. */
static uint32_t
fullconn_of(const struct shm *s, const struct gen_backend *b)
{
	uint64_t sum = b->fe_maxconn + (uint64_t)b->fe_others * sw32_get(&s->master->maxconn);

	if (b->conf->fullconn != 0)
		return b->conf->fullconn;
	return sum < 10 ? 1 : sum / 10 > UINT32_MAX ? UINT32_MAX : (uint32_t)(sum / 10);
}

uint32_t
pick_limit(const struct shm *s, const struct gen_server *v)
{
	const struct shm_health *h = shm_health(s, v->slot);
	uint32_t slow = sw32_get(&h->dyn_maxconn), full;

	if (slow == SHM_NONE)
		return 0;
	if (slow != 0 && v->conf->minconn == 0)
		return slow;
	full = sw32_get(&h->maxconn);
	if (full == SHM_NONE)
		full = sw32_get(&shm_srv_dir(s, v->slot)->maxconn);
	if (v->conf->minconn == 0)
		return full;
	return pick_dynamic(
	    v->conf->minconn, full, slow, limit_sum_be(s, v->be->slot), fullconn_of(s, v->be));
}

static bool
was_tried(const struct session *s, uint32_t slot)
{
	for (unsigned i = 0; i < s->n_tried; i++)
		if (s->tried[i] == slot)
			return true;
	return false;
}

static bool
refuse(void *arg, uint32_t slot)
{
	struct pick *p = arg;
	struct session *s = p->s;
	struct worker *w = s->w;
	struct gen_server *v = gen_server_at(s->fe->gen, slot);

	if (v == NULL || v->be != s->be ||
	    v->epoch != sw32_get(&shm_srv_dir(w->seg, slot)->epoch) ||
	    sw32_get(&shm_health(w->seg, slot)->usable) == 0)
		return true;
	p->met_usable = true;
	if (was_tried(s, slot))
		return p->met_tried = true;
	if (!p->desperate && mono_before(loop_now(w->loop), w->srv[slot].out_until))
		return p->met_out = true;
	if (!limit_room_srv(w->seg, slot, pick_limit(w->seg, v)))
		return p->met_full = true;
	return false;
}

static uint32_t
next(struct session *s, struct pick *p)
{
	uint32_t slot = SHM_NONE;

	if (s->be->conf->balance != CONF_LEASTCONN)
		slot = schedule_pick_except(s->w->seg, s->be->slot, refuse, p);
	/* Also while the schedule is older than the health: the last server has gone and the
	 * backups are not in it yet, or the first one has come. */
	if (s->be->conf->balance == CONF_LEASTCONN || (slot == SHM_NONE && !p->met_usable))
		slot = least_pick(s->w, s->be, refuse, p);
	return slot;
}

struct gen_server *
pick_server(struct session *s, bool waiter, struct pick *p)
{
	struct shm *seg = s->w->seg;

	*p = (struct pick){.s = s};
	for (;;) {
		struct gen_server *v;
		uint32_t slot;

		if (!waiter && wait_others(s)) {
			p->met_full = true;
			return NULL;
		}
		slot = next(s, p);
		if (slot == SHM_NONE) {
			/* Rather a place in the queue of those that are full than a server that
			 * fails: retries would be gone in a moment. */
			if (!p->met_out || p->met_full || p->desperate)
				return NULL;
			p->desperate = true;
			continue;
		}
		v = gen_server_at(s->fe->gen, slot);
		if (limit_take_srv(seg, slot, pick_limit(seg, v)))
			return v;
		/* Another worker was faster. What we held for a moment may have turned it away. */
		wait_moved(s->w, s->be->slot);
	}
}
