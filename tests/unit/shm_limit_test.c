/* SPDX-License-Identifier: ISC */
/*
 * shm/limit under kill -9. The oracle is what workers say they were given (admitted), in the test's
 * own page, looked at while all of them are stopped; and, where nobody is killed, a shared counter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/mono.h"
#include "shm/limit.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 128, .backends = 16, .servers = 256, .sessions = 64};

#define N     3 /* workers */
#define LIMIT 4
#define SRV   77
#define FE    66

struct oracle {
	struct procs_places p;
	_Atomic int total;
	_Atomic uint64_t takes, refusals;
	_Atomic int last; /* worker that had the place last */
	_Atomic uint64_t handed;
	int bell[N];
};

static struct oracle *o;
static struct shm m;

static void
begin(void)
{
	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, N);
	o = procs_share(sizeof(*o));
	assert_non_null(o);
	o->last = -1;
	for (unsigned i = 0; i < N; i++)
		o->bell[i] = eventfd(0, EFD_NONBLOCK);
}

static void
end(void)
{
	for (unsigned i = 0; i < N; i++)
		close(o->bell[i]);
	shm_detach(&m);
}

/* Takes and gives back at random; counted says whether the shared counter may be used. */
static void
churn(struct shm *s, bool counted)
{
	uint64_t seed = (uint64_t)getpid();
	int have = 0;

	while (o->p.stop == 0) {
		if (have > 0 && procs_random(&seed) % 2) {
			o->p.admitted[s->index]--;
			if (counted)
				o->total--;
			limit_release_srv(s, SRV);
			have--;
		} else if (limit_take_srv(s, SRV, LIMIT)) {
			o->p.admitted[s->index]++;
			if (counted && ++o->total > LIMIT)
				o->p.over++;
			have++;
			o->takes++;
		} else {
			o->refusals++;
		}
	}
	for (; have > 0; have--) {
		if (counted)
			o->total--;
		limit_release_srv(s, SRV);
	}
}

static int
churn_counted(struct shm *s, void *arg)
{
	(void)arg;
	churn(s, true);
	return 0;
}

static int
churn_killed(struct shm *s, void *arg)
{
	(void)arg;
	churn(s, false);
	return 0;
}

static void
never_above_the_limit(void **state)
{
	pid_t pid[N];

	(void)state;
	begin();
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, churn_counted, NULL);
	while (o->takes < 1000000 || o->refusals < 1000)
		usleep(1000);
	o->p.stop = 1;
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(o->p.over, 0);
	assert_int_equal(limit_sum_srv(&m, SRV), 0);
	assert_int_equal(sw32_get(&shm_srv_count(&m, shm_worker(&m, 0))[SRV].cur_max), LIMIT);
	end();
}

static void
never_above_the_limit_under_kill(void **state)
{
	pid_t pid[N];

	(void)state;
	begin();
	procs_places_kill(&o->p, &m, N, LIMIT, churn_killed, pid);
	assert_int_equal(o->p.over, 0);
	/* The last words of the dead: nothing stays behind. */
	for (unsigned i = 0; i < N; i++) {
		procs_kill(pid[i]);
		shm_worker_reset(&m, shm_dead_worker(&m, i));
	}
	assert_int_equal(limit_sum_srv(&m, SRV), 0);
	end();
}

static void
ring(uint32_t w)
{
	uint64_t one = 1;

	if (w != SHM_NONE && write(o->bell[w], &one, sizeof(one)) == -1)
		_exit(9);
}

static void
bell_wait(const struct shm *s)
{
	struct pollfd p = {.fd = o->bell[s->index], .events = POLLIN};
	uint64_t n;

	if (poll(&p, 1, -1) == 1 && read(p.fd, &n, sizeof(n)) == -1)
		_exit(9);
}

/* One place of a frontend goes round: nobody may take it twice in a row, so a wake-up that is lost
 * is never made good by somebody else's next one. */
static int
pass_round(struct shm *s, void *arg)
{
	uint32_t turn = s->index;

	(void)arg;
	while (o->p.stop == 0) {
		bool got = limit_take_fe(s, FE, 1);

		while (!got && limit_wait_fe(s, FE, 1))
			got = limit_take_fe(s, FE, 1);
		if (!got) {
			bell_wait(s);
			continue;
		}
		limit_want_fe(s, FE, false);
		if (o->last == (int)s->index && o->p.stop == 0) {
			/* Not me again: hand it on. */
			limit_release_fe(s, FE);
			ring(limit_next_fe(s, FE, &turn));
			sched_yield();
			continue;
		}
		o->last = (int)s->index;
		o->handed++;
		limit_release_fe(s, FE);
		ring(limit_next_fe(s, FE, &turn));
		while (o->last == (int)s->index && o->p.stop == 0)
			sched_yield();
	}
	return 0;
}

