/* SPDX-License-Identifier: ISC */
/* vrrp/hmac: trailer, flips, table of modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/lib/vrrp_vectors.h"
#include "vrrp/hmac.h"

static struct vector vec[VECTORS_MAX];
static int n_vec;
static const struct hmac_key keys[2] = {
    {.id = 1, .len = 32, .key = "0123456789abcdef0123456789abcdef"},
    {.id = 7, .len = 16, .key = "another key 16 b"},
};

static int
setup(void **state)
{
	(void)state;
	n_vec = vectors_read(vec);
	return n_vec > 0 ? 0 : -1;
}

#define WALL_US 1790000000123456

static size_t
signed_packet(const struct vector *v, const struct hmac_key *key, uint32_t boot, uint64_t seq,
    uint8_t buf[PACKET_MAX])
{
	size_t iplen;
	int n = packet_build(&v->out, buf, PACKET_MAX, &iplen);

	assert_true(n > 0);
	n = hmac_append(buf, (size_t)n, PACKET_MAX, iplen, &v->out.src, &v->out.dst, key,
	    &(struct hmac_stamp){boot, seq, WALL_US});
	assert_int_equal(n, v->len + PACKET_HMAC_BYTES);
	return (size_t)n;
}

static void
round_trip(void **state)
{
	uint8_t buf[PACKET_MAX];
	struct packet_in in;
	size_t k, n;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		if (vec[i].ah)
			continue;
		n = signed_packet(&vec[i], &keys[i & 1], 3, 0x1122334455667788ull, buf);
		assert_int_equal(packet_parse(&vec[i].want, buf, n, &in), PACKET_OK);
		assert_true(in.hmac.present);
		assert_int_equal(in.hmac.boot, 3);
		assert_true(in.hmac.seq == 0x1122334455667788ull);
		assert_true(in.hmac.wall_us == WALL_US);
		assert_int_equal(hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_GOOD);
		assert_int_equal(k, i & 1);
		assert_int_equal(
		    hmac_verify(&in, keys + !(i & 1), 1, &k), HMAC_ARRIVED_UNKNOWN_KEY);
		assert_int_equal(
		    packet_parse(&vec[i].want, vec[i].bytes, vec[i].len, &in), PACKET_OK);
		assert_int_equal(hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_NONE);
	}
}

/* The VRRP checksum covers the trailer, whichever pseudo-header it is made with. */
static void
sums(void **state)
{
	static const enum packet_sum scopes[] = {
	    PACKET_SUM_REAL, PACKET_SUM_MULTICAST, PACKET_SUM_NONE};

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		for (size_t s = 0; s < 3; s++) {
			struct vector v = vec[i];
			uint8_t buf[PACKET_MAX];
			struct packet_in in;
			size_t k, n;

			if (v.ah || v.out.version != 3 || v.out.src.family != AF_INET)
				continue;
			v.out.sum = scopes[s];
			v.want.sums = (uint8_t)scopes[s];
			n = signed_packet(&v, &keys[0], 3, 4, buf);
			assert_int_equal(packet_parse(&v.want, buf, n, &in), PACKET_OK);
			assert_int_equal(in.sum, scopes[s]);
			assert_int_equal(hmac_verify(&in, keys, 1, &k), HMAC_ARRIVED_GOOD);
			v.want.sums = (uint8_t)(7 ^ scopes[s]);
			if (!ip_equal(&v.out.dst, &(struct ip){AF_INET, {224, 0, 0, 18}}))
				assert_int_equal(
				    packet_parse(&v.want, buf, n, &in), PACKET_CHECKSUM);
		}
	}
}

/* Any bit of message, trailer, source, destination: refused by the parser or not GOOD. The attacker
 * is given the right IP and VRRP checksums by building anew where that is possible. */
static void
flips(void **state)
{
	uint8_t buf[PACKET_MAX], b[PACKET_MAX];
	struct packet_in in;
	size_t k, n;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		struct packet_expect any = vec[i].want;

		if (vec[i].ah)
			continue;
		n = signed_packet(&vec[i], &keys[0], 1, 5, buf);
		for (size_t off = 0; off < n; off++) {
			if (vec[i].bytes[0] >> 4 == 6 && off < 8 && off != 4 && off != 5)
				continue; /* hop limit, flow label, traffic class: not covered */
			for (unsigned int bit = 0; bit < 8; bit++) {
				memcpy(b, buf, n);
				b[off] ^= (uint8_t)(1u << bit);
				if (packet_parse(&any, b, n, &in) == PACKET_OK)
					assert_int_not_equal(
					    hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_GOOD);
			}
		}
		/* A bit of the trailer, right checksums. */
		for (size_t bit = 0; bit < 8 * PACKET_HMAC_BYTES; bit++) {
			memcpy(b, vec[i].bytes, vec[i].len);
			memcpy(b + vec[i].len, buf + vec[i].len, PACKET_HMAC_BYTES);
			b[vec[i].len + bit / 8] ^= (uint8_t)(1u << bit % 8);
			packet_extend(b, vec[i].len, PACKET_HMAC_BYTES);
			if (packet_parse(&any, b, n, &in) == PACKET_OK)
				assert_int_not_equal(
				    hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_GOOD);
			else
				assert_in_range(bit / 8, 0, 3);
		}
		/* The same advertisement with another priority and right checksums, old MAC. */
		struct packet_out o = vec[i].out;
		size_t iplen;

		o.priority ^= 1;
		assert_int_equal(packet_build(&o, b, sizeof(b), &iplen), vec[i].len);
		memcpy(b + vec[i].len, buf + vec[i].len, PACKET_HMAC_BYTES);
		packet_extend(b, vec[i].len, PACKET_HMAC_BYTES);
		assert_int_equal(packet_parse(&any, b, n, &in), PACKET_OK);
		assert_int_equal(hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_BAD);
		/* From another host: right checksums, listed source, old MAC. */
		o = vec[i].out;
		any.n_sources = 0;
		o.src.b[2] ^= 1;
		assert_int_equal(packet_build(&o, b, sizeof(b), &iplen), vec[i].len);
		memcpy(b + vec[i].len, buf + vec[i].len, PACKET_HMAC_BYTES);
		packet_extend(b, vec[i].len, PACKET_HMAC_BYTES);
		assert_int_equal(packet_parse(&any, b, n, &in), PACKET_OK);
		assert_int_equal(hmac_verify(&in, keys, 2, &k), HMAC_ARRIVED_BAD);
	}
}

