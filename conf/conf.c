/* SPDX-License-Identifier: ISC */
/*
 * Reads a whole configuration: text, syntax, libconfig, then global, backends, frontends by the
 * table, then what they mean together. Messages come out in the order of the file.
 */
#include "conf/conf.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/msgs.h"
#include "conf/read.h"
#include "conf/vrrp.h"
#include "conf/words.h"

const struct conf_scope *const conf_scopes[] = {&scope_global, &scope_log, &scope_control,
    &scope_frontend, &scope_bind, &scope_rule, &scope_keepalive, &scope_backend, &scope_server,
    &scope_check, &scope_vrrp, &scope_member, &scope_script, &scope_instance, &scope_address,
    &scope_peer, &scope_track, NULL};

/* ---- defaults ------------------------------------------------------------------------ */

/* Each key of "defaults" belongs to frontends, backends or both. */
static void
check_default_keys(struct reader *r, const config_setting_t *g, const char *prefix)
{
	const struct conf_scope *scopes[] = {&scope_frontend, &scope_backend};

	for (size_t i = 0; i < (size_t)config_setting_length(g); i++) {
		const config_setting_t *s = config_setting_get_elem(g, (unsigned)i);
		const char *near = NULL;
		unsigned best = UINT_MAX;
		bool known = false, elsewhere = false, is_prefix = false;
		size_t mark = rd_push(r, rd_name(s));

		for (size_t j = 0; j < 2; j++) {
			const struct conf_key *k = scope_find(scopes[j], prefix, rd_name(s));

			known = known || (k != NULL && (k->flags & F_DEFAULTS) != 0);
			elsewhere = elsewhere || k != NULL;
			is_prefix =
			    is_prefix || (prefix[0] == '\0' && words_equal(rd_name(s), "timeout"));
			for (size_t n = 0; n < scopes[j]->n; n++) {
				const struct conf_key *c = &scopes[j]->keys[n];

				if ((c->flags & F_DEFAULTS) != 0 &&
				    strncmp(c->name, prefix, strlen(prefix)) == 0 &&
				    words_near(rd_name(s), c->name + strlen(prefix), &best))
					near = c->name + strlen(prefix);
			}
		}
		if (is_prefix && config_setting_is_group(s))
			check_default_keys(r, s, "timeout.");
		else if (elsewhere && !known)
			rd_error(r, s, "cannot stand in defaults");
		else if (!known && !is_prefix && near != NULL)
			rd_error(r, s, "unknown key; do you mean \"%s\"?", near);
		else if (!known && !is_prefix)
			rd_error(r, s, "unknown key in defaults");
		rd_pop(r, mark);
	}
}

static void
apply_defaults(struct reader *r, const struct conf_scope *scope, void *obj, bool mute)
{
	char path[sizeof(r->path)];

	if (r->defaults == NULL || !config_setting_is_group(r->defaults))
		return;
	memcpy(path, r->path, sizeof(path));
	strcpy(r->path, "defaults");
	r->only = F_DEFAULTS;
	r->mute = mute;
	rd_group(r, scope, obj, r->defaults);
	r->only = 0;
	r->mute = false;
	memcpy(r->path, path, sizeof(path));
}

/* ---- frontends and backends ---------------------------------------------------------- */

static void
backend_begin(struct backend_input *in)
{
	memset(in, 0, sizeof(*in));
	scope_init(&scope_backend, &in->backend);
	scope_init(&scope_server, &in->server);
	scope_init(&scope_check, &in->server.check);
}

static void
frontend_begin(struct conf_frontend *f)
{
	memset(f, 0, sizeof(*f));
	scope_init(&scope_frontend, f);
	f->default_backend = CONF_NONE;
}

static void
read_backend(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct conf *c = arg;
	struct backend_input in;

	backend_begin(&in);
	in.backend.name = name;
	in.backend.where = rd_where(r, s);
	apply_defaults(r, &scope_backend, &in, true);
	if (!config_setting_is_group(s)) {
		rd_error(r, s, "a backend is a group { }");
		return;
	}
	rd_group(r, &scope_backend, &in, s);
	servers_read(r, &in);
	scope_resolve(&scope_backend, &in.backend);
	check_backend(r, &in.backend, s);
	c->backends = arena_grow(r->arena, c->backends, c->n_backends, sizeof(*c->backends));
	c->backends[c->n_backends++] = in.backend;
}

