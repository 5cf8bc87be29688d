/* SPDX-License-Identifier: ISC */
/* Descriptors by name; see held.h. */
#include "checker/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
reserve(struct held *h, size_t more)
{
	struct held_fd *v = realloc(h->v, (h->n + more + 1) * sizeof(*v));

	if (v == NULL)
		return -1;
	h->v = v;
	return 0;
}

static struct held_fd *
find(const struct held *h, uint32_t kind, const char *name)
{
	for (size_t i = 0; h != NULL && i < h->n; i++)
		if (h->v[i].kind == kind && strcmp(h->v[i].name, name) == 0)
			return &h->v[i];
	return NULL;
}

int
held_find(const struct held *h, uint32_t kind, const char *name)
{
	const struct held_fd *f = find(h, kind, name);

	return f == NULL ? -1 : f->fd;
}

int
held_take(struct held *h, struct child_fd *fds, size_t n_fds)
{
	if (reserve(h, n_fds) == -1)
		return -1;
	for (size_t i = 0; i < n_fds; i++) {
		struct held_fd *f = &h->v[h->n];

		if (fds[i].meta.kind != PROTO_FD_FILE && fds[i].meta.kind != PROTO_FD_LOG)
			continue;
		f->kind = fds[i].meta.kind;
		f->fd = fds[i].fd;
		snprintf(f->name, sizeof(f->name), "%s", fds[i].meta.name);
		fds[i].fd = -1;
		h->n++;
	}
	return 0;
}

int
held_reserve(struct held *to, const struct held *from)
{
	return reserve(to, from->n);
}

void
held_merge(struct held *to, struct held *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct held_fd *old = find(to, from->v[i].kind, from->v[i].name);

		if (old == NULL) {
			to->v[to->n++] = from->v[i];
			continue;
		}
		close(old->fd);
		old->fd = from->v[i].fd;
	}
	from->n = 0;
}

void
held_drop(struct held *h)
{
	for (size_t i = 0; i < h->n; i++)
		close(h->v[i].fd);
	free(h->v);
	*h = (struct held){0};
}
