/* SPDX-License-Identifier: ISC */
/* Waiting sessions of a worker. */
#include "worker/wait.h"

#include "shm/queue.h"
#include "worker/connect.h"

bool
wait_others(const struct session *s)
{
	return queue_anybody_waits(s->w->seg, s->be->slot, loop_now(s->w->loop));
}

static void
dirty(struct worker *w, uint32_t be, bool moved)
{
	struct worker_be *b = &w->be[be];

	b->moved |= moved;
	if (b->dirty)
		return;
	b->dirty = true;
	b->dirty_next = w->dirty;
	w->dirty = b;
}

void
wait_moved(struct worker *w, uint32_t be)
{
	if (queue_waiting(w->seg, be) > 0)
		dirty(w, be, true);
}

bool
wait_join(struct session *s)
{
	struct worker *w = s->w;
	struct worker_be *b = &w->be[s->be->slot];
	struct mono now = loop_now(w->loop);
	uint32_t before = queue_waiting(w->seg, s->be->slot);

	if (!queue_join(w->seg, s->be->slot, sw32_get(&shm_be_dir(w->seg, s->be->slot)->maxqueue),
		now, &s->ticket))
		return false;
	s->queued_behind = before;
	s->srv_next = NULL;
	s->srv_prev = b->tail;
	*b->tail = s;
	b->tail = &s->srv_next;
	if (w->n_waiting++ == 0)
		loop_timer_set(w->loop, &w->wait_timer, mono_add_ms(now, QUEUE_LOOK_MS));
	/* A place may have become free between the look and the joining. Limits with a minconn grow
	 * with the backend's sessions: then the oldest waiter may have gained one, wherever it is.
	 */
	dirty(w, s->be->slot, s->be->dynamic);
	return true;
}

void
wait_leave(struct session *s)
{
	struct worker *w = s->w;
	struct worker_be *b;

	if (s->ticket == 0)
		return;
	b = &w->be[s->be->slot];
	*s->srv_prev = s->srv_next;
	if (s->srv_next != NULL)
		s->srv_next->srv_prev = s->srv_prev;
	else
		b->tail = s->srv_prev;
	s->srv_prev = NULL;
	s->srv_next = NULL;
	s->ticket = 0;
	w->n_waiting--;
	queue_leave(w->seg, s->be->slot, b->waiting != NULL ? b->waiting->ticket : 0);
	dirty(w, s->be->slot, true);
}

static bool
admit(void *arg)
{
	struct worker_be *b = arg;

	return b->waiting != NULL && connect_admit(b->waiting);
}

static void
serve(struct worker *w, struct worker_be *b)
{
	bool moved = b->moved;
	uint32_t be = (uint32_t)(b - w->be), other;

	b->dirty = b->moved = false;
	other = queue_serve(w->seg, be, loop_now(w->loop), moved, admit, b);
	if (other != SHM_NONE)
		child_ring_worker(w->child, other);
}

void
wait_serve(struct worker *w)
{
	struct worker_be *list = w->dirty;

	/* What moves while these are served stands in a new list: the next turn's. */
	w->dirty = NULL;
	while (list != NULL) {
		struct worker_be *b = list;

		list = b->dirty_next;
		serve(w, b);
	}
}

void
wait_look(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_backends);

	for (uint32_t i = 0; i < n && w->n_waiting > 0; i++)
		if (w->be[i].waiting != NULL)
			dirty(w, i, false);
}

static void
on_timer(struct loop_timer *t)
{
	struct worker *w =
	    (struct worker *)(void *)((char *)t - offsetof(struct worker, wait_timer));

	wait_look(w);
	if (w->n_waiting > 0)
		loop_timer_set(w->loop, t, mono_add_ms(loop_now(w->loop), QUEUE_LOOK_MS));
}

void
wait_init(struct worker *w)
{
	w->wait_timer.cb = on_timer;
	for (uint32_t i = 0; i < w->seg->caps->backends; i++)
		w->be[i].tail = &w->be[i].waiting;
}