/* A tail that is not a whole trailer is a wrong length, with the IP length right. */
static void
other_tails(void **state)
{
	uint8_t buf[PACKET_MAX];
	struct packet_in in;

	(void)state;
	for (int i = 0; i < n_vec; i++) {
		if (vec[i].ah)
			continue;
		for (size_t more = 1; more <= 64; more++) {
			memcpy(buf, vec[i].bytes, vec[i].len);
			memset(buf + vec[i].len, 0, more);
			packet_extend(buf, vec[i].len, more);
			assert_int_equal(
			    packet_parse(&vec[i].want, buf, vec[i].len + more, &in), PACKET_LENGTH);
		}
	}
}

static void
modes(void **state)
{
	static const char want[HMAC_MODE_COUNT][6] = {
	    /* none, unknown key, bad, old, good: a accept, c count, d drop */
	    "accca", "accca", "cccca", "dddda"};

	(void)state;
	for (int m = 0; m < HMAC_MODE_COUNT; m++) {
		for (int a = 0; a <= HMAC_ARRIVED_GOOD; a++)
			assert_int_equal(
			    "acd"[hmac_judge((enum hmac_mode)m, (enum hmac_arrived)a)], want[m][a]);
		assert_int_equal(hmac_mode_sends((enum hmac_mode)m), m >= HMAC_PERMISSIVE);
	}
	assert_int_equal(hmac_judge(HMAC_MODE_COUNT, HMAC_ARRIVED_GOOD), HMAC_DROP);
	assert_string_equal(hmac_mode_text(HMAC_ENFORCE), "enforce");
	assert_int_equal(hmac_reason(HMAC_ARRIVED_NONE), PACKET_HMAC_MISSING);
	assert_int_equal(hmac_reason(HMAC_ARRIVED_OLD), PACKET_HMAC_REPLAY);
	assert_int_equal(hmac_reason(HMAC_ARRIVED_UNKNOWN_KEY), PACKET_HMAC_KEY);
	assert_int_equal(hmac_reason(HMAC_ARRIVED_BAD), PACKET_HMAC_BAD);
	assert_int_equal(hmac_reason(HMAC_ARRIVED_GOOD), PACKET_OK);
}

static void
bad_keys(void **state)
{
	struct hmac_key k = keys[0];
	uint8_t buf[PACKET_MAX];
	size_t iplen;
	int n = packet_build(&vec[6].out, buf, sizeof(buf), &iplen);

	(void)state;
	assert_true(n > 0);
#define APPEND(size)                                                                   \
	hmac_append(buf, (size_t)n, size, iplen, &vec[6].out.src, &vec[6].out.dst, &k, \
	    &(struct hmac_stamp){1, 1, WALL_US})
	k.len = 15;
	assert_int_equal(APPEND(sizeof(buf)), -1);
	k.len = 65;
	assert_int_equal(APPEND(sizeof(buf)), -1);
	k.len = 64;
	k.id = 0;
	assert_int_equal(APPEND(sizeof(buf)), -1);
	assert_int_equal(errno, EINVAL);
	k.id = 255;
	assert_int_equal(APPEND((size_t)n + PACKET_HMAC_BYTES - 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(APPEND((size_t)n + PACKET_HMAC_BYTES), n + PACKET_HMAC_BYTES);
}

/* Grows whatever the clock does; a sender that has lost its last one is ahead of it with a right
 * clock. */
static void
sequence(void **state)
{
	static const struct {
		uint64_t last;
		int64_t wall_us;
		uint64_t next;
	} row[] = {
	    {0, 1700000000000000, 1700000000000000},
	    {1700000000000000, 1700000000000000, 1700000000000001},
	    {1700000000000000, 1600000000000000, 1700000000000001},
	    {1700000000000000, 1700000000250000, 1700000000250000},
	    {0, 0, 1},
	    {5, -7, 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_true(hmac_next_seq(row[i].last, row[i].wall_us) == row[i].next);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(sums),
	    cmocka_unit_test(flips),
	    cmocka_unit_test(other_tails),
	    cmocka_unit_test(modes),
	    cmocka_unit_test(bad_keys),
	    cmocka_unit_test(sequence),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
