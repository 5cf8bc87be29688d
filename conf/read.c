/* SPDX-License-Identifier: ISC */
/*
 * Reads groups of settings by the table: which keys there are, what their values look like, and
 * what to say when they do not. What the objects mean together is in conf.c and check.c.
 */
#include "conf/read.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/words.h"
#include "lib/duration.h"

#define NAME_MAX_LEN 63 /* bytes; the shared segment's names have 64 with NUL */

/* ---- messages ---------------------------------------------------------------------------------
 */

static void
complain(struct reader *r, enum conf_severity severity, unsigned line, const char *fmt, va_list ap)
{
	char text[700];
	struct reader_msg *m;

	if (r->mute || (severity == CONF_WARNING && r->canonical))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	r->msgs = arena_grow(r->arena, r->msgs, r->n_msgs, sizeof(*r->msgs));
	m = &r->msgs[r->n_msgs++];
	m->line = line;
	m->severity = severity;
	m->text = r->path[0] != '\0' ? arena_printf(r->arena, "%s: %s", r->path, text)
				     : arena_strdup(r->arena, text);
}

void
rd_error(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(r, CONF_ERROR, rd_line(s), fmt, ap);
	va_end(ap);
}

void
rd_warn(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(r, CONF_WARNING, rd_line(s), fmt, ap);
	va_end(ap);
}

void
rd_complain(struct reader *r, enum conf_severity severity, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(r, severity, line, fmt, ap);
	va_end(ap);
}

void
rd_at(struct reader *r, enum conf_severity severity, struct conf_where where, const char *fmt, ...)
{
	unsigned line = 0;
	va_list ap;

	for (size_t i = 0; i < r->src.n_lines && line == 0; i++)
		if (r->src.lines[i].line == where.line && r->src.lines[i].file == where.file)
			line = (unsigned)i + 1;
	va_start(ap, fmt);
	complain(r, severity, line, fmt, ap);
	va_end(ap);
}

size_t
rd_push(struct reader *r, const char *name)
{
	size_t n = strlen(r->path);

	snprintf(r->path + n, sizeof(r->path) - n, "%s%s", n > 0 ? "." : "", name);
	return n;
}

void
rd_pop(struct reader *r, size_t mark)
{
	r->path[mark] = '\0';
}

unsigned
rd_line(const config_setting_t *s)
{
	return s != NULL ? (unsigned)config_setting_source_line(s) : 0;
}

struct conf_where
rd_where(const struct reader *r, const config_setting_t *s)
{
	return source_where(&r->src, rd_line(s));
}

const char *
rd_name(const config_setting_t *s)
{
	return config_setting_name(s) != NULL ? config_setting_name(s) : "";
}

/* ---- values -----------------------------------------------------------------------------------
 */

static const char *
type_name(const config_setting_t *s)
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
		rd_error(r, s, "%s where %s in quotes should stand", type_name(s), expected);
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
		rd_error(r, s, "%s where a word should stand: %s", type_name(s), all);
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
		rd_error(r, s, "%s where true or false should stand", type_name(s));
	}
	return -1;
}

static int
in_range(struct reader *r, const struct conf_key *k, const config_setting_t *s, int64_t v)
{
	if ((v >= k->min && v <= k->max) || (v == k->dflt && k->dflt_of == NULL))
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
		    type_name(s), k->min, k->max);
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
		    type_name(s));
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

