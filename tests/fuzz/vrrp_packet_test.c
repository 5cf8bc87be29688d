/* SPDX-License-Identifier: ISC */
/*
 * Random mutation of the captured packets against packet_parse: bounded, seeded
 * (VIPD_FUZZ_SEED). With VIPD_LIBFUZZER defined the same body is libFuzzer's entry:
 * clang -fsanitize=fuzzer,address -DVIPD_LIBFUZZER ...
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/fuzz.h"
#include "tests/lib/vrrp_vectors.h"
#include "vrrp/hmac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hmac_key key = {.id = 1, .len = 16, .key = "0123456789abcde"};

/*
 * What was accepted must hold what parse promises: the message lies in the bytes, the fields are in
 * range, and building the same advertisement gives the same message.
 */
static void
check_accepted(const uint8_t *b, size_t len, const struct packet_in *in)
{
	struct ip addrs[PACKET_ADDRS_MAX];
	uint8_t again[PACKET_MAX];
	struct packet_out o = {.version = in->version,
	    .vrid = in->vrid,
	    .priority = in->priority,
	    .ttl = in->ttl,
	    .interval_cs = in->interval_cs,
	    .auth_type = in->auth_type,
	    .sum = in->sum == 0 ? PACKET_SUM_REAL : (enum packet_sum)in->sum,
	    .src = in->src,
	    .dst = in->dst,
	    .addrs = addrs,
	    .n_addrs = in->n_addrs};
	size_t iplen, at = (size_t)(in->msg - b);
	int n;

	if (in->msg < b || at + in->msg_len > len || in->n_addrs == 0)
		abort();
	for (size_t i = 0; i < in->n_addrs; i++)
		addrs[i] = packet_addr(in, i);
	if (in->version == 2)
		memcpy(o.auth, in->msg + in->msg_len - 8, 8);
	if (in->interval_cs == 0)
		return;
	n = packet_build(&o, again, sizeof(again), &iplen);
	if (n == -1 || (size_t)n - iplen != in->msg_len)
		abort();
	/* Ignored on receipt: v3 reserved bits; v2 data where no password is demanded. */
	if (memcmp(again + iplen, in->msg, 4) != 0 ||
	    memcmp(again + iplen + 8, in->msg + 8, in->n_addrs * ip_len(in->src.family)) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ip own4 = {.family = AF_INET, .b = {172, 31, 0, 11}};
	static const struct ip own6 = {.family = AF_INET6, .b = {0xfd, 0x31, [15] = 0xb}};
	struct packet_expect want = {.vrid = 51, .interval_cs = 100, .sums = 7};
	struct packet_in in;
	size_t k;

	for (unsigned int i = 0; i < 16; i++) {
		want.own = i & 1 ? own6 : own4;
		want.version = i & 2 ? 3 : 2;
		want.multicast = (i & 4) != 0;
		want.auth_type = i & 8 ? PACKET_AUTH_PASS : PACKET_AUTH_NONE;
		memcpy(want.auth, "K8SHA_KA", 8);
		if (packet_parse(&want, data, size, &in) != PACKET_OK)
			continue;
		check_accepted(data, size, &in);
		if (hmac_verify(&in, &key, 1, &k) == HMAC_ARRIVED_GOOD && !in.hmac.present)
			abort();
	}
	return 0;
}

#ifndef VIPD_LIBFUZZER

static struct vector vec[VECTORS_MAX];

/* Makes the checksums right again now and then, so that mutations get behind them. */
static void
mend(uint8_t *b, size_t len)
{
	size_t head = b[0] >> 4 == 4 ? (size_t)(b[0] & 15) * 4 : 40;
	uint32_t s = 0;

	if (len < head + 8)
		return;
	b[head + 6] = b[head + 7] = 0;
	if (b[0] >> 4 == 4 && len >= 28)
		packet_extend(b, len, 0);
	if (b[head] >> 4 == 3) {
		size_t from = b[0] >> 4 == 4 ? 12 : 8, to = b[0] >> 4 == 4 ? 20 : 40;

		for (size_t i = from; i + 1 < to && i + 1 < len; i += 2)
			s += (uint32_t)(b[i] << 8 | b[i + 1]);
		s += PACKET_PROTO + (uint32_t)(len - head);
	}
	for (size_t i = head; i < len; i += 2)
		s += (uint32_t)(b[i] << 8 | (i + 1 < len ? b[i + 1] : 0));
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	b[head + 6] = (uint8_t)(~s >> 8);
	b[head + 7] = (uint8_t)~s;
}

static size_t
mutate(uint8_t *b, size_t len)
{
	switch (fuzz_below(6)) {
	case 0:
		b[fuzz_below((uint32_t)len)] ^= (uint8_t)(1u << fuzz_below(8));
		break;
	case 1:
		b[fuzz_below((uint32_t)len)] = (uint8_t)fuzz_below(256);
		break;
	case 2:
		b[fuzz_below((uint32_t)len)] = fuzz_below(2) ? 0xff : 0;
		break;
	case 3:
		return 1 + fuzz_below((uint32_t)len);
	case 4: {
		size_t more = fuzz_below(64);

		for (size_t i = 0; i < more; i++)
			b[len + i] = (uint8_t)fuzz_below(256);
		return len + more;
	}
	case 5: {
		size_t from = fuzz_below((uint32_t)len), to = fuzz_below((uint32_t)len),
		       n = fuzz_below(8);

		for (size_t i = 0; i < n && from + i < len && to + i < len; i++)
			b[to + i] = b[from + i];
		break;
	}
	}
	return len;
}

static void
mutations(void **state)
{
	uint8_t b[PACKET_MAX];
	int n = vectors_read(vec), accepted = 0;

	(void)state;
	assert_true(n > 0);
	fuzz_begin(0x5eed);
	for (int round = 0; round < 200000; round++) {
		const struct vector *v = &vec[fuzz_below((uint32_t)n)];
		size_t len = v->len;
		struct packet_in in;
		uint8_t *exact;

		memcpy(b, v->bytes, len);
		for (uint32_t k = fuzz_below(4); k > 0; k--) {
			len = mutate(b, len);
			if (len > sizeof(b) - 64)
				len = v->len;
		}
		if (fuzz_below(2))
			mend(b, len);
		exact = malloc(len); /* so that ASan sees a read behind the end */
		assert_non_null(exact);
		memcpy(exact, b, len);
		LLVMFuzzerTestOneInput(exact, len);
		accepted += packet_parse(&v->want, exact, len, &in) == PACKET_OK;
		free(exact);
	}
	/* The mutations must also get through, else nothing behind the checks was reached. */
	assert_true(accepted > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mutations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
