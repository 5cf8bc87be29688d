/* SPDX-License-Identifier: ISC */
/* The rows track, track_script and track_interface. */
#include "conf/read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/print.h"

static uint32_t
find_script(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->vrrp.n_scripts; i++)
		if (strcmp(c->vrrp.scripts[i].name, name) == 0)
			return (uint32_t)i;
	return CONF_NONE;
}

/* weight INT_MIN: not given. */
static void
track_add(struct reader *r, struct conf_router *v, enum conf_track_kind kind, const char *name,
    int weight, const config_setting_t *s)
{
	struct conf_track t = {
	    .where = rd_where(r, s), .kind = kind, .name = name, .index = CONF_NONE};

	if (kind == CONF_TRACK_BACKEND)
		t.index = conf_find_backend(r->conf, name);
	else if (kind == CONF_TRACK_SCRIPT)
		t.index = find_script(r->conf, name);
	if (kind == CONF_TRACK_BACKEND && t.index == CONF_NONE) {
		rd_no_backend(r, s, name);
		return;
	}
	if (kind == CONF_TRACK_SCRIPT && t.index == CONF_NONE) {
		rd_error(r, s, "there is no script \"%s\" in vrrp.scripts", name);
		return;
	}
	if (weight == INT_MIN)
		weight = kind == CONF_TRACK_SCRIPT ? r->script_weights[t.index] : 0;
	t.weight = weight;
	v->tracks = arena_grow(r->arena, v->tracks, v->n_tracks, sizeof(*v->tracks));
	v->tracks[v->n_tracks++] = t;
}

void
read_tracks(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_router *v = obj;

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		const config_setting_t *e = rd_elem(s, i);
		struct track_input in = {.weight = INT_MIN};

		if (!config_setting_is_group(e)) {
			rd_error(r, e, "a group is wanted: track = { backend = \"NAME\"; }");
			continue;
		}
		rd_group(r, &scope_track, &in, e);
		for (size_t j = 0; j < in.backends.n; j++)
			track_add(r, v, CONF_TRACK_BACKEND, in.backends.v[j], in.weight, e);
		if (in.workers)
			track_add(r, v, CONF_TRACK_WORKERS, NULL, in.weight, e);
		for (size_t j = 0; j < in.interfaces.n; j++)
			track_add(r, v, CONF_TRACK_INTERFACE, in.interfaces.v[j], in.weight, e);
		for (size_t j = 0; j < in.scripts.n; j++)
			track_add(r, v, CONF_TRACK_SCRIPT, in.scripts.v[j], in.weight, e);
	}
}

/* "NAME" or "NAME weight N", as keepalived's lists have them. */
void
read_track_names(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	for (size_t i = 0; i < rd_count(s); i++) {
		const config_setting_t *e = rd_elem(s, i);
		const char *text = rd_string(r, e, "a name");
		int weight = INT_MIN, end = 0;
		char *name;

		if (text == NULL)
			continue;
		name = arena_strdup(r->arena, text);
		name[strcspn(name, " \t")] = '\0';
		if (strcmp(name, text) != 0 &&
		    (sscanf(text + strlen(name), " weight %d%n", &weight, &end) != 1 ||
			text[strlen(name) + (size_t)end] != '\0' || weight < -253 ||
			weight > 253)) {
			rd_error(r, e, "\"%s\": \"NAME\" or \"NAME weight N\", N from -253 to 253",
			    text);
			continue;
		}
		track_add(r, obj, (enum conf_track_kind)k->offset, name, weight, e);
	}
}

void
print_tracks(struct printer *p, const struct conf_key *k, const void *obj)
{
	static const char *const keys[] = {"backend", "workers", "interface", "script"};
	const struct conf_router *v = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < v->n_tracks; i++) {
		const struct conf_track *t = &v->tracks[i];

		pr_open(p, NULL, '{');
		if (t->kind == CONF_TRACK_WORKERS)
			pr_line(p, "workers", "true");
		else
			pr_string(p, keys[t->kind], t->name);
		if (t->weight != 0 || t->kind == CONF_TRACK_SCRIPT)
			pr_line(p, "weight", "%d", t->weight);
		pr_close(p);
	}
	pr_close(p);
}
