/* SPDX-License-Identifier: ISC */
/* lib/http1: every reason has a case; spans, framing, connection, bodies, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http1.h"

static struct http1 m;

/* Parses an exact copy, so that a sanitizer sees a read past the end. */
static enum http1_result
parse_bytes(bool response, const char *text, size_t len)
{
	char *copy = malloc(len + (len == 0));
	enum http1_result r;

	memcpy(copy, text, len);
	http1_init(&m, response);
	r = http1_parse(&m, copy, len);
	free(copy);
	return r;
}

static enum http1_result
parse(bool response, const char *text)
{
	return parse_bytes(response, text, strlen(text));
}

#define assert_span(data, span, text)                                         \
	do {                                                                  \
		assert_int_equal((span).len, strlen(text));                   \
		assert_memory_equal((data) + (span).off, text, strlen(text)); \
	} while (0)

static void
request(void **state)
{
	static const char q[] = "\r\nGET /monitor?x=1 HTTP/1.1\r\nHost: a.example:80\r\n"
				"X-Empty:\r\nX-Sp: \t a b \t\r\nACCEPT:*/*\r\n\r\nbehind";
	const struct http1_header *h;

	(void)state;
	assert_int_equal(parse(false, q), HTTP1_OK);
	assert_span(q, m.method, "GET");
	assert_span(q, m.target, "/monitor?x=1");
	assert_int_equal(m.minor, 1);
	assert_int_equal(m.head_len, strlen(q) - strlen("behind"));
	assert_int_equal(m.n_headers, 4);
	h = http1_find(&m, q, "host");
	assert_non_null(h);
	assert_span(q, h->value, "a.example:80");
	h = http1_find(&m, q, "x-empty");
	assert_span(q, h->value, "");
	h = http1_find(&m, q, "X-SP");
	assert_span(q, h->value, "a b");
	h = http1_find(&m, q, "Accept");
	assert_span(q, h->name, "ACCEPT");
	assert_span(q, h->value, "*/*");
	assert_null(http1_find(&m, q, "accep"));
	assert_null(http1_find(&m, q, "acceptx"));
	assert_int_equal(m.body, HTTP1_BODY_NONE);
	assert_true(m.keep_alive);
}

static void
answer(void **state)
{
	static const char a[] = "HTTP/1.1 503 Not so good\xe4\r\nContent-Length: 4\r\n\r\nbody";

	(void)state;
	assert_int_equal(parse(true, a), HTTP1_OK);
	assert_int_equal(m.status, 503);
	assert_span(a, m.reason, "Not so good\xe4");
	assert_int_equal(m.body, HTTP1_BODY_LENGTH);
	assert_int_equal(m.length, 4);
	assert_int_equal(m.head_len, strlen(a) - 4);
	assert_true(m.keep_alive);
	assert_int_equal(parse(true, "HTTP/1.1 200\r\n\r\n"), HTTP1_OK);
	assert_int_equal(m.reason.len, 0);
	assert_int_equal(m.body, HTTP1_BODY_CLOSE);
	assert_false(m.keep_alive);
	assert_int_equal(parse(true, "HTTP/1.0 200 \r\n\r\n"), HTTP1_OK);
	assert_int_equal(m.minor, 0);
}

#define HOST "Host: h\r\n"
#define GET  "GET / HTTP/1.1\r\nHost: h\r\n"

