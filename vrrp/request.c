/* SPDX-License-Identifier: ISC */
/* Commands from workers (hard-parts 9): an operator's hand-over. */
#include "shm/request.h"

#include "vrrp/state.h"

static uint32_t
release(struct router *r)
{
	struct router *o;
	unsigned i = 0;

	if (r->d.role != DECIDE_MASTER)
		return SHM_RES_VALUE;
	router_input(r, DECIDE_IN_RELEASE);
	while (together_next(r, &i, &o))
		if (o->d.role == DECIDE_MASTER)
			router_input(o, DECIDE_IN_RELEASE);
	return SHM_RES_DONE;
}

static uint32_t
carry_out(struct vrrp *v, const struct shm_request *q)
{
	struct router *r = q->object < SHM_MAX_ROUTERS ? v->routers[q->object] : NULL;

	if (r == NULL || !r->started || r->leaving ||
	    sw32_get(&r->pub->epoch) != (uint32_t)(q->value >> 32))
		return SHM_RES_GONE;
	return q->kind == SHM_REQ_VRRP_RELEASE ? release(r) : SHM_RES_UNKNOWN;
}

static void
read_worker(struct vrrp *v, uint32_t w)
{
	const struct shm_worker *k = shm_worker(v->seg, w);
	uint64_t head = sw64_get(&k->request_head), n = sw64_get(&v->own->done[w]);

	if (head == n)
		return;
	if (head < n || head - n > SHM_REQUESTS) /* another start of that worker */
		n = head > SHM_REQUESTS ? head - SHM_REQUESTS : 0;
	while (n < head) {
		const struct shm_request *q = &k->request[n % SHM_REQUESTS];

		n++;
		if (shm_request_owner(q->kind) == SHM_VRRP && sw64_get(&q->number) == n)
			sw32_set(&v->own->result[w], carry_out(v, q));
		sw64_set(&v->own->done[w], n);
	}
	child_ring_worker(v->child, w);
}

void
request_look(struct vrrp *v)
{
	uint32_t n = sw32_get(&v->seg->master->n_workers);

	for (uint32_t w = 0; w < n && w < v->seg->caps->workers; w++)
		read_worker(v, w);
}
