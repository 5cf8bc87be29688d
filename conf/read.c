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

#include "conf/refused.h"
#include "conf/words.h"

#define MSGS_MAX     1000 /* errors, and warnings */
#define NAME_MAX_LEN 63   /* bytes; the shared segment's names have 64 with NUL */

/* ---- messages ------------------------------------------------------------------------ */

__attribute__((format(printf, 4, 0))) static void
complain(struct reader *r, enum conf_severity severity, unsigned line, const char *fmt, va_list ap)
{
	char text[700];
	struct reader_msg *m;
	size_t n;

	if (r->mute || (severity == CONF_WARNING && r->canonical))
		return;
	n = severity == CONF_ERROR ? ++r->n_errors : ++r->n_warnings;
	if (n > MSGS_MAX)
		return; /* a file of 100,000 servers, and something wrong with each */
	vsnprintf(text, sizeof(text), fmt, ap);
	if (n == MSGS_MAX)
		strcpy(text, "and more that is not said");
	r->msgs = arena_grow(r->src.scratch, r->msgs, r->n_msgs, sizeof(*r->msgs));
	m = &r->msgs[r->n_msgs++];
	m->line = line;
	m->severity = severity;
	m->text = r->path[0] != '\0' ? arena_printf(r->src.scratch, "%s: %s", r->path, text)
				     : arena_strdup(r->src.scratch, text);
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

const config_setting_t *
rd_find(const config_setting_t *g, const char *name)
{
	const char *dot = strchr(name, '.');
	char first[64];

	snprintf(first, sizeof(first), "%.*s", dot != NULL ? (int)(dot - name) : 63, name);
	if (!config_setting_is_group(g))
		return NULL;
	for (size_t i = 0; i < (size_t)config_setting_length(g); i++) {
		const config_setting_t *s = config_setting_get_elem(g, (unsigned)i);

		if (words_equal(rd_name(s), first))
			return dot != NULL ? rd_find(s, dot + 1) : s;
	}
	return NULL;
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

/* ---- groups -------------------------------------------------------------------------- */

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

	if (refused_find(scope, name) != NULL) {
		rd_error(r, s, "%s", refused_find(scope, name));
		return;
	}
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
	unsigned only = r->only;

	if (only != 0 && (k->flags & only) == 0)
		return;
	if ((k->flags & F_RESOLVED) != 0 && !r->canonical && !r->resolved) {
		rd_error(r, s, "only vipd itself writes this, beside vrrp.self");
		return;
	}
	if ((k->flags & r->forbid) != 0) {
		rd_error(r, s, "cannot stand in %s", r->here);
		return;
	}
	r->only = 0;
	if (k->read != NULL)
		k->read(r, k, obj, s);
	else if (k->kind == K_GROUP)
		rd_group(r, k->scope, (char *)obj + k->offset, s);
	else
		rd_value(r, k, obj, s);
	r->only = only;
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
			rd_error(r, s, "%s where a group { } should stand", rd_type(s));
		else if (r->only == 0)
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
		rd_error(r, s, "%s where a group { } should stand", rd_type(s));
		return;
	}
	read_key(r, main, obj, s);
}

/* ---- objects ------------------------------------------------------------------------- */

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
		rd_error(r, s, "%s where a group { name = \"...\"; ... } should stand", rd_type(s));
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
			    rd_type(s));
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

void
rd_no_backend(struct reader *r, const config_setting_t *s, const char *name)
{
	const char *meant = NULL;
	unsigned best = UINT_MAX;

	for (size_t i = 0; i < r->conf->n_backends; i++)
		if (words_near(name, r->conf->backends[i].name, &best))
			meant = r->conf->backends[i].name;
	rd_error(r, s, "there is no backend \"%s\"%s%s%s", name,
	    meant != NULL ? "; do you mean \"" : "", meant != NULL ? meant : "",
	    meant != NULL ? "\"?" : "");
}

/* "2001:db8::1:443" is an IPv6 address, and one with a port were there brackets. */
static const char *
last_colon_is_port(struct sock_addr *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	if (colon == NULL || sock_addr_parse(a, text, false) == -1 || a->family != AF_INET6 ||
	    (size_t)(colon - text) >= sizeof(host) || colon[1] == '\0' || strlen(colon) < 3 ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	return sock_addr_parse(a, host, false) == 0 && a->family == AF_INET6 ? colon : NULL;
}

int
rd_address(struct reader *r, const config_setting_t *s, const char *text, bool need_port,
    const char *example, struct sock_addr *out)
{
	const char *joined = source_is_joined(&r->src, text)
				 ? " (two strings stand side by side there: is a comma missing?)"
				 : "";
	const char *host = text[0] == '[' ? text + 1 : text, *colon;

	if (sock_addr_parse(out, text, need_port) == 0)
		return 0;
	if (text[0] == '/')
		rd_error(r, s, "\"%s\": the path of a socket has at most %zu bytes", text,
		    sizeof(out->un.sun_path) - 1);
	else if (errno == ERANGE)
		rd_error(r, s, "\"%s\": the port is not 1 to 65535%s", text, joined);
	else if (need_port && text[0] != '[' && (colon = last_colon_is_port(out, text)) != NULL)
		rd_error(r, s,
		    "\"%s\": an IPv6 address stands in brackets: write \"[%.*s]%s\" or "
		    "\"[%s]:PORT\"",
		    text, (int)(colon - text), text, colon, text);
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
