/* SPDX-License-Identifier: ISC */
/*
 * One queue per backend over all workers, oldest first (hard-parts 3). A waiter draws a ticket (one
 * fetch-add) and stands in its worker's private list; the worker publishes in its own slot its
 * oldest ticket and how many wait. Only the worker with the smallest published ticket admits, and
 * who frees a place rings that worker. Both publish first and look then, sequentially consistent,
 * so no wake-up is lost; a worker that is killed leaves nothing once the master has zeroed its slot
 * and rung the others. Runs in workers.
 *
 * Who is late: a worker with waiters looks at its queues (queue_serve) at least every
 * QUEUE_LOOK_MS by a timer, which stamps the time into its slot. A worker that has not looked for
 * QUEUE_LATE_MS is passed over: it is not rung, and the next one may admit. Only the order suffers
 * from a wrong guess; limits hold in any case.
 *
 * A new session:
 *
 *     while (!queue_anybody_waits(s, be, now)) {
 *             srv = schedule_pick_except(s, be, refuses unusable ones and limit_room_srv() ==
 * false) if (srv == SHM_NONE) break; if (limit_take_srv(s, srv, its limit)) go and connect; moved =
 * true;                    // lost a race: the next look decides
 *     }
 *     if (!queue_join(s, be, maxqueue, now, &ticket)) refuse the session;
 *     append it to the list; ring queue_serve(s, be, now, moved, admit, arg);
 *
 * A place was given back (limit_release_srv), or a waiter went (queue_leave: time-out, client
 * gone): ring queue_serve(..., moved = true, ...). The bell or the timer: queue_serve(..., false,
 * ...) for each backend with own waiters. A server became usable or a limit rose: the checker rings
 * all.
 */
#ifndef SHM_QUEUE_H
#define SHM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"
#include "shm/segment.h"

#define QUEUE_LOOK_MS 20
#define QUEUE_LATE_MS 50

/*
 * One more waiter of this worker: counts it (sum over all workers at most maxqueue; 0: no limit),
 * draws its ticket and publishes that when it is this worker's oldest. Returns false when the queue
 * is full.
 */
bool queue_join(
    const struct shm *s, uint32_t be, uint32_t maxqueue, struct mono now, uint64_t *ticket);

/* One waiter less, admitted or gone; oldest is the smallest ticket that still waits here, 0: none.
 */
void queue_leave(const struct shm *s, uint32_t be, uint64_t oldest);

/* Does anybody wait who is not late? Then a new session has to queue. */
bool queue_anybody_waits(const struct shm *s, uint32_t be, struct mono now);

/* May this worker admit its oldest waiter now? (It has one, and nobody who is not late has an older
 * one.) */
bool queue_may_admit(const struct shm *s, uint32_t be, struct mono now);

/* The worker with the oldest waiter among those that are not late; if all are, among all. SHM_NONE:
 * nobody waits. */
uint32_t queue_next_worker(const struct shm *s, uint32_t be, struct mono now);

/* Waiters in all workers. */
uint32_t queue_waiting(const struct shm *s, uint32_t be);

/*
 * Looks at the queue of a backend and admits as many as may be: calls admit(arg) while this worker
 * is the one that may. admit takes a place for its oldest waiter of this backend by the loop above
 * (pick by reading, take, pick again after a lost race), takes the waiter out of the list, calls
 * queue_leave and returns true; it returns false when by reading there is no place.
 *
 * moved: the caller gave something back before (a place, a take that lost a race, a waiter that
 * left). Returns the worker to be rung, never this one, or SHM_NONE.
 */
uint32_t queue_serve(const struct shm *s, uint32_t be, struct mono now, bool moved,
    bool (*admit)(void *arg), void *arg);

#endif
