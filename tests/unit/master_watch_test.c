/* SPDX-License-Identifier: ISC */
/* master: restart backoff and the verdict on silent children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "master/backoff.h"
#include "master/watch.h"

static void
backoff(void **state)
{
	static const int64_t want[] = {0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct backoff b = {0};
	uint32_t deaths;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(backoff_step(&b, 10), want[i]);
		assert_int_equal(backoff_degraded(&b), i >= 3);
	}
	assert_int_equal(backoff_step(&b, BACKOFF_STABLE_MS), 0);
	assert_false(backoff_degraded(&b));
	/* A crash loop ends when the process has lived for long enough, not with its next death. */
	b.deaths = BACKOFF_FREE + 1;
	assert_false(backoff_lives(&b, BACKOFF_STABLE_MS - 1, &deaths));
	assert_true(backoff_degraded(&b));
	assert_true(backoff_lives(&b, BACKOFF_STABLE_MS, &deaths));
	assert_int_equal(deaths, BACKOFF_FREE + 1);
	assert_false(backoff_degraded(&b));
	assert_false(backoff_lives(&b, BACKOFF_STABLE_MS, &deaths));
	b.deaths = UINT32_MAX - 1;
	assert_int_equal(backoff_step(&b, 0), 5000);

	/* vrrp comes back inside its lease a dozen times, then the pauses grow. */
	b = (struct backoff){0};
	for (int i = 1; i <= 12; i++)
		assert_int_equal(backoff_step_lease(&b, 10), i <= 3 ? 0 : 100);
	assert_int_equal(backoff_step_lease(&b, 10), 5000);
}

static void
silent_after_two_ticks(void **state)
{
	struct watch w = {0};
	bool sample;

	(void)state;
	assert_int_equal(watch_step(&w, 10, 10, WATCH_KILL_TICKS, &sample), WATCH_FINE);
	assert_int_equal(watch_step(&w, 11, 10, WATCH_KILL_TICKS, &sample), WATCH_FINE);
	assert_int_equal(watch_step(&w, 12, 10, WATCH_KILL_TICKS, &sample), WATCH_FINE);
	assert_int_equal(watch_step(&w, 13, 10, WATCH_KILL_TICKS, &sample), WATCH_SILENT);
	assert_true(sample);
	w.sampled = true;
	assert_int_equal(watch_step(&w, 14, 10, WATCH_KILL_TICKS, &sample), WATCH_SILENT);
	assert_false(sample);
	assert_int_equal(watch_step(&w, 31, 10, WATCH_KILL_TICKS, &sample), WATCH_SILENT);
	assert_true(sample);
	assert_int_equal(watch_step(&w, 32, 31, WATCH_KILL_TICKS, &sample), WATCH_FINE);
	assert_int_equal(w.asked, 0);
}

/* All processes stop for a long while: the master's next tick is one more, whatever the clock says.
 */
static void
a_pause_of_the_machine_is_one_tick(void **state)
{
	struct watch w = {0};
	bool sample;

	(void)state;
	assert_int_equal(watch_step(&w, 100, 99, WATCH_KILL_TICKS, &sample), WATCH_FINE);
	assert_int_equal(watch_step(&w, 101, 100, WATCH_KILL_TICKS, &sample), WATCH_FINE);
}

static void
verdicts(void **state)
{
	const struct watch w = {.asked = 1, .sampled = true, .at_ask = {'R', 1000, 1000}};

	(void)state;
	assert_int_equal(watch_judge(&w, &(struct watch_sample){'T', 1000, 1000}, 0), WATCH_KILL);
	assert_int_equal(watch_judge(&w, &(struct watch_sample){'t', 1000, 1000}, 0), WATCH_SILENT);
	assert_int_equal(watch_judge(&w, &(struct watch_sample){'S', 1000, 1000}, 0), WATCH_KILL);
	assert_int_equal(
	    watch_judge(&w, &(struct watch_sample){'R', 900000000, 1000}, 0), WATCH_KILL);
	assert_int_equal(
	    watch_judge(&w, &(struct watch_sample){'R', 2000, 2000000000}, 0), WATCH_STARVED);
	/* What it builds for a reload may take its time, as long as it works. */
	assert_int_equal(watch_judge(&w, &(struct watch_sample){'R', 900000000, 1000}, 1000000000),
	    WATCH_STARVED);
	assert_int_equal(
	    watch_judge(&w, &(struct watch_sample){'R', 1100000000, 1000}, 1000000000), WATCH_KILL);
	assert_int_equal(
	    watch_judge(&w, &(struct watch_sample){'S', 1000, 1000}, 1000000000), WATCH_KILL);
	assert_int_equal(
	    watch_judge(&w, &(struct watch_sample){'D', 1000, 1000}, 0), WATCH_BLOCKED);
	assert_int_equal(watch_judge(&w, &(struct watch_sample){0, 0, 0}, 0), WATCH_SILENT);
}

static void
one_kill_a_second_and_never_the_last(void **state)
{
	(void)state;
	assert_true(watch_may_kill(50, 0, false, false));
	assert_false(watch_may_kill(50, 45, true, true));
	assert_true(watch_may_kill(60, 45, false, true));
	assert_false(watch_may_kill(60, 45, false, false));
	assert_true(watch_may_kill(60, 45, true, false));
}

static void
proc_texts(void **state)
{
	struct watch_sample s;

	(void)state;
	assert_true(watch_parse(&s, "12 (a) b) c) S 1 2", "123 456 7\n"));
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.cpu_ns, 123);
	assert_int_equal(s.wait_ns, 456);
	assert_false(watch_parse(&s, "12 a S", "1 2 3"));
	assert_false(watch_parse(&s, "12 (a) S", "x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(backoff),
	    cmocka_unit_test(silent_after_two_ticks),
	    cmocka_unit_test(a_pause_of_the_machine_is_one_tick),
	    cmocka_unit_test(verdicts),
	    cmocka_unit_test(one_kill_a_second_and_never_the_last),
	    cmocka_unit_test(proc_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
