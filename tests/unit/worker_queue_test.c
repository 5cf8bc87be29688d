/* SPDX-License-Identifier: ISC */
/* worker: limits are exact and nobody loses a place, over workers. */
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

static bool
nothing_to_read(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static bool
three_wait(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 3;
}

static bool
none_waits(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 0;
}

static bool
two_wait(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 2;
}

/* One place: the others wait, first come first served, over two workers. */
static void
queue_in_order(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[4], s = -1, n;
	char id;

	(void)state;
	listener = rig_begin(&r, 2, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; maxconn = 1; "
		"}; }; }; };\n",
		port, back),
	    0);
	for (n = 0; n < 4; n++) {
		id = (char)n;
		c[n] = rig_connect(port);
		assert_true(rig_send(c[n], &id, 1));
		if (n == 0) {
			s = rig_accept(listener);
			assert_true(rig_recv(s, &id, 1));
			continue;
		}
		/* Its ticket is drawn before the next one comes. */
		for (int k = 0; k < 5000 && queue_waiting(&r.seg, 0) != (uint32_t)n; k++)
			poll(NULL, 0, 1);
		assert_int_equal(queue_waiting(&r.seg, 0), n);
	}
	assert_true(rig_until(&r, three_wait));
	assert_true(nothing_to_read(listener));
	assert_int_equal(limit_sum_srv(&r.seg, 0), 1);
	/* One that waits goes away. */
	rig_reset(c[2]);
	assert_true(rig_until(&r, two_wait));
	for (n = 1; n < 4; n += 2) {
		close(s);
		assert_int_equal(rig_end(c[n - (n == 3 ? 2 : 1)]), 0);
		close(c[n - (n == 3 ? 2 : 1)]);
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		assert_true(rig_recv(s, &id, 1));
		assert_int_equal(id, n);
	}
	close(s);
	close(c[3]);
	close(listener);
	rig_fini_idle(&r);
}

static void
queue_time_limit_and_length(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, a, b, c, s;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { queue = \"300ms\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; maxconn = 1; "
		"}; }; }; };\n",
		port, back),
	    0);
	sw32_set(&shm_own_be_dir(&r.seg)[0].maxqueue, 1);
	a = rig_connect(port);
	s = rig_accept(listener);
	b = rig_connect(port);
	for (int k = 0; k < 5000 && queue_waiting(&r.seg, 0) == 0; k++)
		poll(NULL, 0, 1);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), -1); /* the queue is full */
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(queue_waiting(&r.seg, 0), 1);
	assert_int_equal(rig_end(b), -1); /* waited too long */
	assert_int_equal(errno, ECONNRESET);
	assert_true(rig_until(&r, none_waits));
	close(a);
	close(b);
	close(c);
	close(s);
	close(listener);
	rig_fini_idle(&r);
}

/* At a limit connections wait in the kernel; whoever gives a place back lets the next one in. */
static void
limits_are_exact(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[8], s[8];
	char id[8];

	(void)state;
	rig_init(&r, 2);
	r.maxconn = 4;
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	for (char i = 0; i < 8; i++) {
		c[(int)i] = rig_connect(port);
		assert_true(rig_send(c[(int)i], &i, 1));
	}
	/* Which client comes next is the kernel's choice: each says who it is. */
	for (int i = 0; i < 4; i++) {
		s[i] = rig_accept(listener);
		assert_true(rig_recv(s[i], &id[i], 1));
	}
	poll(NULL, 0, 50);
	assert_true(nothing_to_read(listener));
	assert_int_equal(limit_sum_global(&r.seg), 4);
	for (int i = 4; i < 8; i++) {
		close(c[(int)id[i - 4]]);
		close(s[i - 4]);
		s[i] = rig_accept(listener);
		assert_int_not_equal(s[i], -1);
		assert_true(rig_recv(s[i], &id[i], 1));
		assert_true(limit_sum_global(&r.seg) <= 4);
		poll(NULL, 0, 10);
		assert_true(nothing_to_read(listener));
	}
	for (int i = 4; i < 8; i++) {
		close(c[(int)id[i]]);
		close(s[i]);
	}
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->held_max) > 4, 0);
	close(listener);
	rig_fini_idle(&r);
}

/* Another worker's waiter, older than whoever comes, and never late. */
static void
other_waits(struct rig *r, uint64_t ticket)
{
	struct shm_queue *q = SHM_OWN(&r->seg, shm_dead_worker(&r->seg, 1), queue);

	sw32_set(&q->looked_ms, (uint32_t)(mono_now().ns / 1000000) + 20000);
	sw32_set(&q->waiting, ticket != 0);
	sw64_set_seq(&q->oldest, ticket);
}

