/* SPDX-License-Identifier: ISC */
/* Picking a server. Runs in a worker; no system call. */
#include "worker/pick.h"

#include "shm/limit.h"
#include "shm/schedule.h"
#include "worker/least.h"
#include "worker/wait.h"

uint32_t
pick_limit(const struct shm *s, uint32_t slot)
{
	uint32_t slow = sw32_get(&shm_health(s, slot)->dyn_maxconn);

	return slow != 0 ? slow : sw32_get(&shm_srv_dir(s, slot)->maxconn);
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
	if (was_tried(s, slot))
		return p->met_tried = true;
	if (!p->desperate && mono_before(loop_now(w->loop), w->srv[slot].out_until))
		return p->met_out = true;
	if (!limit_room_srv(w->seg, slot, pick_limit(w->seg, slot)))
		return p->met_full = true;
	return false;
}

static uint32_t
next(struct session *s, struct pick *p)
{
	return s->be->conf->balance == CONF_LEASTCONN
		   ? least_pick(s->w, s->be, refuse, p)
		   : schedule_pick_except(s->w->seg, s->be->slot, refuse, p);
}

struct gen_server *
pick_server(struct session *s, bool waiter, struct pick *p)
{
	struct shm *seg = s->w->seg;

	*p = (struct pick){.s = s};
	for (;;) {
		uint32_t slot;

		if (!waiter && wait_others(s)) {
			p->met_full = true;
			return NULL;
		}
		slot = next(s, p);
		if (slot == SHM_NONE) {
			if (!p->met_out || p->desperate)
				return NULL;
			p->desperate = true;
			continue;
		}
		if (limit_take_srv(seg, slot, pick_limit(seg, slot)))
			return gen_server_at(s->fe->gen, slot);
		/* Another worker was faster. What we held for a moment may have turned it away. */
		wait_moved(s->w, s->be->slot);
	}
}
