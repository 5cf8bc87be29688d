/* SPDX-License-Identifier: ISC */
/*
 * Writes JSON (RFC 8259) into a buffer; it sets the commas. Wrong nesting is a fault of the
 * program and shows as a failed buffer.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define JSON_DEPTH_MAX 32

struct json {
	struct buf *out;
	bool indent; /* a line per element, tabs; false: no white space */
	bool after_key;
	uint8_t depth;
	bool array[JSON_DEPTH_MAX];
	bool some[JSON_DEPTH_MAX]; /* an element has been written */
};

/* Writes behind what out already holds. */
void json_init(struct json *, struct buf *out, bool indent);
/* 0 if everything has been closed and nothing failed, else -1. */
int json_finish(const struct json *);

void json_object_begin(struct json *);
void json_object_end(struct json *);
void json_array_begin(struct json *);
void json_array_end(struct json *);
void json_key(struct json *, const char *key);

/* Bytes that are not UTF-8 become U+FFFD. NULL is written as null. */
void json_string(struct json *, const char *text);
void json_string_n(struct json *, const char *text, size_t len);
void json_int(struct json *, int64_t);
void json_uint(struct json *, uint64_t);
/* The shortest form that reads back as the same number; not finite: null. */
void json_double(struct json *, double);
void json_bool(struct json *, bool);
void json_null(struct json *);

/* Key and value. */
void json_field_string(struct json *, const char *key, const char *text);
void json_field_int(struct json *, const char *key, int64_t);
void json_field_uint(struct json *, const char *key, uint64_t);
void json_field_double(struct json *, const char *key, double);
void json_field_bool(struct json *, const char *key, bool);

#endif
