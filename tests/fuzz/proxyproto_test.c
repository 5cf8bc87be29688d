/* SPDX-License-Identifier: ISC */
/*
 * Random mutation of PROXY headers against proxyproto_parse: bounded, seeded (VIPD_FUZZ_SEED). A
 * header's verdict must not depend on what follows it, every beginning of a good one asks for more,
 * and what is understood is built and read again the same. With VIPD_LIBFUZZER defined the same
 * body is libFuzzer's entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proxyproto.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy, so that a sanitizer sees a read past the end. */
static enum proxyproto_result
parse(const uint8_t *data, size_t len, struct proxyproto *out)
{
	uint8_t *copy = malloc(len + (len == 0));
	enum proxyproto_result r;

	CHECK(copy != NULL);
	memcpy(copy, data, len);
	r = proxyproto_parse(copy, len, out);
	free(copy);
	return r;
}

static void
check_again(const struct proxyproto *h)
{
	char buf[PROXYPROTO_ROOM];
	struct proxyproto again;

	for (int v = 1; v <= 2; v++) {
		size_t n = v == 1 ? proxyproto_build_v1(buf, &h->src, &h->dst)
				  : proxyproto_build_v2(buf, &h->src, &h->dst);

		CHECK(n <= PROXYPROTO_ROOM);
		CHECK(proxyproto_parse(buf, n, &again) == PROXYPROTO_OK && again.len == n);
		CHECK(again.known && again.v == v);
		CHECK(sock_addr_port(&again.src) == sock_addr_port(&h->src));
		CHECK(sock_addr_port(&again.dst) == sock_addr_port(&h->dst));
		if (again.src.family == h->src.family)
			CHECK(sock_addr_equal(&again.src, &h->src) &&
			      sock_addr_equal(&again.dst, &h->dst));
		else
			CHECK(h->src.family == AF_INET6 && again.src.family == AF_INET);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxyproto h, other;
	enum proxyproto_result r = parse(data, size, &h);

	if (r == PROXYPROTO_OK) {
		CHECK(h.len > 0 && h.len <= size && h.len <= PROXYPROTO_MOST);
		CHECK(parse(data, h.len, &other) == PROXYPROTO_OK && other.len == h.len);
		CHECK(parse(data, h.len - 1, &other) == PROXYPROTO_MORE);
		if (h.known)
			check_again(&h);
	} else if (r == PROXYPROTO_MORE) {
		CHECK(size < PROXYPROTO_MOST);
		for (size_t n = size < 20 ? 0 : size - 20; n < size; n++)
			CHECK(parse(data, n, &other) == PROXYPROTO_MORE);
	} else {
		CHECK(size > 0);
	}
	return 0;
}

#ifndef VIPD_LIBFUZZER
#define S(x)                     \
	{                        \
		x, sizeof(x) - 1 \
	}
static const struct {
	const char *text;
	size_t len;
} seeds[] = {S("PROXY TCP4 192.0.2.1 198.51.100.2 1234 6443\r\nGET / HTTP/1.1\r\n\r\n"),
    S("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n"), S("PROXY UNKNOWN x y\r\n"),
    S("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\x19\x2b"),
    S("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x29"
      "1234567890123456789012345678901234567\x04\0\x02xy"),
    S("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), S("\r\n\r\n\0\r\nQUIT\n\x21\0\0\x07\x03\0\x04\0\0\0\0")};

static size_t
mutate(uint8_t *buf, size_t len, size_t room)
{
	static const uint8_t liked[] = "\r\n 0123456789:.fTCPUX\x21\x20\x11\x03\0\xff";

	return fuzz_byte(buf, len, room, fuzz_below((uint32_t)len), liked, sizeof(liked) - 1);
}

static void
test_mutations(void **state)
{
	uint8_t buf[256];

	(void)state;
	fuzz_begin(0);
	for (unsigned i = 0; i < 60000; i++) {
		size_t k = fuzz_below(sizeof(seeds) / sizeof(seeds[0])), len = seeds[k].len;

		memcpy(buf, seeds[k].text, len);
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
