/* SPDX-License-Identifier: ISC */
/* Asking others to carry out commands. Writes only the own section. */
#include "worker/ask.h"

#include <stdio.h>

static int
owner_bell(const struct ask *a, enum shm_kind owner)
{
	switch (owner) {
	case SHM_CHECKER:
		return a->bells->checker;
	case SHM_VRRP:
		return a->bells->vrrp;
	case SHM_MASTER:
		return a->bells->master;
	default:
		return -1;
	}
}

bool
ask_possible(const struct ask *a, uint32_t kind)
{
	return a->local == NULL || shm_request_owner(kind) == SHM_MASTER;
}

static uint64_t
ask_by_ring(struct ask *a, enum shm_kind owner, uint32_t kind, uint32_t object, uint64_t value)
{
	uint64_t n = sw64_get(&a->own->request_head) + 1;
	struct shm_request *r = &a->own->request[(n - 1) % SHM_REQUESTS];
	int bell = owner_bell(a, owner);

	sw64_set(&r->number, 0); /* not valid while it is written */
	r->kind = kind;
	r->object = object;
	r->value = value;
	snprintf(r->text, sizeof(r->text), "%s", a->text != NULL ? a->text : "");
	sw64_set(&r->number, n);
	sw64_set(&a->own->request_head, n);
	if (bell != -1)
		child_ring_fd(bell);
	return n;
}

uint64_t
ask_owner(struct ask *a, uint32_t kind, uint32_t object, uint64_t value)
{
	enum shm_kind owner = shm_request_owner(kind);

	if (a->owner_busy[owner] != 0)
		return 0;
	a->owner_busy[owner] = a->local != NULL ? a->local->send(a->local->ctx, kind, object, value)
						: ask_by_ring(a, owner, kind, object, value);
	return a->owner_busy[owner];
}

bool
ask_owner_done(struct ask *a, uint32_t kind, uint64_t number, uint32_t *result)
{
	enum shm_kind owner = shm_request_owner(kind);

	if (a->local != NULL) {
		if (!a->local->done(a->local->ctx, number, result))
			return false;
		ask_owner_give_up(a, kind, number);
		return true;
	}
	switch (owner) {
	case SHM_MASTER:
		if (sw64_get(&a->shm->master->done[a->index]) < number)
			return false;
		*result = sw32_get(&a->shm->master->result[a->index]);
		break;
	case SHM_CHECKER:
		if (sw64_get(&a->shm->checker->done[a->index]) < number)
			return false;
		*result = sw32_get(&a->shm->checker->result[a->index]);
		break;
	case SHM_VRRP:
		if (sw64_get(&a->shm->vrrp->done[a->index]) < number)
			return false;
		*result = sw32_get(&a->shm->vrrp->result[a->index]);
		break;
	default:
		*result = SHM_RES_UNKNOWN;
		break;
	}
	ask_owner_give_up(a, kind, number);
	return true;
}

uint64_t
ask_workers(struct ask *a, enum shm_call_kind kind, uint64_t value)
{
	uint32_t n = sw32_get(&a->shm->master->n_workers);
	uint64_t seq = sw64_get(&a->own->call_seq) + 1;

	if (a->call_busy != 0)
		return 0;
	/* Readers that see kind or value of the next call with the number of the last one have
	 * carried that out already, or look again when the number comes. */
	sw32_set(&a->own->call_kind, kind);
	sw64_set(&a->own->call_value, value);
	sw64_set(&a->own->call_seq, seq);
	a->call_busy = seq;
	for (uint32_t w = 0; w < n && w < SHM_MAX_WORKERS; w++)
		if (a->bells->workers[w] != -1)
			child_ring_fd(a->bells->workers[w]);
	return seq;
}

bool
ask_workers_done(struct ask *a, uint64_t number, unsigned *missing)
{
	const struct shm_master *m = a->shm->master;
	uint32_t n = sw32_get(&m->n_workers);

	for (uint32_t w = 0; w < n && w < SHM_MAX_WORKERS; w++)
		/* One that is not there has nothing to carry out. */
		if (shm_mask_has(m->live, w) &&
		    sw64_get(&shm_worker(a->shm, w)->called[a->index]) < number) {
			*missing = w;
			return false;
		}
	ask_workers_give_up(a, number);
	return true;
}

void
ask_owner_give_up(struct ask *a, uint32_t kind, uint64_t number)
{
	if (a->owner_busy[shm_request_owner(kind)] == number)
		a->owner_busy[shm_request_owner(kind)] = 0;
}

void
ask_workers_give_up(struct ask *a, uint64_t number)
{
	if (a->call_busy == number)
		a->call_busy = 0;
}
