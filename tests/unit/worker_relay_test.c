/* SPDX-License-Identifier: ISC */
/* worker: the relay between real sockets. The test is client and server of a forked worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/limit.h"
#include "tests/lib/rig.h"

struct pair {
	struct rig rig;
	uint16_t port;
	int listener;
	int c;
	int s;
};

static void
setup(struct pair *p)
{
	uint16_t back;

	rig_init(&p->rig, 1);
	p->port = rig_listen(&p->rig);
	p->listener = rig_server(&back);
	assert_int_equal(rig_load(&p->rig,
			     "global = { log = \"stderr\"; };\n"
			     "frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = "
			     "\"be\"; tcplog = false; }; };\n"
			     "backends = { be = { servers = { s1 = \"127.0.0.1:%u\"; }; }; };\n",
			     p->port, back),
	    0);
}

static void
open_pair(struct pair *p)
{
	p->c = rig_connect(p->port);
	assert_int_not_equal(p->c, -1);
	p->s = rig_accept(p->listener);
	assert_int_not_equal(p->s, -1);
}

static void
teardown(struct pair *p)
{
	assert_true(rig_until(&p->rig, rig_idle));
	close(p->listener);
	rig_fini(&p->rig);
}

static void
echo(void **state)
{
	struct pair p;
	char buf[16];

	(void)state;
	setup(&p);
	open_pair(&p);
	for (int i = 0; i < 100; i++) {
		assert_true(rig_send(p.c, "question", 8));
		assert_true(rig_recv(p.s, buf, 8));
		assert_memory_equal(buf, "question", 8);
		assert_true(rig_send(p.s, "answer", 6));
		assert_true(rig_recv(p.c, buf, 6));
		assert_memory_equal(buf, "answer", 6);
	}
	close(p.c);
	assert_int_equal(rig_end(p.s), 0);
	close(p.s);
	teardown(&p);
}

/* The server may speak first, the client may say nothing. */
static void
server_speaks_first(void **state)
{
	struct pair p;
	char buf[16];

	(void)state;
	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.s, "hello", 5));
	close(p.s);
	assert_true(rig_recv(p.c, buf, 5));
	assert_int_equal(rig_end(p.c), 0);
	close(p.c);
	teardown(&p);
}

static void
half_close_of_the_client(void **state)
{
	struct pair p;
	char buf[16];

	(void)state;
	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.c, "all", 3));
	shutdown(p.c, SHUT_WR);
	assert_true(rig_recv(p.s, buf, 3));
	assert_int_equal(rig_end(p.s), 0);
	assert_true(rig_send(p.s, "late answer", 11));
	assert_true(rig_recv(p.c, buf, 11));
	close(p.s);
	assert_int_equal(rig_end(p.c), 0);
	close(p.c);
	teardown(&p);
}

static void
half_close_of_the_server(void **state)
{
	struct pair p;
	char buf[16];

	(void)state;
	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.s, "bye", 3));
	shutdown(p.s, SHUT_WR);
	assert_true(rig_recv(p.c, buf, 3));
	assert_int_equal(rig_end(p.c), 0);
	for (int i = 0; i < 10; i++) {
		assert_true(rig_send(p.c, "more", 4));
		assert_true(rig_recv(p.s, buf, 4));
	}
	close(p.c);
	assert_int_equal(rig_end(p.s), 0);
	close(p.s);
	teardown(&p);
}

static void
reset_by(bool client)
{
	struct pair p;
	char buf[4];
	int other;

	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.c, "x", 1));
	assert_true(rig_recv(p.s, buf, 1));
	other = client ? p.s : p.c;
	rig_reset(client ? p.c : p.s);
	assert_int_equal(rig_end(other), -1);
	assert_int_equal(errno, ECONNRESET);
	close(other);
	teardown(&p);
}

static void
reset_of_the_client_is_passed_on(void **state)
{
	(void)state;
	reset_by(true);
}

static void
reset_of_the_server_is_passed_on(void **state)
{
	(void)state;
	reset_by(false);
}

