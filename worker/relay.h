/* SPDX-License-Identifier: ISC */
/*
 * Moving bytes between the two sides of a session, each direction on its own (hard-parts 10). Small
 * messages go through the worker's one buffer; streams through splice. What the other side does not
 * take is held, and nothing more is read until it has gone: a slow reader stops a fast writer.
 */
#ifndef WORKER_RELAY_H
#define WORKER_RELAY_H

#include "worker/session.h"

#define RELAY_BUFFER (128u << 10) /* the worker's buffer, bytes */
#define RELAY_FIRST  (32u << 10)  /* bytes asked for by the first reads */
#define RELAY_FULL   2            /* reads in a row of RELAY_FIRST before a direction is a stream */
#define RELAY_SPLICE (8u << 10)   /* a splice that moves less ends the stream */
#define RELAY_BUDGET (1u << 20)   /* bytes a direction and turn while streams are few */
#define RELAY_SHARE  (256u << 10) /* ... once the worker has moved RELAY_TURN in this turn */
#define RELAY_TURN   (8u << 20)

enum relay_result {
	RELAY_ON = 0,  /* waits for an event */
	RELAY_MORE,    /* budget used up: run it again after the others */
	RELAY_DONE,    /* both sides have ended and all is delivered */
	RELAY_RESET_C, /* the client's connection broke */
	RELAY_RESET_S, /* the server's connection broke */
	RELAY_FAILED   /* no memory for what has been read */
};

/* What a direction does next with what it knows. Pure. */
enum relay_mode { RELAY_COPY = 0, RELAY_COPY_BIG, RELAY_SPLICE_ON };
enum relay_mode relay_mode_of(unsigned full, bool pipe_there);

/* What a direction may move now, after moved bytes of all sessions in this turn: large moves cost
 * less, but nobody else's small message is to wait long. Pure. */
size_t relay_budget(uint64_t moved);

enum relay_result relay_run(struct session *s);

/*
 * For a server to which a connect completes at once, as within a host: what the client has said is
 * read before and sent at once after it, which tells whether it has completed. What cannot be sent
 * is held, for this server or another one.
 */

/* Into the worker's buffer. Returns the number of bytes, 0 when there is nothing, -1 when the
 * client has reset its connection. */
ssize_t relay_early_read(struct session *s);

enum relay_early {
	EARLY_CONNECTED = 0, /* it was connected, maybe no longer: as after any connect */
	EARLY_WAITS,         /* not connected yet */
	EARLY_FAILED,        /* refused, unreachable */
	EARLY_NO_MEMORY
};
/* Sends n bytes from the worker's buffer. */
enum relay_early relay_early_send(struct session *s, size_t n);
/* Holds the bytes from off to n of the worker's buffer. False: no memory. */
bool relay_early_hold(struct session *s, size_t off, size_t n);

/* Frees what is held. */
void relay_drop(struct session *s);

#endif
