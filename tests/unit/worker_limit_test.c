/* SPDX-License-Identifier: ISC */
/* worker: limits of servers that grow with the load, and sessions without a usable server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/queue.h"
#include "tests/lib/rig.h"
#include "worker/pick.h"

static void
limit_from_its_parts(void **state)
{
	(void)state;
	assert_int_equal(pick_dynamic(5, 0, 0, 1000, 10), 0); /* no limit stays none */
	assert_int_equal(pick_dynamic(5, 100, 0, 0, 1000), 5);
	assert_int_equal(pick_dynamic(5, 100, 0, 49, 1000), 5);
	assert_int_equal(pick_dynamic(5, 100, 0, 500, 1000), 50);
	assert_int_equal(pick_dynamic(5, 100, 0, 999, 1000), 99);
	assert_int_equal(pick_dynamic(5, 100, 0, 1000, 1000), 100);
	assert_int_equal(pick_dynamic(5, 100, 0, 4000000000u, 1000), 100);
	assert_int_equal(pick_dynamic(200, 100, 0, 1, 1000), 100); /* set at run time below it */
	/* Slow start takes its share of what holds now. */
	assert_int_equal(pick_dynamic(5, 100, 10, 500, 1000), 5);
	assert_int_equal(pick_dynamic(5, 100, 1, 0, 1000), 1);
	assert_int_equal(pick_dynamic(5, 4000000000u, 400000000u, 1000, 1000), 400000000u);
}

static bool
nothing_to_read(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 50) == 0;
}

static uint32_t wanted;

static bool
as_many_sessions(struct rig *r)
{
	return limit_sum_be(&r->seg, 0) == wanted;
}

/* minconn 1, maxconn 4, full at 8: every second session of the backend is one more at the server,
 * and it is the oldest waiter that goes there, whichever worker has it. */
static void
grows_with_the_backends_sessions(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[8], s[4] = {-1, -1, -1, -1};
	unsigned n = 0;

	(void)state;
	listener = rig_begin(&r, 2, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { queue = \"20s\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { fullconn = 8; servers = { a = { address = \"127.0.0.1:%u\"; "
		"minconn = 1; maxconn = 4; }; }; }; };\n",
		port, back),
	    0);
	for (uint8_t i = 0; i < 8; i++) {
		unsigned want = i < 2 ? 1 : (i + 1u) / 2;

		c[i] = rig_connect(port);
		assert_true(rig_send(c[i], &i, 1));
		wanted = i + 1u;
		assert_true(rig_until(&r, as_many_sessions));
		while (n < want) {
			uint8_t who;

			s[n] = rig_accept(listener);
			assert_int_not_equal(s[n], -1);
			assert_true(rig_recv(s[n], &who, 1));
			assert_int_equal(who, n++);
		}
		assert_true(nothing_to_read(listener));
		assert_int_equal(limit_sum_srv(&r.seg, 0), want);
	}
	for (int i = 0; i < 8; i++)
		rig_reset(c[i]);
	for (int i = 0; i < 4; i++)
		close(s[i]);
	assert_true(rig_until(&r, rig_idle));
	close(listener);
	rig_fini(&r);
}

static bool
one_waits(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 1;
}

/* Without a usable server a session waits where that is wanted, and goes on with the first one. */
static void
waits_for_a_usable_server(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;
	char x;

	(void)state;
	listener = rig_begin(&r, 2, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { queue = \"300ms\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { no_server = \"wait\"; servers = { a = { address = "
		"\"127.0.0.1:%u\"; disabled = true; }; }; }; };\n",
		port, back),
	    0);
	c = rig_connect(port);
	assert_true(rig_until(&r, one_waits));
	assert_int_equal(rig_end(c), -1); /* as long as the queue lets it */
	assert_int_equal(errno, ECONNRESET);
	close(c);
	c = rig_connect(port);
	assert_true(rig_until(&r, one_waits));
	sw32_set(&shm_own_health(&r.seg)[0].usable, 1);
	for (unsigned i = 0; i < r.n_workers; i++)
		child_ring_fd(r.bells.workers[i]);
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_send(s, "x", 1));
	assert_true(rig_recv(c, &x, 1));
	close(c);
	close(s);
	assert_true(rig_until(&r, rig_idle));
	close(listener);
	rig_fini(&r);
}

/* The last server has gone, the checker has not yet made a schedule of backups: the first usable
 * backup is found all the same, and no other. */
static void
backup_before_its_schedule(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = {\n"
		"  a = { address = \"127.0.0.1:1\"; disabled = true; weight = 7; };\n"
		"  b = { address = \"127.0.0.1:2\"; disabled = true; weight = 0; backup = true; "
		"};\n"
		"  c = { address = \"127.0.0.1:%u\"; weight = 0; backup = true; };\n"
		"  d = { address = \"127.0.0.1:4\"; weight = 0; backup = true; }; }; }; };\n",
		port, back),
	    0);
	/* Weight 0 kept them out of the rig's schedule. */
	for (unsigned i = 1; i < 4; i++)
		sw32_set(&shm_own_health(&r.seg)[i].eweight, 256);
	for (int i = 0; i < 4; i++) {
		c = rig_connect(port);
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		close(c);
		close(s);
	}
	assert_true(rig_until(&r, rig_idle));
	close(listener);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limit_from_its_parts),
	    cmocka_unit_test(grows_with_the_backends_sessions),
	    cmocka_unit_test(waits_for_a_usable_server),
	    cmocka_unit_test(backup_before_its_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
