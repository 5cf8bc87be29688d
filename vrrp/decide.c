/* SPDX-License-Identifier: ISC */
/*
 * The decision, pure. A table of roles and inputs gives the handler; only handlers change the
 * state. Rule numbers are those of failover-logic.md.
 */
#include "vrrp/decide.h"

#define MS 1000000LL
#define S  1000000000LL

#define DRAIN_NS       (200 * MS) /* longest wait for the workers (rule 2) */
#define UNSURE_NS      (20 * MS)  /* wait for an answer to a probe of the address */
#define FRESH_NS       (200 * MS) /* longest wait for a fresh probe of a server (rule 1) */
#define WATCH_NS       (1 * S)    /* a master probes its own addresses (rule 7) */
#define BACKOFF_CAP_NS (3 * S)    /* rule 6 */
#define BACKOFF_ONE_NS (60 * S)   /* halved each minute */
#define RESIGN_MORE_NS (1 * S)    /* rule 2: 3 intervals + 1 s */
#define RELEASE_NS     (60 * S)   /* rule 15 */
#define LAST_NS        (100 * MS) /* first repetition of the last advertisement, then doubled */
#define LAST_REPEATS   4
#define ANSWER_GAP_NS  (10 * MS) /* answers to other masters at most this often */

struct ctx {
	struct decide *d;
	const struct decide_in *in;
	struct decide_out *out;
};

#define NAMES(list, fn, type, count)                                     \
	const char *fn(type v)                                           \
	{                                                                \
		static const char *const names[] = {list(X)};            \
                                                                         \
		return (unsigned)v < (unsigned)(count) ? names[v] : "?"; \
	}
#define X(name) #name,
NAMES(DECIDE_ROLES, decide_role_text, enum decide_role, DECIDE_ROLE_COUNT)
NAMES(DECIDE_INPUTS, decide_input_text, enum decide_input, DECIDE_INPUT_COUNT)
NAMES(DECIDE_ACTIONS, decide_do_text, enum decide_do, DECIDE_DO_COUNT)
#undef X
#define X(name, text) text,
NAMES(DECIDE_REASONS, decide_reason_text, enum decide_reason, DECIDE_WHY_COUNT)
NAMES(DECIDE_ALARMS, decide_alarm_text, enum decide_alarm, DECIDE_ALARM_COUNT)
#undef X

static struct decide_action *
emit(struct ctx *c, enum decide_do kind)
{
	struct decide_action *a = &c->out->a[c->out->n];

	if (c->out->n < DECIDE_ACTIONS_MAX - 1)
		c->out->n++;
	*a = (struct decide_action){.kind = kind};
	return a;
}

static void
alarm_on(struct ctx *c, enum decide_alarm what, struct ip who)
{
	struct decide_action *a = emit(c, DECIDE_DO_ALARM);

	a->alarm = what;
	a->ip = who;
}

