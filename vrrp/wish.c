/* SPDX-License-Identifier: ISC */
/* See wish.h. */
#include "vrrp/wish.h"

#include "vrrp/mirror.h"

static struct wish *
find(const struct wishes *w, const struct nl_addr *a)
{
	for (size_t i = 0; i < w->n; i++)
		if (mirror_same_addr(&w->v[i].a, a))
			return (struct wish *)(uintptr_t)&w->v[i];
	return NULL;
}

static struct wish *
get(struct wishes *w, const struct nl_addr *a)
{
	struct wish *x = find(w, a);

	if (x != NULL || w->n == WISH_MAX)
		return x;
	x = &w->v[w->n++];
	*x = (struct wish){.a = *a};
	return x;
}

int
wish_set(struct wishes *w, const struct nl_addr *a, unsigned slot, enum wish_cause cause)
{
	struct wish *x = get(w, a);

	if (x == NULL)
		return -1;
	if (x->want == WISH_SET && x->cause > cause)
		cause = x->cause;
	if (x->want != WISH_SET)
		x->order = ++w->order;
	x->a = *a;
	x->want = WISH_SET;
	x->cause = cause;
	x->slot = slot;
	return 0;
}

int
wish_remove(struct wishes *w, const struct nl_addr *a, unsigned slot)
{
	struct wish *x = get(w, a);

	if (x == NULL)
		return -1;
	if (x->want != WISH_REMOVE)
		x->order = ++w->order;
	x->a = *a;
	x->want = WISH_REMOVE;
	x->slot = slot;
	return 0;
}

static unsigned
urgency(const struct wish *x)
{
	return x->want == WISH_REMOVE ? 2 : x->cause != WISH_REFRESH ? 1 : 0;
}

bool
wish_next(struct wishes *w, struct wish_job *out)
{
	struct wish *best = NULL;

	for (size_t i = 0; i < w->n; i++) {
		struct wish *x = &w->v[i];

		if (x->runs != WISH_NONE)
			return false;
		if (x->want == WISH_NONE)
			continue;
		if (best == NULL || urgency(x) > urgency(best) ||
		    (urgency(x) == urgency(best) && x->order < best->order))
			best = x;
	}
	if (best == NULL)
		return false;
	*out = (struct wish_job){
	    .want = best->want, .cause = best->cause, .slot = best->slot, .a = best->a};
	best->runs = best->want;
	best->run_slot = best->slot;
	best->want = WISH_NONE;
	return true;
}

void
wish_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].runs == WISH_NONE)
			continue;
		w->v[i].runs = WISH_NONE;
		if (w->v[i].want == WISH_NONE)
			w->v[i] = w->v[--w->n];
		return;
	}
}

unsigned
wish_open(const struct wishes *w, unsigned slot)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct wish *x = &w->v[i];

		if ((x->want != WISH_NONE && x->slot == slot) ||
		    (x->runs != WISH_NONE && x->run_slot == slot))
			n++;
	}
	return n;
}

enum wish_want
wish_of(const struct wishes *w, const struct nl_addr *a)
{
	const struct wish *x = find(w, a);

	return x == NULL ? WISH_NONE : x->want != WISH_NONE ? x->want : x->runs;
}
