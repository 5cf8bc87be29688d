/* SPDX-License-Identifier: ISC */
/*
 * The segment as a process sees it: made by the master, attached by children with their own section
 * writable and all others read-only.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <stdbool.h>

#include "shm/layout.h"

struct shm {
	const struct shm_head *head;
	const struct shm_caps *caps;
	const struct shm_master *master; /* read-only views ... */
	const struct shm_checker *checker;
	const struct shm_vrrp *vrrp;
	struct shm_shared
	    *shared; /* writable for master, workers, checker; NULL writes fault elsewhere */
	/* ... and the one writable section of this process; NULL where it is not the writer. */
	struct shm_master *own_master;
	struct shm_checker *own_checker;
	struct shm_vrrp *own_vrrp;
	struct shm_worker *own_worker;
	unsigned index; /* worker slot of this process */
	/* private */
	void *base; /* whole segment: read-only, in the master writable */
	void *own_base;
	void *shared_base;
	size_t own_len;
	size_t shared_len;
	int rw_fd; /* master only, else -1 */
	int ro_fd;
};

/* Bytes that a segment of these ceilings needs (virtual), with all offsets in *head. Pure. */
void shm_layout(struct shm_head *head, const struct shm_caps *caps);

/*
 * Master: makes, maps (not inherited by fork), seals. Returns 0, or -1 with errno.
 */
int shm_create(struct shm *s, const struct shm_caps *caps);

/*
 * Child, after fork and before it gives up privileges: maps everything from m->ro_fd read-only, its
 * own section (kind, index) and the shared words from m->rw_fd, and closes both descriptors. The
 * master's mapping is not there any more after fork. vrrp gets the shared words too, for event
 * numbers. Returns 0, or -1 with errno.
 */
int shm_attach(struct shm *s, const struct shm *m, enum shm_kind kind, unsigned index);
void shm_detach(struct shm *s);

/* Arrays behind offsets. const views for everybody. Index within caps. */
#define SHM_AT(base, off, type) ((type *)(void *)((char *)(uintptr_t)(base) + (off)))

static inline const struct shm_fe_dir *
shm_fe_dir(const struct shm *s, uint32_t i)
{
	return SHM_AT(s->base, s->head->off_fe_dir, const struct shm_fe_dir) + i;
}
static inline const struct shm_be_dir *
shm_be_dir(const struct shm *s, uint32_t i)
{
	return SHM_AT(s->base, s->head->off_be_dir, const struct shm_be_dir) + i;
}
static inline const struct shm_srv_dir *
shm_srv_dir(const struct shm *s, uint32_t i)
{
	return SHM_AT(s->base, s->head->off_srv_dir, const struct shm_srv_dir) + i;
}
static inline const struct shm_health *
shm_health(const struct shm *s, uint32_t srv)
{
	return SHM_AT(s->base, s->head->off_health, const struct shm_health) + srv;
}
static inline const struct shm_sched *
shm_sched(const struct shm *s, uint32_t be)
{
	return SHM_AT(s->base, s->head->off_sched, const struct shm_sched) + be;
}
/* Entries of buffer 0 or 1 of a backend's schedule. */
static inline const struct sw16 *
shm_entries(const struct shm *s, uint32_t be, unsigned buf)
{
	return SHM_AT(s->base, s->head->off_entries, const struct sw16) +
	       ((size_t)be * 2 + buf) * SHM_SCHED_MAX;
}
static inline struct shm_cursor *
shm_cursor(const struct shm *s, uint32_t be)
{
	return SHM_AT(s->shared, s->head->off_cursors - s->head->off_shared, struct shm_cursor) +
	       be;
}
/* How many sessions a frontend began lately, while its rate is limited. */
static inline struct mw64 *
shm_rate(const struct shm *s, uint32_t fe)
{
	return SHM_AT(s->shared, s->head->off_rates - s->head->off_shared, struct mw64) + fe;
}
static inline const struct shm_worker *
shm_worker(const struct shm *s, uint32_t w)
{
	return SHM_AT(
	    s->base, s->head->off_workers + w * s->head->worker_size, const struct shm_worker);
}