static void
set_role(struct ctx *c, enum decide_role role, enum decide_reason why, bool notify)
{
	struct decide_action *a = emit(c, DECIDE_DO_ROLE);

	a->from = c->d->role;
	a->role = role;
	a->why = why;
	a->notify = notify;
	c->d->role = role;
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- times ----------------------------------------------------------------- */

int64_t
decide_skew_ns(const struct decide *d)
{
	int64_t span = d->cfg.version == 2 ? S : d->interval_ns;

	return span * (256 - d->priority) / 256;
}

/* Listed hosts that are better than this one by configuration, other than the lost master. */
static int64_t
rank(const struct decide *d)
{
	int64_t n = 0;

	if (d->cfg.mode == BAND_MODE_WEIGHTS)
		return 0;
	for (size_t i = 0; i < d->cfg.n_peers; i++) {
		const struct decide_peer *p = &d->cfg.peers[i];

		if (d->m.known && ip_equal(&p->addr, &d->m.addr))
			continue;
		n += p->base > d->cfg.base ||
		     (p->base == d->cfg.base && ip_cmp(&p->addr, &d->cfg.self) > 0);
	}
	return n;
}

/* n * A with the back-off after false claims. */
static int64_t
down_ns(const struct decide *d, struct mono now)
{
	int64_t base = d->cfg.n_adverts * d->interval_ns, w = base;
	int64_t k = d->backoff - (now.ns - d->backoff_at.ns) / BACKOFF_ONE_NS;

	for (; k > 0 && w < BACKOFF_CAP_NS; k--)
		w *= 2;
	return max64(base, min64(w, BACKOFF_CAP_NS));
}

int64_t
decide_wait_ns(const struct decide *d, struct mono now)
{
	return down_ns(d, now) + decide_skew_ns(d) + rank(d) * d->interval_ns / 2;
}

static int64_t
claim_ns(const struct decide *d)
{
	return decide_skew_ns(d) + rank(d) * d->interval_ns / 2;
}

static int64_t
pace_ns(const struct decide *d)
{
	return d->announce > 0 ? d->pace_old_ns : d->cfg.interval_ns;
}

static bool
fresh_master(const struct decide *d, struct mono now)
{
	return d->m.known && now.ns - d->m.heard.ns < d->cfg.n_adverts * d->interval_ns;
}

/* Order of claims: priority, then address (RFC 9568 6.4.3). */
static int
cmp_claim(uint8_t pa, const struct ip *a, uint8_t pb, const struct ip *b)
{
	return pa != pb ? (pa < pb ? -1 : 1) : ip_cmp(a, b);
}

static void
wait_full(struct ctx *c)
{
	struct decide *d = c->d;

	d->deadline = mono_add_ns(c->in->now, decide_wait_ns(d, c->in->now));
	d->probe_at = mono_add_ns(c->in->now, 2 * d->interval_ns);
	d->after_zero = d->pulling = d->asked = false;
}

/* ---- voluntary moves ------------------------------------------------------- */

static void
move_count(struct decide *d, struct mono now)
{
	for (int i = DECIDE_MOVES - 1; i > 0; i--)
		d->moves[i] = d->moves[i - 1];
	d->moves[0] = now;
}

static bool
move_limited(const struct decide *d, struct mono now)
{
	struct mono oldest = d->moves[DECIDE_MOVES - 1];

	return oldest.ns != 0 && now.ns - oldest.ns < DECIDE_MOVES_NS;
}

static void
claim_was_false(struct ctx *c, struct ip who)
{
	struct decide *d = c->d;
	int64_t halvings = (c->in->now.ns - d->backoff_at.ns) / BACKOFF_ONE_NS;

	if (d->claim_judged || c->in->now.ns - d->claimed_at.ns > 3 * d->cfg.interval_ns)
		return;
	d->claim_judged = true;
	d->backoff = (uint8_t)(halvings >= d->backoff ? 1 : d->backoff - halvings + 1);
	if (d->backoff > 8)
		d->backoff = 8;
	d->backoff_at = c->in->now;
	alarm_on(c, DECIDE_ALARM_FALSE_CLAIM, who);
}

/* ---- entering roles -------------------------------------------------------- */

static void
send_advert(struct ctx *c, uint8_t priority)
{
	struct decide_action *a = emit(c, DECIDE_DO_SEND);

	a->priority = priority;
	a->interval_ns = c->d->cfg.interval_ns;
}

static void
enter_backup(struct ctx *c, enum decide_reason why, bool notify)
{
	struct decide *d = c->d;

	set_role(c, DECIDE_BACKUP, why, notify);
	d->answered_at = (struct mono){0};
	d->put_off_ns = 0;
	d->unsure = false;
	d->announce = 0;
	wait_full(c);
}

static void
become_master(struct ctx *c, enum decide_reason why, bool notify)
{
	struct decide *d = c->d;

	d->interval_ns = d->cfg.interval_ns;
	d->unsure = d->asked = d->pulling = d->after_zero = false;
	d->announce = d->last_left = 0;
	send_advert(c, d->priority);
	set_role(c, DECIDE_MASTER, why, notify);
	emit(c, DECIDE_DO_ADD);
	emit(c, DECIDE_DO_ARP_START);
	d->deadline = mono_add_ns(c->in->now, pace_ns(d));
	d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
}

static void
claim(struct ctx *c, enum decide_reason why)
{
	struct decide *d = c->d;

	d->claimed_at = c->in->now;
	d->claim_judged = why != DECIDE_WHY_SILENCE;
	/* Until the advertisement has left (SENT) there is none; then the next timer looks first.
	 */
	d->lease = (struct mono){0};
	if (d->pulling)
		move_count(d, c->in->now);
	d->m.known = false;
	become_master(c, why, true);
}

static void
enter_fault(struct ctx *c, bool notify)
{
	set_role(c, DECIDE_FAULT, c->d->fault ? DECIDE_WHY_FAULT : DECIDE_WHY_LINK, notify);
	c->d->asked = c->d->pulling = false;
}

static void
enter_stopped(struct ctx *c)
{
	set_role(c, DECIDE_STOPPED, DECIDE_WHY_STOP, true);
	emit(c, DECIDE_DO_EXIT);
}

static void
follow(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;

	d->m = (struct decide_followed){true, in->advert.src, in->advert.priority, in->now};
	/* An interval that nobody can keep (0 in the field) is not believed. */
	d->interval_ns =
	    in->advert.interval_ns >= 10 * MS ? in->advert.interval_ns : d->cfg.interval_ns;
	if (in->advert.differs || d->cfg.version == 2)
		d->interval_ns = max64(d->interval_ns, d->cfg.interval_ns);
}

/* ---- leaving --------------------------------------------------------------- */

static void
report(struct ctx *c, struct ip who)
{
	if (c->d->released_now)
		emit(c, DECIDE_DO_REPORT)->ip = who;
	c->d->released_now = false;
}

/* Stops accepting and resets the sessions; the address goes when that is done. why names what the
 * next role is entered for; winner: family 0 if nobody is known to have the address. */
static void
leave(struct ctx *c, enum decide_reason why, struct ip winner)
{
	struct decide *d = c->d;

	d->why = why;
	d->winner = winner;
	d->drain_until = mono_add_ns(c->in->now, DRAIN_NS);
	d->unsure = false;
	emit(c, DECIDE_DO_ARP_STOP);
	set_role(c, DECIDE_LEAVE, why, false);
	emit(c, DECIDE_DO_DRAIN);
	report(c, winner);
}

static void
leave_to_sender(struct ctx *c, enum decide_reason why)
{
	const struct decide_in *in = c->in;

	if (c->d->cfg.mode == BAND_MODE_BANDS && why != DECIDE_WHY_TAKEN &&
	    band_of_priority(in->advert.priority) > c->d->band)
		move_count(c->d, in->now);
	follow(c);
	leave(c, why, in->advert.src);
}

/* The winner repeats its ARPs when it hears a worse master once more. Priority 1: whatever becomes
 * of the winner's own priority meanwhile, this must never make it leave. It may be lost, and
 * clients would stay with our ARPs, so it is repeated while that winner is heard. */
static void
send_last(struct ctx *c)
{
	struct decide *d = c->d;
	struct decide_action *a;

	if (d->winner.family == 0 || d->m.priority < 2 || !d->link) {
		d->last_left = 0;
		return;
	}
	d->last_at = mono_add_ns(c->in->now, LAST_NS << (LAST_REPEATS - d->last_left));
	a = emit(c, DECIDE_DO_SEND_LAST);
	a->ip = d->winner;
	a->priority = 1;
	a->interval_ns = d->cfg.interval_ns;
}

static void
leave_done(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono heard;

	emit(c, DECIDE_DO_REMOVE);
	d->last_left = LAST_REPEATS;
	send_last(c);
	d->lease = (struct mono){0};
	if (d->stop) {
		enter_stopped(c);
		return;
	}
	if (d->fault || !d->link) {
		enter_fault(c, true);
		return;
	}
	heard = d->m.heard;
	enter_backup(c, d->why, true);
	if (d->m.known && d->m.priority == 0 && !mono_before(heard, d->claimed_at)) {
		d->after_zero = true;
		d->deadline = mono_add_ns(c->in->now, claim_ns(d));
	}
}

static void
resign(struct ctx *c, enum decide_reason why, int64_t limit_ns)
{
	struct decide *d = c->d;

	send_advert(c, 0);
	set_role(c, DECIDE_RESIGN, why, false);
	d->why = why;
	d->resign_until = mono_add_ns(c->in->now, limit_ns);
	/* No advertisement renews it meanwhile. */
	d->lease = mono_add_ns(c->in->boot, limit_ns + 3 * d->cfg.interval_ns);
}

static int64_t
resign_ns(const struct decide *d)
{
	return 3 * d->cfg.interval_ns + RESIGN_MORE_NS;
}

/* ---- any role -------------------------------------------------------------- */

static void
ignore(struct ctx *c)
{
	(void)c;
}

static void
sent(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->role == DECIDE_MASTER && d->link)
		d->lease = mono_add_ns(c->in->boot, 3 * pace_ns(d));
}

