/* SPDX-License-Identifier: ISC */
/* shm/source: sessions and rates of client addresses over workers, also when those are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "shm/source.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 128, .backends = 16, .servers = 256, .sessions = 64};

#define N     3
#define LIMIT 5
#define FE    7
#define FULL  (SHM_SOURCE_SETS * SHM_SOURCE_WAYS)

static struct shm m;
static struct shm view[N]; /* each as a worker sees it, all in this process */
static const struct mono t0 = {1000500000000ll};

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, N);
	for (unsigned i = 0; i < N; i++) {
		view[i] = m;
		view[i].own_worker = shm_dead_worker(&m, i);
		view[i].index = i;
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	shm_detach(&m);
	return 0;
}

static struct source_key
key(uint32_t fe, const char *text)
{
	struct sock_addr a;
	struct source_key k;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		a.family = AF_INET6;
	assert_true(source_key(&k, fe, &a));
	return k;
}

static bool
same(struct source_key a, struct source_key b)
{
	return a.addr == b.addr && a.who == b.who;
}

static void
who_is_one_source(void **state)
{
	struct sock_addr un = {.family = AF_UNIX};
	struct source_key k;

	(void)state;
	assert_false(source_key(&k, 0, &un));
	assert_true(same(key(0, "192.0.2.1"), key(0, "192.0.2.1")));
	assert_false(same(key(0, "192.0.2.1"), key(0, "192.0.2.2")));
	assert_false(same(key(0, "192.0.2.1"), key(1, "192.0.2.1")));
	assert_true(same(key(0, "2001:db8:0:1::1"), key(0, "2001:db8:0:1:ffff::")));
	assert_false(same(key(0, "2001:db8:0:1::1"), key(0, "2001:db8:0:2::1")));
	assert_false(same(key(0, "0.0.0.0"), key(0, "::1")));
}

static void
sessions_over_all_workers(void **state)
{
	struct source_key a = key(FE, "192.0.2.1"), b = key(FE, "192.0.2.2");
	uint32_t place[LIMIT], more = 1;

	(void)state;
	for (unsigned i = 0; i < LIMIT; i++) {
		assert_int_equal(source_take(&view[i % N], &a, LIMIT, 0, t0, &place[i]), SOURCE_OK);
		assert_int_not_equal(place[i], 0);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(source_take(&view[i], &a, LIMIT, 0, t0, &more), SOURCE_MAXCONN);
		assert_int_equal(more, 0);
	}
	assert_int_equal(source_sum(&m, &a, t0).held, LIMIT);
	assert_int_equal(source_take(&view[0], &b, LIMIT, 0, t0, &more), SOURCE_OK);
	source_release(&view[0], more);
	source_release(&view[1], place[1]);
	assert_int_equal(source_take(&view[2], &a, LIMIT, 0, t0, &place[1]), SOURCE_OK);
	/* What a dead worker held is nobody's. */
	shm_worker_reset(&m, shm_dead_worker(&m, 0));
	assert_int_equal(source_sum(&m, &a, t0).held, LIMIT - 2);
	source_release(&view[2], place[1]);
	source_release(&view[2], place[2]);
	source_release(&view[1], place[4]);
	assert_int_equal(source_sum(&m, &a, t0).held, 0);
}

static struct mono
at_ms(int64_t ms)
{
	return mono_add_ms(t0, ms);
}

static void
sessions_a_second(void **state)
{
	struct source_key a = key(FE, "192.0.2.1");
	uint32_t place, got = 0;

	(void)state;
	/* Tries once a millisecond for ten seconds, has ten a second. */
	for (int64_t ms = 0; ms < 10000; ms++) {
		struct shm *s = &view[ms % N];

		if (source_take(s, &a, 0, 10, at_ms(ms), &place) == SOURCE_OK) {
			got++;
			source_release(s, place);
		}
		assert_true(source_sum(&m, &a, at_ms(ms)).rate <= 10);
	}
	/* Sums of what is left of the second before are rounded down in each worker. */
	assert_in_range(got, 95, 140);
	assert_int_equal(source_sum(&m, &a, at_ms(12000)).rate, 0);
	/* Refused ones do not count: after a pause of two seconds it has its ten at once. */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(source_take(&view[0], &a, 0, 10, at_ms(13000), &place), SOURCE_OK);
	assert_int_equal(source_take(&view[1], &a, 0, 10, at_ms(13000), &place), SOURCE_RATE);
	assert_int_equal(source_take(&view[0], &a, 0, 10, at_ms(13001), &place), SOURCE_RATE);
}

static struct source_key
nth(uint32_t i)
{
	struct source_key k = key(FE, "0.0.0.0");

	k.addr = i;
	return k;
}

