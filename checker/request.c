/* SPDX-License-Identifier: ISC */
/* Commands from workers; see request.h. */
#include "checker/request.h"

#include <stdio.h>

#include "checker/gen.h"
#include "checker/health.h"
#include "checker/prober.h"
#include "checker/risefall.h"
#include "checker/spec.h"
#include "lib/log.h"
#include "shm/event.h"
#include "shm/request.h"
#include "shm/target.h"

#define WEIGHT_MAX 256

/* The bits that each of "set server state"'s words sets and clears (HAProxy's management guide). */
static uint32_t
set_state(struct server *s, uint32_t state)
{
	switch (state) {
	case SHM_REQ_READY:
		health_set_admin(s, 0, SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT | SHM_ADMIN_FDRAIN);
		return SHM_RES_DONE;
	case SHM_REQ_DRAIN:
		health_set_admin(s, SHM_ADMIN_FDRAIN, SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT);
		return SHM_RES_DONE;
	case SHM_REQ_MAINT:
		health_set_admin(s, SHM_ADMIN_FMAINT, SHM_ADMIN_FDRAIN);
		return SHM_RES_DONE;
	default:
		return SHM_RES_VALUE;
	}
}

static uint32_t
set_health(struct server *s, uint32_t health)
{
	struct risefall r = health_counter(s);

	switch (health) {
	case SHM_REQ_UP:
		health_set_counter(s, risefall_top(&r));
		return SHM_RES_DONE;
	case SHM_REQ_STOPPING:
		health_set_stopping(s);
		return SHM_RES_DONE;
	case SHM_REQ_DOWN:
		health_set_counter(s, 0);
		return SHM_RES_DONE;
	default:
		return SHM_RES_VALUE;
	}
}

static uint32_t
set_weight(struct server *s, uint64_t weight)
{
	if (weight > WEIGHT_MAX)
		return SHM_RES_VALUE;
	health_set_weight(s, (uint32_t)weight);
	return SHM_RES_DONE;
}

static uint32_t
set_percent(struct server *s, uint32_t percent)
{
	uint64_t w = (uint64_t)s->conf->weight * percent / 100;

	return set_weight(s, w > WEIGHT_MAX ? WEIGHT_MAX : w);
}

static uint32_t
set_check(struct server *s, uint32_t on)
{
	if (!s->conf->check.on)
		return SHM_RES_NO_CHECK;
	if (on > 1)
		return SHM_RES_VALUE;
	health_set_checked(s, on == 1);
	return SHM_RES_DONE;
}

/* As the log says it; "" when the file's holds. */
static void
say_target(const struct server *s, const struct shm_target *t)
{
	char now[SOCK_ADDR_TEXT], probes[SOCK_ADDR_TEXT], file[SOCK_ADDR_TEXT];
	struct sock_addr a = s->conf->addr;

	sock_addr_format(&a, file, sizeof(file));
	if (t->addr.family != 0)
		end_get(&t->addr, &a);
	sock_addr_format(&a, now, sizeof(now));
	sock_addr_format(&s->spec.to, probes, sizeof(probes));
	event_log(s->ck->seg, LOG_NOTICE, EVENT_SERVER, s->slot,
	    "Server %s/%s: sessions go to %s by command, probes to %s; the file says %s.",
	    s->backend->conf->name, s->conf->name, now, probes, file);
}

/* A new session goes there at once: workers look before each connect. */
static uint32_t
set_target(struct server *s, uint32_t kind, uint32_t arg, const char *text)
{
	struct shm_target t = {0};
	struct sock_addr a;

	if (kind == SHM_REQ_SRV_CHECK_PORT
		? arg > 65535
		: sock_addr_parse(&a, text, true) == -1 || a.family == AF_UNIX)
		return SHM_RES_VALUE;
	if (s->conf->addr.family == AF_UNIX)
		return SHM_RES_VALUE;
	if (kind != SHM_REQ_SRV_ADDR && !s->conf->check.on)
		return SHM_RES_NO_CHECK;
	target_get(s->h, &t);
	if (kind == SHM_REQ_SRV_CHECK_PORT)
		t.check_port = arg;
	else if (kind == SHM_REQ_SRV_CHECK_ADDR)
		end_set(&t.check, &a);
	else if (sock_addr_equal(&a, &s->conf->addr))
		t.addr = (struct shm_end){0};
	else
		end_set(&t.addr, &a);
	target_put(s->h, &t);
	/* prober_update begins another one at once */
	probe_abort(&s->probe);
	loop_timer_del(s->ck->loop, &s->due);
	spec_aim(s);
	say_target(s, &t);
	return SHM_RES_DONE;
}

