/* SPDX-License-Identifier: ISC */
/*
 * A sync group of two routers on two hosts: two simulated networks on one clock, each with a router
 * of the group, coupled as vrrp/together.c couples them. After every step: no host rests in MASTER
 * for one and BACKUP for the other for longer than the rule allows; at the end of 2,000 random
 * schedules one host holds both. VIPD_SIM_SEED=n runs one of them with its trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/vrrp_sim.h"

#define MS    SIM_MS
#define S     SIM_S
#define HOSTS 2
#define STEP  (5 * MS) /* how finely the two networks are interleaved */

static struct sim net[2];
static int64_t mixed_since[HOSTS]; /* 0: both routers of the host are of one role */
static int64_t mixed_longest;
static uint32_t own_fault[2][HOSTS];
static enum band own_band[2][HOSTS];
static char broken[300];

static const char *
is_broken(void)
{
	for (int k = 0; k < 2; k++)
		if (net[k].broken[0] != '\0' && broken[0] == '\0')
			snprintf(broken, sizeof(broken), "router %d: %s", k, net[k].broken);
	return broken[0] != '\0' ? broken : NULL;
}

static bool
runs(int k, unsigned i)
{
	const struct sim_host *h = &net[k].h[i];

	return h->power && h->process && h->paused_until == 0;
}

/* The rule: an interval and a half after one has left, then the time to let go of the sessions. */
static int64_t
allowed(const struct decide *d)
{
	return group_grace_ns(d) + d->cfg.interval_ns + 300 * MS;
}

static void
check_mixed(unsigned i)
{
	const struct decide *a = &net[0].h[i].d, *b = &net[1].h[i].d;
	bool mixed = runs(0, i) && runs(1, i) && !a->unsure && !b->unsure &&
		     ((a->role == DECIDE_MASTER && b->role == DECIDE_BACKUP) ||
			 (a->role == DECIDE_BACKUP && b->role == DECIDE_MASTER));

	if (!mixed) {
		mixed_since[i] = 0;
		return;
	}
	if (mixed_since[i] == 0)
		mixed_since[i] = net[0].now;
	if (net[0].now - mixed_since[i] > mixed_longest)
		mixed_longest = net[0].now - mixed_since[i];
	if (net[0].now - mixed_since[i] > allowed(a) && broken[0] == '\0')
		snprintf(broken, sizeof(broken), "%.3f s, host %u: %s and %s for %.3f s",
		    (double)net[0].now / 1e9, i, decide_role_text(a->role),
		    decide_role_text(b->role), (double)(net[0].now - mixed_since[i]) / 1e9);
}

/* Bands and faults are the worst of both (as vrrp/look.c gives them). */
static void
share(unsigned i)
{
	for (int k = 0; k < 2; k++) {
		struct sim_host *h = &net[k].h[i], *o = &net[!k].h[i];
		bool other = own_fault[!k][i] != 0 ||
			     (runs(!k, i) && o->d.role == DECIDE_FAULT && !o->d.link);
		uint32_t fault = own_fault[k][i] | (other ? 64 : 0);
		enum band b = band_worse(own_band[0][i], own_band[1][i]);

		if (h->fault != fault)
			sim_fault(&net[k], i, fault);
		if (h->raw != b)
			sim_health(&net[k], i, b);
	}
}

static void
couple(unsigned i)
{
	struct group_member *m[2] = {&net[0].h[i].group, &net[1].h[i].group};
	struct group_member *w[2] = {m[1], m[0]};
	struct mono now = {net[0].now};
	struct decide_in in;

	share(i);
	if (!runs(0, i) || !runs(1, i))
		return;
	if (group_look(m, 2, 0, now, &in))
		sim_group(&net[0], i, in);
	if (runs(0, i) && runs(1, i) && group_look(w, 2, 0, now, &in))
		sim_group(&net[1], i, in);
}

static void
run_for(int64_t ns)
{
	int64_t end = net[0].now + ns;

	while (net[0].now < end && is_broken() == NULL) {
		int64_t t = net[0].now + STEP < end ? net[0].now + STEP : end;

		for (int k = 0; k < 2; k++)
			sim_run(&net[k], t);
		for (unsigned i = 0; i < HOSTS && is_broken() == NULL; i++) {
			couple(i);
			check_mixed(i);
		}
	}
}

static void
begin(uint64_t seed, bool weights, FILE *trace)
{
	broken[0] = '\0';
	memset(mixed_since, 0, sizeof(mixed_since));
	memset(own_fault, 0, sizeof(own_fault));
	for (int k = 0; k < 2; k++) {
		sim_init(&net[k], HOSTS, seed * 2 + (uint64_t)k);
		net[k].trace = trace;
		for (unsigned i = 0; i < HOSTS; i++) {
			own_band[k][i] = BAND_GOOD;
			if (weights)
				net[k].h[i].cfg = sim_cfg_weights(&net[k], i);
			if (weights)
				net[k].h[i].cfg.interval_ns = 1 * S;
			sim_boot(&net[k], i);
		}
	}
}

