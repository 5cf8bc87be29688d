/* SPDX-License-Identifier: ISC */
/* shm/schedule: construction, and picking from several processes while it is published anew and
 * its publisher is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mono.h"
#include "shm/schedule.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 16, .backends = 16, .servers = 256, .sessions = 64};

static uint16_t out[SHM_SCHED_MAX];

static int
build(const uint32_t *srv, const uint32_t *weight, uint32_t n)
{
	uint32_t servers;

	return schedule_build(srv, weight, n, out, &servers);
}

static void
equal_weights_are_plain_round_robin(void **state)
{
	uint32_t srv[4] = {7, 3, 9, 1}, w[4] = {100, 100, 100, 100};

	(void)state;
	assert_int_equal(build(srv, w, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(out[i], srv[i]);
}

static void
weights_are_divided_and_spread(void **state)
{
	uint32_t srv[3] = {1, 2, 3}, w[3] = {250, 50, 50}, servers;
	unsigned run = 0, longest = 0;

	(void)state;
	assert_int_equal(schedule_build(srv, w, 3, out, &servers), 7);
	assert_int_equal(servers, 3);
	for (unsigned i = 0; i < 14; i++) {
		run = out[i % 7] == 1 ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	assert_int_equal(longest, 3);
	w[1] = 0;
	assert_int_equal(schedule_build(srv, w, 3, out, &servers), 6);
	assert_int_equal(servers, 2);
	assert_int_equal(build(srv, w, 1), 1);
	assert_int_equal(out[0], 1);
	w[0] = w[2] = 0;
	assert_int_equal(schedule_build(srv, w, 3, out, &servers), 0);
	assert_int_equal(servers, 0);
	w[0] = 1;
	srv[0] = 65535;
	assert_int_equal(build(srv, w, 3), -1);
}

/* In each prefix every server is less than one entry from its share, and the whole is exact. */
static void
each_prefix_is_within_one(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		uint32_t n = 2 + procs_random(&seed) % 12, srv[16], w[16], sum = 0;
		uint32_t seen[16] = {0};
		int len;

		for (uint32_t i = 0; i < n; i++) {
			srv[i] = i;
			w[i] = 1 + procs_random(&seed) % (round < 100 ? 5 : 256);
			sum += w[i];
		}
		len = build(srv, w, n);
		assert_true(len > 0 && sum % (uint32_t)len == 0);
		for (int t = 1; t <= len; t++) {
			assert_true(out[t - 1] < n);
			seen[out[t - 1]]++;
			for (uint32_t i = 0; i < n; i++) {
				int64_t dev = (int64_t)seen[i] * sum - (int64_t)w[i] * t;

				assert_true(dev < (int64_t)sum && -dev < (int64_t)sum);
			}
		}
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal((uint64_t)seen[i] * sum, (uint64_t)w[i] * (uint32_t)len);
	}
}

static void
long_schedules_are_scaled(void **state)
{
	static uint32_t srv[30000], w[30000], seen[30000];
	uint64_t seed = 3, sum = 0;
	struct mono start;
	int64_t ms;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		srv[i] = i;
		w[i] = 1 + procs_random(&seed) % 65536;
		sum += w[i];
	}
	start = mono_now();
	assert_int_equal(build(srv, w, 1000), SHM_SCHED_MAX);
	ms = mono_diff_ms(mono_now(), start);
	print_message("1,000 random weights: %d ms\n", (int)ms);
	for (uint32_t i = 0; i < SHM_SCHED_MAX; i++)
		seen[out[i]]++;
	for (uint32_t i = 0; i < 1000; i++) {
		int64_t dev = (int64_t)(seen[i] * sum) - (int64_t)w[i] * SHM_SCHED_MAX;

		assert_true(llabs(dev) * 1000 <= (int64_t)sum * SHM_SCHED_MAX);
		assert_true(seen[i] >= 1);
	}
	/* Two prime weights, whose sum does not fit. */
	w[0] = 65521;
	w[1] = 32749;
	assert_int_equal(build(srv, w, 2), SHM_SCHED_MAX);
	/* Many small beside one large: nobody is left out. */
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 30000; i++) {
		srv[i] = i;
		w[i] = i == 0 ? 1u << 31 : 1;
	}
	assert_int_equal(build(srv, w, 30000), SHM_SCHED_MAX);
	for (uint32_t i = 0; i < SHM_SCHED_MAX; i++)
		seen[out[i]]++;
	for (uint32_t i = 1; i < 30000; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(seen[0], SHM_SCHED_MAX - 29999);
}

/* ---- several processes ---- */

#define BE 3

struct oracle {
	_Atomic int go, stop;
	_Atomic uint64_t picks[4][256]; /* by worker and server */
	_Atomic uint64_t none, bad;
	_Atomic uint64_t begun, done; /* schedules published so far */
};

