/* SPDX-License-Identifier: ISC */
/* worker: what a client said before its server's connection was known to be there, and the
 * acknowledgements that wait for it. The test is client and server of a forked worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mono.h"
#include "tests/lib/rig.h"

#define TRIES 20

static void
load_two(struct rig *r, uint16_t port, uint16_t first, uint16_t second)
{
	assert_int_equal(
	    rig_load(r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; b = \"127.0.0.1:%u\"; }; }; "
		"};\n",
		port, first, second),
	    0);
}

static void
fini(struct rig *r, int listener)
{
	close(listener);
	rig_fini_idle(r);
}

/* The worker finds the whole of it, the end too, when it accepts. */
static void
said_before_the_accept(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, c, s;
	char buf[8];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	c = rig_connect(port);
	assert_true(rig_send(c, "question", 8));
	shutdown(c, SHUT_WR);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_recv(s, buf, 8));
	assert_memory_equal(buf, "question", 8);
	assert_int_equal(rig_end(s), 0);
	assert_true(rig_send(s, "answer", 6));
	close(s);
	assert_true(rig_recv(c, buf, 6));
	assert_int_equal(rig_end(c), 0);
	close(c);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->bytes_in), 8);
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->bytes_out), 6);
	fini(&r, listener);
}

/* Bytes that were to go to a server that refuses go to the next one, and count there only. */
static void
refused_with_bytes_in_hand(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, c, s;
	char buf[8];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	c = rig_connect(port);
	assert_true(rig_send(c, "question", 8));
	load_two(&r, port, rig_closed_port(), back);
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_recv(s, buf, 8));
	assert_memory_equal(buf, "question", 8);
	close(c);
	assert_int_equal(rig_end(s), 0);
	close(s);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->connect), 1);
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->bytes_in), 0);
	assert_int_equal(sw64_get(&rig_srv(&r, 1)->bytes_in), 8);
	fini(&r, listener);
}

/* A server whose queue is full answers the handshake later: what was read meanwhile is kept. */
static void
connected_later(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, c, s = -1, fill[2];
	char buf[8];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(listen(listener, 0), 0);
	fill[0] = rig_connect(back);
	c = rig_connect(port);
	assert_true(rig_send(c, "question", 8));
	shutdown(c, SHUT_WR);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	while (sw64_get(&rig_srv(&r, 0)->connect) == 0)
		poll(NULL, 0, 1);
	fill[1] = rig_accept(listener);
	assert_int_not_equal(fill[1], -1);
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	assert_true(rig_recv(s, buf, 8));
	assert_memory_equal(buf, "question", 8);
	assert_int_equal(rig_end(s), 0);
	close(s);
	assert_int_equal(rig_end(c), 0);
	close(c);
	close(fill[0]);
	close(fill[1]);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->bytes_in), 8);
	fini(&r, listener);
}

/* The server is told by RST, and the next client is served. */
static void
client_has_reset_already(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, c, s;
	char buf[4];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	rig_reset(rig_connect(port));
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	c = rig_connect(port);
	assert_true(rig_send(c, "more", 4));
	s = rig_accept(listener);
	assert_int_not_equal(s, -1);
	if (!rig_recv(s, buf, 4)) { /* that of the first one */
		close(s);
		s = rig_accept(listener);
		assert_true(rig_recv(s, buf, 4));
	}
	assert_memory_equal(buf, "more", 4);
	close(c);
	assert_int_equal(rig_end(s), 0);
	close(s);
	fini(&r, listener);
}

static int64_t
us_since(struct mono t)
{
	return mono_diff_us(mono_now(), t);
}

/* A held back handshake ends as soon as it is clear that the client has nothing to say; the kernel
 * alone would wait for 200 ms. Some may be late on a busy machine. */
static void
silent_client_is_connected_at_once(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, in_time = 0;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	for (int i = 0; i < TRIES; i++) {
		struct mono t = mono_now();
		int c = rig_connect(port), s = rig_accept(listener);

		assert_int_not_equal(s, -1);
		in_time += us_since(t) < 100000;
		assert_true(rig_send(s, "hi", 2));
		assert_true(rig_recv(c, (char[2]){0}, 2));
		close(s);
		close(c);
	}
	assert_in_range(in_time, TRIES / 2, TRIES);
	fini(&r, listener);
}

static bool
acknowledged(int fd, int64_t within_us)
{
	struct mono t = mono_now();
	struct tcp_info info;

	do {
		socklen_t n = sizeof(info);

		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n), 0);
		if (info.tcpi_unacked == 0)
			return true;
	} while (us_since(t) < within_us);
	return false;
}

/* A server with Nagle's rule that answers in two pieces does not wait 40 ms for the second. */
static void
first_answer_is_acknowledged_at_once(void **state)
{
	struct rig r;
	uint16_t back, port;
	int listener, at_once = 0;
	char buf[8];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	for (int i = 0; i < TRIES; i++) {
		int c = rig_connect(port), s;

		assert_true(rig_send(c, "question", 8));
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		assert_true(rig_recv(s, buf, 8));
		poll(NULL, 0, 1); /* its worker is through with the question */
		assert_true(rig_send(s, "head", 4));
		at_once += acknowledged(s, 10000);
		assert_true(rig_send(s, "body", 4));
		assert_true(rig_recv(c, buf, 8));
		assert_memory_equal(buf, "headbody", 8);
		close(s);
		close(c);
	}
	assert_in_range(at_once, TRIES / 2, TRIES);
	fini(&r, listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(said_before_the_accept),
	    cmocka_unit_test(refused_with_bytes_in_hand),
	    cmocka_unit_test(connected_later),
	    cmocka_unit_test(client_has_reset_already),
	    cmocka_unit_test(silent_client_is_connected_at_once),
	    cmocka_unit_test(first_answer_is_acknowledged_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
