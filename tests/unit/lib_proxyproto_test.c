/* SPDX-License-Identifier: ISC */
/* lib/proxyproto: what is built byte by byte, what is accepted, and a case for every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proxyproto.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

static struct proxyproto got;

/* An exact copy, so that a sanitizer sees a read past the end. */
static enum proxyproto_result
parse(const char *data, size_t len)
{
	char *copy = malloc(len + (len == 0));
	enum proxyproto_result r;

	memcpy(copy, data, len);
	memset(&got, 0, sizeof(got));
	r = proxyproto_parse(copy, len, &got);
	free(copy);
	return r;
}

#define PARSE(lit) parse(lit, sizeof(lit) - 1)

static struct sock_addr
addr(const char *text)
{
	struct sock_addr a;

	assert_int_equal(sock_addr_parse(&a, text, true), 0);
	return a;
}

static void
assert_text(const struct sock_addr *a, const char *want)
{
	char buf[SOCK_ADDR_TEXT];

	assert_string_equal(sock_addr_format(a, buf, sizeof(buf)), want);
}

static void
test_build_v1(void **state)
{
	struct sock_addr a = addr("192.0.2.1:1234"), b = addr("198.51.100.2:6443");
	struct sock_addr c = addr("[2001:db8::1]:1"), d = addr("[::ffff:192.0.2.1]:65535");
	struct sock_addr u = addr("/tmp/x");
	char buf[PROXYPROTO_ROOM];
	size_t n;

	(void)state;
#define LINE(x, y, text)                               \
	do {                                           \
		n = proxyproto_build_v1(buf, x, y);    \
		assert_int_equal(n, sizeof(text) - 1); \
		assert_memory_equal(buf, text, n);     \
		assert_int_equal(parse(buf, n), 0);    \
		assert_int_equal(got.len, n);          \
	} while (0)
	LINE(&a, &b, "PROXY TCP4 192.0.2.1 198.51.100.2 1234 6443\r\n");
	LINE(&c, &c, "PROXY TCP6 2001:db8::1 2001:db8::1 1 1\r\n");
	LINE(&d, &d, "PROXY TCP4 192.0.2.1 192.0.2.1 65535 65535\r\n");
	LINE(&a, &c, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1234 1\r\n");
	LINE(&u, &b, "PROXY UNKNOWN\r\n");
	LINE(NULL, NULL, "PROXY UNKNOWN\r\n");
	assert_int_equal(proxyproto_build_local(buf, 1), 15);
	assert_memory_equal(buf, "PROXY UNKNOWN\r\n", 15);
}

static void
test_build_v2(void **state)
{
	struct sock_addr a = addr("192.0.2.1:258"), b = addr("198.51.100.2:6443");
	struct sock_addr c = addr("[2001:db8::1]:1");
	char buf[PROXYPROTO_ROOM];

	(void)state;
	assert_int_equal(proxyproto_build_v2(buf, &a, &b), 28);
	assert_memory_equal(
	    buf, SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\x19\x2b", 28);
	assert_int_equal(parse(buf, 28), PROXYPROTO_OK);
	assert_text(&got.src, "192.0.2.1:258");
	assert_text(&got.dst, "198.51.100.2:6443");
	assert_int_equal(proxyproto_build_v2(buf, &c, &b), 52);
	assert_int_equal(parse(buf, 52), PROXYPROTO_OK);
	assert_text(&got.src, "[2001:db8::1]:1");
	assert_text(&got.dst, "198.51.100.2:6443");
	assert_int_equal(proxyproto_build_v2(buf, NULL, &b), 16);
	assert_memory_equal(buf, SIG "\x21\0\0\0", 16);
	assert_int_equal(proxyproto_build_local(buf, 2), 16);
	assert_memory_equal(buf, SIG "\x20\0\0\0", 16);
}

static void
test_v1_accepted(void **state)
{
	(void)state;
	assert_int_equal(PARSE("PROXY TCP4 192.0.2.1 192.0.2.2 0 65535\r\nGET /"), PROXYPROTO_OK);
	assert_int_equal(got.len, 40);
	assert_int_equal(got.v, 1);
	assert_true(got.known);
	assert_text(&got.src, "192.0.2.1:0");
	assert_text(&got.dst, "192.0.2.2:65535");
	assert_int_equal(PARSE("PROXY UNKNOWN ffff:f...f 65535 whatever\r\n"), PROXYPROTO_OK);
	assert_false(got.known);
	assert_int_equal(PARSE("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n"), PROXYPROTO_OK);
	assert_text(&got.src, "192.0.2.1:1"); /* for limits and logs an IPv4 client */
	assert_text(&got.dst, "[2001:db8::2]:2");
	assert_int_equal(PARSE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
			       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	    PROXYPROTO_OK);
}

static void
test_v1_refused(void **state)
{
	static const char *const bad[] = {"PROXY \r\n", "PROXY TCP4\r\n",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
	    "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
	    "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
	    "PROXY UNKNOWNX\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
	    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n"};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], strlen(bad[i])) != PROXYPROTO_BAD)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(PARSE("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), PROXYPROTO_BAD);
	assert_int_equal(PARSE("GET / HTTP/1.1\r\n"), PROXYPROTO_NONE);
	assert_int_equal(PARSE("PROXX"), PROXYPROTO_NONE);
	assert_int_equal(PARSE("PROXY\r\n"), PROXYPROTO_NONE);
	/* A line of 107 bytes may be, one of 108 not. */
	assert_int_equal(snprintf(line, sizeof(line), "PROXY UNKNOWN %091d\r\n", 0), 107);
	assert_int_equal(parse(line, 107), PROXYPROTO_OK);
	assert_int_equal(snprintf(line, sizeof(line), "PROXY UNKNOWN %092d\r\n", 0), 108);
	assert_int_equal(parse(line, 106), PROXYPROTO_MORE);
	assert_int_equal(parse(line, 108), PROXYPROTO_BAD);
}

/* Every beginning of a good header asks for more. */
static void
test_prefixes(void **state)
{
	static const char v1[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
	static const char v2[] = SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\x19\x2b";

	(void)state;
	for (size_t n = 0; n < sizeof(v1) - 1; n++)
		assert_int_equal(parse(v1, n), PROXYPROTO_MORE);
	for (size_t n = 0; n < sizeof(v2) - 1; n++)
		assert_int_equal(parse(v2, n), PROXYPROTO_MORE);
	assert_int_equal(parse(v1, sizeof(v1) - 1), PROXYPROTO_OK);
	assert_int_equal(parse(v2, sizeof(v2) - 1), PROXYPROTO_OK);
}

static void
test_v2_accepted(void **state)
{
	(void)state;
	/* A LOCAL connection's addresses are skipped, whatever they are. */
	assert_int_equal(PARSE(SIG "\x20\xff\0\x03xyzGET"), PROXYPROTO_OK);
	assert_int_equal(got.len, 19);
	assert_false(got.known);
	/* Unknown, UDP: taken, without addresses. */
	assert_int_equal(PARSE(SIG "\x21\0\0\0"), PROXYPROTO_OK);
	assert_false(got.known);
	assert_int_equal(PARSE(SIG "\x21\x12\0\x0c"
				   "123456789012"),
	    PROXYPROTO_OK);
	assert_false(got.known);
	/* TLVs behind the addresses: one of length 0, one of length 2. */
	assert_int_equal(
	    PARSE(SIG
		"\x21\x11\0\x14\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\x19\x2b\x04\0\0\x02\0\x02h2"),
	    PROXYPROTO_OK);
	assert_int_equal(got.len, 36);
	assert_true(got.known);
}

static void
test_v2_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE(SIG "\x11\x11\0\0"), PROXYPROTO_BAD); /* version 1 in version 2 */
	assert_int_equal(PARSE(SIG "\x22\x11\0\0"), PROXYPROTO_BAD); /* unknown command */
	assert_int_equal(PARSE(SIG "\x21\x41\0\0"), PROXYPROTO_BAD); /* unknown family */
	assert_int_equal(PARSE(SIG "\x21\x13\0\0"), PROXYPROTO_BAD); /* unknown protocol */
	assert_int_equal(PARSE(SIG "\x21\x11\0\x0b"
				   "12345678901"),
	    PROXYPROTO_BAD); /* too short */
	assert_int_equal(PARSE(SIG "\x21\x21\0\x0c"
				   "123456789012"),
	    PROXYPROTO_BAD);
	assert_int_equal(PARSE(SIG "\x21\x11\x10\0"), PROXYPROTO_LONG);
	/* A TLV cut off in its head, and in its value. */
	assert_int_equal(PARSE(SIG "\x21\0\0\x02\x04\0"), PROXYPROTO_BAD);
	assert_int_equal(PARSE(SIG "\x21\0\0\x04\x04\0\x02x"), PROXYPROTO_BAD);
	assert_int_equal(PARSE("\r\n\r\n\0\r\nQUIX"), PROXYPROTO_NONE);
}

/* CRC32c of the header with the field taken as 0; the value was computed by another program. */
static void
test_v2_checksum(void **state)
{
	char h[] = SIG "\x21\0\0\x07\x03\0\x04\0\0\0\0";
	static const unsigned char sum[4] = {0x3e, 0xc9, 0x89, 0x4e};

	(void)state;
	memcpy(h + 19, sum, 4);
	assert_int_equal(parse(h, sizeof(h) - 1), PROXYPROTO_OK);
	h[22] ^= 1;
	assert_int_equal(parse(h, sizeof(h) - 1), PROXYPROTO_CHECKSUM);
	assert_int_equal(PARSE(SIG "\x21\0\0\x06\x03\0\x03\0\0\0"), PROXYPROTO_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_build_v1),
	    cmocka_unit_test(test_build_v2),
	    cmocka_unit_test(test_v1_accepted),
	    cmocka_unit_test(test_v1_refused),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_v2_accepted),
	    cmocka_unit_test(test_v2_refused),
	    cmocka_unit_test(test_v2_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
