/* SPDX-License-Identifier: ISC */
/* Sessions without a server over a reload. Runs in a worker. */
#include "worker/follow.h"

#include <string.h>

#include "shm/limit.h"
#include "worker/connect.h"
#include "worker/count.h"
#include "worker/wait.h"

/* The same frontend in the generation in force, or NULL. */
static struct gen_frontend *
frontend_now(const struct session *s)
{
	struct gen *g = s->w->gen;

	for (size_t i = 0; i < g->n_frontends; i++)
		if (g->frontends[i].slot == s->fe->slot)
			return g->frontends[i].conf->mode == CONF_MODE_TCP ? &g->frontends[i]
									   : NULL;
	return NULL;
}

/* The backend there: the one that a rule has chosen, whatever the rules are now; else the
 * frontend's default. NULL: it has gone. */
static struct gen_backend *
backend_now(const struct session *s, const struct gen_frontend *fe)
{
	struct gen *g = fe->gen;

	if (!(s->flags & SESSION_RULED) && fe->be != NULL)
		return fe->be;
	for (size_t i = 0; i < g->n_backends; i++)
		if (g->backends[i].slot == s->be->slot &&
		    strcmp(g->backends[i].conf->name, s->be->conf->name) == 0)
			return &g->backends[i];
	return NULL;
}

static void
move(struct session *s, struct gen_frontend *fe, struct gen_backend *be)
{
	struct shm *seg = s->w->seg;
	struct gen *old = s->fe->gen;
	bool other = be->slot != s->be->slot;

	if (other)
		limit_release_be(seg, s->be->slot);
	s->srv = s->srv != NULL && !other ? gen_server_at(fe->gen, s->srv->slot) : NULL;
	s->fe = fe;
	s->be = be;
	worker_gen_ref(fe->gen);
	worker_gen_unref(s->w, old);
	if (!other)
		return;
	limit_take_be(seg, s->be->slot, 0);
	sw32_set(&s->rec->srv, SHM_NONE); /* it was one of the other backend's */
	count_backend(s);
}

bool
follow(struct session *s)
{
	struct gen_frontend *fe;
	struct gen_backend *be;

	if (s->fe->gen == s->w->gen)
		return true;
	fe = frontend_now(s);
	if (fe == NULL)
		return true;
	be = backend_now(s, fe);
	if (be != NULL)
		move(s, fe, be);
	return be != NULL;
}

bool
follow_soon(const struct session *s)
{
	const struct worker *w = s->w;
	int64_t waited = mono_diff_ms(loop_now(w->loop), (struct mono){s->rec->accept_ns});

	return (w->prepared != NULL || sw64_get(&w->seg->checker->generation) < w->gen->number) &&
	       waited < s->be->conf->timeout_connect_ms;
}

static void
follow_queued(struct session *s)
{
	struct gen_frontend *fe = frontend_now(s);
	struct gen_backend *be;

	if (fe == NULL)
		return;
	be = backend_now(s, fe);
	if (be == NULL) {
		session_end(s, 'S', SESSION_RESET_C);
		return;
	}
	if (be->slot == s->be->slot) {
		move(s, fe, be); /* keeps its turn */
		return;
	}
	wait_leave(s);
	loop_timer_del(s->w->loop, &s->timer);
	move(s, fe, be);
	connect_start(s);
}

void
follow_waiting(struct worker *w)
{
	struct session *next;

	if (w->n_waiting == 0)
		return;
	for (struct session *s = w->live; s != NULL; s = next) {
		next = s->next; /* connect_start may end s */
		if (s->ticket != 0 && s->fe->gen != w->gen)
			follow_queued(s);
	}
	wait_look(w);
}
