/* SPDX-License-Identifier: ISC */
/*
 * The last word on the sessions of a dead worker: their records lie in its slot of the segment, so
 * each still gets its log line, with the termination state of a kill. The slot is the master's now.
 */
#include <string.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/limit.h"
#include "shm/step.h"
#include "worker/record.h"
#include "worker/tcplog.h"

#define LINES_MOST 1000 /* a worker with 10,000 sessions must not hold up the respawn */

static const char *
name_of(uint32_t slot, uint32_t n, const char *name)
{
	return slot < n ? name : "<NONE>";
}

static char
phase_letter(uint32_t phase)
{
	switch (phase) {
	case SHM_PH_REQUEST:
		return 'R';
	case SHM_PH_QUEUE:
		return 'Q';
	case SHM_PH_CONNECT:
		return 'C';
	case SHM_PH_LAST:
		return 'L';
	default:
		return 'D';
	}
}

/* By name: its place in the file is not its slot. NULL: it is in no configuration any more. */
static const struct conf_frontend *
frontend_of(const struct master *m, const char *name)
{
	const struct conf *c = m->gen != NULL ? m->gen->conf : NULL;

	for (size_t i = 0; c != NULL && i < c->n_frontends; i++)
		if (strcmp(c->frontends[i].name, name) == 0)
			return &c->frontends[i];
	return NULL;
}

static void
bury_one(struct master *m, const struct shm_session *r, uint32_t pid, int64_t now_ns)
{
	struct shm *s = &m->seg;
	uint32_t fe = sw32_get(&r->fe), be = sw32_get(&r->be), srv = sw32_get(&r->srv);
	uint32_t n_fe = sw32_get(&s->master->n_frontends), n_be = sw32_get(&s->master->n_backends),
		 n_srv = sw32_get(&s->master->n_servers);
	struct logline l = {.frontend = name_of(fe, n_fe, fe < n_fe ? shm_fe_dir(s, fe)->name : ""),
	    /* None yet: content rules had not decided; the frontend's name stands there. */
	    .backend = be < n_be ? shm_be_dir(s, be)->name
				 : name_of(fe, n_fe, fe < n_fe ? shm_fe_dir(s, fe)->name : ""),
	    .server = srv < n_srv ? shm_srv_dir(s, srv)->name : NULL,
	    .host = log_host(),
	    .pid = pid,
	    .state = {'K', phase_letter(sw32_get(&r->phase))},
	    .actconn = limit_sum_global(s),
	    .feconn = fe < n_fe ? limit_sum_fe(s, fe) : 0,
	    .beconn = be < n_be ? limit_sum_be(s, be) : 0,
	    .srv_conn = srv < n_srv ? limit_sum_srv(s, srv) : 0};
	const struct conf_frontend *conf = frontend_of(m, l.frontend);
	struct sock_addr addr;

	if ((conf != NULL && !conf->tcplog) || !log_wanted(LOG_INFO))
		return;
	tcplog_record(&l, r, now_ns);
	if (r->server.family != 0)
		l.server_at = r->server;
	else if (srv < n_srv && sock_addr_parse(&addr, shm_srv_dir(s, srv)->addr, true) == 0)
		record_set_end(&l.server_at, &addr);
	tcplog_write(conf, &l);
}

/* Killed between accepting it and counting it. */
static void
count_missed(const struct shm *s, struct shm_worker *w, const struct shm_session *r)
{
	uint32_t fe = sw32_get(&r->fe);

	if ((sw32_get(&r->counted) & SHM_COUNTED_ACCEPT) != 0 || fe >= s->caps->frontends)
		return;
	sw64_add(&SHM_OWN(s, w, fe)[fe].sess, 1);
	sw64_add(&w->cum_conn, 1);
}

unsigned
sessions_bury(struct master *m, unsigned w)
{
	struct shm_worker *x = shm_dead_worker(&m->seg, w);
	const struct shm_session *rec = shm_sessions(&m->seg, x);
	uint32_t n = sw32_get(&x->n_sessions);
	int64_t now_ns = mono_now().ns;
	unsigned lost = 0, lines = 0;

	step_settle(&m->seg, x);
	if (n > m->seg.caps->sessions)
		n = m->seg.caps->sessions;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t phase = sw32_get(&rec[i].phase);

		/* An odd number: killed while it wrote this record. It is a session all the same.
		 */
		if (phase == SHM_PH_FREE || phase > SHM_PH_CLOSED)
			continue;
		count_missed(&m->seg, x, &rec[i]);
		if ((sw32_get(&rec[i].counted) & SHM_COUNTED_LOG) != 0)
			continue;
		lost += (sw32_get(&rec[i].counted) & SHM_COUNTED_END) == 0;
		if (lines++ < LINES_MOST)
			bury_one(m, &rec[i], sw32_get(&x->pid), now_ns);
	}
	if (lines > LINES_MOST)
		log_info("%u more sessions of worker %u were lost", lines - LINES_MOST, w);
	return lost;
}
