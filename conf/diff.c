/* SPDX-License-Identifier: ISC */
/*
 * What a reload changes: objects by their identity, settings by the table. Pure.
 */
#include "conf/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/print.h"
#include "conf/table.h"

struct out {
	void (*fn)(void *ctx, const char *text);
	void *ctx;
	const struct conf *old;
	const struct conf *now;
};

static void say(const struct out *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(const struct out *o, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->fn(o->ctx, text);
}

/* ---- settings ----------------------------------------------------------------------------------
 */

/* The row's value as it would be printed, without key and semicolon; free it. NULL: no memory. That
 * must end nothing: what changed is told when all have committed. */
static char *
value_text(const struct conf *c, const struct conf_key *k, const void *obj, enum conf_reader reader)
{
	struct printer p = {.reader = reader, .conf = c};
	char *text = NULL;
	size_t n = 0;

	p.f = open_memstream(&text, &n);
	if (p.f == NULL)
		return NULL;
	if (k->kind == K_CUSTOM)
		k->print(&p, k, obj);
	else
		pr_value(&p, k, NULL, obj);
	if (fclose(p.f) != 0) {
		free(text);
		return NULL;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ';'))
		text[--n] = '\0';
	return text;
}

static bool
is_text_kind(const struct conf_key *k)
{
	return k->kind == K_STRING || k->kind == K_STRINGS || k->kind == K_CUSTOM;
}

static bool
same_value(const struct out *o, const struct conf_key *k, const void *a, const void *b)
{
	char *x, *y;
	bool same;

	if (!is_text_kind(k))
		return key_get(k, a) == key_get(k, b);
	x = value_text(o->old, k, a, CONF_FOR_ALL);
	y = value_text(o->now, k, b, CONF_FOR_ALL);
	same = x != NULL && y != NULL && strcmp(x, y) == 0;
	free(x);
	free(y);
	return same;
}

/* One line: both values when they are short, else that it changed. */
static void
say_changed(const struct out *o, const char *object, const char *prefix, const struct conf_key *k,
    const void *a, const void *b)
{
	char *x = value_text(o->old, k, a, CONF_FOR_HUMAN);
	char *y = value_text(o->now, k, b, CONF_FOR_HUMAN);

	if (k->kind == K_CUSTOM || x == NULL || y == NULL || strlen(x) + strlen(y) > 160 ||
	    strcmp(x, y) == 0)
		say(o, "%s: %s%s changed", object, prefix, k->name);
	else
		say(o, "%s: %s%s %s -> %s", object, prefix, k->name, x[0] != '\0' ? x : "none",
		    y[0] != '\0' ? y : "none");
	free(x);
	free(y);
}

static void
diff_scope(const struct out *o, const char *object, const char *prefix,
    const struct conf_scope *scope, const void *a, const void *b)
{
	for (size_t i = 0; i < scope->n; i++) {
		const struct conf_key *k = &scope->keys[i];
		const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;
		char deeper[64];

		if ((k->flags & (F_INPUT | F_NODIFF)) != 0)
			continue;
		if (k->kind == K_GROUP || (k->kind == K_CUSTOM && k->scope == &scope_check)) {
			snprintf(deeper, sizeof(deeper), "%s%s.", prefix, k->name);
			diff_scope(o, object, deeper, k->scope, x, y);
		} else if (!same_value(o, k, a, b)) {
			say_changed(o, object, prefix, k, a, b);
		}
	}
}

/* ---- objects by identity -----------------------------------------------------------------------
 */

struct ident {
	const char *name;
	const char *address; /* servers; else "" */
	const void *obj;
};

static int
ident_compare(const void *a, const void *b)
{
	const struct ident *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->address, y->address);
}

/* An array of objects of one size, whose first members differ: how to name each. */
struct kind {
	const char *name;
	size_t size;
	const struct conf_scope *scope;
	struct ident (*ident)(const void *obj);
	/* After the settings of an object that both have. */
	void (*more)(const struct out *, const char *object, const void *a, const void *b);
};

static const struct ident *
find(const struct ident *sorted, size_t n, const struct ident *want)
{
	return n != 0 ? bsearch(want, sorted, n, sizeof(*sorted), ident_compare) : NULL;
}

static struct ident *
sorted_idents(const struct kind *k, const void *v, size_t n)
{
	struct ident *out = calloc(n + 1, sizeof(*out));

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		out[i] = k->ident((const char *)v + i * k->size);
	qsort(out, n, sizeof(*out), ident_compare);
	return out;
}

static void
object_name(char *buf, size_t size, const struct kind *k, const char *in, const struct ident *id)
{
	snprintf(buf, size, "%s %s%s%s%s%s", k->name, in, in[0] != '\0' ? "/" : "", id->name,
	    id->address[0] != '\0' ? " " : "", id->address);
}

/* in: name of the object that holds them, or "". */
static void
diff_objects(const struct out *o, const struct kind *k, const char *in, const void *a, size_t na,
    const void *b, size_t nb)
{
	struct ident *old = sorted_idents(k, a, na), *now = sorted_idents(k, b, nb);
	char object[256];

	if (old == NULL || now == NULL) {
		say(o, "%s: no memory to compare them", k->name);
		free(old);
		free(now);
		return;
	}
	for (size_t i = 0; i < na; i++) {
		struct ident id = k->ident((const char *)a + i * k->size);
		const struct ident *other = find(now, nb, &id);

		object_name(object, sizeof(object), k, in, &id);
		if (other == NULL) {
			say(o, "%s removed", object);
			continue;
		}
		diff_scope(o, object, "", k->scope, id.obj, other->obj);
		if (k->more != NULL)
			k->more(o, object, id.obj, other->obj);
	}
	for (size_t i = 0; i < nb; i++) {
		struct ident id = k->ident((const char *)b + i * k->size);

		object_name(object, sizeof(object), k, in, &id);
		if (find(old, na, &id) == NULL)
			say(o, "%s added", object);
	}
	free(old);
	free(now);
}

