/* SPDX-License-Identifier: ISC */
/*
 * The round-robin table of a backend (hard-parts 6): its construction (pure), publishing it
 * (checker, or the master while the checker is dead) and picking from it (workers).
 *
 * The cursor is one word, 16 bits generation and 48 bits position. Generation g lies in buffer
 * g % 2. A pick takes a position by one fetch-add and keeps it until it has an entry: when the
 * schedule changed under it, the same position is looked up in the new one. Publishing exchanges
 * the word by compare-and-swap and carries the position over, so each position is used exactly
 * once, and over any number of generations no server gains or loses by a publish.
 *
 * Position and wrap: from 2^47 on whoever sees it (picker or publisher) folds the position back to
 * its remainder by the length, which names the same entry; the 2^47 picks that are left before a
 * carry would reach the generation are its chances to succeed.
 *
 * The cursor is writable by every worker, and one that has been taken over may write anything. So
 * the publisher says in its own section, too, which generation it published last; a picker to whom
 * the cursor names another one that is not there puts it right.
 *
 * A publisher killed at any instruction leaves the old schedule or the new one: it writes the
 * buffer that is not in use and exchanges the word last.
 */
#ifndef SHM_SCHEDULE_H
#define SHM_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/segment.h"

#define SCHEDULE_POS_BITS 48
#define SCHEDULE_POS_MASK ((UINT64_C(1) << SCHEDULE_POS_BITS) - 1)
#define SCHEDULE_POS_FOLD (UINT64_C(1) << (SCHEDULE_POS_BITS - 1))

/*
 * Builds a schedule of n servers (slots < 65535, each once) with effective weights, any scale; a
 * weight of 0 leaves the server out. Entries go to out[SHM_SCHED_MAX], in the order given. Weights
 * are divided by their greatest common divisor; where that gives more than SHM_SCHED_MAX entries
 * they are scaled down to exactly that many, each share within 1/65536 of what it should be; a
 * server whose share would be less than one entry gets one. In every prefix each server has had
 * less than one session more or less than its share (R. Tijdeman, "The chairman assignment
 * problem", 1980); with equal weights that is plain round robin. O(entries log servers).
 *
 * Returns the number of entries (0: no server has a weight), or -1 with errno ENOMEM or EINVAL
 * (a slot too high, too many servers). *servers is the number of distinct servers.
 */
int schedule_build(
    const uint32_t *srv, const uint32_t *weight, uint32_t n, uint16_t *out, uint32_t *servers);

/* Makes entries[len] the schedule of backend slot be. Checker only (master when it is dead).
 * The caller rings the workers. */
void schedule_publish(
    const struct shm *s, uint32_t be, const uint16_t *entries, uint32_t len, uint32_t servers);

/* Builds and publishes. Returns the number of entries or -1 as schedule_build; then the old
 * schedule stands. */
int schedule_set(
    const struct shm *s, uint32_t be, const uint32_t *srv, const uint32_t *weight, uint32_t n);

/*
 * Picks the next server of the backend: its slot, or SHM_NONE when the schedule is empty. The
 * caller tests whether it is usable (health may have changed since the schedule was built).
 */
uint32_t schedule_pick(const struct shm *s, uint32_t be);

/*
 * What the next picks of the backend will be if no server is refused: up to n slots, fewer when the
 * schedule is shorter or empty. Nothing moves. Any process.
 */
uint32_t schedule_peek(const struct shm *s, uint32_t be, uint32_t *out, uint32_t n);
/* How many of the schedule's entries are the server's; *len is their number (both 0: none). */
uint32_t schedule_share(const struct shm *s, uint32_t be, uint32_t srv, uint32_t *len);

/*
 * As schedule_pick, but walks on from the picked position to the first server that is not refused.
 * refuse is asked once a server (again only when the schedule changed meanwhile) and must have no
 * lasting effect. SHM_NONE only when every server of the schedule was refused.
 */
uint32_t schedule_pick_except(
    const struct shm *s, uint32_t be, bool (*refuse)(void *arg, uint32_t srv), void *arg);

#endif
