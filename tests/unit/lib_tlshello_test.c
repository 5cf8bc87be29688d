/* SPDX-License-Identifier: ISC */
/* lib/tlshello: real hellos, every place where one can end, every byte changed, every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tlshello.h"
#include "tests/lib/hellos.h"

static struct hello_vector vectors[HELLOS_MOST];
static size_t n_vectors;
static uint8_t *copy; /* of what was parsed: the answer leads into it */
static struct tlshello got;

/* An exact copy, so that a sanitizer sees a read past the end. */
static enum tlshello_result
parse(const void *data, size_t len)
{
	free(copy);
	copy = malloc(len + (len == 0));
	assert_non_null(copy);
	memcpy(copy, data, len);
	memset(&got, 0x5a, sizeof(got));
	return tlshello_parse(copy, len, &got);
}

static void
alpn_text(char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < got.alpn_len; i += 1 + (uint8_t)got.alpn[i])
		n += (size_t)snprintf(out + n, size - n, "%s%.*s", i > 0 ? "," : "",
		    (uint8_t)got.alpn[i], got.alpn + i + 1);
}

static void
expect(const struct hello_vector *v)
{
	char alpn[1024];

	assert_int_equal(got.version, v->version);
	assert_int_equal(got.sni_len, strlen(v->sni));
	assert_memory_equal(got.sni_len > 0 ? got.sni : "", v->sni, got.sni_len);
	alpn_text(alpn, sizeof(alpn));
	assert_string_equal(alpn, v->alpn);
}

static void
reads_real_hellos(void **state)
{
	(void)state;
	assert_in_range(n_vectors, 12, HELLOS_MOST);
	for (size_t i = 0; i < n_vectors; i++) {
		uint8_t more[HELLO_ROOM + 64];

		print_message("%s, %zu bytes\n", vectors[i].name, vectors[i].len);
		assert_int_equal(parse(vectors[i].data, vectors[i].len), TLSHELLO_OK);
		expect(&vectors[i]);
		/* What follows does not matter. */
		memcpy(more, vectors[i].data, vectors[i].len);
		memset(more + vectors[i].len, 0xff, 64);
		assert_int_equal(parse(more, vectors[i].len + 64), TLSHELLO_OK);
		expect(&vectors[i]);
	}
}

static void
every_beginning_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_vectors; i++)
		for (size_t n = 0; n < vectors[i].len; n++)
			if (parse(vectors[i].data, n) != TLSHELLO_MORE)
				fail_msg("%s: %zu of %zu bytes are no beginning", vectors[i].name,
				    n, vectors[i].len);
}

/* Each byte with each other value: any answer, but within bounds, and one that holds together. */
static void
every_byte_changed(void **state)
{
	unsigned count[3] = {0};

	(void)state;
	for (size_t i = 0; i < n_vectors; i++) {
		struct hello_vector *v = &vectors[i];

		for (size_t at = 0; at < v->len && at < 600; at++) {
			uint8_t was = v->data[at];

			for (unsigned flip = 1; flip < 256; flip += at < 160 ? 1 : 37) {
				enum tlshello_result r;
				char alpn[4096];

				v->data[at] = was ^ (uint8_t)flip;
				r = parse(v->data, v->len);
				count[r]++;
				if (r == TLSHELLO_OK)
					alpn_text(alpn, sizeof(alpn));
				if (at == 0)
					assert_int_equal(r, TLSHELLO_NONE);
			}
			v->data[at] = was;
		}
	}
	print_message("more %u, none %u, ok %u\n", count[0], count[1], count[2]);
	assert_true(count[0] > 0 && count[1] > 0 && count[2] > 0);
}

static void
the_first_bytes_tell(void **state)
{
	(void)state;
#define IS(want, lit) assert_int_equal(parse(lit, sizeof(lit) - 1), want)
	IS(TLSHELLO_MORE, "");
	IS(TLSHELLO_NONE, "G");
	IS(TLSHELLO_NONE, "\x17");
	IS(TLSHELLO_MORE, "\x16");
	IS(TLSHELLO_NONE, "\x16\x02");
	IS(TLSHELLO_MORE, "\x16\x03\x01");
	IS(TLSHELLO_NONE, "\x16\x03\x05");
	IS(TLSHELLO_NONE, "\x16\x03\x01\x00\x00"); /* an empty record */
	IS(TLSHELLO_NONE, "\x16\x03\x01\x40\x01"); /* one that is too long */
	IS(TLSHELLO_MORE, "\x16\x03\x01\x40\x00");
	IS(TLSHELLO_NONE, "\x16\x03\x01\x00\x10\x02"); /* a server's hello */
	IS(TLSHELLO_MORE, "\x16\x03\x01\x00\x10\x01\x00\x3f\xf7");
	IS(TLSHELLO_NONE, "\x16\x03\x01\x00\x10\x01\x00\x3f\xf8"); /* longer than the bound */
	IS(TLSHELLO_NONE, "\x16\x03\x01\x00\x10\x01\x01\x00\x00");
	IS(TLSHELLO_NONE, "\x16\x03\x01\x00\x01\x01\x17"); /* another record within the message */
	IS(TLSHELLO_NONE, "\x80\x2e\x01\x03\x01");         /* of SSL 2 */
}

