/* SPDX-License-Identifier: ISC */
/* vrrp/packet: the captured vectors, every byte flip, and one case per reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "shm/refused.h"
#include "tests/lib/vrrp_vectors.h"

static struct vector vec[VECTORS_MAX];
static int n_vec;

static int
setup(void **state)
{
	(void)state;
	n_vec = vectors_read(vec);
	return n_vec == 60 ? 0 : -1;
}

static void
vectors_parse(void **state)
{
	int ah = 0;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		const struct vector *v = &vec[i];
		struct packet_in in;
		enum packet_reason r = packet_parse(&v->want, v->bytes, v->len, &in);

		if (v->ah) {
			assert_int_equal(r, PACKET_AH);
			ah++;
			continue;
		}
		if (r != PACKET_OK)
			print_error("%s: %s\n", v->name, packet_reason_text(r));
		assert_int_equal(r, PACKET_OK);
		assert_int_equal(in.version, v->out.version);
		assert_int_equal(in.priority, v->out.priority);
		assert_int_equal(in.interval_cs, v->out.interval_cs);
		assert_int_equal(in.n_addrs, v->out.n_addrs);
		assert_int_equal(in.ttl, v->out.ttl);
		assert_int_equal(in.differs, 0);
		assert_false(in.hmac.present);
		assert_int_equal(packet_peek_vrid(v->bytes, v->len), 51);
		for (size_t k = 0; k < in.n_addrs; k++) {
			struct ip a = packet_addr(&in, k);

			assert_true(ip_equal(&a, &v->addrs[k]));
		}
	}
	assert_int_equal(ah, 6);
}

/* Built from the same settings, byte for byte. */
static void
vectors_build(void **state)
{
	uint8_t buf[PACKET_MAX];
	size_t iplen;
	int built = 0;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		const struct vector *v = &vec[i];

		if (v->ah)
			continue;
		assert_int_equal(packet_build(&v->out, buf, sizeof(buf), &iplen), v->len);
		assert_memory_equal(buf, v->bytes, v->len);
		assert_int_equal(packet_build(&v->out, buf, v->len - 1, &iplen), -1);
		assert_int_equal(errno, ENOSPC);
		built++;
	}
	assert_int_equal(built, 54);
}

/* ---- byte flips ------------------------------------------------------------ */

