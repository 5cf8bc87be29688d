/* SPDX-License-Identifier: ISC */
/*
 * A growing buffer for bytes and text. Failure (no memory, bound reached) sticks: a writer may
 * append without looking and ask once at the end. Nothing of a failed append is kept.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;  /* NULL while nothing was appended; else data[len] is a NUL */
	size_t len;  /* bytes in use, without that NUL */
	size_t cap;  /* bytes of data */
	size_t max;  /* most bytes it may hold; 0: no bound */
	bool fixed;  /* data is the caller's memory and does not grow */
	bool failed; /* an append did not succeed */
};

#define BUF_INIT  \
	{         \
		0 \
	}
#define BUF_MAX(bytes)         \
	{                      \
		.max = (bytes) \
	}
/* In the caller's memory (size >= 1): holds size - 1 bytes and a NUL, never allocates. */
#define BUF_FIXED(mem, size)                                \
	{                                                   \
		.data = (mem), .cap = (size), .fixed = true \
	}

/* Each returns 0, or -1 (ENOMEM; ENOBUFS: bound reached; for ever after until buf_reset). */
int buf_reserve(struct buf *, size_t more);
int buf_append(struct buf *, const void *bytes, size_t len);
int buf_puts(struct buf *, const char *text);
int buf_putc(struct buf *, char c);
/* In decimal; much cheaper than buf_printf. */
int buf_put_uint(struct buf *, uint64_t);
int buf_put_int(struct buf *, int64_t);
int buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* The text, "" when there is none; valid until the next append. */
const char *buf_text(const struct buf *);

/* Takes away the first n bytes (n <= len). */
void buf_consume(struct buf *, size_t n);
/* Cuts to len bytes (<= its len). */
void buf_truncate(struct buf *, size_t len);
/* Empty again and without failure; the memory is kept. */
void buf_reset(struct buf *);
/* Hands the memory over, to be freed by the caller (NULL when empty or fixed); then as new. */
char *buf_take(struct buf *, size_t *len);
/* Frees the memory; the buffer is as new (a fixed one: empty). NULL is allowed. */
void buf_free(struct buf *);

#endif
