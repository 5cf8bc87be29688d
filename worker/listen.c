/* SPDX-License-Identifier: ISC */
/* Which queues a worker polls, and the coming and going of listeners. */
#include "worker/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/limit.h"
#include "worker/accept.h"
#include "worker/admit.h"
#include "worker/leave.h"
#include "worker/misc.h"

struct listener_set {
	struct worker *w;
	struct listener *all;
	struct listener *prepared;
	bool rested; /* has just stopped to take part in a shared queue */
	struct loop_timer empty_timer;
};

bool
listen_share(uint32_t own, uint32_t sum, uint32_t live)
{
	uint32_t mean = live > 0 ? sum / live : 0;

	return own <= mean + mean / 8 + 8;
}

bool
listen_shared_turn(const struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers), live = 0;

	for (uint32_t i = 0; i < n; i++)
		live += shm_mask_has(w->seg->master->live, i);
	return listen_share(w->n_sessions, limit_sum_global(w->seg), live);
}

static void
on_queue(struct loop_fd *f, uint32_t events)
{
	struct lqueue *q = (struct lqueue *)(void *)((char *)f - offsetof(struct lqueue, f));

	(void)events;
	accept_queue(q->w, q);
}

/* ---- what is polled ------------------------------------------------------------------------- */

/* A reload has made do with fewer workers: this one takes no more. */
static bool
drained(const struct worker *w)
{
	uint32_t wanted = sw32_get(&w->seg->master->wanted);

	return wanted != 0 && w->index >= wanted;
}

/* Who takes from it: queues of workers that are not wanted any more are spread over the others. */
static uint32_t
owner_of(const struct worker *w, const struct lqueue *q)
{
	uint32_t wanted = sw32_get(&w->seg->master->wanted);

	return q->owner == PROTO_SHARED || q->owner < wanted || wanted == 0 ? q->owner
									    : q->owner % wanted;
}

/* Polled now? *exclusive: others poll it too. */
static bool
queue_wanted(const struct worker *w, const struct lqueue *q, bool *exclusive)
{
	const struct listener *l = q->l;
	uint32_t owner = owner_of(w, q);

	*exclusive = q->owner != w->index;
	if (accept_paused(w, q) || drained(w))
		return false;
	if (l->full || w->retry_at.ns != 0 || (l->leaving && l->inherited))
		return false;
	if (owner == w->index || l->leaving)
		return true; /* of one that leaves all take all: nobody knows who closes it last */
	if (owner == PROTO_SHARED)
		return listen_shared_turn(w);
	return owner < SHM_MAX_WORKERS && shm_mask_has(w->seg->master->absent, owner);
}

static void
queue_poll(struct worker *w, struct lqueue *q)
{
	bool exclusive, want = queue_wanted(w, q, &exclusive);

	if (want == (q->f.fd != -1))
		return;
	if (!want) {
		loop_fd_del(w->loop, &q->f);
		w->listen->rested |= q->owner == PROTO_SHARED && !q->l->full && !q->l->leaving;
	} else if (loop_fd_add(w->loop, &q->f, q->fd,
		       EPOLLIN | (exclusive ? (uint32_t)EPOLLEXCLUSIVE : 0)) == -1)
		worker_exhausted(w, "epoll", errno);
}

/* Whoever rested before us may not know that it is his turn again. */
static void
ring_others(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers);

	w->listen->rested = false;
	for (uint32_t i = 0; i < n; i++)
		if (i != w->index && shm_mask_has(w->seg->master->live, i))
			child_ring_worker(w->child, i);
}

void
listen_update(struct worker *w)
{
	uint32_t adopted = 0;

	for (struct listener *l = w->listen->all; l != NULL; l = l->next)
		for (size_t i = 0; i < l->n_queues; i++) {
			struct lqueue *q = l->queues[i];

			queue_poll(w, q);
			adopted +=
			    q->f.fd != -1 && q->owner != w->index && q->owner != PROTO_SHARED;
		}
	if (sw32_get(&w->own->adopted) != adopted)
		sw32_set(&w->own->adopted, adopted);
	if (w->listen->rested)
		ring_others(w);
}

