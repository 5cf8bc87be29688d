/* SPDX-License-Identifier: ISC */
/*
 * shm/window and the rates of shm/limit and shm/source: exact over processes whose clocks differ,
 * which count at the same moment and are killed anywhere. The clock is the test's; the oracle is
 * what workers say they were given, in the test's own page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/source.h"
#include "shm/window.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 128, .backends = 16, .servers = 256, .sessions = 64};

#define N      3
#define LIMIT  20000
#define FE     66
#define ROUNDS 60
#define SECOND 1000000000ll

static struct shm m;

static struct mono
at(int64_t ms)
{
	return (struct mono){1000 * SECOND + ms * 1000000};
}

static unsigned
takes(struct mw64 *word, uint32_t limit, struct mono now, unsigned tries)
{
	unsigned got = 0;

	while (tries-- > 0)
		got += window_take(word, limit, now);
	return got;
}

static void
slides_over_two_seconds(void **state)
{
	struct mw64 w = {0};

	(void)state;
	assert_int_equal(takes(&w, 10, at(0), 20), 10);
	assert_int_equal(takes(&w, 10, at(999), 20), 0);
	assert_int_equal(takes(&w, 10, at(1000), 20), 0); /* all of them within 1000 ms still */
	assert_int_equal(takes(&w, 10, at(1300), 20), 3);
	assert_int_equal(takes(&w, 10, at(1999), 20), 7);
	assert_int_equal(takes(&w, 10, at(9000), 20), 10);
	/* No limit, or one that nobody reaches, counts nothing. */
	assert_int_equal(takes(&w, 0, at(9000), 20), 20);
	assert_int_equal(takes(&w, 10000000, at(9000), 20), 20);
	assert_int_equal(window_rate(window_at(mw64_get(&w), at(9000)), at(9000)), 10);
	/* After the clock of words has gone round, an old word is no word of the future. */
	assert_int_equal(takes(&w, 10, at(9000 + 15000000ll * 1000), 20), 10);
}

static void
clocks_that_are_behind(void **state)
{
	struct mw64 w = {0};

	(void)state;
	assert_int_equal(takes(&w, 10, at(1001), 6), 6);
	/* Its second is over for others: what it takes counts in theirs. */
	assert_int_equal(takes(&w, 10, at(999), 20), 4);
	assert_int_equal(takes(&w, 10, at(1002), 20), 0);
	assert_int_equal(takes(&w, 10, at(1999), 20), 0);
	assert_int_equal(takes(&w, 10, at(400000), 20), 10);
	assert_int_equal(takes(&w, 10, at(1000), 20), 0); /* was stopped for minutes */
}

static void
gives_back(void **state)
{
	struct mw64 w = {0};

	(void)state;
	assert_int_equal(takes(&w, 10, at(0), 20), 10);
	window_give(&w, 10, at(0));
	assert_int_equal(takes(&w, 10, at(0), 20), 1);
	assert_int_equal(takes(&w, 10, at(1999), 20), 10);
	window_give(&w, 10, at(500)); /* of the second that another process has left */
	assert_int_equal(window_parse(mw64_get(&w)).prev, 9);
	window_give(&w, 0, at(1999));
	assert_int_equal(window_parse(mw64_get(&w)).cur, 10);
	window_give(&w, 10, at(5000));
	assert_int_equal(window_parse(mw64_get(&w)).cur, 10);
}

/* ---- over processes ------------------------------------------------------------------------- */

struct oracle {
	_Atomic int stop;
	_Atomic int64_t ms; /* the time */
	_Atomic int64_t full[N];
	_Atomic int given[N][ROUNDS];
};
static struct oracle *o;

struct way {
	bool (*take)(struct shm *s, struct mono now);
	void (*give)(struct shm *s, struct mono then);
};

static bool
take_fe(struct shm *s, struct mono now)
{
	return limit_rate_take_fe(s, FE, LIMIT, now);
}

static void
give_fe(struct shm *s, struct mono then)
{
	limit_rate_give_fe(s, FE, LIMIT, then);
}

static bool
take_global(struct shm *s, struct mono now)
{
	return limit_rate_take_global(s, LIMIT, now);
}

static void
give_global(struct shm *s, struct mono then)
{
	limit_rate_give_global(s, LIMIT, then);
}

static bool
take_source(struct shm *s, struct mono now)
{
	const struct source_key k = {.addr = 4711, .who = FE + 1};
	uint32_t place;

	if (source_take(s, &k, 0, LIMIT, now, &place) != SOURCE_OK)
		return false;
	source_release(s, place);
	return true;
}

