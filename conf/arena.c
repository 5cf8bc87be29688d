/* SPDX-License-Identifier: ISC */
/*
 * Memory of one configuration: blocks in a list, freed whole. It holds passwords and keys: a
 * process forked by the owner sees zeros in their place.
 */
#include "conf/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE  4096u
#define BLOCK (16384u - sizeof(struct block))

struct block {
	struct block *next;
	size_t size; /* of data, bytes */
	size_t used;
	max_align_t data[];
};

struct conf_arena {
	struct block *head;
};

static struct block *
block_new(size_t size)
{
	size_t whole = (sizeof(struct block) + size + PAGE - 1) / PAGE * PAGE;
	struct block *b =
	    mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED) {
		fputs("vipd: out of memory\n", stderr);
		abort();
	}
	madvise(b, whole, MADV_WIPEONFORK);
	b->size = whole - sizeof(*b);
	return b;
}

struct conf_arena *
arena_new(void)
{
	struct block *b = block_new(BLOCK);
	struct conf_arena *a = (struct conf_arena *)(void *)b->data;

	b->used = sizeof(max_align_t);
	a->head = b;
	return a;
}

void
arena_free(struct conf_arena *a)
{
	struct block *b = a != NULL ? a->head : NULL;

	while (b != NULL) {
		struct block *next = b->next;

		munmap(b, sizeof(*b) + b->size);
		b = next;
	}
}

void *
arena_alloc(struct conf_arena *a, size_t size)
{
	size_t n = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	struct block *b = a->head;
	void *p;

	if (b->size - b->used < n) {
		b = block_new(n > BLOCK / 4 ? n : BLOCK);
		b->next = a->head;
		a->head = b;
	}
	p = (char *)b->data + b->used;
	b->used += n;
	return p;
}

char *
arena_strndup(struct conf_arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

char *
arena_strdup(struct conf_arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct conf_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void *
arena_grow(struct conf_arena *a, void *old, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)
		return old;
	p = arena_alloc(a, (n == 0 ? 1 : 2 * n) * size);
	if (n != 0)
		memcpy(p, old, n * size);
	return p;
}
