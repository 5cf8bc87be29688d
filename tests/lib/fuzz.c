/* SPDX-License-Identifier: ISC */
/* See fuzz.h. */
#include "tests/lib/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mono.h"

static uint64_t rng = 1;

void
fuzz_begin(uint64_t seed)
{
	const char *env = getenv("VIPD_FUZZ_SEED");

	if (env != NULL)
		seed = strtoull(env, NULL, 0);
	else if (seed == 0)
		seed = (uint64_t)mono_wall_us();
	rng = seed | 1;
	printf("VIPD_FUZZ_SEED=%llu\n", (unsigned long long)rng);
	fflush(stdout);
}

uint32_t
fuzz_below(uint32_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return below == 0 ? 0 : (uint32_t)(rng >> 16) % below;
}

size_t
fuzz_byte(uint8_t *buf, size_t len, size_t room, size_t at, const uint8_t *liked, size_t n_liked)
{
	switch (fuzz_below(4)) {
	case 0:
		if (at < len)
			buf[at] = liked[fuzz_below((uint32_t)n_liked)];
		return len;
	case 1:
		if (at < len)
			buf[at] ^= (uint8_t)(1u << fuzz_below(8));
		return len;
	case 2:
		if (at >= len)
			return len;
		memmove(buf + at, buf + at + 1, len - at - 1);
		return len - 1;
	default:
		if (len + 1 > room || at > len)
			return len;
		memmove(buf + at + 1, buf + at, len - at);
		buf[at] = liked[fuzz_below((uint32_t)n_liked)];
		return len + 1;
	}
}
