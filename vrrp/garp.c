/* SPDX-License-Identifier: ISC */
/* When which address is announced. Pure. */
#include "vrrp/garp.h"

#define TROUBLE_NS  60000000000
#define SIGN_GAP_NS 50000000

static const int64_t round_at_ms[] = {0, 0, 100, 500, 1000, 2000, 5000};

#define ROUNDS (sizeof(round_at_ms) / sizeof(round_at_ms[0]))

static unsigned
rounds(const struct garp_cfg *cfg)
{
	if (cfg->repeat == 0)
		return ROUNDS;
	return cfg->repeat * (cfg->delay_ns > 0 ? 2 : 1);
}

/* When the round is due, from the start of the schedule on. */
static int64_t
round_at_ns(const struct garp_cfg *cfg, unsigned round)
{
	if (cfg->repeat == 0)
		return round_at_ms[round] * 1000000;
	return round < cfg->repeat ? 0 : cfg->delay_ns;
}

void
garp_start(struct garp *g, size_t n, struct mono now)
{
	*g = (struct garp){.running = n > 0, .n = n, .start = now, .due = now};
}

void
garp_sign(struct garp *g, struct mono now)
{
	if (!g->running)
		return;
	g->trouble = mono_add_ns(now, TROUBLE_NS);
	/* Signs that come together are one: the rate is for the repetitions. */
	if (now.ns - g->start.ns < SIGN_GAP_NS)
		return;
	g->start = now;
	g->round = 0;
	/* A round under way is finished first: restarting it each time would starve the last
	 * addresses of a long list. */
	if (g->pos == 0)
		g->due = now;
}

void
garp_trouble(struct garp *g, struct mono now, const struct garp_cfg *cfg)
{
	if (!g->running)
		return;
	g->trouble = mono_add_ns(now, TROUBLE_NS);
	if (g->round >= rounds(cfg) && g->pos == 0)
		g->due = mono_min(g->due, mono_add_ns(now, cfg->trouble_ns));
}

void
garp_stop(struct garp *g)
{
	g->running = false;
}

static struct mono
rate_next(const struct garp_rate *r)
{
	struct mono oldest = r->sent[r->at];

	return oldest.ns == 0 ? oldest : mono_add_ns(oldest, 1000000000);
}

struct mono
garp_next(const struct garp *g, const struct garp_rate *r)
{
	struct mono free_at = rate_next(r);

	if (!g->running)
		return MONO_NEVER;
	return mono_before(g->due, free_at) ? free_at : g->due;
}

/* The round is complete: the next one; of rule 8's the next that is not past already, but one at
 * least. */
static void
round_done(struct garp *g, struct mono now, const struct garp_cfg *cfg)
{
	int64_t every = mono_before(now, g->trouble) ? cfg->trouble_ns : cfg->refresh_ns;

	g->pos = 0;
	g->round++;
	while (cfg->repeat == 0 && g->round + 1 < ROUNDS &&
	       !mono_before(now, mono_add_ns(g->start, round_at_ns(cfg, g->round + 1))))
		g->round++;
	if (g->round < rounds(cfg)) {
		g->due = mono_add_ns(g->start, round_at_ns(cfg, g->round));
		return;
	}
	g->round = rounds(cfg);
	g->due = every > 0 ? mono_add_ns(now, every) : MONO_NEVER;
}

int
garp_step(struct garp *const *g, size_t n_routers, struct garp_rate *r, struct mono now,
    const struct garp_cfg *const *cfg, size_t *router)
{
	struct garp *best = NULL;
	int pos;

	if (mono_before(now, rate_next(r)))
		return -1;
	for (size_t i = 0; i < n_routers; i++) {
		if (!g[i]->running || mono_before(now, g[i]->due))
			continue;
		if (best != NULL && (g[i]->round > best->round ||
					(g[i]->round == best->round && g[i]->pos >= best->pos)))
			continue;
		best = g[i];
		*router = i;
	}
	if (best == NULL)
		return -1;
	r->sent[r->at] = now;
	r->at = (r->at + 1) % GARP_RATE;
	pos = (int)best->pos++;
	if (best->pos == best->n)
		round_done(best, now, cfg[*router]);
	return pos;
}
