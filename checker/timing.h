/* SPDX-License-Identifier: ISC */
/*
 * When a server is probed next and how long a probe may take (semantics.md D.1). Pure: time and
 * random numbers come with the call. All times in milliseconds.
 */
#ifndef CHECKER_TIMING_H
#define CHECKER_TIMING_H

#include <stdbool.h>
#include <stddef.h>

#include "checker/risefall.h"
#include "lib/mono.h"

/* The interval that holds now: inter at full health, downinter at none, fastinter in between and
 * before the first result. */
int64_t timing_interval(const struct conf_check *c, const struct risefall *r, bool first);

/* The interval with jitter of up to +- percent (0..50); random is any number. */
int64_t timing_jitter(int64_t interval, unsigned percent, uint32_t random);

/*
 * Start of the probe after one that was planned at planned, began at start and ended at end. Whole
 * intervals after the plan, so that neither slow probes nor a pause of this process change the pace
 * or bring the servers' probes together (HAProxy counts from the end); half an interval after the
 * start at least, never before end.
 */
struct mono timing_next(struct mono planned, struct mono start, struct mono end, int64_t interval);

/*
 * Delay of the first probe of server i of n: evenly over 10 ms a server, at most over the
 * smallest interval (HAProxy always spreads over the smallest interval; vipd knows sooner).
 */
int64_t timing_first(size_t i, size_t n, int64_t min_inter);

/*
 * Time limits. With "timeout check": connecting may take min(timeout connect, inter), then the
 * answer timeout check. Without: both together end a little before inter is over, so that the next
 * probe starts in time.
 */
int64_t timing_connect_limit(const struct conf_check *c, int64_t timeout_connect);
/* The limit for everything after the connect; spent is what the connect took (more than its limit:
 * this process stood still, and the answer gets its time). */
int64_t timing_answer_limit(const struct conf_check *c, int64_t spent);

/*
 * A time limit was noticed late_ms after it had passed: this process (or the machine) stood still
 * meanwhile, and the server may have been quick. True: the probe says nothing. Twice in a row at
 * most, so that a host that is always short of CPU still finds dead servers.
 */
bool timing_stalled(int64_t late_ms, unsigned stalls_before);

/* A probe is due and this process comes to it late_ms late, as to all others: then it is better put
 * off by timing_first than begun together with all. */
bool timing_overdue(int64_t late_ms);

/* A worker reported a failed connect: when the server should be probed. At once, but not within
 * 100 ms of the last probe's start, and never later than planned. */
struct mono timing_report(struct mono now, struct mono last_start, struct mono planned);

#endif
