/* SPDX-License-Identifier: ISC */
/*
 * Time as a type of its own. A point in time is a struct mono by value; CLOCK_MONOTONIC for timers,
 * CLOCK_BOOTTIME (runs on while the machine sleeps) for leases. The two are never compared.
 */
#ifndef LIB_MONO_H
#define LIB_MONO_H

#include <stdint.h>
#include <stdbool.h>
#include <time.h>

struct mono {
	int64_t ns; /* nanoseconds since an arbitrary start; 0: never */
};

#define MONO_NEVER ((struct mono){INT64_MAX})

static inline struct mono
mono_read(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

/* Now, for timers. */
static inline struct mono
mono_now(void)
{
	return mono_read(CLOCK_MONOTONIC);
}

/* Now on the clock that counts suspended time too, for leases. */
static inline struct mono
mono_now_boot(void)
{
	return mono_read(CLOCK_BOOTTIME);
}

static inline struct mono
mono_add_ns(struct mono t, int64_t ns)
{
	return (struct mono){t.ns + ns};
}

static inline struct mono
mono_add_us(struct mono t, int64_t us)
{
	return (struct mono){t.ns + us * 1000};
}

static inline struct mono
mono_add_ms(struct mono t, int64_t ms)
{
	return (struct mono){t.ns + ms * 1000000};
}

/* a - b in milliseconds, rounded towards zero. */
static inline int64_t
mono_diff_ms(struct mono a, struct mono b)
{
	return (a.ns - b.ns) / 1000000;
}

static inline int64_t
mono_diff_us(struct mono a, struct mono b)
{
	return (a.ns - b.ns) / 1000;
}

static inline bool
mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

static inline struct mono
mono_min(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/* a - b of nanoseconds that another process wrote: whatever they are, no overflow. */
static inline int64_t
mono_minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* Wall clock in microseconds since 1970, for logs and records only. */
static inline int64_t
mono_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif
