/* SPDX-License-Identifier: ISC */
/* Limits by client address. */
#include "shm/source.h"

#include <string.h>

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

static uint32_t
second(struct mono now)
{
	return (uint32_t)(now.ns / SECOND_NS);
}

/* As total_rate. */
static uint32_t
rate_of(const struct shm_source *e, struct mono now)
{
	int32_t age = (int32_t)(second(now) - sw32_get(&e->sec));
	uint64_t left = (uint64_t)(SECOND_NS - now.ns % SECOND_NS);
	uint32_t cur = sw32_get(&e->cur), prev = sw32_get(&e->prev);

	if (age <= 0)
		return cur + (uint32_t)(prev * left / SECOND_NS);
	return age == 1 ? (uint32_t)(cur * left / SECOND_NS) : 0;
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
    struct mono now, struct source_sum *sum)
{
	const struct shm_worker *other = shm_worker(s, w);
	const struct shm_source *e = shm_sources(s, other) + set;

	if (sw32_get(&other->sources) == 0)
		return;
	for (unsigned i = 0; i < SHM_SOURCE_WAYS; i++, e++) {
		struct source_sum v;

		if (!is_of(e, k))
			continue;
		v = (struct source_sum){sw32_get_seq(&e->held), rate_of(e, now)};
		atomic_thread_fence(memory_order_seq_cst);
		if (!is_of(e, k))
			continue;
		sum->held += v.held;
		sum->rate += v.rate;
		return;
	}
}

struct source_sum
source_sum(const struct shm *s, const struct source_key *k, struct mono now)
{
	uint32_t n = sw32_get(&s->master->n_workers), set = set_of(s, k);
	struct source_sum sum = {0, 0};

	for (uint32_t w = 0; w < n; w++)
		add_worker(s, w, k, set, now, &sum);
	return sum;
}

/* ---- the own table -------------------------------------------------------------------------- */

static void
entry_begin(struct shm_source *e, const struct source_key *k, struct mono now)
{
	sw32_set_seq(&e->who, 0);
	atomic_thread_fence(memory_order_seq_cst);
	sw64_set(&e->addr, k->addr);
	sw32_set(&e->held, 0);
	sw32_set(&e->sec, second(now));
	sw32_set(&e->cur, 0);
	sw32_set(&e->prev, 0);
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
		rate = sw32_get(&e->who) == 0 ? 0 : rate_of(e, now);
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

static void
second_begin(struct shm_source *e, struct mono now)
{
	uint32_t sec = second(now), old = sw32_get(&e->sec);

	if (sec == old)
		return;
	sw32_set(&e->prev, old + 1 == sec ? sw32_get(&e->cur) : 0);
	sw32_set(&e->cur, 0);
	sw32_set(&e->sec, sec);
}

static void
count(struct shm_source *e, uint32_t d)
{
	sw32_set_seq(&e->cur, sw32_get(&e->cur) + d);
	sw32_set_seq(&e->held, sw32_get(&e->held) + d);
}

static enum source_verdict
verdict(struct source_sum sum, uint32_t maxconn, uint32_t rate)
{
	if (maxconn != 0 && sum.held > maxconn)
		return SOURCE_MAXCONN;
	return rate != 0 && sum.rate > rate ? SOURCE_RATE : SOURCE_OK;
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
	second_begin(e, now);
	for (unsigned i = 0; i < TRIES; i++) {
		struct source_sum sum;

		count(e, 1);
		v = verdict(source_sum(s, k, now), maxconn, rate);
		if (v == SOURCE_OK) {
			*place = (uint32_t)(e - SHM_OWN(s, s->own_worker, sources)) + 1;
			return v;
		}
		count(e, UINT32_MAX);
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

	if (sw32_get(&w->sources) == 0)
		return;
	for (uint32_t i = 0; i < SHM_SOURCE_SETS * SHM_SOURCE_WAYS; i++)
		sw32_set_seq(&e[i].held, 0);
}
