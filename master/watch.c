/* SPDX-License-Identifier: ISC */
/* Decisions about silent children. Pure; master/process.c samples and kills. */
#include "master/watch.h"

#include <stdio.h>
#include <string.h>

enum watch_verdict
watch_step(struct watch *w, uint64_t now, uint64_t answered, uint64_t kill_ticks, bool *want_sample)
{
	uint64_t silent;

	*want_sample = false;
	/* The question of this very tick cannot be answered yet. */
	if (answered + 1 >= now) {
		*w = (struct watch){0};
		return WATCH_FINE;
	}
	if (w->asked == 0 || w->asked <= answered)
		*w = (struct watch){.asked = answered + 1};
	silent = now - w->asked;
	if (silent < WATCH_SILENT_TICKS)
		return WATCH_FINE;
	*want_sample = !w->sampled || silent >= kill_ticks;
	return WATCH_SILENT;
}

enum watch_verdict
watch_judge(const struct watch *w, const struct watch_sample *s, uint64_t work_ns)
{
	if (s->state == 't')
		return WATCH_SILENT; /* a debugger holds it */
	if (s->state == 'D')
		return WATCH_BLOCKED;
	if (s->state == 'T' || s->state == 'S' || s->state == 'I')
		return WATCH_KILL;
	if (!w->sampled || s->state == 0)
		return WATCH_SILENT;
	/* Runs, or wants to. It hangs if it got CPU time and yet did not answer: 50 ms are enough
	 * for that. */
	if (s->cpu_ns - w->at_ask.cpu_ns > 50000000 + work_ns)
		return WATCH_KILL;
	return WATCH_STARVED;
}

bool
watch_may_kill(uint64_t now, uint64_t last_kill, bool replaced, bool others_live)
{
	if (last_kill == 0)
		return true;
	if (now - last_kill < WATCH_APART_TICKS)
		return false;
	return others_live || replaced;
}

bool
watch_parse(struct watch_sample *out, const char *stat, const char *schedstat)
{
	const char *p = strrchr(stat, ')'); /* the name may hold anything */
	unsigned long long cpu, wait;

	if (p == NULL || p[1] != ' ' || p[2] == '\0')
		return false;
	if (sscanf(schedstat, "%llu %llu", &cpu, &wait) != 2)
		return false;
	*out = (struct watch_sample){.state = p[2], .cpu_ns = cpu, .wait_ns = wait};
	return true;
}