static int
pick_15000(struct shm *s, void *arg)
{
	struct oracle *o = arg;

	while (o->go == 0)
		;
	for (unsigned i = 0; i < 15000; i++)
		o->picks[s->index][schedule_pick(s, BE)]++;
	return 0;
}

static void
two_processes_pick_exactly(void **state)
{
	const uint32_t srv[3] = {10, 11, 12}, w[3] = {1, 1, 1};
	struct oracle *o = procs_share(sizeof(*o));
	struct shm m;
	pid_t a, b;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	assert_int_equal(schedule_pick(&m, BE), SHM_NONE);
	assert_int_equal(schedule_set(&m, BE, srv, w, 3), 3);
	a = procs_fork(&m, SHM_WORKER, 0, pick_15000, o);
	b = procs_fork(&m, SHM_WORKER, 1, pick_15000, o);
	o->go = 1;
	assert_int_equal(procs_wait(a), 0);
	assert_int_equal(procs_wait(b), 0);
	for (unsigned i = 10; i <= 12; i++)
		assert_int_equal(o->picks[0][i] + o->picks[1][i], 10000);
	shm_detach(&m);
}

/* The k-th schedule has servers of its own, k % 16 * 16 and some after it. */
static void
publish_next(const struct shm *s, struct oracle *o)
{
	uint64_t k = ++o->begun;
	uint32_t srv[7], w[7], n = 1 + (uint32_t)k % 7;

	for (uint32_t i = 0; i < n; i++) {
		srv[i] = (uint32_t)k % 16 * 16 + i;
		w[i] = 1 + ((uint32_t)k + i) % 3;
	}
	schedule_set(s, BE, srv, w, n);
	o->done = k;
}

static int
publish_on(struct shm *s, void *arg)
{
	struct oracle *o = arg;

	while (o->stop == 0)
		publish_next(s, o);
	return 0;
}

static bool
refuse_odd(void *arg, uint32_t srv)
{
	(void)arg;
	return srv % 2 == 1;
}

/* Does srv belong to a schedule that was in force at some time between two looks? */
static bool
was_valid(uint32_t srv, uint64_t done_before, uint64_t begun_after)
{
	if (begun_after - done_before >= 15)
		return true;
	for (uint64_t k = done_before; k <= begun_after; k++)
		if (srv / 16 == k % 16 && srv % 16 < 1 + k % 7)
			return true;
	return false;
}

/* Picks until it is stopped. Server 0 of each set is never refused. */
static int
pick_on(struct shm *s, void *arg)
{
	struct oracle *o = arg;

	for (unsigned i = 0; o->stop == 0; i++) {
		uint64_t done = o->done;
		uint32_t srv =
		    i % 2 ? schedule_pick(s, BE) : schedule_pick_except(s, BE, refuse_odd, o);

		if (srv == SHM_NONE)
			o->none++;
		else if (!was_valid(srv, done, o->begun) || (i % 2 == 0 && srv % 2 == 1))
			o->bad++;
		else
			o->picks[s->index][srv]++;
	}
	return 0;
}

/* Has worker w picked the first server of each set at least n times? */
static bool
all_seen(const struct oracle *o, unsigned w, uint64_t n)
{
	for (unsigned i = 0; i < 256; i += 16)
		if (o->picks[w][i] < n)
			return false;
	return true;
}

static void
republish_never_gives_an_invalid_entry(void **state)
{
	struct oracle *o = procs_share(sizeof(*o));
	struct shm m;
	pid_t pid[3];

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	publish_next(&m, o);
	pid[0] = procs_fork(&m, SHM_CHECKER, 0, publish_on, o);
	pid[1] = procs_fork(&m, SHM_WORKER, 0, pick_on, o);
	pid[2] = procs_fork(&m, SHM_WORKER, 1, pick_on, o);
	while (!all_seen(o, 0, 30) || !all_seen(o, 1, 30))
		usleep(1000);
	o->stop = 1;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(o->bad, 0);
	assert_int_equal(o->none, 0);
	shm_detach(&m);
}

static void
killed_publisher_leaves_a_schedule(void **state)
{
	struct oracle *o = procs_share(sizeof(*o));
	struct shm m;
	pid_t w[2];
	uint64_t seed = 5, before[2], set;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	publish_next(&m, o);
	w[0] = procs_fork(&m, SHM_WORKER, 0, pick_on, o);
	w[1] = procs_fork(&m, SHM_WORKER, 1, pick_on, o);
	for (unsigned kills = 0; kills < 200; kills++) {
		pid_t p = procs_fork(&m, SHM_CHECKER, 0, publish_on, o);

		usleep(procs_random(&seed) % 3000);
		procs_kill(p);
	}
	/* The last one may have died anywhere; the workers get the next one's schedule. */
	publish_next(&m, o);
	set = o->done % 16 * 16;
	before[0] = o->picks[0][set];
	before[1] = o->picks[1][set];
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(schedule_pick(&m, BE) / 16, set / 16);
	while (o->picks[0][set] == before[0] || o->picks[1][set] == before[1])
		usleep(1000);
	o->stop = 1;
	assert_int_equal(procs_wait(w[0]), 0);
	assert_int_equal(procs_wait(w[1]), 0);
	assert_int_equal(o->bad, 0);
	assert_int_equal(o->none, 0);
	shm_detach(&m);
}

