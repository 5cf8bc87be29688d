/* SPDX-License-Identifier: ISC */
/*
 * What master and children say to each other over the child's socket. One path for start, reload
 * and respawn:
 *
 *   master                                   child
 *   PREPARE g, descriptors[0] = text   ->
 *   FDS g ... (as many as needed)      ->
 *   PREPARED g (end)                   ->    builds g beside what it has, allocates all it will
 * need
 *                                      <-    YES g   or   NO g, reason
 *   COMMIT g   or   ABORT g            ->    swaps; cannot fail
 *                                      <-    DONE g
 *   STOP grace_ms                      ->    ends when its work has ended, at the latest after
 * grace
 */
#ifndef SHM_PROTO_H
#define SHM_PROTO_H

#include <stdint.h>

enum proto_type {
	PROTO_PREPARE = 1, /* number: generation; data: nothing; fds[0]: text (sealed memfd) */
	PROTO_FDS,         /* data: struct proto_fd[n_fds], in the order of the descriptors */
	PROTO_PREPARED,    /* all has been sent */
	PROTO_COMMIT,
	PROTO_ABORT,
	PROTO_STOP, /* number: milliseconds that sessions may still take */
	PROTO_YES,
	PROTO_NO, /* data: reason, text without NUL */
	PROTO_DONE,
	PROTO_LOG_FD,   /* data: struct proto_fd (name: target), fds[0]: reopened log socket */
	PROTO_LOG_LOST, /* child -> master: the log socket was refused; data: the target's name */
	PROTO_RUN,      /* vrrp -> master: run what the configuration says; number: request; data:
			   struct proto_run */
	PROTO_RAN, /* master -> vrrp: a tracked script has ended; number: request; data: int32 wait
		      status, or -1: it could not run */
	PROTO_REQUEST /* child -> master: a command carried out by the master (reload ...) */
};

enum proto_fd_kind {
	PROTO_FD_LISTEN =
	    1, /* name: canonical bind address; queue: worker whose queue it is, or PROTO_SHARED */
	PROTO_FD_FILE,      /* name: path as written in the configuration; a sealed memfd */
	PROTO_FD_CONTROL,   /* listening control socket; name: its path or address */
	PROTO_FD_INHERITED, /* as LISTEN, but not vipd's own: it is not emptied when it goes */
	PROTO_FD_BELL,      /* of the worker in queue, which was forked later than the receiver */
	PROTO_FD_CONTROL_INHERITED, /* both */
	PROTO_FD_HUMAN, /* to workers: the whole configuration as people may see it; a memfd */
	PROTO_FD_LOG    /* connected datagram socket; name: the target's address as written */
};

/* The child names what to run, the master looks the command up in its own configuration: a child
 * cannot have anything else run. */
enum proto_run_what {
	PROTO_RUN_TRACK = 0, /* name: vrrp script */
	PROTO_RUN_MASTER,    /* name: router; its notify_master and notify ... */
	PROTO_RUN_BACKUP,
	PROTO_RUN_FAULT,
	PROTO_RUN_STOP
};

struct proto_run {
	uint32_t what;
	uint32_t priority; /* effective, for notify */
	char name[64];
	char reason[128]; /* VIPD_REASON */
};

#define PROTO_SHARED \
	UINT32_MAX /* one queue for all workers (UNIX sockets, ranges, inherited ones) */

struct proto_fd {
	uint32_t kind;
	uint32_t queue;
	char name[240];
};

#define PROTO_FDS_MAX 96 /* descriptors a message, so that struct proto_fd fit into MSG_MAX */

#endif
