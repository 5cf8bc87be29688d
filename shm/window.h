/* SPDX-License-Identifier: ISC */
/*
 * How much began in this second and in the one before, in one 64-bit word: 24 bits of the second on
 * CLOCK_MONOTONIC, 20 of its count, 20 of the count before. As a word it is read and written whole:
 * nobody sees a half-begun second, and whoever is killed leaves the old word or the new one.
 *
 * The rate at a moment is sliding: the count of the current second, and of the one before the share
 * that lies within the last 1000 ms. So no second of the clock gets more than the limit.
 *
 * For a limit over all workers the word is shared, and to look and to count is one exchange
 * (window_take): exact at any interleaving. Other than places held (limit.h) this may be a shared
 * count: what a killed worker took and did not use is gone with its second.
 */
#ifndef SHM_WINDOW_H
#define SHM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"
#include "shm/word.h"

#define WINDOW_MOST    ((UINT32_C(1) << 20) - 1) /* counts stop here; a limit from here on is none */
#define WINDOW_SECONDS (UINT32_C(1) << 24)       /* the clock of words goes round: half a year */
#define WINDOW_AHEAD   600  /* a word so many seconds ahead is of a process whose clock is newer */
#define WINDOW_TRIES   1000 /* lost races in a row: whoever wins them all does not count */

struct window {
	uint32_t sec; /* modulo WINDOW_SECONDS */
	uint32_t cur;
	uint32_t prev;
};

/* Pure. */
static inline struct window
window_parse(uint64_t word)
{
	return (struct window){(uint32_t)(word >> 40), (uint32_t)(word >> 20) & WINDOW_MOST,
	    (uint32_t)word & WINDOW_MOST};
}

static inline uint64_t
window_format(struct window w)
{
	return (uint64_t)w.sec << 40 | (uint64_t)w.cur << 20 | w.prev;
}

static inline uint32_t
window_sec(struct mono now)
{
	return (uint32_t)((uint64_t)(now.ns / 1000000000) % WINDOW_SECONDS);
}

/*
 * The word as it is to be seen and gone on with at now: seconds that have passed since are begun,
 * and one from further ahead stays what it is (time does not go back for others).
 */
static inline struct window
window_at(uint64_t word, struct mono now)
{
	struct window w = window_parse(word);
	uint32_t sec = window_sec(now), age = (sec - w.sec) % WINDOW_SECONDS;

	if (age == 0 || age > WINDOW_SECONDS - WINDOW_AHEAD)
		return w;
	return (struct window){sec, 0, age == 1 ? w.cur : 0};
}

/* For the master, whose now is the time itself: nobody who counts can be ahead of it. */
static inline bool
window_is_ahead(uint64_t word, struct mono now)
{
	return window_at(word, now).sec != window_sec(now);
}

/* What began in the last 1000 ms. A second that is ahead of now has just begun. */
static inline uint32_t
window_rate(struct window w, struct mono now)
{
	int64_t left = 1000000000 - (w.sec == window_sec(now) ? now.ns % 1000000000 : 0);

	return w.cur + (uint32_t)((int64_t)w.prev * left / 1000000000);
}

static inline bool
window_has_room(uint64_t word, uint32_t limit, struct mono now)
{
	return limit == 0 || limit >= WINDOW_MOST || window_rate(window_at(word, now), now) < limit;
}

/* One more, if the rate is then within the limit a second (0: no limit, and nothing is counted). */
static inline bool
window_take(struct mw64 *word, uint32_t limit, struct mono now)
{
	unsigned tries = 0;
	uint64_t old;
	struct window w;

	if (limit == 0 || limit >= WINDOW_MOST)
		return true;
	old = mw64_get(word);
	do {
		if (!window_has_room(old, limit, now) || tries++ == WINDOW_TRIES)
			return false;
		w = window_at(old, now);
		w.cur++;
	} while (!mw64_cas(word, &old, window_format(w)));
	return true;
}

/* Takes back what window_take counted with the same limit and time and nobody used. Another process
 * may have begun the next second since. */
static inline void
window_give(struct mw64 *word, uint32_t limit, struct mono then)
{
	unsigned tries = 0;
	uint64_t old;
	struct window w;

	if (limit == 0 || limit >= WINDOW_MOST)
		return;
	old = mw64_get(word);
	do {
		w = window_parse(old);
		if (w.sec == window_sec(then) && w.cur > 0)
			w.cur--;
		else if (w.sec == (window_sec(then) + 1) % WINDOW_SECONDS && w.prev > 0)
			w.prev--;
		else
			return;
	} while (!mw64_cas(word, &old, window_format(w)) && tries++ < WINDOW_TRIES);
}

#endif
