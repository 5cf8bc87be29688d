/* SPDX-License-Identifier: ISC */
/*
 * Health -> band -> priority. Pure. A band says how well this host could serve; it never causes a
 * FAULT: also a host in the dead band takes part, so that somebody holds the address
 * (failover-logic.md, "Terms").
 */
#ifndef VRRP_BAND_H
#define VRRP_BAND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

#define BAND_NAMES(X) X(DEAD, "dead") X(DEGRADED, "degraded") X(GOOD, "good")

enum band {
#define X(name, text) BAND_##name,
	BAND_NAMES(X)
#undef X
	    BAND_COUNT
};

/* bands: the band can be read from an advertisement; weights: keepalived's arithmetic. */
enum band_mode { BAND_MODE_BANDS = 0, BAND_MODE_WEIGHTS };

/* What is known of one tracked backend. */
struct band_facts {
	uint32_t usable;     /* servers that may get new sessions */
	uint32_t total;      /* servers; 0: nothing to track, good */
	uint64_t weight_up;  /* sum of the weights of usable servers */
	uint64_t weight_all; /* of all */
	bool stale;          /* the checker has not looked for too long */
	bool workers;        /* some worker can serve */
};

/* A band with its holds. Zero: nothing shown yet, the first raw band is taken at once. */
struct band_hold {
	bool known;
	enum band shown;
	enum band pending;
	struct mono since; /* when pending was first seen; only while pending != shown */
};

struct band_holds_cfg {
	int64_t degrade_ns; /* good -> degraded; default max(2 x inter, 2 s) */
	int64_t rise_ns;    /* any improvement; default 5 s */
};

const char *band_text(enum band b);

/* Raw band of one backend. No worker: dead. Stale: degraded, never dead. */
enum band band_of_facts(const struct band_facts *f);

/* The worse of two, for several backends and for the members of a sync group. */
static inline enum band
band_worse(enum band a, enum band b)
{
	return a < b ? a : b;
}

/*
 * Applies the holds: a fall to dead counts at once, good -> degraded after degrade_ns, any
 * improvement after rise_ns without interruption. Returns the band to show. *again is when to
 * look again if nothing else changes (MONO_NEVER: need not).
 */
enum band band_hold_step(struct band_hold *h, enum band raw, struct mono now,
    const struct band_holds_cfg *cfg, struct mono *again);

/* 80 x band + ceil(base / 4): 1..64, 81..144, 161..224. base 1..255. */
uint8_t band_priority(enum band b, uint8_t base);

/* The band of a priority sent by a host in mode bands. */
enum band band_of_priority(uint8_t priority);

/* keepalived: base + sum of weights, clamped to 1..254; base 255 never changes (semantics D.9). */
uint8_t band_weights_priority(uint8_t base, int sum);

#endif
