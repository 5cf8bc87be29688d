/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets of a worker (hard-parts 1). It holds the descriptors of all queues of every
 * listener, polls its own, adopts those of absent workers, takes part in shared ones within its
 * share, and lets go while a limit is reached or something is short. No queue is closed while its
 * listener exists; one that leaves is emptied first.
 */
#ifndef WORKER_LISTEN_H
#define WORKER_LISTEN_H

#include "worker/worker.h"

struct listener_set *listen_new(struct worker *w);

/* Takes the listeners among fds. Returns 0, or -1 with a reason (then nothing is kept): each bind
 * of the generation needs one. */
int listen_prepare(struct worker *w, const struct gen *g, struct child_fd *fds, size_t n_fds,
    char *reason, size_t reason_size);
void listen_abort(struct worker *w);
/* w->gen is the new generation; the one before is still there. */
void listen_commit(struct worker *w);

/* Brings the registrations in line with who is absent and what is full. Cheap when nothing changed.
 */
void listen_update(struct worker *w);
/* Looks whether what stood in the way has gone, then as listen_update. */
void listen_look(struct worker *w);

/* All leave: the worker stops. */
void listen_leave(struct worker *w);
/* All have left. */
bool listen_gone(const struct worker *w);

/* A worker that holds own sessions of sum over live workers: may it take part in a shared queue? At
 * most an eighth and 8 above the mean. Pure. */
bool listen_share(uint32_t own, uint32_t sum, uint32_t live);
/* The same of this worker, now. */
bool listen_shared_turn(const struct worker *w);

#endif