static void
take_health(struct ctx *c)
{
	struct decide *d = c->d;

	if (c->in->health.band != d->band) {
		d->resigned_band = false;
		d->limit_told = false;
	}
	d->band = c->in->health.band;
	d->priority = c->in->health.priority;
}

static void
take_config(struct ctx *c)
{
	c->d->cfg = *c->in->cfg;
}

static void
take_link(struct ctx *c)
{
	c->d->link = c->in->link;
}

static void
take_fault(struct ctx *c)
{
	c->d->fault = c->in->fault;
}

static void
stop_now(struct ctx *c)
{
	c->d->stop = true;
	enter_stopped(c);
}

static void
note_stop(struct ctx *c)
{
	c->d->stop = true;
}

/* ---- start, INIT, FAULT ---------------------------------------------------- */

static void
begin(struct ctx *c)
{
	struct decide *d = c->d;

	d->startup_until = MONO_NEVER;
	if (d->fault || !d->link) {
		enter_fault(c, true);
	} else if (d->priority == 255) {
		claim(c, DECIDE_WHY_OWNER);
	} else {
		enter_backup(c, DECIDE_WHY_START, true);
		/* Better hosts may need as long as this one to boot. */
		d->deadline = mono_add_ns(d->deadline, rank(d) * d->interval_ns);
	}
}

