/* SPDX-License-Identifier: ISC */
/* worker: the HTTP server on accepted connections, over socket pairs and a real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sock.h"
#include "worker/demo.h"
#include "worker/http.h"

static struct loop *loop;
static struct http_conn *conn;
static int client;
static unsigned answered, bad, closed, ended;
static size_t bytes_in, bytes_out;

/* ---- a user: echoes the path; "/big/N": N bytes in pieces; "/fail": a body that breaks ----------
 */

struct pieces {
	size_t left;
	bool fails;
};

static bool
more(void *stream, struct buf *out, size_t limit)
{
	struct pieces *p = stream;

	if (p->fails && p->left == 0) {
		out->failed = true;
		return false;
	}
	for (; p->left > 0 && out->len < limit; p->left--)
		buf_putc(out, "0123456789"[p->left % 10]);
	return p->left > 0 || p->fails;
}

static void
end(void *stream)
{
	free(stream);
	ended++;
}

static void
answer(struct http_conn *c, const struct http_request *rq, struct http_reply *rp)
{
	(void)c;
	if (strncmp(rq->path, "/big/", 5) == 0 || strcmp(rq->path, "/fail") == 0) {
		struct pieces *p = calloc(1, sizeof(*p));

		p->left = rq->path[1] == 'b' ? strtoul(rq->path + 5, NULL, 10) : 10;
		p->fails = rq->path[1] == 'f';
		rp->more = more;
		rp->end = end;
		rp->stream = p;
		return;
	}
	if (!rq->get)
		rp->status = 405;
	buf_printf(&rp->body, "%s\n", rq->path);
}

static void
on_answered(struct http_conn *c, int status, bool was_bad)
{
	(void)c;
	(void)status;
	answered++;
	bad += was_bad;
}

static void
on_bytes(struct http_conn *c, size_t in, size_t out)
{
	(void)c;
	bytes_in += in;
	bytes_out += out;
}

static void
on_closed(struct http_conn *c)
{
	(void)c;
	closed++;
	conn = NULL;
}

static const struct http_ops ops = {
    .answer = answer, .answered = on_answered, .bytes = on_bytes, .closed = on_closed};

static void
open_conn(int64_t request_ms, int64_t keep_alive_ms)
{
	struct http_times t = {
	    .request_ms = request_ms, .keep_alive_ms = keep_alive_ms, .send_ms = 10000};
	int sv[2];

	answered = bad = closed = ended = 0;
	bytes_in = bytes_out = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	client = sv[0];
	conn = http_open(loop, sv[1], &ops, &t, NULL);
	assert_non_null(conn);
}

static void
close_conn(void)
{
	if (client != -1)
		close(client);
	client = -1;
	for (int i = 0; i < 100 && closed == 0; i++)
		loop_turn(loop, 1000);
	assert_int_equal(closed, 1);
}

