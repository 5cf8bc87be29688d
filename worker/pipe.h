/* SPDX-License-Identifier: ISC */
/*
 * Pipes for splice. A session has one only while data lie in it; otherwise it is in the pool.
 *
 * An unprivileged uid may have 16384 pages in pipes (fs.pipe-user-pages-soft, all processes
 * together); after that each new one has two pages, which is slower than copying. So a worker has a
 * budget of pages, takes 256 KiB a pipe from it, 64 KiB when it runs short, and none when it is
 * used up: then the relay copies (hard-parts 10). A pipe that is not empty is closed, never pooled.
 */
#ifndef WORKER_PIPE_H
#define WORKER_PIPE_H

#include <stdint.h>

#define PIPE_HUGE  (1u << 20) /* bytes: what a stream moves a turn by two calls */
#define PIPE_BIG   (256u << 10)
#define PIPE_SMALL (64u << 10)

struct pipe_pair {
	struct pipe_pair *next; /* in the pool */
	int r;
	int w;
	uint32_t size;  /* bytes it can hold, 64 KiB at least */
	uint32_t bytes; /* in it now */
};

struct pipe_pool {
	struct pipe_pair *free; /* all empty */
	uint32_t n;             /* pipes in use and pooled */
	uint32_t n_free;
	uint32_t rest; /* requests to refuse before a new pipe is tried again */
	uint64_t left; /* bytes of the budget that are left */
	uint64_t budget;
};

/* Which size the next new pipe gets when left bytes of a budget are left: PIPE_HUGE as long as half
 * of the budget stays for others, PIPE_BIG as long as a quarter does, then PIPE_SMALL; 0: none.
 * Pure. */
uint32_t pipe_next_size(uint64_t left, uint64_t budget);

/* budget in bytes for this worker. */
void pipe_pool_init(struct pipe_pool *, uint64_t budget);
void pipe_pool_fini(struct pipe_pool *);
/* Gives back memory and descriptors that nobody uses. */
void pipe_pool_trim(struct pipe_pool *);
/* An empty pipe, or NULL when there is none to be had. */
struct pipe_pair *pipe_get(struct pipe_pool *);
/* Takes it back: pooled if empty, closed if not. NULL is allowed. */
void pipe_put(struct pipe_pool *, struct pipe_pair *);

#endif
