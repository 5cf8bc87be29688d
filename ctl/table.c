/* SPDX-License-Identifier: ISC */
/* Tables. */
#include "ctl/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Cuts the cell at p off in place, quotes removed. Returns where the next begins; *end: what came
 * behind it, ',' '\n' or NUL. */
static char *
cut_cell(char *p, char **cell, char *end)
{
	char *to = p;

	*cell = p;
	if (*p == '"') {
		for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); *to++ = *p++)
			if (*p == '"')
				p++;
		if (*p == '"')
			p++;
	} else {
		while (*p != '\0' && *p != ',' && *p != '\n')
			p++;
		to = p;
	}
	*end = *p;
	*to = '\0';
	return *end == '\0' ? p : p + 1;
}

static int
add_cell(struct table *t, size_t *n, size_t *cap, char *cell)
{
	if (*n == *cap) {
		size_t more = *cap == 0 ? 256 : *cap * 2;
		char **v = realloc(t->cells, more * sizeof(*v));

		if (v == NULL)
			return -1;
		t->cells = v;
		*cap = more;
	}
	t->cells[(*n)++] = cell;
	return 0;
}

/* One line's cells; those beyond the first line's number are dropped, missing ones filled up. */
static int
cut_line(struct table *t, char **p, size_t *n, size_t *cap)
{
	static char nothing[] = "";
	size_t cols = 0;
	char end;

	do {
		char *cell;

		*p = cut_cell(*p, &cell, &end);
		/* The comma at a line's end makes no column. */
		if (end != ',' && *cell == '\0' && cols > 0)
			break;
		if ((t->n_cols == 0 || cols < t->n_cols) && add_cell(t, n, cap, cell) == -1)
			return -1;
		cols++;
	} while (end == ',');
	if (t->n_cols == 0)
		t->n_cols = cols;
	for (; cols < t->n_cols; cols++)
		if (add_cell(t, n, cap, nothing) == -1)
			return -1;
	return 0;
}

int
table_parse(struct table *t, const char *text)
{
	size_t n = 0, cap = 0;
	char *p;

	*t = (struct table){0};
	if (strncmp(text, "# ", 2) != 0 || strchr("\n", text[2]) != NULL) { /* the NUL counts */
		errno = EINVAL;
		return -1;
	}
	t->text = strdup(text + 2);
	for (p = t->text; p != NULL && *p != '\0' && *p != '\n';)
		if (cut_line(t, &p, &n, &cap) == -1)
			p = NULL;
	if (p == NULL) {
		table_free(t);
		errno = ENOMEM;
		return -1;
	}
	t->n_rows = n / t->n_cols - 1;
	return 0;
}

void
table_free(struct table *t)
{
	free(t->text);
	free(t->cells);
	*t = (struct table){0};
}

const char *
table_get(const struct table *t, size_t row, const char *column)
{
	for (size_t i = 0; i < t->n_cols; i++)
		if (strcmp(t->cells[i], column) == 0)
			return t->cells[(row + 1) * t->n_cols + i];
	return "";
}

int64_t
table_number(const struct table *t, size_t row, const char *column)
{
	return strtoll(table_get(t, row, column), NULL, 10);
}

static bool
is_number(const char *s)
{
	size_t len = strlen(s);

	if (len > 1 && s[0] == '-')
		return is_number(s + 1) && s[1] != '-';
	return len > 0 && len < 19 && strspn(s, "0123456789") == len && (s[0] != '0' || len == 1);
}

void
table_json(const struct table *t, struct json *j)
{
	json_array_begin(j);
	for (size_t r = 0; r < t->n_rows; r++) {
		json_object_begin(j);
		for (size_t i = 0; i < t->n_cols; i++) {
			const char *cell = t->cells[(r + 1) * t->n_cols + i];

			if (is_number(cell))
				json_field_int(j, t->cells[i], strtoll(cell, NULL, 10));
			else if (*cell != '\0')
				json_field_string(j, t->cells[i], cell);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

void
grid_init(struct grid *g, const char *const *heads, size_t n_cols)
{
	*g = (struct grid){.heads = heads, .n_cols = n_cols};
}

void
grid_add(struct grid *g, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len != -1 && g->n == g->cap) {
		g->cap = g->cap == 0 ? 64 : g->cap * 2;
		g->cells = realloc(g->cells, g->cap * sizeof(*g->cells));
	}
	if (len == -1 || g->cells == NULL) {
		fprintf(stderr, "vipctl: out of memory\n");
		exit(1);
	}
	g->cells[g->n++] = text;
}

static void
put_padded(struct buf *out, const char *text, size_t width, bool right, bool last)
{
	size_t len = strlen(text);
	int pad = len < width ? (int)(width - len) : 0;

	if (right)
		buf_printf(out, "%*s%s", pad, "", text);
	else
		buf_printf(out, "%s%*s", text, last ? 0 : pad, "");
}

static void
put_row(const struct grid *g, const char *const *cells, bool head, const size_t *width,
    const char *indent, struct buf *out)
{
	buf_puts(out, indent);
	for (size_t c = 0; c < g->n_cols; c++) {
		bool right = g->heads[c][0] == '>';

		if (c > 0)
			buf_puts(out, "  ");
		put_padded(out, cells[c] + (head && right), width[c], right, c + 1 == g->n_cols);
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		buf_truncate(out, out->len - 1);
	buf_putc(out, '\n');
}

void
grid_write(const struct grid *g, const char *indent, struct buf *out)
{
	size_t width[32] = {0};

	for (size_t c = 0; c < g->n_cols && c < 32; c++) {
		width[c] = strlen(g->heads[c]) - (g->heads[c][0] == '>');
		for (size_t i = c; i < g->n; i += g->n_cols)
			if (strlen(g->cells[i]) > width[c])
				width[c] = strlen(g->cells[i]);
	}
	put_row(g, g->heads, true, width, indent, out);
	for (size_t i = 0; i + g->n_cols <= g->n; i += g->n_cols)
		put_row(g, (const char *const *)g->cells + i, false, width, indent, out);
}

void
grid_free(struct grid *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct grid){0};
}
