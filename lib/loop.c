/* SPDX-License-Identifier: ISC */
/*
 * Event loop. Runs in every process.
 *
 * epoll's data word holds slot and generation of the slot, never a pointer: an event that was
 * fetched for a descriptor which an earlier callback of the same batch removed is recognised and
 * dropped. Timers stand in a 4-ary heap; a timer that is moved later often (idle limits) should be
 * armed lazily by its owner: let it fire, look, arm again.
 */
#include "lib/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOP_BATCH 256 /* events fetched by one epoll_wait */
#define NO_SLOT    UINT32_MAX

struct slot {
	struct loop_fd *f; /* NULL: free */
	uint32_t gen;      /* counts reuses */
	uint32_t next;     /* free list */
};

struct loop {
	int epfd;
	bool stop;
	struct mono now;
	uint64_t turns;
	struct slot *slots;
	uint32_t n_slots; /* room; only the first n_used were ever written to */
	uint32_t n_used;
	uint32_t free_slot;
	struct loop_timer **heap;
	size_t heap_len;
	size_t heap_cap;
	size_t reserved;
	bool (*idle)(void *);
	void *idle_arg;
	struct epoll_event events[LOOP_BATCH];
};

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->free_slot = NO_SLOT;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd == -1) {
		free(l);
		return NULL;
	}
	l->now = mono_now();
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	close(l->epfd);
	free(l->slots);
	free(l->heap);
	free(l);
}

static int
slots_grow(struct loop *l)
{
	uint32_t n = l->n_slots == 0 ? 64 : l->n_slots * 2;
	struct slot *s = realloc(l->slots, (size_t)n * sizeof(*s));

	if (s == NULL)
		return -1;
	l->slots = s;
	l->n_slots = n;
	return 0;
}

static struct epoll_event
slot_event(const struct loop *l, uint32_t slot, uint32_t events)
{
	return (struct epoll_event){
	    .events = events, .data.u64 = (uint64_t)l->slots[slot].gen << 32 | slot};
}

int
loop_fd_add(struct loop *l, struct loop_fd *f, int fd, uint32_t events)
{
	uint32_t slot;
	struct epoll_event ev;

	if (l->free_slot == NO_SLOT) {
		if (l->n_used == l->n_slots && slots_grow(l) == -1)
			return -1;
		l->slots[l->n_used] = (struct slot){.f = NULL, .gen = 0, .next = NO_SLOT};
		l->free_slot = l->n_used++;
	}
	slot = l->free_slot;
	ev = slot_event(l, slot, events);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
		return -1;
	l->free_slot = l->slots[slot].next;
	l->slots[slot].f = f;
	f->fd = fd;
	f->slot = slot;
	return 0;
}

int
loop_fd_mod(struct loop *l, struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = slot_event(l, f->slot, events);

	return epoll_ctl(l->epfd, EPOLL_CTL_MOD, f->fd, &ev);
}

void
loop_fd_forget(struct loop *l, struct loop_fd *f)
{
	struct slot *s;

	if (f->fd == -1)
		return;
	s = &l->slots[f->slot];
	s->f = NULL;
	s->gen++;
	s->next = l->free_slot;
	l->free_slot = f->slot;
	f->fd = -1;
}

void
loop_fd_del(struct loop *l, struct loop_fd *f)
{
	if (f->fd == -1)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, f->fd, NULL);
	loop_fd_forget(l, f);
}

int
loop_timer_reserve(struct loop *l, size_t n)
{
	size_t want = l->reserved + n;

	if (want > l->heap_cap) {
		size_t cap = l->heap_cap == 0 ? 64 : l->heap_cap;
		struct loop_timer **h;

		while (cap < want)
			cap += cap / 2;
		h = realloc(l->heap, cap * sizeof(struct loop_timer *));
		if (h == NULL)
			return -1;
		l->heap = h;
		l->heap_cap = cap;
	}
	l->reserved = want;
	return 0;
}