/* ---- hellos that break one rule ---------------------------------------------------------------
 */

struct maker {
	uint8_t b[1024];
	size_t n;
};

static void
put(struct maker *m, const void *p, size_t n)
{
	assert_true(m->n + n <= sizeof(m->b));
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

/* A hello of version v with these extensions; its parts can be replaced. */
struct parts {
	const char *version, *session, *suites, *compression, *extensions, *after;
	size_t n_version, n_session, n_suites, n_compression, n_extensions, n_after;
};
#define P(field, lit) .field = (lit), .n_##field = sizeof(lit) - 1

static enum tlshello_result
made(const struct parts *p)
{
	static const uint8_t random[32] = {1};
	struct maker m = {.n = 9};
	uint8_t e[2] = {(uint8_t)(p->n_extensions >> 8), (uint8_t)p->n_extensions};

	put(&m, p->version != NULL ? p->version : "\x03\x03", 2);
	put(&m, random, 32);
	put(&m, p->session != NULL ? p->session : "\0", p->session != NULL ? p->n_session : 1);
	put(&m, p->suites != NULL ? p->suites : "\0\x02\x13\x01",
	    p->suites != NULL ? p->n_suites : 4);
	put(&m, p->compression != NULL ? p->compression : "\x01",
	    p->compression != NULL ? p->n_compression : 2);
	if (p->extensions != NULL) {
		put(&m, e, 2);
		put(&m, p->extensions, p->n_extensions);
	}
	if (p->after != NULL)
		put(&m, p->after, p->n_after);
	memcpy(m.b, "\x16\x03\x01\0\0\x01\0\0\0", 9);
	m.b[3] = (uint8_t)((m.n - 5) >> 8);
	m.b[4] = (uint8_t)(m.n - 5);
	m.b[7] = (uint8_t)((m.n - 9) >> 8);
	m.b[8] = (uint8_t)(m.n - 9);
	return parse(m.b, m.n);
}

#define MADE(want, ...) assert_int_equal(made(&(struct parts){__VA_ARGS__}), want)
#define NAME                       \
	"\0\0\0\x08\0\x06\0\0\x03" \
	"a.b"
#define ALPN                     \
	"\0\x10\0\x05\0\x03\x02" \
	"h2"
#define VERS "\0\x2b\0\x03\x02\x03\x04"

static void
each_rule_broken(void **state)
{
	(void)state;
	MADE(TLSHELLO_OK, P(suites, "\0\x02\x13\x01"));
	assert_true(got.version == 0x0303 && got.sni_len == 0 && got.alpn_len == 0);
	MADE(TLSHELLO_OK, P(extensions, NAME ALPN VERS));
	assert_true(got.version == 0x0304 && got.sni_len == 3 && memcmp(got.sni, "a.b", 3) == 0);
	assert_true(tlshello_offers(&got, "h2"));
	assert_false(tlshello_offers(&got, "h") || tlshello_offers(&got, "h2c") ||
		     tlshello_offers(&got, ""));
	MADE(TLSHELLO_OK, P(extensions, ""));
	/* the hello itself */
	MADE(TLSHELLO_NONE, P(version, "\x02\x03"));
	MADE(TLSHELLO_NONE, P(version, "\x7f\x12"));
	MADE(TLSHELLO_NONE, P(session, "\x21"
				       "012345678901234567890123456789012"));
	MADE(TLSHELLO_NONE, P(session, "\xff"));
	MADE(TLSHELLO_NONE, P(suites, "\0\0"));
	MADE(TLSHELLO_NONE, P(suites, "\0\x03\x13\x01\x13"));
	MADE(TLSHELLO_NONE, P(suites, "\xff\xfe\x13\x01"));
	MADE(TLSHELLO_NONE, P(compression, "\0"));
	MADE(TLSHELLO_NONE, P(compression, "\x02\0"));
	MADE(TLSHELLO_NONE, P(after, "\0"));
	MADE(TLSHELLO_NONE, P(extensions, VERS), P(after, "\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x17\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x17\0\x01"));
	/* names */
	MADE(TLSHELLO_NONE, P(extensions, NAME NAME));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x02\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x05\0\x03\0\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x06\0\x04\x01\0\x01"
					  "a")); /* another type */
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x06\0\x04\0\0\x02"
					  "a"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x06\0\x05\0\0\x01"
					  "a"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x07\0\x04\0\0\x01"
					  "ab"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x0a\0\x08\0\0\x01"
					  "a"
					  "\0\0\x01"
					  "b"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x08\0\x06\0\0\x03"
					  "a\0b"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x08\0\x06\0\0\x03"
					  "a b"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\0\0\x08\0\x06\0\0\x03"
					  "a\xe9"
					  "b"));
	/* protocols */
	MADE(TLSHELLO_NONE, P(extensions, ALPN ALPN));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x10\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x10\0\x02\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x10\0\x04\0\x02\0\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x10\0\x05\0\x03\x03"
					  "h2"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x10\0\x06\0\x03\x02"
					  "h2."));
	/* versions */
	MADE(TLSHELLO_NONE, P(extensions, VERS VERS));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x2b\0\x01\0"));
	MADE(TLSHELLO_NONE, P(extensions, "\0\x2b\0\x04\x03\x03\x04\x03"));
	MADE(TLSHELLO_OK, P(extensions, "\0\x2b\0\x05\x04\xfa\xfa\x7f\x1c"));
	assert_int_equal(got.version, 0x0303); /* neither is one that we know */
	MADE(TLSHELLO_OK, P(extensions, "\0\x2b\0\x05\x04\x03\x02\x03\x01"));
	assert_int_equal(got.version, 0x0302);
}