static uint32_t
perform(struct server *s, uint32_t kind, uint32_t arg, const char *text)
{
	switch (kind) {
	case SHM_REQ_SRV_STATE:
		return set_state(s, arg);
	case SHM_REQ_SRV_WEIGHT:
		return set_weight(s, arg);
	case SHM_REQ_SRV_WEIGHT_PERCENT:
		return set_percent(s, arg);
	case SHM_REQ_SRV_HEALTH:
		return set_health(s, arg);
	case SHM_REQ_SRV_MAXCONN:
		health_set_maxconn(s, arg);
		return SHM_RES_DONE;
	case SHM_REQ_SRV_CHECK:
		return set_check(s, arg);
	case SHM_REQ_SRV_SHUTDOWN:
		health_shut_sessions(s, 'K');
		return SHM_RES_DONE;
	case SHM_REQ_SRV_ADDR:
	case SHM_REQ_SRV_CHECK_ADDR:
	case SHM_REQ_SRV_CHECK_PORT:
		return set_target(s, kind, arg, text);
	default:
		return SHM_RES_UNKNOWN;
	}
}

/* Counts that are shown. The number of changes to DOWN of a backend is also a fact that rises go
 * by: it stays, with what is to be left out of it. */
static uint32_t
clear_all(struct checker *ck)
{
	for (size_t i = 0; i < ck->gen->n_servers; i++) {
		struct shm_health *h = ck->gen->servers[i].h;

		sw32_set(&h->chkfail, 0);
		sw32_set(&h->chkdown, 0);
		sw64_set(&h->downtime_ms, 0);
	}
	for (size_t i = 0; i < ck->gen->n_backends; i++) {
		struct shm_sched *s = &shm_own_sched(ck->seg)[ck->gen->backends[i].slot];

		sw32_set(&s->chkdown_base, sw32_get(&s->chkdown));
		sw64_set(&s->downtime_ms, 0);
	}
	return SHM_RES_DONE;
}

static uint32_t
carry_out(struct checker *ck, const struct shm_request *r)
{
	struct server *s = gen_server(ck->gen, r->object);
	char text[sizeof(r->text)];
	uint32_t result;

	if (r->kind == SHM_REQ_CLEAR)
		return clear_all(ck);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(text) - 1, r->text);
	if (s == NULL || s->epoch != (uint32_t)(r->value >> 32))
		return SHM_RES_GONE;
	result = perform(s, r->kind, (uint32_t)r->value, text);
	prober_update(s);
	health_count_waiting(ck);
	return result;
}

static void
read_worker(struct checker *ck, uint32_t w)
{
	const struct shm_worker *k = shm_worker(ck->seg, w);
	uint64_t head = sw64_get(&k->request_head), n = sw64_get(&ck->own->done[w]);

	if (head == n)
		return;
	if (head < n || head - n > SHM_REQUESTS) /* not a request of this protocol */
		n = head > SHM_REQUESTS ? head - SHM_REQUESTS : 0;
	while (n < head) {
		const struct shm_request *r = &k->request[n % SHM_REQUESTS];

		n++;
		if (shm_request_owner(r->kind) == SHM_CHECKER && sw64_get(&r->number) == n)
			sw32_set(&ck->own->result[w], carry_out(ck, r));
		sw64_set(&ck->own->done[w], n);
	}
	child_ring_worker(ck->child, w);
}

void
request_read_all(struct checker *ck)
{
	uint32_t n = sw32_get(&ck->seg->master->n_workers);

	if (ck->gen == NULL)
		return; /* they wait for the first commit */
	for (uint32_t w = 0; w < n && w < ck->seg->caps->workers; w++)
		read_worker(ck, w);
}
