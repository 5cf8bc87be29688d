/* SPDX-License-Identifier: ISC */
/*
 * A worker: accepts, picks, relays. This header is what the files of worker/ share; other folders
 * call worker_main only. One thread, one loop.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"
#include "lib/slab.h"
#include "shm/child.h"
#include "worker/gen.h"
#include "worker/pipe.h"

struct session;
struct lqueue;
struct listener_set;

/* What this worker knows of a server by itself, by server slot; survives generations. */
struct worker_srv {
	struct session *sessions; /* that are connecting to it or relaying */
	struct mono out_until;    /* left out of own picks until then (hard-parts 6) */
	uint32_t epoch;           /* of the directory entry that this belongs to */
	uint32_t shut_seq;        /* last one carried out */
	uint32_t fails;           /* failed connects in a row */
	uint32_t next_port;       /* of the range that connections to it come from */
	uint32_t probe_after;     /* connects before one is asked at once whether it is done */
	uint32_t others;          /* sessions of other workers on it a moment ago (least.h) */
};

/* The same of a backend, by backend slot. */
struct worker_be {
	struct session *waiting; /* for a place at a server, oldest first */
	struct session **tail;
	struct worker_be *dirty_next;
	bool dirty;              /* in the list of those to be served */
	bool moved;              /* a place was given back or a waiter left */
	struct mono least_until; /* the servers' others are good until then ... */
	uint64_t least_gen;      /* ... for this generation */
};

/* A socket or file that came with some generation, by name. */
struct worker_fd {
	struct worker_fd *next;
	struct proto_fd meta;
	int fd;
};

struct worker {
	struct child *child;
	struct loop *loop;
	struct shm *seg;
	struct shm_worker *own;
	unsigned index;

	struct gen *gen;      /* in force; NULL before the first COMMIT */
	struct gen *prepared; /* NULL: none */
	struct worker_fd *prepared_fds;
	struct worker_fd *fds; /* files and log sockets held */
	struct listener_set *listen;

	uint32_t free_record; /* place + 1 in the section; 0: none below n_sessions */
	uint32_t turn_global; /* whose turn it was when a place became free */
	uint32_t turn_fe;
	bool look; /* a place became free that we wait for ourselves */

	struct slab sessions;
	struct session *live;   /* all sessions */
	struct session *doomed; /* to be reset a few a turn */
	uint32_t n_sessions;
	struct session *ready; /* have used up their budget of this turn */
	struct session **ready_tail;
	uint64_t relay_turn;    /* the loop's turn ... */
	uint64_t relay_bytes;   /* ... and what all sessions have moved in it */
	struct worker_srv *srv; /* [caps.servers] */
	struct worker_be *be;   /* [caps.backends] */
	struct worker_be *dirty;
	uint32_t n_waiting;
	struct loop_timer wait_timer;
	struct pipe_pool pipes;
	char *buf; /* one buffer for all copying */

	struct mono retry_at; /* resources were short: no accepting before; 0: none */
	struct mono say_at;   /* no word about a shortage before */
	struct loop_timer retry_timer;
	uint32_t rate_taken;          /* global rate limit with which the last session was let in */
	struct loop_timer rate_timer; /* looks again whether a rate lets somebody in */
	struct loop_timer stop_timer;
	bool stopping;
	uint64_t drain_seq; /* last one seen */
	struct mono drain_until;
};

/* Runs a worker until it exits; returns its exit code. */
int worker_main(const struct child_start *st);

/* The whole configuration for people, a memfd; -1: none came. */
int worker_human_fd(const struct worker *);

/* References to a generation; the last one frees it (never the one in force). */
void worker_gen_ref(struct gen *g);
void worker_gen_unref(struct worker *w, struct gen *g);

/* Looks whether a stopping worker has nothing left to do. */
void worker_check_stopped(struct worker *w);

/* Descriptors, memory or ports are used up: accepting rests for 100 ms; said once per shortage. */
void worker_exhausted(struct worker *w, const char *what, int err);

#endif
