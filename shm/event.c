/* SPDX-License-Identifier: ISC */
#include "shm/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SETTLE_NS 100000000

#define RINGS (SHM_MAX_WORKERS + 3)

const char *
event_kind_name(uint32_t kind)
{
#define EVENT_NAME(id, name) name,
	static const char *const names[] = {EVENT_KINDS(EVENT_NAME)};
#undef EVENT_NAME

	return kind < EVENT_KINDS_N ? names[kind] : "unknown";
}

static struct shm_event_ring *
ring_own(const struct shm *s)
{
	/* The master's view has all sections; its own is the first. */
	if (s->own_master != NULL)
		return &s->own_master->events;
	if (s->own_checker != NULL)
		return &s->own_checker->events;
	if (s->own_vrrp != NULL)
		return &s->own_vrrp->events;
	return &s->own_worker->events;
}

uint64_t
event_add(const struct shm *s, enum event_kind kind, uint32_t object, const char *fmt, ...)
{
	struct shm_event_ring *ring = ring_own(s);
	struct shm_event *e = &ring->ev[sw64_get(&ring->head) % SHM_EVENTS];
	char text[sizeof(e->text)] = "";
	uint64_t seq;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sw64_set(&e->seq, 0);
	atomic_thread_fence(memory_order_seq_cst);
	e->mono_ns = mono_now().ns;
	e->wall_us = mono_wall_us();
	e->kind = kind;
	e->object = object;
	memcpy(e->text, text, sizeof(text));
	seq = mw64_fetch_add(&s->shared->event_seq, 1) + 1;
	sw64_set(&e->seq, seq);
	sw64_add(&ring->head, 1);
	return seq;
}

uint64_t
event_log(const struct shm *s, enum log_level level, enum event_kind kind, uint32_t object,
    const char *fmt, ...)
{
	char line[768];
	uint64_t seq;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	seq = event_add(s, kind, object, "%s", line);
	log_at(level, "%s [event %llu]", line, (unsigned long long)seq);
	return seq;
}

/* A ring on its way through a merge: the entry at pos has number seq; 0: no more. */
struct cursor {
	const struct shm_event_ring *ring;
	uint64_t pos;
	uint64_t seq;
	uint32_t process;
	uint32_t index;
};

static uint64_t
oldest_kept(const struct shm_event_ring *ring)
{
	uint64_t head = sw64_get(&ring->head);

	/* The oldest of 256 may be on its way out. */
	return head < SHM_EVENTS ? 0 : head - SHM_EVENTS + 1;
}

/* Moves to the first entry from pos on with a number above after. */
static void
cursor_seek(struct cursor *c, uint64_t after)
{
	for (;; c->pos++) {
		uint64_t oldest = oldest_kept(c->ring);

		if (c->pos < oldest)
			c->pos = oldest;
		c->seq = 0;
		if (c->pos >= sw64_get(&c->ring->head))
			return;
		c->seq = sw64_get(&c->ring->ev[c->pos % SHM_EVENTS].seq);
		if (c->seq > after && c->pos >= oldest_kept(c->ring))
			return;
	}
}

/* Copies the entry; false when it was overwritten meanwhile. */
static bool
cursor_copy(const struct cursor *c, struct event *out)
{
	const struct shm_event *e = &c->ring->ev[c->pos % SHM_EVENTS];

	out->seq = c->seq;
	out->mono_ns = e->mono_ns;
	out->wall_us = e->wall_us;
	out->kind = e->kind;
	out->object = e->object;
	out->process = c->process;
	out->index = c->index;
	memcpy(out->text, e->text, sizeof(out->text));
	out->text[sizeof(out->text) - 1] = '\0';
	atomic_thread_fence(memory_order_seq_cst);
	return sw64_get(&e->seq) == c->seq;
}

static size_t
cursors_open(const struct shm *s, uint64_t after, struct cursor *c)
{
	uint32_t workers = sw32_get(&s->master->n_workers);
	size_t n = 0;

	c[n++] = (struct cursor){.ring = &s->master->events, .process = SHM_MASTER};
	c[n++] = (struct cursor){.ring = &s->checker->events, .process = SHM_CHECKER};
	c[n++] = (struct cursor){.ring = &s->vrrp->events, .process = SHM_VRRP};
	for (uint32_t w = 0; w < workers && n < RINGS; w++)
		c[n++] = (struct cursor){
		    .ring = &shm_worker(s, w)->events, .process = SHM_WORKER, .index = w};
	for (size_t i = 0; i < n; i++)
		cursor_seek(&c[i], after);
	return n;
}

/* The cursor with the smallest number; NULL when all are at their end. */
static struct cursor *
cursors_first(struct cursor *c, size_t n)
{
	struct cursor *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (c[i].seq != 0 && (best == NULL || c[i].seq < best->seq))
			best = &c[i];
	return best;
}

size_t
event_read(const struct shm *s, uint64_t after, struct mono now, struct event *out, size_t max)
{
	struct cursor c[RINGS], *at;
	size_t n = cursors_open(s, after, c), got = 0;

	while (got < max && (at = cursors_first(c, n)) != NULL) {
		struct event *e = &out[got];

		if (!cursor_copy(at, e)) {
			cursor_seek(at, after);
			continue;
		}
		/* Seeking above the last number also keeps what a ring got meanwhile in order. */
		e->missing = e->seq - after - 1;
		if (e->missing > 0 && now.ns - e->mono_ns < SETTLE_NS)
			break;
		after = e->seq;
		got++;
		at->pos++;
		cursor_seek(at, after);
	}
	return got;
}

uint64_t
event_last(const struct shm *s)
{
	return mw64_get(&s->shared->event_seq);
}
