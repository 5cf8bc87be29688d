/* SPDX-License-Identifier: ISC */
/* Values of the simple kinds: from libconfig's types, with messages that say what to write. */
#include "conf/read.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/words.h"
#include "lib/duration.h"

const char *
rd_type(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(s) ? "true" : "false";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_FLOAT:
		return "a number with a point";
	default:
		return "a number";
	}
}

static bool
is_int(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ||
	       config_setting_type(s) == CONFIG_TYPE_INT64;
}

static int64_t
int_of(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ? config_setting_get_int(s)
							 : config_setting_get_int64(s);
}

const char *
rd_string(struct reader *r, const config_setting_t *s, const char *expected)
{
	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		rd_error(r, s, "%s where %s in quotes should stand", rd_type(s), expected);
		return NULL;
	}
	return arena_strdup(r->arena, config_setting_get_string(s));
}

static void
list_words(char *buf, size_t size, const char *const *words)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; words[i] != NULL && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s\"%s\"",
		    i == 0                 ? ""
		    : words[i + 1] == NULL ? " or "
					   : ", ",
		    words[i]);
}

static int
word_index(struct reader *r, const config_setting_t *s, const char *const *words)
{
	char all[400];
	const char *v, *near = NULL;
	unsigned best = UINT_MAX;

	list_words(all, sizeof(all), words);
	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		rd_error(r, s, "%s where a word should stand: %s", rd_type(s), all);
		return -1;
	}
	v = config_setting_get_string(s);
	for (int i = 0; words[i] != NULL; i++) {
		if (words_equal(v, words[i]))
			return i;
		if (words_near(v, words[i], &best))
			near = words[i];
	}
	if (near != NULL)
		rd_error(r, s, "\"%s\" is unknown; do you mean \"%s\"? Possible: %s", v, near, all);
	else
		rd_error(r, s, "\"%s\" is unknown; possible: %s", v, all);
	return -1;
}

static int
value_bool(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t *out)
{
	static const char *const yes[] = {"true", "yes", "on", "1", NULL};
	const char *v;
	int i;

	if (config_setting_type(s) == CONFIG_TYPE_BOOL) {
		*out = config_setting_get_bool(s);
		return 0;
	}
	if (config_setting_type(s) == CONFIG_TYPE_STRING && k->words != NULL) {
		if ((i = word_index(r, s, k->words)) == -1)
			return -1;
		*out = i;
		return 0;
	}
	if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		v = config_setting_get_string(s);
		for (i = 0; yes[i] != NULL && strcasecmp(v, yes[i]) != 0; i++)
			;
		rd_error(r, s, "\"%s\": write %s, without quotes", v,
		    yes[i] != NULL ? "true" : "true or false");
	} else if (is_int(s)) {
		rd_error(
		    r, s, "%" PRId64 ": write %s", int_of(s), int_of(s) != 0 ? "true" : "false");
	} else {
		rd_error(r, s, "%s where true or false should stand", rd_type(s));
	}
	return -1;
}

static int
in_range(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t v)
{
	bool dflt = v == k->dflt && k->dflt_of == NULL && (k->flags & F_REQUIRED) == 0;

	if ((v >= k->min && v <= k->max) || dflt)
		return 0;
	rd_error(r, s, "%" PRId64 " is out of range: %" PRId64 " to %" PRId64, v, k->min, k->max);
	return -1;
}

static int
value_int(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t *out)
{
	if (is_int(s)) {
		*out = int_of(s);
		return in_range(r, k, s, *out);
	}
	if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		const char *v = config_setting_get_string(s);

		if (*v != '\0' && strspn(v, "0123456789") == strlen(v))
			rd_error(r, s, "\"%s\": write the number without quotes, %s", v, v);
		else
			rd_error(r, s, "\"%s\": a whole number from %" PRId64 " to %" PRId64, v,
			    k->min, k->max);
	} else {
		rd_error(r, s,
		    "%s where a whole number from %" PRId64 " to %" PRId64 " should stand",
		    rd_type(s), k->min, k->max);
	}
	return -1;
}

/* A bare number where a duration belongs: HAProxy means ms, keepalived seconds. */
static void
suggest_unit(struct reader *r, const struct conf_key *k, const config_setting_t *s)
{
	char ms[DURATION_TEXT];
	int64_t v;

	if (!is_int(s)) {
		rd_error(r, s, "%s where a duration should stand, such as \"5s\" or \"250ms\"",
		    rd_type(s));
		return;
	}
	v = int_of(s);
	if (v < 0 || v > INT64_MAX / 1000000)
		rd_error(r, s, "%" PRId64 ": a duration such as \"5s\" or \"250ms\"", v);
	else if (k->kind == K_SECONDS || v < 1000 || v % 1000 != 0)
		rd_error(r, s,
		    "%" PRId64 ": a duration needs a unit: write \"%" PRId64 "ms\" or "
		    "\"%" PRId64 "s\"",
		    v, v, v);
	else
		rd_error(r, s,
		    "%" PRId64 ": a duration needs a unit: write \"%" PRId64 "ms\" or \"%s\"", v, v,
		    duration_format_ms(v, ms, sizeof(ms)));
}

