/* SPDX-License-Identifier: ISC */
/* worker: which server a session gets, whom it refuses, who shares a queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/queue.h"
#include "tests/lib/rig.h"

/* A refusing server costs no client its connection, and after three failures nobody even tries. */
static void
refused_goes_to_the_next(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { bad = \"127.0.0.1:%u\"; good = \"127.0.0.1:%u\"; "
		"}; }; };\n",
		port, rig_closed_port(), back),
	    0);
	for (int i = 0; i < 30; i++) {
		int c = rig_connect(port), s = rig_accept(listener);

		assert_int_not_equal(s, -1);
		assert_true(rig_send(s, "x", 1));
		assert_true(rig_recv(c, &(char){0}, 1));
		close(c);
		close(s);
	}
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_srv(&r, 1)->sess), 30);
	assert_in_range(sw64_get(&rig_srv(&r, 0)->connect), 3, 5);
	assert_int_equal(
	    sw64_get(&shm_worker(&r.seg, 0)->report_head), sw64_get(&rig_srv(&r, 0)->connect));
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->report[0]), 0);
	assert_int_equal(sw64_get(&rig_be(&r)->wredis), sw64_get(&rig_srv(&r, 0)->connect));
	assert_int_equal(sw64_get(&rig_be(&r)->wretr), 0); /* with the same server only */
	assert_int_equal(sw64_get(&rig_be(&r)->wredis), sw64_get(&rig_srv(&r, 0)->connect));
	assert_int_equal(sw64_get(&rig_be(&r)->econ), 0);
	close(listener);
	rig_fini_idle(&r);
}

static void
all_refuse(void **state)
{
	struct rig r;
	uint16_t port;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { connect = \"50ms\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { retries = 3; servers = { a = \"127.0.0.1:%u\"; b = "
		"\"127.0.0.1:%u\"; }; }; };\n",
		port, rig_closed_port(), rig_closed_port()),
	    0);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	close(c);
	assert_true(rig_until(&r, rig_idle));
	/* Each once, a pause, each once more. */
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->connect), 2);
	assert_int_equal(sw64_get(&rig_srv(&r, 1)->connect), 2);
	assert_int_equal(sw64_get(&rig_be(&r)->econ), 1);
	assert_int_equal(sw64_get(&rig_be(&r)->wretr) + sw64_get(&rig_be(&r)->wredis), 3);
	rig_fini_idle(&r);
}

static void
none_usable(void **state)
{
	struct rig r;
	uint16_t port;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:1\"; disabled = true; "
		"}; }; }; };\n",
		port),
	    0);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	close(c);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->connect), 0);
	rig_fini_idle(&r);
}

static void
denied_are_reset(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c;
	ssize_t n;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	rig_file(&r, "/nets", "198.51.100.0/24\n127.0.0.0/8\n");
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; deny = "
		"\"/nets\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	c = rig_connect(port);
	if (c != -1) {
		n = rig_end(c);
		assert_int_equal(n, -1);
		close(c);
	}
	assert_int_equal(errno, ECONNRESET);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&shm_fe_count(&r.seg, shm_worker(&r.seg, 0))[0].denied), 1);
	close(listener);
	rig_fini_idle(&r);
}

static void
a_bind_without_socket_is_refused(void **state)
{
	struct rig r;
	uint16_t port;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(rig_load(&r, RIG_CONF, port, 1), 0);
	assert_int_equal(rig_load(&r, RIG_CONF, rig_closed_port(), 1), -1);
	assert_non_null(strstr(r.workers[0].reason, "no socket came for 127.0.0.1:"));
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->generation), 1);
	rig_fini_idle(&r);
}

/* A stopped worker's queue is served by the other as soon as the mask says so. */
static void
queues_of_absent_workers_are_adopted(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[40], s;

	(void)state;
	listener = rig_begin(&r, 2, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	kill(r.workers[1].pid, SIGSTOP);
	for (int i = 0; i < 40; i++)
		c[i] = rig_connect(port);
	sw64_set(&r.seg.own_master->absent[0], 2);
	rig_tick(&r);
	for (int i = 0; i < 40; i++) {
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		assert_true(rig_send(s, "x", 1));
		close(s);
	}
	for (int i = 0; i < 40; i++) {
		assert_true(rig_recv(c[i], &(char){0}, 1));
		close(c[i]);
	}
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->adopted), 1);
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->cum_conn), 40);
	sw64_set(&r.seg.own_master->absent[0], 0);
	rig_tick(&r);
	kill(r.workers[1].pid, SIGCONT);
	for (int k = 0; k < 5000 && sw32_get(&shm_worker(&r.seg, 0)->adopted) != 0; k++)
		poll(NULL, 0, 1);
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->adopted), 0);
	close(listener);
	rig_fini_idle(&r);
}

/* A shared queue: held sessions spread over the workers. */
static void
shared_queue_spreads(void **state)
{
	struct rig r;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	uint16_t back;
	int listener, c[100], s[100];
	uint32_t one;

	(void)state;
	rig_init(&r, 2);
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/vipd-rig-%d.sock", (int)getpid());
	rig_listen_unix(&r, a.sun_path, false);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r,
			     "frontends = { fe = { bind = \"%s\"; default_backend = \"be\"; }; };\n"
			     "backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
			     a.sun_path, back),
	    0);
	for (int i = 0; i < 100; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(c[i], (struct sockaddr *)&a, sizeof(a)), 0);
		s[i] = rig_accept(listener);
		assert_int_not_equal(s[i], -1);
		if (i % 10 == 0)
			rig_tick(&r);
	}
	one = sw32_get(&shm_worker(&r.seg, 0)->held);
	assert_in_range(one, 30, 70);
	for (int i = 0; i < 100; i++) {
		close(c[i]);
		close(s[i]);
	}
	unlink(a.sun_path);
	close(listener);
	rig_fini_idle(&r);
}

#define TWO_BINDS                                                           \
	"frontends = { fe = { bind = %s; default_backend = \"be\"; }; };\n" \
	"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n"

static bool
has_left(struct rig *r)
{
	sw64_set(&r->seg.own_master->deaf, r->generation);
	rig_tick(r);
	return sw64_get(&shm_worker(&r->seg, 0)->left) == r->generation;
}

/* A bug: a worker that was late with a generation got the sockets of a bind once more with the next
 * one, which did not name it any more. It kept and polled them for nobody: EADDRINUSE when the bind
 * came back, and a crash when somebody connected. */
static void
sockets_that_nobody_names(void **state)
{
	struct rig r;
	uint16_t port, back, gone;
	char binds[128], one[64];
	int listener, c, s, early;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	gone = rig_listen(&r);
	snprintf(one, sizeof(one), "\"127.0.0.1:%u\"", port);
	snprintf(binds, sizeof(binds), "[ %s, \"127.0.0.1:%u\" ]", one, gone);
	assert_int_equal(rig_load(&r, TWO_BINDS, binds, back), 0);
	r.listeners[1].sent = false;
	assert_int_equal(rig_load(&r, TWO_BINDS, one, back), 0);
	early = rig_connect(gone); /* who comes before it is empty is served */
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_send(s, "e", 1));
	assert_true(rig_recv(early, &(char){0}, 1));
	close(s);
	close(early);
	assert_true(rig_until(&r, has_left));
	c = rig_connect(gone); /* the master's copy: nobody takes him */
	assert_int_not_equal(c, -1);
	rig_tick(&r);
	early = rig_connect(port);
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_send(s, "x", 1));
	assert_true(rig_recv(early, &(char){0}, 1));
	close(early);
	close(s);
	close(c);
	/* Ours was the last one. */
	close(r.listeners[1].fds[0]);
	r.listeners[1].fds[0] = -1;
	assert_int_equal(rig_connect(gone), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(listener);
	rig_fini_idle(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sockets_that_nobody_names),
	    cmocka_unit_test(refused_goes_to_the_next),
	    cmocka_unit_test(all_refuse),
	    cmocka_unit_test(none_usable),
	    cmocka_unit_test(denied_are_reset),
	    cmocka_unit_test(a_bind_without_socket_is_refused),
	    cmocka_unit_test(queues_of_absent_workers_are_adopted),
	    cmocka_unit_test(shared_queue_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
