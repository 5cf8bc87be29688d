/* SPDX-License-Identifier: ISC */
/* START, INIT and FAULT. Pure. */
#include "vrrp/decide_part.h"

/* ---- start, INIT, FAULT ---------------------------------------------------- */

void
part_begin(struct ctx *c)
{
	struct decide *d = c->d;

	d->startup_until = MONO_NEVER;
	if (d->fault || !d->link) {
		part_enter_fault(c, true);
	} else if (d->priority == 255) {
		part_claim(c, DECIDE_WHY_OWNER);
	} else {
		part_enter_backup(c, DECIDE_WHY_START, true);
		/* Better hosts may need as long as this one to boot. */
		d->deadline = mono_add_ns(d->deadline, part_rank(d) * d->interval_ns);
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
		part_become_master(c, DECIDE_WHY_RESUMED, false);
		return;
	}
	if ((s->role == DECIDE_MASTER || s->role == DECIDE_RESIGN) && s->holds) {
		/* Looks first: the lease is over, and the handler before every input sees it. */
		part_set_role(c, DECIDE_MASTER, DECIDE_WHY_RESUMED, false);
		d->claim_judged = true;
		d->unsure = true;
		d->unsure_until = mono_add_ns(c->in->now, UNSURE_NS);
		d->deadline = d->unsure_until;
		d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
		part_emit(c, DECIDE_DO_PROBE);
		return;
	}
	if (s->holds)
		part_emit(c, DECIDE_DO_REMOVE);
	if (d->fault || !d->link)
		part_enter_fault(c, s->role != DECIDE_FAULT);
	else
		part_enter_backup(c, DECIDE_WHY_RESUMED, s->role != DECIDE_BACKUP);
}

void
part_start(struct ctx *c)
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
			part_leave(c, DECIDE_WHY_FAULT, (struct ip){0});
		return;
	}
	if (in->start.saved.holds) /* a leftover of somebody who was killed */
		part_emit(c, DECIDE_DO_REMOVE);
	d->startup_until = mono_add_ns(in->now, d->cfg.startup_ns);
	part_set_role(c, DECIDE_INIT, DECIDE_WHY_START, false);
	if (d->priority == 255 || d->cfg.startup_ns == 0)
		part_begin(c);
}

void
part_init_timer(struct ctx *c)
{
	if (!c->in->queued && !mono_before(c->in->now, c->d->startup_until))
		part_begin(c);
}

void
part_init_advert(struct ctx *c)
{
	if (c->in->advert.priority > 0)
		part_follow(c);
}

static void
fault_check(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->fault || !d->link)
		return;
	d->m.known = false;
	d->started = c->in->now;
	d->interval_ns = d->cfg.interval_ns;
	if (d->priority == 255)
		part_claim(c, DECIDE_WHY_OWNER);
	else
		part_enter_backup(c, DECIDE_WHY_RECOVERED, true);
}

void
part_fault_link(struct ctx *c)
{
	part_take_link(c);
	fault_check(c);
}

void
part_fault_fault(struct ctx *c)
{
	part_take_fault(c);
	fault_check(c);
}
