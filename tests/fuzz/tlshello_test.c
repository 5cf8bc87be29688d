/* SPDX-License-Identifier: ISC */
/*
 * Random mutation of TLS hellos against tlshello_parse: bounded, seeded (VIPD_FUZZ_SEED). A hello's
 * verdict must not depend on what follows it nor on where records are cut, every beginning of a
 * good one asks for more, and what was read lies in the input. With VIPD_LIBFUZZER defined the same
 * body is libFuzzer's entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tlshello.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/hellos.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%d: %s\n", line, what);
	abort();
}
#define CHECK(x) check((x), #x, __LINE__)

/* From an exact copy, so that a sanitizer sees a read past the end; free it. */
static enum tlshello_result
parse(const uint8_t *data, size_t len, struct tlshello *out, uint8_t **copy)
{
	*copy = malloc(len + (len == 0));
	CHECK(*copy != NULL);
	memcpy(*copy, data, len);
	return tlshello_parse(*copy, len, out);
}

static enum tlshello_result
verdict(const uint8_t *data, size_t len)
{
	static struct tlshello h;
	uint8_t *copy;
	enum tlshello_result r = parse(data, len, &h, &copy);

	free(copy);
	return r;
}

static bool
inside(const struct tlshello *h, const uint8_t *data, size_t size, const char *p, size_t n)
{
	if (n == 0)
		return true;
	return (p >= (const char *)data && p + n <= (const char *)data + size) ||
	       (p >= h->joined && p + n <= h->joined + sizeof(h->joined));
}

/* The same message in records of n bytes says the same, if it still fits. */
static void
check_cut(const uint8_t *data, size_t size, const struct tlshello *h, size_t n)
{
	static struct tlshello other;
	static uint8_t message[TLSHELLO_MOST], cut[4 * TLSHELLO_MOST];
	size_t len = 0, out = 0;
	uint8_t *copy;

	for (size_t at = 0; at + 5 <= size;) {
		size_t f = (size_t)data[at + 3] << 8 | data[at + 4];

		f = f < size - at - 5 ? f : size - at - 5;
		memcpy(message + len, data + at + 5, f);
		len += f;
		at += 5 + f;
		if (len >= 4 &&
		    len >= 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]))
			break;
	}
	len = 4 + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
	for (size_t at = 0; at < len; at += n) {
		size_t f = len - at < n ? len - at : n;

		memcpy(cut + out, (uint8_t[]){22, 3, 1, (uint8_t)(f >> 8), (uint8_t)f}, 5);
		memcpy(cut + out + 5, message + at, f);
		out += 5 + f;
	}
	if (out > TLSHELLO_MOST)
		return;
	CHECK(parse(cut, out, &other, &copy) == TLSHELLO_OK);
	CHECK(other.version == h->version && other.sni_len == h->sni_len &&
	      other.alpn_len == h->alpn_len);
	CHECK(h->sni_len == 0 || memcmp(other.sni, h->sni, h->sni_len) == 0);
	CHECK(h->alpn_len == 0 || memcmp(other.alpn, h->alpn, h->alpn_len) == 0);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tlshello h;
	uint8_t *copy;
	enum tlshello_result r = parse(data, size, &h, &copy);

	if (r == TLSHELLO_OK) {
		CHECK(h.version >> 8 == 3 && h.sni_len <= 255);
		CHECK(inside(&h, copy, size, h.sni, h.sni_len));
		CHECK(inside(&h, copy, size, h.alpn, h.alpn_len));
		CHECK(!tlshello_offers(&h, ""));
		for (size_t n = 0; n < size; n += 1 + n / 8) {
			enum tlshello_result b = verdict(data, n);

			/* Behind its end a beginning may be good already. */
			CHECK(b == TLSHELLO_MORE || b == TLSHELLO_OK);
		}
		check_cut(data, size, &h, 1 + size % 7);
		check_cut(data, size, &h, 1 + size / 2);
	} else if (r == TLSHELLO_MORE) {
		CHECK(size < TLSHELLO_MOST);
		for (size_t n = size < 20 ? 0 : size - 20; n < size; n++)
			CHECK(verdict(data, n) == TLSHELLO_MORE);
	} else {
		CHECK(size > 0);
	}
	free(copy);
	return 0;
}

#ifndef VIPD_LIBFUZZER
static size_t
mutate(uint8_t *buf, size_t len, size_t room)
{
	static const uint8_t liked[] = {0, 1, 2, 3, 4, 5, 16, 22, 32, 43, 255};
	size_t at = fuzz_below((uint32_t)len);

	/* Most lengths and types stand near the beginning. */
	if (fuzz_below(3) == 0)
		at %= 200;
	if (fuzz_below(5) == 0)
		return at;
	return fuzz_byte(buf, len, room, at, liked, sizeof(liked));
}

static void
test_mutations(void **state)
{
	static struct hello_vector v[HELLOS_MOST];
	size_t n = hellos_load(v);
	uint8_t buf[HELLO_ROOM];

	(void)state;
	fuzz_begin(0);
	for (unsigned i = 0; i < 120000; i++) {
		const struct hello_vector *x = &v[fuzz_below((uint32_t)n)];
		size_t len = x->len;

		memcpy(buf, x->data, len);
		for (unsigned m = fuzz_below(6); m > 0; m--)
			len = mutate(buf, len, sizeof(buf));
		LLVMFuzzerTestOneInput(buf, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
