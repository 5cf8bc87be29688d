/* SPDX-License-Identifier: ISC */
/* Publishing and picking; the construction is in schedule_build.c. */
#include "shm/schedule.h"

#include <string.h>

/* Each further try needs a publish between two loads of the picker, and those come ten times a
 * second at most; after REPAIR of them the cursor is wrong. */
#define TRIES  1000
#define REPAIR 16

static uint32_t
word_gen(uint64_t word)
{
	return (uint32_t)(word >> SCHEDULE_POS_BITS);
}

static uint64_t
word_make(uint32_t gen, uint64_t pos)
{
	return (uint64_t)(gen & 0xffff) << SCHEDULE_POS_BITS | (pos & SCHEDULE_POS_MASK);
}

/* The position that names the same entry of len and is far from the generation's bits. */
static uint64_t
pos_fold(uint64_t pos, uint32_t len)
{
	if (pos < SCHEDULE_POS_FOLD)
		return pos;
	return len == 0 ? 0 : pos % len;
}

void
schedule_publish(
    const struct shm *s, uint32_t be, const uint16_t *entries, uint32_t len, uint32_t servers)
{
	struct shm_cursor *cur = shm_cursor(s, be);
	uint64_t old = mw64_get(&cur->word);
	struct shm_sched *sched = &shm_own_sched(s)[be];
	uint32_t gen = (sw32_get(&sched->generation) + 1) & 0xffff;
	struct sw16 *to = shm_own_entries(s, be, gen % 2);

	/* Who still looks at this buffer (generation gen - 2) must see NONE once it can see any of
	 * what follows: the fence here pairs with the one in buf_valid. */
	sw32_set(&sched->buf[gen % 2].gen, SHM_NONE);
	atomic_thread_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < len; i++)
		sw16_set(&to[i], entries[i]);
	sw32_set(&sched->buf[gen % 2].len, len);
	sw32_set(&sched->buf[gen % 2].servers, servers);
	sw32_set(&sched->buf[gen % 2].gen, gen);
	/* Only the publisher changes the generation; a failed exchange means that workers picked
	 * meanwhile, and their positions are carried over by the next try. Whoever makes it fail
	 * all the time does not pick. */
	for (unsigned i = 0;
	     !mw64_cas(&cur->word, &old, word_make(gen, pos_fold(old & SCHEDULE_POS_MASK, len)));
	     i++)
		if (i == TRIES) {
			mw64_set(
			    &cur->word, word_make(gen, pos_fold(old & SCHEDULE_POS_MASK, len)));
			break;
		}
	sw32_set(&sched->generation, gen);
}

int
schedule_set(
    const struct shm *s, uint32_t be, const uint32_t *srv, const uint32_t *weight, uint32_t n)
{
	static uint16_t entries[SHM_SCHED_MAX];
	uint32_t servers;
	int len = schedule_build(srv, weight, n, entries, &servers);

	if (len == -1)
		return -1;
	schedule_publish(s, be, entries, (uint32_t)len, servers);
	return len;
}

/* One generation's schedule as a picker sees it. What is read from it counts only if buf_valid
 * says so afterwards. */
struct view {
	const struct sw32 *gen_word;
	const struct sw16 *entries;
	uint32_t gen;
	uint32_t len;
	uint32_t servers;
};

static void
view_open(struct view *v, const struct shm *s, uint32_t be, uint32_t gen)
{
	const struct shm_sched *sched = shm_sched(s, be);

	v->gen = gen;
	v->gen_word = &sched->buf[gen % 2].gen;
	v->entries = shm_entries(s, be, gen % 2);
	v->len = sw32_get(&sched->buf[gen % 2].len);
	v->servers = sw32_get(&sched->buf[gen % 2].servers);
	if (v->len > SHM_SCHED_MAX)
		v->len = 0;
}

static bool
view_valid(const struct view *v)
{
	atomic_thread_fence(memory_order_seq_cst);
	return sw32_get(v->gen_word) == v->gen;
}

static uint32_t
published(const struct shm *s, uint32_t be)
{
	return sw32_get(&shm_sched(s, be)->generation) & 0xffff;
}

static bool
view_published(struct view *v, const struct shm *s, uint32_t be)
{
	view_open(v, s, be, published(s, be));
	return view_valid(v);
}

/*
 * What a picker with this word looks into: what was published last. False: the cursor says another
 * generation, because it is being exchanged just now. If that stays so, the publisher has died in
 * between, or somebody has written there who should not have: then the cursor is put right.
 */
