/* SPDX-License-Identifier: ISC */
/* Health -> band -> priority, and the schedule of gratuitous ARP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vrrp/band.h"
#include "vrrp/garp.h"

#define MS 1000000LL
#define S  1000000000LL

static void
facts_to_band(void **state)
{
	static const struct {
		struct band_facts f;
		enum band band;
	} rows[] = {
	    {{.total = 3, .usable = 3, .weight_up = 30, .weight_all = 30, .workers = true},
		BAND_GOOD},
	    {{.total = 3, .usable = 2, .weight_up = 20, .weight_all = 30, .workers = true},
		BAND_DEGRADED},
	    {{.total = 3, .usable = 0, .weight_all = 30, .workers = true}, BAND_DEAD},
	    {{.total = 0, .workers = true}, BAND_GOOD},
	    {{.total = 3, .usable = 3, .weight_up = 30, .weight_all = 30}, BAND_DEAD},
	    /* stale: at most degraded, never dead */
	    {{.total = 3,
		 .usable = 3,
		 .weight_up = 30,
		 .weight_all = 30,
		 .workers = true,
		 .stale = true},
		BAND_DEGRADED},
	    {{.total = 3, .usable = 0, .weight_all = 30, .workers = true, .stale = true},
		BAND_DEGRADED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(band_of_facts(&rows[i].f), rows[i].band);
}

/* The band can be read from every priority; none is 0 or 255; order of bands beats every base. */
static void
priorities(void **state)
{
	(void)state;
	for (int band = 0; band < BAND_COUNT; band++) {
		for (int base = 1; base <= 255; base++) {
			uint8_t p = band_priority((enum band)band, (uint8_t)base);

			assert_in_range(p, 80 * band + 1, 80 * band + 64);
			assert_int_equal(band_of_priority(p), band);
			/* bases 4 apart stay apart */
			if (base > 4)
				assert_true(
				    p > band_priority((enum band)band, (uint8_t)(base - 4)));
		}
	}
	assert_int_equal(band_weights_priority(100, -5), 95);
	assert_int_equal(band_weights_priority(100, -253), 1);
	assert_int_equal(band_weights_priority(200, 253), 254);
	assert_int_equal(band_weights_priority(255, -253), 255);
}

static void
holds(void **state)
{
	const struct band_holds_cfg cfg = {.degrade_ns = 2 * S, .rise_ns = 5 * S};
	struct band_hold h = {0};
	struct mono t = {1 * S}, again;

	(void)state;
	assert_int_equal(band_hold_step(&h, BAND_DEGRADED, t, &cfg, &again), BAND_DEGRADED);
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_DEGRADED);
	assert_int_equal(again.ns, 6 * S);
	t.ns = 6 * S - 1;
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_DEGRADED);
	t.ns = 6 * S;
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_GOOD);
	assert_int_equal(again.ns, MONO_NEVER.ns);
	/* good -> degraded after 2 s without a break */
	assert_int_equal(band_hold_step(&h, BAND_DEGRADED, t, &cfg, &again), BAND_GOOD);
	t.ns = 7 * S;
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_GOOD);
	t.ns = 8 * S + 1;
	assert_int_equal(band_hold_step(&h, BAND_DEGRADED, t, &cfg, &again), BAND_GOOD);
	t.ns = 10 * S + 1;
	assert_int_equal(band_hold_step(&h, BAND_DEGRADED, t, &cfg, &again), BAND_DEGRADED);
	/* dead at once */
	assert_int_equal(band_hold_step(&h, BAND_DEAD, t, &cfg, &again), BAND_DEAD);
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_DEAD);
	t.ns += 5 * S;
	assert_int_equal(band_hold_step(&h, BAND_GOOD, t, &cfg, &again), BAND_GOOD);
}

/* ---- garp ------------------------------------------------------------------ */

static const struct garp_cfg defaults = {.refresh_ns = 30 * S, .trouble_ns = 1 * S};
static const struct garp_cfg *const all_default[] = {&defaults, &defaults};

/* Runs the schedule until `until`; notes (ms since start, address). Returns how many. */
static size_t
run_with(const struct garp_cfg *cfg, struct garp *g, struct garp_rate *r, struct mono t0,
    int64_t until_ms, int64_t *at, int *addr)
{
	size_t n = 0, which;

	for (;;) {
		struct mono t = garp_next(g, r);
		int i;

		if (t.ns > t0.ns + until_ms * MS || n == 500)
			return n;
		i = garp_step(&g, 1, r, t, &cfg, &which);
		assert_int_not_equal(i, -1);
		at[n] = mono_diff_ms(t, t0);
		addr[n++] = i;
	}
}

static size_t
run(struct garp *g, struct garp_rate *r, struct mono t0, int64_t until_ms, int64_t *at, int *addr)
{
	return run_with(&defaults, g, r, t0, until_ms, at, addr);
}

/* garp_master_repeat and garp_master_delay as keepalived has them, under the same limit of 10 a
 * second. */
static void
takeover_as_the_user_says(void **state)
{
	static const struct {
		struct garp_cfg cfg;
		size_t addrs, n;
		int64_t at[20];
	} rows[] = {
	    {{30 * S, S, 5, 5 * S}, 1, 11, {0, 0, 0, 0, 0, 5000, 5000, 5000, 5000, 5000, 35000}},
	    {{0, S, 3, 0}, 1, 3, {0, 0, 0}},
	    {{2 * S, S, 1, 3 * S}, 1, 4, {0, 3000, 5000, 7000}},
	    /* 14 in a burst: the last four a second later, and so the second burst. */
	    {{0, S, 7, 100 * MS}, 2, 28,
		{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000,
		    1000}},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct garp g = {0};
		struct garp_rate r = {0};
		struct mono t = {7 * S};
		int64_t at[500];
		int addr[500];
		size_t n;

		garp_start(&g, rows[k].addrs, t);
		n = run_with(&rows[k].cfg, &g, &r, t, k == 2 ? 8000 : 60000, at, addr);
		assert_int_equal(n, rows[k].n);
		for (size_t i = 0; i < n && i < 20; i++) {
			assert_int_equal(at[i], rows[k].at[i]);
			assert_int_equal(addr[i], i % rows[k].addrs);
		}
	}
}

