/* SPDX-License-Identifier: ISC */
/*
 * The last word on the sessions of a dead worker: their records lie in its slot of the segment, so
 * each still gets its log line, with the termination state of a kill. The slot is the master's now.
 */
#include <string.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/limit.h"
#include "worker/record.h"
#include "worker/tcplog.h"

#define LINES_MOST 1000 /* a worker with 10,000 sessions must not hold up the respawn */

static const char *
name_of(uint32_t slot, uint32_t n, const char *name)
{
	return slot < n ? name : "<NONE>";
}

static int64_t
ms_from(int64_t from_ns, uint64_t to_ns)
{
	return to_ns == 0 ? -1 : ((int64_t)to_ns - from_ns) / 1000000;
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

/* Does the frontend want lines? By name: its place in the file is not its slot. */
static bool
wanted(const struct master *m, const char *frontend)
{
	const struct conf *c = m->gen != NULL ? m->gen->conf : NULL;

	for (size_t i = 0; c != NULL && i < c->n_frontends; i++)
		if (strcmp(c->frontends[i].name, frontend) == 0)
			return c->frontends[i].tcplog;
	return true;
}

static void
bury_one(struct master *m, const struct shm_session *r, int64_t now_ns)
{
	struct shm *s = &m->seg;
	uint32_t fe = sw32_get(&r->fe), be = sw32_get(&r->be), srv = sw32_get(&r->srv);
	uint32_t n_fe = sw32_get(&s->master->n_frontends), n_be = sw32_get(&s->master->n_backends),
		 n_srv = sw32_get(&s->master->n_servers);
	uint64_t assigned = sw64_get(&r->assigned_ns);
	struct tcplog t = {.accept_wall_us = r->accept_wall_us,
	    .frontend = name_of(fe, n_fe, fe < n_fe ? shm_fe_dir(s, fe)->name : ""),
	    .backend = name_of(be, n_be, be < n_be ? shm_be_dir(s, be)->name : ""),
	    .server = srv < n_srv ? shm_srv_dir(s, srv)->name : NULL,
	    .wait_ms = ms_from(r->accept_ns, assigned),
	    .connect_ms =
		assigned == 0 ? -1 : ms_from((int64_t)assigned, sw64_get(&r->connected_ns)),
	    .total_ms = (now_ns - r->accept_ns) / 1000000,
	    .bytes_out = sw64_get(&r->bytes_out),
	    .state = {'K', phase_letter(sw32_get(&r->phase))},
	    .actconn = limit_sum_global(s),
	    .feconn = fe < n_fe ? limit_sum_fe(s, fe) : 0,
	    .beconn = be < n_be ? limit_sum_be(s, be) : 0,
	    .srv_conn = srv < n_srv ? limit_sum_srv(s, srv) : 0,
	    .retries = sw32_get(&r->retries) & INT32_MAX,
	    .redispatched = sw32_get(&r->retries) >> 31 != 0};
	char line[512];

	if (!wanted(m, t.frontend) || !log_wanted(LOG_INFO))
		return;
	record_get_end(&r->client, &t.client);
	log_line(LOG_INFO, line, tcplog_format(&t, line, sizeof(line)));
}

unsigned
sessions_bury(struct master *m, unsigned w)
{
	const struct shm_worker *x = shm_worker(&m->seg, w);
	const struct shm_session *rec = shm_sessions(&m->seg, x);
	uint32_t n = sw32_get(&x->n_sessions);
	int64_t now_ns = mono_now().ns;
	unsigned lost = 0;

	if (n > m->seg.caps->sessions)
		n = m->seg.caps->sessions;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t phase = sw32_get(&rec[i].phase);

		/* An odd number: killed while it wrote this record. It is a session all the same.
		 */
		if (phase == SHM_PH_FREE || phase > SHM_PH_CLOSED)
			continue;
		if (lost++ < LINES_MOST)
			bury_one(m, &rec[i], now_ns);
	}
	if (lost > LINES_MOST)
		log_info("%u more sessions of worker %u were lost", lost - LINES_MOST, w);
	return lost;
}
