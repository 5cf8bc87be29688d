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

#define DEAF_MS 1000 /* under load a listener is never quiet */

/* Publishes up to which generation all that was removed is deaf. */
static void
deaf_publish(struct master *m)
{
	uint64_t deaf = m->gen->number;

	for (const struct listener *l = m->listeners; l != NULL; l = l->next)
		if (l->left != 0 && !l->deaf && l->left <= deaf)
			deaf = l->left - 1;
	sw64_set(&m->seg.own_master->deaf, deaf);
}

void
binds_commit(struct master *m)
{
	for (struct listener *l = m->listeners; l != NULL; l = l->next) {
		const struct listener_want *want = want_of(&m->round.wants, l);

		listener_join(l, m->gen->number);
		if (want == NULL) {
			if (l->left == 0) {
				l->left = m->gen->number;
				l->left_at = mono_now();
			}
			continue;
		}
		if (l->left != 0) {
			l->left = 0;
			l->since = m->gen->number;
			listener_hear(l);
		}
		listener_adjust(l, want);
	}
	wants_free(&m->round.wants);
	deaf_publish(m);
}

static bool
all_past(const struct master *m, uint64_t generation, bool quiet)
{
	for (unsigned i = 0; i < m->n_workers; i++) {
		const struct shm_worker *w = shm_worker(&m->seg, i);

		if (m->workers[i].pid != 0 && sw64_get(quiet ? &w->quiet : &w->left) < generation)
			return false;
	}
	return true;
}

void
binds_look(struct master *m)
{
	struct listener **p = &m->listeners, *l;

	if (m->round.phase != ROUND_NONE || m->stopping || m->gen == NULL)
		return; /* it may be coming back */
	while ((l = *p) != NULL) {
		if (l->left != 0 && !l->deaf &&
		    (all_past(m, l->left, true) || mono_diff_ms(mono_now(), l->left_at) >= DEAF_MS))
			listener_deafen(l);
		if (l->left == 0 || !all_past(m, l->left, false)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		log_info("no longer listening on %s", l->name);
		listener_free(l);
	}
	deaf_publish(m);
}

void
binds_stop(struct master *m)
{
	for (struct listener *l = m->listeners; l != NULL; l = l->next)
		listener_deafen(l);
	sw64_set(&m->seg.own_master->deaf, UINT64_MAX);
	listener_free_all(m->listeners);
	m->listeners = NULL;
}
