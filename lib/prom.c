/* SPDX-License-Identifier: ISC */
#include "lib/prom.h"

#include <inttypes.h>
#include <math.h>
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

static void
escape(struct buf *b, const char *text, bool quotes)
{
	for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
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
		buf_printf(p->out, "%c%s=\"", sep, labels[i].name);
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
	buf_printf(p->out, " %" PRIu64 "\n", value);
}

void
prom_int(struct prom *p, const struct prom_label *labels, size_t n, int64_t value)
{
	sample(p, labels, n);
	buf_printf(p->out, " %" PRId64 "\n", value);
}

void
prom_double(struct prom *p, const struct prom_label *labels, size_t n, double value)
{
	sample(p, labels, n);
	if (isnan(value))
		buf_puts(p->out, " NaN\n");
	else if (isinf(value))
		buf_puts(p->out, value > 0 ? " +Inf\n" : " -Inf\n");
	else
		buf_printf(p->out, " %.15g\n", value);
}
