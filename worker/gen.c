/* SPDX-License-Identifier: ISC */
/* Building and freeing a worker's generation. Touches no socket; reads the directory. */
#include "worker/gen.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proc.h"

ssize_t
gen_parse_nets(const char *text, size_t len, struct sock_net **nets, unsigned *line)
{
	size_t n = 0, cap = 0;
	const char *end = text + len;

	*nets = NULL;
	*line = 0;
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *stop = eol != NULL ? eol : end, *next = eol != NULL ? eol + 1 : end;
		const char *hash = memchr(text, '#', (size_t)(stop - text));
		char word[64];

		++*line;
		if (hash != NULL)
			stop = hash;
		while (text < stop && isspace((unsigned char)*text))
			text++;
		while (stop > text && isspace((unsigned char)stop[-1]))
			stop--;
		if (text == stop) {
			text = next;
			continue;
		}
		if (n == cap) {
			size_t more = cap == 0 ? 64 : cap * 2;
			struct sock_net *p = realloc(*nets, more * sizeof(*p));

			if (p == NULL) {
				*line = 0;
				goto fail;
			}
			*nets = p;
			cap = more;
		}
		if ((size_t)(stop - text) >= sizeof(word))
			goto fail;
		memcpy(word, text, (size_t)(stop - text));
		word[stop - text] = '\0';
		if (sock_net_parse(&(*nets)[n], word) == -1)
			goto fail;
		n++;
		text = next;
	}
	return (ssize_t)n;
fail:
	free(*nets);
	*nets = NULL;
	return -1;
}

static int
access_read(struct gen_access *a, const struct conf_access *c, const struct child_fd *files,
    size_t n_files, char *reason, size_t size)
{
	unsigned line = 0;
	ssize_t n = -1;

	a->action = c->action;
	a->n_nets = c->n_nets;
	a->nets = c->nets;
	if (c->file == NULL)
		return 0;
	for (size_t i = 0; i < n_files; i++) {
		const char *text;
		size_t len;

		if (files[i].fd == -1 || files[i].meta.kind != PROTO_FD_FILE ||
		    strcmp(files[i].meta.name, c->file) != 0)
			continue;
		text = proc_memfd_map(files[i].fd, &len);
		if (text == NULL)
			break;
		n = gen_parse_nets(text, len, &a->own, &line);
		proc_memfd_unmap(text, len);
		if (n == -1) {
			snprintf(reason, size, "%s:%u: not a network", c->file, line);
			return -1;
		}
		a->n_nets = (size_t)n;
		a->nets = a->own;
		return 0;
	}
	snprintf(reason, size, "%s: the file did not come with the configuration", c->file);
	return -1;
}

static int
backends_map(const struct shm *s, struct gen *g, char *reason, size_t size)
{
	uint32_t hint = 0, srv_hint = 0;

	for (size_t i = 0; i < g->conf->n_backends; i++) {
		struct gen_backend *b = &g->backends[i];

		b->conf = &g->conf->backends[i];
		b->gen = g;
		b->slot = child_find_backend(s, b->conf->name, hint);
		if (b->slot == SHM_NONE) {
			snprintf(reason, size, "backend %s has no slot", b->conf->name);
			return -1;
		}
		hint = b->slot + 1;
		b->servers = calloc(b->conf->n_servers + 1, sizeof(*b->servers));
		if (b->servers == NULL)
			return -1;
		b->n_servers = b->conf->n_servers;
		for (size_t j = 0; j < b->n_servers; j++) {
			struct gen_server *v = &b->servers[j];

			v->conf = &b->conf->servers[j];
			v->be = b;
			b->dynamic |= v->conf->minconn != 0;
			v->slot = child_find_server(
			    s, b->slot, v->conf->name, v->conf->address, srv_hint);
			if (v->slot == SHM_NONE || v->slot >= g->n_by_slot) {
				snprintf(reason, size, "server %s/%s has no slot", b->conf->name,
				    v->conf->name);
				return -1;
			}
			v->epoch = sw32_get(&shm_srv_dir(s, v->slot)->epoch);
			srv_hint = v->slot + 1;
			g->by_slot[v->slot] = v;
		}
	}
	return 0;
}

/* What a frontend lets in may come to these backends: for what fullconn is by default. */
static void
count_users(struct gen *g, const struct conf_frontend *f)
{
	for (size_t i = 0; i < g->n_backends; i++) {
		if (!conf_frontend_uses(f, i))
			continue;
		if (f->maxconn != 0)
			g->backends[i].fe_maxconn += f->maxconn;
		else
			g->backends[i].fe_others++;
	}
}

