/* SPDX-License-Identifier: ISC */
/*
 * Each rule of failover-logic.md that a single step shows. The state table of RFC 9568 is in
 * vrrp_rfc9568_test.c, longer stories are in tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/decide_text.h"
#include "vrrp/decide.h"

#define MS 1000000LL
#define S  1000000000LL

/* Hosts .10 (self) and .11 (peer), .12 a third. */
static struct ip
host(uint8_t n)
{
	return ip_make4(172, 31, 0, n);
}

static struct decide d;
static struct decide_out out;
static struct mono now;

static struct decide_cfg
weights_cfg(uint8_t version, int64_t interval_ns, uint8_t base, enum decide_preempt preempt)
{
	return (struct decide_cfg){.mode = BAND_MODE_WEIGHTS,
	    .preempt = preempt,
	    .version = version,
	    .n_adverts = 3,
	    .base = base,
	    .self = host(10),
	    .interval_ns = interval_ns,
	    .conflict_hold_ns = 3 * S,
	    .n_peers = 1,
	    .peers = {{host(11), 0}}};
}

static struct decide_cfg
bands_cfg(uint8_t base)
{
	struct decide_cfg c = weights_cfg(3, 250 * MS, base, DECIDE_WHEN_BETTER);

	c.mode = BAND_MODE_BANDS;
	c.peers_vipd = true;
	c.startup_ns = 5 * S;
	c.peers[0].base = 96;
	return c;
}

/* Steps, answers SENT to every SEND as a working socket does, returns the actions as text. */
static const char *
step(struct decide_in in)
{
	static char text[512];
	struct decide_out ignored;
	struct decide_in ok = {.kind = DECIDE_IN_SENT, .now = now, .boot = now};

	in.now = in.boot = now;
	decide_step(&d, &in, &out);
	for (size_t i = 0; i < out.n; i++)
		if (out.a[i].kind == DECIDE_DO_SEND)
			decide_step(&d, &ok, &ignored);
	return decide_out_text(&out, text, sizeof(text));
}

static const char *
advert(uint8_t from, uint8_t priority)
{
	return step((struct decide_in){.kind = DECIDE_IN_ADVERT,
	    .advert = {.src = host(from), .priority = priority, .interval_ns = d.cfg.interval_ns}});
}

static const char *
input(enum decide_input kind)
{
	return step((struct decide_in){.kind = kind});
}

static const char *
timer_at_next(void)
{
	now = decide_next(&d);
	return input(DECIDE_IN_TIMER);
}

static const char *
health(enum band b)
{
	uint8_t p = d.cfg.mode == BAND_MODE_BANDS ? band_priority(b, d.cfg.base) : d.cfg.base;

	return step(
	    (struct decide_in){.kind = DECIDE_IN_HEALTH, .health = {.band = b, .priority = p}});
}

static const char *
start(struct decide_cfg c)
{
	now = (struct mono){1000 * S};
	decide_init(&d, &c);
	return step((struct decide_in){.kind = DECIDE_IN_START,
	    .start = {.link = true,
		.band = BAND_GOOD,
		.priority =
		    c.mode == BAND_MODE_BANDS ? band_priority(BAND_GOOD, c.base) : c.base}});
}

static void
become(enum decide_role role)
{
	if (d.role == DECIDE_INIT)
		input(DECIDE_IN_READY);
	for (int i = 0; role == DECIDE_MASTER && d.role != DECIDE_MASTER && i < 9; i++)
		timer_at_next();
	assert_int_equal(d.role, role);
}

