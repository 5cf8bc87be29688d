/* SPDX-License-Identifier: ISC */
/* The line that a session leaves in the log: which session has one, and what is known of it. */
#ifndef WORKER_TCPLOG_H
#define WORKER_TCPLOG_H

#include "conf/model.h"
#include "worker/logline.h"

struct session;

/* Before a session's sockets are closed: asks them for the addresses that its line needs. */
void tcplog_ask(struct session *s);

/* Logs a session that ends, if its frontend and the targets want it. */
void tcplog_session(const struct session *s);

/* Writes a line to the log in its frontend's format (NULL: the default). */
void tcplog_write(const struct conf_frontend *, const struct logline *);

/* Fills in what a session's record says; the caller adds names, counts and state. */
void tcplog_record(struct logline *, const struct shm_session *, int64_t now_ns);

#endif
