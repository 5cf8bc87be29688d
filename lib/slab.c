/* SPDX-License-Identifier: ISC */
/* Slab allocator for sessions, probes and the like. Runs in every process. */
#include "lib/slab.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define SLAB_BLOCK 65536 /* bytes a block */
#define SLAB_ALIGN 16

struct slab_block {
	struct slab_block *next;
	_Alignas(SLAB_ALIGN) unsigned char mem[];
};

void
slab_init(struct slab *s, size_t size)
{
	if (size < sizeof(void *))
		size = sizeof(void *);
	*s = (struct slab){.size = (size + SLAB_ALIGN - 1) & ~(size_t)(SLAB_ALIGN - 1)};
}

void
slab_fini(struct slab *s)
{
	while (s->blocks != NULL) {
		struct slab_block *b = s->blocks;

		UNPOISON(b, SLAB_BLOCK);
		s->blocks = b->next;
		munmap(b, SLAB_BLOCK);
	}
	s->free_list = NULL;
	s->used = 0;
}

static int
grow(struct slab *s)
{
	struct slab_block *b;
	size_t n = (SLAB_BLOCK - sizeof(*b)) / s->size;

	if (n == 0) { /* larger than a block */
		errno = EINVAL;
		return -1;
	}
	b = mmap(NULL, SLAB_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return -1;
	b->next = s->blocks;
	s->blocks = b;
	for (size_t i = n; i-- > 0;) {
		void **o = (void **)(void *)(b->mem + i * s->size);

		*o = s->free_list;
		s->free_list = o;
		POISON(o, s->size);
	}
	return 0;
}

void *
slab_new(struct slab *s)
{
	void **o;

	if (s->free_list == NULL && grow(s) == -1)
		return NULL;
	o = s->free_list;
	UNPOISON(o, s->size);
	s->free_list = *o;
	s->used++;
	return o;
}

void
slab_free(struct slab *s, void *p)
{
	void **o = p;

	if (p == NULL)
		return;
	*o = s->free_list;
	s->free_list = o;
	POISON(o, s->size);
	s->used--;
}