int
rd_value(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	int64_t v = 0;
	const char *str;
	int rc;

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

/* ---- groups -----------------------------------------------------------------------------------
 */

/* In which other scope does the key exist? */
static const struct conf_scope *
scope_with(const char *name)
{
	for (size_t i = 0; conf_scopes[i] != NULL; i++)
		if (scope_find(conf_scopes[i], "", name) != NULL)
			return conf_scopes[i];
	return NULL;
}

static void
unknown_key(
    struct reader *r, const struct conf_scope *scope, const char *prefix, const config_setting_t *s)
{
	const char *name = rd_name(s), *near = NULL;
	const struct conf_scope *other;
	unsigned best = UINT_MAX;
	size_t n = strlen(prefix);

	for (size_t i = 0; i < scope->n; i++) {
		const char *k = scope->keys[i].name;

		if (strncmp(k, prefix, n) == 0 && (scope->keys[i].flags & F_RESOLVED) == 0 &&
		    words_near(name, k + n, &best))
			near = k + n;
	}
	other = scope_with(name);
	if (near != NULL)
		rd_error(r, s, "unknown key; do you mean \"%s\"?", near);
	else if (other != NULL && other != scope)
		rd_error(r, s, "unknown key here; it is a setting of %s", other->name);
	else
		rd_error(r, s, "unknown key");
}

/* Two spellings of one key in a group ("log-tag", "log_tag"); libconfig finds equal ones. */
static void
check_spellings(struct reader *r, const config_setting_t *g, size_t i)
{
	const config_setting_t *s = config_setting_get_elem(g, (unsigned)i);

	for (size_t j = 0; j < i; j++) {
		const config_setting_t *t = config_setting_get_elem(g, (unsigned)j);

		if (words_equal(rd_name(s), rd_name(t)))
			rd_error(r, s, "the same key as \"%s\" in line %u, spelt otherwise",
			    rd_name(t), rd_where(r, t).line);
	}
}

static void
read_key(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	bool in_defaults = r->in_defaults;

	if (in_defaults && (k->flags & F_DEFAULTS) == 0)
		return;
	if ((k->flags & r->forbid) != 0) {
		rd_error(r, s, "cannot stand in %s", r->here);
		return;
	}
	r->in_defaults = false;
	if (k->kind == K_CUSTOM)
		k->read(r, k, obj, s);
	else if (k->kind == K_GROUP)
		rd_group(r, k->scope, (char *)obj + k->offset, s);
	else
		rd_value(r, k, obj, s);
	r->in_defaults = in_defaults;
}

static void
read_members(struct reader *r, const struct conf_scope *scope, const char *prefix, void *obj,
    const config_setting_t *g)
{
	for (size_t i = 0; i < (size_t)config_setting_length(g); i++) {
		const config_setting_t *s = config_setting_get_elem(g, (unsigned)i);
		const char *name = rd_name(s);
		const struct conf_key *k = scope_find(scope, prefix, name);
		size_t mark = rd_push(r, name);
		char deeper[64];

		if (g == r->named && strcmp(name, "name") == 0) {
			rd_pop(r, mark);
			continue;
		}
		check_spellings(r, g, i);
		snprintf(deeper, sizeof(deeper), "%s%s.", prefix, name);
		for (char *c = deeper; *c != '\0'; c++)
			if (*c == '-')
				*c = '_';
		if (k != NULL)
			read_key(r, k, obj, s);
		else if (scope_has_prefix(scope, deeper) && config_setting_is_group(s))
			read_members(r, scope, deeper, obj, s);
		else if (scope_has_prefix(scope, deeper))
			rd_error(r, s, "%s where a group { } should stand", type_name(s));
		else if (!r->in_defaults)
			unknown_key(r, scope, prefix, s);
		rd_pop(r, mark);
	}
}

void
rd_group(struct reader *r, const struct conf_scope *scope, void *obj, const config_setting_t *s)
{
	const struct conf_key *main = NULL;

	if (config_setting_is_group(s)) {
		read_members(r, scope, "", obj, s);
		return;
	}
	for (size_t i = 0; i < scope->n; i++)
		if ((scope->keys[i].flags & F_MAIN) != 0)
			main = &scope->keys[i];
	if (main == NULL) {
		rd_error(r, s, "%s where a group { } should stand", type_name(s));
		return;
	}
	read_key(r, main, obj, s);
}

/* ---- objects ----------------------------------------------------------------------------------
 */

static bool
name_is_good(struct reader *r, const char *name, const config_setting_t *s)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_LEN) {
		rd_error(r, s, "a name has 1 to %d characters", NAME_MAX_LEN);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("-_.:", name[i]) == NULL) {
			rd_error(r, s,
			    "the name \"%s\" has other characters than letters, digits and "
			    "- _ . :",
			    name);
			return false;
		}
	return true;
}

