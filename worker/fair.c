/* SPDX-License-Identifier: ISC */
/* A line, and the timer that serves it. */
#include "worker/fair.h"

#include <stddef.h>
#include <string.h>

static struct {
	struct loop *loop;
	struct loop_timer timer; /* armed while somebody stands in the line */
	struct fair *first;
	struct fair *last;
	struct mono begun; /* the one that is being served */
} line;

void
fair_forget(void)
{
	memset(&line, 0, sizeof(line));
}

static struct fair *
take_first(void)
{
	struct fair *f = line.first;

	line.first = f->next;
	if (line.first == NULL)
		line.last = NULL;
	f->next = NULL;
	f->waits = false;
	return f;
}

static void
on_timer(struct loop_timer *t)
{
	struct mono start = mono_now();

	line.begun = start;
	while (line.first != NULL && line.begun.ns - start.ns < FAIR_US * 1000) {
		struct fair *f = take_first();

		f->cb(f);
		line.begun = mono_now();
	}
	/* Next turn: for now it would be run in this one again. Who waits is ready by epoll, too,
	 * so that the loop does not sleep before it. */
	if (line.first != NULL)
		loop_timer_set(line.loop, t, mono_add_ns(loop_now(line.loop), 1));
	else
		loop_timer_del(line.loop, t);
}

void
fair_add(struct loop *loop, struct fair *f)
{
	if (f->waits)
		return;
	line.loop = loop;
	line.timer.cb = on_timer;
	f->next = NULL;
	f->waits = true;
	if (line.last != NULL)
		line.last->next = f;
	else
		line.first = f;
	line.last = f;
	if (!loop_timer_armed(&line.timer))
		loop_timer_set(loop, &line.timer, loop_now(loop));
}

void
fair_del(struct fair *f)
{
	struct fair **at = &line.first, *before = NULL;

	if (!f->waits)
		return;
	for (; *at != f; at = &(*at)->next)
		before = *at;
	*at = f->next;
	if (line.last == f)
		line.last = before;
	f->next = NULL;
	f->waits = false;
	if (line.first == NULL)
		loop_timer_del(line.loop, &line.timer);
}

bool
fair_over(void)
{
	return mono_now().ns - line.begun.ns >= FAIR_ONCE_US * 1000;
}
