/* SPDX-License-Identifier: ISC */
/*
 * Admission before a session exists: allow and deny, the global and the frontend's limit (exact
 * over all workers, hard-parts 2 and 3).
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "lib/sock.h"
#include "worker/worker.h"

/* The first entry of allow and deny that holds the client's address decides; a client in none is
 * let in. Pure. */
bool admit_access(const struct gen_frontend *fe, const struct sock_addr *peer);

/*
 * Do the frontend's rate and the global one let one more in now? If not, a timer looks again. take
 * counts it in the same step; give, in the same turn of the loop, takes that back when no session
 * began.
 */
bool admit_rate_room(struct worker *w, const struct gen_frontend *fe);
bool admit_rate_take(struct worker *w, const struct gen_frontend *fe);
void admit_rate_give(struct worker *w, const struct gen_frontend *fe);

/*
 * Does the client's address have room for one more session at this frontend? Counts it: *place is
 * for source_release. If not, says so (rarely) and counts the refusal.
 */
bool admit_source(
    struct worker *w, const struct gen_frontend *fe, const struct sock_addr *peer, uint32_t *place);

/* Which limit stands in the way. */
enum admit { ADMIT_OK = 0, ADMIT_FRONTEND_FULL, ADMIT_GLOBAL_FULL };

/*
 * Takes a place of the frontend and a global one. Otherwise none is held, and the bit that says
 * that we wait for one is set: whoever gives one back rings us.
 */
enum admit admit_take(struct worker *w, const struct gen_frontend *fe);
/* Gives both back and rings who waits for them. */
void admit_release(struct worker *w, const struct gen_frontend *fe);
/* For one that waits: is there room, as far as one look can tell? If not the bit is set (again),
 * then looked once more; if so it is cleared. */
bool admit_room_frontend(struct worker *w, const struct gen_frontend *fe);
bool admit_room_global(struct worker *w);
/* We were rung, took all there was and still see room: the next one may have somebody waiting. */
void admit_hand_on(struct worker *w, const struct gen_frontend *fe);

#endif
