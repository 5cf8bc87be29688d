/* SPDX-License-Identifier: ISC */
/*
 * What vrrp has verified last of each peer: the memory of HMAC's replay defence. It lies in shared
 * memory so that a respawned vrrp refuses what its predecessor has taken; the master keeps it in a
 * file over restarts (master/replay.c). Writer: vrrp; the master while vrrp is not there.
 *
 * A value has two copies; `turn` names the valid one by its lowest bit and grows with each value,
 * so that a writer killed at any instant leaves the old value or the new, and a reader sees whether
 * what it read was whole.
 */
#ifndef SHM_REPLAY_H
#define SHM_REPLAY_H

#include <stdbool.h>

#include "shm/layout.h"

/* Whose value it is. */
struct replay_id {
	const char *router; /* name of the instance */
	uint8_t family;     /* of the advertisements */
	uint8_t vrid;
	uint8_t key_id;
	struct shm_ip peer;
};

struct replay_value {
	uint32_t boot;
	uint64_t seq;
};

/*
 * The entry of that id, made if there is none. When the table is full one for which wanted() says
 * false is taken; NULL: there is none.
 */
struct shm_replay *replay_find(struct shm_vrrp *v, const struct replay_id *id,
    bool (*wanted)(const struct shm_replay *, void *), void *ctx);

/* Reads without the writer's help. False: there is none yet, or it changes all the time. */
bool replay_get(const struct shm_replay *e, struct replay_value *out);
void replay_set(struct shm_replay *e, const struct replay_value *v);

/* The order in which a sender makes them: true if a comes after b. */
static inline bool
replay_newer(const struct replay_value *a, const struct replay_value *b)
{
	return a->boot != b->boot ? a->boot > b->boot : a->seq > b->seq;
}

#endif