static bool
tried_once(struct rig *r)
{
	return sw64_get(&rig_srv(r, 0)->connect) == 1 && limit_sum_srv(&r->seg, 0) == 0;
}

static bool
joined_or_tried_again(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 2 || sw64_get(&rig_srv(r, 0)->connect) == 2;
}

static bool
tried_again(struct rig *r)
{
	return sw64_get(&rig_srv(r, 0)->connect) == 2;
}

/* redispatch = false: after its pause a session takes no place before those that wait. */
static void
a_retry_overtakes_nobody(void **state)
{
	struct rig r;
	uint16_t port;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { connect = \"300ms\"; queue = \"20s\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { redispatch = false; retries = 1; servers = { a = { address = "
		"\"127.0.0.1:%u\"; maxconn = 1; }; }; }; };\n",
		port, rig_closed_port()),
	    0);
	c = rig_connect(port);
	assert_true(rig_until(&r, tried_once));
	other_waits(&r, 1);
	sw32_set(&r.seg.own_master->n_workers, 2);
	assert_true(rig_until(&r, joined_or_tried_again));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->connect), 1);
	assert_int_equal(queue_waiting(&r.seg, 0), 2);
	other_waits(&r, 0);
	assert_true(rig_until(&r, tried_again)); /* its turn */
	assert_int_equal(rig_end(c), -1);
	close(c);
	rig_fini_idle(&r);
}

/* One server refuses and has room, the other one is full: who comes waits for the full one, instead
 * of trying the refusing one until no retries are left. */
static void
waits_for_the_full_one(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[6], s;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { queue = \"20s\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { retries = 100; servers = { a = { address = \"127.0.0.1:%u\"; "
		"}; "
		"b = { address = \"127.0.0.1:%u\"; maxconn = 1; }; }; }; };\n",
		port, rig_closed_port(), back),
	    0);
	c[0] = rig_connect(port);
	s = rig_accept(listener);
	for (uint32_t i = 1; i < 6; i++) {
		c[i] = rig_connect(port);
		for (int k = 0; k < 5000 && queue_waiting(&r.seg, 0) != i; k++)
			poll(NULL, 0, 1);
		assert_int_equal(queue_waiting(&r.seg, 0), i);
	}
	for (int i = 1; i < 6; i++) {
		close(c[i - 1]);
		close(s);
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
	}
	assert_int_equal(sw64_get(&rig_be(&r)->econ), 0);
	assert_in_range(sw64_get(&rig_srv(&r, 0)->connect), 1, 60);
	close(c[5]);
	close(s);
	close(listener);
	rig_fini_idle(&r);
}

#define CROWD 16 /* clients of each of two frontends */

/* Who waits for two limits at once is told of both. Nobody ticks here, so a place that is given to
 * nobody is found by nobody. */
static void
two_limits_lose_no_place(void **state)
{
	struct rig r;
	uint16_t port[2], back;
	int listener, c[2 * CROWD], s[2 * CROWD], live[2 * CROWD], n_live = 0;
	int waiting[2] = {CROWD, CROWD}, in[2] = {0, 0};
	unsigned seed = 1;

	(void)state;
	rig_init(&r, 2);
	r.maxconn = 3;
	port[0] = rig_listen(&r);
	port[1] = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { a = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; maxconn = "
		"2; };\n b = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { s = \"127.0.0.1:%u\"; }; }; };\n",
		port[0], port[1], back),
	    0);
	for (char i = 0; i < 2 * CROWD; i++) {
		c[(int)i] = rig_connect(port[i % 2]);
		assert_true(rig_send(c[(int)i], &i, 1));
	}
	for (;;) {
		/* Somebody comes as long as there is room for one that waits. */
		while (n_live < 3 && (waiting[1] > 0 || (waiting[0] > 0 && in[0] < 2))) {
			int fd = rig_accept(listener);
			unsigned char id;

			assert_int_not_equal(fd, -1);
			assert_true(rig_recv(fd, &id, 1));
			s[id] = fd;
			live[n_live++] = id;
			in[id % 2]++;
			waiting[id % 2]--;
			assert_true(in[0] <= 2);
		}
		if (n_live == 0)
			break;
		seed = seed * 1103515245 + 12345;
		int k = (int)(seed >> 16) % n_live, id = live[k];

		live[k] = live[--n_live];
		in[id % 2]--;
		close(c[id]);
		close(s[id]);
	}
	assert_int_equal(waiting[0] + waiting[1], 0);
	close(listener);
	rig_fini_idle(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queue_in_order),
	    cmocka_unit_test(queue_time_limit_and_length),
	    cmocka_unit_test(limits_are_exact),
	    cmocka_unit_test(two_limits_lose_no_place),
	    cmocka_unit_test(a_retry_overtakes_nobody),
	    cmocka_unit_test(waits_for_the_full_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
