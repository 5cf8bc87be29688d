/* SPDX-License-Identifier: ISC */
/*
 * Connections that are no sessions: of frontends in mode http (monitoring, statistics) and of the
 * control socket. They are accepted by listen.c, counted in shm_worker.held_misc (at most
 * LIMIT_MISC over all workers, never in the global maxconn) and handed over; whoever takes one
 * calls misc_closed once after it has closed the descriptor.
 */
#ifndef WORKER_MISC_H
#define WORKER_MISC_H

#include "lib/sock.h"
#include "worker/gen.h"
#include "worker/worker.h"

/*
 * Takes fd (non-blocking, close-on-exec). fe stays valid while the taker holds gen_ref(fe->gen) of
 * its own; it is not held for it. proxied: a PROXY header comes first.
 */
void misc_http_accept(struct worker *, const struct gen_frontend *fe, int fd, bool proxied);
/* Takes fd, a connection to the control socket of this name. */
void misc_control_accept(struct worker *, const char *name, int fd);

/*
 * All places are taken: closes the connection here whose client has been silent for longest, if
 * that is at least 100 ms; else the one that has taken no byte of its answer for longest, if that
 * is at least a second. So clients that hold places without use keep nobody out. Returns false
 * when there is none.
 */
bool misc_evict(struct worker *);

/* A place is free again. */
void misc_closed(struct worker *);

/* PROTO_RAN, PROTO_DONE and what else came from the master and is not the worker's (may do
 * nothing). */
void misc_message(struct worker *, struct msg *);
/* The bell rang: requests may have been answered. */
void misc_bell(struct worker *);

/* Is there a client of a monitoring frontend that has no answer yet? Each has a time limit. */
bool misc_answers(const struct worker *);

#endif
