/* SPDX-License-Identifier: ISC */
/*
 * Slab: many objects of one size from pages that are kept. An object's memory is poisoned for
 * AddressSanitizer while it is free.
 */
#ifndef LIB_SLAB_H
#define LIB_SLAB_H

#include <stddef.h>

struct slab_block;

struct slab {
	size_t size; /* bytes an object, rounded up to 16 */
	size_t used; /* objects handed out */
	void *free_list;
	struct slab_block *blocks;
};

void slab_init(struct slab *, size_t size);
/* Frees all blocks, also with objects handed out. */
void slab_fini(struct slab *);
/* Uninitialised memory, or NULL (ENOMEM; EINVAL: larger than a block of 64 KiB). */
void *slab_new(struct slab *);
void slab_free(struct slab *, void *);

#endif
