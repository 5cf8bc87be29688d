/* SPDX-License-Identifier: ISC */
/*
 * When which address is announced by gratuitous ARP or unsolicited NA (failover-logic.md, rule 8).
 * Pure: says which address is due; the caller sends. One struct garp per virtual router, one struct
 * garp_rate per interface.
 *
 * Takeover: two rounds at once, then at 0.1, 0.5, 1, 2, 5 s; then a refresh each 30 s, each second
 * while a sign of trouble is younger than 60 s. Where the user says how many and when, as
 * keepalived does: that many rounds at once, and as many after the delay; the rest as before. In
 * each round every address once, so that the first of each comes before the second of any. A new
 * sign restarts the schedule and adds none.
 */
#ifndef VRRP_GARP_H
#define VRRP_GARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define GARP_RATE 10 /* messages a second and interface; switches were seen to shut ports at 15 */

struct garp_cfg {
	int64_t refresh_ns; /* default 30 s; 0: none */
	int64_t trouble_ns; /* refresh while there is trouble; default 1 s */
	unsigned repeat;    /* rounds of a burst; 0: rule 8 */
	int64_t delay_ns;   /* until the second burst; 0: none; with repeat only */
};

struct garp_rate {
	struct mono sent[GARP_RATE]; /* ring */
	unsigned at;                 /* oldest */
};

struct garp {
	bool running;
	size_t n;            /* addresses */
	size_t pos;          /* next address of the round under way */
	unsigned round;      /* of the schedule; then refreshes */
	struct mono start;   /* of the schedule */
	struct mono due;     /* of the round under way */
	struct mono trouble; /* refresh fast until then */
};

/* Takeover of n addresses. */
void garp_start(struct garp *g, size_t n, struct mono now);
/* Another master, a conflict, a returned link: from the start again. Nothing unless running. */
void garp_sign(struct garp *g, struct mono now);
/* A peer is unreachable or a conflict is seen: refresh fast for 60 s from now. */
void garp_trouble(struct garp *g, struct mono now, const struct garp_cfg *cfg);
/* The router has resigned: nothing more is sent. */
void garp_stop(struct garp *g);

/* When something is due on this interface, MONO_NEVER if nothing. */
struct mono garp_next(const struct garp *g, const struct garp_rate *r);

/*
 * The address (index) to send now, or -1. Of several routers on one interface the one in the lowest
 * round goes first: *router is its index in g[] and cfg[].
 */
int garp_step(struct garp *const *g, size_t n_routers, struct garp_rate *r, struct mono now,
    const struct garp_cfg *const *cfg, size_t *router);

#endif