static bool
view_for(struct view *v, const struct shm *s, uint32_t be, uint64_t word, unsigned tries)
{
	uint32_t gen = published(s, be);

	if (word_gen(word) != gen && tries < REPAIR)
		return false;
	view_open(v, s, be, gen);
	if (word_gen(word) != gen && view_valid(v))
		mw64_cas(&shm_cursor(s, be)->word, &word,
		    word_make(gen, pos_fold(word & SCHEDULE_POS_MASK, v->len)));
	return true;
}

/* Folds a high position back; a lost race leaves it to the next picker. */
static void
cursor_fold(const struct shm *s, uint32_t be, const struct view *v)
{
	struct shm_cursor *cur = shm_cursor(s, be);
	uint64_t word = mw64_get(&cur->word);

	if (word_gen(word) == v->gen)
		mw64_cas(&cur->word, &word,
		    word_make(v->gen, pos_fold(word & SCHEDULE_POS_MASK, v->len)));
}

uint32_t
schedule_pick(const struct shm *s, uint32_t be)
{
	struct shm_cursor *cur = shm_cursor(s, be);
	uint64_t word = mw64_fetch_add(&cur->word, 1);
	uint64_t pos = word & SCHEDULE_POS_MASK;

	for (unsigned i = 0; i < TRIES; i++) {
		struct view v;
		uint32_t srv = SHM_NONE;
		bool open = view_for(&v, s, be, word, i);

		if (open && v.len != 0)
			srv = sw16_get(&v.entries[pos % v.len]);
		if (open && view_valid(&v)) {
			if (pos >= SCHEDULE_POS_FOLD)
				cursor_fold(s, be, &v);
			return srv;
		}
		word = mw64_get(&cur->word);
	}
	return SHM_NONE;
}

uint32_t
schedule_peek(const struct shm *s, uint32_t be, uint32_t *out, uint32_t n)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t pos = mw64_get(&shm_cursor(s, be)->word) & SCHEDULE_POS_MASK;
		uint32_t k = 0;
		struct view v;

		if (!view_published(&v, s, be))
			continue;
		for (; k < n && k < v.len; k++)
			out[k] = sw16_get(&v.entries[(pos + k) % v.len]);
		if (view_valid(&v))
			return k;
	}
	return 0;
}

uint32_t
schedule_share(const struct shm *s, uint32_t be, uint32_t srv, uint32_t *len)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t k = 0;
		struct view v;

		if (!view_published(&v, s, be))
			continue;
		for (uint32_t e = 0; e < v.len; e++)
			k += sw16_get(&v.entries[e]) == srv;
		*len = v.len;
		if (view_valid(&v))
			return k;
	}
	*len = 0;
	return 0;
}

/* Servers that were asked for already, a bit each. */
struct asked {
	uint64_t bit[65536 / 64];
};

static bool
asked_add(struct asked *a, uint32_t srv)
{
	uint64_t m = UINT64_C(1) << (srv % 64);
	bool had = (a->bit[srv / 64] & m) != 0;

	a->bit[srv / 64] |= m;
	return had;
}

/* The first entry from start on whose server is not refused. */
static uint32_t
walk(const struct view *v, uint32_t start, bool (*refuse)(void *, uint32_t), void *arg)
{
	struct asked asked;
	uint32_t left = v->servers;

	memset(&asked, 0, sizeof(asked));
	for (uint32_t k = 0; k < v->len && left > 0; k++) {
		uint32_t at = start + k < v->len ? start + k : start + k - v->len;
		uint32_t srv = sw16_get(&v->entries[at]);

		if (asked_add(&asked, srv))
			continue;
		if (!refuse(arg, srv))
			return srv;
		left--;
	}
	return SHM_NONE;
}

uint32_t
schedule_pick_except(
    const struct shm *s, uint32_t be, bool (*refuse)(void *arg, uint32_t srv), void *arg)
{
	struct shm_cursor *cur = shm_cursor(s, be);
	uint64_t word = mw64_fetch_add(&cur->word, 1);
	uint64_t pos = word & SCHEDULE_POS_MASK;

	for (unsigned i = 0; i < TRIES; i++) {
		struct view v;
		uint32_t srv = SHM_NONE;
		bool open = view_for(&v, s, be, word, i);

		if (open && v.len != 0) {
			/* Most picks end here, without the bits of walk(). An entry of a buffer
			 * that is not ours any more must not be asked for. */
			srv = sw16_get(&v.entries[pos % v.len]);
			if (view_valid(&v) && refuse(arg, srv))
				srv = walk(&v, (uint32_t)(pos % v.len), refuse, arg);
		}
		if (open && view_valid(&v)) {
			if (pos >= SCHEDULE_POS_FOLD)
				cursor_fold(s, be, &v);
			return srv;
		}
		word = mw64_get(&cur->word);
	}
	return SHM_NONE;
}
