/* SPDX-License-Identifier: ISC */
/*
 * The VRRP decision in stories: the scenarios of the failover measurements as single cases with
 * their aims, then 40,000 random schedules with the invariants I1 to I10 of failover-logic.md after
 * every step. A failing seed is printed with its trace; VIPD_SIM_SEED=n runs that one only,
 * VIPD_SIM_SEEDS=n another number of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/vrrp_sim.h"

#define MS SIM_MS
#define S  SIM_S

static struct sim sim;

static void
whole(const struct sim *s)
{
	if (s->broken[0] != '\0')
		fail_msg("%s", s->broken);
}

#define assert_at_most(ns, limit_ns)                                                      \
	do {                                                                              \
		if ((ns) > (limit_ns))                                                    \
			fail_msg("%s is %.3f s, at most %.3f s", #ns, (double)(ns) / 1e9, \
			    (double)(limit_ns) / 1e9);                                    \
	} while (0)

/* Two hosts up, host 0 is master, counters fresh. Interval 0: the tutorial's weights. */
static void
pair(int64_t interval_ns)
{
	sim_init(&sim, 2, 1);
	if (getenv("VIPD_SIM_TRACE") != NULL)
		sim.trace = stderr;
	for (unsigned i = 0; i < 2; i++)
		sim.h[i].cfg = interval_ns > 0 ? sim_cfg_bands(&sim, i, interval_ns)
					       : sim_cfg_weights(&sim, i);
	sim_boot(&sim, 0);
	sim_boot(&sim, 1);
	sim_run_for(&sim, 20 * S);
	assert_int_equal(sim_master(&sim), 0);
	sim_count_reset(&sim);
	whole(&sim);
}

static void
settles_on(int host, int64_t within)
{
	int64_t from = sim.now;

	while (sim_master(&sim) != host && sim.now - from <= within)
		sim_run_for(&sim, 10 * MS);
	whole(&sim);
	assert_int_equal(sim_master(&sim), host);
}

/* S1: both start at once: one master, no double one, soon. */
static void
s1_both_start(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		sim_init(&sim, 2, seed);
		sim_boot(&sim, 0);
		sim_run_for(&sim, (int64_t)sim_below(&sim, 50 * MS));
		sim_boot(&sim, 1);
		settles_on(0, 2 * S);
		sim_run_for(&sim, 20 * S);
		whole(&sim);
		assert_int_equal(sim.moves, 1);
		assert_int_equal(sim.double_ns, 0);
	}
}

/* S2a: cable cut, and back: inside the lease nothing moves; after it no second move. */
static void
s2a_cable(void **state)
{
	(void)state;
	pair(250 * MS);
	sim_link(&sim, 0, false);
	sim_run_for(&sim, 600 * MS);
	sim_link(&sim, 0, true);
	sim_run_for(&sim, 10 * S);
	assert_int_equal(sim.moves, 0);
	sim_count_reset(&sim);
	sim_link(&sim, 0, false);
	settles_on(1, 2 * S);
	sim_run_for(&sim, 10 * S);
	assert_at_most(sim.outage_longest_ns, 1 * S);
	sim_link(&sim, 0, true);
	sim_count_reset(&sim);
	sim_run_for(&sim, 30 * S);
	whole(&sim);
	assert_int_equal(sim.outage_ns, 0);
	assert_int_equal(sim.moves, 0); /* equal bands never move */
	assert_int_equal(sim_master(&sim), 1);
}

/* S2b: silent partition of the master, then healed: <= 0.5 s. */
static void
s2b_partition(void **state)
{
	(void)state;
	for (int phase = 0; phase < 25; phase++) {
		pair(250 * MS);
		sim_run_for(&sim, 10 * MS * phase);
		sim_cut(&sim, 0, true);
		sim_run_for(&sim, 15 * S);
		assert_at_most(sim.outage_longest_ns, 1 * S);
		sim_count_reset(&sim);
		sim_cut(&sim, 0, false);
		sim_run_for(&sim, 20 * S);
		whole(&sim);
		assert_at_most(sim.outage_longest_ns, 500 * MS);
		assert_true(sim_master(&sim) >= 0);
	}
}

