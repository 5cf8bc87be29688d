/* SPDX-License-Identifier: ISC */
/* Generations; see gen.h. */
#include "checker/gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "checker/health.h"
#include "checker/prober.h"
#include "checker/sched.h"
#include "checker/spec.h"
#include "checker/timing.h"
#include "checker/tls.h"
#include "conf/conf.h"

#define TIMERS_A_SERVER 3 /* next probe, its limit, slow start */

static int
allocate(struct checker *ck, struct gen *g)
{
	size_t n = 0;

	for (size_t b = 0; b < g->conf->n_backends; b++)
		n += g->conf->backends[b].n_servers;
	g->n_backends = g->conf->n_backends;
	g->n_servers = n;
	g->n_slots = sw32_get(&ck->seg->master->n_servers);
	g->n_backend_slots = sw32_get(&ck->seg->master->n_backends);
	g->backends = calloc(g->n_backends + 1, sizeof(*g->backends));
	g->servers = calloc(n + 1, sizeof(*g->servers));
	g->by_slot = calloc(g->n_slots + 1, sizeof(struct server *));
	g->backend_by_slot = calloc(g->n_backend_slots + 1, sizeof(struct backend *));
	if (g->backends == NULL || g->servers == NULL || g->by_slot == NULL ||
	    g->backend_by_slot == NULL)
		return -1;
	n = n * TIMERS_A_SERVER + g->n_backends;
	if (loop_timer_reserve(ck->loop, n) == -1)
		return -1;
	g->n_timers = n;
	return 0;
}

/* Slot, epoch and what to probe. hint: where the slot is probably. */
static int
server_build(struct gen *g, struct server *s, uint32_t *hint, char *reason, size_t size)
{
	const struct shm *seg = s->ck->seg;

	s->slot = child_find_server(seg, s->backend->slot, s->conf->name, s->conf->address, *hint);
	if (s->slot == SHM_NONE || s->slot >= g->n_slots) {
		snprintf(reason, size, "server %s/%s has no slot", s->backend->conf->name,
		    s->conf->name);
		return -1;
	}
	*hint = s->slot + 1;
	s->epoch = sw32_get(&shm_srv_dir(seg, s->slot)->epoch);
	s->h = &shm_own_health(seg)[s->slot];
	g->by_slot[s->slot] = s;
	prober_init(s);
	return spec_build(s, g->tls, reason, size);
}

static int
backend_build(struct gen *g, struct backend *b, uint32_t *hint, char *reason, size_t size)
{
	const struct shm *seg = b->ck->seg;

	b->slot = child_find_backend(seg, b->conf->name, (uint32_t)(b - g->backends));
	if (b->slot == SHM_NONE || b->slot >= g->n_backend_slots) {
		snprintf(reason, size, "backend %s has no slot", b->conf->name);
		return -1;
	}
	b->epoch = sw32_get(&shm_be_dir(seg, b->slot)->epoch);
	g->backend_by_slot[b->slot] = b;
	sched_init(b);
	for (size_t i = 0; i < b->n_servers; i++) {
		struct server *s = &b->servers[i];

		s->ck = b->ck;
		s->backend = b;
		s->conf = &b->conf->servers[i];
		if (server_build(g, s, hint, reason, size) == -1)
			return -1;
	}
	return 0;
}

struct gen *
gen_build(struct checker *ck, uint64_t number, struct conf *conf, char *reason, size_t reason_size)
{
	struct gen *g = calloc(1, sizeof(*g));
	uint32_t hint = 0;
	size_t at = 0;

	snprintf(reason, reason_size, "checker: out of memory");
	if (g == NULL) {
		conf_free(conf);
		return NULL;
	}
	g->number = number;
	g->conf = conf;
	g->tls = tls_set_new(&ck->held, &ck->coming);
	if (g->tls == NULL || allocate(ck, g) == -1)
		goto drop;
	for (size_t i = 0; i < g->n_backends; i++) {
		struct backend *b = &g->backends[i];

		b->ck = ck;
		b->conf = &conf->backends[i];
		b->servers = &g->servers[at];
		b->n_servers = b->conf->n_servers;
		at += b->n_servers;
		if (backend_build(g, b, &hint, reason, reason_size) == -1)
			goto drop;
	}
	tls_set_seal(g->tls);
	return g;
drop:
	checker_gen_free(ck, g);
	return NULL;
}

void
checker_gen_free(struct checker *ck, struct gen *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; g->servers != NULL && i < g->n_servers; i++) {
		struct server *s = &g->servers[i];

		if (s->ck == NULL)
			break;
		loop_timer_del(ck->loop, &s->due);
		loop_timer_del(ck->loop, &s->slow);
		if (s->probe.loop != NULL)
			probe_abort(&s->probe);
		spec_fini(&s->spec);
	}
	for (size_t i = 0; g->backends != NULL && i < g->n_backends; i++)
		loop_timer_del(ck->loop, &g->backends[i].rebuild);
	loop_timer_unreserve(ck->loop, g->n_timers);
	tls_set_free(g->tls);
	conf_free(g->conf);
	free(g->by_slot);
	free(g->backend_by_slot);
	free(g->servers);
	free(g->backends);
	free(g);
}

static int64_t
smallest_inter(const struct gen *g)
{
	int64_t ms = INT64_MAX;

	for (size_t i = 0; i < g->n_servers; i++) {
		const struct conf_check *c = &g->servers[i].conf->check;

		if (c->on && c->inter_ms < ms)
			ms = c->inter_ms;
	}
	return ms == INT64_MAX ? 0 : ms;
}

/* The same probe in the old generation is under way: it goes on here. */
static bool
take_over(const struct gen *old, struct server *s)
{
	const struct server *o = gen_server(old, s->slot);

	if (o == NULL || o->epoch != s->epoch)
		return false;
	s->last_start = o->last_start;
	s->planned = o->planned;
	if (!probe_busy(&o->probe) || !health_wants_probes(s) ||
	    !sock_addr_equal(&o->spec.to, &s->spec.to))
		return false;
	prober_resume(s, o->probe.start);
	return true;
}

void
gen_commit(struct checker *ck)
{
	struct gen *old = ck->gen, *g = ck->next;
	int64_t min = smallest_inter(g);
	size_t fresh = 0, n_fresh = 0;

	ck->gen = g;
	ck->next = NULL;
	ck->dirty = NULL;
	for (size_t i = 0; i < g->n_servers; i++) {
		health_adopt(&g->servers[i]);
		spec_aim(&g->servers[i]);
		n_fresh += prober_is_due(&g->servers[i]);
	}
	health_drop_others(ck);
	for (size_t i = 0; i < g->n_backends; i++) {
		sched_adopt(&g->backends[i]);
		g->backends[i].dirty = false;
	}
	ck->dirty = NULL;
	sched_drop_others(ck);
	health_count_waiting(ck);
	for (size_t i = 0; i < g->n_servers; i++) {
		struct server *s = &g->servers[i];

		if (take_over(old, s))
			continue;
		prober_plan(s, prober_is_due(s) ? timing_first(fresh++, n_fresh, min) : 0);
	}
	sw64_set(&ck->own->generation, g->number);
	checker_gen_free(ck, old);
}