/* A process serves both routers. */
static void
both(void (*f)(struct sim *, unsigned, int64_t), unsigned i, int64_t ns)
{
	for (int k = 0; k < 2; k++)
		f(&net[k], i, ns);
}

static void
boot(unsigned i)
{
	for (int k = 0; k < 2; k++) {
		sim_boot(&net[k], i);
		sim_restart(&net[k], i);
	}
}

static int
master(void)
{
	int a = sim_master(&net[0]), b = sim_master(&net[1]);

	return a == b ? a : -3;
}

static void
settled(int who, int64_t within)
{
	int64_t from = net[0].now;

	while (master() != who && net[0].now - from < within && is_broken() == NULL)
		run_for(10 * MS);
	if (is_broken() != NULL)
		fail_msg("%s", broken);
	assert_int_equal(master(), who);
}

static void
pair(void)
{
	begin(1, false, NULL);
	settled(0, 5 * S);
	run_for(10 * S);
	for (int k = 0; k < 2; k++)
		sim_count_reset(&net[k]);
}

/* ---- stories --------------------------------------------------------------- */

/* One router's cable, interface, script: the whole group moves, and only once. */
static void
fault_of_one(void **state)
{
	(void)state;
	pair();
	own_fault[1][0] = 1;
	settled(1, 1 * S);
	run_for(20 * S);
	own_fault[1][0] = 0;
	run_for(20 * S);
	assert_int_equal(master(), 1);
	assert_int_equal(net[0].moves + net[1].moves, 2);
	pair();
	sim_link(&net[0], 0, false);
	settled(1, 3 * S);
	sim_link(&net[0], 0, true);
	run_for(20 * S);
	assert_int_equal(master(), 1);
	assert_null(is_broken());
}

/* The servers of one are lost: both move, as both are in the worse band. */
static void
band_of_one(void **state)
{
	(void)state;
	pair();
	own_band[0][0] = BAND_DEAD;
	settled(1, 1 * S);
	run_for(20 * S);
	assert_int_equal(net[0].moves + net[1].moves, 2);
	assert_int_equal(net[0].outage_ns + net[1].outage_ns, 0);
	assert_null(is_broken());
}

/* One network between the hosts is cut, unseen: the other still hears the master, nothing moves. */
static void
one_network_silent(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		pair();
		net[k].cut[0][1] = net[k].cut[1][0] = true;
		run_for(60 * S);
		assert_int_equal(net[0].moves + net[1].moves, 0);
		assert_int_equal(sim_master(&net[!k]), 0);
		net[k].cut[0][1] = net[k].cut[1][0] = false;
		run_for(10 * S);
		assert_int_equal(net[0].moves + net[1].moves, 0);
		/* And one that dies in that state is replaced all the same. */
		net[k].cut[0][1] = net[k].cut[1][0] = true;
		run_for(5 * S);
		for (int n = 0; n < 2; n++)
			sim_power_off(&net[n], 0);
		settled(1, 2 * S);
	}
}

static void
dies_and_stops(void **state)
{
	(void)state;
	for (int phase = 0; phase < 25; phase++) {
		pair();
		run_for(10 * MS * phase);
		for (int k = 0; k < 2; k++)
			sim_power_off(&net[k], 0);
		settled(1, 1 * S);
	}
	pair();
	both(sim_stop, 0, 60 * S);
	settled(1, 1 * S);
	run_for(5 * S);
	assert_int_equal(net[0].outage_ns + net[1].outage_ns, 0);
	pair();
	for (int k = 0; k < 2; k++)
		sim_release(&net[k], 0);
	settled(1, 1 * S);
	run_for(30 * S);
	assert_int_equal(master(), 1);
	assert_null(is_broken());
	/* vrrp killed: both go on. */
	pair();
	both(sim_kill_vrrp, 0, 50 * MS);
	run_for(20 * S);
	assert_int_equal(net[0].moves + net[1].moves, 0);
	assert_int_equal(master(), 0);
}

/* Keepalived's arithmetic: the better one comes back for both at once. */
static void
weights(void **state)
{
	(void)state;
	begin(1, true, NULL);
	settled(0, 10 * S);
	for (int k = 0; k < 2; k++)
		sim_power_off(&net[k], 0);
	settled(1, 6 * S);
	boot(0);
	settled(0, 20 * S);
	run_for(10 * S);
	assert_int_equal(master(), 0);
	assert_null(is_broken());
}

