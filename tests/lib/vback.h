/* SPDX-License-Identifier: ISC */
/*
 * Parts of the test server (tests/system/vback.c): what it was told (vback_opt.c), and its
 * connections with what they counted (vback_conn.c). One of each in a process.
 */
#ifndef TESTS_LIB_VBACK_H
#define TESTS_LIB_VBACK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define VBACK_TICK_MS 5 /* of throttled connections */

enum vback_mode {
	M_MSG = 0,   /* answers messages (tests/lib/vmsg.h) */
	M_ECHO,      /* sends back what comes; at the end of input, closes */
	M_NAME,      /* sends "NAME\n" and closes */
	M_LINE,      /* answers each line with "NAME line\n" */
	M_HTTP,      /* 200 with its name as the first line of the body */
	M_SINK,      /* reads to the end of input, closes */
	M_HALFCLOSE, /* reads to the end of input, then answers "NAME BYTES SUM\n" */
	M_SRVFIN,    /* sends "NAME\n", shuts its side, reads on to the end */
	M_SOURCE,    /* sends -b bytes, shuts its side, reads to the end */
	M_CLOSE,     /* closes after accept */
	M_RST,       /* resets once -b bytes have come (0: at once) */
	M_HOLD,      /* accepts, says nothing, reads nothing */
	M_NEVER,     /* listens, backlog full, never accepts */
	M_N,
};

extern const char *const vback_mode_names[M_N];

struct vback_opt {
	enum vback_mode mode;
	const char *name, *addr, *control; /* control: path of a socket, or NULL */
	uint64_t bytes;
	int64_t read_rate, write_rate; /* bytes/s; 0: no limit */
	int rcvbuf, sndbuf, backlog;
	int ready_status; /* HTTP's, of probes */
};
extern struct vback_opt vback_opt;

/* Fills vback_opt; wrong ones end the program with its usage. */
void vback_options(int argc, char **argv);
/* For new connections. False: there is no such mode. */
bool vback_mode_parse(const char *s);

struct vback_count {
	uint64_t accepted, closed, active, max_active, eof, resets, errors, requests;
	uint64_t bytes_in, bytes_out, corrupt, crossed, order, max_per_second, last_sum, last_bytes;
	uint64_t accept_errors;
};
extern struct vback_count vback_count;
/* One line of JSON. */
void vback_result(FILE *f);

/* A connection that was accepted, epfd: where it is waited for. It is served and freed here; its
 * pointer stands in its events. */
struct conn;
void vback_conn_add(int epfd, int fd);
void vback_conn_event(struct conn *c, uint32_t events);
/* All of them: ended; given what the rates allow by now (each tick); looked at with new rates. */
void vback_conns_end(bool reset);
void vback_conns_credit(void);
void vback_conns_wake(void);

#endif
