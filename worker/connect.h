/* SPDX-License-Identifier: ISC */
/*
 * From a session without a server to one that is connected: pick, server admission, connect, next
 * server when that fails. What the client had said when a connect may have completed but had not is
 * held, for whichever server takes the session.
 */
#ifndef WORKER_CONNECT_H
#define WORKER_CONNECT_H

#include "worker/session.h"

#define CONNECT_FAILS  3    /* in a row, after which a server is left out of own picks */
#define CONNECT_OUT_MS 1000 /* for so long */

/* Begins. The session may be connected, waiting or ended (and freed) when this returns. */
void connect_start(struct session *s);
/* The oldest waiter of its backend: takes a place for it if there is one, takes it out of the queue
 * and goes on with it (it may be freed then). False: there is none. */
bool connect_admit(struct session *s);
/* An event of the server's socket while it connects. */
void connect_event(struct session *s, uint32_t events);
/* The session's timer while it has no connection. */
void connect_timer(struct session *s);
/* Its server went away while it connects: on to another one, as after a failure. */
void connect_elsewhere(struct session *s);
/* Gives the place at its server back, if it has one. */
void connect_release(struct session *s);

/* SO_KEEPALIVE and what belongs to it, TCP_USER_TIMEOUT. */
void connect_keepalive(int fd, const struct conf_keepalive *k, int64_t user_timeout_ms);

/* What follows a failed connect. Pure. tries: connects begun so far. */
enum connect_next {
	CONNECT_GIVE_UP = 0,
	CONNECT_OTHER, /* at once, to another server */
	CONNECT_SAME   /* the same server, after a pause */
};
enum connect_next connect_decide(unsigned tries, unsigned retries, bool redispatch);

/* Milliseconds before a server is tried again that has just failed (semantics D.3). Pure. */
int64_t connect_pause_ms(int64_t timeout_connect_ms);

/* A server that failed once more: leaves it out for a while when it was too often. Pure. */
void connect_note_failure(struct worker_srv *v, struct mono now);

#endif
