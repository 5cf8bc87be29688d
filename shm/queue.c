/* SPDX-License-Identifier: ISC */
#include "shm/queue.h"

#define TRIES 1000 /* lost races in a row, after which it is a refusal */

static struct shm_queue *
own_queue(const struct shm *s, uint32_t be)
{
	return &SHM_OWN(s, s->own_worker, queue)[be];
}

static const struct shm_queue *
queue_of(const struct shm *s, uint32_t w, uint32_t be)
{
	return &shm_queue(s, shm_worker(s, w))[be];
}

static uint32_t
stamp(struct mono now)
{
	return (uint32_t)(now.ns / 1000000);
}

/* Stamps of other processes may be a little ahead of now. */
static bool
is_late(const struct shm_queue *q, struct mono now)
{
	return (int32_t)(stamp(now) - sw32_get(&q->looked_ms)) > QUEUE_LATE_MS;
}

/* Counts one more, as limit.c does. Two that count at the same moment may both see too many, so a
 * refusal needs a second look, by reading. */
static bool
waiting_take(const struct shm *s, uint32_t be, uint32_t maxqueue)
{
	struct sw32 *waiting = &own_queue(s, be)->waiting;
	struct sw32 *max = &SHM_OWN(s, s->own_worker, be)[be].queue_max;
	uint32_t had = sw32_get(waiting), total;
	unsigned tries = 0;

	do {
		sw32_set_seq(waiting, had + 1);
		total = queue_waiting(s, be);
		if (maxqueue == 0 || total <= maxqueue) {
			if (total > sw32_get(max))
				sw32_set(max, total);
			return true;
		}
		sw32_set_seq(waiting, had);
	} while (queue_waiting(s, be) < maxqueue && ++tries < TRIES);
	return false;
}

bool
queue_join(const struct shm *s, uint32_t be, uint32_t maxqueue, struct mono now, uint64_t *ticket)
{
	struct shm_queue *q = own_queue(s, be);

	if (!waiting_take(s, be, maxqueue))
		return false;
	do /* 0 is "nobody waits" */
		*ticket = mw64_fetch_add(&shm_cursor(s, be)->ticket, 1) + 1;
	while (*ticket == 0);
	if (sw64_get(&q->oldest) == 0) {
		/* The stamp first: who has just come is not late. */
		sw32_set(&q->looked_ms, stamp(now));
		sw64_set_seq(&q->oldest, *ticket);
	}
	return true;
}

void
queue_leave(const struct shm *s, uint32_t be, uint64_t oldest)
{
	struct shm_queue *q = own_queue(s, be);
	uint32_t had = sw32_get(&q->waiting);

	sw64_set_seq(&q->oldest, oldest);
	if (had > 0)
		sw32_set_seq(&q->waiting, had - 1);
}

/* The worker with the smallest ticket; with late, also those that are late. */
static uint32_t
head(const struct shm *s, uint32_t be, struct mono now, bool late)
{
	uint32_t n = sw32_get(&s->master->n_workers), best = SHM_NONE;
	uint64_t smallest = 0;

	for (uint32_t w = 0; w < n; w++) {
		const struct shm_queue *q = queue_of(s, w, be);
		uint64_t t = sw64_get_seq(&q->oldest);

		if (t == 0 || (best != SHM_NONE && t > smallest) || (!late && is_late(q, now)))
			continue;
		best = w;
		smallest = t;
	}
	return best;
}

bool
queue_anybody_waits(const struct shm *s, uint32_t be, struct mono now)
{
	return head(s, be, now, false) != SHM_NONE;
}

bool
queue_may_admit(const struct shm *s, uint32_t be, struct mono now)
{
	uint64_t mine = sw64_get(&own_queue(s, be)->oldest);
	uint32_t w;

	if (mine == 0)
		return false;
	w = head(s, be, now, false);
	return w == SHM_NONE || w == s->index;
}

uint32_t
queue_next_worker(const struct shm *s, uint32_t be, struct mono now)
{
	uint32_t w = head(s, be, now, false);

	return w != SHM_NONE ? w : head(s, be, now, true);
}

uint32_t
queue_waiting(const struct shm *s, uint32_t be)
{
	uint32_t n = sw32_get(&s->master->n_workers), total = 0;

	for (uint32_t w = 0; w < n; w++)
		total += sw32_get_seq(&queue_of(s, w, be)->waiting);
	return total;
}

uint32_t
queue_serve(
    const struct shm *s, uint32_t be, struct mono now, bool moved, bool (*admit)(void *), void *arg)
{
	struct shm_queue *q = own_queue(s, be);
	uint32_t w;

	if (sw64_get(&q->oldest) != 0)
		sw32_set(&q->looked_ms, stamp(now));
	while (queue_may_admit(s, be, now) && admit(arg))
		moved = true;
	if (!moved)
		return SHM_NONE;
	w = queue_next_worker(s, be, now);
	return w == s->index ? SHM_NONE : w;
}
