/* SPDX-License-Identifier: ISC */
/*
 * Durations and sizes as the configuration writes them: a whole number and one unit, "50s", "16k".
 */
#ifndef LIB_DURATION_H
#define LIB_DURATION_H

#include <stddef.h>
#include <stdint.h>

enum duration_result {
	DURATION_OK = 0,
	DURATION_EMPTY,
	DURATION_NO_NUMBER,    /* does not begin with a digit, or a fraction */
	DURATION_NO_UNIT,      /* a bare number other than 0 */
	DURATION_UNKNOWN_UNIT, /* also more than one, "1h30m" */
	DURATION_NEGATIVE,
	DURATION_TOO_BIG,
	DURATION_TOO_FINE /* duration_parse_ms: not a whole number of milliseconds */
};

#define DURATION_TEXT 32 /* room for the longest answer of the format functions */

/*
 * Units us, ms, s, m, h, d; "0" needs none. *out is set only by DURATION_OK. A duration's greatest
 * value is INT64_MAX / 1000 microseconds, so that it fits struct mono.
 */
enum duration_result duration_parse_us(const char *text, int64_t *out);
enum duration_result duration_parse_ms(const char *text, int64_t *out);
/* Bytes with b, k, m, g (1024 each, also in capitals). */
enum duration_result size_parse(const char *text, int64_t *out);

/* A reason for people: "has no unit (us, ms, s, m, h, d)"; it follows the value in a message. */
const char *duration_result_text(enum duration_result);
const char *size_result_text(enum duration_result);

/* The greatest unit that is exact: 90000 ms is "90s", 3600000 ms "1h", 0 "0". Returns buf. */
const char *duration_format_us(int64_t us, char *buf, size_t size);
const char *duration_format_ms(int64_t ms, char *buf, size_t size);
const char *size_format(int64_t bytes, char *buf, size_t size);

#endif
