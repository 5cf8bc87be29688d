/* SPDX-License-Identifier: ISC */
/* Health entries; see health.h. */
#include "checker/health.h"

#include <stdio.h>
#include <string.h>

#include "checker/health_log.h"
#include "checker/gen.h"
#include "checker/risefall.h"
#include "checker/sched.h"
#include "checker/slowstart.h"
#include "shm/target.h"

#define MAINT    (SHM_ADMIN_FMAINT | SHM_ADMIN_IMAINT)
#define DRAIN    (SHM_ADMIN_FDRAIN | SHM_ADMIN_IDRAIN)
#define FILE_OFF (SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT) /* "disabled" in the file */

struct risefall
health_counter(const struct server *s)
{
	return (struct risefall){
	    sw32_get(&s->h->counter), sw32_get(&s->h->rise), sw32_get(&s->h->fall)};
}

bool
health_is_up(const struct server *s)
{
	uint32_t oper = sw32_get(&s->h->oper);

	return oper == SHM_OPER_RUNNING || oper == SHM_OPER_STARTING;
}

bool
health_wants_probes(const struct server *s)
{
	return sw32_get(&s->h->checked) == 1 && (sw32_get(&s->h->admin) & MAINT) == 0;
}

static int64_t
now_ns(const struct server *s)
{
	return loop_now(s->ck->loop).ns;
}

/* ---- what follows from the facts ---- */

void
health_weigh(struct server *s)
{
	int64_t from = (int64_t)sw64_get(&s->h->slow_from_ns);
	int64_t period = sw32_get(&s->h->slowstart_ms), elapsed = 0;
	uint32_t share = SLOWSTART_FULL, weight, limit = sw32_get(&s->h->maxconn), dyn = 0;
	bool set = limit != SHM_NONE;

	loop_timer_del(s->ck->loop, &s->slow);
	if (from != 0) {
		elapsed = (now_ns(s) - from) / 1000000;
		share = slowstart_share(elapsed, period);
	}
	if (!set)
		limit = s->conf->maxconn;
	if (share < SLOWSTART_FULL) {
		loop_timer_set(s->ck->loop, &s->slow,
		    mono_add_ms((struct mono){from}, slowstart_next_ms(elapsed, period)));
		dyn = slowstart_maxconn(limit, share);
	} else if (from != 0) {
		sw64_set(&s->h->slow_from_ns, 0);
	}
	if (dyn == 0 && set)
		dyn = limit == 0 ? SHM_NONE : limit;
	weight = slowstart_weight(sw32_get(&s->h->uweight), share);
	if (dyn != sw32_get(&s->h->dyn_maxconn)) {
		sw32_set(&s->h->dyn_maxconn, dyn);
		s->ck->ring_workers = true;
	}
	if (weight != sw32_get(&s->h->eweight)) {
		sw32_set(&s->h->eweight, weight);
		if (sw32_get(&s->h->usable) != 0)
			sched_touch(s->backend, false);
	}
}

static void
on_slow(struct loop_timer *t)
{
	struct server *s = (struct server *)(void *)((char *)t - offsetof(struct server, slow));

	health_weigh(s);
	if (sw64_get(&s->h->slow_from_ns) == 0 && sw32_get(&s->h->oper) == SHM_OPER_STARTING)
		sw32_set(&s->h->oper, SHM_OPER_RUNNING);
}

static void
set_usable(struct server *s, bool usable)
{
	if (sw32_get(&s->h->usable) == usable)
		return;
	sw32_set_seq(&s->h->usable, usable);
	sched_touch(
	    s->backend, !usable || sw32_get(&shm_sched(s->ck->seg, s->backend->slot)->usable) == 0);
	s->ck->ring_workers = true;
}

static bool
may_serve(const struct server *s)
{
	return (sw32_get(&s->h->admin) & (MAINT | DRAIN)) == 0 && sw32_get(&s->h->uweight) > 0;
}

static void
stamp_change(struct server *s)
{
	sw64_set(&s->h->changed_wall_us, (uint64_t)mono_wall_us());
	sw64_set(&s->h->changed_ns, (uint64_t)now_ns(s));
}

void
health_shut_sessions(struct server *s, char reason)
{
	sw32_set(&s->h->shut_reason, (uint32_t)reason);
	sw32_add(&s->h->shut_seq, 1);
	s->ck->ring_workers = true;
}

