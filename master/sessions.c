/* SPDX-License-Identifier: ISC */
/*
 * The last word on the sessions of a dead worker: their records lie in its slot of the segment, so
 * each still gets its log line, with the termination state of a kill. The slot is the master's now.
 */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "master/master.h"

#define LINES_MOST 1000 /* a worker with 10,000 sessions must not hold up the respawn */

static const char *
end_format(const struct shm_end *e, char *buf, size_t size)
{
	struct sock_addr a = {.family = AF_UNSPEC};
	char host[SOCK_ADDR_TEXT];

	if (e->family == AF_INET) {
		a.in.sin_family = AF_INET;
		memcpy(&a.in.sin_addr, e->addr, 4);
		a.len = sizeof(a.in);
	} else if (e->family == AF_INET6) {
		a.in6.sin6_family = AF_INET6;
		memcpy(&a.in6.sin6_addr, e->addr, 16);
		a.len = sizeof(a.in6);
	}
	snprintf(buf, size, "%s:%u",
	    a.len != 0 ? sock_addr_format_host(&a, host, sizeof(host)) : "unix", e->port);
	return buf;
}

static const char *
name_of(uint32_t slot, uint32_t n, const char *name)
{
	return slot < n ? name : "<NONE>";
}

static void
bury_one(struct master *m, const struct shm_session *r, int64_t now_ns)
{
	struct shm *s = &m->seg;
	uint32_t fe = sw32_get(&r->fe), be = sw32_get(&r->be), srv = sw32_get(&r->srv);
	int64_t took = (now_ns - r->accept_ns) / 1000000;
	char client[SOCK_ADDR_TEXT + 8];
	uint32_t n_fe = sw32_get(&s->master->n_frontends), n_be = sw32_get(&s->master->n_backends),
		 n_srv = sw32_get(&s->master->n_servers);

	log_info("%s %s %s/%s worker died after %lld ms, %llu bytes to the client, KD",
	    end_format(&r->client, client, sizeof(client)),
	    name_of(fe, n_fe, fe < n_fe ? shm_fe_dir(s, fe)->name : ""),
	    name_of(be, n_be, be < n_be ? shm_be_dir(s, be)->name : ""),
	    srv < n_srv ? shm_srv_dir(s, srv)->name : "<NOSRV>", (long long)took,
	    (unsigned long long)sw64_get(&r->bytes_out));
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