static void
resume(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_saved *s = &c->in->start.saved;

	for (int i = 0; i < DECIDE_MOVES; i++)
		d->moves[i] = s->moves[i];
	d->released = s->released;
	d->backoff = s->backoff;
	d->backoff_at = s->backoff_at;
	if (s->role == DECIDE_MASTER && c->in->boot.ns <= s->lease.ns) {
		d->claim_judged = true;
		d->lease = s->lease;
		become_master(c, DECIDE_WHY_RESUMED, false);
		return;
	}
	if ((s->role == DECIDE_MASTER || s->role == DECIDE_RESIGN) && s->holds) {
		/* Looks first: the lease is over, and the handler before every input sees it. */
		set_role(c, DECIDE_MASTER, DECIDE_WHY_RESUMED, false);
		d->claim_judged = true;
		d->unsure = true;
		d->unsure_until = mono_add_ns(c->in->now, UNSURE_NS);
		d->deadline = d->unsure_until;
		d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
		emit(c, DECIDE_DO_PROBE);
		return;
	}
	if (s->holds)
		emit(c, DECIDE_DO_REMOVE);
	if (d->fault || !d->link)
		enter_fault(c, s->role != DECIDE_FAULT);
	else
		enter_backup(c, DECIDE_WHY_RESUMED, s->role != DECIDE_BACKUP);
}

static void
start(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;

	d->link = in->start.link;
	d->fault = in->start.fault;
	d->band = in->start.band;
	d->priority = in->start.priority;
	d->started = d->backoff_at = in->now;
	if (in->start.resumed && in->start.saved.role != DECIDE_INIT) {
		resume(c);
		if (decide_holds(d) && d->fault != 0)
			leave(c, DECIDE_WHY_FAULT, (struct ip){0});
		return;
	}
	if (in->start.saved.holds) /* a leftover of somebody who was killed */
		emit(c, DECIDE_DO_REMOVE);
	d->startup_until = mono_add_ns(in->now, d->cfg.startup_ns);
	set_role(c, DECIDE_INIT, DECIDE_WHY_START, false);
	if (d->priority == 255 || d->cfg.startup_ns == 0)
		begin(c);
}

static void
init_timer(struct ctx *c)
{
	if (!c->in->queued && !mono_before(c->in->now, c->d->startup_until))
		begin(c);
}

static void
init_advert(struct ctx *c)
{
	if (c->in->advert.priority > 0)
		follow(c);
}

static void
fault_check(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->fault || !d->link)
		return;
	d->m.known = false;
	d->interval_ns = d->cfg.interval_ns;
	if (d->priority == 255)
		claim(c, DECIDE_WHY_OWNER);
	else
		enter_backup(c, DECIDE_WHY_RECOVERED, true);
}

static void
fault_link(struct ctx *c)
{
	take_link(c);
	fault_check(c);
}

static void
fault_fault(struct ctx *c)
{
	take_fault(c);
	fault_check(c);
}

/* ---- BACKUP ---------------------------------------------------------------- */

/* Whether this host may take the address from a living master with that priority. */
static bool
better(const struct decide *d, uint8_t priority, struct mono now)
{
	if (d->cfg.preempt == DECIDE_NEVER)
		return false;
	/* With weights nobody's band can be read; but a host that cannot serve takes nothing. */
	if (d->cfg.mode == BAND_MODE_WEIGHTS &&
	    (d->cfg.preempt != DECIDE_ALWAYS || d->band == BAND_DEAD))
		return false;
	if (mono_before(now, d->released) || now.ns - d->started.ns < d->cfg.preempt_delay_ns)
		return false;
	if (d->cfg.mode == BAND_MODE_BANDS && d->cfg.preempt == DECIDE_WHEN_BETTER)
		return d->band > band_of_priority(priority);
	return d->priority > priority;
}

