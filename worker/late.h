/* SPDX-License-Identifier: ISC */
/*
 * Acknowledgements to servers that wait for company. Runs in a worker.
 *
 * The handshake with a server ends with the client's first bytes, and since then the kernel holds
 * acknowledgements back for what may go the same way (outgoing.h). Most often something does soon:
 * the next request, or the client's end. A server with Nagle's rule that answers in two pieces
 * waits for it, though, for the kernel's 40 ms. So they wait for LATE_MS here, and as long as the
 * loop does not come to rest for LATE_TURNS, in which a client that closes when it is answered has
 * done so; and only for the first answer: later ones are held back by any socket.
 */
#ifndef WORKER_LATE_H
#define WORKER_LATE_H

#include "worker/session.h"

#define LATE_MS    1
#define LATE_TURNS 16

/* Its first bytes have gone to the server, which was connected to by outgoing_connect with
 * ack_later. */
void late_join(struct session *s);

/* Nothing is to be acknowledged by itself any more. Idempotent. */
void late_leave(struct session *s);

/* Has one that stood in line for so long waited enough? Pure. */
bool late_due(int64_t ms, uint64_t turns, bool rested);

void late_init(struct worker *w);

#endif
