/* SPDX-License-Identifier: ISC */
/*
 * Making and attaching the segment. A memfd, mode 0600, sealed against shrinking and growing. The
 * protection that holds is the descriptor: a mapping of one that was opened read-only cannot be
 * made writable, whereas mprotect on a view of a read-write one could be undone.
 */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/source.h"
#include "shm/step.h"

#define PAGE 4096u

static uint64_t
place(uint64_t *at, uint64_t size, uint64_t align)
{
	uint64_t off = (*at + align - 1) / align * align;

	*at = off + size;
	return off;
}

static void
layout_worker(struct shm_head *h)
{
	const struct shm_caps *c = &h->caps;
	uint64_t at = sizeof(struct shm_worker);

	h->w_held_fe = place(&at, c->frontends * sizeof(struct sw32), 64);
	h->w_held_be = place(&at, c->backends * sizeof(struct sw32), 64);
	h->w_held_srv = place(&at, c->servers * sizeof(struct sw32), 64);
	h->w_queue = place(&at, c->backends * sizeof(struct shm_queue), 64);
	h->w_held_end = at;
	h->w_fe = place(&at, c->frontends * sizeof(struct shm_fe_count), PAGE);
	h->w_be = place(&at, c->backends * sizeof(struct shm_be_count), 64);
	h->w_srv = place(&at, c->servers * sizeof(struct shm_srv_count), 64);
	h->w_sources =
	    place(&at, sizeof(struct shm_source) * SHM_SOURCE_SETS * SHM_SOURCE_WAYS, PAGE);
	h->w_sessions = place(&at, (uint64_t)c->sessions * sizeof(struct shm_session), PAGE);
	h->worker_size = place(&at, 0, PAGE);
}

void
shm_layout(struct shm_head *h, const struct shm_caps *caps)
{
	uint64_t at = sizeof(*h);

	memset(h, 0, sizeof(*h));
	h->magic = SHM_MAGIC;
	h->version = SHM_LAYOUT_VERSION;
	h->caps = *caps;
	h->off_master = place(&at, sizeof(struct shm_master), PAGE);
	h->off_fe_dir = place(&at, caps->frontends * sizeof(struct shm_fe_dir), 64);
	h->off_be_dir = place(&at, caps->backends * sizeof(struct shm_be_dir), 64);
	h->off_srv_dir = place(&at, caps->servers * sizeof(struct shm_srv_dir), 64);
	h->off_checker = place(&at, sizeof(struct shm_checker), PAGE);
	h->off_health = place(&at, caps->servers * sizeof(struct shm_health), 64);
	h->off_sched = place(&at, caps->backends * sizeof(struct shm_sched), 64);
	h->off_entries =
	    place(&at, (uint64_t)caps->backends * 2 * SHM_SCHED_MAX * sizeof(struct sw16), PAGE);
	h->off_shared = place(&at, sizeof(struct shm_shared), PAGE);
	h->off_cursors = place(&at, caps->backends * sizeof(struct shm_cursor), 64);
	h->off_rates = place(&at, caps->frontends * sizeof(struct mw64), 64);
	h->off_vrrp = place(&at, sizeof(struct shm_vrrp), PAGE);
	layout_worker(h);
	h->off_workers = place(&at, caps->workers * h->worker_size, PAGE);
	h->size = place(&at, 0, PAGE);
}

static void
views_set(struct shm *s)
{
	s->head = s->base;
	s->caps = &s->head->caps;
	s->master = SHM_AT(s->base, s->head->off_master, const struct shm_master);
	s->checker = SHM_AT(s->base, s->head->off_checker, const struct shm_checker);
	s->vrrp = SHM_AT(s->base, s->head->off_vrrp, const struct shm_vrrp);
}

