/* SPDX-License-Identifier: ISC */
/* Keys and words: '-' and '_' are the same; how near two of them are. */
#ifndef CONF_WORDS_H
#define CONF_WORDS_H

#include <stdbool.h>

bool words_equal(const char *a, const char *b);
/* Insertions, deletions, changes and swaps of neighbours from a to b. */
unsigned words_distance(const char *a, const char *b);
/* Is b near enough to a to be meant, and nearer than *best (start with UINT_MAX)? Then sets *best.
 */
bool words_near(const char *a, const char *b, unsigned *best);

#endif