/* Bytes that came before a reset arrive before it. */
static void
data_before_a_reset_arrive(void **state)
{
	struct pair p;
	char buf[8];

	(void)state;
	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.s, "last", 4));
	assert_true(rig_recv(p.c, buf, 4));
	rig_reset(p.s);
	assert_int_equal(rig_end(p.c), -1);
	assert_int_equal(errno, ECONNRESET);
	close(p.c);
	teardown(&p);
}

static void
fill(unsigned char *p, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		p[i] = (unsigned char)(*seed >> 24);
	}
}

/* Sends total pseudo-random bytes from a to b, reading in steps, slow: with pauses of the reader
 * until the writer is stopped. Returns how much the writer got rid of before the reader began. */
static size_t
stream(int a, int b, size_t total, bool slow)
{
	static unsigned char out[65536], in[65536], want[65536];
	uint32_t seed_out = 7, seed_in = 7;
	size_t sent = 0, got = 0, have = 0, off = 0, before = 0;
	bool reading = !slow;

	fcntl(a, F_SETFL, O_NONBLOCK);
	fcntl(b, F_SETFL, O_NONBLOCK);
	while (got < total) {
		struct pollfd pf[2] = {{.fd = a, .events = sent < total ? POLLOUT : 0},
		    {.fd = b, .events = reading ? POLLIN : 0}};
		int n = poll(pf, 2, reading ? 5000 : 300);

		if (n == 0) {
			assert_false(reading);
			before = sent;
			reading = true;
			continue;
		}
		if (pf[0].revents & POLLOUT) {
			ssize_t k;

			if (off == have) {
				have = total - sent < sizeof(out) ? total - sent : sizeof(out);
				fill(out, have, &seed_out);
				off = 0;
			}
			k = send(a, out + off, have - off, MSG_NOSIGNAL);
			assert_true(k > 0 || errno == EAGAIN);
			if (k > 0) {
				off += (size_t)k;
				sent += (size_t)k;
			}
		}
		if (pf[1].revents & POLLIN) {
			ssize_t k = recv(b, in, sizeof(in), 0);

			assert_true(k > 0);
			fill(want, (size_t)k, &seed_in);
			assert_memory_equal(in, want, (size_t)k);
			got += (size_t)k;
		}
	}
	fcntl(a, F_SETFL, 0);
	fcntl(b, F_SETFL, 0);
	return before;
}

static void
streams_both_ways(void **state)
{
	struct pair p;

	(void)state;
	setup(&p);
	open_pair(&p);
	stream(p.c, p.s, 20 << 20, false);
	stream(p.s, p.c, 20 << 20, false);
	/* Small again after a stream. */
	stream(p.c, p.s, 100, false);
	stream(p.s, p.c, 64 << 20, false);
	assert_true(sw64_get(&shm_worker(&p.rig.seg, 0)->spliced) > 0);
	close(p.s);
	assert_true(rig_end(p.c) == 0);
	close(p.c);
	teardown(&p);
}

/* A reader that does not read stops the writer: what lies between is bounded. */
static void
slow_reader_stops_the_writer(void **state)
{
	struct pair p;
	size_t before;

	(void)state;
	setup(&p);
	open_pair(&p);
	before = stream(p.s, p.c, 64 << 20, true);
	assert_true(before > 0 && before < 48 << 20);
	before = stream(p.c, p.s, 64 << 20, true);
	assert_true(before > 0 && before < 48 << 20);
	close(p.c);
	close(p.s);
	teardown(&p);
}

