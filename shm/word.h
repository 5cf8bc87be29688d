/* SPDX-License-Identifier: ISC */
/*
 * Words of shared memory. Who may write shows in the type: swNN has one writer (store release, load
 * acquire), mwNN has many (atomic read-modify-write, on a cache line of its own). They are structs,
 * so that plain assignment does not compile.
 */
#ifndef SHM_WORD_H
#define SHM_WORD_H

#include <stdatomic.h>
#include <stdint.h>

struct sw32 {
	_Atomic uint32_t v;
};
struct sw64 {
	_Atomic uint64_t v;
};
struct sw16 {
	_Atomic uint16_t v;
};
struct mw64 {
	_Alignas(64) _Atomic uint64_t v;
};

static inline uint32_t
sw32_get(const struct sw32 *w)
{
	return atomic_load_explicit(&w->v, memory_order_acquire);
}
static inline void
sw32_set(struct sw32 *w, uint32_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_release);
}
/* Adds in the one writer: no locked instruction. */
static inline void
sw32_add(struct sw32 *w, uint32_t d)
{
	sw32_set(w, atomic_load_explicit(&w->v, memory_order_relaxed) + d);
}
static inline uint64_t
sw64_get(const struct sw64 *w)
{
	return atomic_load_explicit(&w->v, memory_order_acquire);
}
static inline void
sw64_set(struct sw64 *w, uint64_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_release);
}
static inline void
sw64_add(struct sw64 *w, uint64_t d)
{
	sw64_set(w, atomic_load_explicit(&w->v, memory_order_relaxed) + d);
}
static inline uint16_t
sw16_get(const struct sw16 *w)
{
	return atomic_load_explicit(&w->v, memory_order_relaxed);
}
static inline void
sw16_set(struct sw16 *w, uint16_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_relaxed);
}

/* Sequentially consistent store and load of one-writer words: where two processes each publish,
 * then look at the other (admission, queue heads, stop-accepting bits). */
static inline void
sw32_set_seq(struct sw32 *w, uint32_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_seq_cst);
}
static inline uint32_t
sw32_get_seq(const struct sw32 *w)
{
	return atomic_load_explicit(&w->v, memory_order_seq_cst);
}
static inline void
sw64_set_seq(struct sw64 *w, uint64_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_seq_cst);
}
static inline uint64_t
sw64_get_seq(const struct sw64 *w)
{
	return atomic_load_explicit(&w->v, memory_order_seq_cst);
}

static inline uint64_t
mw64_get(const struct mw64 *w)
{
	return atomic_load_explicit(&w->v, memory_order_seq_cst);
}
/* Whatever others make of it at the same time. */
static inline void
mw64_set(struct mw64 *w, uint64_t v)
{
	atomic_store_explicit(&w->v, v, memory_order_seq_cst);
}
static inline uint64_t
mw64_fetch_add(struct mw64 *w, uint64_t d)
{
	return atomic_fetch_add_explicit(&w->v, d, memory_order_seq_cst);
}
/* Compare and exchange; *old is updated on failure. */
static inline _Bool
mw64_cas(struct mw64 *w, uint64_t *old, uint64_t v)
{
	return atomic_compare_exchange_strong_explicit(
	    &w->v, old, v, memory_order_seq_cst, memory_order_seq_cst);
}

#endif