static int
value_duration(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t *out)
{
	char a[DURATION_TEXT], b[DURATION_TEXT];
	int64_t unit = k->kind == K_SECONDS ? 1000 : 1;
	enum duration_result res;
	const char *v;

	if (is_int(s) && int_of(s) == 0) {
		*out = 0;
	} else if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		v = config_setting_get_string(s);
		res = duration_parse_ms(v, out);
		if (res == DURATION_NO_UNIT) {
			rd_error(
			    r, s, "\"%s\": a duration needs a unit: \"%sms\" or \"%ss\"", v, v, v);
			return -1;
		}
		if (res != DURATION_OK) {
			rd_error(r, s, "\"%s\" %s", v, duration_result_text(res));
			return -1;
		}
	} else {
		suggest_unit(r, k, s);
		return -1;
	}
	if (*out % unit != 0) {
		rd_error(r, s, "whole seconds only");
		return -1;
	}
	*out /= unit;
	if ((*out >= k->min && *out <= k->max) || (*out == k->dflt && k->dflt_of == NULL))
		return 0;
	rd_error(r, s, "out of range: %s to %s", duration_format_ms(k->min * unit, a, sizeof(a)),
	    duration_format_ms(k->max * unit, b, sizeof(b)));
	return -1;
}

static int
value_mode(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t *out)
{
	const char *v = rd_string(r, s, "a file mode such as \"0660\"");

	if (v == NULL)
		return -1;
	if (*v == '\0' || strlen(v) > 5 || strspn(v, "01234567") != strlen(v)) {
		rd_error(r, s, "\"%s\": a file mode is octal, such as \"0660\"", v);
		return -1;
	}
	*out = (int64_t)strtoul(v, NULL, 8);
	if (*out > k->max) {
		rd_error(r, s, "\"%s\": at most \"%04o\"", v, (unsigned)k->max);
		return -1;
	}
	return 0;
}

static const char *
value_string(struct reader *r, const struct conf_key *k, const config_setting_t *s)
{
	const char *v, *why;
	int i;

	if (k->words != NULL) {
		i = word_index(r, s, k->words);
		return i == -1 ? NULL : k->words[i];
	}
	v = rd_string(r, s, "a string");
	if (v == NULL)
		return NULL;
	if (k->check != NULL && k->check(v, &why) == -1) {
		if ((k->flags & F_SECRET) != 0)
			rd_error(r, s, "%s", why);
		else
			rd_error(r, s, "\"%s\": %s", v, why);
		return NULL;
	}
	if (*v == '\0') {
		rd_error(r, s, "the string is empty");
		return NULL;
	}
	return v;
}

size_t
rd_count(const config_setting_t *s)
{
	int type = config_setting_type(s);

	if (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST)
		return (size_t)config_setting_length(s);
	return 1;
}

const config_setting_t *
rd_elem(const config_setting_t *s, size_t i)
{
	int type = config_setting_type(s);

	if (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST)
		return config_setting_get_elem(s, (unsigned)i);
	return s;
}

static int
value_strings(
    struct reader *r, const struct conf_key *k, const config_setting_t *s, struct conf_strings *out)
{
	out->n = 0;
	out->v = NULL;
	for (size_t i = 0; i < rd_count(s); i++) {
		const char *v = value_string(r, k, rd_elem(s, i));

		if (v == NULL)
			return -1;
		out->v = arena_grow(r->arena, out->v, out->n, sizeof(*out->v));
		out->v[out->n++] = v;
	}
	return 0;
}

/* The master looks who may read that file. */
static void
note_secret(struct reader *r, const config_setting_t *s)
{
	struct conf *c = r->conf;
	struct conf_where w = rd_where(r, s);

	for (size_t i = 0; i < c->n_secrets; i++)
		if (strcmp(c->secrets[i].file, w.file) == 0)
			return;
	c->secrets = arena_grow(r->arena, c->secrets, c->n_secrets, sizeof(*c->secrets));
	c->secrets[c->n_secrets++] = w;
}

int
rd_value(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	int64_t v = 0;
	const char *str;
	int rc;

	if ((k->flags & F_SECRET) != 0 && !r->canonical)
		note_secret(r, s);
	switch (k->kind) {
	case K_BOOL:
		rc = value_bool(r, k, s, &v);
		break;
	case K_ENUM:
		rc = (int)(v = word_index(r, s, k->words)) == -1 ? -1 : 0;
		break;
	case K_MS:
	case K_SECONDS:
		rc = value_duration(r, k, s, &v);
		break;
	case K_FILEMODE:
		rc = value_mode(r, k, s, &v);
		break;
	case K_STRING:
		if ((str = value_string(r, k, s)) == NULL)
			return -1;
		*key_string(k, obj) = str;
		return 0;
	case K_STRINGS:
		return value_strings(
		    r, k, s, (struct conf_strings *)(void *)((char *)obj + k->offset));
	default:
		rc = value_int(r, k, s, &v);
	}
	if (rc == 0)
		key_set(k, obj, v);
	return rc;
}