/* The reader goes away while the writer is stopped. */
static void
blocked_reader_resets(void **state)
{
	struct pair p;
	char buf[65536] = {0};
	struct pollfd pf;

	(void)state;
	setup(&p);
	open_pair(&p);
	fcntl(p.s, F_SETFL, O_NONBLOCK);
	pf = (struct pollfd){.fd = p.s, .events = POLLOUT};
	while (poll(&pf, 1, 200) == 1)
		assert_true(send(p.s, buf, sizeof(buf), MSG_NOSIGNAL) > 0 || errno == EAGAIN);
	rig_reset(p.c);
	pf.events = POLLIN;
	assert_int_equal(poll(&pf, 1, 5000), 1);
	assert_int_equal(recv(p.s, buf, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(p.s);
	teardown(&p);
}

/* Urgent data must not stall what follows it. */
static void
urgent_data_do_not_stall(void **state)
{
	struct pair p;
	char buf[16];

	(void)state;
	setup(&p);
	open_pair(&p);
	assert_true(rig_send(p.c, "a", 1));
	assert_true(rig_recv(p.s, buf, 1));
	assert_int_equal(send(p.c, "bc!", 3, MSG_OOB), 3);
	assert_true(rig_send(p.c, "de", 2));
	assert_true(rig_recv(p.s, buf, 4));
	assert_memory_equal(buf, "bcde", 4);
	close(p.c);
	assert_int_equal(rig_end(p.s), 0);
	close(p.s);
	teardown(&p);
}

/* In the middle of a stream neither: splice does not get past an urgent byte, and says "end" at one
 * when the FIN is there. */
static void
urgent_data_in_a_stream(void **state)
{
	enum { PART = 1 << 20 };
	static char buf[65536];
	struct pair p;

	(void)state;
	setup(&p);
	open_pair(&p);
	for (int round = 0; round < 20; round++) {
		size_t got = 0;
		ssize_t n;
		pid_t writer = fork();

		assert_int_not_equal(writer, -1);
		if (writer == 0) {
			static char out[PART];

			alarm(60);
			for (int i = 0; i < 3; i++)
				if (!rig_send(p.c, out, PART) || send(p.c, "!", 1, MSG_OOB) != 1)
					_exit(1);
			_exit(rig_send(p.c, out, PART) && shutdown(p.c, SHUT_WR) == 0 ? 0 : 1);
		}
		while ((n = recv(p.s, buf, sizeof(buf), 0)) > 0)
			got += (size_t)n;
		waitpid(writer, NULL, 0);
		assert_int_equal(n, 0);
		/* An urgent byte that a later one overtakes is one like others. */
		assert_in_range(got, 4 * PART, 4 * PART + 2);
		close(p.c);
		close(p.s);
		open_pair(&p);
	}
	close(p.c);
	close(p.s);
	teardown(&p);
}

#define MANY 200

static void
many_at_once(void **state)
{
	struct pair p;
	int c[MANY], s[MANY], of[MANY];

	(void)state;
	setup(&p);
	for (int i = 0; i < MANY; i++) {
		c[i] = rig_connect(p.port);
		assert_true(rig_send(c[i], &i, sizeof(i)));
	}
	for (int i = 0; i < MANY; i++) {
		s[i] = rig_accept(p.listener);
		assert_true(rig_recv(s[i], &of[i], sizeof(of[i])));
	}
	for (int k = 0; k < 5; k++) {
		for (int i = 0; i < MANY; i++) {
			int v = of[i] * 1000 + k;

			assert_true(rig_send(s[i], &v, sizeof(v)));
		}
		for (int i = 0; i < MANY; i++) {
			int v = 0;

			assert_true(rig_recv(c[i], &v, sizeof(v)));
			assert_int_equal(v, i * 1000 + k);
		}
	}
	assert_int_equal(limit_sum_global(&p.rig.seg), MANY);
	assert_int_equal(limit_sum_srv(&p.rig.seg, 0), MANY);
	for (int i = 0; i < MANY; i++) {
		close(c[i]);
		assert_int_equal(rig_end(s[i]), 0);
		close(s[i]);
	}
	teardown(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(echo),
	    cmocka_unit_test(server_speaks_first),
	    cmocka_unit_test(half_close_of_the_client),
	    cmocka_unit_test(half_close_of_the_server),
	    cmocka_unit_test(reset_of_the_client_is_passed_on),
	    cmocka_unit_test(reset_of_the_server_is_passed_on),
	    cmocka_unit_test(data_before_a_reset_arrive),
	    cmocka_unit_test(streams_both_ways),
	    cmocka_unit_test(slow_reader_stops_the_writer),
	    cmocka_unit_test(blocked_reader_resets),
	    cmocka_unit_test(urgent_data_do_not_stall),
	    cmocka_unit_test(urgent_data_in_a_stream),
	    cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
