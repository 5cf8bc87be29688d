/* SPDX-License-Identifier: ISC */
/* free and realloc that overwrite. Calls from libraries come here too, by the dynamic linker. */
#include "lib/wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static bool wiping;

void
wipe_frees(bool on)
{
	wiping = on;
}

__attribute__((noinline)) void
wipe_stack(void)
{
	char below[65536];

	explicit_bzero(below, sizeof(below));
}

#if defined(__GLIBC__) && !defined(VIPD_SANITIZE)

void __libc_free(void *p);
void *__libc_realloc(void *p, size_t n);

void
free(void *p)
{
	if (wiping && p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	__libc_free(p);
}

void *
realloc(void *p, size_t n)
{
	size_t old;
	void *q;

	if (!wiping || p == NULL)
		return __libc_realloc(p, n);
	if (n == 0) {
		free(p);
		return NULL;
	}
	old = malloc_usable_size(p);
	if (old >= n && old / 2 <= n)
		return p;
	q = malloc(n);
	if (q == NULL)
		return NULL;
	memcpy(q, p, old < n ? old : n);
	free(p);
	return q;
}

#endif