static void
say(const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs turns until nothing has come for a turn without events; returns what the client got. */
static char *
hear(void)
{
	static char got[1 << 20];
	size_t len = 0;

	for (int idle = 0; idle < 2;) {
		ssize_t n;

		loop_turn(loop, idle == 0 ? 0 : 5);
		n = recv(client, got + len, sizeof(got) - 1 - len, 0);
		if (n > 0) {
			len += (size_t)n;
			idle = 0;
		} else {
			idle++;
		}
	}
	got[len] = '\0';
	return got;
}

static void
expect(const char *request, const char *answer_text)
{
	say(request);
	assert_string_equal(hear(), answer_text);
}

static void
status(const char *request, const char *line)
{
	char *got;

	open_conn(10000, 10000);
	if (request != NULL)
		say(request);
	got = hear();
	if (strncmp(got, line, strlen(line)) != 0)
		fail_msg("%s: got %s", line, got);
	close_conn();
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void
keeps_alive_by_version(void **state)
{
	(void)state;
	open_conn(10000, 10000);
	expect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n/a\n");
	expect("GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n/b\n");
	expect("HEAD /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
	    "Connection: keep-alive\r\n\r\n");
	expect("GET /d HTTP/1.0\r\n\r\n",
	    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
	    "Connection: close\r\n\r\n/d\n");
	assert_int_equal(recv(client, &(char){0}, 1, 0), 0);
	assert_int_equal(answered, 4);
	assert_int_equal(bad, 0);
	close_conn();
}

static void
heads_may_come_byte_by_byte(void **state)
{
	const char *text =
	    "GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n";
	char one[2] = "";

	(void)state;
	open_conn(10000, 10000);
	for (const char *p = text; *p != '\0'; p++) {
		one[0] = *p;
		say(one);
		loop_turn(loop, 1000);
	}
	assert_string_equal(strstr(hear(), "\r\n\r\n"), "\r\n\r\n/p?q\n");
	say("\r\n");
	assert_string_equal(strstr(hear(), "\r\n\r\n"), "\r\n\r\n/2\n");
	assert_int_equal(bytes_in, strlen(text) + 2);
	close_conn();
}

/* 100 requests in one write are all answered in order, not all in one turn. */
static void
pipelines_are_served_in_turns(void **state)
{
	struct buf all = BUF_INIT;
	char *p;

	(void)state;
	open_conn(10000, 10000);
	for (int i = 0; i < 100; i++)
		buf_printf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
	say(all.data);
	loop_turn(loop, 1000);
	assert_int_equal(answered, HTTP_TURN);
	p = hear();
	for (int i = 0; i < 100; i++) {
		char body[32];

		snprintf(body, sizeof(body), "\r\n\r\n/%d\n", i);
		p = strstr(p, body);
		assert_non_null(p);
	}
	assert_int_equal(answered, 100);
	buf_free(&all);
	close_conn();
}

static void
what_is_not_http_is_refused(void **state)
{
	struct buf big = BUF_INIT;

	(void)state;
	status("\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400 ");
	status("GET /\r\n\r\n", "HTTP/1.1 400 ");
	status("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
	status("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 ");
	status("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ");
	buf_puts(&big, "GET /");
	while (big.len < 9000)
		buf_putc(&big, 'a');
	status(big.data, "HTTP/1.1 414 ");
	buf_reset(&big);
	buf_puts(&big, "GET / HTTP/1.1\r\nHost: x\r\n");
	while (big.len < 20000)
		buf_puts(&big, "X-Name: 0123456789012345678901234567890123456789\r\n");
	status(big.data, "HTTP/1.1 431 ");
	buf_reset(&big);
	buf_puts(&big, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 101; i++)
		buf_puts(&big, "X: y\r\n");
	buf_puts(&big, "\r\n");
	status(big.data, "HTTP/1.1 431 ");
	buf_free(&big);
}

/* A client that ends its side still gets its answer; one that ends in a head gets 400. */
static void
half_closed_clients_are_answered(void **state)
{
	(void)state;
	open_conn(10000, 10000);
	say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(client, SHUT_WR);
	assert_string_equal(strstr(hear(), "\r\n\r\n"), "\r\n\r\n/x\n");
	assert_int_equal(closed, 1);
	close_conn();
	open_conn(10000, 10000);
	say("GET /x HT");
	shutdown(client, SHUT_WR);
	assert_int_equal(strncmp(hear(), "HTTP/1.1 400 ", 13), 0);
	close_conn();
}

static void
slow_requests_get_408(void **state)
{
	(void)state;
	open_conn(30, 30);
	say("GET /x HT");
	while (answered == 0)
		loop_turn(loop, 1000);
	assert_int_equal(strncmp(hear(), "HTTP/1.1 408 ", 13), 0);
	assert_int_equal(bad, 1);
	close_conn();
	/* one that says nothing at all */
	open_conn(30, 30);
	while (answered == 0)
		loop_turn(loop, 1000);
	assert_int_equal(strncmp(hear(), "HTTP/1.1 408 ", 13), 0);
	close_conn();
	/* idle between requests: closed without a word */
	open_conn(10000, 30);
	say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
	while (closed == 0)
		loop_turn(loop, 1000);
	assert_int_equal(answered, 1);
	assert_null(strstr(hear(), "408"));
	close_conn();
}

static size_t
dechunk(const char *p)
{
	size_t total = 0;

	for (p = strstr(p, "\r\n\r\n") + 4;;) {
		size_t n = strtoul(p, NULL, 16);

		p = strstr(p, "\r\n") + 2;
		if (n == 0)
			return total;
		total += n;
		p += n + 2;
	}
}

static void
large_bodies_come_in_pieces(void **state)
{
	char *got;

	(void)state;
	open_conn(10000, 10000);
	say("GET /big/600000 HTTP/1.1\r\nHost: x\r\n\r\nGET /y HTTP/1.1\r\nHost: x\r\n\r\n");
	loop_turn(loop, 1000);
	loop_turn(loop, 0);
	/* the client reads nothing: only what the socket takes has been made */
	assert_int_equal(ended, 0);
	got = hear();
	assert_non_null(strstr(got, "Transfer-Encoding: chunked\r\n"));
	assert_int_equal(dechunk(got), 600000);
	assert_int_equal(ended, 1);
	assert_non_null(strstr(got, "\r\n\r\n/y\n"));
	expect("HEAD /big/100 HTTP/1.1\r\nHost: x\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_int_equal(ended, 2);
	expect("GET /big/12 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n210987654321");
	close_conn();
	/* a client that goes away in the middle: the user's state is freed */
	open_conn(10000, 10000);
	say("GET /big/900000 HTTP/1.1\r\nHost: x\r\n\r\n");
	loop_turn(loop, 1000);
	close_conn();
	assert_int_equal(ended, 1);
	/* a body that breaks off does not look complete */
	open_conn(10000, 10000);
	say("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_null(strstr(hear(), "0\r\n\r\n"));
	close_conn();
}

/* No turn writes more than its share. */
static void
a_fast_reader_does_not_hold_the_loop(void **state)
{
	int big = 4 << 20;

	(void)state;
	open_conn(10000, 10000);
	setsockopt(client, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	say("GET /big/600000 HTTP/1.1\r\nHost: x\r\n\r\n");
	loop_turn(loop, 1000);
	assert_in_range(bytes_out, 1, 65536 + HTTP_PIECE + 64);
	hear();
	close_conn();
}

static void
draining_ends_idle_connections(void **state)
{
	(void)state;
	open_conn(10000, 10000);
	expect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n/a\n");
	say("GET /b HT");
	hear();
	http_drain(conn);
	say("TP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(), "Connection: close\r\n\r\n/b\n"));
	close_conn();
	open_conn(10000, 10000);
	expect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n/a\n");
	http_drain(conn);
	hear();
	assert_int_equal(recv(client, &(char){0}, 1, 0), 0);
	/* A request that crossed the end is no reason for a reset. */
	say("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	hear();
	assert_int_equal(recv(client, &(char){0}, 1, 0), 0);
	assert_int_equal(answered, 1);
	close_conn();
}

static void
draining_resets_no_request(void **state)
{
	(void)state;
	/* Connected; the request comes later. */
	open_conn(10000, 10000);
	http_drain(conn);
	http_drain(conn);
	assert_string_equal(hear(), "");
	assert_int_equal(closed, 0);
	say("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(), "Connection: close\r\n\r\n/first\n"));
	close_conn();
	/* One that has come and was not read yet: of a new connection, of one that is kept. */
	open_conn(10000, 10000);
	say("GET /unread HTTP/1.1\r\nHost: x\r\n\r\n");
	http_drain(conn);
	assert_non_null(strstr(hear(), "Connection: close\r\n\r\n/unread\n"));
	close_conn();
	open_conn(10000, 10000);
	say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
	hear();
	say("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
	http_drain(conn);
	assert_non_null(strstr(hear(), "Connection: close\r\n\r\n/next\n"));
	assert_int_equal(answered, 2);
	close_conn();
	/* Nobody waits for ever. */
	open_conn(20, 10000);
	http_drain(conn);
	close_conn();
}

/* ---- the demo server --------------------------------------------------------------------------
 */

static void
demo_says_its_name_and_dies_with_its_parent(void **state)
{
	static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	struct sock_addr a;
	int lfd, fd, pipefd[2], lives[2];
	char got[512] = "";
	size_t len = 0;
	pid_t parent;
	bool died;

	(void)state;
	assert_int_equal(sock_addr_parse(&a, "127.0.0.1", false), 0);
	lfd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(lfd, &a.sa, a.len), 0);
	assert_int_equal(listen(lfd, 16), 0);
	assert_int_equal(getsockname(lfd, &a.sa, &a.len), 0);
	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(pipe(lives), 0);
	parent = fork();
	if (parent == 0) {
		close(pipefd[1]);
		close(lives[0]);
		if (fork() == 0)
			_exit(demo_main("s1", lfd));
		close(lives[1]);
		_exit(read(pipefd[0], got, 1) == 0 ? 0 : 1); /* until the test lets go */
	}
	close(pipefd[0]);
	close(lives[1]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &a.sa, a.len), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
		for (len = 0; strstr(got, "/hello\n") == NULL; got[len] = '\0') {
			ssize_t n = recv(fd, got + len, sizeof(got) - 1 - len, 0);

			assert_true(n > 0);
			len += (size_t)n;
		}
		assert_non_null(strstr(got, "\r\n\r\ns1\nGET /hello\n"));
		got[0] = '\0';
	}
	close(pipefd[1]);
	waitpid(parent, NULL, 0);
	died = read(lives[0], got, 1) == 0; /* its end of the pipe closes with it */
	assert_true(died);
	close(lives[0]);
	close(fd);
	close(lfd);
}

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	return loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(keeps_alive_by_version),
	    T(heads_may_come_byte_by_byte),
	    T(pipelines_are_served_in_turns),
	    T(what_is_not_http_is_refused),
	    T(half_closed_clients_are_answered),
	    T(slow_requests_get_408),
	    T(large_bodies_come_in_pieces),
	    T(a_fast_reader_does_not_hold_the_loop),
	    T(draining_ends_idle_connections),
	    T(draining_resets_no_request),
	    cmocka_unit_test(demo_says_its_name_and_dies_with_its_parent),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