/* S2c: power loss <= 1.0 s, with 100 ms <= 0.45 s; the reboot moves nothing. */
static void
s2c_power(void **state)
{
	static const int64_t interval[] = {250 * MS, 100 * MS}, limit[] = {1000 * MS, 450 * MS};

	(void)state;
	for (int k = 0; k < 2; k++) {
		for (int phase = 0; phase < 25; phase++) {
			pair(interval[k]);
			sim_run_for(&sim, 10 * MS * phase);
			sim_power_off(&sim, 0);
			sim_run_for(&sim, 10 * S);
			whole(&sim);
			assert_at_most(sim.outage_longest_ns, limit[k]);
			sim_count_reset(&sim);
			sim_boot(&sim, 0);
			sim_run_for(&sim, 30 * S);
			assert_int_equal(sim.outage_ns, 0);
			assert_int_equal(sim.moves, 0);
		}
	}
}

/* The same with the tutorial's settings between two vipd: as keepalived, 6.6 s at most, and
 * preempts without a gap. */
static void
s2c_power_tutorial(void **state)
{
	(void)state;
	pair(0);
	sim_power_off(&sim, 0);
	sim_run_for(&sim, 10 * S);
	assert_at_most(sim.outage_longest_ns, 6620 * MS);
	sim_count_reset(&sim);
	sim_boot(&sim, 0);
	settles_on(0, 20 * S);
	sim_run_for(&sim, 20 * S);
	assert_int_equal(sim.outage_ns, 0);
}

/* S4a: vrrp killed: 0 ms, no move. */
static void
s4a_vrrp_killed(void **state)
{
	(void)state;
	for (int phase = 0; phase < 25; phase++) {
		pair(250 * MS);
		sim_run_for(&sim, 10 * MS * phase);
		sim_kill_vrrp(&sim, 0, 50 * MS);
		sim_run_for(&sim, 20 * S);
		whole(&sim);
		assert_int_equal(sim.moves, 0);
		assert_int_equal(sim.outage_ns, 0);
		assert_int_equal(sim.double_ns, 0);
	}
}

/* Killed and not back inside the lease: the peer takes over; the respawn looks first. */
static void
s4a_respawn_too_late(void **state)
{
	(void)state;
	pair(250 * MS);
	sim_kill_vrrp(&sim, 0, 5 * S);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	assert_int_equal(sim_master(&sim), 1);
	assert_int_equal(sim.moves, 1);
	assert_int_equal(sim.outage_ns, 0);
	/* The address answers while nobody advertises: the claim is put off, so 3 s are in time. */
	pair(250 * MS);
	sim_kill_vrrp(&sim, 0, 3 * S);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	assert_int_equal(sim_master(&sim), 0);
	assert_int_equal(sim.moves, 0);
	assert_int_equal(sim.outage_ns, 0);
}

/* S4c: everything killed: the address is gone within its lifetime + 1 s. */
static void
s4c_all_killed(void **state)
{
	int64_t t;

	(void)state;
	pair(250 * MS);
	sim_kill_all(&sim, 0);
	t = sim.now;
	settles_on(1, 11 * S);
	assert_at_most(sim.now - t, 11 * S);
	/* and a restart at once removes the leftover before that */
	pair(250 * MS);
	sim_kill_all(&sim, 0);
	sim_run_for(&sim, 100 * MS);
	sim_restart(&sim, 0);
	assert_false(sim.h[0].addr);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	assert_at_most(sim.outage_longest_ns, 1 * S);
	assert_true(sim_master(&sim) >= 0);
}

/* S4d: a stop loses nothing: the address goes when the successor was heard. */
static void
s4d_stop(void **state)
{
	(void)state;
	for (int64_t interval = 0; interval <= 250 * MS; interval += 250 * MS) {
		pair(interval);
		sim_stop(&sim, 0, 60 * S);
		sim_run_for(&sim, 10 * S);
		whole(&sim);
		assert_int_equal(sim_master(&sim), 1);
		assert_int_equal(sim.outage_ns, 0);
		assert_false(sim.h[0].process);
	}
	/* nobody there to take it */
	pair(250 * MS);
	sim_power_off(&sim, 1);
	sim_stop(&sim, 0, 60 * S);
	sim_run_for(&sim, 2 * S);
	assert_false(sim.h[0].addr);
}

/* S4e: hung: two masters for 0.5 s at most after it wakes, and no longer than it hangs. */
static void
s4e_hung(void **state)
{
	(void)state;
	pair(250 * MS);
	sim_pause(&sim, 0, 5 * S);
	sim_run_for(&sim, 5 * S);
	sim_count_reset(&sim);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	assert_at_most(sim.double_longest_ns, 500 * MS);
	assert_int_equal(sim_master(&sim), 1);
	assert_int_equal(sim.moves, 0);
	/* a short one moves nothing */
	pair(250 * MS);
	sim_pause(&sim, 0, 400 * MS);
	sim_run_for(&sim, 10 * S);
	assert_int_equal(sim.moves, 0);
}