static void
go_down(struct server *s, bool maint, enum health_log how)
{
	set_usable(s, false);
	loop_timer_del(s->ck->loop, &s->slow);
	sw64_set(&s->h->slow_from_ns, 0);
	stamp_change(s);
	if (s->conf->on_marked_down == CONF_MARKED_DOWN_SHUTDOWN_SESSIONS)
		health_shut_sessions(s, 'D');
	/* A successor says it again rather than never. */
	health_log_change(s, maint ? HEALTH_LOG_MAINT : how);
	if (!maint)
		sw32_add(&s->h->chkdown, 1);
	sw32_set(&s->h->oper, SHM_OPER_STOPPED);
}

static void
go_up(struct server *s, enum health_log how)
{
	uint64_t since = sw64_get(&s->h->changed_ns);
	bool slow = sw32_get(&s->h->slowstart_ms) > 0;

	if (since != 0)
		sw64_add(&s->h->downtime_ms, ((uint64_t)now_ns(s) - since) / 1000000);
	stamp_change(s);
	if (slow)
		sw64_set(&s->h->slow_from_ns, (uint64_t)now_ns(s));
	health_weigh(s);
	set_usable(s, may_serve(s));
	health_log_change(s, how);
	sw32_set(&s->h->oper, slow ? SHM_OPER_STARTING : SHM_OPER_RUNNING);
}

/* The one function that changes a server's state. why: how to say that it came up. */
static void
health_settle(struct server *s, enum health_log why)
{
	struct risefall r = health_counter(s);
	bool maint = (sw32_get(&s->h->admin) & MAINT) != 0;
	bool was = sw32_get(&s->h->oper) != SHM_OPER_STOPPED, up = !maint && risefall_up(&r);

	if (was && !up)
		go_down(s, maint,
		    why == HEALTH_LOG_COMMAND_UP ? HEALTH_LOG_COMMAND_DOWN : HEALTH_LOG_DOWN);
	else if (!was && up)
		go_up(s, why);
	else
		set_usable(s, up && health_is_up(s) && may_serve(s));
}

/* ---- commit ---- */

static void
write_desc(struct shm_health *h, const char *text)
{
	/* Odd while it is being written; a predecessor may have died on an odd number. */
	uint32_t seq = sw32_get(&h->desc_seq) | 1;

	sw32_set(&h->desc_seq, seq);
	atomic_thread_fence(memory_order_seq_cst);
	snprintf(h->desc, sizeof(h->desc), "%s", text);
	sw32_set(&h->desc_seq, seq + 1);
}

static void
adopt_new(struct server *s)
{
	const struct conf_check *c = &s->conf->check;
	struct shm_health *h = s->h;
	struct risefall r = {0, c->rise, c->fall};
	bool up;

	r.counter = c->on ? risefall_init(c->rise, c->fall, c->init_state) : risefall_top(&r);
	up = risefall_up(&r) && !s->conf->disabled;
	sw32_set(&h->usable, 0);
	sw32_set(&h->admin, s->conf->disabled ? FILE_OFF : 0);
	sw32_set(&h->checked, c->on);
	sw32_set(&h->counter, r.counter);
	sw32_set(&h->rise, c->rise);
	sw32_set(&h->fall, c->fall);
	sw32_set(&h->uweight, s->conf->weight);
	sw32_set(&h->maxconn, SHM_NONE);
	sw32_set(&h->conf_weight, s->conf->weight);
	sw32_set(&h->conf_maxconn, s->conf->maxconn);
	sw32_set(&h->conf_flags, s->conf->disabled);
	sw32_set(&h->conf_check_port, s->conf->check.port);
	target_clear(h);
	sw32_set(&h->status, c->on ? CHECK_INI : CHECK_UNK);
	sw32_set(&h->code, 0);
	sw32_set(&h->duration_ms, 0);
	sw32_set(&h->chkfail, 0);
	sw32_set(&h->chkdown, 0);
	sw64_set(&h->changed_ns, (uint64_t)now_ns(s));
	sw64_set(&h->changed_wall_us, (uint64_t)mono_wall_us());
	sw64_set(&h->downtime_ms, 0);
	sw64_set(&h->slow_from_ns, 0);
	sw64_set(&h->last_probe_ns, 0);
	sw64_set(&h->next_probe_ns, 0);
	sw64_set(&h->probes, 0);
	sw32_set(&h->slowstart_ms, (uint32_t)s->conf->slowstart_ms);
	sw32_set(&h->backup, s->conf->backup);
	write_desc(h, "");
	sw32_set(&h->oper, up ? SHM_OPER_RUNNING : SHM_OPER_STOPPED);
	health_weigh(s);
	sw32_set(&h->usable, up && may_serve(s));
	sw32_set(&h->epoch, s->epoch); /* the entry is valid from here on */
	s->ck->ring_workers = s->ck->ring_vrrp = true;
}

