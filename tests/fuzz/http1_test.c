/* SPDX-License-Identifier: ISC */
/*
 * Random mutation of requests and answers against http1_parse and http1_body_read: bounded, seeded
 * (VIPD_FUZZ_SEED). Each input is also fed in two pieces and must give the same. With
 * VIPD_LIBFUZZER defined the same body is libFuzzer's entry:
 * clang -fsanitize=fuzzer,address -DVIPD_LIBFUZZER ...
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http1.h"
#include "lib/mono.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
span_in(struct http1_span s, uint32_t end)
{
	return s.off <= end && s.len <= end - s.off;
}

/* What a receiver that splits at CRLF, as a simpler peer does, sees must be the same message. */
static void
check_accepted(const struct http1 *m, const char *d)
{
	uint32_t lines = 0, at = 0;
	const char *end = d + m->head_len;

	CHECK(m->head_len >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0);
	CHECK(memchr(d, '\0', m->head_len) == NULL);
	if (d[0] == '\r')
		at = 2;
	for (const char *p = d + at; p < end; p++) {
		CHECK(*p != '\n' || p[-1] == '\r');
		CHECK(*p != '\r' || p[1] == '\n');
		lines += *p == '\n';
		/* The empty line ends the head, so there is none before. */
		CHECK(p + 4 >= end || memcmp(p, "\r\n\r\n", 4) != 0);
	}
	CHECK(lines == m->n_headers + 2);
	for (uint32_t i = 0; i < m->n_headers; i++) {
		const struct http1_header *h = &m->headers[i];

		CHECK(span_in(h->name, m->head_len) && span_in(h->value, m->head_len));
		CHECK(h->name.len > 0 && d[h->name.off - 1] == '\n');
		CHECK(d[h->name.off + h->name.len] == ':');
		CHECK(h->value.len == 0 ||
		      (strchr(" \t", d[h->value.off]) == NULL &&
			  strchr(" \t", d[h->value.off + h->value.len - 1]) == NULL));
	}
	CHECK(m->body != HTTP1_BODY_LENGTH || m->length >= 0);
	if (m->response) {
		CHECK(m->status >= 100 && m->status <= 999 && span_in(m->reason, m->head_len));
	} else {
		CHECK(m->body != HTTP1_BODY_CLOSE && m->method.len > 0 && m->target.len > 0);
		CHECK(span_in(m->method, m->head_len) && span_in(m->target, m->head_len));
		CHECK(m->minor == 0 || http1_find(m, d, "HOST") != NULL);
	}
}

struct got {
	enum http1_result result;
	size_t at;
	struct buf content;
};

/* Reads the body as two pieces, the first of cut bytes. */
static void
body_in_two(const struct http1 *m, const char *d, size_t len, size_t cut, struct got *g)
{
	struct http1_reader r;
	struct http1_span run;
	size_t used;

	http1_body_init(&r, m);
	g->at = 0;
	while (r.result == HTTP1_MORE && g->at < len) {
		size_t end = g->at < cut ? cut : len;

		http1_body_read(&r, d + g->at, end - g->at, &used, &run);
		CHECK(used > 0 && used <= end - g->at && run.off + run.len <= used);
		buf_append(&g->content, d + g->at + run.off, run.len);
		g->at += used;
	}
	CHECK((size_t)r.total == g->content.len);
	g->result = http1_body_eof(&r);
}

/* One message, its head in pieces at cut, the bytes of each piece in memory of exactly its size. */
static void
head_in_two(struct http1 *m, bool response, const uint8_t *data, size_t size, size_t cut)
{
	char *part = malloc(cut + 1);

	CHECK(part != NULL);
	memcpy(part + 1, data, cut);
	http1_init(m, response);
	http1_parse(m, part + 1, cut);
	free(part);
	http1_parse(m, (const char *)data, size);
}

