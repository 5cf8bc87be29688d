/* SPDX-License-Identifier: ISC */
#include "shm/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SETTLE_NS 100000000
#define LOST_MOST 1000 /* overwritten while they were read; then the reader goes on later */

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

/* The names of what the event is about. */
static size_t
object_fields(const struct shm *s, enum event_kind kind, uint32_t object, struct log_field *f)
{
	const struct shm_srv_dir *srv;

	switch (kind) {
	case EVENT_SERVER:
		if (object >= sw32_get(&s->master->n_servers))
			return 0;
		srv = shm_srv_dir(s, object);
		f[0] = (struct log_field){"server", srv->name, 0};
		f[1] =
		    (struct log_field){"backend", shm_be_dir(s, sw32_get(&srv->backend))->name, 0};
		return 2;
	case EVENT_BACKEND:
		if (object >= sw32_get(&s->master->n_backends))
			return 0;
		f[0] = (struct log_field){"backend", shm_be_dir(s, object)->name, 0};
		return 1;
	case EVENT_FRONTEND:
		if (object >= sw32_get(&s->master->n_frontends))
			return 0;
		f[0] = (struct log_field){"frontend", shm_fe_dir(s, object)->name, 0};
		return 1;
	case EVENT_ROUTER:
		if (object >= SHM_MAX_ROUTERS)
			return 0;
		f[0] = (struct log_field){"router", s->vrrp->routers[object].name, 0};
		return 1;
	default:
		return 0;
	}
}

uint64_t
event_log(const struct shm *s, enum log_level level, enum event_kind kind, uint32_t object,
    const char *fmt, ...)
{
	struct log_field fields[4] = {{"event", NULL, 0}, {"kind", event_kind_name(kind), 0}};
	char line[768 + 32];
	size_t n = 2, len;
	uint64_t seq;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, 768, fmt, ap);
	va_end(ap);
	seq = event_add(s, kind, object, "%s", line);
	if (!log_wanted(level))
		return seq;
	len = strlen(line);
	len += (size_t)snprintf(
	    line + len, sizeof(line) - len, " [event %llu]", (unsigned long long)seq);
	fields[0].number = (int64_t)seq;
	if (log_fields_wanted(level))
		n += object_fields(s, kind, object, fields + 2);
	log_line_fields(level, line, len, fields, n);
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

/* Moves to the first entry from pos on with a number above after. Bounded: a head that runs away is
 * none that event_add moves. */
static void
cursor_seek(struct cursor *c, uint64_t after)
{
	for (unsigned i = 0; i < 4 * SHM_EVENTS; i++, c->pos++) {
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
	c->seq = 0;
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
	for (char *p = out->text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '.'; /* it goes to terminals */
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

/* A writer that was there before may still be about to fill a gap before it. A time that is far
 * ahead is none of event_add's. */
static bool
is_young(const struct event *e, struct mono now)
{
	return e->mono_ns > now.ns - SETTLE_NS && e->mono_ns < now.ns + SETTLE_NS;
}

size_t
event_read(const struct shm *s, uint64_t after, struct mono now, struct event *out, size_t max)
{
	struct cursor c[RINGS], *at;
	size_t n = cursors_open(s, after, c), got = 0, lost = 0;

	while (got < max && lost < LOST_MOST && (at = cursors_first(c, n)) != NULL) {
		struct event *e = &out[got];

		if (!cursor_copy(at, e)) {
			lost++;
			cursor_seek(at, after);
			continue;
		}
		/* Seeking above the last number also keeps what a ring got meanwhile in order. */
		e->missing = e->seq - after - 1;
		if (e->missing > 0 && is_young(e, now))
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
