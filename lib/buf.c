/* SPDX-License-Identifier: ISC */
#include "lib/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 256

static int
fail(struct buf *b, int error)
{
	b->failed = true;
	errno = error;
	return -1;
}

int
buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap;
	char *p;

	if (b->failed)
		return fail(b, ENOBUFS);
	if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		return fail(b, ENOMEM);
	if (b->max != 0 && b->len + more > b->max)
		return fail(b, ENOBUFS);
	if (b->len + more < cap)
		return 0;
	if (b->fixed)
		return fail(b, ENOBUFS);
	if (cap == 0)
		cap = CAP_FIRST;
	while (cap <= b->len + more)
		cap *= 2;
	p = realloc(b->data, cap);
	if (p == NULL)
		return fail(b, ENOMEM);
	b->data = p;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_append(struct buf *b, const void *bytes, size_t len)
{
	if (buf_reserve(b, len) == -1)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_puts(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int
buf_putc(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

static int
put_digits(struct buf *b, uint64_t v, bool minus)
{
	char text[24], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	if (minus)
		*--p = '-';
	return buf_append(b, p, (size_t)(text + sizeof(text) - p));
}

int
buf_put_uint(struct buf *b, uint64_t v)
{
	return put_digits(b, v, false);
}

int
buf_put_int(struct buf *b, int64_t v)
{
	return put_digits(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (b->failed)
		return fail(b, ENOBUFS);
	va_copy(again, ap);
	n = vsnprintf(b->data == NULL ? NULL : b->data + b->len, b->cap - b->len, fmt, again);
	va_end(again);
	if (n >= 0 && (size_t)n >= b->cap - b->len) {
		if (b->data != NULL)
			b->data[b->len] = '\0';
		if (buf_reserve(b, (size_t)n) == -1)
			return -1;
		n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	}
	if (n < 0 || (b->max != 0 && b->len + (size_t)n > b->max)) {
		if (b->data != NULL)
			b->data[b->len] = '\0';
		return fail(b, n < 0 ? errno : ENOBUFS);
	}
	b->len += (size_t)n;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

const char *
buf_text(const struct buf *b)
{
	return b->len == 0 ? "" : b->data;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

void
buf_reset(struct buf *b)
{
	b->failed = false;
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *
buf_take(struct buf *b, size_t *len)
{
	char *p = b->fixed ? NULL : b->data;

	if (len != NULL)
		*len = p == NULL ? 0 : b->len;
	if (!b->fixed) {
		b->data = NULL;
		b->cap = 0;
	}
	buf_reset(b);
	return p;
}

void
buf_free(struct buf *b)
{
	if (b != NULL)
		free(buf_take(b, NULL));
}