static uint16_t
ip4_sum(const uint8_t *b)
{
	uint32_t s = 0;

	for (int i = 0; i < 20; i += 2)
		s += i == 10 ? 0 : (uint32_t)(b[i] << 8 | b[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static const char *
field_of(const struct vector *v, size_t off)
{
	static const char *const msg2[] = {"version+type", "vrid", "priority", "count", "authtype",
	    "interval", "checksum", "checksum"};
	static const char *const msg3[] = {"version+type", "vrid", "priority", "count", "interval",
	    "interval", "checksum", "checksum"};
	bool six = v->bytes[0] >> 4 == 6;
	size_t head = six ? 40 : 20, alen = six ? 16 : 4;

	if (off >= head + 8 + v->out.n_addrs * alen)
		return "authdata";
	if (off >= head + 8)
		return "addresses";
	if (off >= head)
		return (v->out.version == 2 ? msg2 : msg3)[off - head];
	if (six)
		return off >= 24              ? "dst"
		       : off >= 8             ? "src"
		       : off == 6             ? "protocol"
		       : off == 4 || off == 5 ? "iplen"
					      : NULL;
	return off >= 16              ? "dst"
	       : off >= 12            ? "src"
	       : off == 9             ? "protocol"
	       : off == 2 || off == 3 ? "iplen"
				      : NULL;
}

/* Which reasons a flip in a field may have when the IPv4 header checksum is made right again. */
static const struct {
	const char *field;
	uint64_t reasons;
} flips[] = {
#define R(x) (1ull << PACKET_##x)
    {"iplen", R(IP_LENGTH)},
    {"protocol", R(PROTOCOL) | R(AH)},
    {"src", R(SOURCE) | R(OWN)},
    {"dst", R(DESTINATION)},
    {"version+type", R(VERSION) | R(TYPE) | R(LENGTH)},
    {"vrid", R(VRID)},
    {"priority", R(CHECKSUM)},
    {"count", R(COUNT) | R(LENGTH)},
    {"authtype", R(CHECKSUM)},
    {"interval", R(CHECKSUM)},
    {"checksum", R(CHECKSUM)},
    {"addresses", R(CHECKSUM)},
    {"authdata", R(CHECKSUM)},
};

/* Every value of every byte of message, authentication, source, destination, protocol, length: the
 * kernel's view (IP checksum right) and as flipped on the wire. */
static void
every_flip_is_refused(void **state)
{
	uint64_t seen[sizeof(flips) / sizeof(flips[0])] = {0};
	struct packet_in in;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		const struct vector *v = &vec[i];
		uint8_t b[PACKET_MAX];

		for (size_t off = 0; off < v->len && !v->ah; off++) {
			const char *field = field_of(v, off);
			size_t f;

			if (field == NULL)
				continue;
			for (f = 0; strcmp(flips[f].field, field) != 0; f++)
				;
			for (unsigned int x = 1; x < 256; x++) {
				enum packet_reason r;

				memcpy(b, v->bytes, v->len);
				b[off] ^= (uint8_t)x;
				r = packet_parse(&v->want, b, v->len, &in);
				assert_int_not_equal(r, PACKET_OK);
				if (off < 20 && v->bytes[0] >> 4 == 4)
					assert_int_equal(r, PACKET_IP_CHECKSUM);
				if (b[0] >> 4 == 4) {
					uint16_t s = ip4_sum(b);

					b[10] = (uint8_t)(s >> 8);
					b[11] = (uint8_t)s;
				}
				r = packet_parse(&v->want, b, v->len, &in);
				if (!(flips[f].reasons >> r & 1))
					print_error("%s byte %zu ^ %02x (%s): %s\n", v->name, off,
					    x, field, packet_reason_text(r));
				assert_true(flips[f].reasons >> r & 1);
				seen[f] |= 1ull << r;
			}
		}
	}
	/* Each reason that the table allows was really met. */
	for (size_t f = 0; f < sizeof(flips) / sizeof(flips[0]); f++)
		assert_int_equal(seen[f], flips[f].reasons);
}

/* AH packets stay refused whatever is flipped. */
static void
every_flip_of_ah_is_refused(void **state)
{
	struct packet_in in;
	uint8_t b[PACKET_MAX];

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		for (size_t off = 0; off < vec[i].len && vec[i].ah; off++) {
			for (unsigned int x = 1; x < 256; x++) {
				memcpy(b, vec[i].bytes, vec[i].len);
				b[off] ^= (uint8_t)x;
				assert_int_not_equal(
				    packet_parse(&vec[i].want, b, vec[i].len, &in), PACKET_OK);
			}
		}
	}
}

/* No prefix and no longer version passes; nothing is read behind the end (ASan). */
static void
every_length_is_refused(void **state)
{
	struct packet_in in;
	uint8_t *b;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		for (size_t len = 0; len <= vec[i].len + 60; len++) {
			if (len == vec[i].len)
				continue;
			b = test_calloc(1, len + 1);
			memcpy(b, vec[i].bytes, len < vec[i].len ? len : vec[i].len);
			assert_int_not_equal(packet_parse(&vec[i].want, b, len, &in), PACKET_OK);
			test_free(b);
		}
	}
}

/* ---- one case per rule ----------------------------------------------------- */

static const struct vector *
find(const char *name)
{
	for (int i = 0; i < n_vec; i++) {
		if (strcmp(vec[i].name, name) == 0)
			return &vec[i];
	}
	fail_msg("no vector %s", name);
	return NULL;
}