static void
pull(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;

	if (d->pulling)
		return;
	if (move_limited(d, now) && band_of_priority(d->m.priority) != BAND_DEAD) {
		if (!d->limit_told)
			alarm_on(c, DECIDE_ALARM_MOVE_LIMIT, d->m.addr);
		d->limit_told = true;
		wait_full(c);
		return;
	}
	if (d->asked) {
		d->deadline = mono_add_ns(now, decide_wait_ns(d, now));
		return;
	}
	wait_full(c);
	d->asked = true;
	d->fresh_until = mono_add_ns(now, FRESH_NS);
	emit(c, DECIDE_DO_ASK_FRESH);
}

static void
backup_zero(struct ctx *c)
{
	struct decide *d = c->d;
	bool ours = d->m.known && ip_equal(&d->m.addr, &c->in->advert.src);

	if (!ours && fresh_master(d, c->in->now) && d->m.priority > 0)
		return;
	follow(c);
	d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, claim_ns(d)));
	d->after_zero = true;
	d->asked = d->pulling = false;
}

static void
backup_advert(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;
	bool same = d->m.known && ip_equal(&d->m.addr, &in->advert.src);
	uint8_t p = in->advert.priority;

	if (in->advert.differs)
		alarm_on(c, DECIDE_ALARM_OTHER_CONFIG, in->advert.src);
	if (p == 0) {
		backup_zero(c);
		return;
	}
	if (!same && fresh_master(d, in->now)) {
		if (cmp_claim(p, &in->advert.src, d->m.priority, &d->m.addr) < 0) {
			alarm_on(c, DECIDE_ALARM_SECOND_MASTER, in->advert.src);
			return;
		}
		if (band_of_priority(p) > band_of_priority(d->m.priority) && d->m.priority > 0)
			move_count(d, in->now);
	}
	if (!same)
		d->pulling = d->asked = false;
	follow(c);
	d->put_off_ns = 0;
	d->after_zero = false;
	if (in->advert.differs || !better(d, p, in->now))
		wait_full(c);
	else if (d->cfg.mode == BAND_MODE_BANDS)
		pull(c);
	/* else: weights, the timer runs on (RFC 9568 6.4.2: discard). */
}

static void
backup_fresh(struct ctx *c)
{
	struct decide *d = c->d;

	if (!d->asked)
		return;
	d->asked = false;
	if (!c->in->fresh || !d->m.known || !better(d, d->m.priority, c->in->now)) {
		d->deadline = mono_add_ns(c->in->now, decide_wait_ns(d, c->in->now));
		return;
	}
	d->pulling = true;
	d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, claim_ns(d)));
}

static void
backup_health(struct ctx *c)
{
	struct decide *d = c->d;

	take_health(c);
	if ((d->pulling || d->asked) && !better(d, d->m.priority, c->in->now))
		wait_full(c);
}

/* An address that answers while its master is silent: a host lives whose advertisements are lost.
 * Put off by up to conflict_hold, with a new look each time (rule 7). */
static bool
put_off(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->after_zero || d->pulling || d->put_off_ns >= d->cfg.conflict_hold_ns ||
	    d->answered_at.ns == 0 || (d->m.known && mono_before(d->answered_at, d->m.heard)))
		return false;
	/* Not silent: a worse master that is preempted (weights) answers as it should. */
	if (d->m.known && c->in->now.ns - d->m.heard.ns < 2 * d->interval_ns)
		return false;
	alarm_on(c, DECIDE_ALARM_SILENT_HOLDER, d->answered_by);
	d->deadline = mono_add_ns(c->in->now, d->interval_ns);
	d->put_off_ns += d->interval_ns;
	d->answered_at = (struct mono){0};
	emit(c, DECIDE_DO_PROBE);
	return true;
}

static void
repeat_last(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->last_left == 0 || mono_before(c->in->now, d->last_at))
		return;
	if (d->m.priority == 0 || !fresh_master(d, c->in->now) ||
	    !ip_equal(&d->m.addr, &d->winner)) {
		d->last_left = 0;
		return;
	}
	d->last_left--;
	send_last(c);
}

