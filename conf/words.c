/* SPDX-License-Identifier: ISC */
/* Keys and words: '-' and '_' are the same; how near two of them are. Pure. */
#include "conf/words.h"

#include <string.h>

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

static bool
same_char(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

unsigned
words_distance(const char *a, const char *b)
{
	enum { MAX = 48 };
	unsigned d[3][MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > MAX || nb > MAX)
		return MAX;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = d[i % 3], *last = d[(i - 1) % 3], *before = d[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1,
			    last[j - 1] + (same_char(a[i - 1], b[j - 1]) ? 0 : 1));
			if (i > 1 && j > 1 && same_char(a[i - 1], b[j - 2]) &&
			    same_char(a[i - 2], b[j - 1]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return d[na % 3][nb];
}

bool
words_equal(const char *a, const char *b)
{
	while (*a != '\0' && same_char(*a, *b)) {
		a++;
		b++;
	}
	return *a == *b;
}

bool
words_near(const char *a, const char *b, unsigned *best)
{
	size_t n = strlen(a);
	unsigned d = words_distance(a, b), limit = n <= 3 ? 1 : n <= 7 ? 2 : 3;

	if (d > limit || d >= *best)
		return false;
	*best = d;
	return true;
}
