/* SPDX-License-Identifier: ISC */
/*
 * The state table of RFC 9568 section 6.4, one named test a row and family, over the decision as a
 * pure function with keepalived's modes of priority and preemption (the RFC's). What vipd does more
 * than the RFC is in vrrp_decide_test.c, longer stories in tests/sim. In the RFC's words Active is
 * MASTER here and Initialize is INIT and STOPPED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/decide_text.h"
#include "vrrp/decide.h"

#define MS 1000000LL
#define S  1000000000LL

enum { STARTUP = 1000, SHUTDOWN, TIMER_FIRES };

/* An event, what must be done, and when the timer then fires. */
struct row {
	const char *text;
	enum decide_role from;
	uint8_t version;
	uint8_t base;
	enum decide_preempt preempt;
	int event;       /* priority of an advertisement; or one of the above */
	uint8_t sender;  /* its last byte; self is 10 */
	uint16_t adv_cs; /* the sender's interval; 0: as ours, 100 */
	const char *actions;
	enum decide_role to;
	int64_t timer_us; /* from now; -1: unchanged; -2: no matter */
};

static const struct row rows[] = {
    /* 6.4.1 */
    {"Initialize: startup with priority 255", DECIDE_INIT, 3, 255, DECIDE_ALWAYS, STARTUP, 0, 0,
	"ROLE:INIT>INIT SEND:255 ROLE:INIT>MASTER ADD ARP_START", DECIDE_MASTER, 1000000},
    {"Initialize: startup with another priority", DECIDE_INIT, 3, 100, DECIDE_ALWAYS, STARTUP, 0, 0,
	"ROLE:INIT>INIT ROLE:INIT>BACKUP", DECIDE_BACKUP, 3000000 + 609375},
    {"Initialize: startup, version 2", DECIDE_INIT, 2, 99, DECIDE_ALWAYS, STARTUP, 0, 0,
	"ROLE:INIT>INIT ROLE:INIT>BACKUP", DECIDE_BACKUP, 3000000 + 613281},
    {"Initialize: shutdown before the first checks", DECIDE_INIT, 3, 99, DECIDE_NEVER, SHUTDOWN, 0,
	0, "ROLE:INIT>STOPPED EXIT", DECIDE_STOPPED, -2},
    /* 6.4.2 */
    {"Backup: shutdown", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, SHUTDOWN, 0, 0,
	"ROLE:BACKUP>STOPPED EXIT", DECIDE_STOPPED, -2},
    {"Backup: Active_Down_Timer fires", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, TIMER_FIRES, 0, 0,
	"SEND:100 ROLE:BACKUP>MASTER ADD ARP_START", DECIDE_MASTER, 1000000},
    {"Backup: priority 0", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 0, 11, 0, "", DECIDE_BACKUP,
	609375},
    {"Backup: priority 0, version 2", DECIDE_BACKUP, 2, 99, DECIDE_ALWAYS, 0, 11, 0, "",
	DECIDE_BACKUP, 613281},
    {"Backup: greater priority", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 101, 11, 0, "",
	DECIDE_BACKUP, 3609375},
    {"Backup: equal priority", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 100, 11, 0, "", DECIDE_BACKUP,
	3609375},
    {"Backup: equal priority, lower address", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 100, 9, 0, "",
	DECIDE_BACKUP, 3609375},
    {"Backup: Active_Adver_Interval is learnt", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 200, 11, 10,
	"", DECIDE_BACKUP, 300000 + 60937},
    {"Backup: lower priority, Preempt_Mode True", DECIDE_BACKUP, 3, 100, DECIDE_ALWAYS, 99, 11, 0,
	"", DECIDE_BACKUP, -1},
    {"Backup: lower priority, Preempt_Mode False", DECIDE_BACKUP, 3, 100, DECIDE_NEVER, 99, 11, 0,
	"", DECIDE_BACKUP, 3609375},
    /* 6.4.3; a shutdown serves on until a successor is heard (rule 2 of failover-logic.md) */
    {"Active: shutdown", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, SHUTDOWN, 0, 0,
	"SEND:0 ROLE:MASTER>RESIGN", DECIDE_RESIGN, 4000000},
    {"Active: Adver_Timer fires", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, TIMER_FIRES, 0, 0,
	"SEND:100", DECIDE_MASTER, 1000000},
    {"Active: priority 0", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 0, 11, 0, "SEND:100",
	DECIDE_MASTER, 1000000},
    {"Active: greater priority", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 101, 11, 0,
	"ARP_STOP ROLE:MASTER>LEAVE DRAIN REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP", DECIDE_BACKUP,
	3609375},
    {"Active: greater priority, lower address", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 101, 9, 0,
	"ARP_STOP ROLE:MASTER>LEAVE DRAIN REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP", DECIDE_BACKUP,
	3609375},
    {"Active: greater priority, Preempt_Mode False", DECIDE_MASTER, 3, 100, DECIDE_NEVER, 101, 11,
	0, "ARP_STOP ROLE:MASTER>LEAVE DRAIN REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP", DECIDE_BACKUP,
	3609375},
    {"Active: greater priority, its interval is learnt", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 101,
	11, 10, "ARP_STOP ROLE:MASTER>LEAVE DRAIN REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP",
	DECIDE_BACKUP, 300000 + 60937},
    {"Active: equal priority, greater address", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 100, 11, 0,
	"ARP_STOP ROLE:MASTER>LEAVE DRAIN REMOVE SEND_LAST:1 ROLE:LEAVE>BACKUP", DECIDE_BACKUP,
	3609375},
    {"Active: equal priority, lower address", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 100, 9, 0,
	"SEND:100 ARP_SIGN", DECIDE_MASTER, 1000000},
    {"Active: lower priority", DECIDE_MASTER, 3, 100, DECIDE_ALWAYS, 99, 11, 0, "SEND:100 ARP_SIGN",
	DECIDE_MASTER, 1000000},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

struct one {
	const struct row *row;
	uint8_t family;
	char name[80];
};

static struct decide d;
static struct mono now;
static char did[512];

static struct ip
host(uint8_t family, uint8_t last)
{
	struct ip a = ip_make4(172, 31, 0, last);

	if (family == AF_INET6)
		a = (struct ip){AF_INET6, {0xfe, 0x80, [15] = last}};
	return a;
}

/* One event; the actions follow those in did. A SEND succeeds. */
static void
step(struct decide_in in)
{
	struct decide_out out, ignored;
	struct decide_in sent = {.kind = DECIDE_IN_SENT, .now = now, .boot = now};
	size_t n = strlen(did);

	in.now = in.boot = now;
	decide_step(&d, &in, &out);
	for (size_t i = 0; i < out.n; i++)
		if (out.a[i].kind == DECIDE_DO_SEND)
			decide_step(&d, &sent, &ignored);
	if (n > 0 && out.n > 0)
		did[n++] = ' ';
	decide_out_text(&out, did + n, sizeof(did) - n);
}

static void
timer(void)
{
	step((struct decide_in){.kind = DECIDE_IN_TIMER});
}

static void
start_as(const struct one *o)
{
	const struct row *r = o->row;
	struct decide_cfg c = {.mode = BAND_MODE_WEIGHTS,
	    .preempt = r->preempt,
	    .version = r->version,
	    .n_adverts = 3,
	    .base = r->base,
	    .self = host(o->family, 10),
	    .interval_ns = 1 * S,
	    .conflict_hold_ns = 3 * S,
	    .startup_ns = r->event == SHUTDOWN ? 5 * S : 0,
	    .n_peers = 2,
	    .peers = {{host(o->family, 9), 0}, {host(o->family, 11), 0}}};

	did[0] = '\0';
	now = (struct mono){1000 * S};
	decide_init(&d, &c);
	step((struct decide_in){.kind = DECIDE_IN_START,
	    .start = {.link = true, .band = BAND_GOOD, .priority = r->base}});
	if (r->from == DECIDE_INIT)
		return;
	step((struct decide_in){.kind = DECIDE_IN_READY});
	/* Active since long ago, so that nothing counts as a false claim. */
	for (int i = 0; r->from == DECIDE_MASTER && i < 12; i++) {
		now = decide_next(&d);
		timer();
	}
	now = mono_add_ms(now, 500);
	assert_int_equal(d.role, r->from);
}

static void
happens(const struct one *o)
{
	const struct row *r = o->row;

	switch (r->event) {
	case STARTUP:
		break;
	case SHUTDOWN:
		did[0] = '\0';
		step((struct decide_in){.kind = DECIDE_IN_STOP, .stop_ns = 60 * S});
		break;
	case TIMER_FIRES:
		now = d.deadline;
		did[0] = '\0';
		timer();
		/* the look before the claim and the watch are rules of vipd */
		if (strncmp(did, "PROBE ", 6) == 0)
			memmove(did, did + 6, strlen(did + 6) + 1);
		break;
	default:
		did[0] = '\0';
		step((struct decide_in){.kind = DECIDE_IN_ADVERT,
		    .advert = {.src = host(o->family, r->sender),
			.priority = (uint8_t)r->event,
			.interval_ns = (r->adv_cs != 0 ? r->adv_cs : 100) * 10 * MS}});
		break;
	}
	if (d.role == DECIDE_LEAVE) { /* the workers let go of the sessions at once */
		struct mono at = now;

		now = decide_next(&d);
		timer();
		step((struct decide_in){.kind = DECIDE_IN_DRAINED});
		d.deadline = mono_add_ns(d.deadline, at.ns - now.ns);
		now = at;
	}
}

static void
row(void **state)
{
	const struct one *o = *state;
	const struct row *r = o->row;
	struct mono before, t;

	start_as(o);
	before = d.deadline;
	happens(o);
	assert_string_equal(did, r->actions);
	assert_int_equal(d.role, r->to);
	assert_int_equal(decide_holds(&d), r->to == DECIDE_MASTER || r->to == DECIDE_RESIGN);
	t = r->to == DECIDE_BACKUP || r->to == DECIDE_MASTER ? d.deadline : decide_next(&d);
	if (r->timer_us == -1)
		assert_int_equal(t.ns, before.ns);
	else if (r->timer_us >= 0)
		assert_int_equal(mono_diff_us(t, now), r->timer_us);
}

int
main(void)
{
	static struct one all[2 * N_ROWS];
	static struct CMUnitTest tests[2 * N_ROWS];

	for (size_t i = 0; i < 2 * N_ROWS; i++) {
		struct one *o = &all[i];

		o->row = &rows[i / 2];
		o->family = i % 2 == 0 ? AF_INET : AF_INET6;
		snprintf(o->name, sizeof(o->name), "%s, %s", o->row->text,
		    o->family == AF_INET ? "IPv4" : "IPv6");
		tests[i] =
		    (struct CMUnitTest){.name = o->name, .test_func = row, .initial_state = o};
	}
	return cmocka_run_group_tests_name("RFC 9568 6.4", tests, NULL, NULL);
}
