/* SPDX-License-Identifier: ISC */
/*
 * Writes a configuration as canonical text: what differs from the built-in defaults, in the order
 * of the table, for one reader.
 */
#include "conf/print.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "conf/read.h"
#include "conf/vrrp.h"
#include "lib/duration.h"

#define GROUP_MAX                                                                      \
	64 /* more objects are written as a list: libconfig looks for each key in turn \
	    */

static void
indent(struct printer *p, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		putc('\t', p->f);
}

/* Before an element or a key: comma and line end of the element before, indentation. */
static void
begin(struct printer *p, unsigned depth)
{
	if (depth > 0 && p->open[depth - 1].bracket == '(') {
		if (p->open[depth - 1].any)
			fputs(",\n", p->f);
		p->open[depth - 1].any = true;
	}
	indent(p, depth);
}

void
pr_force(struct printer *p)
{
	for (; p->written < p->depth; p->written++) {
		begin(p, p->written);
		if (p->open[p->written].name[0] != '\0')
			fprintf(p->f, "%s = ", p->open[p->written].name);
		fprintf(p->f, "%c\n", p->open[p->written].bracket);
	}
}

void
pr_open(struct printer *p, const char *name, char bracket)
{
	if (p->depth == PRINT_DEPTH)
		return;
	snprintf(
	    p->open[p->depth].name, sizeof(p->open[p->depth].name), "%s", name != NULL ? name : "");
	p->open[p->depth].bracket = bracket;
	p->open[p->depth++].any = false;
}

void
pr_close(struct printer *p)
{
	unsigned d = --p->depth;
	bool element = d > 0 && p->open[d - 1].bracket == '(';

	if (p->written <= d)
		return;
	p->written = d;
	if (p->open[d].bracket == '(' && p->open[d].any)
		putc('\n', p->f);
	indent(p, d);
	fprintf(p->f, "%c%s", p->open[d].bracket == '{' ? '}' : ')', element ? "" : ";\n");
}

static void
quoted(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", f);
		else if (c == '\r')
			fputs("\\r", f);
		else if (c == '\t')
			fputs("\\t", f);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\x%02x", c);
		else
			putc(c, f);
	}
	putc('"', f);
}

void
pr_line(struct printer *p, const char *key, const char *fmt, ...)
{
	va_list ap;

	pr_force(p);
	begin(p, p->depth);
	if (key != NULL)
		fprintf(p->f, "%s = ", key);
	va_start(ap, fmt);
	vfprintf(p->f, fmt, ap);
	va_end(ap);
	if (p->depth == 0 || p->open[p->depth - 1].bracket == '{')
		fputs(";\n", p->f);
}

void
pr_string(struct printer *p, const char *key, const char *value)
{
	pr_strings(p, key, &value, 1);
}

void
pr_strings(struct printer *p, const char *key, const char *const *v, size_t n)
{
	pr_force(p);
	begin(p, p->depth);
	if (key != NULL)
		fprintf(p->f, "%s = ", key);
	if (n != 1)
		fputs("[ ", p->f);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			fputs(", ", p->f);
		quoted(p->f, v[i]);
	}
	if (n != 1)
		fputs(" ]", p->f);
	if (p->depth == 0 || p->open[p->depth - 1].bracket == '{')
		fputs(";\n", p->f);
}

/* Headers may carry tokens: people see their names. */
static void
print_hidden(struct printer *p, const char *name, const struct conf_strings *list)
{
	char text[128];

	pr_open(p, name, '(');
	for (size_t i = 0; i < list->n; i++) {
		snprintf(
		    text, sizeof(text), "%.*s: ***", (int)strcspn(list->v[i], ":"), list->v[i]);
		pr_string(p, NULL, text);
	}
	pr_close(p);
}

