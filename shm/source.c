/* SPDX-License-Identifier: ISC */
/* Limits by client address. */
#include "shm/source.h"

#include <string.h>
#include <sys/mman.h>

#include "shm/window.h"

#define WHO_IPV6  (UINT32_C(1) << 30)
#define SECOND_NS 1000000000ll
#define TRIES     16 /* after which a lost race is a refusal */

bool
source_key(struct source_key *k, uint32_t fe, const struct sock_addr *a)
{
	uint32_t v4;

	k->who = fe + 1;
	k->addr = 0;
	switch (a->family) {
	case AF_INET:
		memcpy(&v4, &a->in.sin_addr, sizeof(v4));
		k->addr = v4;
		return true;
	case AF_INET6:
		k->who |= WHO_IPV6;
		memcpy(&k->addr, &a->in6.sin6_addr, sizeof(k->addr));
		return true;
	default:
		return false;
	}
}

/* First entry of the key's set, the same in all tables. */
static uint32_t
set_of(const struct shm *s, const struct source_key *k)
{
	uint64_t h = (k->addr ^ s->head->seed) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ k->who) * UINT64_C(0xd6e8feb86659fd93);
	h = (h ^ h >> 32 ^ s->head->seed) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32) % SHM_SOURCE_SETS * SHM_SOURCE_WAYS;
}

/* What all workers say of one address, before its rate is made of it: rounded once. */
struct told {
	uint32_t held;
	uint32_t cur;
	uint32_t prev;
};

/* The word of one worker, whose clock may be a little behind or ahead of ours: what began in a
 * second that ours has not reached counts as begun now, and so does what ours would still count. */
static void
tell(struct told *t, uint64_t word, struct mono now)
{
	struct window w = window_at(word, now);

	if (w.sec == window_sec(now)) {
		t->cur += w.cur;
		t->prev += w.prev;
	} else {
		t->cur += w.cur + w.prev;
	}
}

static uint32_t
rate_of(const struct told *t, struct mono now)
{
	int64_t left = SECOND_NS - now.ns % SECOND_NS;

	return t->cur + (uint32_t)((int64_t)t->prev * left / SECOND_NS);
}

static uint32_t
rate_of_entry(const struct shm_source *e, struct mono now)
{
	struct told t = {0, 0, 0};

	tell(&t, sw64_get(&e->rate), now);
	return rate_of(&t, now);
}

static bool
is_of(const struct shm_source *e, const struct source_key *k)
{
	return sw32_get_seq(&e->who) == k->who && sw64_get(&e->addr) == k->addr;
}

/* Looks into the table of one worker. What the entry says counts only if it is still the same
 * address afterwards. */
static void
add_worker(const struct shm *s, uint32_t w, const struct source_key *k, uint32_t set,
    struct mono now, struct told *sum)
{
	const struct shm_worker *other = shm_worker(s, w);
	const struct shm_source *e = shm_sources(s, other) + set;

	if (sw32_get(&other->sources) == 0)
		return;
	for (unsigned i = 0; i < SHM_SOURCE_WAYS; i++, e++) {
		uint32_t held;
		uint64_t rate;

		if (!is_of(e, k))
			continue;
		held = sw32_get_seq(&e->held);
		rate = sw64_get_seq(&e->rate);
		atomic_thread_fence(memory_order_seq_cst);
		if (!is_of(e, k))
			continue;
		sum->held += held;
		tell(sum, rate, now);
		return;
	}
}

struct source_sum
source_sum(const struct shm *s, const struct source_key *k, struct mono now)
{
	uint32_t n = sw32_get(&s->master->n_workers), set = set_of(s, k);
	struct told sum = {0, 0, 0};

	for (uint32_t w = 0; w < n; w++)
		add_worker(s, w, k, set, now, &sum);
	return (struct source_sum){sum.held, rate_of(&sum, now)};
}

/* ---- the own table -------------------------------------------------------------------------- */

