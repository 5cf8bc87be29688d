/* SPDX-License-Identifier: ISC */
/*
 * Listeners over generations. One that the configuration does not name any more stays open here
 * until every worker has taken what waited and closed its own copies (hard-parts.md 1): a reload
 * that brings the address back in the meantime finds the socket, and nobody else can take it.
 */
#include <string.h>

#include "lib/log.h"
#include "master/master.h"

static const struct listener_want *
want_of(const struct wants *w, const struct listener *l)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].name, l->name) == 0)
			return &w->v[i];
	return NULL;
}

void
binds_commit(struct master *m)
{
	struct listener_error err;
	struct wants w;

	if (wants_listeners(&w, m, m->gen->conf, &err) == -1)
		return;
	for (struct listener *l = m->listeners; l != NULL; l = l->next) {
		const struct listener_want *want = want_of(&w, l);

		if (want == NULL) {
			if (l->left == 0)
				l->left = m->gen->number;
			continue;
		}
		if (l->left != 0) {
			l->left = 0;
			l->since = m->gen->number;
		}
		listener_adjust(l, want);
	}
	wants_free(&w);
}

static bool
closed_by_all(const struct master *m, const struct listener *l)
{
	for (unsigned i = 0; i < m->n_workers; i++)
		if (m->workers[i].pid != 0 && sw64_get(&shm_worker(&m->seg, i)->left) < l->left)
			return false;
	return true;
}

void
binds_reap(struct master *m)
{
	struct listener **p = &m->listeners, *l;

	if (m->round.phase != ROUND_NONE)
		return; /* it may be coming back */
	while ((l = *p) != NULL) {
		if (l->left == 0 || !closed_by_all(m, l)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		log_info("no longer listening on %s", l->name);
		listener_free(l);
	}
}
