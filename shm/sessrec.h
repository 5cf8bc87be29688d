/* SPDX-License-Identifier: ISC */
/*
 * Session records: written by their worker, read by any process. What is set once together (ends,
 * times, slots) is written between begin and end; counters and phase (swNN words) that change alone
 * may be set outside. A record whose writer died inside stays unreadable until the master clears
 * it.
 */
#ifndef SHM_SESSREC_H
#define SHM_SESSREC_H

#include <stdbool.h>
#include <string.h>

#include "shm/layout.h"

#define SESSREC_TRIES 64

static inline void
sessrec_begin(struct shm_session *r)
{
	sw32_set(&r->seq, sw32_get(&r->seq) | 1);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void
sessrec_end(struct shm_session *r)
{
	sw32_set(&r->seq, (sw32_get(&r->seq) | 1) + 1);
}

/* Copies a record that is in use; false when it is free or does not come to rest. */
static inline bool
sessrec_read(const struct shm_session *r, struct shm_session *out)
{
	for (unsigned i = 0; i < SESSREC_TRIES; i++) {
		uint32_t seq = sw32_get(&r->seq);

		if (seq % 2 == 1)
			continue;
		if (sw32_get(&r->phase) == SHM_PH_FREE)
			return false;
		memcpy((void *)out, (const void *)r, sizeof(*out));
		atomic_thread_fence(memory_order_seq_cst);
		if (sw32_get(&r->seq) == seq)
			return sw32_get(&out->phase) != SHM_PH_FREE;
	}
	return false;
}

#endif
