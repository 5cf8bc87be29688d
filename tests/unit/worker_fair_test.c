/* SPDX-License-Identifier: ISC */
/* Turns of connections that are no sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/fair.h"

#define N       20
#define WORK_US 300

static struct loop *loop;
static struct {
	struct fair fair;
	unsigned runs;
} item[N];
static unsigned runs; /* of all */
static bool again;    /* each wants another turn */

static void
work(struct fair *f)
{
	struct mono start = mono_now();
	size_t i = (size_t)((char *)f - (char *)item) / sizeof(item[0]);

	while (mono_now().ns - start.ns < WORK_US * 1000)
		;
	item[i].runs++;
	runs++;
	if (again)
		fair_add(loop, f);
}

static void
never(struct loop_timer *t)
{
	(void)t;
	fail();
}

static int
setup(void **state)
{
	(void)state;
	loop = loop_new();
	assert_non_null(loop);
	assert_int_equal(loop_timer_reserve(loop, 2 * N), 0);
	memset(item, 0, sizeof(item));
	for (size_t i = 0; i < N; i++)
		item[i].fair.cb = work;
	runs = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		fair_del(&item[i].fair);
	loop_free(loop);
	return 0;
}

/* However many want something: a turn of the loop ends soon after FAIR_US, also when other timers
 * are armed, and whoever waited longest comes first in the next one. */
static void
a_turn_is_bounded_and_all_come(void **state)
{
	struct loop_timer others[N] = {{0}};
	unsigned most = (FAIR_US + WORK_US - 1) / WORK_US;

	(void)state;
	again = true;
	for (size_t i = 0; i < N; i++) {
		others[i].cb = never;
		loop_timer_set(loop, &others[i], mono_add_ms(mono_now(), 3600000));
		fair_add(loop, &item[i].fair);
		fair_add(loop, &item[i].fair); /* once is enough */
	}
	while (runs < 5 * N) {
		unsigned before = runs;

		assert_int_equal(loop_turn(loop, 1000), 0);
		assert_in_range(runs - before, 1, most);
		for (size_t i = 1; i < N; i++)
			assert_true(
			    item[i].runs == item[0].runs || item[i].runs + 1 == item[0].runs);
	}
	for (size_t i = 0; i < N; i++)
		loop_timer_del(loop, &others[i]);
}

/* Who goes while he waits is not served, wherever he stood. */
static void
who_has_gone_is_left_out(void **state)
{
	static const size_t gone[] = {0, 7, 8, N - 1};

	(void)state;
	again = false;
	for (size_t i = 0; i < N; i++)
		fair_add(loop, &item[i].fair);
	for (size_t i = 0; i < 4; i++) {
		fair_del(&item[gone[i]].fair);
		fair_del(&item[gone[i]].fair);
	}
	fair_add(loop, &item[7].fair);
	for (int i = 0; i < 2 * N; i++)
		assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(runs, N - 3);
	assert_int_equal(item[0].runs + item[8].runs + item[N - 1].runs, 0);
	assert_int_equal(item[7].runs, 1);
	for (size_t i = 0; i < N; i++)
		fair_add(loop, &item[i].fair);
	for (size_t i = 0; i < N; i++)
		fair_del(&item[i].fair);
	runs = 0;
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(runs, 0);
}

/* A worker that is forked while the master's line is not empty: its own connections are served. */
static void
an_inherited_line_is_forgotten(void **state)
{
	struct loop *inherited = loop;
	struct fair of_master = {.cb = work};

	(void)state;
	again = false;
	fair_add(inherited, &of_master);
	fair_forget();
	loop = loop_new();
	assert_non_null(loop);
	assert_int_equal(loop_timer_reserve(loop, N), 0);
	fair_add(loop, &item[3].fair);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(runs, 1);
	assert_int_equal(item[3].runs, 1);
	loop_free(inherited);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_turn_is_bounded_and_all_come, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_inherited_line_is_forgotten, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_has_gone_is_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