static bool
room_for(struct worker *w, const struct listener *l)
{
	if (l->control || l->fe->conf->mode != CONF_MODE_TCP)
		return limit_sum_misc(w->seg) < LIMIT_MISC || misc_evict(w);
	return admit_rate_room(w, l->fe) && admit_room_frontend(w, l->fe) && admit_room_global(w);
}

/* An absent worker may have been woken for a connection in a shared queue that it will not take,
 * and the kernel wakes nobody else for that one: registering anew finds it. */
static void
shared_poll_anew(struct worker *w)
{
	uint64_t absent = 0;

	for (size_t i = 0; i < SHM_MAX_WORKERS / 64; i++)
		absent |= sw64_get(&w->seg->master->absent[i]);
	for (struct listener *l = w->listen->all; absent != 0 && l != NULL; l = l->next)
		for (size_t i = 0; i < l->n_queues; i++)
			if (l->queues[i]->owner == PROTO_SHARED)
				loop_fd_del(w->loop, &l->queues[i]->f);
}

void
listen_look(struct worker *w)
{
	bool exclusive;

	w->look = false;
	shared_poll_anew(w);
	for (struct listener *l = w->listen->all; l != NULL; l = l->next) {
		if (!l->full || !room_for(w, l))
			continue;
		l->full = false;
		l->rung = true;
		/* Takes what waits now, before anything is registered: often the place is gone
		 * again then. If nobody waits it goes on to a worker that has somebody. */
		for (size_t i = 0; !l->full && i < l->n_queues; i++)
			if (queue_wanted(w, l->queues[i], &exclusive))
				accept_queue(w, l->queues[i]);
	}
	listen_update(w);
}

/* ---- generations ---------------------------------------------------------------------------- */

static void
listener_free(struct worker *w, struct listener *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_queues; i++) {
		loop_fd_del(w->loop, &l->queues[i]->f);
		close(l->queues[i]->fd);
		free(l->queues[i]);
	}
	free(l->queues);
	free(l->name);
	free(l);
}

