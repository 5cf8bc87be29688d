/* SPDX-License-Identifier: ISC */
#include "lib/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

void
json_init(struct json *j, struct buf *out, bool indent)
{
	*j = (struct json){.out = out, .indent = indent};
	/* The outermost level takes one value, as an array would. */
	j->array[0] = true;
}

int
json_finish(const struct json *j)
{
	return j->depth == 0 && !j->after_key && j->some[0] && !j->out->failed ? 0 : -1;
}

static void
line_break(struct json *j)
{
	if (!j->indent)
		return;
	buf_putc(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_putc(j->out, '\t');
}

/* Before each key and each element: comma and line. */
static void
element(struct json *j)
{
	if (j->some[j->depth] && j->depth == 0) {
		j->out->failed = true;
		return;
	}
	if (j->some[j->depth])
		buf_putc(j->out, ',');
	j->some[j->depth] = true;
	if (j->depth > 0)
		line_break(j);
}

/* Before each value. */
static void
value(struct json *j)
{
	if (j->after_key)
		j->after_key = false;
	else if (j->array[j->depth])
		element(j);
	else
		j->out->failed = true;
}

static void
begin(struct json *j, bool array)
{
	value(j);
	if (j->depth + 1 >= JSON_DEPTH_MAX) {
		j->out->failed = true;
		return;
	}
	buf_putc(j->out, array ? '[' : '{');
	j->depth++;
	j->array[j->depth] = array;
	j->some[j->depth] = false;
}

static void
end(struct json *j, bool array)
{
	bool some = j->some[j->depth];

	if (j->depth == 0 || j->array[j->depth] != array || j->after_key) {
		j->out->failed = true;
		return;
	}
	j->depth--;
	if (some)
		line_break(j);
	buf_putc(j->out, array ? ']' : '}');
}

void
json_object_begin(struct json *j)
{
	begin(j, false);
}

void
json_object_end(struct json *j)
{
	end(j, false);
}

void
json_array_begin(struct json *j)
{
	begin(j, true);
}

void
json_array_end(struct json *j)
{
	end(j, true);
}

/* One character of n bytes (0: not UTF-8) from s. */
static void
escape(struct buf *b, const char *s, size_t n)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *p;

	if (n == 0) {
		buf_puts(b, UTF8_REPLACEMENT);
	} else if (n == 1 && *s != '\0' && (p = strchr(from, *s)) != NULL) {
		buf_putc(b, '\\');
		buf_putc(b, to[p - from]);
	} else if (n == 1 && (unsigned char)*s < 0x20) {
		buf_printf(b, "\\u%04x", (unsigned char)*s);
	} else {
		buf_append(b, s, n);
	}
}

static void
quoted(struct buf *b, const char *text, size_t len)
{
	buf_putc(b, '"');
	for (size_t i = 0, plain; i < len;) {
		size_t n;

		/* Runs that need no care go at once. */
		for (plain = i; plain < len && text[plain] >= 0x20 && text[plain] != '"' &&
				text[plain] != '\\' && (unsigned char)text[plain] < 0x80;)
			plain++;
		buf_append(b, text + i, plain - i);
		i = plain;
		if (i == len)
			break;
		n = utf8_len(text + i, len - i);
		escape(b, text + i, n);
		i += n == 0 ? 1 : n;
	}
	buf_putc(b, '"');
}

void
json_key(struct json *j, const char *key)
{
	if (j->array[j->depth] || j->after_key) {
		j->out->failed = true;
		return;
	}
	element(j);
	quoted(j->out, key, strlen(key));
	buf_puts(j->out, j->indent ? ": " : ":");
	j->after_key = true;
}

void
json_string_n(struct json *j, const char *text, size_t len)
{
	value(j);
	quoted(j->out, text, len);
}

void
json_string(struct json *j, const char *text)
{
	if (text == NULL)
		json_null(j);
	else
		json_string_n(j, text, strlen(text));
}

void
json_int(struct json *j, int64_t v)
{
	value(j);
	buf_put_int(j->out, v);
}

void
json_uint(struct json *j, uint64_t v)
{
	value(j);
	buf_put_uint(j->out, v);
}

void
json_double(struct json *j, double v)
{
	char text[40];

	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	value(j);
	buf_puts(j->out, text);
}

void
json_bool(struct json *j, bool v)
{
	value(j);
	buf_puts(j->out, v ? "true" : "false");
}

void
json_null(struct json *j)
{
	value(j);
	buf_puts(j->out, "null");
}

void
json_field_string(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_string(j, text);
}

void
json_field_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

void
json_field_uint(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_uint(j, v);
}

void
json_field_double(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_double(j, v);
}

void
json_field_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}