/* Waits until the place was handed on n times more; false after 30 s. */
static bool
goes_on(uint64_t n)
{
	struct mono until = mono_add_ms(mono_now(), 30000);
	uint64_t want = o->handed + n;

	while (o->handed < want) {
		if (!mono_before(mono_now(), until))
			return false;
		usleep(100);
	}
	return true;
}

static void
ring_all(void)
{
	for (uint32_t w = 0; w < N; w++)
		ring(w);
}

static void
pass_round_end(const pid_t *pid, unsigned n)
{
	o->p.stop = 1;
	ring_all();
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(limit_sum_fe(&m, FE), 0);
}

/* Between two there is nobody who would make good for a lost one. */
static void
no_wake_up_is_lost(void **state)
{
	pid_t pid[2];

	(void)state;
	begin();
	for (unsigned i = 0; i < 2; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, pass_round, NULL);
	for (unsigned i = 0; i < 200; i++)
		assert_true(goes_on(500));
	pass_round_end(pid, 2);
	end();
}

static void
no_wake_up_is_lost_under_kill(void **state)
{
	uint64_t seed = 12;
	pid_t pid[N];

	(void)state;
	begin();
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, pass_round, NULL);
	for (unsigned kills = 0; kills < 100; kills++) {
		unsigned w = procs_random(&seed) % N;

		usleep(procs_random(&seed) % 5000);
		procs_kill(pid[w]);
		shm_worker_reset(&m, shm_dead_worker(&m, w));
		ring_all();
		/* The two others go on alone, then with the new one. */
		assert_true(goes_on(20));
		pid[w] = procs_fork(&m, SHM_WORKER, w, pass_round, NULL);
		assert_true(goes_on(20));
	}
	pass_round_end(pid, N);
	end();
}

static int
several_kinds(struct shm *s, void *arg)
{
	(void)arg;
	if (!limit_take_global(s, 2) || !limit_take_global(s, 2) || limit_take_global(s, 2))
		return 1;
	if (!limit_take_fe(s, FE, 0) || !limit_take_be(s, 5, 0) || limit_take_fe(s, FE, 1))
		return 2;
	for (unsigned i = 0; i < LIMIT_MISC; i++)
		if (!limit_take_misc(s))
			return 3;
	if (limit_take_misc(s))
		return 4;
	if (limit_wait_global(s, 2) || !limit_wait_fe(s, FE, 2))
		return 5;
	limit_want_fe(s, 0, true);
	return 0;
}

static void
kinds_are_counted_apart(void **state)
{
	uint32_t turn = 0;

	(void)state;
	begin();
	assert_int_equal(procs_wait(procs_fork(&m, SHM_WORKER, 2, several_kinds, NULL)), 0);
	assert_int_equal(limit_sum_global(&m), 2);
	assert_int_equal(limit_sum_fe(&m, FE), 1);
	assert_int_equal(limit_sum_be(&m, 5), 1);
	assert_int_equal(limit_sum_srv(&m, 5), 0);
	assert_int_equal(limit_sum_misc(&m), LIMIT_MISC);
	assert_int_equal(limit_next_global(&m, &turn), 2);
	assert_int_equal(limit_next_fe(&m, FE, &turn), 2);
	assert_int_equal(limit_next_fe(&m, 0, &turn), 2);
	assert_int_equal(limit_next_fe(&m, 1, &turn), SHM_NONE);
	/* In turn: 0 and 2 want, 1 does not; then 2 is absent. */
	sw32_set(&shm_dead_worker(&m, 0)->wants, SHM_WANT_GLOBAL);
	assert_int_equal(limit_next_global(&m, &turn), 0);
	assert_int_equal(limit_next_global(&m, &turn), 2);
	assert_int_equal(limit_next_global(&m, &turn), 0);
	sw64_set(&m.own_master->absent[0], 4);
	assert_int_equal(limit_next_global(&m, &turn), 0);
	shm_worker_reset(&m, shm_dead_worker(&m, 2));
	shm_worker_reset(&m, shm_dead_worker(&m, 0));
	assert_int_equal(limit_sum_global(&m), 0);
	assert_int_equal(limit_sum_misc(&m), 0);
	assert_int_equal(limit_next_global(&m, &turn), SHM_NONE);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(never_above_the_limit),
	    cmocka_unit_test(never_above_the_limit_under_kill),
	    cmocka_unit_test(no_wake_up_is_lost),
	    cmocka_unit_test(no_wake_up_is_lost_under_kill),
	    cmocka_unit_test(kinds_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