static struct listener *
find(struct listener *list, const char *name, bool leaving_too)
{
	for (; list != NULL; list = list->next)
		if ((leaving_too || !list->leaving) && strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

static bool
is_tcp(int fd)
{
	int domain = AF_UNIX;
	socklen_t n = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain != AF_UNIX;
}

static int
queue_add(struct worker *w, struct listener *l, struct child_fd *f)
{
	struct lqueue **v = realloc(l->queues, (l->n_queues + 1) * sizeof(struct lqueue *));
	struct lqueue *q;

	if (v == NULL)
		return -1;
	l->queues = v;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return -1;
	q->f.cb = on_queue;
	q->f.fd = -1;
	q->w = w;
	q->l = l;
	q->fd = f->fd;
	q->owner = f->meta.queue;
	q->tcp =
	    (f->meta.kind == PROTO_FD_LISTEN || f->meta.kind == PROTO_FD_CONTROL) && is_tcp(f->fd);
	q->batch = 1;
	f->fd = -1;
	v[l->n_queues++] = q;
	return 0;
}

static int
fd_take(struct worker *w, struct child_fd *f)
{
	struct listener_set *set = w->listen;
	struct listener *l = find(set->prepared, f->meta.name, true);

	if (l == NULL) {
		l = calloc(1, sizeof(*l));
		if (l == NULL)
			return -1;
		l->name = strdup(f->meta.name);
		if (l->name == NULL) {
			free(l);
			return -1;
		}
		l->inherited = f->meta.kind == PROTO_FD_INHERITED ||
			       f->meta.kind == PROTO_FD_CONTROL_INHERITED;
		l->control =
		    f->meta.kind == PROTO_FD_CONTROL || f->meta.kind == PROTO_FD_CONTROL_INHERITED;
		l->next = set->prepared;
		set->prepared = l;
	}
	return queue_add(w, l, f);
}

struct listener_set *
listen_new(struct worker *w)
{
	struct listener_set *set = calloc(1, sizeof(*set));

	if (set != NULL)
		set->w = w;
	return set;
}

void
listen_abort(struct worker *w)
{
	while (w->listen->prepared != NULL) {
		struct listener *l = w->listen->prepared;

		w->listen->prepared = l->next;
		listener_free(w, l);
	}
}

/* Queues of workers that this generation adds to a listener that we have? */
static bool
extends(const struct listener *l, const struct listener *more)
{
	for (size_t i = 0; i < l->n_queues; i++)
		for (size_t k = 0; k < more->n_queues; k++)
			if (l->queues[i]->owner == more->queues[k]->owner)
				return false;
	return true;
}

/* Room for them, so that the commit cannot fail. */
static int
extend_prepare(struct listener_set *set)
{
	for (struct listener *m = set->prepared; m != NULL; m = m->next) {
		struct listener *l = find(set->all, m->name, false);
		struct lqueue **v;

		if (l == NULL || !extends(l, m))
			continue;
		v = realloc(l->queues, (l->n_queues + m->n_queues) * sizeof(struct lqueue *));
		if (v == NULL)
			return -1;
		l->queues = v;
	}
	return 0;
}

int
listen_prepare(struct worker *w, const struct gen *g, struct child_fd *fds, size_t n_fds,
    char *reason, size_t reason_size)
{
	for (size_t i = 0; i < n_fds; i++) {
		if (fds[i].fd == -1 || (fds[i].meta.kind != PROTO_FD_LISTEN &&
					   fds[i].meta.kind != PROTO_FD_INHERITED &&
					   fds[i].meta.kind != PROTO_FD_CONTROL &&
					   fds[i].meta.kind != PROTO_FD_CONTROL_INHERITED))
			continue;
		if (fd_take(w, &fds[i]) == -1) {
			snprintf(reason, reason_size, "out of memory");
			listen_abort(w);
			return -1;
		}
	}
	if (extend_prepare(w->listen) == -1) {
		snprintf(reason, reason_size, "out of memory");
		listen_abort(w);
		return -1;
	}
	for (size_t i = 0; i < g->n_frontends; i++) {
		const struct conf_frontend *f = g->frontends[i].conf;

		for (size_t k = 0; k < f->n_binds; k++)
			if (find(w->listen->prepared, f->binds[k].name, true) == NULL &&
			    find(w->listen->all, f->binds[k].name, false) == NULL) {
				snprintf(reason, reason_size,
				    "no socket came for %s of frontend %s", f->binds[k].name,
				    f->name);
				listen_abort(w);
				return -1;
			}
	}
	return 0;
}

static void
listener_close(struct worker *w, struct listener **at)
{
	struct listener *l = *at;
	struct gen *g = l->leaving && l->fe != NULL ? l->fe->gen : NULL;

	*at = l->next;
	listener_free(w, l);
	if (g != NULL)
		worker_gen_unref(w, g);
}

/* Closes those that are empty, looks again while there are others. */
static void
on_empty(struct loop_timer *t)
{
	struct listener_set *set =
	    (struct listener_set *)(void *)((char *)t - offsetof(struct listener_set, empty_timer));
	struct worker *w = set->w;
	struct mono now = loop_now(w->loop);
	bool more = false;

	for (struct listener **p = &set->all, *l; (l = *p) != NULL;) {
		if (l->leaving && leave_step(w, l, now)) {
			listener_close(w, p);
			continue;
		}
		more |= l->leaving;
		p = &l->next;
	}
	leave_publish(w, w->listen->all);
	if (more)
		loop_timer_set(w->loop, t, mono_add_ms(now, LEAVE_EMPTY_MS / 2));
	else if (w->stopping)
		worker_check_stopped(w);
}

static void
empty_begin(struct worker *w)
{
	w->listen->empty_timer.cb = on_empty;
	loop_timer_set(
	    w->loop, &w->listen->empty_timer, mono_add_ms(loop_now(w->loop), LEAVE_EMPTY_MS));
}

static void
extend_commit(struct listener_set *set)
{
	for (struct listener **at = &set->prepared, *m; (m = *at) != NULL;) {
		struct listener *l = find(set->all, m->name, false);

		if (l == NULL || !extends(l, m)) {
			at = &m->next;
			continue;
		}
		for (size_t i = 0; i < m->n_queues; i++) {
			m->queues[i]->l = l;
			l->queues[l->n_queues++] = m->queues[i];
		}
		*at = m->next;
		m->n_queues = 0;
		listener_free(set->w, m);
	}
}

/* Descriptors of one and the same socket? */
static bool
same_socket(const struct listener *a, const struct listener *b)
{
	uint64_t x = 0, y = 1;
	socklen_t n = sizeof(x), k = sizeof(y);

	return getsockopt(a->queues[0]->fd, SOL_SOCKET, SO_COOKIE, &x, &n) == 0 &&
	       getsockopt(b->queues[0]->fd, SOL_SOCKET, SO_COOKIE, &y, &k) == 0 && x == y;
}

static bool
still_wanted(const struct worker *w, const struct listener *l)
{
	return l->control ? conf_find_control(&w->gen->conf->global, l->name) != NULL
			  : l->fe != NULL;
}

/* Who is late with one generation is sent for the next what came with the former, though it may not
 * name it any more: what we hold of it by then leaves as usual. */
static void
drop_unwanted(struct worker *w)
{
	for (struct listener **at = &w->listen->prepared, *l; (l = *at) != NULL;) {
		l->fe = l->control ? NULL : gen_find_bind(w->gen, l->name, &l->bind);
		if (still_wanted(w, l)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		listener_free(w, l);
	}
}

/* One that the generation before had: it stays, leaves, or has come back in prepared. Returns
 * whether it is closed. */
static bool
commit_old(struct worker *w, struct listener **at, bool *left)
{
	struct listener *l = *at, *again = find(w->listen->prepared, l->name, true);
	struct gen_frontend *old = l->fe;
	const struct conf_bind *old_bind = l->bind;

	if (again != NULL && same_socket(l, again)) {
		listener_close(w, at);
		return true;
	}
	if (l->leaving)
		return false;
	l->fe = l->control ? NULL : gen_find_bind(w->gen, l->name, &l->bind);
	if (again == NULL && still_wanted(w, l)) {
		l->full = false;
		return false;
	}
	l->fe = old;
	l->bind = old_bind;
	leave_begin(w, l); /* holds their generation */
	*left = true;
	return false;
}

void
listen_commit(struct worker *w)
{
	struct listener_set *set = w->listen;
	struct listener **at = &set->all;
	bool left = false;

	drop_unwanted(w);
	extend_commit(set);
	while (*at != NULL)
		if (!commit_old(w, at, &left))
			at = &(*at)->next;
	*at = set->prepared;
	set->prepared = NULL;
	for (struct listener *l = *at; l != NULL; l = l->next)
		l->fe = gen_find_bind(w->gen, l->name, &l->bind);
	if (left)
		empty_begin(w);
	listen_update(w);
	leave_publish(w, w->listen->all);
}

void
listen_leave(struct worker *w)
{
	/* One that is drained holds copies only: the others go on with the queues. */
	while (drained(w) && w->listen->all != NULL)
		listener_close(w, &w->listen->all);
	for (struct listener *l = w->listen->all; l != NULL; l = l->next)
		if (!l->leaving)
			leave_begin(w, l);
	empty_begin(w);
	listen_update(w);
}

bool
listen_gone(const struct worker *w)
{
	return w->listen->all == NULL;
}