int
shm_create(struct shm *s, const struct shm_caps *caps)
{
	struct shm_head h;
	char path[64];
	int saved;

	memset(s, 0, sizeof(*s));
	s->base = MAP_FAILED;
	s->ro_fd = -1;
	shm_layout(&h, caps);
	if (getrandom(&h.seed, sizeof(h.seed), 0) != sizeof(h.seed))
		return -1;
	s->rw_fd = memfd_create("vipd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->rw_fd == -1)
		return -1;
	if (fchmod(s->rw_fd, 0600) == -1 || ftruncate(s->rw_fd, (off_t)h.size) == -1 ||
	    pwrite(s->rw_fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    fcntl(s->rw_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1)
		goto fail;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->rw_fd);
	s->ro_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->ro_fd == -1)
		goto fail;
	s->base = mmap(NULL, h.size, PROT_READ | PROT_WRITE, MAP_SHARED, s->rw_fd, 0);
	if (s->base == MAP_FAILED || madvise(s->base, h.size, MADV_DONTFORK) == -1)
		goto fail;
	views_set(s);
	s->own_master = SHM_AT(s->base, h.off_master, struct shm_master);
	s->own_checker = SHM_AT(s->base, h.off_checker, struct shm_checker);
	s->own_vrrp = SHM_AT(s->base, h.off_vrrp, struct shm_vrrp);
	s->shared = SHM_AT(s->base, h.off_shared, struct shm_shared);
	return 0;
fail:
	saved = errno;
	if (s->base != MAP_FAILED)
		munmap(s->base, h.size);
	if (s->ro_fd != -1)
		close(s->ro_fd);
	close(s->rw_fd);
	errno = saved;
	return -1;
}

/* Start and length of a process' own section. */
static void
section_of(
    const struct shm_head *h, enum shm_kind kind, unsigned index, uint64_t *off, uint64_t *len)
{
	switch (kind) {
	case SHM_WORKER:
		*off = h->off_workers + index * h->worker_size;
		*len = h->worker_size;
		break;
	case SHM_CHECKER:
		*off = h->off_checker;
		*len = h->off_shared - h->off_checker;
		break;
	default:
		*off = h->off_vrrp;
		*len = h->off_workers - h->off_vrrp;
		break;
	}
}

int
shm_attach(struct shm *s, const struct shm *m, enum shm_kind kind, unsigned index)
{
	struct shm_head h;
	uint64_t off, len;

	memset(s, 0, sizeof(*s));
	s->rw_fd = s->ro_fd = -1;
	s->index = index;
	if (pread(m->ro_fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return -1;
	if (h.magic != SHM_MAGIC || h.version != SHM_LAYOUT_VERSION) {
		errno = EPROTO;
		return -1;
	}
	section_of(&h, kind, index, &off, &len);
	s->base = mmap(NULL, h.size, PROT_READ, MAP_SHARED, m->ro_fd, 0);
	if (s->base == MAP_FAILED)
		return -1;
	s->own_len = len;
	s->own_base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, m->rw_fd, (off_t)off);
	if (s->own_base == MAP_FAILED)
		return -1;
	s->shared_len = h.off_vrrp - h.off_shared;
	s->shared_base = mmap(
	    NULL, s->shared_len, PROT_READ | PROT_WRITE, MAP_SHARED, m->rw_fd, (off_t)h.off_shared);
	if (s->shared_base == MAP_FAILED)
		return -1;
	views_set(s);
	s->shared = s->shared_base;
	if (kind == SHM_WORKER)
		s->own_worker = s->own_base;
	else if (kind == SHM_CHECKER)
		s->own_checker = s->own_base;
	else
		s->own_vrrp = s->own_base;
	close(m->rw_fd);
	close(m->ro_fd);
	return 0;
}

void
shm_detach(struct shm *s)
{
	if (s->own_base != NULL)
		munmap(s->own_base, s->own_len);
	if (s->shared_base != NULL)
		munmap(s->shared_base, s->shared_len);
	if (s->base != NULL)
		munmap(s->base, s->head->size);
	if (s->rw_fd != -1)
		close(s->rw_fd);
	if (s->ro_fd != -1)
		close(s->ro_fd);
	memset(s, 0, sizeof(*s));
	s->rw_fd = s->ro_fd = -1;
}

struct shm_worker *
shm_dead_worker(const struct shm *s, unsigned w)
{
	return SHM_AT(s->base, s->head->off_workers + w * s->head->worker_size, struct shm_worker);
}

void
shm_worker_reset(const struct shm *s, struct shm_worker *w)
{
	uint32_t n = sw32_get(&w->n_sessions);
	struct shm_session *rec = SHM_OWN(s, w, sessions);

	/* First: what it wrote down itself might be a word that is zeroed here. */
	step_settle(s, w);
	/* Order does not matter to limits: each word that becomes 0 only frees places. */
	sw32_set_seq(&w->wants, 0);
	sw32_set(&w->wants_misc, 0);
	for (size_t i = 0; i < sizeof(w->wants_fe) / sizeof(w->wants_fe[0]); i++)
		sw64_set(&w->wants_fe[i], 0);
	memset(SHM_AT(w, s->head->w_held_fe, char), 0, s->head->w_held_end - s->head->w_held_fe);
	source_reset(s, w);
	limit_rates_mend(s);
	sw32_set_seq(&w->held, 0);
	sw32_set(&w->held_misc, 0);
	sw32_set(&w->held_wait, 0);
	sw32_set(&w->exhausted, 0);
	sw32_set(&w->adopted, 0);
	sw32_set(&w->pipes, 0);
	if (n > s->caps->sessions)
		n = s->caps->sessions;
	memset(rec, 0, n * sizeof(*rec));
	sw32_set(&w->n_sessions, 0);
	for (unsigned i = 0; i < SHM_REQUESTS; i++)
		sw64_set(&w->request[i].number, 0);
	sw64_set(&w->min_generation, 0);
	sw64_set(&w->left, 0);
	sw64_set(&w->quiet, 0);
	sw32_set(&w->pid, 0);
	atomic_thread_fence(memory_order_seq_cst);
}
