/* SPDX-License-Identifier: ISC */
/* See replay.h. */
#include "shm/replay.h"

#include <stdio.h>
#include <string.h>

static bool
is(const struct shm_replay *e, const struct replay_id *id)
{
	return e->family == id->family && e->vrid == id->vrid && e->key_id == id->key_id &&
	       e->peer.family == id->peer.family &&
	       memcmp(e->peer.b, id->peer.b, sizeof(e->peer.b)) == 0 &&
	       strncmp(e->router, id->router, sizeof(e->router) - 1) == 0;
}

static void
claim(struct shm_replay *e, const struct replay_id *id)
{
	sw32_set(&e->used, 0);
	sw32_set(&e->turn, 0);
	snprintf(e->router, sizeof(e->router), "%s", id->router);
	e->family = id->family;
	e->vrid = id->vrid;
	e->key_id = id->key_id;
	e->peer = id->peer;
	sw32_set(&e->used, 1);
}

struct shm_replay *
replay_find(struct shm_vrrp *v, const struct replay_id *id,
    bool (*wanted)(const struct shm_replay *, void *), void *ctx)
{
	uint32_t n = sw32_get(&v->n_replays), spare = SHM_REPLAYS;

	if (n > SHM_REPLAYS)
		n = SHM_REPLAYS;
	for (uint32_t i = 0; i < n; i++) {
		if (sw32_get(&v->replays[i].used) == 0) /* killed while it was claimed */
			spare = i;
		else if (is(&v->replays[i], id))
			return &v->replays[i];
	}
	if (spare == SHM_REPLAYS && n < SHM_REPLAYS) {
		claim(&v->replays[n], id);
		sw32_set(&v->n_replays, n + 1);
		return &v->replays[n];
	}
	for (uint32_t i = 0; i < n && spare == SHM_REPLAYS; i++)
		if (!wanted(&v->replays[i], ctx))
			spare = i;
	if (spare == SHM_REPLAYS)
		return NULL;
	claim(&v->replays[spare], id);
	return &v->replays[spare];
}

bool
replay_get(const struct shm_replay *e, struct replay_value *out)
{
	for (int tries = 0; tries < 8; tries++) {
		uint32_t turn = sw32_get(&e->turn);

		if (turn == 0)
			return false;
		out->boot = sw32_get(&e->copy[turn & 1].boot);
		out->seq = sw64_get(&e->copy[turn & 1].seq);
		if (sw32_get(&e->turn) == turn)
			return true;
	}
	return false;
}

void
replay_set(struct shm_replay *e, const struct replay_value *v)
{
	/* 0 is "none": after the last number comes 2, whose copy is the other one too. */
	uint32_t turn = sw32_get(&e->turn), next = turn == UINT32_MAX ? 2 : turn + 1;

	sw32_set(&e->copy[next & 1].boot, v->boot);
	sw64_set(&e->copy[next & 1].seq, v->seq);
	sw32_set(&e->turn, next);
}
