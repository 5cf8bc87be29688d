/* SPDX-License-Identifier: ISC */
/* Acknowledgements that wait. Runs in a worker. */
#include "worker/late.h"

#include "lib/outgoing.h"

#define LATE_MASS 256 /* a turn */

bool
late_due(int64_t ms, uint64_t turns, bool rested)
{
	return ms >= LATE_MS && (rested || turns >= LATE_TURNS);
}

static void
look_again(struct worker *w)
{
	loop_timer_set(w->loop, &w->late_timer, mono_add_ms(loop_now(w->loop), LATE_MS));
}

void
late_join(struct session *s)
{
	struct worker *w = s->w;

	s->late_since = loop_now(w->loop);
	s->late_turn = loop_turns(w->loop);
	s->late_next = NULL;
	s->late_prev = w->late_tail;
	*w->late_tail = s;
	w->late_tail = &s->late_next;
	if (!loop_timer_armed(&w->late_timer))
		look_again(w);
}

void
late_leave(struct session *s)
{
	struct worker *w = s->w;

	if (s->late_prev == NULL)
		return;
	*s->late_prev = s->late_next;
	if (s->late_next != NULL)
		s->late_next->late_prev = s->late_prev;
	else
		w->late_tail = s->late_prev;
	s->late_prev = NULL;
	/* No wake-up for nothing. */
	if (w->late == NULL)
		loop_timer_del(w->loop, &w->late_timer);
}

static void
on_late(struct loop_timer *t)
{
	struct worker *w =
	    (struct worker *)(void *)((char *)t - offsetof(struct worker, late_timer));
	struct mono now = loop_now(w->loop);
	uint64_t turn = loop_turns(w->loop);
	bool rested = loop_rested(w->loop);
	struct session *s;

	for (unsigned n = 0;
	     n < LATE_MASS && (s = w->late) != NULL &&
	     late_due(mono_diff_ms(now, s->late_since), turn - s->late_turn, rested);
	     n++) {
		late_leave(s);
		outgoing_ack(s->s.fd);
	}
	if (w->late != NULL)
		look_again(w);
}

void
late_init(struct worker *w)
{
	w->late = NULL;
	w->late_tail = &w->late;
	w->late_timer.cb = on_late;
}
