/* SPDX-License-Identifier: ISC */
/*
 * Sync groups: virtual routers that move together (failover-logic.md, rule 13). Each has its own
 * decision, its own advertisements and peers; this decides which of them has to follow the others.
 * Pure. Bands and faults are shared by the caller: the band is the worst member's, a FAULT of one
 * is a FAULT of all.
 *
 *   - One claims: the others claim at once.
 *   - One gives its address up: the others follow, at the latest GROUP_GRACE later (their own
 *     successor is heard meanwhile as a rule, and then they leave as every master does).
 *   - One hears its master: the others, though their own is silent, do not claim: a host that lives
 *     is not replaced for a part of its group. Nor does a better priority in one router take
 *     anything while the master of another is the better one there.
 */
#ifndef VRRP_GROUP_H
#define VRRP_GROUP_H

#include "vrrp/decide.h"

struct group_member {
	const struct decide *d;
	struct mono joined;     /* became MASTER; 0: not since the start */
	struct mono left;       /* gave it up; 0: not since the start */
	struct mono told;       /* newest advertisement to another that it was told of */
	enum decide_reason why; /* of joined */
};

/* How long members may be of different roles after one of them has left: an interval and a half. */
static inline int64_t
group_grace_ns(const struct decide *d)
{
	return d->cfg.interval_ns + d->cfg.interval_ns / 2;
}

/* A change of role: call it for each. */
void group_note(struct group_member *m, enum decide_role from, enum decide_role to,
    enum decide_reason why, struct mono now);

/* What member i has to be told now: true with *in (JOIN, PART or ALIVE). members[i] is itself. */
bool group_look(
    struct group_member *const *members, size_t n, size_t i, struct mono now, struct decide_in *in);

#endif
