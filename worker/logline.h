/* SPDX-License-Identifier: ISC */
/*
 * What is known of a session when it ends, and the line that a program of log_format makes of it,
 * or the fields of JSON and journal. Pure but for the time zone; no allocation.
 */
#ifndef WORKER_LOGLINE_H
#define WORKER_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/logformat.h"
#include "lib/log.h"
#include "shm/layout.h"

struct logline {
	struct shm_end client;
	struct shm_end local;  /* that the client called; family 0: not known, as in the others */
	struct shm_end source; /* our side towards the server */
	struct shm_end server_at; /* the server's address */
	int64_t accept_wall_us;
	uint64_t id;
	const char *frontend;
	const char *backend;
	const char *server; /* NULL: none was reached */
	const char *host;
	unsigned pid;
	uint32_t handshake_ms; /* Th */
	int64_t wait_ms;       /* Tw; -1: neither assigned nor queued */
	int64_t connect_ms;    /* Tc */
	int64_t total_ms;      /* Tt */
	uint64_t bytes_in;     /* from the client */
	uint64_t bytes_out;    /* to the client */
	char state[2];         /* termination state */
	uint32_t actconn;      /* the four counts include this session where it is counted */
	uint32_t feconn;
	uint32_t beconn;
	uint32_t srv_conn;
	uint32_t retries;
	bool redispatched;
	uint32_t srv_queue;
	uint32_t be_queue;
};

#define LOGLINE_MOST 4096 /* longest line, with its NUL */

/* Writes the line and a NUL into buf, cut at size (at least 1). Returns its length. */
size_t logline_render(const struct logformat *, const struct logline *, char *buf, size_t size);

/* Texts that fields point to. */
struct logline_room {
	char time[40];
	char ends[4][48];
	char state[3];
};

#define LOGLINE_FIELDS 32
/* Returns how many fields there are; what is not known has none. */
size_t logline_fields(
    const struct logline *, struct log_field f[LOGLINE_FIELDS], struct logline_room *room);

#endif