/* S5: the same server is lost to both: nothing moves. */
static void
s5_same_server_lost(void **state)
{
	(void)state;
	pair(250 * MS);
	sim_health(&sim, 0, BAND_DEGRADED);
	sim_run_for(&sim, 300 * MS);
	sim_health(&sim, 1, BAND_DEGRADED);
	sim_run_for(&sim, 20 * S);
	sim_health(&sim, 1, BAND_GOOD);
	sim_run_for(&sim, 300 * MS);
	sim_health(&sim, 0, BAND_GOOD);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	/* Holds of the two hosts run apart by 0.3 s; one move each way may come of it. */
	assert_in_range(sim.moves, 0, 2);
	assert_int_equal(sim.outage_ns, 0);
	/* all dead on both: somebody still holds it */
	sim_health(&sim, 0, BAND_DEAD);
	sim_health(&sim, 1, BAND_DEAD);
	sim_run_for(&sim, 10 * S);
	assert_true(sim_master(&sim) >= 0);
}

/* S6: the master's servers are lost while the peer has them: <= 0.3 s after the band falls. */
static void
s6_backends_lost(void **state)
{
	(void)state;
	for (int phase = 0; phase < 25; phase++) {
		pair(250 * MS);
		sim_run_for(&sim, 10 * MS * phase);
		sim_health(&sim, 0, BAND_DEAD);
		settles_on(1, 500 * MS);
		assert_int_equal(sim.outage_ns, 0);
		sim_health(&sim, 0, BAND_GOOD);
		sim_run_for(&sim, 30 * S);
		whole(&sim);
		assert_int_equal(sim.moves, 1);
	}
}

static void
s6_time_to_take_over(void **state)
{
	int64_t t;

	(void)state;
	for (int phase = 0; phase < 25; phase++) {
		pair(250 * MS);
		sim_run_for(&sim, 10 * MS * phase);
		sim_health(&sim, 0, BAND_DEAD);
		t = sim.now;
		while (!sim.h[1].addr)
			sim_run_for(&sim, MS);
		/* skew 72 ms and a probe of 150 ms at most */
		assert_at_most(sim.now - t, 300 * MS);
	}
}

/* S6 with the tutorial's weights: -5 of 100 against 99, as its script would. */
static void
s6_tutorial(void **state)
{
	(void)state;
	pair(0);
	sim.h[0].weight = sim.h[1].weight = -5;
	sim_health(&sim, 0, BAND_DEAD);
	settles_on(1, 8 * S);
	sim_run_for(&sim, 10 * S);
	assert_int_equal(sim.outage_ns, 0);
	sim_health(&sim, 1, BAND_DEAD);
	settles_on(0, 20 * S);
	assert_int_equal(sim.outage_ns, 0);
}

/* The same tracked without a weight: 0 is sent, the peer takes it and keeps it. */
static void
s6_tutorial_bands(void **state)
{
	(void)state;
	pair(0);
	sim_health(&sim, 0, BAND_DEAD);
	settles_on(1, 1 * S);
	sim_run_for(&sim, 30 * S);
	whole(&sim);
	assert_int_equal(sim_master(&sim), 1);
	assert_int_equal(sim.outage_ns, 0);
	sim_health(&sim, 0, BAND_GOOD);
	settles_on(0, 20 * S);
}

/* A keepalived-like peer that cannot be told by bands: 0 is sent once; nobody claims: it stays. */
static void
s6_nobody_better(void **state)
{
	(void)state;
	pair(250 * MS);
	sim.h[0].cfg.peers_vipd = false;
	sim_config(&sim, 0, &sim.h[0].cfg);
	sim_power_off(&sim, 1);
	sim_health(&sim, 0, BAND_DEAD);
	sim_run_for(&sim, 20 * S);
	whole(&sim);
	assert_int_equal(sim_master(&sim), 0);
	assert_int_equal(sim.outage_ns, 0);
}

