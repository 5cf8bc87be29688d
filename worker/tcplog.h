/* SPDX-License-Identifier: ISC */
/* The line that a session leaves in the log: HAProxy's tcplog (semantics D.6). */
#ifndef WORKER_TCPLOG_H
#define WORKER_TCPLOG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/sock.h"

struct session;

struct tcplog {
	struct sock_addr client;
	int64_t accept_wall_us;
	const char *frontend;
	const char *backend;
	const char *server; /* NULL: none was reached */
	int64_t wait_ms;    /* Tw; -1: phase not reached */
	int64_t connect_ms; /* Tc */
	int64_t total_ms;   /* Tt */
	uint64_t bytes_out; /* to the client */
	char state[2];      /* termination state */
	uint32_t actconn;   /* the four counts include this session where it is counted */
	uint32_t feconn;
	uint32_t beconn;
	uint32_t srv_conn;
	uint32_t retries;
	int redispatched;
	uint32_t srv_queue;
	uint32_t be_queue;
};

/* Formats into buf, without newline. Returns the length (less than size). Uses the time zone. */
size_t tcplog_format(const struct tcplog *t, char *buf, size_t size);

/* Logs a session that ends, if its frontend and the targets want it. */
void tcplog_session(const struct session *s);

#endif
