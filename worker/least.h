/* SPDX-License-Identifier: ISC */
/*
 * balance leastconn (hard-parts 2): the server that would have the fewest sessions for its weight,
 * (sessions + 1) / weight, slow start included. Sums over all workers where the backend has few
 * servers; else the others' shares as they were at most LEAST_FRESH_MS ago, and the own one.
 */
#ifndef WORKER_LEAST_H
#define WORKER_LEAST_H

#include "worker/session.h"

#define LEAST_FRESH_MS 100
#define LEAST_EXACT    64 /* servers up to which every pick sums */

/* a / aw < b / bw, without a division: -1, 0, 1. A weight of 0 is infinite load. Pure. */
int least_compare(uint32_t a, uint32_t aw, uint32_t b, uint32_t bw);

/*
 * Picks for a backend: its slot, or SHM_NONE. refuse is asked for those that would be taken only
 * and must have no lasting effect. Among equals the schedule decides.
 * Backups count while no other server is usable, the first one or all (allbackups).
 */
uint32_t least_pick(struct worker *w, const struct gen_backend *b,
    bool (*refuse)(void *arg, uint32_t srv), void *arg);

#endif
