/* SPDX-License-Identifier: ISC */
/*
 * Counters in the worker's own section: one writer, read by all. Everything here is memory only.
 */
#ifndef WORKER_COUNT_H
#define WORKER_COUNT_H

#include "worker/session.h"

static inline struct shm_fe_count *
count_fe(const struct worker *w, const struct gen_frontend *f)
{
	return &SHM_OWN(w->seg, w->own, fe)[f->slot];
}
static inline struct shm_be_count *
count_be(const struct worker *w, const struct gen_backend *b)
{
	return &SHM_OWN(w->seg, w->own, be)[b->slot];
}
static inline struct shm_srv_count *
count_srv(const struct worker *w, const struct gen_server *v)
{
	return &SHM_OWN(w->seg, w->own, srv)[v->slot];
}

static inline void
count_active(struct session *s)
{
	s->active = loop_now(s->w->loop);
	sw64_set(&s->rec->active_ns, (uint64_t)s->active.ns);
}

/* n bytes were read from the client or from the server. */
static inline void
count_bytes(struct session *s, bool from_client, size_t n)
{
	struct worker *w = s->w;

	count_active(s);
	if (from_client) {
		sw64_add(&s->rec->bytes_in, n);
		sw64_add(&count_fe(w, s->fe)->bytes_in, n);
		sw64_add(&count_be(w, s->be)->bytes_in, n);
		sw64_add(&count_srv(w, s->srv)->bytes_in, n);
	} else {
		sw64_add(&s->rec->bytes_out, n);
		sw64_add(&count_fe(w, s->fe)->bytes_out, n);
		sw64_add(&count_be(w, s->be)->bytes_out, n);
		sw64_add(&count_srv(w, s->srv)->bytes_out, n);
		sw64_add(&w->own->bytes_out, n);
	}
}

static inline void
count_spliced(struct worker *w, size_t n)
{
	sw64_add(&w->own->spliced, n);
}

/* One more in the second of now; r lies in the own section. */
void count_rate(const struct worker *w, struct shm_rate *r, struct mono now);

/*
 * These count and note in the record that it is counted, in one step (shm/step.h): whatever a
 * worker is killed at, the master finds each of its sessions counted or not.
 */
/* An accepted connection of a frontend; rec: NULL for what is no session. */
void count_accepted(struct worker *w, const struct gen_frontend *f, struct shm_session *rec);
/* A session has been given to its backend; a server was chosen for it. Sets them in the record. */
void count_backend(struct session *s);
void count_chosen(struct session *s, bool picked); /* picked: by the balancing (lbtot) */
/* The end of a session: times and who broke off. */
void count_end(struct session *s);

/* Slots whose directory entry has another owner now start from zero. */
void count_adopt(struct worker *w, const struct gen *g);

#endif
