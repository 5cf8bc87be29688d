/* SPDX-License-Identifier: ISC */
/* Sessions without a server over a reload. Runs in a worker. */
#include "worker/follow.h"

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
			return g->frontends[i].be != NULL ? &g->frontends[i] : NULL;
	return NULL;
}

static void
move(struct session *s, struct gen_frontend *fe)
{
	struct shm *seg = s->w->seg;
	struct gen *old = s->fe->gen;
	bool other = fe->be->slot != s->be->slot;

	if (other)
		limit_release_be(seg, s->be->slot);
	s->srv = s->srv != NULL && !other ? gen_server_at(fe->gen, s->srv->slot) : NULL;
	s->fe = fe;
	s->be = fe->be;
	worker_gen_ref(fe->gen);
	worker_gen_unref(s->w, old);
	if (!other)
		return;
	limit_take_be(seg, s->be->slot, 0);
	sw32_set(&s->rec->be, s->be->slot);
	count_backend(s);
}

void
follow(struct session *s)
{
	struct gen_frontend *fe;

	if (s->fe->gen == s->w->gen)
		return;
	fe = frontend_now(s);
	if (fe != NULL)
		move(s, fe);
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

	if (fe == NULL)
		return;
	if (fe->be->slot == s->be->slot) {
		move(s, fe); /* keeps its turn */
		return;
	}
	wait_leave(s);
	loop_timer_del(s->w->loop, &s->timer);
	move(s, fe);
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
