/* SPDX-License-Identifier: ISC */
/*
 * What the checker process holds. A generation is built from one configuration text beside the
 * current one and freed whole when the next is committed; what must outlive it (health) lies in
 * shared memory, what a running probe needs is handed over by gen_commit.
 */
#ifndef CHECKER_STATE_H
#define CHECKER_STATE_H

#include "checker/probe.h"
#include "conf/model.h"
#include "lib/loop.h"
#include "shm/child.h"

struct checker;
struct backend;

/* A server of a generation. */
struct server {
	struct checker *ck;
	struct backend *backend;
	const struct conf_server *conf;
	uint32_t slot;
	uint32_t epoch;
	struct shm_health *h; /* its entry; this process is the writer */
	struct probe_spec spec;
	struct probe probe;
	struct loop_timer due; /* next probe */
	struct mono planned;   /* by its interval; due may fire later */
	struct mono last_start;
	struct loop_timer slow; /* next step of slow start */
};

struct backend {
	struct checker *ck;
	const struct conf_backend *conf;
	uint32_t slot;
	uint32_t epoch;
	size_t n_servers;
	struct server *servers;
	struct backend *next_dirty;
	bool dirty;  /* stands in checker.dirty */
	bool urgent; /* rebuild in this turn */
	struct mono built;
	int64_t cost_ns; /* of the last build */
	struct loop_timer rebuild;
};

struct tls_set;

struct gen {
	uint64_t number;
	struct conf *conf;
	size_t n_backends;
	struct backend *backends;
	size_t n_servers;
	struct server *servers; /* of all backends, in their order */
	size_t n_slots;
	struct server **by_slot;          /* NULL: not ours */
	struct backend **backend_by_slot; /* n_backend_slots */
	size_t n_backend_slots;
	size_t n_timers; /* places reserved in the loop */
	struct tls_set *tls;
};

/* Files and log sockets that came by descriptor, by name. */
struct held_fd {
	uint32_t kind; /* enum proto_fd_kind */
	int fd;
	char name[sizeof(((struct proto_fd *)0)->name)];
};

struct held {
	size_t n;
	struct held_fd *v;
};

struct checker {
	struct child *child;
	struct loop *loop;
	struct shm *seg;
	struct shm_checker *own;
	struct gen *gen;  /* committed; NULL before the first */
	struct gen *next; /* prepared */
	struct held held; /* of committed generations */
	struct held coming;
	struct backend *dirty; /* schedules to rebuild */
	bool ring_workers;     /* at the end of this turn */
	bool ring_vrrp;
	struct loop_timer beat;
	struct mono stop_at; /* the process ends then at the latest; 0: not stopping */
	uint64_t seen_reports[SHM_MAX_WORKERS];
	uint64_t seen_fresh; /* shm_vrrp.want_fresh_ns that was looked at */
	bool fresh_wanted;   /* vrrp is to be rung at the next probe that passes */
};

#endif
