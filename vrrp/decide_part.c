/* SPDX-License-Identifier: ISC */
/* What several roles do: sending, entering and leaving roles, taking inputs. Pure. */
#include "vrrp/decide_part.h"

struct decide_action *
part_emit(struct ctx *c, enum decide_do kind)
{
	struct decide_action *a = &c->out->a[c->out->n];

	if (c->out->n < DECIDE_ACTIONS_MAX - 1)
		c->out->n++;
	*a = (struct decide_action){.kind = kind};
	return a;
}

void
part_alarm_on(struct ctx *c, enum decide_alarm what, struct ip who)
{
	struct decide_action *a = part_emit(c, DECIDE_DO_ALARM);

	a->alarm = what;
	a->ip = who;
}

void
part_set_role(struct ctx *c, enum decide_role role, enum decide_reason why, bool notify)
{
	struct decide_action *a = part_emit(c, DECIDE_DO_ROLE);

	a->from = c->d->role;
	a->role = role;
	a->why = why;
	a->notify = notify;
	c->d->role = role;
}

int64_t
part_min64(int64_t a, int64_t b)
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
int64_t
part_rank(const struct decide *d)
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
	return max64(base, part_min64(w, BACKOFF_CAP_NS));
}

int64_t
decide_wait_ns(const struct decide *d, struct mono now)
{
	return down_ns(d, now) + decide_skew_ns(d) + part_rank(d) * d->interval_ns / 2;
}

int64_t
part_claim_ns(const struct decide *d)
{
	return decide_skew_ns(d) + part_rank(d) * d->interval_ns / 2;
}

int64_t
part_pace_ns(const struct decide *d)
{
	return d->announce > 0 ? d->pace_old_ns : d->cfg.interval_ns;
}

bool
part_fresh_master(const struct decide *d, struct mono now)
{
	return d->m.known && now.ns - d->m.heard.ns < d->cfg.n_adverts * d->interval_ns;
}

/* Order of claims: priority, then address (RFC 9568 6.4.3). */
int
part_cmp_claim(uint8_t pa, const struct ip *a, uint8_t pb, const struct ip *b)
{
	return pa != pb ? (pa < pb ? -1 : 1) : ip_cmp(a, b);
}

void
part_wait_full(struct ctx *c)
{
	struct decide *d = c->d;

	d->deadline = mono_add_ns(c->in->now, decide_wait_ns(d, c->in->now));
	d->probe_at = mono_add_ns(c->in->now, 2 * d->interval_ns);
	d->after_zero = d->pulling = d->asked = false;
}

/* ---- voluntary moves ------------------------------------------------------- */

void
part_move_count(struct decide *d, struct mono now)
{
	for (int i = DECIDE_MOVES - 1; i > 0; i--)
		d->moves[i] = d->moves[i - 1];
	d->moves[0] = now;
}

bool
part_move_limited(const struct decide *d, struct mono now)
{
	struct mono oldest = d->moves[DECIDE_MOVES - 1];

	return oldest.ns != 0 && now.ns - oldest.ns < DECIDE_MOVES_NS;
}

void
part_claim_was_false(struct ctx *c, struct ip who)
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
	part_alarm_on(c, DECIDE_ALARM_FALSE_CLAIM, who);
}

/* ---- entering roles -------------------------------------------------------- */

void
part_send_advert(struct ctx *c, uint8_t priority)
{
	struct decide_action *a = part_emit(c, DECIDE_DO_SEND);

	a->priority = priority;
	a->interval_ns = c->d->cfg.interval_ns;
}

void
part_enter_backup(struct ctx *c, enum decide_reason why, bool notify)
{
	struct decide *d = c->d;

	part_set_role(c, DECIDE_BACKUP, why, notify);
	d->answered_at = (struct mono){0};
	d->put_off_ns = 0;
	d->unsure = false;
	d->announce = 0;
	part_wait_full(c);
}

void
part_become_master(struct ctx *c, enum decide_reason why, bool notify)
{
	struct decide *d = c->d;
	/* A predecessor serves until it hears this host, which has to be able to serve then: the
	 * kernel may take a while to give an address. After a silence others wait to hear it. */
	bool handed = why == DECIDE_WHY_RESIGNED || why == DECIDE_WHY_BETTER;

	d->interval_ns = d->cfg.interval_ns;
	d->unsure = d->asked = d->pulling = d->after_zero = false;
	d->announce = d->last_left = 0;
	if (handed)
		part_emit(c, DECIDE_DO_ADD);
	part_send_advert(c, d->priority);
	part_set_role(c, DECIDE_MASTER, why, notify);
	if (!handed)
		part_emit(c, DECIDE_DO_ADD);
	part_emit(c, DECIDE_DO_ARP_START);
	d->deadline = mono_add_ns(c->in->now, part_pace_ns(d));
	d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
}

void
part_claim(struct ctx *c, enum decide_reason why)
{
	struct decide *d = c->d;

	d->claimed_at = c->in->now;
	d->claim_judged = why != DECIDE_WHY_SILENCE;
	/* Until the advertisement has left (SENT) there is none; then the next timer looks first.
	 */
	d->lease = (struct mono){0};
	if (d->pulling)
		part_move_count(d, c->in->now);
	d->m.known = false;
	part_become_master(c, why, true);
}