void
loop_timer_unreserve(struct loop *l, size_t n)
{
	l->reserved -= n < l->reserved ? n : l->reserved;
}

static void
heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->heap = (uint32_t)i + 1;
}

static void
heap_up(struct loop *l, size_t i, struct loop_timer *t)
{
	while (i > 0) {
		size_t parent = (i - 1) / 4;

		if (!mono_before(t->at, l->heap[parent]->at))
			break;
		heap_put(l, i, l->heap[parent]);
		i = parent;
	}
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, size_t i, struct loop_timer *t)
{
	for (;;) {
		size_t first = i * 4 + 1, best = first;

		if (first >= l->heap_len)
			break;
		for (size_t c = first + 1; c < first + 4 && c < l->heap_len; c++)
			if (mono_before(l->heap[c]->at, l->heap[best]->at))
				best = c;
		if (!mono_before(l->heap[best]->at, t->at))
			break;
		heap_put(l, i, l->heap[best]);
		i = best;
	}
	heap_put(l, i, t);
}

void
loop_timer_del(struct loop *l, struct loop_timer *t)
{
	size_t i;
	struct loop_timer *last;

	if (t->heap == 0)
		return;
	i = t->heap - 1;
	t->heap = 0;
	last = l->heap[--l->heap_len];
	if (i == l->heap_len)
		return;
	if (i > 0 && mono_before(last->at, l->heap[(i - 1) / 4]->at))
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, struct mono at)
{
	loop_timer_del(l, t);
	/* A caller that forgot to reserve is a bug of ours, not of the outside's. */
	if (l->heap_len == l->heap_cap &&
	    loop_timer_reserve(l, l->heap_cap + 1 - l->reserved) == -1)
		abort();
	t->at = at;
	heap_up(l, l->heap_len++, t);
}

struct mono
loop_now(const struct loop *l)
{
	return l->now;
}

struct mono
loop_refresh(struct loop *l)
{
	return l->now = mono_now();
}

void
loop_set_idle(struct loop *l, bool (*idle)(void *), void *arg)
{
	l->idle = idle;
	l->idle_arg = arg;
}

static void
timers_run(struct loop *l)
{
	/* A timer that arms itself for now or earlier waits for the next turn. */
	struct mono limit = l->now;
	size_t n = l->heap_len;

	while (n-- > 0 && l->heap_len > 0 && !mono_before(limit, l->heap[0]->at)) {
		struct loop_timer *t = l->heap[0];

		loop_timer_del(l, t);
		t->cb(t);
	}
}

static int
wait_ms(const struct loop *l, int max_ms)
{
	int64_t ns;

	if (l->heap_len == 0)
		return max_ms;
	ns = l->heap[0]->at.ns - l->now.ns;
	if (ns <= 0)
		return 0;
	ns = (ns + 999999) / 1000000;
	if (ns > 3600000)
		ns = 3600000;
	return max_ms >= 0 && max_ms < ns ? max_ms : (int)ns;
}

int
loop_turn(struct loop *l, int max_ms)
{
	bool busy = l->idle != NULL && l->idle(l->idle_arg);
	int n;

	l->turns++;
	if (!busy && l->heap_len > 0)
		l->now = mono_now();
	n = epoll_wait(l->epfd, l->events, LOOP_BATCH, busy ? 0 : wait_ms(l, max_ms));
	if (n == -1 && errno != EINTR)
		return -1;
	l->now = mono_now();
	for (int i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)l->events[i].data.u64;
		struct slot *s = &l->slots[slot];

		if (s->f != NULL && s->gen == (uint32_t)(l->events[i].data.u64 >> 32))
			s->f->cb(s->f, l->events[i].events);
	}
	timers_run(l);
	return 0;
}

int
loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop)
		if (loop_turn(l, -1) == -1)
			return -1;
	return 0;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

uint64_t
loop_turns(const struct loop *l)
{
	return l->turns;
}
