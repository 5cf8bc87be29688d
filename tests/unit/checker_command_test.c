/* SPDX-License-Identifier: ISC */
/* checker: commands and reports from workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "shm/check_status.h"
#include "shm/request.h"
#include "shm/target.h"
#include "tests/lib/ckworld.h"
#include "tests/lib/target.h"

static struct world w;
static struct target *t[2];
static uint32_t a, b;
static const struct shm_health *h;

static uint32_t
get(const struct sw32 *v)
{
	return sw32_get(v);
}

/* Servers a (weight 100, maxconn 250) and b; settings: of the backend, and of a. */
static void
load(const char *backend, const char *of_a)
{
	char body[2048];

	snprintf(body, sizeof(body),
	    "%s servers = { a = { address = \"127.0.0.1:%u\"; %s }; "
	    "b = { address = \"127.0.0.1:%u\"; weight = 100; }; };",
	    backend, t[0]->port, of_a, t[1]->port);
	world_load(&w, body, NULL, NULL);
}

#define QUICK "check = { inter = \"50ms\"; rise = 2; fall = 3; };"
#define OF_A  "weight = 100; maxconn = 250;"

static int
setup(void **state)
{
	(void)state;
	world_open(&w);
	t[0] = target_start(NULL, NULL);
	t[1] = target_start(NULL, NULL);
	a = world_server(&w, "a", t[0]->port);
	b = world_server(&w, "b", t[1]->port);
	h = world_health(&w, a);
	world_spawn(&w, false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	target_stop(t[0]);
	target_stop(t[1]);
	return 0;
}

static void
maintenance_drain_ready(void **state)
{
	uint64_t probes;

	(void)state;
	load(QUICK, OF_A "on_marked_down = \"shutdown-sessions\";");
	UNTIL(&w, get(&h->counter) == 4);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, a, SHM_REQ_DRAIN), SHM_RES_DONE);
	assert_int_equal(get(&h->admin), SHM_ADMIN_FDRAIN);
	assert_int_equal(get(&h->usable), 0);
	assert_int_equal(get(&h->oper), SHM_OPER_RUNNING);
	assert_int_equal(get(&h->shut_seq), 0);
	UNTIL(&w, get(&world_sched(&w)->usable) == 1);
	/* Probes go on in drain. */
	probes = sw64_get(&h->probes);
	UNTIL(&w, sw64_get(&h->probes) >= probes + 2);
	UNTIL(&w, world_logged(&w, "Server be/a enters drain state."));

	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, a, SHM_REQ_MAINT), SHM_RES_DONE);
	assert_int_equal(get(&h->admin), SHM_ADMIN_FMAINT);
	assert_int_equal(get(&h->oper), SHM_OPER_STOPPED);
	assert_int_equal(get(&h->shut_seq), 1);
	assert_int_equal(get(&h->chkdown), 0);
	/* No probes in maintenance: b is probed meanwhile, a is not. */
	probes = sw64_get(&h->probes);
	uint64_t other = sw64_get(&world_health(&w, b)->probes);
	UNTIL(&w, sw64_get(&world_health(&w, b)->probes) >= other + 4);
	assert_int_equal(sw64_get(&h->probes), probes);
	UNTIL(&w, world_logged(&w, "Server be/a is going DOWN for maintenance. 1 active and 0 "
				   "backup servers left."));

	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, a, SHM_REQ_READY), SHM_RES_DONE);
	assert_int_equal(get(&h->admin), 0);
	assert_int_equal(get(&h->usable), 1);
	UNTIL(&w, world_logged(&w, "Server be/a is UP/READY (leaving maintenance)."));
	UNTIL(&w, sw64_get(&h->probes) > probes && get(&h->counter) == 4);
}

static void
weight(void **state)
{
	unsigned count[256] = {0};

	(void)state;
	load(QUICK, OF_A);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT, a, 50), SHM_RES_DONE);
	assert_int_equal(get(&h->uweight), 50);
	UNTIL(&w, get(&world_sched(&w)->weight_up) == 150);
	world_picks(&w, 300, count);
	assert_int_equal(count[a], 100);
	assert_int_equal(count[b], 200);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT_PERCENT, a, 200), SHM_RES_DONE);
	assert_int_equal(get(&h->uweight), 200);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT_PERCENT, a, 1000), SHM_RES_DONE);
	assert_int_equal(get(&h->uweight), 256);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT, a, 257), SHM_RES_VALUE);
	assert_int_equal(get(&h->uweight), 256);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT, a, 0), SHM_RES_DONE);
	assert_int_equal(get(&h->usable), 0);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT, a, 7), SHM_RES_DONE);
	assert_int_equal(get(&h->usable), 1);
	/* A reload that does not touch the weight leaves it; one that does takes it back. */
	load("check = { inter = \"40ms\"; rise = 2; fall = 3; };", OF_A);
	assert_int_equal(get(&h->uweight), 7);
	load(QUICK, "weight = 30; maxconn = 250;");
	assert_int_equal(get(&h->uweight), 30);
	assert_int_equal(get(&world_sched(&w)->weight_up), 130);
}