static bool
same(const struct http1 *a, const struct http1 *b)
{
	/* http1_init zeroed the padding. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	return memcmp(a, b, sizeof(*a)) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http1 one, two;
	const char *d = (const char *)data;
	size_t cut = size == 0 ? 0 : (size * 7919 + data[size / 2]) % (size + 1);

	for (int response = 0; response < 2; response++) {
		struct got a = {.content = BUF_INIT}, b = {.content = BUF_INIT};

		http1_init(&one, response);
		http1_parse(&one, d, size);
		head_in_two(&two, response, data, size, cut);
		CHECK(same(&one, &two));
		CHECK(one.pos <= size && one.result <= HTTP1_CUT);
		if (one.result != HTTP1_OK)
			continue;
		check_accepted(&one, d);
		d += one.head_len;
		body_in_two(&one, d, size - one.head_len, 0, &a);
		body_in_two(
		    &one, d, size - one.head_len, cut < one.head_len ? 1 : cut - one.head_len, &b);
		CHECK(a.result == b.result && a.at == b.at && a.content.len == b.content.len);
		CHECK(memcmp(buf_text(&a.content), buf_text(&b.content), a.content.len) == 0);
		buf_free(&a.content);
		buf_free(&b.content);
		d = (const char *)data;
	}
	return 0;
}

#ifndef VIPD_LIBFUZZER

static const char *const corpus[] = {
    "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "GET /monitor HTTP/1.0\r\n\r\n",
    ("\r\nHEAD /metrics?x=%20 HTTP/1.1\r\nhost: [::1]:80\r\nAccept: */*\r\nConnection: "
     "close\r\n\r\n"),
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\nhello world",
    ("POST http://h/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5;e=\"f\"\r\nhello\r\n1F\r\n0123456789012345678901234567890\r\n0\r\nX: y\r\n\r\nGET"),
    "OPTIONS * HTTP/1.1\r\nHost:\r\nX-Long: a b\tc  \r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.0 503 Service Unavailable\r\n\r\nno server is up",
    "HTTP/1.1 204\r\nConnection: keep-alive, x\r\n\r\n",
};

static const char *const words[] = {"\r\n", "\n", "\r", " ", "\t", ":", ",", "\r\n\r\n",
    "Host: b\r\n", "Content-Length: 3\r\n", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Connection: close\r\n",
    "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "0\r\n\r\n", "fffffffffffffff", "7\r\n",
    "99999999999999999999", "\x7f", "\xff", "#", "*", "/"};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
insert(struct buf *b, uint32_t at, const char *bytes, size_t len)
{
	struct buf tail = BUF_INIT;

	buf_append(&tail, b->data + at, b->len - at);
	buf_truncate(b, at);
	buf_append(b, bytes, len);
	buf_append(b, buf_text(&tail), tail.len);
	buf_free(&tail);
}

static void
mutate(struct buf *b)
{
	uint32_t len = (uint32_t)b->len, at = fuzz_below(len + 1), n = fuzz_below(20);
	const char *w = words[fuzz_below(N(words))];
	char part[20];

	switch (fuzz_below(6)) {
	case 0:
		if (at < len)
			b->data[at] = (char)(b->data[at] ^ (1 << fuzz_below(8)));
		break;
	case 1:
		if (at < len)
			b->data[at] = (char)fuzz_below(256);
		break;
	case 2:
		insert(b, at, w, strlen(w));
		break;
	case 3: /* a part once more, elsewhere */
		n = n < len - (at < len ? at : len) ? n : len - (at < len ? at : len);
		memcpy(part, b->data + at, n);
		insert(b, fuzz_below(len + 1), part, n);
		break;
	case 4: /* a part away */
		n = n < len - at ? n : len - at;
		memmove(b->data + at, b->data + at + n, len - at - n);
		buf_truncate(b, len - n);
		break;
	case 5:
		buf_truncate(b, fuzz_below(8) == 0 ? at : len);
		break;
	}
}

static void
mutations(void **state)
{
	struct mono end = mono_add_ms(mono_now(), 2500);
	static struct http1 m;
	unsigned ok = 0, reasons[HTTP1_CUT + 1] = {0}, kinds = 0, round;

	(void)state;
	fuzz_begin(0x5eed);
	for (size_t i = 0; i < N(corpus); i++)
		LLVMFuzzerTestOneInput((const uint8_t *)corpus[i], strlen(corpus[i]));
	for (round = 0; round < 100000 && mono_before(mono_now(), end); round++) {
		struct buf b = BUF_INIT;
		bool response;
		char *exact;

		buf_puts(&b, corpus[fuzz_below(N(corpus))]);
		response = b.data[0] == 'H' && b.data[1] == 'T';
		for (uint32_t k = fuzz_below(5); k > 0; k--)
			mutate(&b);
		exact = malloc(b.len + 1); /* so that ASan sees a read behind the end */
		assert_non_null(exact);
		memcpy(exact + 1, buf_text(&b), b.len);
		LLVMFuzzerTestOneInput((const uint8_t *)exact + 1, b.len);
		http1_init(&m, response);
		reasons[http1_parse(&m, exact + 1, b.len)]++;
		free(exact);
		buf_free(&b);
	}
	ok = reasons[HTTP1_OK];
	for (size_t i = 0; i < N(reasons); i++)
		kinds += reasons[i] > 0;
	print_message("%u inputs, %u accepted, %u results\n", round, ok, kinds);
	/* The mutations must reach the depth: accepted messages and most of the reasons. */
	assert_true(ok > round / 10);
	if (round > 10000)
		assert_true(kinds >= 18);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mutations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
