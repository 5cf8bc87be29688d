/* SPDX-License-Identifier: ISC */
/*
 * Event loop: epoll, timers, eventfd, signalfd. One per process, single-threaded.
 *
 * A struct loop_fd and a struct loop_timer are embedded in their owner; the loop never frees them.
 * After loop_fd_del() no callback of that descriptor runs any more, also not in the batch of events
 * being handled. The time is read once per turn (loop_now).
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/mono.h"

struct loop;

struct loop_fd {
	void (*cb)(struct loop_fd *, uint32_t events); /* EPOLLIN and so on */
	int fd;                                        /* -1: not registered */
	uint32_t slot;                                 /* place in the loop's table, loop's own */
};

struct loop_timer {
	void (*cb)(struct loop_timer *);
	struct mono at;
	uint32_t heap; /* place in the heap + 1; 0: not armed */
};

/* New loop, or NULL with errno. */
struct loop *loop_new(void);

/* Closes the epoll descriptor; embedded objects stay the owners'. NULL is allowed. */
void loop_free(struct loop *);

/*
 * Registers fd with epoll events (EPOLLET as wished). f->cb must be set. Returns 0, or -1 with
 * errno. loop_fd_mod changes the events (not for EPOLLEXCLUSIVE: del and add). loop_fd_del is
 * idempotent and does not close.
 */
int loop_fd_add(struct loop *, struct loop_fd *f, int fd, uint32_t events);
int loop_fd_mod(struct loop *, struct loop_fd *f, uint32_t events);
void loop_fd_del(struct loop *, struct loop_fd *f);
/* As loop_fd_del when fd is about to be closed by its only owner: saves the system call. */
void loop_fd_forget(struct loop *, struct loop_fd *f);

/*
 * Arms or moves a timer to an absolute time. Room in the heap comes with loop_timer_reserve(), so
 * that arming cannot fail: reserve one place per object that may arm one, give it back when it
 * goes.
 */
int loop_timer_reserve(struct loop *, size_t n);
void loop_timer_unreserve(struct loop *, size_t n);
void loop_timer_set(struct loop *, struct loop_timer *t, struct mono at);
void loop_timer_del(struct loop *, struct loop_timer *t);
static inline bool
loop_timer_armed(const struct loop_timer *t)
{
	return t->heap != 0;
}

/* The time at which this turn's events were fetched. loop_refresh reads the clock again. */
struct mono loop_now(const struct loop *);
struct mono loop_refresh(struct loop *);

/* Called after each turn's events, before sleeping; returns true while there is work that must not
 * wait (then epoll_wait does not sleep). */
void loop_set_idle(struct loop *, bool (*idle)(void *), void *arg);

/* Runs until loop_stop(). Returns 0, or -1 with errno when epoll itself fails. */
int loop_run(struct loop *);
/* One turn, sleeping at most max_ms (-1: until an event or a timer). For tests. */
int loop_turn(struct loop *, int max_ms);
void loop_stop(struct loop *);

/* Number of system calls epoll_wait made, for statistics. */
uint64_t loop_turns(const struct loop *);

#endif