static void
backup_timer(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;

	if (c->in->queued)
		return;
	repeat_last(c);
	if (!mono_before(now, d->probe_at)) {
		d->probe_at = MONO_NEVER;
		emit(c, DECIDE_DO_PROBE);
	}
	if (d->asked && !mono_before(now, d->fresh_until)) {
		d->asked = false;
		d->deadline = mono_add_ns(now, decide_wait_ns(d, now));
	}
	if (mono_before(now, d->deadline))
		return;
	if (now.ns - d->deadline.ns > d->interval_ns) { /* woke late: listen first (rule 5) */
		d->deadline = mono_add_ns(now, d->interval_ns);
		return;
	}
	if (put_off(c))
		return;
	claim(c, d->pulling      ? DECIDE_WHY_BETTER
		 : d->after_zero ? DECIDE_WHY_RESIGNED
				 : DECIDE_WHY_SILENCE);
}

static void
backup_holder(struct ctx *c)
{
	/* Only an answer to the look before the claim counts: an announcement soon after the last
	 * advertisement says nothing about the silence that followed. */
	if (c->d->probe_at.ns != MONO_NEVER.ns)
		return;
	c->d->answered_at = c->in->now;
	c->d->answered_by = c->in->holder;
}

static void
to_fault_if(struct ctx *c)
{
	if (c->d->fault || !c->d->link)
		enter_fault(c, true);
}

static void
backup_link(struct ctx *c)
{
	take_link(c);
	to_fault_if(c);
}

static void
backup_fault(struct ctx *c)
{
	take_fault(c);
	to_fault_if(c);
}

/* ---- MASTER ---------------------------------------------------------------- */

/* The lease is over: without carrier that is a FAULT, else look before going on. */
static void
master_lease(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->unsure || c->in->boot.ns <= d->lease.ns)
		return;
	if (!d->link) {
		leave(c, DECIDE_WHY_LINK, (struct ip){0});
		return;
	}
	d->unsure = true;
	d->unsure_until = mono_add_ns(c->in->now, UNSURE_NS);
	emit(c, DECIDE_DO_ARP_STOP);
	emit(c, DECIDE_DO_PROBE);
}

static void
master_advert(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;
	uint8_t p = in->advert.priority;

	if (in->advert.differs)
		alarm_on(c, DECIDE_ALARM_OTHER_CONFIG, in->advert.src);
	if (d->unsure) {
		if (p > 0)
			leave_to_sender(c, DECIDE_WHY_TAKEN);
		return;
	}
	if (p == 0) {
		send_advert(c, d->priority);
		d->deadline = mono_add_ns(in->now, pace_ns(d));
		return;
	}
	claim_was_false(c, in->advert.src);
	if (cmp_claim(p, &in->advert.src, d->priority, &d->cfg.self) > 0) {
		leave_to_sender(c, DECIDE_WHY_OUTRANKED);
		return;
	}
	if (d->deadline.ns - in->now.ns < pace_ns(d) - ANSWER_GAP_NS) {
		send_advert(c, d->priority);
		d->deadline = mono_add_ns(in->now, pace_ns(d));
	}
	emit(c, DECIDE_DO_ARP_SIGN);
}

static void
master_timer(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;

	if (c->in->queued)
		return;
	if (d->unsure) {
		if (mono_before(now, d->unsure_until))
			return;
		/* Nobody answered: go on. If the advertisement does not leave, look again. */
		d->unsure = false;
		d->deadline = now;
		d->lease = mono_add_ns(c->in->boot, pace_ns(d));
		emit(c, DECIDE_DO_ADD);
		emit(c, DECIDE_DO_ARP_START);
	}
	if (!mono_before(now, d->watch_at)) {
		d->watch_at = mono_add_ns(now, WATCH_NS);
		emit(c, DECIDE_DO_PROBE);
	}
	if (mono_before(now, d->deadline))
		return;
	send_advert(c, d->priority);
	if (d->announce > 0)
		d->announce--;
	d->deadline = mono_add_ns(d->deadline, pace_ns(d));
	if (!mono_before(now, d->deadline))
		d->deadline = mono_add_ns(now, pace_ns(d));
	if (!d->link) /* be there when the lease ends */
		d->deadline =
		    mono_min(d->deadline, mono_add_ns(now, d->lease.ns - c->in->boot.ns + 1));
}

static void
master_holder(struct ctx *c)
{
	if (c->d->unsure) {
		leave(c, DECIDE_WHY_TAKEN, (struct ip){0});
		return;
	}
	alarm_on(c, DECIDE_ALARM_CONFLICT, c->in->holder);
	/* Not the whole schedule again: two hosts that see one another's announcements would answer
	 * each at once, and the winner had used up its rate when it is found. */
	emit(c, DECIDE_DO_ARP_TROUBLE);
}

