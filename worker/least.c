/* SPDX-License-Identifier: ISC */
/* leastconn. Runs in a worker; no system call. */
#include "worker/least.h"

#include "shm/limit.h"
#include "shm/schedule.h"

int
least_compare(uint32_t a, uint32_t aw, uint32_t b, uint32_t bw)
{
	uint64_t x = (uint64_t)a * bw, y = (uint64_t)b * aw;

	if (aw == 0 || bw == 0)
		return aw != 0 ? -1 : bw != 0;
	return x < y ? -1 : x > y;
}

static uint32_t
own_held(const struct worker *w, uint32_t slot)
{
	return sw32_get(&SHM_OWN(w->seg, w->own, held_srv)[slot]);
}

/* What the other workers hold, for backends where summing at each pick would cost too much. */
static void
refresh(struct worker *w, const struct gen_backend *b)
{
	struct worker_be *own = &w->be[b->slot];
	struct mono now = loop_now(w->loop);

	if (own->least_gen == b->gen->number && mono_before(now, own->least_until))
		return;
	own->least_gen = b->gen->number;
	own->least_until = mono_add_ms(now, LEAST_FRESH_MS);
	for (size_t i = 0; i < b->n_servers; i++) {
		uint32_t slot = b->servers[i].slot, sum = limit_sum_srv(w->seg, slot);
		uint32_t held = own_held(w, slot);

		w->srv[slot].others = sum > held ? sum - held : 0;
	}
}

/* The best so far. */
struct best {
	uint32_t slot;
	uint32_t load;
	uint32_t weight;
	uint32_t n; /* that are equal */
};

/* A round of least_pick. */
struct round {
	struct worker *w;
	const struct gen_backend *b;
	bool exact;
	bool (*refuse)(void *, uint32_t);
	void *arg;
	struct best best;
	bool backups; /* looks at them now */
	bool active;  /* one that is no backup is usable */
};

static uint32_t
load_of(const struct round *r, uint32_t slot)
{
	return 1 + (r->exact ? limit_sum_srv(r->w->seg, slot)
			     : r->w->srv[slot].others + own_held(r->w, slot));
}

static uint32_t
weight_of(const struct round *r, uint32_t slot)
{
	return sw32_get(&shm_health(r->w->seg, slot)->eweight);
}

static bool
usable(const struct round *r, uint32_t slot)
{
	return sw32_get(&shm_health(r->w->seg, slot)->usable) != 0;
}

static void
look_at(struct round *r, uint32_t slot)
{
	uint32_t load, weight = weight_of(r, slot);
	int c;

	r->active |= !r->backups && usable(r, slot);
	load = load_of(r, slot);
	c = least_compare(load, weight, r->best.load, r->best.weight);
	if (c > 0 || weight == 0)
		return;
	if (r->refuse(r->arg, slot))
		return;
	if (c == 0) {
		r->best.n++;
		return;
	}
	r->best = (struct best){slot, load, weight, 1};
}

/* For the schedule: all but those that are as good as the best. */
static bool
not_equal(void *arg, uint32_t slot)
{
	struct round *r = arg;

	return least_compare(load_of(r, slot), weight_of(r, slot), r->best.load, r->best.weight) >
		   0 ||
	       r->refuse(r->arg, slot);
}

/* As the checker makes the schedule: see checker/sched.c. */
static void
look_at_backups(struct round *r)
{
	r->backups = true;
	for (size_t i = 0; i < r->b->n_servers; i++) {
		const struct gen_server *v = &r->b->servers[i];

		if (!v->conf->backup || !usable(r, v->slot))
			continue;
		look_at(r, v->slot);
		if (!r->b->conf->allbackups)
			return;
	}
}

uint32_t
least_pick(
    struct worker *w, const struct gen_backend *b, bool (*refuse)(void *, uint32_t), void *arg)
{
	struct round r = {.w = w,
	    .b = b,
	    .exact = b->n_servers <= LEAST_EXACT,
	    .refuse = refuse,
	    .arg = arg,
	    .best.slot = SHM_NONE};
	uint32_t slot;

	if (!r.exact)
		refresh(w, b);
	for (size_t i = 0; i < b->n_servers; i++)
		if (!b->servers[i].conf->backup)
			look_at(&r, b->servers[i].slot);
	if (!r.active)
		look_at_backups(&r);
	if (r.best.n <= 1)
		return r.best.slot;
	slot = schedule_pick_except(w->seg, b->slot, not_equal, &r);
	/* One that came up a moment ago may not be in the schedule yet. */
	return slot != SHM_NONE ? slot : r.best.slot;
}