static void
read_frontend(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct conf *c = arg;
	struct conf_frontend f;

	frontend_begin(&f);
	f.name = name;
	f.where = rd_where(r, s);
	apply_defaults(r, &scope_frontend, &f, true);
	if (!config_setting_is_group(s)) {
		rd_error(r, s, "a frontend is a group { }");
		return;
	}
	r->n_before = r->n_msgs;
	rd_group(r, &scope_frontend, &f, s);
	scope_resolve(&scope_frontend, &f);
	check_frontend(r, &f, s);
	c->frontends = arena_grow(r->arena, c->frontends, c->n_frontends, sizeof(*c->frontends));
	c->frontends[c->n_frontends++] = f;
}

static void
read_defaults(struct reader *r, const config_setting_t *s)
{
	struct backend_input in;
	struct conf_frontend f;
	size_t mark = rd_push(r, "defaults");

	if (config_setting_is_group(s))
		check_default_keys(r, s, "");
	else
		rd_error(r, s, "defaults is a group { }");
	rd_pop(r, mark);
	r->defaults = s;
	backend_begin(&in);
	frontend_begin(&f);
	apply_defaults(r, &scope_backend, &in, false);
	apply_defaults(r, &scope_frontend, &f, false);
}

/* ---- the whole ----------------------------------------------------------------------- */

/* In the order in which they are read, whatever the order of the file. */
enum top { TOP_GLOBAL = 0, TOP_BACKENDS, TOP_DEFAULTS, TOP_FRONTENDS, TOP_VRRP, TOPS };
static const char *const top_names[TOPS] = {"global", "backends", "defaults", "frontends", "vrrp"};

static void
find_tops(struct reader *r, const config_setting_t *root, const config_setting_t **tops)
{
	for (size_t i = 0; i < (size_t)config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		const char *near = NULL;
		unsigned best = UINT_MAX;
		size_t t, mark = rd_push(r, rd_name(s));

		for (t = 0; t < TOPS && strcmp(rd_name(s), top_names[t]) != 0; t++)
			if (words_near(rd_name(s), top_names[t], &best))
				near = top_names[t];
		if (t < TOPS)
			tops[t] = s;
		else if (near != NULL)
			rd_error(r, s, "unknown; do you mean \"%s\"?", near);
		else
			rd_error(r, s,
			    "unknown; at the top stand global, defaults, frontends, backends "
			    "and vrrp");
		rd_pop(r, mark);
	}
}

static void
read_all(struct reader *r, const config_setting_t *root)
{
	const config_setting_t *tops[TOPS] = {NULL};
	struct conf *c = r->conf;
	size_t mark;

	find_tops(r, root, tops);
	scope_init(&scope_global, &c->global);
	if (tops[TOP_GLOBAL] != NULL) {
		mark = rd_push(r, "global");
		if (config_setting_is_group(tops[TOP_GLOBAL]))
			rd_group(r, &scope_global, &c->global, tops[TOP_GLOBAL]);
		else
			rd_error(r, tops[TOP_GLOBAL], "global is a group { }");
		rd_pop(r, mark);
	}
	if (tops[TOP_DEFAULTS] != NULL)
		read_defaults(r, tops[TOP_DEFAULTS]);
	if (tops[TOP_BACKENDS] != NULL) {
		mark = rd_push(r, "backends");
		rd_objects(r, tops[TOP_BACKENDS], "backend", read_backend, c);
		rd_pop(r, mark);
	}
	if (tops[TOP_FRONTENDS] != NULL) {
		mark = rd_push(r, "frontends");
		rd_objects(r, tops[TOP_FRONTENDS], "frontend", read_frontend, c);
		rd_pop(r, mark);
	}
	if (tops[TOP_VRRP] != NULL)
		vrrp_read(r, tops[TOP_VRRP]);
	check_conf(r, tops[TOP_GLOBAL]);
}