static void
limit_of_connections(void **state)
{
	(void)state;
	load(QUICK, OF_A);
	assert_int_equal(get(&h->dyn_maxconn), 0);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_MAXCONN, a, 10), SHM_RES_DONE);
	assert_int_equal(get(&h->dyn_maxconn), 10);
	load("check = { inter = \"40ms\"; rise = 2; fall = 3; };", OF_A);
	assert_int_equal(get(&h->dyn_maxconn), 10);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_MAXCONN, a, 0), SHM_RES_DONE);
	assert_int_equal(get(&h->dyn_maxconn), SHM_NONE);
	load(QUICK, "weight = 100; maxconn = 251;");
	assert_int_equal(get(&h->dyn_maxconn), 0);
}

static void
health_and_checks(void **state)
{
	uint64_t probes, other;

	(void)state;
	load(QUICK, OF_A);
	UNTIL(&w, get(&h->counter) == 4);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK, a, 0), SHM_RES_DONE);
	assert_int_equal(get(&h->checked), 2);
	probes = sw64_get(&h->probes);
	other = sw64_get(&world_health(&w, b)->probes);
	UNTIL(&w, sw64_get(&world_health(&w, b)->probes) >= other + 4);
	assert_int_equal(sw64_get(&h->probes), probes);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_HEALTH, a, SHM_REQ_DOWN), SHM_RES_DONE);
	assert_int_equal(get(&h->oper), SHM_OPER_STOPPED);
	assert_int_equal(get(&h->usable), 0);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_HEALTH, a, SHM_REQ_UP), SHM_RES_DONE);
	assert_int_equal(get(&h->usable), 1);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_HEALTH, a, SHM_REQ_STOPPING), SHM_RES_DONE);
	assert_int_equal(get(&h->oper), SHM_OPER_STOPPING);
	assert_int_equal(get(&h->usable), 0);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_HEALTH, a, 9), SHM_RES_VALUE);
	/* A passing probe says that it runs. */
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK, a, 1), SHM_RES_DONE);
	UNTIL(&w, get(&h->oper) == SHM_OPER_RUNNING && get(&h->usable) == 1);
	load("check = false;", OF_A);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK, a, 1), SHM_RES_NO_CHECK);
}

static uint32_t
set_to(uint32_t kind, unsigned port)
{
	char text[64];

	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	world_text(&w, text);
	return world_request(&w, kind, a, 0);
}

/* Probes follow; a reload keeps what was set, unless the file changes that very setting. */
static void
addresses(void **state)
{
	struct shm_target set;
	struct sock_addr addr;

	(void)state;
	load(QUICK, OF_A);
	UNTIL(&w, get(&h->counter) == 4);
	assert_false(target_get(h, &set));
	target_set(t[0], TARGET_REFUSE, 0);
	UNTIL(&w, get(&h->counter) == 0);
	assert_int_equal(set_to(SHM_REQ_SRV_ADDR, t[1]->port), SHM_RES_DONE);
	UNTIL(&w, get(&h->counter) == 4);
	assert_true(target_addr(h, get(&h->epoch), &addr));
	assert_int_equal(sock_addr_port(&addr), t[1]->port);
	assert_false(target_addr(h, get(&h->epoch) + 1, &addr));
	load(QUICK, OF_A "maxqueue = 9;");
	assert_true(target_addr(h, get(&h->epoch), &addr));
	assert_int_equal(get(&h->counter), 4);
	/* The port of probes alone; a reload whose file changes it takes it back. */
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK_PORT, a, t[0]->port), SHM_RES_DONE);
	UNTIL(&w, get(&h->counter) == 0);
	load(QUICK, OF_A "check = { port = 1; };");
	assert_true(target_get(h, &set));
	assert_int_equal(set.check_port, 0);
	assert_int_equal(set.addr.port, t[1]->port);
	load(QUICK, OF_A);
	UNTIL(&w, get(&h->counter) == 4);
	/* Their address alone, which nobody has here. */
	world_text(&w, "127.0.0.77:1");
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK_ADDR, a, 0), SHM_RES_DONE);
	assert_true(target_get(h, &set));
	assert_int_equal(set.check.addr[3], 77);
	/* Back to the file's. */
	assert_int_equal(set_to(SHM_REQ_SRV_ADDR, t[0]->port), SHM_RES_DONE);
	assert_false(target_addr(h, get(&h->epoch), &addr));
	world_text(&w, "nonsense");
	assert_int_equal(world_request(&w, SHM_REQ_SRV_ADDR, a, 0), SHM_RES_VALUE);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK_PORT, a, 65536), SHM_RES_VALUE);
	load("check = false;", OF_A);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_CHECK_PORT, a, 1), SHM_RES_NO_CHECK);
}