static void
master_health(struct ctx *c)
{
	struct decide *d = c->d;
	uint8_t was = d->priority;

	take_health(c);
	if (d->unsure)
		return;
	if (d->band == BAND_DEAD && !d->cfg.peers_vipd && !d->resigned_band && d->link) {
		d->resigned_band = true;
		resign(c, DECIDE_WHY_DEAD_BAND, resign_ns(d));
		return;
	}
	if (d->priority == was)
		return;
	send_advert(c, d->priority);
	d->deadline = mono_add_ns(c->in->now, pace_ns(d));
}

static void
master_link(struct ctx *c)
{
	struct decide *d = c->d;
	bool was = d->link;

	take_link(c);
	master_lease(c); /* a link that is back after the lease: look first */
	if (d->role != DECIDE_MASTER || !d->link || was || d->unsure)
		return;
	send_advert(c, d->priority);
	emit(c, DECIDE_DO_ARP_SIGN);
	d->deadline = mono_add_ns(c->in->now, pace_ns(d));
}

static void
holder_fault(struct ctx *c)
{
	struct decide *d = c->d;

	take_fault(c);
	if (d->fault == 0)
		return;
	if (d->role == DECIDE_MASTER)
		send_advert(c, 0);
	leave(c, DECIDE_WHY_FAULT, (struct ip){0});
}

static void
master_config(struct ctx *c)
{
	struct decide *d = c->d;
	int64_t was = d->cfg.interval_ns;

	take_config(c);
	d->interval_ns = d->cfg.interval_ns;
	if (d->cfg.interval_ns > was) {
		d->announce = 3;
		d->pace_old_ns = was;
	} else {
		d->announce = 0;
		d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, pace_ns(d)));
	}
}

static void
master_release(struct ctx *c)
{
	struct decide *d = c->d;

	d->released_now = true;
	d->released = mono_add_ns(c->in->now, RELEASE_NS);
	resign(c, DECIDE_WHY_RELEASE, resign_ns(d));
}

static void
master_stop(struct ctx *c)
{
	struct decide *d = c->d;
	int64_t limit = min64(resign_ns(d), c->in->stop_ns);

	d->stop = true;
	if (limit <= 0 || !d->link || d->unsure) {
		send_advert(c, 0);
		leave(c, DECIDE_WHY_STOP, (struct ip){0});
		return;
	}
	resign(c, DECIDE_WHY_STOP, limit);
}

/* ---- RESIGN, LEAVE --------------------------------------------------------- */

static void
resign_advert(struct ctx *c)
{
	if (c->in->advert.priority > 0)
		leave_to_sender(c, c->d->stop ? DECIDE_WHY_STOP : DECIDE_WHY_SUCCESSOR);
}

static void
resign_over(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->stop) {
		leave(c, DECIDE_WHY_STOP, (struct ip){0});
		return;
	}
	report(c, (struct ip){0});
	d->claim_judged = true;
	set_role(c, DECIDE_MASTER, DECIDE_WHY_NOBODY, false);
	d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
	d->deadline = mono_add_ns(c->in->now, pace_ns(d));
	master_lease(c);
	if (d->role != DECIDE_MASTER || d->unsure)
		return;
	send_advert(c, d->priority);
	emit(c, DECIDE_DO_ADD); /* after a long sleep the kernel has removed it */
}

static void
resign_timer(struct ctx *c)
{
	if (!c->in->queued && !mono_before(c->in->now, c->d->resign_until))
		resign_over(c);
}

/* Slept through the end of it. */
static void
resign_lease(struct ctx *c)
{
	if (c->in->boot.ns > c->d->lease.ns)
		resign_over(c);
}

static void
resign_link(struct ctx *c)
{
	take_link(c);
	resign_lease(c);
}

static void
resign_stop(struct ctx *c)
{
	c->d->stop = true;
	c->d->resign_until = mono_min(c->d->resign_until, mono_add_ns(c->in->now, c->in->stop_ns));
}

static void
leave_advert(struct ctx *c)
{
	struct decide *d = c->d;
	bool same = d->m.known && ip_equal(&d->m.addr, &c->in->advert.src);

	if (same || !fresh_master(d, c->in->now) ||
	    cmp_claim(c->in->advert.priority, &c->in->advert.src, d->m.priority, &d->m.addr) > 0)
		follow(c);
}

static void
leave_timer(struct ctx *c)
{
	if (!mono_before(c->in->now, c->d->drain_until))
		leave_done(c);
}

/* ---- the table ------------------------------------------------------------- */

typedef void handler(struct ctx *);

