/* SPDX-License-Identifier: ISC */
/*
 * Requests to the kernel that wait for rtnl: while somebody destroys a namespace or makes thousands
 * of links, for seconds. They are made by a thread of the vrrp process, so that advertisements
 * leave in time; the process' own thread decides (wish.h) and hears the answers by an eventfd.
 *
 * The thread is given one job at a time and touches nothing but that job, its answer and its own
 * netlink socket; it never logs, allocates or decides. It is the process' other thread in every
 * respect: same user, capabilities, filter, real-time class; it dies with it. A process that is
 * killed while the kernel holds the thread back ends when the kernel lets go of it, as it would
 * with one thread.
 */
#ifndef VRRP_KERNEL_H
#define VRRP_KERNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"
#include "lib/nl.h"
#include "vrrp/mirror.h"

enum kernel_what {
	KERNEL_SET = 0, /* add; if it is there, refresh its lifetime */
	KERNEL_REMOVE,
	KERNEL_DUMP /* links and addresses */
};

struct kernel_job {
	enum kernel_what what;
	struct nl_addr a;
	/*
	 * SET: CLOCK_BOOTTIME until when it may be begun. A process that was stopped in between and
	 * whose lease is over must decide anew before it sets anything. Of a request that was begun
	 * in time and that the kernel takes later, the answer is judged when it comes.
	 */
	struct mono not_after;
	bool anew;             /* SET: one that is there goes first */
	struct snapshot *snap; /* DUMP; the thread's until the answer */
};

struct kernel_answer {
	int error;  /* errno; 0: done; ECANCELED: not_after had passed */
	bool fresh; /* SET: it was not there */
	char words[96];
};

struct kernel {
	struct loop *loop;
	struct loop_fd done; /* eventfd */
	int give;            /* eventfd */
	pthread_t thread;
	struct nl nl; /* the thread's */
	bool busy;    /* the process' own: a job is given, its answer not taken */
	struct mono since;
	struct kernel_job job; /* the thread's while busy */
	struct kernel_answer answer;
	void (*answered)(struct kernel *, const struct kernel_job *, const struct kernel_answer *);
};

/* Starts the thread. Returns 0, or -1 with errno. */
int kernel_start(struct kernel *, struct loop *);
/* Not while busy. */
void kernel_give(struct kernel *, const struct kernel_job *);
/* Links and addresses, now. Returns 0 or -1 with errno. Only before start, or in the thread. */
int kernel_dump(struct nl *, struct snapshot *);

#endif
