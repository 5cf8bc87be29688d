/* SPDX-License-Identifier: ISC */
/* What a worker does because another asked all of them. */
#include "worker/call.h"

#include "shm/request.h"
#include "worker/session.h"

static void
shutdown_session(struct worker *w, uint64_t id)
{
	for (struct session *s = w->live; s != NULL; s = s->next)
		if (s->rec != NULL && s->rec->id == id) {
			/* At once: who asked may look for it as soon as all have answered. */
			if (s->who == '\0') /* not doomed yet */
				session_end(s, 'K', SESSION_RESET);
			return;
		}
}

static void
clear_words(struct sw64 *from, const struct sw64 *to)
{
	for (; from < to; from++)
		sw64_set(from, 0);
}

/* The last seconds too: their sum may be a maximum that nobody has made yet. */
static void
clear_rate(struct shm_rate *r)
{
	sw32_set(&r->cur, 0);
	sw32_set(&r->prev, 0);
	sw32_set(&r->max, 0);
}

/* Maxima only, or all counts too; what is open now is not counted here and stays. */
static void
clear_frontend(struct shm_fe_count *c, bool all)
{
	sw32_set(&c->cur_max, 0);
	clear_rate(&c->rate);
	if (all)
		clear_words(&c->sess, (struct sw64 *)(void *)&c->rate);
}

static void
clear_backend(struct shm_be_count *c, bool all)
{
	sw32_set(&c->cur_max, 0);
	sw32_set(&c->queue_max, 0);
	sw32_set(&c->q_ms_max, 0);
	sw32_set(&c->c_ms_max, 0);
	sw32_set(&c->t_ms_max, 0);
	clear_rate(&c->rate);
	if (all) {
		clear_words(&c->sess, (struct sw64 *)(void *)&c->queue_max);
		clear_words(&c->q_ms, (struct sw64 *)(void *)&c->rate);
	}
}

static void
clear_server(struct shm_srv_count *c, bool all)
{
	sw32_set(&c->cur_max, 0);
	sw32_set(&c->c_ms_max, 0);
	sw32_set(&c->t_ms_max, 0);
	clear_rate(&c->rate);
	if (all) {
		clear_words(&c->sess, &c->last_ns);
		clear_words(&c->c_ms, (struct sw64 *)(void *)&c->rate);
	}
}

static void
clear_counters(struct worker *w, bool all)
{
	const struct shm_master *m = w->seg->master;

	for (uint32_t i = 0; i < sw32_get(&m->n_frontends); i++)
		clear_frontend(&SHM_OWN(w->seg, w->own, fe)[i], all);
	for (uint32_t i = 0; i < sw32_get(&m->n_backends); i++)
		clear_backend(&SHM_OWN(w->seg, w->own, be)[i], all);
	for (uint32_t i = 0; i < sw32_get(&m->n_servers); i++)
		clear_server(&SHM_OWN(w->seg, w->own, srv)[i], all);
	sw32_set(&w->own->held_max, 0);
	clear_rate(&w->own->conn_rate);
	if (!all)
		return;
	sw64_set(&w->own->cum_conn, 0);
	sw64_set(&w->own->cum_req, 0);
	sw64_set(&w->own->bytes_out, 0);
	sw64_set(&w->own->spliced, 0);
}

static void
carry_out(struct worker *w, uint32_t kind, uint64_t value)
{
	switch (kind) {
	case SHM_CALL_SHUTDOWN:
		shutdown_session(w, value);
		break;
	case SHM_CALL_CLEAR_MAX:
	case SHM_CALL_CLEAR:
		clear_counters(w, kind == SHM_CALL_CLEAR);
		break;
	default:
		break;
	}
}

void
call_look(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers);

	for (uint32_t i = 0; i < n && i < SHM_MAX_WORKERS; i++) {
		const struct shm_worker *from = shm_worker(w->seg, i);
		uint64_t seq = sw64_get(&from->call_seq);

		if (seq == sw64_get(&w->own->called[i]))
			continue;
		carry_out(w, sw32_get(&from->call_kind), sw64_get(&from->call_value));
		sw64_set(&w->own->called[i], seq);
		child_ring_worker(w->child, i);
	}
}
