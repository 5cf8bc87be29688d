/* SPDX-License-Identifier: ISC */
/*
 * Commands that workers pass on to the master (shm/request.h), and those that came over its own
 * socket. All are carried out at once but reload: that one is begun when no other runs, and
 * answered when it has ended. What lies in a worker's section is not trusted: numbers are bounded,
 * objects looked up.
 */
#include "shm/request.h"

#include "master/master.h"
#include "master/requests.h"

#define LOCAL SHM_MAX_WORKERS /* in waiting[]: our own socket */

/* One master a process. */
static struct {
	uint64_t waiting[SHM_MAX_WORKERS + 1]; /* request that the reload under way is for; 0 */
	struct shm_request own;                /* the last of our own socket */
	uint64_t own_done;
	uint32_t own_result;
} rq;

static void
answer(struct master *m, unsigned who, uint64_t number, uint32_t result)
{
	struct shm_master *own = m->seg.own_master;

	if (who == LOCAL) {
		rq.own_result = result;
		rq.own_done = number;
		return;
	}
	sw32_set(&own->result[who], result);
	sw64_set(&own->done[who], number);
	child_ring_fd(m->workers[who].bell);
}

/* Begins it when no other runs; answered by requests_reload_over. */
static void
reload_for(struct master *m, unsigned who, uint64_t number)
{
	if (rq.waiting[who] == number || !m->ready || m->round.phase != ROUND_NONE)
		return;
	if (m->stopping) {
		answer(m, who, number, SHM_RES_FAILED);
		return;
	}
	rq.waiting[who] = number;
	reload_start(m);
}

void
requests_reload_over(struct master *m, bool done)
{
	for (unsigned who = 0; who <= LOCAL; who++) {
		uint64_t number = rq.waiting[who];

		rq.waiting[who] = 0;
		if (number != 0)
			answer(m, who, number, done ? SHM_RES_DONE : SHM_RES_FAILED);
	}
}

static uint32_t
carry_out(struct master *m, const struct shm_request *r)
{
	uint32_t epoch = (uint32_t)(r->value >> 32), argument = (uint32_t)r->value;

	switch (r->kind) {
	case SHM_REQ_FE_STATE:
		return runtime_frontend(m, r->object, epoch, argument);
	case SHM_REQ_FE_MAXCONN:
		return runtime_frontend_maxconn(m, r->object, epoch, argument);
	case SHM_REQ_MAXCONN:
		return runtime_maxconn(m, r->value);
	case SHM_REQ_CONN_RATE:
	case SHM_REQ_SESS_RATE:
		return runtime_rate(m, r->kind == SHM_REQ_SESS_RATE, r->value);
	case SHM_REQ_MAINTENANCE:
		return r->value > 1 ? SHM_RES_VALUE : runtime_maintenance(m, r->value == 1);
	case SHM_REQ_DUMP:
		return dump_write(m) == -1 ? SHM_RES_FAILED : SHM_RES_DONE;
	default:
		return SHM_RES_UNKNOWN;
	}
}

/* Numbers above done are looked at in turn; a reload holds up those behind it. */
static void
read_worker(struct master *m, uint32_t w)
{
	const struct shm_worker *k = shm_worker(&m->seg, w);
	uint64_t head = sw64_get(&k->request_head), n = sw64_get(&m->seg.master->done[w]);

	if (head == n)
		return;
	if (head < n || head - n > SHM_REQUESTS)
		n = head > SHM_REQUESTS ? head - SHM_REQUESTS : 0;
	while (n < head) {
		struct shm_request r = k->request[n % SHM_REQUESTS];

		n++;
		if (shm_request_owner(r.kind) != SHM_MASTER || r.kind == SHM_REQ_NONE ||
		    sw64_get(&r.number) != n) {
			sw64_set(&m->seg.own_master->done[w], n);
		} else if (r.kind == SHM_REQ_RELOAD) {
			reload_for(m, w, n);
			return;
		} else {
			answer(m, w, n, carry_out(m, &r));
		}
	}
}

void
requests_look(struct master *m)
{
	if (!m->ready)
		return; /* they wait for the first commit */
	for (unsigned w = 0; w < m->n_workers; w++)
		read_worker(m, w);
	if (rq.own_done < sw64_get(&rq.own.number)) /* only a reload waits */
		reload_for(m, LOCAL, sw64_get(&rq.own.number));
}

uint64_t
requests_own(void *ctx, uint32_t kind, uint32_t object, uint64_t value)
{
	struct master *m = ctx;
	uint64_t number = sw64_get(&rq.own.number) + 1;

	if (rq.own_done + 1 != number)
		return 0; /* a reload is under way */
	rq.own.kind = kind;
	rq.own.object = object;
	rq.own.value = value;
	sw64_set(&rq.own.number, number);
	if (kind == SHM_REQ_RELOAD)
		reload_for(m, LOCAL, number);
	else
		answer(m, LOCAL, number, m->ready ? carry_out(m, &rq.own) : SHM_RES_FAILED);
	return number;
}

bool
requests_own_done(void *ctx, uint64_t number, uint32_t *result)
{
	(void)ctx;
	*result = rq.own_result;
	return rq.own_done >= number;
}
