/* SPDX-License-Identifier: ISC */
#include "lib/prom.h"

#include <string.h>

#include "lib/utf8.h"

void
prom_init(struct prom *p, struct buf *out)
{
	*p = (struct prom){.out = out};
}

void
prom_family(struct prom *p, const char *name, enum prom_type type, const char *help)
{
	bool same = p->name != NULL && strcmp(p->name, name) == 0;

	p->name = name;
	p->help = help;
	p->type = type;
	p->said = p->said && same;
}

/* How many bytes from here need no look: printable ASCII that stands for itself. */
static size_t
plain(const char *text, bool quotes)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] < 0x7f && text[n] != '\\' && !(quotes && text[n] == '"'))
		n++;
	return n;
}

static void
escape(struct buf *b, const char *text, bool quotes)
{
	for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
		n = plain(text, quotes);
		if (n == 0)
			n = utf8_len(text, len);
		if (n == 0) {
			buf_puts(b, UTF8_REPLACEMENT);
			n = 1;
		} else if (*text == '\n') {
			buf_puts(b, "\\n");
		} else if (*text == '\\' || (quotes && *text == '"')) {
			buf_putc(b, '\\');
			buf_putc(b, *text);
		} else {
			buf_append(b, text, n);
		}
	}
}

static void
sample(struct prom *p, const struct prom_label *labels, size_t n)
{
	char sep = '{';

	if (!p->said) {
		buf_printf(p->out, "# HELP %s ", p->name);
		escape(p->out, p->help, false);
		buf_printf(p->out, "\n# TYPE %s %s\n", p->name,
		    p->type == PROM_COUNTER ? "counter" : "gauge");
		p->said = true;
	}
	buf_puts(p->out, p->name);
	for (size_t i = 0; i < n; i++) {
		if (labels[i].value == NULL)
			continue;
		buf_putc(p->out, sep);
		buf_puts(p->out, labels[i].name);
		buf_append(p->out, "=\"", 2);
		escape(p->out, labels[i].value, true);
		buf_putc(p->out, '"');
		sep = ',';
	}
	if (sep == ',')
		buf_putc(p->out, '}');
}

void
prom_uint(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value)
{
	sample(p, labels, n);
	buf_putc(p->out, ' ');
	buf_put_uint(p->out, value);
	buf_putc(p->out, '\n');
}

void
prom_int(struct prom *p, const struct prom_label *labels, size_t n, int64_t value)
{
	sample(p, labels, n);
	buf_putc(p->out, ' ');
	buf_put_int(p->out, value);
	buf_putc(p->out, '\n');
}

void
prom_thousandths(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value)
{
	unsigned rest = (unsigned)(value % 1000);
	char fraction[5] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
	    (char)('0' + rest % 10), '\n'};
	size_t len = rest == 0 ? 0 : rest % 100 == 0 ? 2 : rest % 10 == 0 ? 3 : 4;

	sample(p, labels, n);
	buf_putc(p->out, ' ');
	buf_put_uint(p->out, value / 1000);
	buf_append(p->out, fraction, len);
	buf_putc(p->out, '\n');
}