static void
wrong_requests(void **state)
{
	(void)state;
	load(QUICK, OF_A);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, 200, 0), SHM_RES_GONE);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, a, 3), SHM_RES_VALUE);
	assert_int_equal(
	    world_request(&w, SHM_CHECKER << SHM_REQ_OWNER_SHIFT | 99, a, 0), SHM_RES_UNKNOWN);
	/* The slot has another owner since the worker looked. */
	sw32_set(&shm_own_srv_dir(&w.m)[a].epoch, 99);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, a, SHM_REQ_MAINT), SHM_RES_GONE);
	assert_int_equal(get(&h->usable), 1);
	/* A request for another process is passed over, the result stands. */
	assert_int_equal(world_request(&w, SHM_REQ_MASTER, a, 0), SHM_RES_GONE);
	/* More than the ring holds, one after the other. */
	for (uint32_t i = 1; i <= 50; i++) {
		assert_int_equal(world_request(&w, SHM_REQ_SRV_WEIGHT, b, i), SHM_RES_DONE);
		assert_int_equal(get(&world_health(&w, b)->uweight), i);
	}
}

/* With an interval of a minute only reports can bring it down in time. */
static void
reports_of_failed_connects(void **state)
{
	struct mono start;
	uint64_t probes;

	(void)state;
	load("check = { inter = \"60s\"; rise = 2; fall = 3; };", OF_A);
	UNTIL(&w, get(&h->counter) == 4 && sw64_get(&w.m.checker->wait_probes) == 0);
	probes = sw64_get(&h->probes);
	/* Reported but healthy: one more probe, no harm. */
	world_report(&w, a);
	UNTIL(&w, sw64_get(&h->probes) == probes + 1);
	assert_int_equal(get(&h->counter), 4);
	target_set(t[0], TARGET_REFUSE, 0);
	start = mono_now();
	UNTIL(&w, (world_report(&w, a), get(&h->oper) == SHM_OPER_STOPPED));
	/* Three probes, 100 ms apart at least, however many reports came. */
	assert_int_equal(sw64_get(&h->probes), probes + 4);
	assert_in_range(mono_diff_ms(mono_now(), start), 200, 15000);
	/* Reports about a server that is DOWN cost nothing. */
	for (int i = 0; i < 200; i++)
		world_report(&w, a);
	probes = sw64_get(&world_health(&w, b)->probes);
	world_report(&w, b);
	UNTIL(&w, sw64_get(&world_health(&w, b)->probes) == probes + 1);
	assert_int_equal(get(&h->chkfail), 3);
}

/* vrrp asks for a fresh probe before it takes an address. */
static void
fresh_probes_for_vrrp(void **state)
{
	struct shm_vrrp *v = SHM_AT(w.m.vrrp, 0, struct shm_vrrp);
	struct mono now;

	(void)state;
	load("check = { inter = \"60s\"; rise = 2; fall = 3; };", OF_A);
	UNTIL(&w, get(&h->counter) == 4 && sw64_get(&w.m.checker->wait_probes) == 0);
	while (world_rung(w.bells.vrrp))
		;
	now = mono_now();
	sw64_set(&v->want_fresh_ns, (uint64_t)now.ns);
	child_ring_fd(w.bells.checker);
	UNTIL(&w, sw64_get(&h->last_probe_ns) >= (uint64_t)now.ns &&
		      sw64_get(&world_health(&w, b)->last_probe_ns) >= (uint64_t)now.ns);
	UNTIL(&w, world_rung(w.bells.vrrp));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(maintenance_drain_ready, setup, teardown),
	    cmocka_unit_test_setup_teardown(weight, setup, teardown),
	    cmocka_unit_test_setup_teardown(limit_of_connections, setup, teardown),
	    cmocka_unit_test_setup_teardown(health_and_checks, setup, teardown),
	    cmocka_unit_test_setup_teardown(addresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(wrong_requests, setup, teardown),
	    cmocka_unit_test_setup_teardown(reports_of_failed_connects, setup, teardown),
	    cmocka_unit_test_setup_teardown(fresh_probes_for_vrrp, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
