/* SPDX-License-Identifier: ISC */
/* MASTER, RESIGN and LEAVE: the roles that hold the address. Pure. */
#include "vrrp/decide_part.h"

/* ---- MASTER ---------------------------------------------------------------- */

/* The lease is over: without carrier that is a FAULT, else look before going on. */
void
part_master_lease(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->unsure || c->in->boot.ns <= d->lease.ns)
		return;
	if (!d->link) {
		part_leave(c, DECIDE_WHY_LINK, (struct ip){0});
		return;
	}
	d->unsure = true;
	d->unsure_until = mono_add_ns(c->in->now, UNSURE_NS);
	part_emit(c, DECIDE_DO_ARP_STOP);
	part_emit(c, DECIDE_DO_PROBE);
}

void
part_master_advert(struct ctx *c)
{
	struct decide *d = c->d;
	const struct decide_in *in = c->in;
	uint8_t p = in->advert.priority;

	if (in->advert.differs)
		part_alarm_on(c, DECIDE_ALARM_OTHER_CONFIG, in->advert.src);
	if (d->unsure) {
		if (p > 0)
			part_leave_to_sender(c, DECIDE_WHY_TAKEN);
		return;
	}
	if (p == 0) {
		part_send_advert(c, d->priority);
		d->deadline = mono_add_ns(in->now, part_pace_ns(d));
		return;
	}
	part_claim_was_false(c, in->advert.src);
	if (part_cmp_claim(p, &in->advert.src, d->priority, &d->cfg.self) > 0) {
		part_leave_to_sender(c, DECIDE_WHY_OUTRANKED);
		return;
	}
	if (d->deadline.ns - in->now.ns < part_pace_ns(d) - ANSWER_GAP_NS) {
		part_send_advert(c, d->priority);
		d->deadline = mono_add_ns(in->now, part_pace_ns(d));
	}
	part_emit(c, DECIDE_DO_ARP_SIGN);
}

void
part_master_timer(struct ctx *c)
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
		d->lease = mono_add_ns(c->in->boot, part_pace_ns(d));
		part_emit(c, DECIDE_DO_ADD);
		part_emit(c, DECIDE_DO_ARP_START);
	}
	if (!mono_before(now, d->watch_at)) {
		d->watch_at = mono_add_ns(now, WATCH_NS);
		part_emit(c, DECIDE_DO_PROBE);
	}
	if (mono_before(now, d->deadline))
		return;
	part_send_advert(c, d->priority);
	if (d->announce > 0)
		d->announce--;
	d->deadline = mono_add_ns(d->deadline, part_pace_ns(d));
	if (!mono_before(now, d->deadline))
		d->deadline = mono_add_ns(now, part_pace_ns(d));
	if (!d->link) /* be there when the lease ends */
		d->deadline =
		    mono_min(d->deadline, mono_add_ns(now, d->lease.ns - c->in->boot.ns + 1));
}

void
part_master_holder(struct ctx *c)
{
	if (c->d->unsure) {
		part_leave(c, DECIDE_WHY_TAKEN, (struct ip){0});
		return;
	}
	part_alarm_on(c, DECIDE_ALARM_CONFLICT, c->in->holder);
	/* Not the whole schedule again: two hosts that see one another's announcements would answer
	 * each at once, and the winner had used up its rate when it is found. */
	part_emit(c, DECIDE_DO_ARP_TROUBLE);
}

void
part_master_health(struct ctx *c)
{
	struct decide *d = c->d;
	uint8_t was = d->priority;

	part_take_health(c);
	if (d->unsure)
		return;
	if (d->band == BAND_DEAD && !d->cfg.peers_vipd && !d->resigned_band && d->link) {
		d->resigned_band = true;
		part_resign(c, DECIDE_WHY_DEAD_BAND, part_resign_ns(d));
		return;
	}
	if (d->priority == was)
		return;
	part_send_advert(c, d->priority);
	d->deadline = mono_add_ns(c->in->now, part_pace_ns(d));
}

