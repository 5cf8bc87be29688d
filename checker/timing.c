/* SPDX-License-Identifier: ISC */
/* Probe times; see timing.h. */
#include "checker/timing.h"

#define FIRST_GAP_MS  10
#define REPORT_GAP_MS 100
#define STALL_MS      100
#define STALLS_MAX    2

int64_t
timing_interval(const struct conf_check *c, const struct risefall *r, bool first)
{
	int64_t ms = 0;

	if (first || risefall_moving(r))
		ms = c->fastinter_ms;
	else if (r->counter == 0)
		ms = c->downinter_ms;
	return ms > 0 ? ms : c->inter_ms;
}

int64_t
timing_jitter(int64_t interval, unsigned percent, uint32_t random)
{
	int64_t range = interval * (percent > 50 ? 50 : percent) / 100;

	return interval - range + (2 * range + 1) * (int64_t)random / ((int64_t)UINT32_MAX + 1);
}

struct mono
timing_next(struct mono planned, struct mono start, struct mono end, int64_t interval)
{
	int64_t ns = interval * 1000000, missed = start.ns + ns / 2 - (planned.ns + ns);
	struct mono next = mono_add_ns(planned, ns);

	if (missed > 0)
		next = mono_add_ns(next, (missed + ns - 1) / ns * ns);
	return mono_before(next, end) ? end : next;
}

bool
timing_overdue(int64_t late_ms)
{
	return late_ms > STALL_MS;
}

int64_t
timing_first(size_t i, size_t n, int64_t min_inter)
{
	int64_t over = (int64_t)n * FIRST_GAP_MS;

	if (over > min_inter)
		over = min_inter;
	return n == 0 ? 0 : over * (int64_t)i / (int64_t)n;
}

static int64_t
whole_limit(const struct conf_check *c)
{
	int64_t ms = c->inter_ms - c->inter_ms / 32;

	return ms > 0 ? ms : 1;
}

int64_t
timing_connect_limit(const struct conf_check *c, int64_t timeout_connect)
{
	if (c->timeout_ms <= 0)
		return whole_limit(c);
	if (timeout_connect > 0 && timeout_connect < c->inter_ms)
		return timeout_connect;
	return c->inter_ms;
}

int64_t
timing_answer_limit(const struct conf_check *c, int64_t spent)
{
	int64_t left;

	if (c->timeout_ms > 0)
		return c->timeout_ms;
	left = whole_limit(c) - spent;
	/* Connected, but seen only after the time was over: the pause was ours. */
	return left > 0 ? left : whole_limit(c);
}

bool
timing_stalled(int64_t late_ms, unsigned stalls_before)
{
	return late_ms > STALL_MS && stalls_before < STALLS_MAX;
}

struct mono
timing_report(struct mono now, struct mono last_start, struct mono planned)
{
	struct mono at = mono_add_ms(last_start, REPORT_GAP_MS);

	if (mono_before(at, now))
		at = now;
	return mono_min(at, planned);
}