void
pr_value(struct printer *p, const struct conf_key *k, const char *name, const void *obj)
{
	int64_t v = key_get(k, obj);
	const struct conf_strings *list;
	char buf[DURATION_TEXT];

	switch (k->kind) {
	case K_BOOL:
		pr_line(p, name, "%s", v != 0 ? "true" : "false");
		break;
	case K_ENUM:
		pr_string(p, name, k->words[v]);
		break;
	case K_MS:
		if (v >= 0) /* else: not given */
			pr_string(p, name, duration_format_ms(v, buf, sizeof(buf)));
		break;
	case K_SECONDS:
		pr_string(p, name, duration_format_ms(v * 1000, buf, sizeof(buf)));
		break;
	case K_FILEMODE:
		pr_line(p, name, "\"%04o\"", (unsigned)v);
		break;
	case K_STRING:
		if ((k->flags & F_SECRET) != 0 && p->reader == CONF_FOR_HUMAN)
			pr_string(p, name, "***");
		else if (*key_string(k, obj) != NULL)
			pr_string(p, name, *key_string(k, obj));
		break;
	case K_STRINGS:
		list = (const struct conf_strings *)(const void *)((const char *)obj + k->offset);
		if ((k->flags & F_SECRET) != 0 && p->reader == CONF_FOR_HUMAN)
			print_hidden(p, name, list);
		else
			pr_strings(p, name, list->v, list->n);
		break;
	default:
		pr_line(p, name, "%" PRId64, v);
	}
}

static void
print_key(struct printer *p, const struct conf_key *k, const char *name, const void *obj)
{
	if (k->kind == K_CUSTOM) {
		k->print(p, k, obj);
	} else if (k->kind == K_GROUP) {
		pr_open(p, name, '{');
		pr_scope(p, k->scope, (const char *)obj + k->offset);
		pr_close(p);
	} else if (!key_is_default(k, obj)) {
		pr_value(p, k, name, obj);
	}
}

void
pr_scope(struct printer *p, const struct conf_scope *s, const void *obj)
{
	char group[32] = "";

	for (size_t i = 0; i < s->n; i++) {
		const struct conf_key *k = &s->keys[i];
		const char *dot = strchr(k->name, '.');
		size_t n = dot != NULL ? (size_t)(dot - k->name) : 0;

		if ((k->flags & F_INPUT) != 0 || !key_for(k, p->reader))
			continue;
		if (group[0] != '\0' && (n != strlen(group) || strncmp(group, k->name, n) != 0)) {
			pr_close(p);
			group[0] = '\0';
		}
		if (n != 0 && group[0] == '\0') {
			snprintf(group, sizeof(group), "%.*s", (int)n, k->name);
			pr_open(p, group, '{');
		}
		print_key(p, k, dot != NULL ? dot + 1 : k->name, obj);
	}
	if (group[0] != '\0')
		pr_close(p);
}

static bool
name_is_key(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return false;
	return true;
}

bool
pr_objects_open(struct printer *p, const char *key, const void *array, size_t n, pr_name_of name)
{
	bool list = n > GROUP_MAX;

	for (size_t i = 0; i < n && !list; i++)
		list = !name_is_key(name(array, i));
	pr_open(p, key, list ? '(' : '{');
	return list;
}

void
pr_object_open(struct printer *p, bool list, const char *name)
{
	pr_open(p, list ? NULL : name, '{');
	pr_force(p);
	if (list)
		pr_string(p, "name", name);
}

static const char *
frontend_name(const void *array, size_t i)
{
	return ((const struct conf_frontend *)array)[i].name;
}

static const char *
backend_name(const void *array, size_t i)
{
	return ((const struct conf_backend *)array)[i].name;
}

static void
print_frontends(struct printer *p, const struct conf *c)
{
	bool list = pr_objects_open(p, "frontends", c->frontends, c->n_frontends, frontend_name);

	for (size_t i = 0; i < c->n_frontends; i++) {
		pr_object_open(p, list, c->frontends[i].name);
		pr_scope(p, &scope_frontend, &c->frontends[i]);
		pr_close(p);
	}
	pr_close(p);
}

static void
print_backends(struct printer *p, const struct conf *c)
{
	bool list = pr_objects_open(p, "backends", c->backends, c->n_backends, backend_name);

	for (size_t i = 0; i < c->n_backends; i++) {
		pr_object_open(p, list, c->backends[i].name);
		pr_scope(p, &scope_backend, &c->backends[i]);
		pr_close(p);
	}
	pr_close(p);
}

int
conf_print(const struct conf *c, FILE *f, enum conf_reader reader)
{
	struct printer p = {.f = f, .reader = reader, .conf = c};

	pr_open(&p, "global", '{');
	pr_scope(&p, &scope_global, &c->global);
	pr_close(&p);
	if (reader != CONF_FOR_CHECKER && reader != CONF_FOR_VRRP)
		print_frontends(&p, c);
	print_backends(&p, c);
	if (reader == CONF_FOR_ALL || reader == CONF_FOR_VRRP || reader == CONF_FOR_HUMAN)
		vrrp_print(&p);
	return ferror(f) ? -1 : 0;
}
