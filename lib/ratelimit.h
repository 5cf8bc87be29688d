/* SPDX-License-Identifier: ISC */
/*
 * A token bucket for log lines and for whatever else the network can trigger. Pure: the time comes
 * with the call.
 */
#ifndef LIB_RATELIMIT_H
#define LIB_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

struct ratelimit {
	int64_t interval_ns; /* in which burst tokens grow; > 0 */
	uint32_t burst;      /* tokens when full, >= 1 */
	uint32_t held;       /* refusals since the last grant, stops at its maximum */
	int64_t credit_ns;   /* 0..interval_ns; a token costs interval_ns / burst */
	struct mono last;    /* 0: never asked, so full */
};

#define RATELIMIT_INIT(burst_, interval_ms_)                                      \
	{                                                                         \
		.interval_ns = (int64_t)(interval_ms_)*1000000, .burst = (burst_) \
	}

/*
 * Takes a token. True: go on; *held_back (may be NULL) is how many were refused since the last
 * grant. False: hold back, *held_back is untouched. A time before the last one counts as that one.
 */
static inline bool
ratelimit_step(struct ratelimit *r, struct mono now, uint32_t *held_back)
{
	int64_t cost = r->interval_ns / r->burst, grown = now.ns - r->last.ns;

	if (r->last.ns == 0 || grown >= r->interval_ns)
		r->credit_ns = r->interval_ns;
	else if (grown > 0)
		r->credit_ns =
		    r->credit_ns + grown < r->interval_ns ? r->credit_ns + grown : r->interval_ns;
	if (r->last.ns == 0 || grown > 0)
		r->last = now;
	if (r->credit_ns < cost) {
		r->held += r->held < UINT32_MAX;
		return false;
	}
	r->credit_ns -= cost;
	if (held_back != NULL)
		*held_back = r->held;
	r->held = 0;
	return true;
}

#endif
