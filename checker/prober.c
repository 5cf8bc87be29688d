/* SPDX-License-Identifier: ISC */
/* Planning and starting probes; see prober.h. */
#include "checker/prober.h"

#include <stdlib.h>

#include "checker/gen.h"
#include "checker/health.h"
#include "checker/timing.h"

#define FRESH_SERVERS 3 /* of a backend, probed at once when vrrp asks */

static void
start_at(struct server *s, struct mono at)
{
	sw64_set(&s->h->next_probe_ns, (uint64_t)at.ns);
	loop_timer_set(s->ck->loop, &s->due, at);
}

static void
plan_at(struct server *s, struct mono at)
{
	s->planned = at;
	start_at(s, at);
}

static void
plan_none(struct server *s)
{
	loop_timer_del(s->ck->loop, &s->due);
	probe_abort(&s->probe);
	sw64_set(&s->h->next_probe_ns, 0);
}

static int64_t
interval(const struct server *s)
{
	struct risefall r = health_counter(s);
	unsigned percent = s->ck->gen->conf->global.spread_checks;
	bool first = sw64_get(&s->h->probes) == 0;

	return timing_jitter(
	    timing_interval(&s->conf->check, &r, first), percent, (uint32_t)mrand48());
}

/* Its place among all when they begin together. */
static int64_t
place(const struct server *s)
{
	const struct gen *g = s->ck->gen;

	return timing_first((size_t)(s - g->servers), g->n_servers, s->conf->check.inter_ms);
}

static void
on_due(struct loop_timer *t)
{
	struct server *s = (struct server *)(void *)((char *)t - offsetof(struct server, due));

	struct mono now = loop_refresh(s->ck->loop);
	int64_t later = 0;

	if (probe_busy(&s->probe))
		return; /* its end plans the next one */
	/* Once: on a host that is always late it still begins. */
	if (timing_overdue(mono_diff_ms(now, t->at)) && t->at.ns == s->planned.ns)
		later = place(s);
	if (later > 0) {
		start_at(s, mono_add_ms(now, later));
		return;
	}
	s->last_start = now;
	probe_start(&s->probe, &s->spec, s->last_start);
}

static void
on_result(struct probe *p, const struct probe_result *r)
{
	struct server *s = (struct server *)(void *)((char *)p - offsetof(struct server, probe));

	health_result(s, r);
	if (health_wants_probes(s))
		plan_at(
		    s, timing_next(s->planned, s->last_start, loop_now(s->ck->loop), interval(s)));
}

void
prober_init(struct server *s)
{
	probe_init(&s->probe, s->ck->loop, on_result);
	s->due.cb = on_due;
}

static struct mono
known_plan(const struct server *s)
{
	return (struct mono){(int64_t)sw64_get(&s->h->next_probe_ns)};
}

bool
prober_is_due(const struct server *s)
{
	return mono_before(known_plan(s), loop_now(s->ck->loop));
}

void
prober_plan(struct server *s, int64_t delay_ms)
{
	struct mono now = loop_now(s->ck->loop), at = known_plan(s);

	if (!health_wants_probes(s)) {
		plan_none(s);
	} else if (at.ns == 0) {
		plan_at(s, mono_add_ms(now, delay_ms));
	} else if (mono_before(at, now)) {
		s->planned = at;
		start_at(s, mono_add_ms(now, delay_ms));
	} else {
		plan_at(s, mono_min(at, mono_add_ms(now, interval(s))));
	}
}

void
prober_resume(struct server *s, struct mono began)
{
	loop_timer_del(s->ck->loop, &s->due);
	s->last_start = began;
	probe_start(&s->probe, &s->spec, began);
}

void
prober_update(struct server *s)
{
	if (!health_wants_probes(s))
		plan_none(s);
	else if (!loop_timer_armed(&s->due) && !probe_busy(&s->probe))
		plan_at(s, loop_now(s->ck->loop));
}

/* A report only speeds up what the probes would find. */
static void
report(struct server *s)
{
	if (!health_wants_probes(s) || !health_is_up(s) || probe_busy(&s->probe))
		return;
	plan_at(s, timing_report(loop_now(s->ck->loop), s->last_start, s->due.at));
}

void
prober_read_reports(struct checker *ck)
{
	uint32_t n = sw32_get(&ck->seg->master->n_workers);

	for (uint32_t w = 0; w < n && w < ck->seg->caps->workers; w++) {
		const struct shm_worker *k = shm_worker(ck->seg, w);
		uint64_t head = sw64_get(&k->report_head), i = ck->seen_reports[w];

		if (head < i || head - i > SHM_REPORTS) /* another start, or overrun */
			i = head > SHM_REPORTS ? head - SHM_REPORTS : 0;
		for (; i < head; i++) {
			uint32_t slot = sw32_get(&k->report[i % SHM_REPORTS]);
			struct server *s = gen_server(ck->gen, slot);

			if (s != NULL)
				report(s);
		}
		ck->seen_reports[w] = head;
	}
}

/* Some usable servers of a backend: one pass is enough, the first may just have died. */
static void
freshen(struct backend *b, uint64_t since)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n_servers && n < FRESH_SERVERS; i++) {
		struct server *s = &b->servers[i];

		if (sw32_get(&s->h->usable) == 0 || sw64_get(&s->h->last_probe_ns) >= since)
			continue;
		n++;
		report(s);
	}
}

void
prober_read_fresh(struct checker *ck)
{
	uint64_t want = sw64_get(&ck->seg->vrrp->want_fresh_ns);

	if (want == ck->seen_fresh)
		return;
	ck->seen_fresh = want;
	ck->fresh_wanted = true;
	for (size_t i = 0; i < ck->gen->n_backends; i++)
		freshen(&ck->gen->backends[i], want);
}

void
prober_skip_reports(struct checker *ck)
{
	for (uint32_t w = 0; w < ck->seg->caps->workers; w++)
		ck->seen_reports[w] = sw64_get(&shm_worker(ck->seg, w)->report_head);
	ck->seen_fresh = sw64_get(&ck->seg->vrrp->want_fresh_ns);
}
