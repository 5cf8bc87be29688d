/* SPDX-License-Identifier: ISC */
/* BACKUP: follows a master, pulls, looks before it claims. Pure. */
#include "vrrp/decide_part.h"

/* ---- BACKUP ---------------------------------------------------------------- */

/* Whether this host may take the address from a living master with that priority. */
bool
part_better(const struct decide *d, uint8_t priority, struct mono now)
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

/*
 * All hosts look at the same servers, but not at the same instant: a server that dies degrades one
 * host some seconds before the others. A pull at once would move the address for nothing, so a
 * master that is only degraded is left for patience_ns, in which we see the same or do not. One
 * that has no server is pulled from at once.
 */
static bool
patient(struct ctx *c, uint8_t priority)
{
	struct decide *d = c->d;

	if (d->worse_since.ns == 0)
		d->worse_since = c->in->now;
	return band_of_priority(priority) != BAND_DEAD &&
	       c->in->now.ns - d->worse_since.ns < d->cfg.patience_ns;
}

static void
pull(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;

	if (d->pulling)
		return;
	if (part_move_limited(d, now) && band_of_priority(d->m.priority) != BAND_DEAD) {
		if (!d->limit_told)
			part_alarm_on(c, DECIDE_ALARM_MOVE_LIMIT, d->m.addr);
		d->limit_told = true;
		part_wait_full(c);
		return;
	}
	if (d->asked) {
		d->deadline = mono_add_ns(now, decide_wait_ns(d, now));
		return;
	}
	part_wait_full(c);
	d->asked = true;
	d->fresh_until = mono_add_ns(now, FRESH_NS);
	part_emit(c, DECIDE_DO_ASK_FRESH);
}

static void
backup_zero(struct ctx *c)
{
	struct decide *d = c->d;
	bool ours = d->m.known && ip_equal(&d->m.addr, &c->in->advert.src);

	if (!ours && part_fresh_master(d, c->in->now) && d->m.priority > 0)
		return;
	part_follow(c);
	d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, part_claim_ns(d)));
	d->after_zero = true;
	d->asked = d->pulling = false;
}

void
part_backup_advert(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;
	bool same = d->m.known && ip_equal(&d->m.addr, &in->advert.src);
	uint8_t p = in->advert.priority;

	if (in->advert.differs)
		part_alarm_on(c, DECIDE_ALARM_OTHER_CONFIG, in->advert.src);
	if (p == 0) {
		backup_zero(c);
		return;
	}
	if (!same && part_fresh_master(d, in->now)) {
		if (part_cmp_claim(p, &in->advert.src, d->m.priority, &d->m.addr) < 0) {
			part_alarm_on(c, DECIDE_ALARM_SECOND_MASTER, in->advert.src);
			return;
		}
		if (band_of_priority(p) > band_of_priority(d->m.priority) && d->m.priority > 0)
			part_move_count(d, in->now);
	}
	if (!same) {
		d->pulling = d->asked = false;
		d->worse_since.ns = 0;
	}
	part_follow(c);
	d->put_off_ns = 0;
	d->after_zero = false;
	if (in->advert.differs || !part_better(d, p, in->now)) {
		d->worse_since.ns = 0;
		part_wait_full(c);
	} else if (d->cfg.mode == BAND_MODE_BANDS && patient(c, p)) {
		part_wait_full(c);
	} else if (d->cfg.mode == BAND_MODE_BANDS) {
		pull(c);
	}
	/* else: weights, the timer runs on (RFC 9568 6.4.2: discard). */
}

void
part_backup_fresh(struct ctx *c)
{
	struct decide *d = c->d;

	if (!d->asked)
		return;
	d->asked = false;
	if (!c->in->fresh || !d->m.known || !part_better(d, d->m.priority, c->in->now)) {
		d->deadline = mono_add_ns(c->in->now, decide_wait_ns(d, c->in->now));
		return;
	}
	d->pulling = true;
	d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, part_claim_ns(d)));
}

void
part_backup_health(struct ctx *c)
{
	struct decide *d = c->d;

	part_take_health(c);
	if ((d->pulling || d->asked) && !part_better(d, d->m.priority, c->in->now))
		part_wait_full(c);
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
	part_alarm_on(c, DECIDE_ALARM_SILENT_HOLDER, d->answered_by);
	d->deadline = mono_add_ns(c->in->now, d->interval_ns);
	d->put_off_ns += d->interval_ns;
	d->answered_at = (struct mono){0};
	part_emit(c, DECIDE_DO_PROBE);
	return true;
}

static void
repeat_last(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->last_left == 0 || mono_before(c->in->now, d->last_at))
		return;
	if (d->m.priority == 0 || !part_fresh_master(d, c->in->now) ||
	    !ip_equal(&d->m.addr, &d->winner)) {
		d->last_left = 0;
		return;
	}
	d->last_left--;
	part_send_last(c);
}

void
part_backup_timer(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;

	if (c->in->queued)
		return;
	repeat_last(c);
	if (!mono_before(now, d->probe_at)) {
		d->probe_at = MONO_NEVER;
		part_emit(c, DECIDE_DO_PROBE);
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
	part_claim(c, d->pulling      ? DECIDE_WHY_BETTER
		      : d->after_zero ? DECIDE_WHY_RESIGNED
				      : DECIDE_WHY_SILENCE);
}

void
part_backup_holder(struct ctx *c)
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
		part_enter_fault(c, true);
}

void
part_backup_link(struct ctx *c)
{
	part_take_link(c);
	to_fault_if(c);
}

void
part_backup_fault(struct ctx *c)
{
	part_take_fault(c);
	to_fault_if(c);
}