static void
name_lengths(void **state)
{
	char e[9 + 256];

	(void)state;
	for (size_t n = 1; n <= 256; n++) {
		struct parts p = {.extensions = e, .n_extensions = 9 + n};

		memset(e, 'x', sizeof(e));
		e[0] = e[1] = e[6] = 0;
		e[2] = (char)((n + 5) >> 8);
		e[3] = (char)(n + 5);
		e[4] = (char)((n + 3) >> 8);
		e[5] = (char)(n + 3);
		e[7] = (char)(n >> 8);
		e[8] = (char)n;
		assert_int_equal(made(&p), n <= 255 ? TLSHELLO_OK : TLSHELLO_NONE);
		if (n <= 255)
			assert_int_equal(got.sni_len, n);
	}
}

/* As long as can be, and a record more than there is room for. */
static void
the_bound(void **state)
{
	static uint8_t b[TLSHELLO_MOST + 16];
	size_t message = TLSHELLO_MOST - 5, hello = message - 4, padding;

	(void)state;
	assert_int_equal(made(&(struct parts){P(extensions, "\0\x15\0\0")}), TLSHELLO_OK);
	memcpy(b, copy, 54);
	padding = hello - 47;
	b[3] = (uint8_t)(message >> 8);
	b[4] = (uint8_t)message;
	b[7] = (uint8_t)(hello >> 8);
	b[8] = (uint8_t)hello;
	b[50] = (uint8_t)((padding + 4) >> 8);
	b[51] = (uint8_t)(padding + 4);
	b[54] = (uint8_t)(padding >> 8);
	b[55] = (uint8_t)padding;
	b[53] = 21;
	for (size_t n = 0; n < TLSHELLO_MOST; n += n < 64 ? 1 : 1021)
		assert_int_equal(parse(b, n), TLSHELLO_MORE);
	assert_int_equal(parse(b, TLSHELLO_MOST - 1), TLSHELLO_MORE);
	print_message("%zu bytes of padding\n", padding);
	assert_int_equal(parse(b, TLSHELLO_MOST), TLSHELLO_OK);
	/* The same message in two records does not fit. */
	memmove(b + 105, b + 100, sizeof(b) - 105);
	memcpy(b + 100, b, 5);
	b[3] = 0;
	b[4] = 95;
	b[103] = (uint8_t)((message - 95) >> 8);
	b[104] = (uint8_t)(message - 95);
	assert_int_equal(parse(b, TLSHELLO_MOST - 1), TLSHELLO_MORE);
	assert_int_equal(parse(b, TLSHELLO_MOST), TLSHELLO_NONE);
	assert_int_equal(parse(b, TLSHELLO_MOST + 5), TLSHELLO_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_real_hellos),
	    cmocka_unit_test(every_beginning_asks_for_more),
	    cmocka_unit_test(every_byte_changed),
	    cmocka_unit_test(the_first_bytes_tell),
	    cmocka_unit_test(each_rule_broken),
	    cmocka_unit_test(name_lengths),
	    cmocka_unit_test(the_bound),
	};
	int failed;

	n_vectors = hellos_load(vectors);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(copy);
	return failed;
}
