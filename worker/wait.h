/* SPDX-License-Identifier: ISC */
/*
 * The sessions of this worker that wait for a place at a server, by backend, oldest first
 * (hard-parts 3; the order over all workers is shm/queue.h's). Queues are served before the loop
 * sleeps, never inside another session's event, so that one end does not run through many sessions.
 */
#ifndef WORKER_WAIT_H
#define WORKER_WAIT_H

#include "worker/session.h"

/* Must a session that comes now wait because others do? */
bool wait_others(const struct session *s);
/* Puts a session into its backend's queue. Returns false when that is full. */
bool wait_join(struct session *s);
/* Takes it out, whatever the reason. Does nothing when it does not wait. */
void wait_leave(struct session *s);
/* A place of this backend was given back, or a waiter left: somebody may be admitted. */
void wait_moved(struct worker *w, uint32_t be);
/* The bell, the timer: looks at all queues that have waiters here. */
void wait_look(struct worker *w);
/* Before sleeping: serves where something moved. */
void wait_serve(struct worker *w);

void wait_init(struct worker *w);

#endif