static handler *const table[DECIDE_ROLE_COUNT][DECIDE_INPUT_COUNT] = {
#define ROW(START, READY, TIMER, ADVERT, HEALTH, LINK, FAULT, HOLDER, FRESH, DRAINED, CONFIG,   \
    RELEASE, STOP)                                                                              \
	{                                                                                       \
		START, READY, TIMER, ADVERT, sent, HEALTH, LINK, FAULT, HOLDER, FRESH, DRAINED, \
		    CONFIG, RELEASE, STOP                                                       \
	}
    /* clang-format off */
	/*	      START   READY   TIMER         ADVERT         HEALTH         LINK         FAULT         HOLDER         FRESH         DRAINED     CONFIG         RELEASE         STOP */
	[DECIDE_INIT]	 = ROW(start,  begin,  init_timer,   init_advert,   take_health,   take_link,   take_fault,   ignore,	     ignore,	   ignore,     take_config,   ignore,	      stop_now),
	[DECIDE_BACKUP]	 = ROW(ignore, ignore, backup_timer, backup_advert, backup_health, backup_link, backup_fault, backup_holder, backup_fresh, ignore,     take_config,   ignore,	      stop_now),
	[DECIDE_MASTER]	 = ROW(ignore, ignore, master_timer, master_advert, master_health, master_link, holder_fault, master_holder, ignore,	   ignore,     master_config, master_release, master_stop),
	[DECIDE_RESIGN]	 = ROW(ignore, ignore, resign_timer, resign_advert, take_health,   resign_link, holder_fault, ignore,	     ignore,	   ignore,     take_config,   ignore,	      resign_stop),
	[DECIDE_LEAVE]	 = ROW(ignore, ignore, leave_timer,  leave_advert,  take_health,   take_link,   take_fault,   ignore,	     ignore,	   leave_done, take_config,   ignore,	      note_stop),
	[DECIDE_FAULT]	 = ROW(ignore, ignore, ignore,	     ignore,	    take_health,   fault_link,  fault_fault,  ignore,	     ignore,	   ignore,     take_config,   ignore,	      stop_now),
	[DECIDE_STOPPED] = ROW(ignore, ignore, ignore,	     ignore,	    ignore,	   ignore,	ignore,	      ignore,	     ignore,	   ignore,     ignore,	      ignore,	      ignore),
/* clang-format on */
#undef ROW
};

int64_t
decide_lifetime_ns(const struct decide_cfg *cfg)
{
	return 9 * cfg->interval_ns + 2 * S;
}

void
decide_init(struct decide *d, const struct decide_cfg *cfg)
{
	*d = (struct decide){.cfg = *cfg,
	    .role = DECIDE_INIT,
	    .priority = cfg->base,
	    .interval_ns = cfg->interval_ns,
	    .deadline = MONO_NEVER,
	    .startup_until = MONO_NEVER,
	    .probe_at = MONO_NEVER};
}

void
decide_step(struct decide *d, const struct decide_in *in, struct decide_out *out)
{
	struct ctx c = {d, in, out};

	out->n = 0;
	/* A lease that is over is seen before anything else, whatever woke us. */
	if (d->role == DECIDE_MASTER && in->kind != DECIDE_IN_SENT && in->kind != DECIDE_IN_LINK)
		master_lease(&c);
	if (d->role == DECIDE_RESIGN && in->kind != DECIDE_IN_LINK)
		resign_lease(&c);
	if (d->role == DECIDE_LEAVE && !mono_before(in->now, d->drain_until))
		leave_done(&c);
	table[d->role][in->kind](&c);
}

struct mono
decide_next(const struct decide *d)
{
	switch (d->role) {
	case DECIDE_INIT:
		return d->startup_until;
	case DECIDE_BACKUP:
		return mono_min(mono_min(d->deadline, d->probe_at),
		    mono_min(d->asked ? d->fresh_until : MONO_NEVER,
			d->last_left > 0 ? d->last_at : MONO_NEVER));
	case DECIDE_MASTER:
		return d->unsure ? d->unsure_until : mono_min(d->deadline, d->watch_at);
	case DECIDE_RESIGN:
		return d->resign_until;
	case DECIDE_LEAVE:
		return d->drain_until;
	default:
		return MONO_NEVER;
	}
}

void
decide_save(const struct decide *d, struct decide_saved *s)
{
	*s = (struct decide_saved){.role = d->role,
	    .lease = d->lease,
	    .holds = decide_holds(d),
	    .released = d->released,
	    .backoff = d->backoff,
	    .backoff_at = d->backoff_at};
	for (int i = 0; i < DECIDE_MOVES; i++)
		s->moves[i] = d->moves[i];
}
