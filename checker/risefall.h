/* SPDX-License-Identifier: ISC */
/*
 * Rise and fall accounting of a server's health (semantics.md D.1; HAProxy's manual on rise, fall,
 * init-state). Pure. The counter goes from 0 to rise+fall-1; a server is up from rise on.
 */
#ifndef CHECKER_RISEFALL_H
#define CHECKER_RISEFALL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"

struct risefall {
	uint32_t counter; /* 0 .. rise+fall-1 */
	uint32_t rise;    /* passes in a row that bring a server up, >= 1 */
	uint32_t fall;    /* failures in a row that bring it down from full health, >= 1 */
};

/* The counter of a new server, or of one that leaves maintenance. */
uint32_t risefall_init(uint32_t rise, uint32_t fall, enum conf_init_state init);

static inline uint32_t
risefall_top(const struct risefall *r)
{
	return r->rise + r->fall - 1;
}

static inline bool
risefall_up(const struct risefall *r)
{
	return r->counter >= r->rise;
}

/* Neither full health nor none: results are still being collected. */
static inline bool
risefall_moving(const struct risefall *r)
{
	return r->counter != 0 && r->counter != risefall_top(r);
}

/* Counts one probe. */
void risefall_step(struct risefall *r, bool passed);

/* The same health under other limits (reload): up stays up, full stays full, none stays none. */
void risefall_rescale(struct risefall *r, uint32_t rise, uint32_t fall);

/* What "status: N/M UP" of a log line shows: how far of what. */
void risefall_progress(const struct risefall *r, uint32_t *n, uint32_t *of);

#endif
