/* SPDX-License-Identifier: ISC */
/*
 * When a dead child comes back: at once, unless it dies again and again. Pure.
 */
#ifndef MASTER_BACKOFF_H
#define MASTER_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FREE      3     /* quick deaths in a row that are answered at once */
#define BACKOFF_LEASE     12    /* vrrp: short pauses for so many */
#define BACKOFF_FIRST_MS  100   /* then this, doubled each time ... */
#define BACKOFF_MAX_MS    5000  /* ... up to this */
#define BACKOFF_LAST_MS   20    /* a worker, when no other lives */
#define BACKOFF_STABLE_MS 10000 /* a life of this length forgives all */

struct backoff {
	uint32_t deaths; /* quick deaths in a row */
};

/* A process that lived lived_ms has died. Returns the milliseconds to wait before the next start.
 */
static inline int64_t
backoff_step(struct backoff *b, int64_t lived_ms)
{
	int64_t wait = BACKOFF_FIRST_MS;

	if (lived_ms >= BACKOFF_STABLE_MS)
		b->deaths = 0;
	b->deaths++;
	if (b->deaths <= BACKOFF_FREE)
		return 0;
	for (uint32_t i = BACKOFF_FREE + 1; i < b->deaths && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

/*
 * The same for vrrp, which must be back inside its lease of 3 advertisement intervals
 * (failover-logic.md): it waits no longer than the first pause until it has died BACKOFF_LEASE
 * times in a row. Then the address is given up.
 */
static inline int64_t
backoff_step_lease(struct backoff *b, int64_t lived_ms)
{
	int64_t wait = backoff_step(b, lived_ms);

	return b->deaths <= BACKOFF_LEASE && wait > BACKOFF_FIRST_MS ? BACKOFF_FIRST_MS : wait;
}

/* A process has lived for lived_ms and lives. Returns true if that has just ended a crash loop,
 * with the deaths in a row in *deaths. */
static inline bool
backoff_lives(struct backoff *b, int64_t lived_ms, uint32_t *deaths)
{
	*deaths = b->deaths;
	if (lived_ms < BACKOFF_STABLE_MS)
		return false;
	b->deaths = 0;
	return *deaths > BACKOFF_FREE;
}

/* Dies again and again: tracking and operators should know. */
static inline bool
backoff_degraded(const struct backoff *b)
{
	return b->deaths > BACKOFF_FREE;
}

#endif
