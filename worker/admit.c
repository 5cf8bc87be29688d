/* SPDX-License-Identifier: ISC */
/* Admission of connections. Runs in a worker; takes no system call but the bell. */
#include "worker/admit.h"

#include "lib/log.h"
#include "lib/ratelimit.h"
#include "shm/limit.h"
#include "shm/source.h"
#include "worker/count.h"

#define TRIES 1000 /* lost races in a row; the next tick looks again */

bool
admit_access(const struct gen_frontend *fe, const struct sock_addr *peer)
{
	if (peer->family != AF_INET && peer->family != AF_INET6)
		return true; /* a UNIX socket has its file's mode */
	for (size_t i = 0; i < fe->n_access; i++) {
		const struct gen_access *a = &fe->access[i];

		for (size_t k = 0; k < a->n_nets; k++)
			if (sock_net_contains(&a->nets[k], peer))
				return a->action == CONF_ALLOW;
	}
	return true;
}

static uint32_t
fe_limit(const struct worker *w, const struct gen_frontend *fe)
{
	return sw32_get(&shm_fe_dir(w->seg, fe->slot)->maxconn);
}

static uint32_t
global_limit(const struct worker *w)
{
	return sw32_get(&w->seg->master->maxconn);
}

static void
ring(struct worker *w, uint32_t other)
{
	if (other == SHM_NONE)
		return;
	if (other == w->index)
		w->look = true;
	else
		child_ring_worker(w->child, other);
}

static bool
take_fe(struct worker *w, const struct gen_frontend *fe)
{
	uint32_t limit = fe_limit(w, fe);

	if (limit_take_fe(w->seg, fe->slot, limit))
		return true;
	for (unsigned i = 0; i < TRIES && limit_wait_fe(w->seg, fe->slot, limit); i++)
		if (limit_take_fe(w->seg, fe->slot, limit)) {
			limit_want_fe(w->seg, fe->slot, false);
			return true;
		}
	return false;
}

static bool
take_global(struct worker *w)
{
	uint32_t limit = global_limit(w);

	if (limit_take_global(w->seg, limit))
		return true;
	for (unsigned i = 0; i < TRIES && limit_wait_global(w->seg, limit); i++)
		if (limit_take_global(w->seg, limit)) {
			limit_want_global(w->seg, false);
			return true;
		}
	return false;
}

static void
release_fe(struct worker *w, const struct gen_frontend *fe)
{
	limit_release_fe(w->seg, fe->slot);
	ring(w, limit_next_fe(w->seg, fe->slot, &w->turn_fe));
}

enum admit
admit_take(struct worker *w, const struct gen_frontend *fe)
{
	if (!take_fe(w, fe))
		return ADMIT_FRONTEND_FULL;
	if (take_global(w))
		return ADMIT_OK;
	release_fe(w, fe);
	return ADMIT_GLOBAL_FULL;
}

void
admit_release(struct worker *w, const struct gen_frontend *fe)
{
	release_fe(w, fe);
	limit_release_global(w->seg);
	ring(w, limit_next_global(w->seg, &w->turn_global));
}

static uint32_t
rate_fe(const struct gen_frontend *fe)
{
	return fe->conf->rate_sessions;
}

/* Another look when one more may be let in. */
static void
rate_later(struct worker *w, uint32_t per_second)
{
	struct mono at = mono_add_ms(loop_now(w->loop), limit_rate_pause_ms(per_second));

	if (!loop_timer_armed(&w->rate_timer) || mono_before(at, w->rate_timer.at))
		loop_timer_set(w->loop, &w->rate_timer, at);
}

bool
admit_rate_room(struct worker *w, const struct gen_frontend *fe)
{
	uint32_t own = rate_fe(fe), all = limit_rate_of(w->seg);
	struct mono now = loop_now(w->loop);

	if (!limit_rate_room_fe(w->seg, fe->slot, own, now))
		rate_later(w, own);
	else if (!limit_rate_room_global(w->seg, all, now))
		rate_later(w, all);
	else
		return true;
	return false;
}

bool
admit_rate_take(struct worker *w, const struct gen_frontend *fe)
{
	uint32_t own = rate_fe(fe), all = limit_rate_of(w->seg);
	struct mono now = loop_now(w->loop);

	if (!limit_rate_take_fe(w->seg, fe->slot, own, now)) {
		rate_later(w, own);
		return false;
	}
	if (!limit_rate_take_global(w->seg, all, now)) {
		limit_rate_give_fe(w->seg, fe->slot, own, now);
		rate_later(w, all);
		return false;
	}
	w->rate_taken = all;
	return true;
}

void
admit_rate_give(struct worker *w, const struct gen_frontend *fe)
{
	limit_rate_give_fe(w->seg, fe->slot, rate_fe(fe), loop_now(w->loop));
	limit_rate_give_global(w->seg, w->rate_taken, loop_now(w->loop));
}

static void
say_refused(struct worker *w, const struct gen_frontend *fe, const struct sock_addr *peer,
    enum source_verdict v)
{
	static struct ratelimit limit = RATELIMIT_INIT(1, 5000);
	uint32_t held, most = fe->conf->source_rate;
	char text[SOCK_ADDR_TEXT];

	if (v == SOURCE_MAXCONN)
		most = fe->conf->source_maxconn;
	if (!ratelimit_step(&limit, loop_now(w->loop), &held))
		return;
	log_warning(
	    "frontend %s: refused %s: more than %u sessions %s from its %s (%u more held back)",
	    fe->conf->name, sock_addr_format_host(peer, text, sizeof(text)), most,
	    v == SOURCE_MAXCONN ? "at once" : "a second",
	    peer->family == AF_INET6 ? "/64" : "address", held);
}

bool
admit_source(
    struct worker *w, const struct gen_frontend *fe, const struct sock_addr *peer, uint32_t *place)
{
	struct source_key k;
	enum source_verdict v;

	*place = 0;
	if ((fe->conf->source_maxconn == 0 && fe->conf->source_rate == 0) ||
	    !source_key(&k, fe->slot, peer))
		return true;
	v = source_take(
	    w->seg, &k, fe->conf->source_maxconn, fe->conf->source_rate, loop_now(w->loop), place);
	if (v == SOURCE_OK)
		return true;
	sw64_add(&count_fe(w, fe)->denied, 1);
	say_refused(w, fe, peer, v);
	return false;
}

bool
admit_room_frontend(struct worker *w, const struct gen_frontend *fe)
{
	if (!limit_wait_fe(w->seg, fe->slot, fe_limit(w, fe)))
		return false;
	limit_want_fe(w->seg, fe->slot, false);
	return true;
}

bool
admit_room_global(struct worker *w)
{
	if (!limit_wait_global(w->seg, global_limit(w)))
		return false;
	limit_want_global(w->seg, false);
	return true;
}

void
admit_hand_on(struct worker *w, const struct gen_frontend *fe)
{
	if (!limit_room_fe(w->seg, fe->slot, fe_limit(w, fe)) ||
	    !limit_room_global(w->seg, global_limit(w)))
		return;
	ring(w, limit_next_fe(w->seg, fe->slot, &w->turn_fe));
	ring(w, limit_next_global(w->seg, &w->turn_global));
}
