/* SPDX-License-Identifier: ISC */
/* For fuzz harnesses, which run without cmocka under libFuzzer: says what does not hold, and where.
 */
#ifndef TESTS_LIB_MUST_H
#define TESTS_LIB_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void
must(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%d: %s\n", line, what);
	abort();
}
#define CHECK(x) must((x), #x, __LINE__)

#endif