/* The name of an element of a list, or NULL after a message. */
static const char *
element_name(struct reader *r, const char *what, const config_setting_t *s)
{
	const config_setting_t *n;

	if (!config_setting_is_group(s)) {
		rd_error(
		    r, s, "%s where a group { name = \"...\"; ... } should stand", type_name(s));
		return NULL;
	}
	n = config_setting_get_member(s, "name");
	if (n == NULL) {
		rd_error(r, s, "a %s in a list needs a name: { name = \"...\"; ... }", what);
		return NULL;
	}
	return rd_string(r, n, "a name");
}

struct seen {
	const char *name;
	const config_setting_t *s;
	size_t i;
};

static int
seen_compare(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : x->i < y->i ? -1 : x->i > y->i;
}

/* Marks the second of two equal names by name = NULL, with a message. */
static void
drop_twins(struct reader *r, struct seen *v, size_t n, const char *what)
{
	struct seen *sorted;

	if (n == 0)
		return;
	sorted = arena_alloc(r->arena, n * sizeof(*sorted));
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), seen_compare);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[i].name, sorted[i - 1].name) != 0)
			continue;
		rd_error(r, sorted[i].s, "two of name \"%s\": the other %s is in line %u",
		    sorted[i].name, what, rd_where(r, sorted[i - 1].s).line);
		v[sorted[i].i].name = NULL;
	}
}

void
rd_objects(struct reader *r, const config_setting_t *s, const char *what, rd_each each, void *arg)
{
	size_t n = (size_t)(config_setting_is_aggregate(s) ? config_setting_length(s) : 0), m = 0;
	bool list = config_setting_type(s) == CONFIG_TYPE_LIST;
	struct seen *v;

	if (!list && !config_setting_is_group(s)) {
		if (n > 0 || config_setting_type(s) != CONFIG_TYPE_ARRAY)
			rd_error(r, s,
			    "%s where a group, NAME = { ... }, or a list, "
			    "( { name = \"...\"; ... } ), should stand",
			    type_name(s));
		return;
	}
	v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned)i);
		const char *name =
		    list ? element_name(r, what, e) : arena_strdup(r->arena, rd_name(e));

		if (name == NULL || !name_is_good(r, name, e))
			continue;
		v[m] = (struct seen){name, e, m};
		m++;
	}
	drop_twins(r, v, m, what);
	for (size_t i = 0; i < m; i++) {
		size_t mark;

		if (v[i].name == NULL)
			continue;
		mark = rd_push(r, v[i].name);
		r->named = list ? v[i].s : NULL;
		each(r, arg, v[i].name, v[i].s);
		rd_pop(r, mark);
	}
}

int
rd_address(struct reader *r, const config_setting_t *s, const char *text, bool need_port,
    const char *example, struct sock_addr *out)
{
	const char *joined = source_is_joined(&r->src, text)
				 ? " (two strings stand side by side there: is a comma missing?)"
				 : "";
	const char *host = text[0] == '[' ? text + 1 : text;

	if (sock_addr_parse(out, text, need_port) == 0)
		return 0;
	if (errno == ERANGE)
		rd_error(r, s, "\"%s\": the port is not 1 to 65535%s", text, joined);
	else if (need_port && sock_addr_parse(out, text, false) == 0)
		rd_error(r, s, "\"%s\": the port is missing: write \"%s%s%s:PORT\"%s", text,
		    out->family == AF_INET6 && text[0] != '[' ? "[" : "", text,
		    out->family == AF_INET6 && text[0] != '[' ? "]" : "", joined);
	else if (isalpha((unsigned char)host[0]) &&
		 strspn(host, "0123456789abcdefABCDEF:.") < strcspn(host, ":"))
		rd_error(r, s,
		    "\"%s\": names of hosts are not resolved yet: write the numeric address, "
		    "such as \"%s\"%s",
		    text, example, joined);
	else
		rd_error(r, s, "\"%s\" is no address; write it as \"%s\"%s", text, example, joined);
	return -1;
}
