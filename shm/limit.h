/* SPDX-License-Identifier: ISC */
/*
 * Admission under limits without a shared counter (hard-parts 2). A worker counts what it holds of
 * an object in its own slot; a limit is compared with the sum over the slots 0..n_workers-1. To
 * take: own count + 1 (sequentially consistent), sum; above the limit: own count - 1 and false. The
 * last of several to count sees all the others, so a limit is never exceeded; what a killed worker
 * held vanishes when the master zeroes its slot. Runs in workers.
 *
 * A limit of 0 is no limit; what is held is counted all the same. On success the sum seen goes into
 * the own slot's maximum (cur_max, held_max); the maximum over all workers is the object's.
 *
 * A refusal by one look may be wrong: two that count at the same moment may both see too many. So
 * nobody is refused by one look. Who waits for a place of the global or a frontend's limit:
 *
 *     if (!limit_take_fe(s, fe, limit))
 *             while (limit_wait_fe(s, fe, limit))   // sets the bit, looks once more by reading
 *                     if (limit_take_fe(s, fe, limit)) { limit_want_fe(s, fe, false); go on; }
 *     disarm the listener; the bell (also the one of each tick) calls the same again
 *
 * and who gives a place back, also one it took a moment ago because another limit then refused:
 *
 *     limit_release_fe(s, fe);
 *     w = limit_next_fe(s, fe, &turn);              // SHM_NONE: nobody waits
 *     if (w != SHM_NONE) child_ring_worker(c, w);   // may be the own index
 *
 * A worker that was rung, accepted all there was and still sees room hands the bell on with
 * limit_next_*: the next one may have somebody waiting. Bits clear on the way, so that ends.
 *
 * Places of servers are given to queues: see shm/queue.h.
 */
#ifndef SHM_LIMIT_H
#define SHM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"
#include "shm/segment.h"

#define LIMIT_MISC 64 /* monitoring, statistics and control connections over all workers */
#define LIMIT_WAIT 32 /* those of them whose command is "wait": the others are always served */

/* Own worker only. Backends have no limit of this kind; they are counted for statistics and
 * fullconn. */
bool limit_take_global(const struct shm *s, uint32_t limit);
bool limit_take_misc(const struct shm *s);
bool limit_take_wait(const struct shm *s);
bool limit_take_fe(const struct shm *s, uint32_t fe, uint32_t limit);
bool limit_take_be(const struct shm *s, uint32_t be, uint32_t limit);
bool limit_take_srv(const struct shm *s, uint32_t srv, uint32_t limit);

void limit_release_global(const struct shm *s);
void limit_release_misc(const struct shm *s);
void limit_release_wait(const struct shm *s);
void limit_release_fe(const struct shm *s, uint32_t fe);
void limit_release_be(const struct shm *s, uint32_t be);
void limit_release_srv(const struct shm *s, uint32_t srv);

/* Sums over all workers, readable by every process. While workers run they are as exact as a look
 * at moving things can be. */
uint32_t limit_sum_global(const struct shm *s);
uint32_t limit_sum_misc(const struct shm *s);
uint32_t limit_sum_fe(const struct shm *s, uint32_t fe);
uint32_t limit_sum_be(const struct shm *s, uint32_t be);
uint32_t limit_sum_srv(const struct shm *s, uint32_t srv);

/* Is there room for one more? By reading only. */
bool limit_room_global(const struct shm *s, uint32_t limit);
bool limit_room_fe(const struct shm *s, uint32_t fe, uint32_t limit);
bool limit_room_srv(const struct shm *s, uint32_t srv, uint32_t limit);

/*
 * So many sessions a second over all workers (0: no limit), sliding as window.h says. take looks
 * and counts in one step, so the limit is exact whoever else counts or is killed; give takes back
 * what was counted at that time for a session that then did not begin; room only looks.
 */
uint32_t limit_rate_of(const struct shm *s); /* the global one that holds now */
bool limit_rate_take_global(const struct shm *s, uint32_t per_second, struct mono now);
bool limit_rate_take_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono now);
void limit_rate_give_global(const struct shm *s, uint32_t per_second, struct mono then);
void limit_rate_give_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono then);
bool limit_rate_room_global(const struct shm *s, uint32_t per_second, struct mono now);
bool limit_rate_room_fe(const struct shm *s, uint32_t fe, uint32_t per_second, struct mono now);

/* Master, after a worker's death: a word from the future, which only one gone mad can have written,
 * would stop others until then. */
void limit_rates_mend(const struct shm *s);
/* Milliseconds after which it is worth to look again. Pure. */
int64_t limit_rate_pause_ms(uint32_t per_second);

/* Sets or clears the bit "stopped accepting, waits for a place". */
void limit_want_global(const struct shm *s, bool want);
void limit_want_fe(const struct shm *s, uint32_t fe, bool want);

/* Sets the bit, then looks: true when there is room (the bit stays set until limit_want_*(false)).
 */
bool limit_wait_global(const struct shm *s, uint32_t limit);
bool limit_wait_fe(const struct shm *s, uint32_t fe, uint32_t limit);

/* The next worker in turn that has the bit set and is not absent, from *turn + 1 on; *turn is the
 * caller's own memory of whose turn it was. SHM_NONE: nobody waits. */
uint32_t limit_next_global(const struct shm *s, uint32_t *turn);
uint32_t limit_next_fe(const struct shm *s, uint32_t fe, uint32_t *turn);

#endif