/* What the file changed since the last commit holds; what it did not change stays as commands left
 * it. */
static void
adopt_settings(struct server *s)
{
	struct shm_health *h = s->h;
	uint32_t off = s->conf->disabled;

	if (sw32_get(&h->conf_weight) != s->conf->weight) {
		sw32_set(&h->uweight, s->conf->weight);
		sw32_set(&h->conf_weight, s->conf->weight);
	}
	if (sw32_get(&h->conf_maxconn) != s->conf->maxconn) {
		sw32_set(&h->maxconn, SHM_NONE);
		sw32_set(&h->conf_maxconn, s->conf->maxconn);
	}
	if (sw32_get(&h->conf_check_port) != s->conf->check.port) {
		struct shm_target t;

		if (target_get(h, &t)) {
			t.check_port = 0;
			target_put(h, &t);
		}
		sw32_set(&h->conf_check_port, s->conf->check.port);
	}
	sw32_set(&h->slowstart_ms, (uint32_t)s->conf->slowstart_ms);
	sw32_set(&h->backup, s->conf->backup);
	if (sw32_get(&h->conf_flags) != off) {
		health_set_admin(s, off ? FILE_OFF : 0, off ? 0 : FILE_OFF);
		sw32_set(&h->conf_flags, off);
	}
}

static void
adopt_check(struct server *s)
{
	const struct conf_check *c = &s->conf->check;
	struct risefall r = health_counter(s);
	struct shm_health *h = s->h;

	if (r.rise != c->rise || r.fall != c->fall) {
		risefall_rescale(&r, c->rise, c->fall);
		sw32_set(&h->rise, r.rise);
		sw32_set(&h->fall, r.fall);
	}
	if (!c->on) { /* counts as up */
		r.counter = risefall_top(&r);
		sw32_set(&h->checked, 0);
		sw32_set(&h->status, CHECK_UNK);
	} else if (sw32_get(&h->checked) == 0) {
		sw32_set(&h->checked, 1);
		sw32_set(&h->status, CHECK_INI);
	}
	sw32_set(&h->counter, r.counter);
}

void
health_adopt(struct server *s)
{
	s->slow.cb = on_slow;
	if (sw32_get(&s->h->epoch) != s->epoch) {
		adopt_new(s);
		return;
	}
	if (sw32_get(&s->h->desc_seq) & 1)
		write_desc(s->h, "");
	adopt_check(s);
	adopt_settings(s);
	health_settle(s, HEALTH_LOG_UP);
	health_weigh(s);
	if (sw64_get(&s->h->slow_from_ns) == 0 && sw32_get(&s->h->oper) == SHM_OPER_STARTING)
		sw32_set(&s->h->oper, SHM_OPER_RUNNING);
}

static bool
backend_stays(const struct checker *ck, uint32_t srv)
{
	uint32_t be = sw32_get(&shm_srv_dir(ck->seg, srv)->backend);

	return be < ck->gen->n_backend_slots && ck->gen->backend_by_slot[be] != NULL;
}

void
health_drop_others(struct checker *ck)
{
	uint32_t n = sw32_get(&ck->seg->master->n_servers);

	for (uint32_t i = 0; i < n; i++) {
		struct shm_health *h = &shm_own_health(ck->seg)[i];

		if (gen_server(ck->gen, i) != NULL || sw32_get(&h->epoch) == 0)
			continue;
		sw32_set(&h->checked, 0);
		if (!backend_stays(ck, i))
			continue; /* it goes whole, and workers serve what was waiting there */
		if (sw32_get(&h->usable) != 0) {
			sw32_set_seq(&h->usable, 0);
			ck->ring_workers = true;
		}
	}
}

