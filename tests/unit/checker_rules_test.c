/* SPDX-License-Identifier: ISC */
/* checker: rise/fall, slow start, probe times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "checker/risefall.h"
#include "checker/slowstart.h"
#include "checker/timing.h"
#include "shm/check_status.h"

/* ---- rise and fall ---- */

/* Plays a string of results ('+' pass, '-' failure) from counter c and compares the counters. */
static void
play(uint32_t rise, uint32_t fall, uint32_t c, const char *results, const uint32_t *want)
{
	struct risefall r = {c, rise, fall};

	for (size_t i = 0; results[i] != '\0'; i++) {
		risefall_step(&r, results[i] == '+');
		if (r.counter != want[i])
			fail_msg("rise %u fall %u: %s: result %zu gives %u, not %u", rise, fall,
			    results, i, r.counter, want[i]);
	}
}

static void
counter_follows_haproxy(void **state)
{
	(void)state;
	/* Full health: fall failures in a row, then rise passes in a row. */
	play(2, 3, 4, "---", (const uint32_t[]){3, 2, 0});
	play(2, 3, 4, "--+---", (const uint32_t[]){3, 2, 4, 3, 2, 0});
	play(2, 3, 0, "++", (const uint32_t[]){1, 4});
	play(2, 3, 0, "+-++", (const uint32_t[]){1, 0, 1, 4});
	/* The start: one failure is enough, one pass makes it full. */
	play(2, 3, 2, "-", (const uint32_t[]){0});
	play(2, 3, 2, "+---", (const uint32_t[]){4, 3, 2, 0});
	/* Extremes. */
	play(1, 1, 1, "-+-", (const uint32_t[]){0, 1, 0});
	play(1, 3, 3, "---+", (const uint32_t[]){2, 1, 0, 3});
	play(3, 1, 3, "-+++-", (const uint32_t[]){0, 1, 2, 3, 0});
	play(2, 2, 3, "++--+-+", (const uint32_t[]){3, 3, 2, 0, 1, 0, 1});
}

static void
init_states(void **state)
{
	struct risefall r = {0, 3, 4};

	(void)state;
	r.counter = risefall_init(3, 4, CONF_INIT_UP);
	assert_true(risefall_up(&r));
	risefall_step(&r, false);
	assert_false(risefall_up(&r));
	r.counter = risefall_init(3, 4, CONF_INIT_FULLY_UP);
	for (int i = 0; i < 3; i++)
		risefall_step(&r, false);
	assert_true(risefall_up(&r));
	risefall_step(&r, false);
	assert_false(risefall_up(&r));
	r.counter = risefall_init(3, 4, CONF_INIT_DOWN);
	assert_false(risefall_up(&r));
	risefall_step(&r, true);
	assert_int_equal(r.counter, risefall_top(&r));
	r.counter = risefall_init(3, 4, CONF_INIT_FULLY_DOWN);
	risefall_step(&r, true);
	risefall_step(&r, true);
	assert_false(risefall_up(&r));
	risefall_step(&r, true);
	assert_true(risefall_up(&r));
	/* With rise 1, "down" and "fully-down" are the same. */
	assert_int_equal(risefall_init(1, 3, CONF_INIT_DOWN), 0);
}

static void
rescale_keeps_health(void **state)
{
	(void)state;
	for (uint32_t rise = 1; rise < 5; rise++)
		for (uint32_t fall = 1; fall < 5; fall++)
			for (uint32_t c = 0; c < rise + fall; c++)
				for (uint32_t to = 1; to < 25; to++) {
					struct risefall a = {c, rise, fall}, b = a;

					risefall_rescale(&b, to % 5 + 1, to / 5 + 1);
					assert_true(b.counter <= risefall_top(&b));
					assert_int_equal(risefall_up(&a), risefall_up(&b));
					if (c == risefall_top(&a))
						assert_int_equal(b.counter, risefall_top(&b));
					if (c == 0)
						assert_int_equal(b.counter, 0);
				}
}

static void
progress_in_words(void **state)
{
	struct risefall r = {4, 2, 3};
	uint32_t n, of;

	(void)state;
	risefall_progress(&r, &n, &of);
	assert_int_equal(n, 3);
	assert_int_equal(of, 3);
	r.counter = 2;
	risefall_progress(&r, &n, &of);
	assert_int_equal(n, 1);
	assert_int_equal(of, 3);
	r.counter = 1;
	risefall_progress(&r, &n, &of);
	assert_int_equal(n, 1);
	assert_int_equal(of, 2);
}

