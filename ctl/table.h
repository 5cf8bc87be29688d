/* SPDX-License-Identifier: ISC */
/*
 * Tables of the control socket ("# name,name\nvalue,value\n"), read by the names of columns, and
 * written with aligned columns or as JSON. One table owns one copy of the text.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"

struct table {
	char *text;   /* cut into cells */
	char **cells; /* [(1 + n_rows) * n_cols]; the first row has the names */
	size_t n_cols;
	size_t n_rows;
};

/* Reads CSV with quotes; short rows are filled up with "". Returns 0, or -1 (EINVAL: no table,
 * ENOMEM). */
int table_parse(struct table *t, const char *text);
void table_free(struct table *t);

/* The cell, "" when there is no such column. row < n_rows. */
const char *table_get(const struct table *t, size_t row, const char *column);
/* The same as a number; 0 when it is none. */
int64_t table_number(const struct table *t, size_t row, const char *column);

/* An array of objects; cells that are whole numbers become numbers, empty ones are left out. */
void table_json(const struct table *t, struct json *j);

/*
 * Rows of text in columns as wide as their widest cell: a grid takes cells in order, row by row;
 * columns whose heading begins with '>' are set to the right.
 */
struct grid {
	size_t n_cols;
	const char *const *heads;
	char **cells;
	size_t n;
	size_t cap;
};

void grid_init(struct grid *g, const char *const *heads, size_t n_cols);
/* A copy of printf's text. Leaves the program when there is no memory. */
void grid_add(struct grid *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void grid_write(const struct grid *g, const char *indent, struct buf *out);
void grid_free(struct grid *g);

#endif