/* Trouble while a burst of the user's is under way does not add to it; after it, it does. */
static void
trouble_after_a_burst(void **state)
{
	static const struct garp_cfg cfg = {0, S, 2, 3 * S};
	struct garp g = {0};
	struct garp_rate r = {0};
	struct mono t = {7 * S};
	int64_t at[500];
	int addr[500];

	(void)state;
	garp_start(&g, 1, t);
	garp_trouble(&g, t, &cfg);
	assert_int_equal(run_with(&cfg, &g, &r, t, 3500, at, addr), 4);
	assert_int_equal(at[2], 3000);
	assert_int_equal(garp_next(&g, &r).ns, t.ns + 4 * S);
}

static void
takeover_of_one(void **state)
{
	static const int64_t expect[] = {0, 0, 100, 500, 1000, 2000, 5000, 35000, 65000};
	struct garp g = {0};
	struct garp_rate r = {0};
	struct mono t = {7 * S};
	int64_t at[500];
	int addr[500];

	(void)state;
	assert_int_equal(garp_next(&g, &r).ns, MONO_NEVER.ns);
	garp_sign(&g, t); /* not running: nothing */
	assert_int_equal(garp_next(&g, &r).ns, MONO_NEVER.ns);
	garp_start(&g, 1, t);
	assert_int_equal(run(&g, &r, t, 70000, at, addr), 9);
	for (int i = 0; i < 9; i++)
		assert_int_equal(at[i], expect[i]);
	garp_stop(&g);
	assert_int_equal(garp_next(&g, &r).ns, MONO_NEVER.ns);
}

/* 25 addresses: each once before any twice, never more than 10 in any second. */
static void
many_addresses(void **state)
{
	struct garp g = {0};
	struct garp_rate r = {0};
	struct mono t = {7 * S};
	int64_t at[500];
	int addr[500];
	size_t n;

	(void)state;
	garp_start(&g, 25, t);
	n = run(&g, &r, t, 60000, at, addr);
	assert_true(n >= 75);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(addr[i], i % 25);
		if (i >= 10)
			assert_true(at[i] - at[i - 10] >= 1000);
	}
	assert_true(n > 24 && at[24] <= 2000);
}

/* A flood of signs stays inside the rate and does not starve the last address. */
static void
signs(void **state)
{
	struct garp g = {0};
	struct garp_rate r = {0};
	struct mono t = {7 * S};
	size_t sent[3] = {0}, which;
	struct garp *p = &g;

	(void)state;
	garp_start(&g, 3, t);
	for (int i = 0; i < 20000; i++) {
		int a;

		t.ns += MS / 2;
		garp_sign(&g, t);
		a = garp_step(&p, 1, &r, t, all_default, &which);
		if (a >= 0)
			sent[a]++;
	}
	assert_in_range(sent[0] + sent[1] + sent[2], 95, 101);
	assert_true(sent[2] >= sent[0] - 1);
	/* After trouble: each second for a minute, then each 30 s. */
	{
		int64_t at[500];
		int addr[500];
		size_t n = run(&g, &r, t, 90000, at, addr);

		assert_in_range(n, 3 * (55 + 6), 3 * (62 + 7));
	}
}

/* Two routers share the interface's rate; the one in the earlier round goes first. */
static void
two_routers(void **state)
{
	struct garp a = {0}, b = {0};
	struct garp *both[] = {&a, &b};
	struct garp_rate r = {0};
	struct mono t = {7 * S};
	size_t which, first[2] = {0};

	(void)state;
	garp_start(&a, 5, t);
	garp_start(&b, 5, t);
	for (int i = 0; i < 10; i++) {
		assert_int_not_equal(garp_step(both, 2, &r, t, all_default, &which), -1);
		first[which]++;
	}
	assert_int_equal(first[0], 5);
	assert_int_equal(first[1], 5);
	assert_int_equal(garp_step(both, 2, &r, t, all_default, &which), -1);
}

/* One that shall not be refreshed beside one that shall. */
static void
refresh_of_each_its_own(void **state)
{
	static const struct garp_cfg none = {.refresh_ns = 0, .trouble_ns = 1000000000};
	const struct garp_cfg *cfg[] = {&none, &defaults};
	struct garp a = {0}, b = {0}, *both[] = {&a, &b};
	struct garp_rate r = {0};
	struct mono t = {1000000000};
	unsigned sent[2] = {0};
	size_t which;

	(void)state;
	garp_start(&a, 1, t);
	garp_start(&b, 1, t);
	for (int i = 0; i < 1000; i++, t = mono_add_ms(t, 100))
		while (garp_step(both, 2, &r, t, cfg, &which) != -1)
			sent[which]++;
	assert_int_equal(sent[0], 7);
	assert_int_equal(sent[1], 7 + 3); /* 35, 65, 95 s */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(facts_to_band),
	    cmocka_unit_test(priorities),
	    cmocka_unit_test(holds),
	    cmocka_unit_test(takeover_of_one),
	    cmocka_unit_test(takeover_as_the_user_says),
	    cmocka_unit_test(trouble_after_a_burst),
	    cmocka_unit_test(many_addresses),
	    cmocka_unit_test(signs),
	    cmocka_unit_test(two_routers),
	    cmocka_unit_test(refresh_of_each_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