static void
entry_begin(struct shm_source *e, const struct source_key *k, struct mono now)
{
	sw32_set_seq(&e->who, 0);
	atomic_thread_fence(memory_order_seq_cst);
	sw64_set(&e->addr, k->addr);
	sw32_set(&e->held, 0);
	sw64_set(&e->rate, window_format((struct window){window_sec(now), 0, 0}));
	sw32_set_seq(&e->who, k->who);
}

/* The own entry of an address, made if need be. NULL: no place for it. */
static struct shm_source *
entry_of(const struct shm *s, const struct source_key *k, struct mono now)
{
	struct shm_source *e = SHM_OWN(s, s->own_worker, sources) + set_of(s, k), *best = NULL;
	uint32_t lowest = UINT32_MAX;

	for (unsigned i = 0; i < SHM_SOURCE_WAYS; i++, e++) {
		uint32_t rate;

		if (is_of(e, k))
			return e;
		if (sw32_get(&e->who) != 0 && sw32_get(&e->held) != 0)
			continue;
		rate = sw32_get(&e->who) == 0 ? 0 : rate_of_entry(e, now);
		if (best == NULL || rate < lowest) {
			best = e;
			lowest = rate;
		}
	}
	if (best == NULL)
		return NULL;
	if (sw32_get(&s->own_worker->sources) == 0)
		sw32_set_seq(&s->own_worker->sources, 1);
	entry_begin(best, k, now);
	return best;
}

/* d: 1 or -1. */
static void
count(struct shm_source *e, struct mono now, int d)
{
	struct window w = window_at(sw64_get(&e->rate), now);

	if (d > 0 ? w.cur < WINDOW_MOST : w.cur > 0)
		w.cur += (uint32_t)d;
	sw64_set_seq(&e->rate, window_format(w));
	sw32_set_seq(&e->held, sw32_get(&e->held) + (uint32_t)d);
}

static enum source_verdict
verdict(struct source_sum sum, uint32_t maxconn, uint32_t rate)
{
	if (maxconn != 0 && sum.held > maxconn)
		return SOURCE_MAXCONN;
	return rate != 0 && rate < WINDOW_MOST && sum.rate > rate ? SOURCE_RATE : SOURCE_OK;
}

enum source_verdict
source_take(const struct shm *s, const struct source_key *k, uint32_t maxconn, uint32_t rate,
    struct mono now, uint32_t *place)
{
	struct shm_source *e = entry_of(s, k, now);
	enum source_verdict v;

	*place = 0;
	if (e == NULL)
		return SOURCE_OK;
	for (unsigned i = 0; i < TRIES; i++) {
		struct source_sum sum;

		count(e, now, 1);
		v = verdict(source_sum(s, k, now), maxconn, rate);
		if (v == SOURCE_OK) {
			*place = (uint32_t)(e - SHM_OWN(s, s->own_worker, sources)) + 1;
			return v;
		}
		count(e, now, -1);
		/* Two at the same moment may both have seen too many: is there room now? */
		sum = source_sum(s, k, now);
		sum.held++;
		sum.rate++;
		if (verdict(sum, maxconn, rate) != SOURCE_OK)
			return v;
	}
	return v;
}

void
source_release(const struct shm *s, uint32_t place)
{
	struct shm_source *e;

	if (place == 0)
		return;
	e = SHM_OWN(s, s->own_worker, sources) + place - 1;
	if (sw32_get(&e->held) > 0)
		sw32_set_seq(&e->held, sw32_get(&e->held) - 1);
}

void
source_reset(const struct shm *s, struct shm_worker *w)
{
	struct shm_source *e = SHM_OWN(s, w, sources);
	struct mono now = mono_now();

	if (sw32_get(&w->sources) == 0) {
		/* Never used, so it is a hole; what a worker gone mad left there is given back. */
		madvise(e, SHM_SOURCE_SETS * SHM_SOURCE_WAYS * sizeof(*e), MADV_REMOVE);
		return;
	}
	for (uint32_t i = 0; i < SHM_SOURCE_SETS * SHM_SOURCE_WAYS; i++) {
		sw32_set_seq(&e[i].held, 0);
		if (window_is_ahead(sw64_get(&e[i].rate), now))
			sw64_set(&e[i].rate, 0);
	}
}