/* Arrays inside worker slot w, read-only. */
static inline const struct sw32 *
shm_held_fe(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_held_fe, const struct sw32);
}
static inline const struct sw32 *
shm_held_be(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_held_be, const struct sw32);
}
static inline const struct sw32 *
shm_held_srv(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_held_srv, const struct sw32);
}
static inline const struct shm_queue *
shm_queue(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_queue, const struct shm_queue);
}
static inline const struct shm_fe_count *
shm_fe_count(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_fe, const struct shm_fe_count);
}
static inline const struct shm_be_count *
shm_be_count(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_be, const struct shm_be_count);
}
static inline const struct shm_srv_count *
shm_srv_count(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_srv, const struct shm_srv_count);
}
static inline const struct shm_source *
shm_sources(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_sources, const struct shm_source);
}
static inline const struct shm_session *
shm_sessions(const struct shm *s, const struct shm_worker *w)
{
	return SHM_AT(w, s->head->w_sessions, const struct shm_session);
}

/* The same in the worker's own, writable section: SHM_OWN(s, held_srv)[i]. Cast away the const of a
 * view that lies in own_worker; only the owner of the slot (worker, or master while it is dead)
 * may. */
#define SHM_OWN(s, w, what)    SHM_OWN_##what(s, w)
#define SHM_OWN_held_fe(s, w)  SHM_AT(w, (s)->head->w_held_fe, struct sw32)
#define SHM_OWN_held_be(s, w)  SHM_AT(w, (s)->head->w_held_be, struct sw32)
#define SHM_OWN_held_srv(s, w) SHM_AT(w, (s)->head->w_held_srv, struct sw32)
#define SHM_OWN_queue(s, w)    SHM_AT(w, (s)->head->w_queue, struct shm_queue)
#define SHM_OWN_fe(s, w)       SHM_AT(w, (s)->head->w_fe, struct shm_fe_count)
#define SHM_OWN_be(s, w)       SHM_AT(w, (s)->head->w_be, struct shm_be_count)
#define SHM_OWN_srv(s, w)      SHM_AT(w, (s)->head->w_srv, struct shm_srv_count)
#define SHM_OWN_sources(s, w)  SHM_AT(w, (s)->head->w_sources, struct shm_source)
#define SHM_OWN_sessions(s, w) SHM_AT(w, (s)->head->w_sessions, struct shm_session)

/* Writable arrays of the checker's and master's own sections. */
static inline struct shm_health *
shm_own_health(const struct shm *s)
{
	return SHM_AT(
	    s->own_checker, s->head->off_health - s->head->off_checker, struct shm_health);
}
static inline struct shm_sched *
shm_own_sched(const struct shm *s)
{
	return SHM_AT(s->own_checker, s->head->off_sched - s->head->off_checker, struct shm_sched);
}
static inline struct sw16 *
shm_own_entries(const struct shm *s, uint32_t be, unsigned buf)
{
	return SHM_AT(s->own_checker, s->head->off_entries - s->head->off_checker, struct sw16) +
	       ((size_t)be * 2 + buf) * SHM_SCHED_MAX;
}
static inline struct shm_fe_dir *
shm_own_fe_dir(const struct shm *s)
{
	return SHM_AT(s->own_master, s->head->off_fe_dir - s->head->off_master, struct shm_fe_dir);
}
static inline struct shm_be_dir *
shm_own_be_dir(const struct shm *s)
{
	return SHM_AT(s->own_master, s->head->off_be_dir - s->head->off_master, struct shm_be_dir);
}
static inline struct shm_srv_dir *
shm_own_srv_dir(const struct shm *s)
{
	return SHM_AT(
	    s->own_master, s->head->off_srv_dir - s->head->off_master, struct shm_srv_dir);
}

/* Bit w of a mask over workers. */
static inline bool
shm_mask_has(const struct sw64 *mask, unsigned w)
{
	return (sw64_get(&mask[w / 64]) >> (w % 64) & 1) != 0;
}

/* Master only: worker slot w writable, while no process owns it. */
struct shm_worker *shm_dead_worker(const struct shm *s, unsigned w);
/* Zeroes what the process in slot w held and waited for; keeps cumulative counters. */
void shm_worker_reset(const struct shm *s, struct shm_worker *w);

#endif
