/* SPDX-License-Identifier: ISC */
/*
 * A listener that a reload removed, or that stops: all workers take from all of its queues. Once
 * it stayed quiet, or after a second, the master makes it deaf (new clients' SYNs are dropped: they
 * try again later and are refused then); it is taken empty once more and closed. So nobody who was
 * let in is reset.
 */
#ifndef WORKER_LEAVE_H
#define WORKER_LEAVE_H

#include "worker/accept.h"

#define LEAVE_EMPTY_MS 50   /* quiet is a queue to which nobody came for so long */
#define LEAVE_LAST_MS  1000 /* after it was made deaf, or could not be */

/* w->gen is the generation without it. Takes a reference to that of its frontend. */
void leave_begin(struct worker *w, struct listener *l);
/* A look at it: true when it may be closed. */
bool leave_step(struct worker *w, struct listener *l, struct mono now);
/* Tells the master how far all of this worker's listeners are. */
void leave_publish(struct worker *w, const struct listener *all);

#endif