/* ---- slow start ---- */

static void
share_is_linear(void **state)
{
	uint32_t last = 0;

	(void)state;
	assert_int_equal(slowstart_share(-5, 60000), 1);
	assert_int_equal(slowstart_share(0, 60000), 1);
	assert_int_equal(slowstart_share(30000, 60000), 32768);
	assert_int_equal(slowstart_share(60000, 60000), 65536);
	assert_int_equal(slowstart_share(99999, 60000), 65536);
	assert_int_equal(slowstart_share(0, 0), 65536);
	/* A day's period does not overflow. */
	assert_int_equal(slowstart_share(43200000, 86400000), 32768);
	for (int64_t t = 0; t <= 60000; t += 100) {
		assert_true(slowstart_share(t, 60000) >= last);
		last = slowstart_share(t, 60000);
	}
}

static void
weight_and_limit_follow_the_share(void **state)
{
	uint32_t tenth = slowstart_share(6000, 60000);

	(void)state;
	/* The tutorial's server: weight 100, maxconn 250, after 6 of 60 s. */
	assert_int_equal(slowstart_weight(100, tenth), 2560);
	assert_int_equal(slowstart_maxconn(250, tenth), 25);
	assert_int_equal(slowstart_weight(100, SLOWSTART_FULL), 25600);
	assert_int_equal(slowstart_maxconn(250, SLOWSTART_FULL), 250);
	/* Never nothing, unless nothing was asked for. */
	assert_int_equal(slowstart_weight(1, 1), 16);
	assert_int_equal(slowstart_maxconn(250, 1), 1);
	assert_int_equal(slowstart_weight(0, 1), 0);
	assert_int_equal(slowstart_maxconn(0, 1), 0);
	assert_int_equal(slowstart_weight(256, SLOWSTART_FULL), 65536);
}

static void
steps_end_with_the_period(void **state)
{
	int64_t t = 0, n = 0;

	(void)state;
	while (t < 60000) {
		int64_t next = slowstart_next_ms(t, 60000);

		assert_true(next > t);
		t = next;
		n++;
	}
	assert_int_equal(t, 60000);
	assert_int_equal(n, 20);
	assert_int_equal(slowstart_next_ms(0, 50), 50);
	assert_int_equal(slowstart_next_ms(0, 1000), 100);
	assert_int_equal(slowstart_next_ms(950, 1000), 1000);
}

/* ---- times ---- */

static const struct conf_check tutorial = {
    .inter_ms = 10000, .fastinter_ms = 1000, .downinter_ms = 5000, .rise = 2, .fall = 3};
static const struct conf_check plain = {.inter_ms = 2000, .rise = 2, .fall = 3};

static void
interval_by_health(void **state)
{
	static const int64_t want[] = {5000, 1000, 1000, 1000, 10000};

	(void)state;
	for (uint32_t c = 0; c < 5; c++) {
		struct risefall r = {c, 2, 3};

		assert_int_equal(timing_interval(&tutorial, &r, false), want[c]);
		assert_int_equal(timing_interval(&tutorial, &r, true), 1000);
		assert_int_equal(timing_interval(&plain, &r, false), 2000);
		assert_int_equal(timing_interval(&plain, &r, true), 2000);
	}
}

static void
jitter_stays_in_range(void **state)
{
	(void)state;
	assert_int_equal(timing_jitter(2000, 0, 12345), 2000);
	assert_int_equal(timing_jitter(2000, 50, 0), 1000);
	assert_int_equal(timing_jitter(2000, 50, UINT32_MAX), 3000);
	assert_int_equal(timing_jitter(2000, 99, UINT32_MAX), 3000);
	assert_int_equal(timing_jitter(2000, 10, UINT32_MAX / 2), 2000);
}