static int
rules_map(struct gen *g, struct gen_frontend *f)
{
	const struct conf_frontend *c = f->conf;

	count_users(g, c);
	if (c->mode != CONF_MODE_TCP || c->n_rules == 0)
		return 0;
	f->rules = calloc(c->n_rules, sizeof(*f->rules));
	if (f->rules == NULL)
		return -1;
	for (size_t i = 0; i < c->n_rules; i++) {
		struct gen_rule *r = &f->rules[f->n_rules++];

		r->conf = &c->rules[i];
		f->wants_hello |=
		    r->conf->tls != CONF_EITHER || r->conf->sni.n != 0 || r->conf->alpn.n != 0;
		if (r->conf->action == CONF_RULE_USE)
			r->be = &g->backends[r->conf->backend];
	}
	return 0;
}

static int
frontends_map(const struct shm *s, struct gen *g, const struct child_fd *files, size_t n_files,
    char *reason, size_t size)
{
	uint32_t hint = 0;

	for (size_t i = 0; i < g->conf->n_frontends; i++) {
		struct gen_frontend *f = &g->frontends[i];

		f->conf = &g->conf->frontends[i];
		f->gen = g;
		if (f->conf->default_backend < g->n_backends)
			f->be = &g->backends[f->conf->default_backend];
		if (rules_map(g, f) == -1)
			return -1;
		f->slot = child_find_frontend(s, f->conf->name, hint);
		if (f->slot == SHM_NONE) {
			snprintf(reason, size, "frontend %s has no slot", f->conf->name);
			return -1;
		}
		hint = f->slot + 1;
		f->access = calloc(f->conf->n_access + 1, sizeof(*f->access));
		if (f->access == NULL)
			return -1;
		f->n_access = f->conf->n_access;
		for (size_t k = 0; k < f->n_access; k++)
			if (access_read(&f->access[k], &f->conf->access[k], files, n_files, reason,
				size) == -1)
				return -1;
	}
	return 0;
}

static struct conf *
text_read(const char *text, size_t len, char *reason, size_t size)
{
	struct conf_msgs msgs = {0};
	struct conf *c = conf_read_text(text, len, "configuration", &msgs);

	if (c == NULL) {
		snprintf(reason, size, "cannot read the configuration back");
		for (size_t i = 0; i < msgs.n; i++)
			if (msgs.v[i].severity == CONF_ERROR) {
				snprintf(reason, size, "cannot read the configuration back: %s",
				    msgs.v[i].text);
				break;
			}
	}
	conf_msgs_free(&msgs);
	return c;
}

struct gen *
gen_new(const struct shm *s, uint64_t number, const char *text, size_t len,
    const struct child_fd *files, size_t n_files, char *reason, size_t reason_size)
{
	struct gen *g = calloc(1, sizeof(*g));

	snprintf(reason, reason_size, "out of memory");
	if (g == NULL)
		return NULL;
	g->number = number;
	g->refs = 1;
	g->conf = text_read(text, len, reason, reason_size);
	if (g->conf == NULL)
		goto fail;
	snprintf(reason, reason_size, "out of memory");
	g->n_by_slot = sw32_get(&s->master->n_servers);
	g->frontends = calloc(g->conf->n_frontends + 1, sizeof(*g->frontends));
	g->backends = calloc(g->conf->n_backends + 1, sizeof(*g->backends));
	/* An array of pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	g->by_slot = calloc(g->n_by_slot + 1, sizeof(*g->by_slot));
	if (g->frontends == NULL || g->backends == NULL || g->by_slot == NULL)
		goto fail;
	g->n_frontends = g->conf->n_frontends;
	g->n_backends = g->conf->n_backends;
	if (backends_map(s, g, reason, reason_size) == -1 ||
	    frontends_map(s, g, files, n_files, reason, reason_size) == -1)
		goto fail;
	return g;
fail:
	gen_free(g);
	return NULL;
}

void
gen_free(struct gen *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n_frontends; i++) {
		for (size_t k = 0; k < g->frontends[i].n_access; k++)
			free(g->frontends[i].access[k].own);
		free(g->frontends[i].access);
		free(g->frontends[i].rules);
	}
	for (size_t i = 0; i < g->n_backends; i++)
		free(g->backends[i].servers);
	free(g->frontends);
	free(g->backends);
	free(g->by_slot);
	if (g->conf != NULL)
		conf_free(g->conf);
	free(g);
}

struct gen_frontend *
gen_find_bind(const struct gen *g, const char *name, const struct conf_bind **bind)
{
	for (size_t i = 0; i < g->n_frontends; i++)
		for (size_t k = 0; k < g->frontends[i].conf->n_binds; k++)
			if (strcmp(g->frontends[i].conf->binds[k].name, name) == 0) {
				if (bind != NULL)
					*bind = &g->frontends[i].conf->binds[k];
				return &g->frontends[i];
			}
	return NULL;
}