void
health_count_waiting(struct checker *ck)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ck->gen->n_servers; i++) {
		const struct server *s = &ck->gen->servers[i];

		n += health_wants_probes(s) && sw64_get(&s->h->probes) == 0;
	}
	if (n == 0 && sw64_get(&ck->own->wait_probes) != 0)
		ck->ring_vrrp = true;
	sw64_set(&ck->own->wait_probes, n);
}

/* ---- probes ---- */

static void
note_probe(struct server *s, const struct probe_result *r)
{
	struct shm_health *h = s->h;
	uint64_t waiting = sw64_get(&s->ck->own->wait_probes);
	bool first = sw64_get(&h->probes) == 0;

	sw32_set(&h->status, r->status);
	sw32_set(&h->code, r->code);
	sw32_set(&h->duration_ms, r->duration_ms);
	write_desc(h, r->desc);
	sw64_set(&h->last_probe_ns, (uint64_t)now_ns(s));
	sw64_add(&h->probes, 1);
	if (s->ck->fresh_wanted && check_status_passed(r->status)) {
		s->ck->fresh_wanted = false;
		s->ck->ring_vrrp = true; /* which waits for one probe that passed */
	}
	if (first && waiting > 0) {
		sw64_set(&s->ck->own->wait_probes, waiting - 1);
		s->ck->ring_vrrp |= waiting == 1;
	}
}

/* Nothing is usable, and something was: there is nothing to lose by trying. */
static bool
rises_at_once(const struct server *s, const struct risefall *r)
{
	const struct shm_sched *sh = shm_sched(s->ck->seg, s->backend->slot);

	return s->backend->conf->quick_rise && !risefall_up(r) && sw32_get(&sh->usable) == 0 &&
	       sw32_get(&sh->chkdown) > 0;
}

void
health_result(struct server *s, const struct probe_result *r)
{
	struct risefall before = health_counter(s), after = before;
	bool passed = check_status_passed(r->status);
	uint32_t last = sw32_get(&s->h->status);

	note_probe(s, r);
	if (r->own_fault) {
		health_log_probe(s, r, last, &before, &after);
		return;
	}
	risefall_step(&after, passed);
	if (passed && rises_at_once(s, &after))
		after.counter = after.rise;
	if (!passed && before.counter > 0)
		sw32_add(&s->h->chkfail, 1);
	sw32_set(&s->h->counter, after.counter);
	if (passed && sw32_get(&s->h->oper) == SHM_OPER_STOPPING)
		sw32_set(&s->h->oper, SHM_OPER_RUNNING);
	health_log_probe(s, r, last, &before, &after);
	health_settle(s, HEALTH_LOG_UP);
}

/* ---- commands ---- */

void
health_set_admin(struct server *s, uint32_t set, uint32_t clear)
{
	uint32_t old = sw32_get(&s->h->admin), admin = (old & ~clear) | set;
	bool left_maint = (old & MAINT) != 0 && (admin & MAINT) == 0;
	const struct conf_check *c = &s->conf->check;

	if (left_maint && sw32_get(&s->h->checked) != 0)
		sw32_set(&s->h->counter, risefall_init(c->rise, c->fall, c->init_state));
	sw32_set(&s->h->admin, admin);
	health_log_admin(s, old, admin);
	health_settle(s, left_maint ? HEALTH_LOG_LEFT_MAINT : HEALTH_LOG_UP);
}

void
health_set_counter(struct server *s, uint32_t counter)
{
	sw32_set(&s->h->counter, counter);
	if (sw32_get(&s->h->oper) == SHM_OPER_STOPPING)
		sw32_set(&s->h->oper, SHM_OPER_RUNNING);
	health_settle(s, HEALTH_LOG_COMMAND_UP);
}

void
health_set_stopping(struct server *s)
{
	if (!health_is_up(s))
		return;
	set_usable(s, false);
	sw32_set(&s->h->oper, SHM_OPER_STOPPING);
	health_log_stopping(s);
}

void
health_set_weight(struct server *s, uint32_t weight)
{
	sw32_set(&s->h->uweight, weight);
	health_weigh(s);
	health_settle(s, HEALTH_LOG_UP);
	sched_touch(s->backend, weight == 0); /* the sums for bands change too */
}

void
health_set_maxconn(struct server *s, uint32_t maxconn)
{
	sw32_set(&s->h->maxconn, maxconn);
	health_weigh(s);
}

void
health_set_checked(struct server *s, bool on)
{
	sw32_set(&s->h->checked, on ? 1 : 2);
}
