/* SPDX-License-Identifier: ISC */
/* Sync groups: what one router of them is, does or suffers, told to the others (group.h decides).
 */
#include <string.h>

#include "vrrp/state.h"

static bool
takes_part(const struct router *r)
{
	return r != NULL && r->started && !r->leaving && !r->d.stop && r->plan->group[0] != '\0';
}

bool
together_next(const struct router *r, unsigned *i, struct router **o)
{
	if (!takes_part(r))
		return false;
	while (*i < SHM_MAX_ROUTERS) {
		*o = r->v->routers[(*i)++];
		if (*o != r && takes_part(*o) && strcmp((*o)->plan->group, r->plan->group) == 0)
			return true;
	}
	return false;
}

bool
together_fault(const struct router *r)
{
	struct router *o;
	unsigned i = 0;

	while (together_next(r, &i, &o))
		if ((o->fault & ~(uint32_t)FAULT_GROUP) != 0 ||
		    (o->d.role == DECIDE_FAULT && !o->d.link))
			return true;
	return false;
}

static void
follow(struct router *r)
{
	struct group_member *members[SHM_MAX_ROUTERS] = {&r->group};
	struct decide_in in;
	struct router *o;
	size_t n = 1;
	unsigned i = 0;

	while (together_next(r, &i, &o))
		members[n++] = &o->group;
	if (n > 1 && group_look(members, n, 0, loop_now(r->v->loop), &in)) {
		router_step(r, in);
		router_timer_set(r);
	}
}

void
together_look(struct vrrp *v)
{
	struct router *r;

	router_each (v, r) {
		if (!takes_part(r))
			continue;
		router_tell_health(r);
		if (together_fault(r) != ((r->fault & FAULT_GROUP) != 0))
			router_look_health(r);
		follow(r);
	}
}