/*
 * A peer may have other priorities in the instances of its group (keepalived takes them): better in
 * one and worse in the other. Whoever is not better in all of them takes nothing from a living
 * master, or both would move for ever.
 */
static void
better_in_one(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		begin(1, true, NULL);
		net[0].h[1].cfg.base = 90;
		net[1].h[1].cfg.base = 110;
		for (int k = 0; k < 2; k++)
			sim_power_off(&net[k], (unsigned)!first);
		settled(first, 10 * S);
		boot((unsigned)!first);
		run_for(10 * S);
		for (int k = 0; k < 2; k++)
			sim_count_reset(&net[k]);
		run_for(120 * S);
		if (is_broken() != NULL)
			fail_msg("%s", broken);
		assert_int_equal(net[0].moves + net[1].moves, 0);
		assert_true(master() >= 0);
	}
}

/* ---- random schedules ------------------------------------------------------ */

static enum band
random_band(void)
{
	uint64_t r = sim_below(&net[0], 4);

	return r == 0 ? BAND_DEAD : r == 1 ? BAND_DEGRADED : BAND_GOOD;
}

static void
something_happens(void)
{
	unsigned i = (unsigned)sim_below(&net[0], HOSTS);
	int k = (int)sim_below(&net[0], 2);
	struct sim *s = &net[k];
	int64_t ns = (int64_t)sim_below(&net[0], 3 * S);

	switch (sim_below(&net[0], 13)) {
	case 0:
		s->loss[i][!i] = (uint16_t)sim_below(&net[0], 600);
		break;
	case 1:
		s->loss[i][!i] = 1000;
		break;
	case 2:
		sim_cut(s, i, true);
		break;
	case 3:
		sim_cut(s, i, false);
		break;
	case 4:
		both(sim_pause, i, ns);
		break;
	case 5:
		both(sim_kill_vrrp, i, ns > S ? 50 * MS : ns);
		break;
	case 6:
		for (k = 0; k < 2; k++)
			sim_power_off(&net[k], i);
		break;
	case 7:
		boot(i);
		break;
	case 8:
		sim_link(s, i, ns > S);
		break;
	case 9:
	case 10:
		own_band[k][i] = random_band();
		break;
	case 11:
		if (ns > S)
			for (k = 0; k < 2; k++)
				sim_release(&net[k], i);
		else
			both(sim_stop, i, ns > S / 2 ? 10 * S : 0);
		break;
	default:
		own_fault[k][i] = ns > S ? 1 : 0;
		break;
	}
}

static void
repair(void)
{
	for (int k = 0; k < 2; k++) {
		memset(net[k].loss, 0, sizeof(net[k].loss));
		memset(net[k].cut, 0, sizeof(net[k].cut));
		for (unsigned i = 0; i < HOSTS; i++) {
			sim_link(&net[k], i, true);
			own_fault[k][i] = 0;
		}
	}
	run_for(6 * S); /* a respawn that is under way */
	for (unsigned i = 0; i < HOSTS; i++)
		boot(i);
}

static void
schedule(uint64_t seed, FILE *trace)
{
	unsigned events;

	begin(seed, seed % 4 == 0, trace);
	run_for((int64_t)sim_below(&net[0], 12 * S));
	events = 2 + (unsigned)sim_below(&net[0], 10);
	for (unsigned e = 0; e < events && is_broken() == NULL; e++) {
		something_happens();
		run_for((int64_t)sim_below(&net[0], 4 * S));
	}
	repair();
	run_for(seed % 4 == 0 ? 45 * S : 30 * S);
	if (is_broken() == NULL && master() < 0)
		snprintf(broken, sizeof(broken), "at the end %d holds router 0, %d router 1",
		    sim_master(&net[0]), sim_master(&net[1]));
}

static void
random_schedules(void **state)
{
#ifdef VIPD_SANITIZE
	const struct sim_seeds seeds = sim_seeds(100);
#else
	const struct sim_seeds seeds = sim_seeds(2000);
#endif

	(void)state;
	mixed_longest = 0;
	for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
		schedule(seed, seeds.one ? stderr : NULL);
		if (is_broken() != NULL)
			fail_msg("seed %llu: %s", (unsigned long long)seed, broken);
	}
	print_message("seeds to %llu, longest in different roles %.3f s\n",
	    (unsigned long long)seeds.last, (double)mixed_longest / 1e9);
	assert_true(seeds.one || mixed_longest > 50 * MS); /* it does happen */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fault_of_one),
	    cmocka_unit_test(band_of_one),
	    cmocka_unit_test(one_network_silent),
	    cmocka_unit_test(dies_and_stops),
	    cmocka_unit_test(weights),
	    cmocka_unit_test(better_in_one),
	    cmocka_unit_test(random_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
