/* SPDX-License-Identifier: ISC */
/* Counters of a worker. */
#include "worker/count.h"

#include <string.h>

#include "shm/step.h"

/* How many all workers began in that second, the own ones included. */
static uint32_t
sum_of_second(const struct worker *w, const struct shm_rate *own, uint64_t sec)
{
	size_t at = (size_t)((const char *)own - (const char *)w->own);
	uint32_t n = sw32_get(&w->seg->master->n_workers), sum = 0;

	for (uint32_t i = 0; i < n && i < w->seg->caps->workers; i++) {
		const struct shm_rate *r = (const void *)((const char *)shm_worker(w->seg, i) + at);
		uint64_t s = sw64_get(&r->sec);

		if (s == sec)
			sum += sw32_get(&r->cur);
		else if (s == sec + 1)
			sum += sw32_get(&r->prev);
	}
	return sum;
}

/* The first worker that leaves a second finds all that was begun in it, and nobody finds more: the
 * largest of the workers' maxima is exact. */
void
count_rate(const struct worker *w, struct shm_rate *r, struct mono now)
{
	uint64_t sec = (uint64_t)(now.ns / 1000000000), old = sw64_get(&r->sec);

	if (sec != old) {
		uint32_t sum = sum_of_second(w, r, old);

		if (sum > sw32_get(&r->max))
			sw32_set(&r->max, sum);
		sw32_set(&r->prev, old + 1 == sec ? sw32_get(&r->cur) : 0);
		sw32_set(&r->cur, 0);
		sw64_set(&r->sec, sec);
	}
	sw32_add(&r->cur, 1);
}

void
count_accepted(struct worker *w, const struct gen_frontend *f, struct shm_session *rec)
{
	struct mono now = loop_now(w->loop);
	struct shm_fe_count *c = count_fe(w, f);

	step_add(w->own, &c->sess, 1);
	step_add(w->own, &w->own->cum_conn, 1);
	if (rec != NULL)
		step_set(w->own, &rec->counted, SHM_COUNTED_ACCEPT);
	step_make(w->own);
	count_rate(w, &c->rate, now);
	count_rate(w, &w->own->conn_rate, now);
}

void
count_backend(struct session *s)
{
	struct shm_be_count *c = count_be(s->w, s->be);

	step_add(s->w->own, &c->sess, 1);
	step_set(s->w->own, &s->rec->be, s->be->slot);
	step_make(s->w->own);
	count_rate(s->w, &c->rate, loop_now(s->w->loop));
}

void
count_chosen(struct session *s, bool picked)
{
	struct mono now = loop_now(s->w->loop);
	struct shm_be_count *b = count_be(s->w, s->be);
	struct shm_srv_count *v = count_srv(s->w, s->srv);
	struct shm_worker *own = s->w->own;

	if (picked) {
		step_add(own, &b->lbtot, 1);
		step_add(own, &v->lbtot, 1);
	}
	step_add(own, &v->sess, 1);
	step_set(own, &s->rec->srv, s->srv->slot);
	step_make(own);
	sw64_set(&b->last_ns, (uint64_t)now.ns);
	sw64_set(&v->last_ns, (uint64_t)now.ns);
	count_rate(s->w, &v->rate, now);
}

static void
count_abort(struct session *s)
{
	struct shm_worker *own = s->w->own;
	struct shm_be_count *b = count_be(s->w, s->be);

	if (s->who == 'C' || s->who == 'c') {
		step_add(own, &b->cli_abrt, 1);
		if (s->srv != NULL)
			step_add(own, &count_srv(s->w, s->srv)->cli_abrt, 1);
	} else if ((s->who == 'S' || s->who == 's') && (s->when == 'D' || s->when == 'L')) {
		if (s->who == 'S') { /* an error, as its RST is, no timeout */
			step_add(own, &b->eresp, 1);
			if (s->srv != NULL)
				step_add(own, &count_srv(s->w, s->srv)->eresp, 1);
		}
		step_add(own, &b->srv_abrt, 1);
		if (s->srv != NULL)
			step_add(own, &count_srv(s->w, s->srv)->srv_abrt, 1);
	}
}

