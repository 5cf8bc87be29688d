/* SPDX-License-Identifier: ISC */
/*
 * Turns of connections that are no sessions. What they ask for may be much work (a table of all
 * servers, again and again, for all that may be open), and the sessions of the process must not
 * wait for it: such a connection is served out of one line, the first who came first, and all of
 * them together get FAIR_US of a turn of the loop (and what the last one goes beyond it).
 * Workers, and the master for its own socket; one loop a process.
 */
#ifndef WORKER_FAIR_H
#define WORKER_FAIR_H

#include <stdbool.h>

#include "lib/loop.h"

#define FAIR_US      1000
#define FAIR_ONCE_US 500 /* after which one that is served leaves the rest for its next turn */

struct fair {
	void (*cb)(struct fair *); /* may free the object */
	struct fair *next;
	bool waits; /* in the line */
};

/* Forgets the line: a worker inherits that of the master, which may be serving its own socket when
 * it forks. */
void fair_forget(void);
/* Puts it at the line's end, unless it stands there. The loop has a timer's place reserved for each
 * object that may stand in the line. */
void fair_add(struct loop *loop, struct fair *f);
/* Takes it out of the line; idempotent. */
void fair_del(struct fair *f);
/* Has the one that is being served had its time? */
bool fair_over(void);

#endif
