/* SPDX-License-Identifier: ISC */
/*
 * A listener and its queues, and taking connections from a queue: admission, access, and handing
 * over to sessions or to monitoring and control. Which queues are polled is listen.c's.
 */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "worker/worker.h"

#define ACCEPT_BATCH 64 /* connections accepted a turn and queue */

struct lqueue {
	struct loop_fd f;
	struct worker *w;
	struct listener *l;
	int fd;
	uint32_t owner; /* worker, or PROTO_SHARED */
	bool tcp;       /* and vipd's own */
	uint64_t turn;  /* of the loop, when it last gave a full batch */
	unsigned batch;
};

struct listener {
	struct listener *next;
	char *name;
	struct gen_frontend *fe;
	const struct conf_bind *bind;
	bool control;
	bool inherited;        /* others may hold it too: what waits in it stays when we leave */
	bool full;             /* a limit is reached: not polled */
	struct mono said_full; /* last event about it */
	bool rung;             /* has just been told that there is room */
	bool leaving;     /* taken until empty, then closed; holds a reference to its generation */
	bool quiet;       /* while leaving: nobody came for a while */
	bool deaf;        /* while leaving: nobody can come any more */
	uint64_t left;    /* while leaving: the generation that removed it */
	struct mono last; /* connection, while leaving */
	struct mono close_at; /* while leaving and deaf: at the latest */
	size_t n_queues;
	struct lqueue **queues;
};

/* Disabled by a command and not listening now: the master has stopped it, or is about to. */
bool accept_paused(const struct worker *w, const struct lqueue *q);

/* Takes up to a batch from a queue. May set l->full, and registers anew what that changes. */
void accept_queue(struct worker *w, struct lqueue *q);

/* How many to accept from a queue next time. batch: the last bound; got: how many came; again: the
 * queue was ready in the very next turn after a full batch. Pure. */
unsigned accept_next_batch(unsigned batch, unsigned got, bool again);

#endif
