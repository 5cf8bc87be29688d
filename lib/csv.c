/* SPDX-License-Identifier: ISC */
#include "lib/csv.h"

#include <inttypes.h>
#include <string.h>

void
csv_init(struct csv *c, struct buf *out)
{
	*c = (struct csv){.out = out};
}

static void
comma(struct csv *c)
{
	if (c->some)
		buf_putc(c->out, ',');
	c->some = true;
}

void
csv_text(struct csv *c, const char *text)
{
	comma(c);
	if (text == NULL)
		return;
	if (strpbrk(text, ",\"\r\n") == NULL) {
		buf_puts(c->out, text);
		return;
	}
	buf_putc(c->out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_putc(c->out, '"');
		buf_putc(c->out, *text);
	}
	buf_putc(c->out, '"');
}

void
csv_int(struct csv *c, int64_t v)
{
	comma(c);
	buf_printf(c->out, "%" PRId64, v);
}

void
csv_uint(struct csv *c, uint64_t v)
{
	comma(c);
	buf_printf(c->out, "%" PRIu64, v);
}

void
csv_end(struct csv *c)
{
	buf_putc(c->out, '\n');
	c->some = false;
}
