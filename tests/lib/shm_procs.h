/* SPDX-License-Identifier: ISC */
/*
 * Several processes over one shared segment, for tests: the test is the master, children attach as
 * a worker or the checker. Everything they compare notes with lies in a shared page of the test's
 * own (the oracle), never in the segment under test.
 */
#ifndef TESTS_LIB_SHM_PROCS_H
#define TESTS_LIB_SHM_PROCS_H

#include <stdint.h>
#include <sys/types.h>

#include "shm/segment.h"

/* A zeroed page-aligned area that all children share. */
void *procs_share(size_t bytes);

/* Forks a child that attaches as (kind, index), runs f(s, arg) and exits with its result (0..125;
 * 126: could not attach). It dies with the test. */
pid_t procs_fork(const struct shm *m, enum shm_kind kind, unsigned index,
    int (*f)(struct shm *, void *), void *arg);

/* Waits for the end; returns the exit status, or -signal. */
int procs_wait(pid_t pid);

/* Stops and continues; procs_stop returns when the process is stopped (or has ended: false). */
bool procs_stop(pid_t pid);
void procs_cont(pid_t pid);

/* kill -9 and wait. */
void procs_kill(pid_t pid);

/* What workers say that they were given of one limit, in a page of procs_share. */
#define PROCS_PLACES 4
struct procs_places {
	_Atomic int stop;                   /* the test: give all back and end */
	_Atomic int admitted[PROCS_PLACES]; /* worker i */
	_Atomic uint64_t over, full; /* how often more than the limit was seen given, just it */
};
/* Forks n workers that run f, and again and again kills one and puts another in its place: 300
 * times, and more until all places were seen given ten times. They are looked at while all are
 * stopped, and still run after it. */
void procs_places_kill(struct procs_places *p, const struct shm *m, unsigned n, int limit,
    int (*f)(struct shm *, void *), pid_t *pid);

/* Small random numbers, a state each. */
uint32_t procs_random(uint64_t *state);

#endif