static void
next_probe_counts_from_the_plan(void **state)
{
	static const struct {
		int64_t start, end, next; /* ms after the plan; inter is 2000 ms */
	} v[] = {
	    {0, 5, 2000},
	    {3, 900, 2000},     /* a little late: no drift */
	    {0, 3000, 3000},    /* slow: not before it ends */
	    {1000, 1005, 2000}, /* half an interval is left */
	    {1001, 1005, 4000}, /* too near */
	    {5100, 5105, 8000}, /* after a pause back in its place */
	    {4900, 4905, 6000},
	};
	struct mono p = {10000000000};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(
		    timing_next(p, mono_add_ms(p, v[i].start), mono_add_ms(p, v[i].end), 2000).ns,
		    mono_add_ms(p, v[i].next).ns);
	assert_false(timing_overdue(100));
	assert_true(timing_overdue(101));
}

static void
first_probes_are_spread(void **state)
{
	(void)state;
	assert_int_equal(timing_first(0, 3, 2000), 0);
	assert_int_equal(timing_first(2, 3, 2000), 20);
	assert_int_equal(timing_first(999, 1000, 2000), 1998);
	assert_int_equal(timing_first(500, 1000, 2000), 1000);
}

static void
limits_of_a_probe(void **state)
{
	struct conf_check c = plain;

	(void)state;
	/* Without "timeout check" inter bounds everything. */
	assert_in_range(timing_connect_limit(&c, 500), 1900, 1999);
	assert_int_equal(timing_answer_limit(&c, 0), timing_connect_limit(&c, 500));
	assert_int_equal(timing_answer_limit(&c, 100), timing_connect_limit(&c, 500) - 100);
	/* Seen late: the answer gets its time. */
	assert_int_equal(timing_answer_limit(&c, 5000), timing_connect_limit(&c, 500));
	assert_true(timing_stalled(101, 0));
	assert_true(timing_stalled(5000, 1));
	assert_false(timing_stalled(5000, 2));
	assert_false(timing_stalled(100, 0));
	/* A server that stops to answer right after a probe is DOWN within 3 inter, fall 2. */
	c.inter_ms = 1000;
	assert_true(1000 + 1000 + timing_connect_limit(&c, 0) < 3000);
	/* With it: connect by the smaller of timeout connect and inter, then timeout check. */
	c.timeout_ms = 7000;
	assert_int_equal(timing_connect_limit(&c, 500), 500);
	assert_int_equal(timing_connect_limit(&c, 5000), 1000);
	assert_int_equal(timing_connect_limit(&c, 0), 1000);
	assert_int_equal(timing_answer_limit(&c, 400), 7000);
	c.timeout_ms = 0;
	c.inter_ms = 1;
	assert_int_equal(timing_connect_limit(&c, 0), 1);
}

static void
reports_bring_a_probe_forward(void **state)
{
	struct mono now = {5000000000}, planned = mono_add_ms(now, 1500);

	(void)state;
	assert_int_equal(timing_report(now, mono_add_ms(now, -500), planned).ns, now.ns);
	assert_int_equal(
	    timing_report(now, mono_add_ms(now, -30), planned).ns, mono_add_ms(now, 70).ns);
	planned = mono_add_ms(now, 20);
	assert_int_equal(timing_report(now, mono_add_ms(now, -30), planned).ns, planned.ns);
}

static void
status_words(void **state)
{
	(void)state;
	assert_string_equal(check_status_word(CHECK_L4OK), "L4OK");
	assert_string_equal(check_status_word(CHECK_L7STS), "L7STS");
	assert_string_equal(check_status_word(4711), "UNK");
	assert_string_equal(check_status_text(CHECK_L4CON), "Layer4 connection problem");
	assert_true(check_status_passed(CHECK_L7OK));
	assert_false(check_status_passed(CHECK_SOCKERR));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counter_follows_haproxy),
	    cmocka_unit_test(init_states),
	    cmocka_unit_test(rescale_keeps_health),
	    cmocka_unit_test(progress_in_words),
	    cmocka_unit_test(share_is_linear),
	    cmocka_unit_test(weight_and_limit_follow_the_share),
	    cmocka_unit_test(steps_end_with_the_period),
	    cmocka_unit_test(interval_by_health),
	    cmocka_unit_test(jitter_stays_in_range),
	    cmocka_unit_test(next_probe_counts_from_the_plan),
	    cmocka_unit_test(first_probes_are_spread),
	    cmocka_unit_test(limits_of_a_probe),
	    cmocka_unit_test(reports_bring_a_probe_forward),
	    cmocka_unit_test(status_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