/* S7: a reload moves nothing, also one that makes the interval longer. */
static void
s7_reload(void **state)
{
	struct decide_cfg c;

	(void)state;
	pair(250 * MS);
	for (unsigned i = 0; i < 2; i++) {
		c = sim_cfg_bands(&sim, i, 1 * S);
		sim_config(&sim, i, &c);
		sim_run_for(&sim, 3 * S);
	}
	for (unsigned i = 0; i < 2; i++) {
		c = sim_cfg_bands(&sim, i, 250 * MS);
		sim_config(&sim, i, &c);
		sim_run_for(&sim, 3 * S);
	}
	whole(&sim);
	assert_int_equal(sim.moves, 0);
	assert_int_equal(sim.outage_ns, 0);
}

/* S8a, b: advertisements lost one way or both, the hosts see one another by ARP; then healed. */
static void
s8_adverts_lost(void **state)
{
	(void)state;
	for (int both = 0; both < 2; both++) {
		pair(250 * MS);
		sim.loss[0][1] = 1000;
		if (both)
			sim.loss[1][0] = 1000;
		sim_run_for(&sim, 15 * S);
		sim_count_reset(&sim);
		sim.loss[0][1] = sim.loss[1][0] = 0;
		sim_run_for(&sim, 20 * S);
		whole(&sim);
		assert_at_most(sim.outage_longest_ns, 500 * MS);
		assert_true(sim_master(&sim) >= 0);
	}
}

/* S8c: half of the advertisements lost for 90 s: at most 4 takeovers, no outage over 0.5 s. */
static void
s8c_half_lost(void **state)
{
	unsigned most = 0, long_ones = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		pair(250 * MS);
		sim.loss_arp = seed % 2;
		sim.rng = seed * 77777;
		sim.loss[0][1] = sim.loss[1][0] = 500;
		sim_run_for(&sim, 90 * S);
		whole(&sim);
		if (sim.moves > most)
			most = sim.moves;
		long_ones += sim.outage_longest_ns > 500 * MS;
	}
	assert_in_range(most, 1, 4);
	/* Of all last advertisements after a false claim one series in 32 is lost whole. */
	assert_in_range(long_ones, 0, 3);
}

/* Three hosts: the second takes over, alone. */
static void
three_hosts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		sim_init(&sim, 3, seed);
		for (unsigned i = 0; i < 3; i++)
			sim_boot(&sim, i);
		sim_run_for(&sim, 10 * S + (int64_t)sim_below(&sim, 250 * MS));
		assert_int_equal(sim_master(&sim), 0);
		sim_count_reset(&sim);
		sim_power_off(&sim, 0);
		sim_run_for(&sim, 5 * S);
		assert_int_equal(sim_master(&sim), 1);
		assert_int_equal(sim.moves, 1);
		sim_count_reset(&sim);
		sim_health(&sim, 1, BAND_DEAD);
		sim_run_for(&sim, 5 * S);
		whole(&sim);
		assert_int_equal(sim_master(&sim), 2);
		assert_int_equal(sim.moves, 1);
	}
}

/* I8: health that flaps on both sides in turn moves 3 times, then stays. */
static void
flapping_is_bounded(void **state)
{
	(void)state;
	pair(250 * MS);
	for (int i = 0; i < 20; i++) {
		sim_health(&sim, 0, i % 2 ? BAND_GOOD : BAND_DEGRADED);
		sim_health(&sim, 1, i % 2 ? BAND_DEGRADED : BAND_GOOD);
		sim_run_for(&sim, 12 * S);
	}
	whole(&sim);
	assert_int_equal(sim.moves, 3);
}

static void
release(void **state)
{
	(void)state;
	pair(250 * MS);
	sim_release(&sim, 0);
	sim_run_for(&sim, 10 * S);
	whole(&sim);
	assert_int_equal(sim_master(&sim), 1);
	assert_int_equal(sim.outage_ns, 0);
}

/* ---- random schedules ------------------------------------------------------ */

enum { SAME_BANDS = 1 }; /* no loss, no pause, no crash, bands stay equal: I6 */

static enum band
random_band(struct sim *s)
{
	uint64_t r = sim_below(s, 4);

	return r == 0 ? BAND_DEAD : r == 1 ? BAND_DEGRADED : BAND_GOOD;
}