static enum packet_reason
resend(const struct vector *v, const struct packet_out *o, const struct packet_expect *want,
    struct packet_in *in)
{
	static uint8_t buf[PACKET_MAX];
	size_t iplen;
	int n = packet_build(o, buf, sizeof(buf), &iplen);

	(void)v;
	assert_true(n > 0);
	return packet_parse(want, buf, (size_t)n, in);
}

/* Rule 4 of failover-logic: a disagreement is a flag, and a reason only when strict. */
static void
disagreements(void **state)
{
	const struct vector *v = find("v2-none-unicast");
	struct packet_expect want = v->want, strict;
	struct packet_out o = v->out;
	struct ip more[2] = {v->addrs[0], ip_make4(172, 31, 0, 101)};
	struct ip other = ip_make4(172, 31, 0, 9);
	struct packet_in in;

	(void)state;
	o.interval_cs = 300;
	assert_int_equal(resend(v, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.differs, PACKET_DIFFERS_INTERVAL);
	assert_int_equal(in.interval_cs, 300);
	strict = want;
	strict.strict = true;
	assert_int_equal(resend(v, &o, &strict, &in), PACKET_INTERVAL);

	o = v->out;
	o.addrs = more;
	o.n_addrs = 2;
	assert_int_equal(resend(v, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.differs, PACKET_DIFFERS_ADDRESSES);
	assert_int_equal(resend(v, &o, &strict, &in), PACKET_ADDRESSES);
	o.addrs = &other;
	o.n_addrs = 1;
	assert_int_equal(resend(v, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.differs, PACKET_DIFFERS_ADDRESSES);
	want.n_addrs = 0; /* skip_check_adv_addr */
	assert_int_equal(resend(v, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.differs, 0);

	o = v->out;
	want = v->want;
	o.version = 3;
	o.sum = PACKET_SUM_REAL;
	assert_int_equal(resend(v, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.differs, PACKET_DIFFERS_VERSION);
	assert_int_equal(resend(v, &o, &strict, &in), PACKET_VERSION);
	/* A v3 advertisement cannot carry the password that is demanded. */
	v = find("v2-pass-unicast");
	o.src = v->out.src;
	o.dst = v->out.dst;
	assert_int_equal(resend(v, &o, &v->want, &in), PACKET_AUTH_TYPE);
	/* The order of addresses is free; a v3 interval is learnt. */
	v = find("v2-none-mcast-3vips");
	o = v->out;
	struct ip turned[3] = {v->addrs[2], v->addrs[0], v->addrs[1]};
	o.addrs = turned;
	assert_int_equal(resend(v, &o, &v->want, &in), PACKET_OK);
	assert_int_equal(in.differs, 0);
	v = find("v3-ip4-mcast");
	o = v->out;
	o.interval_cs = 4095;
	assert_int_equal(resend(v, &o, &v->want, &in), PACKET_OK);
	assert_int_equal(in.differs, 0);
	assert_int_equal(in.interval_cs, 4095);
}

/* Conformance 8: 8 bytes count, so 13 characters and 8 are one password. */
static void
pass_rule(void **state)
{
	const struct vector *v = find("v2-pass-unicast");
	struct packet_expect want = v->want;
	struct packet_in in;
	uint8_t a[8];

	(void)state;
	assert_false(packet_auth_from_pass(a, "K8SHA_KA_AUTH"));
	assert_memory_equal(a, "K8SHA_KA", 8);
	assert_memory_equal(a, v->out.auth, 8);
	assert_true(packet_auth_from_pass(a, "K8SHA_KA"));
	assert_memory_equal(a, v->out.auth, 8);
	assert_true(packet_auth_from_pass(a, "abc"));
	assert_memory_equal(a, "abc\0\0\0\0\0", 8);
	memcpy(want.auth, a, 8);
	assert_int_equal(packet_parse(&want, v->bytes, v->len, &in), PACKET_AUTH_DATA);
	want.auth_type = PACKET_AUTH_NONE;
	assert_int_equal(packet_parse(&want, v->bytes, v->len, &in), PACKET_AUTH_TYPE);
	/* And the reverse: none where a password is wanted. */
	assert_int_equal(
	    packet_parse(&find("v2-none-unicast")->want, find("v2-none-unicast")->bytes, 40, &in),
	    PACKET_OK);
	want = find("v2-none-unicast")->want;
	want.auth_type = PACKET_AUTH_PASS;
	assert_int_equal(
	    packet_parse(&want, find("v2-none-unicast")->bytes, 40, &in), PACKET_AUTH_TYPE);
}

/* Conformance 2 and 3: which scopes of the v3 checksum are taken. */
static void
checksum_scopes(void **state)
{
	const struct vector *real = find("v3-ip4-unicast"),
			    *old = find("v3-ip4-unicast-oldchecksum");
	struct packet_expect want = real->want;
	struct packet_out o = real->out;
	struct packet_in in;

	(void)state;
	want.sums = PACKET_SUM_REAL;
	assert_int_equal(packet_parse(&want, real->bytes, real->len, &in), PACKET_OK);
	assert_int_equal(in.sum, PACKET_SUM_REAL);
	assert_int_equal(packet_parse(&want, old->bytes, old->len, &in), PACKET_CHECKSUM);
	want.sums = PACKET_SUM_REAL | PACKET_SUM_MULTICAST;
	assert_int_equal(packet_parse(&want, old->bytes, old->len, &in), PACKET_OK);
	assert_int_equal(in.sum, PACKET_SUM_MULTICAST);
	o.sum = PACKET_SUM_NONE;
	assert_int_equal(resend(real, &o, &want, &in), PACKET_CHECKSUM);
	want.sums |= PACKET_SUM_NONE;
	assert_int_equal(resend(real, &o, &want, &in), PACKET_OK);
	assert_int_equal(in.sum, PACKET_SUM_NONE);
}

/* Conformance 4, 5, 10: TTL, cast mode, source. */
static void
ends(void **state)
{
	const struct vector *m = find("v2-pass-mcast"), *u = find("v2-pass-unicast");
	const struct vector *six = find("v3-ip6-unicast");
	struct packet_expect want;
	struct packet_out o = m->out;
	struct packet_in in;
	struct ip stranger = ip_make4(172, 31, 0, 77);

	(void)state;
	o.ttl = 254;
	assert_int_equal(resend(m, &o, &m->want, &in), PACKET_TTL);
	o = u->out;
	o.ttl = 64;
	want = u->want;
	assert_int_equal(resend(u, &o, &want, &in), PACKET_OK);
	want.ttl_min = 255;
	assert_int_equal(resend(u, &o, &want, &in), PACKET_TTL);
	want.ttl_min = 0;
	want.ttl_max = 63;
	assert_int_equal(resend(u, &o, &want, &in), PACKET_TTL);
	assert_int_equal(six->bytes[7], 64); /* keepalived's unicast IPv6: taken by default */

	want = u->want;
	want.multicast = true;
	assert_int_equal(packet_parse(&want, u->bytes, u->len, &in), PACKET_DESTINATION);
	want = m->want;
	want.multicast = false;
	assert_int_equal(packet_parse(&want, m->bytes, m->len, &in), PACKET_DESTINATION);
	want = m->want;
	want.own = m->out.src;
	assert_int_equal(packet_parse(&want, m->bytes, m->len, &in), PACKET_OWN);
	want = u->want;
	want.sources = &stranger;
	assert_int_equal(packet_parse(&want, u->bytes, u->len, &in), PACKET_SOURCE);
	want = m->want;
	want.n_sources = 0; /* multicast without a list */
	assert_int_equal(packet_parse(&want, m->bytes, m->len, &in), PACKET_OK);
	/* A router of the other family does not take it. */
	assert_int_equal(packet_parse(&six->want, u->bytes, u->len, &in), PACKET_IP_HEADER);
	assert_int_equal(packet_parse(&u->want, six->bytes, six->len, &in), PACKET_IP_HEADER);
}

static void
cannot_build(void **state)
{
	struct packet_out good = find("v2-pass-unicast")->out, o;
	struct ip six = {.family = AF_INET6};
	uint8_t buf[PACKET_MAX];
	size_t iplen;

	(void)state;
#define BAD(change)                                                               \
	do {                                                                      \
		o = good;                                                         \
		change;                                                           \
		assert_int_equal(packet_build(&o, buf, sizeof(buf), &iplen), -1); \
		assert_int_equal(errno, EINVAL);                                  \
	} while (0)
	BAD(o.interval_cs = 150);
	BAD(o.interval_cs = 0);
	BAD(o.interval_cs = 25600);
	BAD(o.auth_type = PACKET_AUTH_AH);
	BAD(o.n_addrs = 0);
	BAD(o.n_addrs = 256);
	BAD(o.vrid = 0);
	BAD(o.version = 4);
	BAD(o.src = six);
	BAD(o.addrs = &six);
	good = find("v3-ip4-mcast")->out;
	BAD(o.interval_cs = 0);
	BAD(o.interval_cs = 4096);
	good = find("v3-ip6-mcast")->out;
	BAD(o.version = 2);
}

/* 255 addresses of both families survive the round trip. */
static void
many_addresses(void **state)
{
	static struct ip a4[255], a6[255];
	static uint8_t buf[PACKET_MAX];
	struct packet_in in;
	struct packet_expect want;
	struct packet_out o;
	size_t iplen;
	int n;

	(void)state;
	for (int i = 0; i < 255; i++) {
		a4[i] = ip_make4(192, 0, 2, (uint8_t)i);
		a6[i] =
		    (struct ip){.family = AF_INET6, .b = {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)i}};
	}
	for (int k = 0; k < 2; k++) {
		const struct vector *v = find(k ? "v3-ip6-unicast" : "v2-pass-unicast");

		o = v->out;
		want = v->want;
		o.addrs = want.addrs = k ? a6 : a4;
		o.n_addrs = want.n_addrs = 255;
		n = packet_build(&o, buf, sizeof(buf), &iplen);
		assert_true(n > 0);
		assert_int_equal(packet_parse(&want, buf, (size_t)n, &in), PACKET_OK);
		assert_int_equal(in.n_addrs, 255);
		assert_int_equal(in.differs, 0);
	}
}

static void
reasons_have_names(void **state)
{
	(void)state;
	for (int r = 0; r < PACKET_REASON_COUNT; r++) {
		assert_true(strlen(packet_reason_text((enum packet_reason)r)) > 3);
		/* what metrics call it */
		assert_string_equal(
		    packet_reason_counter((enum packet_reason)r), shm_refused_name((unsigned)r));
		for (int k = 0; k < r; k++)
			assert_string_not_equal(packet_reason_counter((enum packet_reason)k),
			    packet_reason_counter((enum packet_reason)r));
	}
	assert_string_equal(packet_reason_text(PACKET_REASON_COUNT), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_parse),
	    cmocka_unit_test(vectors_build),
	    cmocka_unit_test(every_flip_is_refused),
	    cmocka_unit_test(every_flip_of_ah_is_refused),
	    cmocka_unit_test(every_length_is_refused),
	    cmocka_unit_test(disagreements),
	    cmocka_unit_test(pass_rule),
	    cmocka_unit_test(checksum_scopes),
	    cmocka_unit_test(ends),
	    cmocka_unit_test(cannot_build),
	    cmocka_unit_test(many_addresses),
	    cmocka_unit_test(reasons_have_names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
