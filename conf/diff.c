/* SPDX-License-Identifier: ISC */
/* What a reload changes. */
#include "conf/diff.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

struct out {
	void (*fn)(void *ctx, const char *text);
	void *ctx;
};

static void
say(const struct out *o, const char *kind, const char *in, const char *name, const char *what)
{
	char text[512];

	snprintf(
	    text, sizeof(text), "%s %s%s%s %s", kind, in, in[0] != '\0' ? "/" : "", name, what);
	o->fn(o->ctx, text);
}

static bool
has_server(const struct conf_backend *b, const struct conf_server *v)
{
	for (size_t i = 0; i < b->n_servers; i++)
		if (strcmp(b->servers[i].name, v->name) == 0 &&
		    strcmp(b->servers[i].address, v->address) == 0)
			return true;
	return false;
}

/* Servers of a that b has not. */
static void
servers_less(const struct out *o, const struct conf_backend *a, const struct conf_backend *b,
    const char *what)
{
	for (size_t i = 0; i < a->n_servers; i++)
		if (!has_server(b, &a->servers[i]))
			say(o, "server", a->name, a->servers[i].name, what);
}

static bool
has_bind(const struct conf_frontend *f, const char *name)
{
	for (size_t i = 0; i < f->n_binds; i++)
		if (strcmp(f->binds[i].name, name) == 0)
			return true;
	return false;
}

static void
binds_less(const struct out *o, const struct conf_frontend *a, const struct conf_frontend *b,
    const char *what)
{
	for (size_t i = 0; i < a->n_binds; i++)
		if (!has_bind(b, a->binds[i].name))
			say(o, "bind", a->name, a->binds[i].name, what);
}

/* What a has and b has not; pairs that both have are compared once, when a is the old one. */
static void
objects_less(
    const struct out *o, const struct conf *a, const struct conf *b, const char *what, bool pairs)
{
	for (size_t i = 0; i < a->n_frontends; i++) {
		uint32_t k = conf_find_frontend(b, a->frontends[i].name);

		if (k == CONF_NONE)
			say(o, "frontend", "", a->frontends[i].name, what);
		else if (pairs) {
			binds_less(o, &a->frontends[i], &b->frontends[k], "removed");
			binds_less(o, &b->frontends[k], &a->frontends[i], "added");
		}
	}
	for (size_t i = 0; i < a->n_backends; i++) {
		uint32_t k = conf_find_backend(b, a->backends[i].name);

		if (k == CONF_NONE)
			say(o, "backend", "", a->backends[i].name, what);
		else if (pairs) {
			servers_less(o, &a->backends[i], &b->backends[k], "removed");
			servers_less(o, &b->backends[k], &a->backends[i], "added");
		}
	}
}

void
conf_diff(const struct conf *old, const struct conf *now, void (*fn)(void *ctx, const char *text),
    void *ctx)
{
	struct out o = {fn, ctx};

	objects_less(&o, old, now, "removed", true);
	objects_less(&o, now, old, "added", false);
}

static bool
text_same(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

bool
conf_diff_refused(const struct conf *old, const struct conf *now, char *reason, size_t reason_size)
{
	const struct conf_global *a = &old->global, *b = &now->global;
	const char *what = NULL;

	if (a->workers != b->workers)
		what = "workers";
	else if (a->max_servers != b->max_servers)
		what = "max_servers";
	else if (a->max_backends != b->max_backends)
		what = "max_backends";
	else if (a->max_frontends != b->max_frontends)
		what = "max_frontends";
	else if (!text_same(a->user, b->user))
		what = "user";
	else if (!text_same(a->group, b->group))
		what = "group";
	else if (!text_same(a->control.path, b->control.path))
		what = "control";
	if (what == NULL)
		return false;
	snprintf(reason, reason_size, "global.%s cannot change while vipd runs: restart it", what);
	return true;
}