static void
something_happens(struct sim *s)
{
	unsigned i = (unsigned)sim_below(s, s->n), k = (unsigned)sim_below(s, s->n);

	switch (sim_below(s, 20)) {
	case 0:
		s->loss[i][k] = (uint16_t)sim_below(s, 500);
		break;
	case 1:
		s->loss[i][k] = 1000; /* one way */
		break;
	case 2:
		sim_cut(s, i, true);
		break;
	case 3:
		sim_cut(s, i, false);
		break;
	case 4:
	case 5:
		sim_pause(s, i, (int64_t)sim_below(s, 1500 * MS));
		break;
	case 6:
		sim_pause(s, i, (int64_t)sim_below(s, 8 * S));
		break;
	case 7:
	case 8:
		sim_kill_vrrp(s, i, (int64_t)sim_below(s, 2) ? 50 * MS : 2 * S);
		break;
	case 9:
		s->h[i].kill_after = 1 + (int)sim_below(s, 9);
		break;
	case 10:
		sim_kill_all(s, i);
		break;
	case 11:
		sim_restart(s, i);
		break;
	case 12:
		sim_power_off(s, i);
		break;
	case 13:
		sim_boot(s, i);
		break;
	case 14:
		sim_link(s, i, sim_below(s, 2));
		break;
	case 15:
	case 16:
		sim_health(s, i, random_band(s));
		break;
	case 17:
		s->h[i].workers_hang = sim_below(s, 2);
		s->h[i].servers_hang = sim_below(s, 2);
		break;
	case 18:
		if (sim_below(s, 2))
			sim_release(s, i);
		else
			sim_stop(s, i, (int64_t)sim_below(s, 2) * 10 * S);
		break;
	default:
		sim_fault(s, i, (uint32_t)sim_below(s, 2));
		break;
	}
}

/* What cannot hurt (I6): host restarts of a BACKUP, resumes, equal health, a reload. */
static void
something_harmless(struct sim *s)
{
	unsigned i = (unsigned)sim_below(s, s->n);

	switch (sim_below(s, 4)) {
	case 0:
		sim_kill_vrrp(s, i, 50 * MS);
		break;
	case 1:
		if (!s->h[i].addr)
			sim_power_off(s, i);
		break;
	case 2:
		sim_boot(s, i);
		break;
	default:
		/* A fall to dead counts at once everywhere; a rise would be held on a host that
		 * runs and not on one that boots. */
		if (sim_below(s, 4) == 0)
			for (i = 0; i < s->n; i++)
				sim_health(s, i, BAND_DEAD);
		break;
	}
}

static void
repair(struct sim *s)
{
	memset(s->loss, 0, sizeof(s->loss));
	memset(s->cut, 0, sizeof(s->cut));
	for (unsigned i = 0; i < s->n; i++) {
		s->h[i].kill_after = 0;
		s->h[i].servers_hang = s->h[i].workers_hang = false;
		sim_link(s, i, true);
		sim_fault(s, i, 0);
		if (sim_below(s, 4) > 0)
			sim_boot(s, i);
		if (sim_below(s, 4) > 0)
			sim_restart(s, i);
	}
}

/* I7. */
static void
check_end(struct sim *s)
{
	int m = sim_master(s);
	bool limited = false, any = false;

	for (unsigned i = 0; i < s->n; i++) {
		struct mono oldest = s->h[i].d.moves[DECIDE_MOVES - 1];

		any |= sim_able(s, i);
		limited |= oldest.ns != 0 && s->now - oldest.ns < DECIDE_MOVES_NS + 30 * S;
	}
	if (s->broken[0] != '\0' || (!any && m == -1))
		return;
	if (m < 0) {
		snprintf(s->broken, sizeof(s->broken), "I7: %s at the end",
		    m == -1 ? "no master" : "two masters");
		return;
	}
	for (unsigned i = 0; i < s->n; i++) {
		const struct decide *me = &s->h[i].d, *ms = &s->h[m].d;

		if (!sim_able(s, i) || me->cfg.preempt == DECIDE_NEVER ||
		    me->released.ns > s->now - 5 * S)
			continue;
		if (me->cfg.mode == BAND_MODE_WEIGHTS
			? me->priority > ms->priority && me->band != BAND_DEAD
			: me->band > ms->band && (!limited || ms->band == BAND_DEAD))
			snprintf(s->broken, sizeof(s->broken),
			    "I7: host %d is master, host %u would be better", m, i);
	}
}

