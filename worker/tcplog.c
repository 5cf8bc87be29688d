/* SPDX-License-Identifier: ISC */
/* Lines about sessions: see tcplog.h. Runs in workers, and in the master for those of dead ones. */
#include "worker/tcplog.h"

#include "shm/limit.h"
#include "shm/sessrec.h"
#include "worker/record.h"
#include "worker/session.h"

static const struct logformat *
program_of(const struct conf_frontend *fe)
{
	return fe != NULL && fe->log_program != NULL ? fe->log_program : logformat_tcplog();
}

static bool
wanted(const struct session *s)
{
	const struct conf_frontend *fe = s->fe->conf;
	const struct shm_session *r = s->rec;

	if (!fe->tcplog || !log_wanted(LOG_INFO) || (fe->dontlog_normal && s->who == '-'))
		return false;
	return !fe->dontlognull || sw64_get(&r->bytes_in) != 0 || sw64_get(&r->bytes_out) != 0 ||
	       (s->who != '-' && s->who != 'C' && s->who != 'c');
}

void
tcplog_ask(struct session *s)
{
	const struct logformat *p = program_of(s->fe->conf);

	if ((!p->ends && !p->json && !log_fields_wanted(LOG_INFO)) || !wanted(s))
		return;
	sessrec_begin(s->rec);
	if (s->rec->local.family == 0)
		record_ask_end(&s->rec->local, s->c.fd);
	if (s->rec->source.family == 0)
		record_ask_end(&s->rec->source, s->s.fd);
	sessrec_end(s->rec);
}

void
tcplog_write(const struct conf_frontend *fe, const struct logline *l)
{
	static char line[LOGLINE_MOST];
	struct log_field f[LOGLINE_FIELDS];
	struct logline_room room;
	size_t n = logline_render(program_of(fe), l, line, sizeof(line));

	if (log_fields_wanted(LOG_INFO))
		log_line_fields(LOG_INFO, line, n, f, logline_fields(l, f, &room));
	else
		log_line(LOG_INFO, line, n);
}

static int64_t
ms_from(int64_t from_ns, uint64_t to_ns)
{
	return to_ns == 0 ? -1 : mono_minus((int64_t)to_ns, from_ns) / 1000000;
}

void
tcplog_record(struct logline *l, const struct shm_session *r, int64_t now_ns)
{
	uint64_t assigned = sw64_get(&r->assigned_ns);
	bool queued = sw32_get(&r->phase) == SHM_PH_QUEUE && l->state[0] != 'P'; /* P: no place */

	l->client = r->client;
	l->local = r->local;
	l->source = r->source;
	l->accept_wall_us = r->accept_wall_us;
	l->id = r->id;
	l->handshake_ms = sw32_get(&r->handshake_ms);
	/* As HAProxy: of one that ended in the queue, how long it waited. */
	l->wait_ms = ms_from(r->accept_ns, assigned == 0 && queued ? (uint64_t)now_ns : assigned);
	if (l->wait_ms > 0)
		l->wait_ms -= l->handshake_ms;
	l->connect_ms = assigned == 0 ? -1 : ms_from((int64_t)assigned, sw64_get(&r->connected_ns));
	l->total_ms = mono_minus(now_ns, r->accept_ns) / 1000000;
	l->bytes_in = sw64_get(&r->bytes_in);
	l->bytes_out = sw64_get(&r->bytes_out);
	l->retries = sw32_get(&r->retries) & INT32_MAX;
	l->redispatched = sw32_get(&r->retries) >> 31 != 0;
}

void
tcplog_session(const struct session *s)
{
	const struct shm *seg = s->w->seg;
	struct logline l;

	if (!wanted(s))
		return;
	l = (struct logline){.frontend = s->fe->conf->name,
	    .backend = s->be != NULL ? s->be->conf->name : s->fe->conf->name, /* as HAProxy */
	    .server = s->srv != NULL ? s->srv->conf->name : NULL,
	    .host = log_host(),
	    .pid = sw32_get(&s->w->own->pid),
	    .state = {s->who, s->when},
	    .actconn = limit_sum_global(seg),
	    .feconn = limit_sum_fe(seg, s->fe->slot),
	    .beconn = s->be != NULL ? limit_sum_be(seg, s->be->slot) : 0,
	    .srv_conn = s->srv != NULL ? limit_sum_srv(seg, s->srv->slot) : 0,
	    .be_queue = s->queued_behind};
	tcplog_record(&l, s->rec, loop_now(s->w->loop).ns);
	l.redispatched = (s->flags & SESSION_REDISP) != 0;
	if (s->srv != NULL)
		l.server_at = s->rec->server;
	tcplog_write(s->fe->conf, &l);
}