static uint64_t
ms_between(int64_t from_ns, uint64_t to_ns)
{
	return to_ns > (uint64_t)from_ns ? (to_ns - (uint64_t)from_ns) / 1000000 : 0;
}

/* Adds a time to its sum, and notes it when it is the longest. */
static void
add_time(struct shm_worker *own, struct sw64 *sum, struct sw32 *max, uint64_t ms)
{
	uint32_t capped = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;

	step_add(own, sum, ms);
	if (capped > sw32_get(max))
		sw32_set(max, capped);
}

static void
count_times(struct session *s)
{
	struct shm_worker *own = s->w->own;
	struct shm_be_count *b = count_be(s->w, s->be);
	struct shm_srv_count *v;
	uint64_t assigned = sw64_get(&s->rec->assigned_ns);
	uint64_t connected = sw64_get(&s->rec->connected_ns), connect;
	uint64_t total = ms_between(s->rec->accept_ns, (uint64_t)loop_now(s->w->loop).ns);

	/* As HAProxy: sessions that no server took are in no mean. */
	if (assigned == 0 || connected == 0 || s->srv == NULL)
		return;
	step_add(own, &b->timed, 1);
	add_time(own, &b->t_ms, &b->t_ms_max, total);
	add_time(own, &b->q_ms, &b->q_ms_max, ms_between(s->rec->accept_ns, assigned));
	v = count_srv(s->w, s->srv);
	connect = ms_between((int64_t)assigned, connected);
	add_time(own, &b->c_ms, &b->c_ms_max, connect);
	step_add(own, &v->timed, 1);
	add_time(own, &v->c_ms, &v->c_ms_max, connect);
	add_time(own, &v->t_ms, &v->t_ms_max, total);
}

void
count_end(struct session *s)
{
	if (s->be != NULL) {
		count_abort(s);
		count_times(s);
	}
	step_set(s->w->own, &s->rec->counted, SHM_COUNTED_ACCEPT | SHM_COUNTED_END);
	step_make(s->w->own);
}

void
count_adopt(struct worker *w, const struct gen *g)
{
	for (size_t i = 0; i < g->n_frontends; i++) {
		struct shm_fe_count *c = count_fe(w, &g->frontends[i]);
		uint32_t epoch = sw32_get(&shm_fe_dir(w->seg, g->frontends[i].slot)->epoch);

		if (sw32_get(&c->epoch) != epoch) {
			memset(c, 0, sizeof(*c));
			sw32_set(&c->epoch, epoch);
		}
	}
	for (size_t i = 0; i < g->n_backends; i++) {
		struct gen_backend *b = &g->backends[i];
		struct shm_be_count *c = count_be(w, b);
		uint32_t epoch = sw32_get(&shm_be_dir(w->seg, b->slot)->epoch);

		if (sw32_get(&c->epoch) != epoch) {
			memset(c, 0, sizeof(*c));
			sw32_set(&c->epoch, epoch);
		}
		for (size_t k = 0; k < b->n_servers; k++) {
			struct gen_server *v = &b->servers[k];
			struct shm_srv_count *sc = count_srv(w, v);
			struct worker_srv *own = &w->srv[v->slot];

			epoch = sw32_get(&shm_srv_dir(w->seg, v->slot)->epoch);
			if (sw32_get(&sc->epoch) != epoch) {
				memset(sc, 0, sizeof(*sc));
				sw32_set(&sc->epoch, epoch);
			}
			if (own->epoch != epoch) {
				own->epoch = epoch;
				own->fails = 0;
				own->out_until.ns = 0;
				own->shut_seq = sw32_get(&shm_health(w->seg, v->slot)->shut_seq);
			}
		}
	}
}