static void
schedule(struct sim *s, uint64_t seed, FILE *trace)
{
	static const int64_t intervals[] = {100 * MS, 250 * MS, 250 * MS, 500 * MS};
	unsigned events;
	int64_t interval, settle, span;
	bool weights, same;
	enum decide_preempt preempt;

	sim_init(s, seed % 3 == 0 ? 3 : 2, seed);
	s->trace = trace;
	s->loss_arp = seed % 2;
	weights = sim_below(s, 4) == 0;
	same = sim_below(s, 8) == 0;
	interval = intervals[sim_below(s, 4)];
	preempt = weights ? (sim_below(s, 2) ? DECIDE_ALWAYS : DECIDE_NEVER)
			  : (enum decide_preempt)(sim_below(s, 8) ? 0 : sim_below(s, 3));
	if (same)
		preempt = DECIDE_WHEN_BETTER;
	for (unsigned i = 0; i < s->n; i++) {
		s->h[i].cfg =
		    weights && !same ? sim_cfg_weights(s, i) : sim_cfg_bands(s, i, interval);
		if (weights && sim_below(s, 2)) /* not always the slow one */
			s->h[i].cfg.interval_ns = 1 * S;
		s->h[i].cfg.preempt = preempt;
		s->h[i].weight = seed % 2 ? -5 : 0;
		if (seed % 5 == 0 && !same)
			s->h[i].cfg.peers_vipd = false;
		sim_boot(s, i);
		sim_run_for(s, (int64_t)sim_below(s, 300 * MS));
	}
	if (weights)
		for (unsigned i = 1; i < s->n; i++)
			s->h[i].cfg.interval_ns = s->h[0].cfg.interval_ns;
	settle = weights && !same ? 45 * S : 22 * S;
	if (same)
		sim_run_for(s, 10 * S);
	sim_count_reset(s);
	events = 2 + (unsigned)sim_below(s, 12);
	span = (5 + (int64_t)sim_below(s, 15)) * S;
	for (unsigned e = 0; e < events; e++) {
		if (same)
			something_harmless(s);
		else
			something_happens(s);
		sim_run_for(s, (int64_t)sim_below(s, (uint64_t)(2 * span / events)));
	}
	if (same && s->moves > 0 && s->broken[0] == '\0')
		snprintf(
		    s->broken, sizeof(s->broken), "I6: %u moves between equal bands", s->moves);
	repair(s);
	sim_run_for(s, settle);
	check_end(s);
}

static void
random_schedules(void **state)
{
#ifdef VIPD_SANITIZE
	const struct sim_seeds seeds = sim_seeds(1000);
#else
	const struct sim_seeds seeds = sim_seeds(40000);
#endif
	uint64_t hash, steps = 0, claims = 0;

	(void)state;
	for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
		schedule(&sim, seed, NULL);
		steps += sim.steps;
		claims += sim.moves;
		if (sim.broken[0] != '\0' || seeds.one) {
			if (getenv("VIPD_SIM_QUIET") == NULL)
				schedule(&sim, seed, stderr);
			if (sim.broken[0] != '\0')
				fail_msg("seed %llu: %s", (unsigned long long)seed, sim.broken);
			break;
		}
		if (seed % 100 == 0) { /* I10 for whole runs */
			hash = sim.hash;
			schedule(&sim, seed, NULL);
			assert_true(hash == sim.hash);
		}
	}
	print_message("seeds to %llu, %llu steps, %llu claims\n", (unsigned long long)seeds.last,
	    (unsigned long long)steps, (unsigned long long)claims);
	if (!seeds.one) /* the schedules do exercise something */
		assert_true(claims > seeds.last / 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(s1_both_start),
	    cmocka_unit_test(s2a_cable),
	    cmocka_unit_test(s2b_partition),
	    cmocka_unit_test(s2c_power),
	    cmocka_unit_test(s2c_power_tutorial),
	    cmocka_unit_test(s4a_vrrp_killed),
	    cmocka_unit_test(s4a_respawn_too_late),
	    cmocka_unit_test(s4c_all_killed),
	    cmocka_unit_test(s4d_stop),
	    cmocka_unit_test(s4e_hung),
	    cmocka_unit_test(s5_same_server_lost),
	    cmocka_unit_test(s6_backends_lost),
	    cmocka_unit_test(s6_time_to_take_over),
	    cmocka_unit_test(s6_tutorial),
	    cmocka_unit_test(s6_tutorial_bands),
	    cmocka_unit_test(s6_nobody_better),
	    cmocka_unit_test(s7_reload),
	    cmocka_unit_test(s8_adverts_lost),
	    cmocka_unit_test(s8c_half_lost),
	    cmocka_unit_test(three_hosts),
	    cmocka_unit_test(flapping_is_bounded),
	    cmocka_unit_test(release),
	    cmocka_unit_test(random_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