/* Takes what there is in each round, and now and then gives some back and takes it again. */
static int
hammer(struct shm *s, void *arg)
{
	const struct way *way = arg;
	uint64_t seed = (uint64_t)getpid();

	while (o->stop == 0) {
		int64_t ms = o->ms;

		if (!way->take(s, at(ms)))
			o->full[s->index] = ms;
		else if (way->give != NULL && procs_random(&seed) % 4 == 0)
			way->give(s, at(ms));
		else
			o->given[s->index][ms / 2000]++;
	}
	return 0;
}

static bool
all_full(int64_t ms)
{
	for (unsigned i = 0; i < N; i++)
		if (o->full[i] != ms)
			return false;
	return true;
}

static int
given(int64_t round)
{
	int sum = 0;

	for (unsigned i = 0; i < N; i++)
		sum += o->given[i][round];
	return sum;
}

/*
 * Rounds are two seconds apart: nothing is left of the one before. In each at most LIMIT are given,
 * and all of them but what the dead took with them, and one a worker that looked at the clock in
 * one round and counted in the next.
 */
static void
rounds(const struct way *way, bool kill, int *least, int *most)
{
	uint64_t seed = 7;
	pid_t pid[N];

	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, N);
	o = procs_share(sizeof(*o));
	assert_non_null(o);
	*least = LIMIT;
	*most = 0;
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, hammer, (void *)(uintptr_t)way);
	for (int64_t r = 1; r < ROUNDS; r++) {
		bool killed = false;

		o->ms = r * 2000;
		if (kill && r % 2 == 0) {
			unsigned w = procs_random(&seed) % N;

			usleep(procs_random(&seed) % 1500);
			procs_kill(pid[w]);
			shm_worker_reset(&m, shm_dead_worker(&m, w));
			pid[w] = procs_fork(&m, SHM_WORKER, w, hammer, (void *)(uintptr_t)way);
			killed = true;
		}
		while (!all_full(r * 2000))
			usleep(50);
		if (given(r) > *most)
			*most = given(r);
		if (given(r) + killed < *least)
			*least = given(r) + killed;
	}
	o->stop = 1;
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	shm_detach(&m);
}

static void
exact_over_processes(void **state)
{
	static const struct way ways[] = {{take_fe, give_fe}, {take_global, give_global}};
	int least, most;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned kill = 0; kill < 2; kill++) {
			rounds(&ways[i], kill == 1, &least, &most);
			assert_int_equal(most, LIMIT);
			assert_in_range(least, LIMIT - N, LIMIT);
		}
}

/* Of one address: each worker counts in its own table, so two that count at the same moment may
 * both be refused what one could have had, but never both have it. */
static void
exact_over_processes_per_address(void **state)
{
	static const struct way way = {take_source, NULL};
	int least, most;

	(void)state;
	for (unsigned kill = 0; kill < 2; kill++) {
		rounds(&way, kill == 1, &least, &most);
		assert_int_equal(most, LIMIT);
		assert_in_range(least, LIMIT - N, LIMIT);
	}
}

/* ---- per address, clocks that differ --------------------------------------------------------- */

static struct shm view[N];
static const struct source_key who = {.addr = 4711, .who = FE + 1};

static unsigned
source_takes(unsigned w, uint32_t rate, struct mono now, unsigned tries)
{
	unsigned got = 0;
	uint32_t place;

	while (tries-- > 0)
		if (source_take(&view[w], &who, 0, rate, now, &place) == SOURCE_OK) {
			source_release(&view[w], place);
			got++;
		}
	return got;
}

static void
clocks_of_workers_that_differ(void **state)
{
	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, N);
	for (unsigned i = 0; i < N; i++) {
		view[i] = m;
		view[i].own_worker = shm_dead_worker(&m, i);
		view[i].index = i;
	}
	assert_int_equal(source_takes(0, 10, at(500), 20), 10);
	/* The first has begun the next second; for the second worker it is still this one. */
	assert_int_equal(source_takes(0, 10, at(1101), 20), 2);
	assert_int_equal(source_takes(1, 10, at(999), 20), 0);
	/* What is left of the second before is rounded down once, not in each worker. */
	assert_int_equal(source_takes(0, 10, at(8000), 3), 3);
	assert_int_equal(source_takes(1, 10, at(8000), 3), 3);
	assert_int_equal(source_takes(2, 10, at(8000), 20), 4);
	assert_int_equal(source_sum(&m, &who, at(9499)).rate, 5);
	assert_int_equal(source_takes(2, 10, at(9499), 20), 5);
	shm_detach(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slides_over_two_seconds),
	    cmocka_unit_test(clocks_that_are_behind),
	    cmocka_unit_test(gives_back),
	    cmocka_unit_test(exact_over_processes),
	    cmocka_unit_test(exact_over_processes_per_address),
	    cmocka_unit_test(clocks_of_workers_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
