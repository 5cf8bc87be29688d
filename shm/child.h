/* SPDX-License-Identifier: ISC */
/*
 * The child's side of the master's protocol, the same in worker, checker and vrrp: reads messages,
 * collects a generation's descriptors, calls back, answers. Also the bell: an eventfd per process
 * that says "look again"; on it the child answers the master's tick (hard-parts 8).
 */
#ifndef SHM_CHILD_H
#define SHM_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/loop.h"
#include "lib/msg.h"
#include "lib/seccomp.h"
#include "shm/proto.h"
#include "shm/segment.h"

/* A descriptor that came with a generation. A callback takes it by setting fd to -1. */
struct child_fd {
	struct proto_fd meta;
	int fd;
};

/* Bells of all processes; every process holds all of them for ringing. */
struct child_bells {
	int workers[SHM_MAX_WORKERS]; /* -1: no such slot */
	int checker;
	int vrrp;
	int master;
};

/* What a child gets by fork: no configuration. */
struct child_start {
	enum shm_kind kind;
	unsigned index;
	int sock;       /* the child's end of the master's socket */
	struct shm seg; /* attached */
	struct child_bells bells;
	bool resumed;                 /* a respawn: the section holds a predecessor's state */
	struct seccomp_filter filter; /* installed when the first generation has been built */
};

struct child;

struct child_ops {
	/*
	 * Builds generation gen from its canonical text and descriptors (only those not sent before
	 * to this process) and keeps it beside the current one. Takes descriptors it wants. Returns
	 * 0, or -1 with a reason; all that was built is then gone.
	 */
	int (*prepare)(struct child *, uint64_t gen, const char *text, size_t len,
	    struct child_fd *fds, size_t n_fds, char *reason, size_t reason_size);
	/* Swaps to what was prepared. Cannot fail. */
	void (*commit)(struct child *, uint64_t gen);
	/* Throws away what was prepared. */
	void (*abort)(struct child *, uint64_t gen);
	/* Stop: end (child_exit) when the work has ended, at the latest after grace_ms; 0: at once.
	 * May be called again with less. */
	void (*stop)(struct child *, int64_t grace_ms);
	/* The bell was rung, or the tick changed: look at shared memory again. */
	void (*bell)(struct child *);
	/* The master is gone. Workers and checker have to end; called once. */
	void (*orphaned)(struct child *);
	/* A log socket was connected anew and is in use; it is the log's own. Generations to come
	 * are built with it: keep a copy, or its number. */
	void (*log_fd)(struct child *, const char *name, int fd);
	/* Another message (may be NULL). */
	void (*message)(struct child *, struct msg *);
};

struct child {
	struct child_start start;
	const struct child_ops *ops;
	void *ctx;
	struct loop *loop;
	struct shm *seg;
	struct msg_chan chan;
	struct loop_fd bell;
	struct sw64 *beat; /* where the tick is answered, in the own section */
	uint64_t prepared; /* generation being prepared or prepared; 0: none */
	int text_fd;
	struct child_fd *fds;
	size_t n_fds;
	size_t cap_fds;
	int exit_code;
	bool exiting;
	bool filtered;
};

/*
 * Runs the child until it exits; returns its exit code. st is copied. The loop exists when ops are
 * called. ready is called once before the first message, to set ctx up (returns 0, or -1: exit
 * failed).
 */
int child_run(
    const struct child_start *st, const struct child_ops *ops, int (*ready)(struct child *));

/* Ends child_run after this turn. */
void child_exit(struct child *, int code);

/* Rings one bell; a full counter is fine. */
void child_ring_fd(int bell);
static inline void
child_ring_worker(const struct child *c, unsigned w)
{
	child_ring_fd(c->start.bells.workers[w]);
}

/* Looks up slots by identity in the directory; SHM_NONE if there is none. Linear over used slots
 * with a hint (last hit + 1), so that looking up all in file order is linear in sum. */
uint32_t child_find_frontend(const struct shm *s, const char *name, uint32_t hint);
uint32_t child_find_backend(const struct shm *s, const char *name, uint32_t hint);
uint32_t child_find_server(
    const struct shm *s, uint32_t backend, const char *name, const char *addr, uint32_t hint);

/*
 * Does the master, the checker, vrrp give no sign of life, at now? The two others beat because the
 * master asks them: while it hangs nothing can be said of them (false).
 */
bool child_master_silent(const struct shm *s, struct mono now);
bool child_checker_silent(const struct shm *s, struct mono now);
bool child_vrrp_silent(const struct shm *s, struct mono now);

#endif
