/* SPDX-License-Identifier: ISC */
/*
 * Several words of a worker's slot that change together, also when it is killed in between. What
 * they will be is written down first, then how many there are (that makes it so), then the words
 * themselves; at the end the note is void. The master finds it in a dead worker's slot and writes
 * the words again: all are changed, or none. To write a value twice does no harm.
 *
 *     step_add(w, &c->sess, 1); step_set(w, &r->counted, 1); step_make(w);
 */
#ifndef SHM_STEP_H
#define SHM_STEP_H

#include "shm/segment.h"

#define STEP_IS_32 1u /* in the offset, which is a multiple of 4 */

/* Between two step_make each word once, at most SHM_STEP_WORDS of them. */
static inline void
step_note(struct shm_worker *w, const void *word, uint32_t kind, uint64_t value)
{
	struct shm_step *s = &w->step;

	if (s->noted >= SHM_STEP_WORDS)
		return;
	s->e[s->noted].at = (uint32_t)((const char *)word - (const char *)w) | kind;
	s->e[s->noted++].value = value;
}

static inline void
step_add(struct shm_worker *w, struct sw64 *word, uint64_t d)
{
	step_note(w, word, 0, sw64_get(word) + d);
}

static inline void
step_set(struct shm_worker *w, struct sw32 *word, uint32_t value)
{
	step_note(w, word, STEP_IS_32, value);
}

/* The worker, or the master for a dead one: what is written down is done. An offset that is none
 * (a worker may die of a stray store) is left out. */
static inline void
step_carry_out(struct shm_worker *w, uint32_t n, uint64_t size)
{
	for (uint32_t i = 0; i < n && i < SHM_STEP_WORDS; i++) {
		uint32_t at = w->step.e[i].at & ~STEP_IS_32;

		if (at % 4 != 0 || at + sizeof(struct sw64) > size)
			continue;
		if (w->step.e[i].at & STEP_IS_32)
			sw32_set(SHM_AT(w, at, struct sw32), (uint32_t)w->step.e[i].value);
		else if (at % 8 == 0)
			sw64_set(SHM_AT(w, at, struct sw64), w->step.e[i].value);
	}
	sw32_set(&w->step.n, 0);
	/* A process is killed between two instructions: only the compiler could write down the next
	 * step before this one is void. */
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void
step_make(struct shm_worker *w)
{
	uint32_t n = w->step.noted;

	w->step.noted = 0;
	sw32_set(&w->step.n, n);
	step_carry_out(w, n, UINT32_MAX);
}

/* Master, for the slot of a dead worker. */
static inline void
step_settle(const struct shm *s, struct shm_worker *w)
{
	step_carry_out(w, sw32_get(&w->step.n), s->head->worker_size);
	w->step.noted = 0;
}

#endif
