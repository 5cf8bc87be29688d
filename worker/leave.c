/* SPDX-License-Identifier: ISC */
/* Listeners that leave. Runs in a worker. */
#include "worker/leave.h"

void
leave_begin(struct worker *w, struct listener *l)
{
	l->leaving = true;
	l->deaf = l->quiet = l->full = false;
	l->last = loop_now(w->loop);
	l->left = w->gen != NULL ? w->gen->number : 0;
	if (l->fe != NULL)
		worker_gen_ref(l->fe->gen);
}

static bool
is_quiet(const struct listener *l, struct mono now)
{
	return mono_diff_ms(now, l->last) >= LEAVE_EMPTY_MS;
}

bool
leave_step(struct worker *w, struct listener *l, struct mono now)
{
	if (l->inherited)
		return true; /* whoever made it keeps it: those who wait there are not lost */
	if (w->retry_at.ns != 0)
		return false; /* nothing is accepted now: quiet means nothing */
	if (!l->deaf) {
		/* At its limit it takes nobody: those who wait stay, others need not come. */
		l->quiet = l->full || is_quiet(l, now);
		l->deaf = sw64_get(&w->seg->master->deaf) >= l->left;
		l->last = l->deaf ? now : l->last;
		l->close_at = mono_add_ms(now, LEAVE_LAST_MS);
		return false;
	}
	for (size_t i = 0; !l->full && i < l->n_queues; i++)
		accept_queue(w, l->queues[i]);
	return !l->full && (is_quiet(l, now) || !mono_before(now, l->close_at));
}

/* The oldest generation that one of these still accepts for; quiet ones do not count if so asked.
 */
static uint64_t
oldest(const struct worker *w, const struct listener *all, bool skip_quiet)
{
	uint64_t n = w->gen != NULL ? w->gen->number : 0;

	for (const struct listener *l = all; l != NULL; l = l->next) {
		uint64_t g = l->fe != NULL ? l->fe->gen->number : 0;

		if (l->leaving && !(skip_quiet && l->quiet) && g < n)
			n = g;
	}
	return n;
}

void
leave_publish(struct worker *w, const struct listener *all)
{
	uint64_t quiet = oldest(w, all, true), left = oldest(w, all, false);

	if (sw64_get(&w->own->quiet) == quiet && sw64_get(&w->own->left) == left)
		return;
	sw64_set(&w->own->quiet, quiet);
	sw64_set(&w->own->left, left);
	child_ring_fd(w->child->start.bells.master);
}
