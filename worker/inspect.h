/* SPDX-License-Identifier: ISC */
/*
 * Content rules at work: a session whose frontend has rules is looked at before it gets a backend.
 * Runs in a worker. What the client sends stays in the socket until the relay takes it, so that it
 * costs no memory, reaches the server once, and a session that waits for a server afterwards needs
 * no copy either. Only slow clients on UNIX sockets have it held for the relay (SESSION_TAKE).
 */
#ifndef WORKER_INSPECT_H
#define WORKER_INSPECT_H

#include "worker/session.h"

/* Begins with a session that has no backend yet. It may be ended and freed on return. */
void inspect_start(struct session *s);

/* An event of the client's, the end of the delay: of a session with SESSION_INSPECT. */
void inspect_event(struct session *s);
void inspect_timer(struct session *s);

#endif
