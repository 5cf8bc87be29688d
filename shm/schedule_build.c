/* SPDX-License-Identifier: ISC */
/*
 * Construction of a schedule. Turn t (from 1) of W goes to a server among those whose next entry is
 * due: entry k (from 0) of a server with weight w may stand from the first t on with
 * t*w/W - k >= 1/D, and has to stand by the last t with t*w/W - k <= 1 - 1/D, where D = 2n - 2.
 * The earliest end first, then the order given. Those not yet due wait in a list per turn, those
 * due in a heap.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/schedule.h"

#define NOBODY UINT32_MAX

struct item {
	uint32_t srv;
	uint32_t weight; /* entries it gets */
	uint32_t done;   /* entries it has */
	uint32_t end;    /* last turn for its next entry */
	uint32_t next;   /* in the list of its turn */
};

struct build {
	struct item *item;
	uint32_t n;
	uint32_t len;   /* W */
	uint32_t *due;  /* [len + 2]: first item of the list of a turn */
	uint32_t *heap; /* items that are due, by (end, index) */
	uint32_t heap_n;
};

static uint32_t
gcd(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static uint64_t
weights_reduce(struct item *it, uint32_t n)
{
	uint32_t g = 0;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		g = gcd(it[i].weight, g);
	for (uint32_t i = 0; i < n; i++) {
		it[i].weight /= g;
		sum += it[i].weight;
	}
	return sum;
}

/*
 * Scales to SHM_SCHED_MAX entries. Who would get less than one gets one and is left out of the
 * reckoning, until the rest all get at least one. Then the running sum is rounded, which leaves
 * each within one entry of its share and the sum exact.
 */
static int
weights_scale(struct item *it, uint32_t n, uint64_t sum)
{
	uint64_t room = SHM_SCHED_MAX, acc = 0, given = 0;
	bool *small = calloc(n, sizeof(*small));
	bool more = true;

	if (small == NULL)
		return -1;
	while (more) {
		uint64_t took = 0, took_sum = 0;

		for (uint32_t i = 0; i < n; i++)
			if (!small[i] && it[i].weight * room < sum) {
				small[i] = true;
				took++;
				took_sum += it[i].weight;
			}
		room -= took;
		sum -= took_sum;
		more = took != 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t upto;

		if (small[i]) {
			it[i].weight = 1;
			continue;
		}
		acc += it[i].weight;
		upto = acc * room / sum;
		it[i].weight = (uint32_t)(upto - given);
		given = upto;
	}
	free(small);
	return 0;
}

static bool
heap_before(const struct build *b, uint32_t x, uint32_t y)
{
	return b->item[x].end != b->item[y].end ? b->item[x].end < b->item[y].end : x < y;
}

static void
heap_push(struct build *b, uint32_t x)
{
	uint32_t at = b->heap_n++;

	while (at > 0 && heap_before(b, x, b->heap[(at - 1) / 2])) {
		b->heap[at] = b->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	b->heap[at] = x;
}

static uint32_t
heap_pop(struct build *b)
{
	uint32_t top = b->heap[0], x = b->heap[--b->heap_n], at = 0;

	for (;;) {
		uint32_t c = 2 * at + 1;

		if (c >= b->heap_n)
			break;
		if (c + 1 < b->heap_n && heap_before(b, b->heap[c + 1], b->heap[c]))
			c++;
		if (!heap_before(b, b->heap[c], x))
			break;
		b->heap[at] = b->heap[c];
		at = c;
	}
	b->heap[at] = x;
	return top;
}

/* Puts item x with its next entry into the list of the turn from which on it may stand, first at
 * the earliest (one that is behind may be due again at once). */
static void
item_wait(struct build *b, uint32_t x, uint32_t first)
{
	struct item *it = &b->item[x];
	uint64_t d = b->n == 1 ? 1 : 2 * (uint64_t)b->n - 2;
	uint64_t wd = it->weight * d;
	uint64_t start = (b->len * (it->done * d + 1) + wd - 1) / wd;

	if (start < first)
		start = first;
	it->end = (uint32_t)(b->len * ((it->done + 1) * d - 1) / wd);
	it->next = b->due[start];
	b->due[start] = x;
}

static void
turns(struct build *b, uint16_t *out)
{
	for (uint32_t i = 0; i < b->n; i++)
		item_wait(b, i, 1);
	for (uint32_t t = 1; t <= b->len; t++) {
		uint32_t x;

		for (x = b->due[t]; x != NOBODY; x = b->item[x].next)
			heap_push(b, x);
		/* That somebody is due at every turn is Tijdeman's theorem. */
		x = heap_pop(b);
		out[t - 1] = (uint16_t)b->item[x].srv;
		if (++b->item[x].done < b->item[x].weight)
			item_wait(b, x, t + 1);
	}
}

static int
build_run(struct build *b, uint16_t *out)
{
	b->due = malloc((b->len + 2) * sizeof(*b->due));
	b->heap = calloc(b->n, sizeof(*b->heap));
	if (b->due == NULL || b->heap == NULL) {
		free(b->due);
		free(b->heap);
		return -1;
	}
	memset(b->due, 0xff, (b->len + 2) * sizeof(*b->due));
	turns(b, out);
	free(b->due);
	free(b->heap);
	return (int)b->len;
}

/* Reduced and bounded weights, and the number of entries. */
static int
weights_prepare(struct build *b)
{
	uint64_t sum = weights_reduce(b->item, b->n);

	if (sum > SHM_SCHED_MAX) {
		if (weights_scale(b->item, b->n, sum) == -1)
			return -1;
		sum = SHM_SCHED_MAX;
	}
	b->len = (uint32_t)sum;
	return 0;
}

int
schedule_build(
    const uint32_t *srv, const uint32_t *weight, uint32_t n, uint16_t *out, uint32_t *servers)
{
	struct build b = {.n = 0};
	int r = 0;

	*servers = 0;
	b.item = calloc(n == 0 ? 1 : n, sizeof(*b.item));
	if (b.item == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		if (weight[i] == 0)
			continue;
		if (srv[i] >= UINT16_MAX || b.n == SHM_SCHED_MAX) {
			free(b.item);
			errno = EINVAL;
			return -1;
		}
		b.item[b.n++] = (struct item){.srv = srv[i], .weight = weight[i]};
	}
	if (b.n > 0)
		r = weights_prepare(&b) == -1 ? -1 : build_run(&b, out);
	if (r > 0)
		*servers = b.n;
	free(b.item);
	return r;
}
