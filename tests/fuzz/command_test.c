/* SPDX-License-Identifier: ISC */
/*
 * Lines for the control socket, and requests for monitoring frontends, made of pieces of valid ones
 * and of random bytes, over connections that are cut anywhere. Bounded: FUZZ_ROUNDS (default 3000).
 * Nothing may crash, hang, or leave an answer without its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/fixture.h"
#include "tests/lib/fuzz.h"
#include "worker/cli.h"
#include "worker/http.h"
#include "worker/monitor.h"

static struct shm seg;
static struct loop *loop;
static unsigned open_conns;

static unsigned
rounds(void)
{
	const char *env = getenv("FUZZ_ROUNDS");

	return env != NULL ? (unsigned)strtoul(env, NULL, 10) : 3000;
}

static void
make_line(struct buf *line)
{
	static const char *const words[] = {"show", "stat", "info", "servers", "state", "sess",
	    "proc", "events", "since", "vrrp", "help", "prompt", "quit", "set", "server", "weight",
	    "get", "enable", "disable", "health", "shutdown", "session", "sessions", "clear",
	    "counters", "all", "be/s1", "be/", "/", "web/w1", "be", "-1", "4", "256",
	    "999999999999", "0x12", "typed", "json", "up", "maint", "ready", "drain", "100%", ";",
	    "\\", ";;", "\t", "timeout", "cli", "user", "operator", "maxconn", "\r", "csv",
	    "explain", "router", "backend", "activity", "errors", "env", "config", "queue", "conn",
	    "reload", "maintenance", "on", "frontend", "fe", "global", "dump", "release",
	    "instance", "addr", "check-addr", "check-port", "127.0.0.1", "::1", "port", "65536",
	    "wait", "1ms", "srv-removable", "schema", "sockets", "desc", "agent"};
	unsigned n = fuzz_below(12);

	for (unsigned i = 0; i < n; i++) {
		if (fuzz_below(8) == 0)
			for (unsigned k = fuzz_below(20); k > 0; k--)
				buf_putc(line, (char)fuzz_below(256));
		else
			buf_puts(line, words[fuzz_below(sizeof(words) / sizeof(words[0]))]);
		buf_puts(line, fuzz_below(6) == 0 ? "" : " ");
	}
	if (fuzz_below(40) == 0)
		for (unsigned k = fuzz_below(20000); k > 0; k--)
			buf_putc(line, 'x');
	if (fuzz_below(5) != 0)
		buf_putc(line, '\n');
}

static void
make_request(struct buf *rq)
{
	static const char *const parts[] = {"GET ", "HEAD ", "POST ", "/monitor", "/stats", ";csv",
	    ";json", "/metrics", "?", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: x\r\n", "\r\n",
	    "\r\n\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n",
	    "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "http://h", "*", ":", "\n",
	    " "};
	unsigned n = fuzz_below(3);

	for (unsigned i = 0; i < n; i++)
		buf_printf(rq, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", parts[3 + fuzz_below(5)]);
	n = fuzz_below(15);
	for (unsigned i = 0; i < n; i++) {
		if (fuzz_below(15) == 0)
			buf_putc(rq, (char)fuzz_below(256));
		else
			buf_puts(rq, parts[fuzz_below(sizeof(parts) / sizeof(parts[0]))]);
	}
}

/* Sends the bytes in random cuts, reads now and then, ends in one of several ways. Returns the last
 * bytes heard in tail[4]. */
static size_t
converse(int fd, const struct buf *bytes, char tail[4])
{
	static char got[65536];
	size_t sent = 0, heard = 0;
	bool shut = false;

	for (unsigned turn = 0; turn < 2000; turn++) {
		ssize_t n;

		if (sent < bytes->len) {
			size_t piece = 1 + fuzz_below(fuzz_below(4) == 0 ? 20000 : 40);

			if (piece > bytes->len - sent)
				piece = bytes->len - sent;
			n = send(fd, bytes->data + sent, piece, MSG_NOSIGNAL);
			if (n > 0)
				sent += (size_t)n;
			else if (n == -1)
				sent = bytes->len;
		} else if (!shut) {
			shut = true;
			if (fuzz_below(8) == 0)
				return 0; /* hangs up without listening */
			shutdown(fd, SHUT_WR);
		}
		loop_turn(loop, 0);
		n = recv(fd, got, fuzz_below(10) == 0 ? 100 : sizeof(got), 0);
		for (ssize_t i = n > 4 ? n - 4 : 0; i < n; i++) {
			memmove(tail, tail + 1, 3);
			tail[3] = got[i];
		}
		if (n == 0)
			return heard;
		heard += n > 0 ? (size_t)n : 0;
		if (n == -1 && open_conns == 0)
			return heard;
	}
	fail_msg("the connection does not end: \"%s\"", bytes->data);
	return heard;
}

static void
cli_closed(void *ctx)
{
	(void)ctx;
	open_conns--;
}

static void
lines_never_break_the_control_socket(void **state)
{
	struct cli cli = {.loop = loop, .shm = &seg, .closed = cli_closed};

	(void)state;
	for (unsigned i = 0; i < rounds(); i++) {
		struct buf line = BUF_INIT;
		char tail[4] = "";
		int sv[2];

		for (unsigned k = fuzz_below(3); k < 3; k++)
			make_line(&line);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
		open_conns = 1;
		assert_int_equal(
		    cli_open(&cli, sv[1], "t", (enum command_level)fuzz_below(3), 10000), 0);
		if (converse(sv[0], &line, tail) > 0 && open_conns == 0 && tail[3] != '\n' &&
		    memcmp(tail + 2, "> ", 2) != 0)
			fail_msg("an answer without its end: \"%s\"", line.data);
		close(sv[0]);
		for (unsigned t = 0; open_conns > 0 && t < 100; t++)
			loop_turn(loop, 100);
		assert_int_equal(open_conns, 0);
		buf_free(&line);
	}
}

static void
http_answer(struct http_conn *c, const struct http_request *rq, struct http_reply *rp)
{
	static struct conf_backend backends[] = {{.name = "be"}, {.name = "web"}};
	static struct conf conf = {.backends = backends, .n_backends = 2};
	static struct conf_frontend fe = {
	    .monitor_uri = "/monitor", .stats_uri = "/stats", .metrics_uri = "/metrics"};

	(void)c;
	monitor_answer(&seg, &conf, &fe, rq, rp);
}

static void
http_closed(struct http_conn *c)
{
	(void)c;
	open_conns--;
}

static void
requests_never_break_the_monitoring_frontend(void **state)
{
	static const struct http_ops ops = {.answer = http_answer, .closed = http_closed};
	static const struct http_times times = {10000, 10000, 10000};

	(void)state;
	for (unsigned i = 0; i < rounds(); i++) {
		struct buf rq = BUF_INIT;
		char tail[4] = "";
		int sv[2];

		make_request(&rq);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
		open_conns = 1;
		assert_non_null(http_open(loop, sv[1], &ops, &times, NULL));
		converse(sv[0], &rq, tail);
		close(sv[0]);
		for (unsigned t = 0; open_conns > 0 && t < 100; t++)
			loop_turn(loop, 100);
		assert_int_equal(open_conns, 0);
		buf_free(&rq);
	}
}

static int
set_up(void **state)
{
	(void)state;
	fuzz_begin(88172645463325252u);
	fixture_make(&seg);
	loop = loop_new();
	return loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	shm_detach(&seg);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(lines_never_break_the_control_socket),
	    T(requests_never_break_the_monitoring_frontend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