static void
refused(void **state)
{
	static const struct {
		const char *text;
		enum http1_result r;
	} q[] = {
	    {"GE(T / HTTP/1.1\r\n", HTTP1_BAD_METHOD},
	    {" GET / HTTP/1.1\r\n", HTTP1_BAD_METHOD},
	    {"\r\n\r\nGET / HTTP/1.1\r\n", HTTP1_BAD_METHOD},
	    {"\nGET / HTTP/1.1\r\n", HTTP1_BAD_METHOD},
	    {"\rGET / HTTP/1.1\r\n", HTTP1_BARE_CR},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", HTTP1_BAD_METHOD},
	    {"GET  / HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET x HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET *x HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET /\xe4 HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET /\t HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET /#f HTTP/1.1\r\n", HTTP1_BAD_TARGET},
	    {"GET /\r\n", HTTP1_BAD_VERSION},
	    {"GET / HTTQ", HTTP1_BAD_VERSION},
	    {"GET / http/1.1\r\n", HTTP1_BAD_VERSION},
	    {"GET / HTTP/1.1 \r\n", HTTP1_BAD_VERSION},
	    {"GET / HTTP/1.10\r\n", HTTP1_BAD_VERSION},
	    {"GET / HTTP/1.1\n", HTTP1_BARE_LF},
	    {"PRI * HTTP/2.0\r\n\r\n", HTTP1_OTHER_VERSION},
	    {"GET / HTTP/1.2\r\n", HTTP1_OTHER_VERSION},
	    {"GET / HTTP/0.9\r\n", HTTP1_OTHER_VERSION},
	    {GET " x: y\r\n\r\n", HTTP1_FOLDED},
	    {GET "x: y\r\n\tz\r\n\r\n", HTTP1_FOLDED},
	    {GET "x : y\r\n\r\n", HTTP1_SPACE_COLON},
	    {GET "x y: z\r\n\r\n", HTTP1_SPACE_COLON},
	    {GET ": y\r\n\r\n", HTTP1_BAD_NAME},
	    {GET "x\r\n\r\n", HTTP1_BAD_NAME},
	    {GET "x\xe4: y\r\n\r\n", HTTP1_BAD_NAME},
	    {GET "x: y\n\r\n", HTTP1_BARE_LF},
	    {GET "x: y\r\n\n", HTTP1_BARE_LF},
	    {GET "x: y\rz\r\n\r\n", HTTP1_BARE_CR},
	    {GET "x: y\r\n\rz", HTTP1_BARE_CR},
	    {GET "x: y\x7f\r\n\r\n", HTTP1_BAD_VALUE},
	    {"GET / HTTP/1.1\r\n\r\n", HTTP1_NO_HOST},
	    {GET HOST "\r\n", HTTP1_MANY_HOSTS},
	    {"GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", HTTP1_MANY_HOSTS},
	    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HTTP1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", HTTP1_BAD_HOST},
	    {GET "Content-Length: \r\n\r\n", HTTP1_BAD_LENGTH},
	    {GET "Content-Length: +1\r\n\r\n", HTTP1_BAD_LENGTH},
	    {GET "Content-Length: 1, 1\r\n\r\n", HTTP1_BAD_LENGTH},
	    {GET "Content-Length: 0x1\r\n\r\n", HTTP1_BAD_LENGTH},
	    {GET "Content-Length: 9223372036854775808\r\n\r\n", HTTP1_BAD_LENGTH},
	    {GET "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTP1_LENGTHS_DIFFER},
	    {GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BOTH_LENGTHS},
	    {GET "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", HTTP1_BOTH_LENGTHS},
	    {GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		HTTP1_BAD_CODING},
	    {GET "Transfer-Encoding:\r\n\r\n", HTTP1_BAD_CODING},
	    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BAD_CODING},
	    {GET "Transfer-Encoding: gzip, chunked\r\n\r\n", HTTP1_OTHER_CODING},
	    {GET "Transfer-Encoding: xchunked\r\n\r\n", HTTP1_OTHER_CODING},
	    {GET "Expect: tea\r\n\r\n", HTTP1_BAD_EXPECT},
	    {"", HTTP1_MORE},
	    {GET, HTTP1_MORE},
	    {GET "\r", HTTP1_MORE},
	};
	static const struct {
		const char *text;
		enum http1_result r;
	} a[] = {
	    {"\r\nHTTP/1.1 200 OK\r\n", HTTP1_BAD_VERSION},
	    {"ICY 200 OK\r\n", HTTP1_BAD_VERSION},
	    {"HTTP/2.0 200 OK\r\n", HTTP1_OTHER_VERSION},
	    {"HTTP/1.1\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1  200 OK\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1 20 OK\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1 2000 OK\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1 099 OK\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1 200 O\x01K\r\n", HTTP1_BAD_STATUS},
	    {"HTTP/1.1 200 OK\n", HTTP1_BARE_LF},
	    {"HTTP/1.1 200\n", HTTP1_BARE_LF},
	    {"HTTP/1.1 200 OK\r\r\n", HTTP1_BARE_CR},
	    {"HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n", HTTP1_BAD_LENGTH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		if (parse(false, q[i].text) != q[i].r)
			fail_msg("%s: %s", q[i].text, http1_result_text(m.result));
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		if (parse(true, a[i].text) != a[i].r)
			fail_msg("%s: %s", a[i].text, http1_result_text(m.result));
	/* NUL anywhere. */
	assert_int_equal(parse_bytes(false, "G\0T / HTTP/1.1\r\n", 16), HTTP1_BAD_METHOD);
	assert_int_equal(parse_bytes(false, "GET /\0 HTTP/1.1\r\n", 17), HTTP1_BAD_TARGET);
	assert_int_equal(parse_bytes(false, GET "x: \0\r\n", strlen(GET) + 6), HTTP1_BAD_VALUE);
	assert_int_equal(parse_bytes(false, GET "x\0: y", strlen(GET) + 5), HTTP1_BAD_NAME);
}

static void
bounds(void **state)
{
	char big[40000];
	size_t n;

	(void)state;
	/* A target of exactly the bound passes, one byte more does not. */
	n = (size_t)sprintf(big, "GET /");
	memset(big + n, 'x', HTTP1_TARGET_MAX - 1);
	strcpy(big + n + HTTP1_TARGET_MAX - 1, " HTTP/1.0\r\n\r\n");
	assert_int_equal(parse(false, big), HTTP1_OK);
	assert_int_equal(m.target.len, HTTP1_TARGET_MAX);
	strcpy(big + n + HTTP1_TARGET_MAX - 1, "x HTTP/1.0\r\n\r\n");
	assert_int_equal(parse(false, big), HTTP1_LONG_TARGET);
	assert_int_equal(http1_result_status(m.result), 414);

	/* A head of exactly the bound. */
	n = (size_t)sprintf(big, "GET / HTTP/1.0\r\nx: ");
	memset(big + n, 'y', HTTP1_HEAD_MAX - n - 4);
	strcpy(big + HTTP1_HEAD_MAX - 4, "\r\n\r\n");
	assert_int_equal(parse(false, big), HTTP1_OK);
	assert_int_equal(m.head_len, HTTP1_HEAD_MAX);
	strcpy(big + HTTP1_HEAD_MAX - 4, "z\r\n\r\n");
	assert_int_equal(parse(false, big), HTTP1_BIG_HEAD);
	assert_int_equal(http1_result_status(m.result), 431);

	n = (size_t)sprintf(big, "GET / HTTP/1.0\r\n");
	for (int i = 0; i < HTTP1_HEADERS_MAX; i++)
		n += (size_t)sprintf(big + n, "x%d: y\r\n", i);
	strcpy(big + n, "\r\n");
	assert_int_equal(parse(false, big), HTTP1_OK);
	assert_int_equal(m.n_headers, HTTP1_HEADERS_MAX);
	strcpy(big + n, "x: y\r\n\r\n");
	assert_int_equal(parse(false, big), HTTP1_MANY_HEADERS);
	assert_int_equal(http1_result_status(m.result), 431);

	assert_int_equal(http1_result_status(HTTP1_OTHER_VERSION), 505);
	assert_int_equal(http1_result_status(HTTP1_OTHER_CODING), 501);
	assert_int_equal(http1_result_status(HTTP1_NO_HOST), 400);
}

static void
framing(void **state)
{
	static const struct {
		bool response, head;
		const char *text;
		enum http1_body body;
		int64_t length;
		bool keep_alive;
	} t[] = {
	    {false, false, GET "\r\n", HTTP1_BODY_NONE, -1, true},
	    {false, false, GET "Connection: Close\r\n\r\n", HTTP1_BODY_NONE, -1, false},
	    {false, false, GET "Connection: x,, close ,y\r\n\r\n", HTTP1_BODY_NONE, -1, false},
	    {false, false, GET "Connection: closed\r\n\r\n", HTTP1_BODY_NONE, -1, true},
	    {false, false, GET "Connection: keep-alive\r\nConnection: close\r\n\r\n",
		HTTP1_BODY_NONE, -1, false},
	    {false, false, "GET / HTTP/1.0\r\n\r\n", HTTP1_BODY_NONE, -1, false},
	    {false, false, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP1_BODY_NONE, -1,
		true},
	    {false, false, GET "Content-Length: 5\r\nContent-Length: 05\r\n\r\n", HTTP1_BODY_LENGTH,
		5, true},
	    {false, false, GET "Content-Length: 9223372036854775807\r\n\r\n", HTTP1_BODY_LENGTH,
		INT64_MAX, true},
	    {false, false, GET "Transfer-Encoding: Chunked\r\n\r\n", HTTP1_BODY_CHUNKED, -1, true},
	    {true, false, "HTTP/1.1 204 x\r\n\r\n", HTTP1_BODY_NONE, -1, true},
	    {true, false, "HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n", HTTP1_BODY_NONE, 7, true},
	    {true, false, "HTTP/1.1 100 x\r\n\r\n", HTTP1_BODY_NONE, -1, true},
	    {true, true, "HTTP/1.1 200 x\r\nContent-Length: 7\r\n\r\n", HTTP1_BODY_NONE, 7, true},
	    {true, false, "HTTP/1.1 200 x\r\n\r\n", HTTP1_BODY_CLOSE, -1, false},
	    {true, false, "HTTP/1.1 200 x\r\nHost: a\r\nHost: b b\r\nContent-Length: 7\r\n\r\n",
		HTTP1_BODY_LENGTH, 7, true},
	    {true, false, "HTTP/1.0 200 x\r\nContent-Length: 7\r\n\r\n", HTTP1_BODY_LENGTH, 7,
		false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		http1_init(&m, t[i].response);
		m.no_body = t[i].head;
		assert_int_equal(http1_parse(&m, t[i].text, strlen(t[i].text)), HTTP1_OK);
		assert_int_equal(m.body, t[i].body);
		assert_int_equal(m.length, t[i].length);
		assert_int_equal(m.keep_alive, t[i].keep_alive);
	}
	assert_int_equal(parse(false, GET "Expect: 100-Continue\r\n\r\n"), HTTP1_OK);
	assert_true(m.expect_continue);
	assert_int_equal(parse(false, "OPTIONS * HTTP/1.0\r\n\r\n"), HTTP1_OK);
	assert_int_equal(parse(false, "CONNECT [::1]:443 HTTP/1.0\r\n\r\n"), HTTP1_OK);
	assert_int_equal(parse(false, "GET http://h/x HTTP/1.0\r\n\r\n"), HTTP1_OK);
}

/* Reads a body in pieces of step bytes into *out. Returns the result after the last piece. */
static enum http1_result
body(const char *head, const char *data, size_t step, struct buf *out, size_t *total)
{
	struct http1_reader r;
	size_t len = strlen(data), at = 0, used;
	struct http1_span run;

	buf_reset(out);
	assert_int_equal(parse(true, head), HTTP1_OK);
	http1_body_init(&r, &m);
	while (at < len && r.result == HTTP1_MORE) {
		size_t piece = len - at < step ? len - at : step;

		http1_body_read(&r, data + at, piece, &used, &run);
		assert_true(used <= piece && run.off + run.len <= used);
		assert_true(used > 0);
		buf_append(out, data + at + run.off, run.len);
		at += used;
	}
	*total = at;
	assert_int_equal(r.total, out->len);
	return http1_body_eof(&r);
}

static void
bodies(void **state)
{
	static const char chunked[] = "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char *bad[] = {"g\r\n", "\r\n", "5;x\n", "5\n", "3\r\nabcd\r\n", "3\r\nabc\n",
	    "3 \r\nabc", "1234567890abcdef\r\n", "0\r\n x: y\r\n\r\n", "0\r\n: y\r\n\r\n",
	    "0\r\nx\x01: y\r\n\r\n", "0\r\n\rx", "-1\r\n", "0x1\r\n"};
	struct buf out = BUF_INIT, big = BUF_INIT;
	size_t at;

	(void)state;
	for (size_t step = 1; step < 60; step++) {
		assert_int_equal(body(chunked,
				     "3\r\nabc\r\n0A;ext=\"v\"\r\n0123\r\n6789\r\n0\r\nT: x\r\n\r\n"
				     "next",
				     step, &out, &at),
		    HTTP1_OK);
		assert_string_equal(buf_text(&out), "abc0123\r\n6789");
		assert_int_equal(at, 43);
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			assert_int_equal(body(chunked, bad[i], step, &out, &at), HTTP1_BAD_CHUNK);
		assert_int_equal(body("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", "12345next",
				     step, &out, &at),
		    HTTP1_OK);
		assert_string_equal(buf_text(&out), "12345");
		assert_int_equal(at, 5);
		assert_int_equal(
		    body("HTTP/1.1 200 x\r\n\r\n", "all of it", step, &out, &at), HTTP1_OK);
		assert_string_equal(buf_text(&out), "all of it");
	}
	assert_int_equal(
	    body("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", "1234", 9, &out, &at), HTTP1_CUT);
	assert_int_equal(body(chunked, "3\r\nabc\r\n0\r\n", 99, &out, &at), HTTP1_CUT);
	assert_int_equal(body("HTTP/1.1 204 x\r\n\r\n", "next", 9, &out, &at), HTTP1_OK);
	assert_int_equal(at, 0);
	assert_int_equal(
	    body("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", "next", 9, &out, &at), HTTP1_OK);
	assert_int_equal(at, 0);
	/* Trailers without end. */
	buf_puts(&big, "0\r\n");
	for (int i = 0; i < 2000; i++)
		buf_puts(&big, "x: yyy\r\n");
	assert_int_equal(body(chunked, buf_text(&big), 100, &out, &at), HTTP1_BIG_TRAILER);
	buf_free(&out);
	buf_free(&big);
}

static void
answers(void **state)
{
	struct buf b = BUF_INIT;
	struct http1_answer a = {.status = 200,
	    .minor = 1,
	    .keep_alive = true,
	    .content_type = "text/plain",
	    .extra = "X-A: b\r\n",
	    .body = "hello",
	    .len = 5};

	(void)state;
	assert_int_equal(http1_write_answer(&b, &a), 0);
	assert_string_equal(buf_text(&b),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nX-A: b\r\n\r\n"
	    "hello");
	assert_int_equal(parse(true, buf_text(&b)), HTTP1_OK);
	assert_true(m.keep_alive);
	buf_reset(&b);
	a.head = true;
	a.keep_alive = false;
	a.extra = NULL;
	http1_write_answer(&b, &a);
	assert_string_equal(buf_text(&b),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\n");
	buf_reset(&b);
	a = (struct http1_answer){.status = 503, .minor = 0, .keep_alive = true};
	http1_write_answer(&b, &a);
	assert_string_equal(buf_text(&b),
	    "HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
	    "\r\n");
	buf_reset(&b);
	a = (struct http1_answer){.status = 100, .minor = 1, .keep_alive = true};
	http1_write_answer(&b, &a);
	assert_string_equal(buf_text(&b), "HTTP/1.1 100 Continue\r\n\r\n");
	buf_free(&b);
	/* Every status that a refusal maps to has its words. */
	for (int r = 0; r <= HTTP1_CUT; r++)
		if (r != HTTP1_MORE)
			assert_string_not_equal(
			    http1_status_text(http1_result_status((enum http1_result)r)),
			    "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request),
	    cmocka_unit_test(answer),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(framing),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
