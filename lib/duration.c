/* SPDX-License-Identifier: ISC */
#include "lib/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	const char *also;
	int64_t factor;
};

/* From the greatest; the format functions take the first that divides. */
static const struct unit time_units[] = {
    {"d", "d", INT64_C(86400000000)},
    {"h", "h", INT64_C(3600000000)},
    {"m", "m", 60000000},
    {"s", "s", 1000000},
    {"ms", "ms", 1000},
    {"us", "us", 1},
    {NULL, NULL, 0},
};

static const struct unit size_units[] = {
    {"g", "G", 1 << 30},
    {"m", "M", 1 << 20},
    {"k", "K", 1 << 10},
    {"b", "B", 1},
    {NULL, NULL, 0},
};

static enum duration_result
parse(const char *text, const struct unit *units, int64_t max, int64_t *out)
{
	const char *p = text;
	int64_t v = 0;

	if (*p == '\0')
		return DURATION_EMPTY;
	if (*p == '-')
		return DURATION_NEGATIVE;
	if (*p < '0' || *p > '9')
		return DURATION_NO_NUMBER;
	for (; *p >= '0' && *p <= '9'; p++) {
		int digit = *p - '0';

		if (v > (max - digit) / 10)
			return DURATION_TOO_BIG;
		v = v * 10 + digit;
	}
	if (*p == '.' || *p == ',')
		return DURATION_NO_NUMBER;
	if (*p == '\0' && v != 0)
		return DURATION_NO_UNIT;
	if (*p == '\0') {
		*out = 0;
		return DURATION_OK;
	}
	while (units->name != NULL && strcmp(p, units->name) != 0 && strcmp(p, units->also) != 0)
		units++;
	if (units->name == NULL)
		return DURATION_UNKNOWN_UNIT;
	if (v > max / units->factor)
		return DURATION_TOO_BIG;
	*out = v * units->factor;
	return DURATION_OK;
}

enum duration_result
duration_parse_us(const char *text, int64_t *out)
{
	return parse(text, time_units, INT64_MAX / 1000, out);
}

enum duration_result
duration_parse_ms(const char *text, int64_t *out)
{
	int64_t us;
	enum duration_result r = duration_parse_us(text, &us);

	if (r != DURATION_OK)
		return r;
	if (us % 1000 != 0)
		return DURATION_TOO_FINE;
	*out = us / 1000;
	return DURATION_OK;
}

enum duration_result
size_parse(const char *text, int64_t *out)
{
	return parse(text, size_units, INT64_MAX, out);
}

static const char *
result_text(enum duration_result r, const char *no_unit, const char *unknown)
{
	switch (r) {
	case DURATION_OK:
		return "is right";
	case DURATION_EMPTY:
		return "is empty";
	case DURATION_NO_NUMBER:
		return "is not a whole number with a unit";
	case DURATION_NO_UNIT:
		return no_unit;
	case DURATION_UNKNOWN_UNIT:
		return unknown;
	case DURATION_NEGATIVE:
		return "is negative";
	case DURATION_TOO_BIG:
		return "is too big";
	case DURATION_TOO_FINE:
		return "is finer than a millisecond";
	}
	return "is wrong";
}

const char *
duration_result_text(enum duration_result r)
{
	return result_text(
	    r, "has no unit (us, ms, s, m, h, d)", "does not end in one unit (us, ms, s, m, h, d)");
}

const char *
size_result_text(enum duration_result r)
{
	return result_text(r, "has no unit (b, k, m, g)", "does not end in one unit (b, k, m, g)");
}

static const char *
format(int64_t v, const struct unit *u, char *buf, size_t size)
{
	while (v % u->factor != 0)
		u++;
	if (v == 0)
		snprintf(buf, size, "0");
	else
		snprintf(buf, size, "%" PRId64 "%s", v / u->factor, u->name);
	return buf;
}

const char *
duration_format_us(int64_t us, char *buf, size_t size)
{
	return format(us, time_units, buf, size);
}

const char *
duration_format_ms(int64_t ms, char *buf, size_t size)
{
	if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000) {
		snprintf(buf, size, "%" PRId64 "ms", ms);
		return buf;
	}
	return duration_format_us(ms * 1000, buf, size);
}

const char *
size_format(int64_t bytes, char *buf, size_t size)
{
	return format(bytes, size_units, buf, size);
}