/* ---- one process ---- */

static void
position_is_carried_over(void **state)
{
	const uint32_t srv[3] = {1, 2, 3}, w[3] = {1, 1, 1};
	uint32_t seen[4] = {0};
	struct shm m;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	for (unsigned i = 0; i < 65536 + 10; i++) { /* the generation wraps */
		schedule_set(&m, BE, srv, w, 3);
		seen[schedule_pick(&m, BE)]++;
	}
	assert_int_equal(seen[1], 21849);
	assert_int_equal(seen[2], 21849);
	assert_int_equal(seen[3], 21848);
	shm_detach(&m);
}

/* Sets the position, as picks for years would. */
static void
jump(const struct shm *m, uint64_t pos)
{
	uint64_t word = mw64_get(&shm_cursor(m, BE)->word);

	assert_true(mw64_cas(&shm_cursor(m, BE)->word, &word, (word & ~SCHEDULE_POS_MASK) | pos));
}

static void
position_does_not_reach_the_generation(void **state)
{
	const uint32_t srv[3] = {1, 2, 3}, w[3] = {1, 1, 1};
	uint64_t high = (SCHEDULE_POS_MASK - 5) / 3 * 3, word;
	struct shm m;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	schedule_set(&m, BE, srv, w, 3);
	jump(&m, high);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(schedule_pick(&m, BE), srv[i % 3]);
	word = mw64_get(&shm_cursor(&m, BE)->word);
	assert_int_equal(word >> SCHEDULE_POS_BITS, 1);
	assert_true((word & SCHEDULE_POS_MASK) < 12);
	/* By the publisher. */
	jump(&m, high + 1);
	schedule_set(&m, BE, srv, w, 3);
	word = mw64_get(&shm_cursor(&m, BE)->word);
	assert_int_equal(word >> SCHEDULE_POS_BITS, 2);
	assert_int_equal(word & SCHEDULE_POS_MASK, 1);
	/* With an empty schedule. */
	schedule_set(&m, BE, srv, w, 0);
	jump(&m, SCHEDULE_POS_MASK - 1);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(schedule_pick(&m, BE), SHM_NONE);
	assert_int_equal(mw64_get(&shm_cursor(&m, BE)->word) >> SCHEDULE_POS_BITS, 3);
	shm_detach(&m);
}

struct refusal {
	uint32_t only; /* the one server that is not refused; SHM_NONE: none */
	unsigned calls;
};

static bool
refuse_but(void *arg, uint32_t srv)
{
	struct refusal *r = arg;

	r->calls++;
	return srv != r->only;
}

static void
the_one_candidate_is_found(void **state)
{
	uint32_t srv[100], w[100];
	struct refusal r;
	struct shm m;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	for (uint32_t i = 0; i < 100; i++) {
		srv[i] = 50 + i;
		w[i] = i == 0 ? 60000 : 1; /* a schedule of nearly one server */
	}
	schedule_set(&m, BE, srv, w, 100);
	for (uint32_t i = 0; i < 100; i++) {
		r = (struct refusal){.only = 50 + i};
		assert_int_equal(schedule_pick_except(&m, BE, refuse_but, &r), 50 + i);
		assert_true(r.calls <= 101);
	}
	r = (struct refusal){.only = SHM_NONE};
	assert_int_equal(schedule_pick_except(&m, BE, refuse_but, &r), SHM_NONE);
	assert_true(r.calls <= 101);
	schedule_set(&m, BE, srv, w, 0);
	assert_int_equal(schedule_pick_except(&m, BE, refuse_but, &r), SHM_NONE);
	shm_detach(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_weights_are_plain_round_robin),
	    cmocka_unit_test(weights_are_divided_and_spread),
	    cmocka_unit_test(each_prefix_is_within_one),
	    cmocka_unit_test(long_schedules_are_scaled),
	    cmocka_unit_test(two_processes_pick_exactly),
	    cmocka_unit_test(republish_never_gives_an_invalid_entry),
	    cmocka_unit_test(killed_publisher_leaves_a_schedule),
	    cmocka_unit_test(position_is_carried_over),
	    cmocka_unit_test(position_does_not_reach_the_generation),
	    cmocka_unit_test(the_one_candidate_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
