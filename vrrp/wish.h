/* SPDX-License-Identifier: ISC */
/*
 * What is wanted of the kernel for each address, and in which order it is asked for: one request at
 * a time, since the kernel answers one when it likes (it waits for rtnl). Pure.
 *
 * Invariants:
 * - A wish stands per address (with prefix and link), the last one: what was wanted before and has
 *   not been begun is forgotten. So a refresh asked for ten times is asked for once, and a removal
 *   leaves no older add behind it.
 * - Of one address never two requests are under way: a wish that comes meanwhile is asked for after
 *   the answer. The last request for an address is the last wish for it: a removal comes after
 * every add that was begun.
 * - Removals go first, then what is missing, then refreshes: who leaves waits for one request, not
 *   for the refreshes of all others.
 * - A router has no open wishes when all that it wanted has been answered, or is another's wish
 * now: only then may it be forgotten.
 */
#ifndef VRRP_WISH_H
#define VRRP_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/nl.h"

#define WISH_MAX 2048 /* addresses: those of all routers, and those of the plans before */

enum wish_want { WISH_NONE = 0, WISH_SET, WISH_REMOVE };

/* Why it is to be set; of two the greater holds. */
enum wish_cause {
	WISH_REFRESH = 0,
	WISH_COME, /* its device has come */
	WISH_GONE, /* somebody has removed it */
	WISH_CLAIM,
	WISH_ANEW /* in place of one that looks otherwise: the kernel changes none */
};

struct wish {
	struct nl_addr a;
	enum wish_want want; /* not begun; NONE: nothing */
	enum wish_cause cause;
	unsigned slot; /* router whose wish it is */
	uint64_t order;
	enum wish_want runs; /* begun, without answer */
	unsigned run_slot;
};

struct wishes {
	size_t n;
	uint64_t order;
	struct wish v[WISH_MAX];
};

/* What is asked for now, and what was. */
struct wish_job {
	enum wish_want want;
	enum wish_cause cause;
	unsigned slot;
	struct nl_addr a;
};

/* Return 0, or -1: too many addresses (nothing has changed). */
int wish_set(struct wishes *, const struct nl_addr *a, unsigned slot, enum wish_cause cause);
int wish_remove(struct wishes *, const struct nl_addr *a, unsigned slot);

/* The next request. False: none is wanted, or one is under way. */
bool wish_next(struct wishes *, struct wish_job *out);
/* The request under way has been answered. */
void wish_done(struct wishes *);

/* Of a router: wishes without answer. */
unsigned wish_open(const struct wishes *, unsigned slot);
/* What will be of that address when all is answered; NONE: no wish. */
enum wish_want wish_of(const struct wishes *, const struct nl_addr *a);

#endif
