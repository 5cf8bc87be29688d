/* SPDX-License-Identifier: ISC */
/* See group.h. */
#include "vrrp/group.h"

void
group_note(struct group_member *m, enum decide_role from, enum decide_role to,
    enum decide_reason why, struct mono now)
{
	if (from == to)
		return;
	/* Who resigned and found nobody has not come back: it never left. */
	if (to == DECIDE_MASTER && from != DECIDE_RESIGN) {
		m->joined = now;
		m->why = why;
	} else if (to == DECIDE_LEAVE || (from == DECIDE_MASTER && to == DECIDE_BACKUP)) {
		m->left = now;
	}
}

/* A member that has become MASTER since i gave up. NULL: none. */
static const struct group_member *
leader(struct group_member *const *m, size_t n, size_t i)
{
	for (size_t k = 0; k < n; k++) {
		const struct decide *d = m[k]->d;

		if (k != i && d->role == DECIDE_MASTER && !d->unsure && !d->stop && d->link &&
		    m[k]->joined.ns > m[i]->left.ns)
			return m[k];
	}
	return NULL;
}

/* When a member last heard a master that it follows. */
static struct mono
heard(struct group_member *const *m, size_t n, size_t i, struct mono now)
{
	struct mono at = {0};

	for (size_t k = 0; k < n; k++)
		if (k != i && decide_follows(m[k]->d, now) && m[k]->d->m.heard.ns > at.ns)
			at = m[k]->d->m.heard;
	return at;
}

static bool
backup_look(
    struct group_member *const *m, size_t n, size_t i, struct mono now, struct decide_in *in)
{
	const struct group_member *to = leader(m, n, i);
	const struct decide *d = m[i]->d;
	struct mono at;

	if (to != NULL) {
		*in = (struct decide_in){.kind = DECIDE_IN_JOIN, .join = to->why};
		return true;
	}
	at = heard(m, n, i, now);
	/* What it has heard itself since then says as much, unless it discards that (weights). */
	if (at.ns <= m[i]->told.ns ||
	    (d->cfg.mode == BAND_MODE_BANDS && d->m.known && at.ns <= d->m.heard.ns) ||
	    now.ns - at.ns > d->cfg.interval_ns)
		return false;
	m[i]->told = at;
	*in = (struct decide_in){.kind = DECIDE_IN_ALIVE};
	return true;
}

static bool
master_look(
    struct group_member *const *m, size_t n, size_t i, struct mono now, struct decide_in *in)
{
	for (size_t k = 0; k < n; k++) {
		enum decide_role r = m[k]->d->role;

		if (k != i && (r == DECIDE_BACKUP || r == DECIDE_LEAVE) && m[k]->left.ns != 0 &&
		    m[k]->left.ns >= m[i]->joined.ns &&
		    now.ns - m[k]->left.ns >= group_grace_ns(m[i]->d)) {
			*in = (struct decide_in){.kind = DECIDE_IN_PART};
			return true;
		}
	}
	return false;
}

bool
group_look(
    struct group_member *const *members, size_t n, size_t i, struct mono now, struct decide_in *in)
{
	const struct decide *d = members[i]->d;

	if (d->role == DECIDE_BACKUP)
		return backup_look(members, n, i, now, in);
	if (d->role == DECIDE_MASTER && !d->unsure)
		return master_look(members, n, i, now, in);
	return false;
}