static int
msg_compare(const void *a, const void *b)
{
	const struct reader_msg *x = *(const struct reader_msg *const *)a;
	const struct reader_msg *y = *(const struct reader_msg *const *)b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* In the order of the file; equal ones once (settings of defaults are read twice). */
static void
hand_over_msgs(struct reader *r, struct conf_msgs *out)
{
	struct reader_msg **v =
	    arena_alloc(r->src.scratch, (r->n_msgs + 1) * sizeof(struct reader_msg *));

	for (size_t i = 0; i < r->n_msgs; i++)
		v[i] = &r->msgs[i];
	qsort(v, r->n_msgs, sizeof(struct reader_msg *), msg_compare);
	for (size_t i = 0; i < r->n_msgs; i++) {
		bool twice = false;

		for (size_t j = i; j > 0 && !twice && v[j - 1]->line == v[i]->line; j--)
			twice = strcmp(v[j - 1]->text, v[i]->text) == 0;
		if (!twice)
			msgs_add(
			    out, v[i]->severity, source_where(&r->src, v[i]->line), v[i]->text);
	}
}

static const char *
twin_text(struct reader *r, unsigned line)
{
	char name[128];
	unsigned first = source_twin(&r->src, line, name, sizeof(name));
	struct conf_where w = source_where(&r->src, first), here = source_where(&r->src, line);
	bool elsewhere = w.file != NULL && here.file != NULL && strcmp(w.file, here.file) != 0;

	if (first == 0)
		return "this key stands twice in its group";
	return arena_printf(r->src.scratch, "%s stands twice in its group: first in %s%sline %u",
	    name, elsewhere ? w.file : "", elsewhere ? ", " : "", w.line);
}

/* libconfig's own complaint, where source_check found nothing. */
static void
parse_error(struct reader *r, const config_t *cfg)
{
	const char *text = config_error_text(cfg);
	unsigned line = (unsigned)config_error_line(cfg);

	if (text != NULL && strcmp(text, "duplicate setting name") == 0)
		text = twin_text(r, line);
	else if (text != NULL && strcmp(text, "mismatched element type in array") == 0)
		text = "an array [ ] holds values of one kind only; use a list ( )";
	rd_complain(r, CONF_ERROR, line, "%s", text != NULL ? text : "syntax error");
}

static void
mend_lines(const struct source *src, config_setting_t *s)
{
	size_t n = (size_t)(config_setting_is_aggregate(s) ? config_setting_length(s) : 0);

	for (size_t i = 0; i < n; i++)
		mend_lines(src, config_setting_get_elem(s, (unsigned)i));
	if (n == 0 || config_setting_is_group(s))
		return;
	s = config_setting_get_elem(s, (unsigned)n - 1);
	if (config_setting_type(s) == CONFIG_TYPE_STRING)
		s->line = source_string_line(src, s->line);
}

static struct conf *
read_source(struct reader *r, struct conf_msgs *msgs)
{
	struct conf_msgs own = {0}, *m = msgs != NULL ? msgs : &own;
	size_t before = m->n_errors;
	config_t cfg;

	r->conf = arena_alloc(r->arena, sizeof(*r->conf));
	r->conf->arena = r->arena;
	r->conf->vrrp.self = CONF_NONE;
	if (source_check(&r->src, m) == 0) {
		config_init(&cfg);
		if (config_read_string(&cfg, r->src.text) == CONFIG_TRUE) {
			mend_lines(&r->src, config_root_setting(&cfg));
			read_all(r, config_root_setting(&cfg));
		} else {
			parse_error(r, &cfg);
		}
		hand_over_msgs(r, m);
		config_destroy(&cfg);
	}
	if (m->n_errors != before) {
		arena_free(r->arena);
		r->conf = NULL;
	}
	conf_msgs_free(&own);
	source_free(&r->src);
	return r->conf;
}

struct conf *
conf_read_file(const char *path, const struct conf_host *host, struct conf_msgs *msgs)
{
	struct reader r = {.arena = arena_new(), .host = host};

	if (source_read_file(&r.src, r.arena, path, msgs) == -1) {
		source_free(&r.src);
		arena_free(r.arena);
		return NULL;
	}
	return read_source(&r, msgs);
}

struct conf *
conf_read_text(const char *text, size_t len, const char *name, struct conf_msgs *msgs)
{
	struct reader r = {.arena = arena_new(), .canonical = true};

	if (source_read_text(&r.src, r.arena, text, len, name, msgs) == -1) {
		source_free(&r.src);
		arena_free(r.arena);
		return NULL;
	}
	return read_source(&r, msgs);
}

void
conf_free(struct conf *c)
{
	if (c != NULL)
		arena_free(c->arena);
}

uint32_t
conf_find_frontend(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_frontends; i++)
		if (strcmp(c->frontends[i].name, name) == 0)
			return (uint32_t)i;
	return CONF_NONE;
}

uint32_t
conf_find_backend(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_backends; i++)
		if (strcmp(c->backends[i].name, name) == 0)
			return (uint32_t)i;
	return CONF_NONE;
}

bool
conf_frontend_uses(const struct conf_frontend *f, size_t backend)
{
	if (f->mode != CONF_MODE_TCP)
		return false;
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].backend == backend)
			return true;
	return f->default_backend == backend;
}