#define IDENT(fn, type, name_field, address_field)                        \
	static struct ident fn(const void *obj)                           \
	{                                                                 \
		const struct type *x = obj;                               \
		return (struct ident){x->name_field, address_field, obj}; \
	}

IDENT(control_ident, conf_control, name, "")
IDENT(bind_ident, conf_bind, name, "")
IDENT(frontend_ident, conf_frontend, name, "")
IDENT(server_ident, conf_server, name, x->address)
IDENT(backend_ident, conf_backend, name, "")
IDENT(member_ident, conf_member, name, "")
IDENT(script_ident, conf_script, name, "")
IDENT(router_ident, conf_router, name, "")

static const struct kind k_control = {
    "control socket", sizeof(struct conf_control), &scope_control, control_ident, NULL};
static const struct kind k_bind = {"bind", sizeof(struct conf_bind), &scope_bind, bind_ident, NULL};
static const struct kind k_server = {
    "server", sizeof(struct conf_server), &scope_server, server_ident, NULL};

static void
frontend_more(const struct out *o, const char *object, const void *a, const void *b)
{
	const struct conf_frontend *x = a, *y = b;

	(void)object;
	diff_objects(o, &k_bind, x->name, x->binds, x->n_binds, y->binds, y->n_binds);
}

static void
backend_more(const struct out *o, const char *object, const void *a, const void *b)
{
	const struct conf_backend *x = a, *y = b;

	(void)object;
	diff_objects(o, &k_server, x->name, x->servers, x->n_servers, y->servers, y->n_servers);
}

static const struct kind k_frontend = {
    "frontend", sizeof(struct conf_frontend), &scope_frontend, frontend_ident, frontend_more};
static const struct kind k_backend = {
    "backend", sizeof(struct conf_backend), &scope_backend, backend_ident, backend_more};
static const struct kind k_member = {
    "vrrp member", sizeof(struct conf_member), &scope_member, member_ident, NULL};
static const struct kind k_script = {
    "vrrp script", sizeof(struct conf_script), &scope_script, script_ident, NULL};
static const struct kind k_router = {
    "vrrp instance", sizeof(struct conf_router), &scope_instance, router_ident, NULL};

void
conf_diff(const struct conf *old, const struct conf *now, void (*fn)(void *ctx, const char *text),
    void *ctx)
{
	const struct conf_vrrp *v = &old->vrrp, *w = &now->vrrp;
	struct out o = {fn, ctx, old, now};

	diff_scope(&o, "global", "", &scope_global, &old->global, &now->global);
	diff_objects(&o, &k_control, "", old->global.controls, old->global.n_controls,
	    now->global.controls, now->global.n_controls);
	diff_objects(&o, &k_frontend, "", old->frontends, old->n_frontends, now->frontends,
	    now->n_frontends);
	diff_objects(
	    &o, &k_backend, "", old->backends, old->n_backends, now->backends, now->n_backends);
	diff_scope(&o, "vrrp", "", &scope_vrrp, v, w);
	diff_objects(&o, &k_member, "", v->members, v->n_members, w->members, w->n_members);
	diff_objects(&o, &k_script, "", v->scripts, v->n_scripts, w->scripts, w->n_scripts);
	diff_objects(&o, &k_router, "", v->routers, v->n_routers, w->routers, w->n_routers);
}

/* ---- what needs a restart ----------------------------------------------------------------------
 */

static void
refused_in(const struct out *o, const char *prefix, const struct conf_scope *scope, const void *a,
    const void *b, FILE *f)
{
	for (size_t i = 0; i < scope->n; i++) {
		const struct conf_key *k = &scope->keys[i];

		if (k->kind == K_GROUP)
			refused_in(o, k->name, k->scope, (const char *)a + k->offset,
			    (const char *)b + k->offset, f);
		else if ((k->flags & F_RESTART) != 0 && !same_value(o, k, a, b))
			fprintf(f, "%s%s%s%s", ftell(f) > 0 ? ", " : "", prefix,
			    prefix[0] != '\0' ? "." : "", k->name);
	}
}

bool
conf_diff_refused(const struct conf *old, const struct conf *now, char *reason, size_t reason_size)
{
	struct out o = {NULL, NULL, old, now};
	const char *a, *b;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL) {
		snprintf(reason, reason_size, "no memory to compare it");
		return true;
	}
	refused_in(&o, "", &scope_global, &old->global, &now->global, f);
	a = conf_control_main(&old->global);
	b = conf_control_main(&now->global);
	if (strcmp(a != NULL ? a : "", b != NULL ? b : "") != 0)
		fprintf(f, "%scontrol (its first path)", ftell(f) > 0 ? ", " : "");
	if (fclose(f) != 0) {
		free(text);
		snprintf(reason, reason_size, "no memory to compare it");
		return true;
	}
	if (n > 0)
		snprintf(reason, reason_size,
		    "global settings that cannot change while vipd runs: %s; restart it", text);
	free(text);
	return n > 0;
}
