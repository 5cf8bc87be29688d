/* SPDX-License-Identifier: ISC */
/*
 * Which server a session goes to: the next one of the backend's schedule that is usable, has not
 * failed for this session, has not failed often for this worker a moment ago, and has room.
 */
#ifndef WORKER_PICK_H
#define WORKER_PICK_H

#include "worker/session.h"

/* What a round over the schedule met. */
struct pick {
	struct session *s;
	bool desperate; /* take also what failed often a moment ago: all others are tried or gone */
	bool met_full;
	bool met_out;
	bool met_tried;
	bool met_usable; /* any server that is usable, whatever else */
};

/*
 * Picks and takes a place (to be given back by limit_release_srv). waiter: has waited for it, so
 * others that wait do not stand before it. NULL: none now; *p says what stood in the way.
 */
struct gen_server *pick_server(struct session *s, bool waiter, struct pick *p);

/* The limit of a server's sessions that holds now, slow start included; 0: none. */
uint32_t pick_limit(const struct shm *s, const struct gen_server *v);

/*
 * The same from its parts (semantics D.3). Pure. full: the limit at full load; slow: the one of
 * slow start, 0: none runs; sessions and fullconn of the backend. At least 1, and 0 for no limit.
 */
uint32_t pick_dynamic(
    uint32_t minconn, uint32_t full, uint32_t slow, uint32_t sessions, uint32_t fullconn);

#endif