/* An interval of 0 would make every BACKUP claim at once. */
static void
interval_of_zero(void **state)
{
	(void)state;
	start(weights_cfg(3, 1 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_BACKUP);
	step((struct decide_in){.kind = DECIDE_IN_ADVERT,
	    .advert = {.src = host(11), .priority = 200, .interval_ns = 0}});
	assert_int_equal(mono_diff_us(d.deadline, now), 3609375);
}

/* ---- leaving (rule 2) ------------------------------------------------------ */

static void
leaves_in_order(void **state)
{
	(void)state;
	start(weights_cfg(2, 2 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_MASTER);
	now = mono_add_ns(now, 30 * S);
	for (int i = 0; i < 3; i++) /* the lease is over after 30 s: looks, then goes on */
		timer_at_next();
	assert_string_equal(step((struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = 60 * S}),
	    "SEND:0 ROLE:MASTER>RESIGN");
	assert_int_equal(mono_diff_ms(decide_next(&d), now), 7000);
	assert_string_equal(advert(11, 0), ""); /* another that resigns is no successor */
	assert_string_equal(advert(11, 99), "ARP_STOP ROLE:RESIGN>LEAVE");
	assert_string_equal(input(DECIDE_IN_DRAINED), ""); /* of another drain */
	now = mono_add_ms(now, 49);
	assert_string_equal(input(DECIDE_IN_TIMER), "");
	assert_string_equal(timer_at_next(), "DRAIN");
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE SEND_LAST:1 ROLE:LEAVE>STOPPED EXIT");

	/* Nobody takes over: the limit ends it. */
	start(weights_cfg(2, 2 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_MASTER);
	step((struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = 60 * S});
	assert_string_equal(timer_at_next(), "ARP_STOP ROLE:RESIGN>LEAVE DRAIN");
	/* Workers that do not answer are not waited for. */
	now = mono_add_ms(now, 199);
	assert_string_equal(input(DECIDE_IN_TIMER), "");
	assert_string_equal(timer_at_next(), "REMOVE ROLE:LEAVE>STOPPED EXIT");

	/* A stop that may take no time. */
	start(weights_cfg(2, 2 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_MASTER);
	assert_string_equal(input(DECIDE_IN_STOP), "SEND:0 ARP_STOP ROLE:MASTER>LEAVE DRAIN");
}

static void
settle(void)
{
	assert_string_equal(timer_at_next(), "DRAIN");
}

/* A successor that resigns while we still drain leaves nobody: claim after the skew. */
static void
successor_resigns_meanwhile(void **state)
{
	(void)state;
	start(weights_cfg(3, 1 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_MASTER);
	advert(11, 150);
	assert_string_equal(advert(11, 0), "");
	if (d.settle_until.ns != MONO_NEVER.ns)
		settle();
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE ROLE:LEAVE>BACKUP");
	assert_int_equal(mono_diff_us(d.deadline, now), 609375);
}

static void
releases(void **state)
{
	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	assert_string_equal(input(DECIDE_IN_RELEASE), "SEND:0 ROLE:MASTER>RESIGN");
	/* Nobody takes it: it stays, says so, and looks first if it was silent for too long. */
	assert_string_equal(timer_at_next(), "REPORT ROLE:RESIGN>MASTER SEND:185 ADD");
	assert_int_equal(out.a[0].ip.family, 0);
	now = mono_add_ms(now, 100);
	input(DECIDE_IN_RELEASE);
	assert_string_equal(advert(11, 184), "ARP_STOP ROLE:RESIGN>LEAVE REPORT");
	assert_true(ip_equal(&out.a[2].ip, &(struct ip){AF_INET, {172, 31, 0, 11}}));
	settle();
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP");
	/* 60 s long no claim against a living master, also a worse one. */
	assert_string_equal(advert(11, band_priority(BAND_DEAD, 96)), "");
	now = mono_add_ns(now, 59 * S);
	assert_string_equal(advert(11, band_priority(BAND_DEAD, 96)), "");
	now = mono_add_ns(now, 2 * S);
	assert_string_equal(advert(11, band_priority(BAND_DEAD, 96)), "ASK_FRESH");
}

/* ---- pull (rule 1) --------------------------------------------------------- */

static void
pulls(void **state)
{
	uint8_t worse = band_priority(BAND_DEGRADED, 96), same = band_priority(BAND_GOOD, 96);

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	assert_string_equal(advert(11, same), ""); /* equal bands never move */
	assert_string_equal(advert(11, worse), "ASK_FRESH");
	assert_int_equal(mono_diff_ms(d.deadline, now), 750 + 69);
	now = mono_add_ms(now, 30);
	step((struct decide_in){.kind = DECIDE_IN_FRESH, .fresh = true});
	assert_int_equal(mono_diff_ms(d.deadline, now), 69);
	assert_string_equal(timer_at_next(), "ADD SEND:185 ROLE:BACKUP>MASTER ARP_START");

	/* A probe that fails, or does not end, gives the ordinary wait. */
	for (int ends = 0; ends < 2; ends++) {
		start(bands_cfg(100));
		become(DECIDE_BACKUP);
		advert(11, worse);
		if (ends)
			step((struct decide_in){.kind = DECIDE_IN_FRESH, .fresh = false});
		else
			assert_string_equal(timer_at_next(), "");
		assert_int_equal(mono_diff_ms(d.deadline, now), 750 + 69);
		assert_string_equal(advert(11, worse), "ASK_FRESH"); /* the next one asks again */
	}
	/* The master recovers, or we fall, before the skew is over. */
	for (int fall = 0; fall < 2; fall++) {
		start(bands_cfg(100));
		become(DECIDE_BACKUP);
		advert(11, worse);
		step((struct decide_in){.kind = DECIDE_IN_FRESH, .fresh = true});
		if (fall)
			health(BAND_DEGRADED);
		else
			advert(11, same);
		assert_true(mono_diff_ms(d.deadline, now) > 750);
	}
}

/* A server dies: the hosts see it one after the other. The address stays; only a lasting
 * difference, or a master without any server, moves it. */
static void
one_server_dies(void **state)
{
	uint8_t degraded = band_priority(BAND_DEGRADED, 96), dead = band_priority(BAND_DEAD, 96);
	struct decide_cfg cfg = bands_cfg(100);

	(void)state;
	cfg.patience_ns = 2000000000;
	start(cfg);
	become(DECIDE_BACKUP);
	for (int i = 0; i < 7; i++) {
		assert_string_equal(advert(11, degraded), "");
		now = mono_add_ms(now, 250);
	}
	health(BAND_DEGRADED); /* we see it too */
	assert_string_equal(advert(11, degraded), "");
	now = mono_add_ms(now, 2500);
	assert_string_equal(advert(11, degraded), "");

	start(cfg);
	become(DECIDE_BACKUP);
	for (int i = 0; i < 8; i++) {
		assert_string_equal(advert(11, degraded), "");
		now = mono_add_ms(now, 250);
	}
	assert_string_equal(advert(11, degraded), "ASK_FRESH");

	start(cfg);
	become(DECIDE_BACKUP);
	assert_string_equal(advert(11, dead), "ASK_FRESH");
}

static void
master_that_gets_worse(void **state)
{
	struct decide_cfg mixed = bands_cfg(100);

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	assert_string_equal(health(BAND_DEGRADED), "SEND:105");
	assert_string_equal(health(BAND_DEGRADED), "");
	assert_string_equal(health(BAND_DEAD), "SEND:25"); /* all vipd: serves on */
	d.claimed_at.ns = 0;                               /* long ago */
	assert_string_equal(advert(11, band_priority(BAND_GOOD, 96)), "ARP_STOP ROLE:MASTER>LEAVE");

	mixed.peers_vipd = false;
	start(mixed);
	become(DECIDE_MASTER);
	assert_string_equal(health(BAND_DEAD), "SEND:0 ROLE:MASTER>RESIGN");
	timer_at_next();
	assert_int_equal(d.role, DECIDE_MASTER);
	assert_string_equal(health(BAND_DEAD), ""); /* once per change of band */
	assert_string_equal(health(BAND_GOOD), "SEND:185");
	assert_string_equal(health(BAND_DEAD), "SEND:0 ROLE:MASTER>RESIGN");
}

static void
move_limit(void **state)
{
	uint8_t worse = band_priority(BAND_DEGRADED, 96);

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	for (int i = 0; i < DECIDE_MOVES; i++)
		d.moves[i] = mono_add_ns(now, -(int64_t)(i + 1) * 100 * S);
	assert_string_equal(advert(11, worse), "ALARM:4");
	assert_string_equal(advert(11, worse), ""); /* said once */
	assert_string_equal(advert(11, band_priority(BAND_DEAD, 96)), "ASK_FRESH");
	d.asked = false;
	now = mono_add_ns(now, 301 * S); /* the oldest is 10 minutes old */
	assert_string_equal(advert(11, worse), "ASK_FRESH");
}

/* ---- waits ----------------------------------------------------------------- */

/* Of three hosts the second claims first. */
static void
ranks(void **state)
{
	struct decide_cfg c = bands_cfg(92);

	(void)state;
	c.n_peers = 2;
	c.peers[0] = (struct decide_peer){host(11), 100};
	c.peers[1] = (struct decide_peer){host(12), 96};
	start(c);
	become(DECIDE_BACKUP);
	/* first claim after a boot: two better ones, rank x A more */
	assert_int_equal(
	    mono_diff_us(d.deadline, now), 750000 + decide_skew_ns(&d) / 1000 + 250000 + 500000);
	advert(11, band_priority(BAND_GOOD, 100));
	assert_int_equal(
	    mono_diff_us(d.deadline, now), 750000 + decide_skew_ns(&d) / 1000 + 125000);
	advert(12, band_priority(BAND_GOOD, 96)); /* worse than the fresh one: a second master */
	assert_int_equal(out.a[0].alarm, DECIDE_ALARM_SECOND_MASTER);
	assert_true(ip_equal(&d.m.addr, &(struct ip){AF_INET, {172, 31, 0, 11}}));
}

static void
false_claims_double_the_wait(void **state)
{
	uint8_t p = band_priority(BAND_GOOD, 200);
	int64_t expect[] = {1500, 3000, 3000, 3000};

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	advert(11, p);
	for (int i = 0; i < 4; i++) {
		become(DECIDE_MASTER);
		now = mono_add_ms(now, 100);
		assert_non_null(strstr(advert(11, p), "ALARM:5"));
		input(DECIDE_IN_DRAINED);
		assert_int_equal(
		    mono_diff_ms(d.deadline, now), expect[i] + decide_skew_ns(&d) / MS);
	}
	now = mono_add_ns(now, 61 * S);
	assert_int_equal(decide_wait_ns(&d, now) / MS, 3000 + decide_skew_ns(&d) / MS);
	now = mono_add_ns(now, 240 * S);
	assert_int_equal(decide_wait_ns(&d, now) / MS, 750 + decide_skew_ns(&d) / MS);
	/* A claim after priority 0 is never false. */
	advert(11, 0);
	become(DECIDE_MASTER);
	assert_null(strstr(advert(11, p), "ALARM:5"));
}

/* Rule 7: an address that answers puts the claim off, for conflict_hold at most, not after 0. */
static void
looks_before_the_claim(void **state)
{
	uint8_t p = band_priority(BAND_GOOD, 96);
	struct mono heard;
	int n = 0;

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	advert(11, p);
	heard = now;
	assert_string_equal(timer_at_next(), "PROBE");
	assert_int_equal(mono_diff_ms(now, heard), 500);
	for (; d.role == DECIDE_BACKUP && n < 99; n++) {
		step((struct decide_in){.kind = DECIDE_IN_HOLDER, .holder = host(11)});
		timer_at_next();
	}
	assert_int_equal(mono_diff_ms(now, heard), 750 + 69 + 3000);

	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	advert(11, p);
	/* an announcement before the two silent intervals is none */
	step((struct decide_in){.kind = DECIDE_IN_HOLDER, .holder = host(11)});
	timer_at_next();
	timer_at_next();
	assert_int_equal(d.role, DECIDE_MASTER);

	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	advert(11, p);
	timer_at_next();
	step((struct decide_in){.kind = DECIDE_IN_HOLDER, .holder = host(11)});
	advert(11, 0);
	timer_at_next();
	assert_int_equal(d.role, DECIDE_MASTER);
}

/* Rule 5. */
static void
wakes_late(void **state)
{
	(void)state;
	start(bands_cfg(100));
	become(DECIDE_BACKUP);
	now = mono_add_ms(d.deadline, 10);
	step((struct decide_in){.kind = DECIDE_IN_TIMER, .queued = true});
	assert_int_equal(d.role, DECIDE_BACKUP); /* read first */
	now = mono_add_ms(d.deadline, 251);
	assert_string_equal(input(DECIDE_IN_TIMER), "PROBE");
	assert_int_equal(mono_diff_ms(d.deadline, now), 250);
}

/* Rule 4: another interval, version, list is a sign of life, never a reason to claim. */
static void
other_settings(void **state)
{
	(void)state;
	start(weights_cfg(2, 1 * S, 100, DECIDE_ALWAYS));
	become(DECIDE_BACKUP);
	now = mono_add_ms(now, 900);
	step((struct decide_in){.kind = DECIDE_IN_ADVERT,
	    .advert = {.src = host(11), .priority = 50, .interval_ns = 2 * S, .differs = true}});
	assert_int_equal(out.a[0].alarm, DECIDE_ALARM_OTHER_CONFIG);
	assert_int_equal(mono_diff_ms(d.deadline, now), 6000 + 609);
	/* A shorter one does not shorten ours. */
	step((struct decide_in){.kind = DECIDE_IN_ADVERT,
	    .advert = {.src = host(11), .priority = 50, .interval_ns = 500 * MS, .differs = true}});
	assert_int_equal(mono_diff_ms(d.deadline, now), 3000 + 609);
}

/* ---- lease, link, fault ---------------------------------------------------- */

static void
lease(void **state)
{
	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	assert_int_equal(mono_diff_ms(d.lease, now), 750);
	now = mono_add_ms(now, 751);
	assert_string_equal(input(DECIDE_IN_TIMER), "ARP_STOP PROBE");
	assert_int_equal(mono_diff_ms(decide_next(&d), now), 20);
	assert_string_equal(timer_at_next(), "ADD ARP_START SEND:185");
	/* While it looks, any living master wins, also a worse one. */
	now = mono_add_ms(now, 751);
	assert_string_equal(advert(11, 25), "ARP_STOP PROBE ARP_STOP ROLE:MASTER>LEAVE DRAIN");
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP");
	/* And one that only answers. */
	become(DECIDE_MASTER);
	now = mono_add_ms(now, 751);
	input(DECIDE_IN_TIMER);
	assert_string_equal(step((struct decide_in){.kind = DECIDE_IN_HOLDER, .holder = host(11)}),
	    "ARP_STOP ROLE:MASTER>LEAVE DRAIN");
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE ROLE:LEAVE>BACKUP");
}

static const char *
link_is(bool up)
{
	return step((struct decide_in){.kind = DECIDE_IN_LINK, .link = up});
}

static void
carrier(void **state)
{
	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	assert_string_equal(link_is(false), "");
	now = mono_add_ms(now, 700);
	assert_string_equal(link_is(true), "SEND:185 ARP_SIGN");
	link_is(false);
	for (int i = 0; i < 5 && d.role == DECIDE_MASTER; i++)
		timer_at_next();
	assert_int_equal(d.role, DECIDE_LEAVE);
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE ROLE:LEAVE>FAULT");
	assert_string_equal(link_is(true), "ROLE:FAULT>BACKUP");
	assert_true(mono_diff_ms(d.deadline, now) > 750);
	assert_string_equal(link_is(false), "ROLE:BACKUP>FAULT");
}

static void
faults(void **state)
{
	struct decide_in in = {.kind = DECIDE_IN_FAULT, .fault = 1};

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	assert_string_equal(step(in), "SEND:0 ARP_STOP ROLE:MASTER>LEAVE DRAIN");
	assert_string_equal(input(DECIDE_IN_DRAINED), "REMOVE ROLE:LEAVE>FAULT");
	assert_string_equal(advert(11, 0), "");
	assert_true(decide_next(&d).ns == MONO_NEVER.ns);
	in.fault = 0;
	assert_string_equal(step(in), "ROLE:FAULT>BACKUP");
}

static const char *
resume(enum decide_role role, int64_t lease_ms, bool holds, uint32_t fault)
{
	struct decide_cfg c = bands_cfg(100);

	now = (struct mono){1000 * S};
	decide_init(&d, &c);
	return step((struct decide_in){.kind = DECIDE_IN_START,
	    .start = {.resumed = true,
		.saved = {.role = role, .lease = mono_add_ms(now, lease_ms), .holds = holds},
		.link = true,
		.fault = fault,
		.band = BAND_GOOD,
		.priority = 185}});
}

static void
respawn(void **state)
{
	(void)state;
	assert_string_equal(
	    resume(DECIDE_MASTER, 100, true, 0), "SEND:185 ROLE:INIT>MASTER ADD ARP_START");
	assert_false(out.a[1].notify);
	assert_string_equal(resume(DECIDE_MASTER, -1, true, 0), "ROLE:INIT>MASTER PROBE");
	assert_string_equal(timer_at_next(), "ADD ARP_START SEND:185");
	assert_string_equal(resume(DECIDE_MASTER, -1, false, 0), "ROLE:INIT>BACKUP");
	assert_string_equal(resume(DECIDE_RESIGN, 100, true, 0), "ROLE:INIT>MASTER PROBE");
	assert_string_equal(resume(DECIDE_LEAVE, 100, true, 0), "REMOVE ROLE:INIT>BACKUP");
	assert_string_equal(resume(DECIDE_BACKUP, -1, true, 0), "REMOVE ROLE:INIT>BACKUP");
	assert_string_equal(resume(DECIDE_FAULT, -1, false, 1), "ROLE:INIT>FAULT");
	assert_string_equal(resume(DECIDE_MASTER, 100, true, 1),
	    "SEND:185 ROLE:INIT>MASTER ADD ARP_START ARP_STOP ROLE:MASTER>LEAVE DRAIN");
	assert_string_equal(resume(DECIDE_INIT, -1, false, 0), "ROLE:INIT>INIT");
}

/* ---- others ---------------------------------------------------------------- */

/* Rule 9: a longer interval is announced in 3 advertisements at the old pace. */
static void
longer_interval(void **state)
{
	struct decide_cfg c = bands_cfg(100);
	int64_t gap[6];

	(void)state;
	start(c);
	become(DECIDE_MASTER);
	c.interval_ns = 1 * S;
	step((struct decide_in){.kind = DECIDE_IN_CONFIG, .cfg = &c});
	for (int i = 0; i < 6; i++) {
		struct mono was = now;

		do
			timer_at_next();
		while (out.n == 0 || out.a[out.n - 1].kind != DECIDE_DO_SEND);
		assert_int_equal(out.a[out.n - 1].interval_ns, 1 * S);
		gap[i] = mono_diff_ms(now, was);
	}
	assert_int_equal(gap[0], 250);
	assert_int_equal(gap[1], 250);
	assert_int_equal(gap[2], 250);
	assert_int_equal(gap[3], 1000);
	assert_int_equal(gap[5], 1000);
}

/* 5000 adverts of a worse master in a moment are not answered 5000 times. */
static void
answers_are_bounded(void **state)
{
	int n = 0;

	(void)state;
	start(bands_cfg(100));
	become(DECIDE_MASTER);
	now = mono_add_ms(now, 100);
	for (int i = 0; i < 5000; i++) {
		now = mono_add_us(now, 1);
		n += strstr(advert(11, 184), "SEND") != NULL;
	}
	assert_in_range(n, 1, 2);
}

static void
init_waits_for_checks(void **state)
{
	(void)state;
	assert_string_equal(start(bands_cfg(100)), "ROLE:INIT>INIT");
	assert_int_equal(mono_diff_ms(decide_next(&d), now), 5000);
	assert_string_equal(timer_at_next(), "ROLE:INIT>BACKUP");
	start(bands_cfg(100));
	assert_string_equal(input(DECIDE_IN_READY), "ROLE:INIT>BACKUP");
	start(bands_cfg(100));
	assert_string_equal(input(DECIDE_IN_STOP), "ROLE:INIT>STOPPED EXIT");
}

/* No input in any role leaves the table or the action list. */
static void
every_cell(void **state)
{
	(void)state;
	for (int role = 0; role < DECIDE_ROLE_COUNT; role++) {
		for (int in = 0; in < DECIDE_INPUT_COUNT; in++) {
			struct decide_cfg c = bands_cfg(100);
			struct decide_in i = {.kind = (enum decide_input)in};

			start(c);
			d.role = (enum decide_role)role;
			if (in == DECIDE_IN_CONFIG)
				i.cfg = &c;
			step(i);
			assert_true(out.n < DECIDE_ACTIONS_MAX - 2);
			assert_true(d.role < DECIDE_ROLE_COUNT);
		}
		assert_string_not_equal(decide_role_text((enum decide_role)role), "?");
	}
	assert_string_equal(decide_alarm_text(DECIDE_ALARM_COUNT), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(interval_of_zero),
	    cmocka_unit_test(leaves_in_order),
	    cmocka_unit_test(successor_resigns_meanwhile),
	    cmocka_unit_test(releases),
	    cmocka_unit_test(pulls),
	    cmocka_unit_test(one_server_dies),
	    cmocka_unit_test(master_that_gets_worse),
	    cmocka_unit_test(move_limit),
	    cmocka_unit_test(ranks),
	    cmocka_unit_test(false_claims_double_the_wait),
	    cmocka_unit_test(looks_before_the_claim),
	    cmocka_unit_test(wakes_late),
	    cmocka_unit_test(other_settings),
	    cmocka_unit_test(lease),
	    cmocka_unit_test(carrier),
	    cmocka_unit_test(faults),
	    cmocka_unit_test(respawn),
	    cmocka_unit_test(longer_interval),
	    cmocka_unit_test(answers_are_bounded),
	    cmocka_unit_test(init_waits_for_checks),
	    cmocka_unit_test(every_cell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
