/* SPDX-License-Identifier: ISC */
/* What the sync group says (see group.h). Pure. */
#include "vrrp/decide_part.h"

/* The others have claimed. */
void
part_backup_join(struct ctx *c)
{
	struct decide *d = c->d;
	bool counted = d->pulling;

	part_claim(c, DECIDE_WHY_GROUP);
	/* What their claim stands for, this one stands for. */
	d->claim_judged = c->in->join != DECIDE_WHY_SILENCE;
	if (c->in->join == DECIDE_WHY_BETTER && !counted)
		part_move_count(d, c->in->now);
}

/* The others have given up, and no successor was heard for this one. */
void
part_master_part(struct ctx *c)
{
	part_send_advert(c, 0);
	part_leave(c, DECIDE_WHY_GROUP, (struct ip){0});
}

/* Another one hears its master: this one's lives too, whatever becomes of its advertisements. */
void
part_backup_alive(struct ctx *c)
{
	struct decide *d = c->d;
	struct mono now = c->in->now;
	bool resigned = d->m.known && d->m.priority == 0;
	int64_t wait = decide_wait_ns(d, now);

	/* With weights one that is better here, and not there, waits as well (as keepalived does):
	 * a claim for both would be lost there, and so in both. Bands are the same in all. */
	if (d->pulling || d->asked || d->after_zero || resigned ||
	    (d->cfg.mode == BAND_MODE_BANDS && part_fresh_master(d, now) &&
		part_better(d, d->m.priority, now)))
		return;
	if (d->m.known && now.ns - d->m.heard.ns > 2 * wait)
		part_alarm_on(c, DECIDE_ALARM_GROUP_SILENT, d->m.addr);
	part_wait_full(c);
}

bool
decide_follows(const struct decide *d, struct mono now)
{
	/* One that it is about to replace, or whose advertisement it discarded, it does not
	 * follow. */
	return d->role == DECIDE_BACKUP && d->m.known && d->m.priority > 0 && !d->pulling &&
	       !d->asked && !d->after_zero &&
	       !(d->cfg.mode == BAND_MODE_WEIGHTS && part_better(d, d->m.priority, now)) &&
	       d->deadline.ns - d->m.heard.ns >= d->cfg.n_adverts * d->interval_ns;
}