void
part_master_link(struct ctx *c)
{
	struct decide *d = c->d;
	bool back = !d->link && c->in->link;

	part_take_link(c);
	part_master_lease(c); /* a link that is back after the lease: look first */
	if (d->role != DECIDE_MASTER || !back || d->unsure)
		return;
	part_send_advert(c, d->priority);
	part_emit(c, DECIDE_DO_ARP_SIGN);
	d->deadline = mono_add_ns(c->in->now, part_pace_ns(d));
}

void
part_holder_fault(struct ctx *c)
{
	struct decide *d = c->d;

	part_take_fault(c);
	if (d->fault == 0)
		return;
	if (d->role == DECIDE_MASTER)
		part_send_advert(c, 0);
	part_leave(c, DECIDE_WHY_FAULT, (struct ip){0});
}

void
part_master_config(struct ctx *c)
{
	struct decide *d = c->d;
	int64_t was = d->cfg.interval_ns;

	part_take_config(c);
	d->interval_ns = d->cfg.interval_ns;
	if (d->cfg.interval_ns > was) {
		d->announce = 3;
		d->pace_old_ns = was;
	} else {
		d->announce = 0;
		d->deadline = mono_min(d->deadline, mono_add_ns(c->in->now, part_pace_ns(d)));
	}
}

void
part_master_release(struct ctx *c)
{
	struct decide *d = c->d;

	d->released_now = true;
	d->released = mono_add_ns(c->in->now, RELEASE_NS);
	part_resign(c, DECIDE_WHY_RELEASE, part_resign_ns(d));
}

void
part_master_stop(struct ctx *c)
{
	struct decide *d = c->d;
	int64_t limit = part_min64(part_resign_ns(d), c->in->stop_ns);

	d->stop = true;
	if (limit <= 0 || !d->link || d->unsure) {
		part_send_advert(c, 0);
		part_leave(c, DECIDE_WHY_STOP, (struct ip){0});
		return;
	}
	part_resign(c, DECIDE_WHY_STOP, limit);
}

/* ---- RESIGN, LEAVE --------------------------------------------------------- */

void
part_resign_advert(struct ctx *c)
{
	if (c->in->advert.priority > 0)
		part_leave_to_sender(c, c->d->stop ? DECIDE_WHY_STOP : DECIDE_WHY_SUCCESSOR);
}

static void
resign_over(struct ctx *c)
{
	struct decide *d = c->d;

	if (d->stop) {
		part_leave(c, DECIDE_WHY_STOP, (struct ip){0});
		return;
	}
	part_report(c, (struct ip){0});
	d->claim_judged = true;
	part_set_role(c, DECIDE_MASTER, DECIDE_WHY_NOBODY, false);
	d->watch_at = mono_add_ns(c->in->now, WATCH_NS);
	d->deadline = mono_add_ns(c->in->now, part_pace_ns(d));
	part_master_lease(c);
	if (d->role != DECIDE_MASTER || d->unsure)
		return;
	part_send_advert(c, d->priority);
	part_emit(c, DECIDE_DO_ADD); /* after a long sleep the kernel has removed it */
}

void
part_resign_timer(struct ctx *c)
{
	if (!c->in->queued && !mono_before(c->in->now, c->d->resign_until))
		resign_over(c);
}

/* Slept through the end of it. */
void
part_resign_lease(struct ctx *c)
{
	if (c->in->boot.ns > c->d->lease.ns)
		resign_over(c);
}

void
part_resign_link(struct ctx *c)
{
	part_take_link(c);
	part_resign_lease(c);
}

void
part_resign_stop(struct ctx *c)
{
	c->d->stop = true;
	c->d->resign_until = mono_min(c->d->resign_until, mono_add_ns(c->in->now, c->in->stop_ns));
}

void
part_leave_advert(struct ctx *c)
{
	struct decide *d = c->d;
	bool same = d->m.known && ip_equal(&d->m.addr, &c->in->advert.src);

	if (same || !part_fresh_master(d, c->in->now) ||
	    part_cmp_claim(c->in->advert.priority, &c->in->advert.src, d->m.priority, &d->m.addr) >
		0)
		part_follow(c);
}

void
part_leave_drained(struct ctx *c)
{
	if (c->d->settle_until.ns == MONO_NEVER.ns)
		part_leave_done(c);
}

void
part_leave_timer(struct ctx *c)
{
	if (!mono_before(c->in->now, c->d->drain_until))
		part_leave_done(c);
}
