/* SPDX-License-Identifier: ISC */
/* Lines of statistics: how they are written. CSV, typed text and JSON as HAProxy's management guide
 * (9.1, 9.2) describes them, so that its tools read them. */
#include <inttypes.h>

#include "lib/csv.h"
#include "worker/statrow.h"

struct column {
	const char *name;
	const char *tags;
	enum stat_value type;
	const char *text;
};

#define COLUMN(id, name, tags, type, text) [STAT_##id] = {name, tags, STAT_##type, text},
static const struct column columns[STAT_N] = {STAT_COLUMNS(COLUMN)};
#undef COLUMN

static const char *const type_words[] = {"str", "u32", "s32", "u64"};
static const char *const object_words[] = {"Frontend", "Backend", "Server"};

const char *
stat_column_name(enum stat_column c)
{
	return columns[c].name;
}

const char *
stat_column_text(enum stat_column c)
{
	return columns[c].text;
}

void
stat_csv_head(struct buf *out)
{
	buf_puts(out, "# ");
	for (unsigned i = 0; i < STAT_N; i++) {
		buf_puts(out, columns[i].name);
		buf_putc(out, ',');
	}
	buf_putc(out, '\n');
}

void
stat_csv_row(struct buf *out, const struct stat_row *row)
{
	struct csv csv;

	csv_init(&csv, out);
	for (unsigned i = 0; i < STAT_N; i++) {
		const struct stat_cell *c = &row->cell[i];

		if (!c->set || columns[i].type == STAT_STR)
			csv_text(&csv, c->set ? c->s : NULL);
		else if (columns[i].type == STAT_S32)
			csv_int(&csv, (int64_t)c->n);
		else
			csv_uint(&csv, c->n);
	}
	csv_text(&csv, NULL); /* HAProxy's lines end with a comma */
	csv_end(&csv);
}

/* The words behind the letters of a column's tags. */
static const char *
origin_word(char c)
{
	switch (c) {
	case 'M':
		return "Metric";
	case 'S':
		return "Status";
	case 'K':
		return "Key";
	case 'C':
		return "Config";
	default:
		return "Product";
	}
}

static const char *
nature_word(char c)
{
	static const struct {
		char c;
		const char *word;
	} words[] = {{'A', "Age"}, {'a', "Avg"}, {'C', "Counter"}, {'D', "Duration"},
	    {'G', "Gauge"}, {'L', "Limit"}, {'M', "Max"}, {'m', "Min"}, {'N', "Name"},
	    {'R', "Rate"}, {'T', "Time"}, {'K', "Key"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].c == c)
			return words[i].word;
	return "Output";
}

void
stat_json_field(struct json *j, unsigned pos, const char *name, const char *tags,
    enum stat_value type, uint64_t n, const char *s)
{
	json_key(j, "field");
	json_object_begin(j);
	json_field_uint(j, "pos", pos);
	json_field_string(j, "name", name);
	json_object_end(j);
	json_field_uint(j, "processNum", 1);
	json_key(j, "tags");
	json_object_begin(j);
	json_field_string(j, "origin", origin_word(tags[0]));
	json_field_string(j, "nature", nature_word(tags[1]));
	json_field_string(j, "scope", tags[2] == 'S' ? "Service" : "Process");
	json_object_end(j);
	json_key(j, "value");
	json_object_begin(j);
	json_field_string(j, "type", type_words[type]);
	if (type == STAT_STR)
		json_field_string(j, "value", s);
	else if (type == STAT_S32)
		json_field_int(j, "value", (int64_t)n);
	else
		json_field_uint(j, "value", n);
	json_object_end(j);
}

void
stat_typed_field(struct buf *out, const char *name, const char *tags, enum stat_value type,
    uint64_t n, const char *s)
{
	buf_printf(out, "%s.1:%s:%s:", name, tags, type_words[type]);
	if (type == STAT_STR)
		buf_puts(out, s);
	else if (type == STAT_S32)
		buf_printf(out, "%" PRId64, (int64_t)n);
	else
		buf_printf(out, "%" PRIu64, n);
}

void
stat_typed_row(struct buf *out, const struct stat_row *row, bool desc)
{
	for (unsigned i = 0; i < STAT_N; i++) {
		const struct stat_cell *c = &row->cell[i];

		if (!c->set)
			continue;
		buf_printf(out, "%c.%" PRIu32 ".%" PRIu32 ".%u.", "FBS"[row->type], row -> iid,
		    row -> sid, i);
		stat_typed_field(
		    out, columns[i].name, columns[i].tags, columns[i].type, c->n, c->s);
		if (desc)
			buf_printf(out, ":\"%s\"", columns[i].text);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
}

void
stat_json_object(struct buf *out, const struct stat_row *row)
{
	struct json j;

	json_init(&j, out, false);
	json_object_begin(&j);
	for (unsigned i = 0; i < STAT_N; i++) {
		const struct stat_cell *c = &row->cell[i];

		if (!c->set)
			continue;
		if (columns[i].type == STAT_STR)
			json_field_string(&j, columns[i].name, c->s);
		else if (columns[i].type == STAT_S32)
			json_field_int(&j, columns[i].name, (int64_t)c->n);
		else
			json_field_uint(&j, columns[i].name, c->n);
	}
	json_object_end(&j);
}

void
stat_json_row(struct buf *out, const struct stat_row *row)
{
	struct json j;

	json_init(&j, out, false);
	json_array_begin(&j);
	for (unsigned i = 0; i < STAT_N; i++) {
		const struct stat_cell *c = &row->cell[i];

		if (!c->set)
			continue;
		json_object_begin(&j);
		json_field_string(&j, "objType", object_words[row->type]);
		json_field_uint(&j, "proxyId", row->iid);
		json_field_uint(&j, "id", row->sid);
		stat_json_field(
		    &j, i, columns[i].name, columns[i].tags, columns[i].type, c->n, c->s);
		json_object_end(&j);
	}
	json_array_end(&j);
}
