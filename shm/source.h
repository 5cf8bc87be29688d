/* SPDX-License-Identifier: ISC */
/*
 * How many sessions a client address holds at a frontend, and how many it began in the last second,
 * over all workers. Runs in workers.
 *
 * Each worker has a table in its own section and is its only writer; a limit is compared with the
 * sum over the tables, as in limit.h: so it is never exceeded, and what a killed worker held
 * vanishes when the master zeroes it. The tables are of one size and have one hash (with a secret
 * seed), so an address stands in the same set of SHM_SOURCE_WAYS entries in all of them, and asking
 * costs that many entries a worker. IPv6 addresses count by their /64, since a host may take any
 * address in it.
 *
 * Memory is bounded: a new address takes a free entry of its set, else one that holds no session,
 * the one with the lowest rate first. If all hold sessions the newcomer is not counted and not
 * limited: others must not be able to lock it out.
 *
 * A session that is refused counts nowhere: who tries more often than it may still gets its rate.
 */
#ifndef SHM_SOURCE_H
#define SHM_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"
#include "lib/sock.h"
#include "shm/segment.h"

struct source_key {
	uint64_t addr; /* IPv4: the address; IPv6: its upper half */
	uint32_t who;  /* frontend slot and family, never 0 */
};

enum source_verdict { SOURCE_OK = 0, SOURCE_MAXCONN, SOURCE_RATE };

/* False: the address has no network (a UNIX socket). Pure. */
bool source_key(struct source_key *k, uint32_t fe, const struct sock_addr *a);

/*
 * Counts one more session of this address, if it then has at most maxconn (0: no limit) and began
 * at most rate a second (0: no limit). *place is for source_release, 0 when nothing was counted.
 */
enum source_verdict source_take(const struct shm *s, const struct source_key *k, uint32_t maxconn,
    uint32_t rate, struct mono now, uint32_t *place);
void source_release(const struct shm *s, uint32_t place);

/* Sums over all workers, readable by every process. */
struct source_sum {
	uint32_t held;
	uint32_t rate;
};
struct source_sum source_sum(const struct shm *s, const struct source_key *k, struct mono now);

/* Master, for the slot of a dead worker: it holds nothing any more. */
void source_reset(const struct shm *s, struct shm_worker *w);

#endif
