/* SPDX-License-Identifier: ISC */
/*
 * Parts of the load generator (tests/system/vload.c) that know no socket: what it was told
 * (vload_opt.c), what it counted and how that is said (vload_count.c). One of each in a process.
 */
#ifndef TESTS_LIB_VLOAD_H
#define TESTS_LIB_VLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/lib/vmsg.h"

#define VLOAD_TARGETS 16

enum vload_mode {
	M_SHORT = 0, /* connect, one message, answer, close */
	M_REQ,       /* -k messages on a connection */
	M_HALF,      /* as short, but ends its side after the message and reads to the end */
	M_NAME,      /* connects, reads to the end: "NAME\n" */
	M_HTTP,      /* GET, -k on a connection */
	M_IDLE,      /* one message on each of -c connections, holds them, see hold() */
	M_N,
};

enum vload_phase { P_CONNECT = 0, P_SEND, P_ANSWER, P_END, P_HOLD, P_N };

/* What may end a session, other than success and an errno. */
enum vload_fate { F_TIMEOUT = 0, F_EARLY_EOF, F_CORRUPT, F_CROSSED, F_ORDER, F_HTTP, F_N };

extern const char *const vload_mode_names[M_N];

struct vload_opt {
	enum vload_mode mode;
	uint32_t conns;      /* at once */
	uint32_t per_conn;   /* messages */
	uint64_t total;      /* connections; 0: no limit */
	uint64_t size, want; /* bytes of a message's body, of its answer's */
	double seconds;      /* then no more are started; 0: no limit */
	uint64_t every_us;   /* a connection each; 0: as many as there is room for */
	uint64_t slow_us;    /* sessions that took longer are listed; 0: none */
	uint64_t timeout_us; /* of a phase */
	uint64_t think_us;   /* pause between an answer and the next message */
	uint64_t pace_us;    /* a message each, on whichever connection; 0: none */
	bool raw;            /* bodies are neither made nor looked at */
	bool rst;            /* closes by RST */
	bool server_closes;
	uint32_t spread;   /* source addresses; 0: the kernel's choice */
	int64_t read_rate; /* bytes/s; 0: no limit */
	int rcvbuf;        /* bytes; 0: the kernel's choice */
	const char *path;  /* of HTTP requests */
	struct sockaddr_storage targets[VLOAD_TARGETS];
	socklen_t target_len[VLOAD_TARGETS];
	size_t n_targets;
};
extern struct vload_opt vopt;

/* Fills vopt; wrong ones end the program with its usage. */
void vload_options(int argc, char **argv);

struct vload_count {
	uint64_t started, ok, failed, requests, bytes_in, bytes_out;
	uint64_t status[6]; /* HTTP's, by hundreds */
	uint64_t err[P_N][256], fate[P_N][F_N];
	uint64_t lost; /* starts that no slot was free for (rate too high for -c) */
	struct hist connect, first, request, whole;
};
extern struct vload_count vcount;

/* One more answer of this server; name: 16 bytes, or ended by 0 before. */
void vload_count_server(const char *name);
/* A session that failed is counted by where and what: an errno, or with err 0 a fate. Returns its
 * word. */
const char *vload_count_failure(enum vload_phase phase, int err, enum vload_fate fate);
/* The first hundred of note are listed one by one, with their times in us since the start. */
void vload_list(enum vload_phase phase, uint64_t at_us, uint64_t took_us, const char *what);
/* All of it as one line of JSON; open: sessions that had not ended. */
void vload_result(FILE *f, double seconds, uint32_t open);

#endif
