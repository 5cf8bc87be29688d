/* SPDX-License-Identifier: ISC */
/*
 * Addresses of servers that commands have set, in the checker's section: where sessions and probes
 * go instead of the address in the file. Identity stays the file's.
 */
#ifndef SHM_TARGET_H
#define SHM_TARGET_H

#include <stdbool.h>

#include "lib/sock.h"
#include "shm/segment.h"

void end_set(struct shm_end *e, const struct sock_addr *a);
void end_get(const struct shm_end *e, struct sock_addr *a);

/* Was anything set? Then *t is all of it, of one moment. */
bool target_get(const struct shm_health *h, struct shm_target *t);
/* The checker only: in force with the last store. */
void target_put(struct shm_health *h, const struct shm_target *t);
void target_clear(struct shm_health *h);

/* Address of a server's sessions, if a command has set one that holds for this epoch of the slot.
 */
static inline bool
target_addr(const struct shm_health *h, uint32_t epoch, struct sock_addr *a)
{
	struct shm_target t;

	if (sw32_get(&h->target_n) == 0 || sw32_get(&h->epoch) != epoch || !target_get(h, &t) ||
	    t.addr.family == 0)
		return false;
	end_get(&t.addr, a);
	return true;
}

/* A server's address in force, as text ("" for a slot that is not in use). Returns to. */
const char *target_text(const struct shm *s, uint32_t srv, char to[SHM_ADDR]);

#endif