static uint32_t
entries_held(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FULL; i++)
		n += sw32_get(&shm_sources(&m, view[0].own_worker)[i].held);
	return n;
}

/* A flood of addresses: memory stays what it is, who holds sessions stays known, newcomers that
 * find no entry are not refused. */
static void
many_addresses(void **state)
{
	struct source_key a = key(FE, "192.0.2.1");
	uint32_t place[LIMIT], other, counted = 0, lost = 0;

	(void)state;
	for (unsigned i = 0; i < LIMIT; i++)
		assert_int_equal(source_take(&view[0], &a, LIMIT, 0, t0, &place[i]), SOURCE_OK);
	/* Idle ones make room for each other. */
	for (uint32_t i = 1; i < 4 * FULL; i++) {
		struct source_key k = nth(i);

		assert_int_equal(source_take(&view[0], &k, 1, 1, t0, &other), SOURCE_OK);
		assert_int_not_equal(other, 0);
		source_release(&view[0], other);
	}
	assert_int_equal(source_take(&view[0], &a, LIMIT, 0, t0, &other), SOURCE_MAXCONN);
	assert_int_equal(entries_held(), LIMIT);
	/* Those that stay fill it. */
	for (uint32_t i = 1; i < 2 * FULL; i++) {
		struct source_key k = nth(i);

		assert_int_equal(source_take(&view[0], &k, 1, 0, t0, &other), SOURCE_OK);
		counted += other != 0;
		lost += other == 0;
	}
	assert_in_range(counted, FULL * 9 / 10, FULL - LIMIT); /* few sets have less than 8 */
	assert_int_equal(counted + lost, 2 * FULL - 1);
	assert_int_equal(entries_held(), LIMIT + counted);
	assert_int_equal(source_take(&view[0], &a, LIMIT, 0, t0, &other), SOURCE_MAXCONN);
	shm_worker_reset(&m, shm_dead_worker(&m, 0));
	assert_int_equal(entries_held(), 0);
}

/* An entry goes to the quietest of those that hold nothing: who floods is remembered. */
static void
the_busiest_is_remembered(void **state)
{
	struct source_key a = key(FE, "192.0.2.1");
	uint32_t place;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(source_take(&view[0], &a, 0, 10, t0, &place), SOURCE_OK);
		source_release(&view[0], place);
	}
	for (uint32_t i = 1; i < 2 * FULL; i++) {
		struct source_key k = nth(i);

		source_take(&view[0], &k, 0, 10, t0, &place);
		source_release(&view[0], place);
	}
	assert_int_equal(source_take(&view[0], &a, 0, 10, t0, &place), SOURCE_RATE);
}

static struct procs_places *o;

/* One address up to its limit, among many that come and go in the same sets. */
static int
churn(struct shm *s, void *arg)
{
	uint64_t seed = (uint64_t)getpid();
	struct source_key a = key(FE, "192.0.2.1");
	uint32_t place[LIMIT + 1], other;
	int have = 0;

	(void)arg;
	while (o->stop == 0) {
		struct source_key k = nth(procs_random(&seed) % 100000);

		if (source_take(s, &k, 2, 0, t0, &other) == SOURCE_OK)
			source_release(s, other);
		if (have > 0 && procs_random(&seed) % 2) {
			o->admitted[s->index]--;
			source_release(s, place[--have]);
		} else if (source_take(s, &a, LIMIT, 0, t0, &place[have]) == SOURCE_OK) {
			if (place[have] == 0)
				return 1;
			o->admitted[s->index]++;
			have++;
		}
	}
	while (have > 0)
		source_release(s, place[--have]);
	return 0;
}

static void
never_above_the_limit_under_kill(void **state)
{
	struct source_key a = key(FE, "192.0.2.1");
	pid_t pid[N];

	(void)state;
	o = procs_share(sizeof(*o));
	assert_non_null(o);
	procs_places_kill(o, &m, N, LIMIT, churn, pid);
	o->stop = 1;
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(o->over, 0);
	assert_int_equal(source_sum(&m, &a, t0).held, 0);
	for (unsigned w = 0; w < N; w++)
		for (uint32_t i = 0; i < FULL; i++)
			assert_int_equal(sw32_get(&shm_sources(&m, shm_worker(&m, w))[i].held), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_one_source),
	    cmocka_unit_test_setup_teardown(sessions_over_all_workers, setup, teardown),
	    cmocka_unit_test_setup_teardown(sessions_a_second, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_addresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_busiest_is_remembered, setup, teardown),
	    cmocka_unit_test_setup_teardown(never_above_the_limit_under_kill, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
