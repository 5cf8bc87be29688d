/* SPDX-License-Identifier: ISC */
/* Memory of one configuration: given out piece by piece, freed whole. */
#ifndef CONF_ARENA_H
#define CONF_ARENA_H

#include <stddef.h>

struct conf_arena;

struct conf_arena *arena_new(void);
void arena_free(struct conf_arena *);
/* Zeroed, aligned for every type; never NULL (the process ends when memory is used up). */
void *arena_alloc(struct conf_arena *, size_t size);
char *arena_strndup(struct conf_arena *, const char *, size_t n);
char *arena_strdup(struct conf_arena *, const char *);
char *arena_printf(struct conf_arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for element n (from 0) of an array that grows one by one: returns the array, moved when n
 * is a power of two. */
void *arena_grow(struct conf_arena *, void *old, size_t n, size_t size);

#endif