void
part_enter_fault(struct ctx *c, bool notify)
{
	part_set_role(c, DECIDE_FAULT, c->d->fault ? DECIDE_WHY_FAULT : DECIDE_WHY_LINK, notify);
	c->d->asked = c->d->pulling = false;
}

static void
enter_stopped(struct ctx *c)
{
	part_set_role(c, DECIDE_STOPPED, DECIDE_WHY_STOP, true);
	part_emit(c, DECIDE_DO_EXIT);
}

void
part_follow(struct ctx *c)
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

void
part_report(struct ctx *c, struct ip who)
{
	if (c->d->released_now)
		part_emit(c, DECIDE_DO_REPORT)->ip = who;
	c->d->released_now = false;
}

void
part_drain(struct ctx *c)
{
	c->d->settle_until = MONO_NEVER;
	c->d->drain_until = mono_add_ns(c->in->now, DRAIN_NS);
	part_emit(c, DECIDE_DO_DRAIN);
}

/* Stops accepting and resets the sessions; the address goes when that is done. why names what the
 * next role is entered for; winner: family 0 if nobody is known to have the address. */
void
part_leave(struct ctx *c, enum decide_reason why, struct ip winner)
{
	struct decide *d = c->d;
	bool served =
	    d->role == DECIDE_RESIGN || c->in->now.ns - d->claimed_at.ns > 3 * d->cfg.interval_ns;

	d->why = why;
	d->winner = winner;
	d->unsure = false;
	part_emit(c, DECIDE_DO_ARP_STOP);
	part_set_role(c, DECIDE_LEAVE, why, false);
	if (winner.family != 0 && why != DECIDE_WHY_TAKEN && served) {
		/* The successor announces itself just after its advertisement: whoever is being
		 * served here ends in peace, and whoever still calls here is not refused. Not after
		 * a claim that was false: there nobody was served. */
		d->settle_until = mono_add_ns(c->in->now, SETTLE_NS);
		d->drain_until = MONO_NEVER;
	} else {
		part_drain(c);
	}
	part_report(c, winner);
}

void
part_leave_to_sender(struct ctx *c, enum decide_reason why)
{
	const struct decide_in *in = c->in;

	if (c->d->cfg.mode == BAND_MODE_BANDS && why != DECIDE_WHY_TAKEN &&
	    band_of_priority(in->advert.priority) > c->d->band)
		part_move_count(c->d, in->now);
	part_follow(c);
	part_leave(c, why, in->advert.src);
}

/* The winner repeats its ARPs when it hears a worse master once more. Priority 1: whatever becomes
 * of the winner's own priority meanwhile, this must never make it leave. It may be lost, and
 * clients would stay with our ARPs, so it is repeated while that winner is heard. */
void
part_send_last(struct ctx *c)
{
	struct decide *d = c->d;
	struct decide_action *a;

	if (d->winner.family == 0 || d->m.priority < 2 || !d->link) {
		d->last_left = 0;
		return;
	}
	d->last_at = mono_add_ns(c->in->now, LAST_NS << (LAST_REPEATS - d->last_left));
	a = part_emit(c, DECIDE_DO_SEND_LAST);
	a->ip = d->winner;
	a->priority = 1;
	a->interval_ns = d->cfg.interval_ns;
}

void
part_leave_done(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono heard;

	part_emit(c, DECIDE_DO_REMOVE);
	d->last_left = LAST_REPEATS;
	part_send_last(c);
	d->lease = (struct mono){0};
	if (d->stop) {
		enter_stopped(c);
		return;
	}
	if (d->fault || !d->link) {
		part_enter_fault(c, true);
		return;
	}
	heard = d->m.heard;
	part_enter_backup(c, d->why, true);
	if (d->m.known && d->m.priority == 0 && !mono_before(heard, d->claimed_at)) {
		d->after_zero = true;
		d->deadline = mono_add_ns(c->in->now, part_claim_ns(d));
	}
}

void
part_resign(struct ctx *c, enum decide_reason why, int64_t limit_ns)
{
	struct decide *d = c->d;

	part_send_advert(c, 0);
	part_set_role(c, DECIDE_RESIGN, why, false);
	d->why = why;
	d->resign_until = mono_add_ns(c->in->now, limit_ns);
	/* No advertisement renews it meanwhile. */
	d->lease = mono_add_ns(c->in->boot, limit_ns + 3 * d->cfg.interval_ns);
}

int64_t
part_resign_ns(const struct decide *d)
{
	return 3 * d->cfg.interval_ns + RESIGN_MORE_NS;
}

/* ---- any role -------------------------------------------------------------- */

void
part_sent(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->role == DECIDE_MASTER && d->link)
		d->lease = mono_add_ns(c->in->boot, 3 * part_pace_ns(d));
}

void
part_take_health(struct ctx *c)
{
	struct decide *d = c->d;

	if (c->in->health.band != d->band) {
		d->resigned_band = false;
		d->limit_told = false;
	}
	d->band = c->in->health.band;
	d->priority = c->in->health.priority;
}

void
part_take_config(struct ctx *c)
{
	c->d->cfg = *c->in->cfg;
}

void
part_take_link(struct ctx *c)
{
	c->d->link = c->in->link;
}

void
part_take_fault(struct ctx *c)
{
	c->d->fault = c->in->fault;
}

void
part_stop_now(struct ctx *c)
{
	c->d->stop = true;
	enter_stopped(c);
}

void
part_note_stop(struct ctx *c)
{
	c->d->stop = true;
}
