/* SPDX-License-Identifier: ISC */
/* shm/step: words that change together, whatever their writer is killed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include "shm/step.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 2, .frontends = 16, .backends = 16, .servers = 16, .sessions = 64};

#define KILLS 400

static struct shm m;
static volatile bool never_set;

/* As sessions do: the counters of three objects and the record's word. */
static int
count_on(struct shm *s, void *arg)
{
	struct shm_worker *w = s->own_worker;
	struct shm_session *r = SHM_OWN(s, w, sessions);

	(void)arg;
	while (!never_set) {
		step_add(w, &SHM_OWN(s, w, fe)[1].sess, 1);
		step_add(w, &SHM_OWN(s, w, be)[2].sess, 1);
		step_add(w, &SHM_OWN(s, w, srv)[3].sess, 1);
		step_add(w, &w->cum_conn, 1);
		step_set(w, &r->counted, sw32_get(&r->counted) + 1);
		step_make(w);
	}
	return 0;
}

static void
all_or_none_under_kill(void **state)
{
	struct shm_worker *w;
	uint64_t seed = 3, last = 0;
	unsigned unfinished = 0, apart = 0;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	w = shm_dead_worker(&m, 0);
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t pid = procs_fork(&m, SHM_WORKER, 0, count_on, NULL);
		uint64_t n;

		while (sw64_get(&w->cum_conn) == last)
			usleep(10);
		usleep(procs_random(&seed) % 50);
		procs_kill(pid);
		unfinished += sw32_get(&w->step.n) != 0;
		apart += sw64_get(&shm_fe_count(&m, w)[1].sess) !=
			 sw32_get(&shm_sessions(&m, w)[0].counted);
		step_settle(&m, w);
		n = sw64_get(&w->cum_conn);
		assert_true(n > last);
		assert_int_equal(sw64_get(&shm_fe_count(&m, w)[1].sess), n);
		assert_int_equal(sw64_get(&shm_be_count(&m, w)[2].sess), n);
		assert_int_equal(sw64_get(&shm_srv_count(&m, w)[3].sess), n);
		assert_int_equal(sw32_get(&shm_sessions(&m, w)[0].counted), (uint32_t)n);
		step_settle(&m, w); /* once more does no harm */
		assert_int_equal(sw64_get(&w->cum_conn), n);
		last = n;
	}
	/* It was put to the test: some died amid their words. */
	assert_true(unfinished > 0);
	assert_true(apart > 0);
	shm_detach(&m);
}

/* A stray store killed it: the master stays whole. */
static void
nonsense_is_left_out(void **state)
{
	struct shm_worker *w;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	w = shm_dead_worker(&m, 1);
	sw32_set(&w->step.n, UINT32_MAX);
	for (unsigned i = 0; i < SHM_STEP_WORDS; i++) {
		w->step.e[i].at = UINT32_MAX - i * 3;
		w->step.e[i].value = 1;
	}
	w->step.e[4].at = (uint32_t)offsetof(struct shm_worker, cum_conn);
	w->step.e[4].value = 77;
	w->step.e[5].at = (uint32_t)(m.head->worker_size - 4);
	step_settle(&m, w);
	assert_int_equal(sw64_get(&w->cum_conn), 77);
	assert_int_equal(sw32_get(&w->step.n), 0);
	shm_detach(&m);
}

/* What it wrote down may be a place that it held: that is given back all the same. */
static void
no_place_comes_back(void **state)
{
	struct shm_worker *w;
	struct sw32 *held;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	w = shm_dead_worker(&m, 1);
	held = SHM_OWN(&m, w, held_fe);
	step_set(w, &held[3], 9);
	sw32_set(&w->step.n, 1);
	sw32_set(&w->held, 4);
	shm_worker_reset(&m, w);
	assert_int_equal(sw32_get(&held[3]), 0);
	assert_int_equal(sw32_get(&w->held), 0);
	assert_int_equal(sw32_get(&w->step.n), 0);
	shm_detach(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_or_none_under_kill),
	    cmocka_unit_test(nonsense_is_left_out),
	    cmocka_unit_test(no_place_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
