/* SPDX-License-Identifier: ISC */
/* Commands from workers; see request.h. */
#include "checker/request.h"

#include "checker/gen.h"
#include "checker/health.h"
#include "checker/prober.h"
#include "checker/risefall.h"
#include "shm/request.h"

#define WEIGHT_MAX 256

/* The bits that each of "set server state"'s words sets and clears (HAProxy's management guide). */
static uint32_t
set_state(struct server *s, uint32_t state)
{
	switch (state) {
	case SHM_REQ_READY:
		health_set_admin(s, 0, SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT | SHM_ADMIN_FDRAIN);
		return SHM_RES_DONE;
	case SHM_REQ_DRAIN:
		health_set_admin(s, SHM_ADMIN_FDRAIN, SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT);
		return SHM_RES_DONE;
	case SHM_REQ_MAINT:
		health_set_admin(s, SHM_ADMIN_FMAINT, SHM_ADMIN_FDRAIN);
		return SHM_RES_DONE;
	default:
		return SHM_RES_VALUE;
	}
}

static uint32_t
set_health(struct server *s, uint32_t health)
{
	struct risefall r = health_counter(s);

	switch (health) {
	case SHM_REQ_UP:
		health_set_counter(s, risefall_top(&r));
		return SHM_RES_DONE;
	case SHM_REQ_STOPPING:
		health_set_stopping(s);
		return SHM_RES_DONE;
	case SHM_REQ_DOWN:
		health_set_counter(s, 0);
		return SHM_RES_DONE;
	default:
		return SHM_RES_VALUE;
	}
}

static uint32_t
set_weight(struct server *s, uint64_t weight)
{
	if (weight > WEIGHT_MAX)
		return SHM_RES_VALUE;
	health_set_weight(s, (uint32_t)weight);
	return SHM_RES_DONE;
}

static uint32_t
set_percent(struct server *s, uint32_t percent)
{
	uint64_t w = (uint64_t)s->conf->weight * percent / 100;

	return set_weight(s, w > WEIGHT_MAX ? WEIGHT_MAX : w);
}

static uint32_t
set_check(struct server *s, uint32_t on)
{
	if (!s->conf->check.on)
		return SHM_RES_NO_CHECK;
	if (on > 1)
		return SHM_RES_VALUE;
	health_set_checked(s, on == 1);
	return SHM_RES_DONE;
}

static uint32_t
perform(struct server *s, uint32_t kind, uint32_t arg)
{
	switch (kind) {
	case SHM_REQ_SRV_STATE:
		return set_state(s, arg);
	case SHM_REQ_SRV_WEIGHT:
		return set_weight(s, arg);
	case SHM_REQ_SRV_WEIGHT_PERCENT:
		return set_percent(s, arg);
	case SHM_REQ_SRV_HEALTH:
		return set_health(s, arg);
	case SHM_REQ_SRV_MAXCONN:
		health_set_maxconn(s, arg);
		return SHM_RES_DONE;
	case SHM_REQ_SRV_CHECK:
		return set_check(s, arg);
	case SHM_REQ_SRV_SHUTDOWN:
		health_shut_sessions(s, 'K');
		return SHM_RES_DONE;
	default:
		return SHM_RES_UNKNOWN;
	}
}

static uint32_t
carry_out(struct checker *ck, const struct shm_request *r)
{
	struct server *s = gen_server(ck->gen, r->object);
	uint32_t result;

	if (s == NULL || s->epoch != (uint32_t)(r->value >> 32))
		return SHM_RES_GONE;
	result = perform(s, r->kind, (uint32_t)r->value);
	prober_update(s);
	health_count_waiting(ck);
	return result;
}

static void
read_worker(struct checker *ck, uint32_t w)
{
	const struct shm_worker *k = shm_worker(ck->seg, w);
	uint64_t head = sw64_get(&k->request_head), n = sw64_get(&ck->own->done[w]);

	if (head == n)
		return;
	if (head < n || head - n > SHM_REQUESTS) /* not a request of this protocol */
		n = head > SHM_REQUESTS ? head - SHM_REQUESTS : 0;
	while (n < head) {
		const struct shm_request *r = &k->request[n % SHM_REQUESTS];

		n++;
		if (shm_request_owner(r->kind) == SHM_CHECKER && sw64_get(&r->number) == n)
			sw32_set(&ck->own->result[w], carry_out(ck, r));
		sw64_set(&ck->own->done[w], n);
	}
	child_ring_worker(ck->child, w);
}

void
request_read_all(struct checker *ck)
{
	uint32_t n = sw32_get(&ck->seg->master->n_workers);

	if (ck->gen == NULL)
		return; /* they wait for the first commit */
	for (uint32_t w = 0; w < n && w < ck->seg->caps->workers; w++)
		read_worker(ck, w);
}
