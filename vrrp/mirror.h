/* SPDX-License-Identifier: ISC */
/*
 * The links and addresses of this network namespace as the kernel's events tell them, so that who
 * has to be in time asks no question that waits for rtnl. Filled by a dump, kept by events; after
 * lost events a new dump is merged: what an event told while it was made is newer than it. Pure but
 * for memory.
 */
#ifndef VRRP_MIRROR_H
#define VRRP_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/nl.h"
#include "vrrp/ip.h"
#include "vrrp/plan.h"

#define MIRROR_MARK     112 /* IFA_PROTO of our addresses: VRRP's protocol number */
#define MIRROR_GONE_MAX 256 /* removals that a dump under way may meet */

/* What a dump has told. Whoever asks gives the room, so that who reads needs no memory. */
struct snapshot {
	struct nl_link *links;
	size_t n_links; /* told; more than cap_links: those behind it are missing */
	size_t cap_links;
	struct nl_addr *addrs;
	size_t n_addrs;
	size_t cap_addrs;
};

struct mirror_link {
	struct nl_link l;
	uint64_t stamp; /* event that told it last */
	bool seen;      /* by the dump that is merged */
};

struct mirror_addr {
	struct nl_addr a;
	uint64_t stamp;
	bool seen;
};

struct mirror {
	struct mirror_link *links; /* in the order in which they came */
	size_t n_links;
	size_t cap_links;
	struct mirror_addr *addrs;
	size_t n_addrs;
	size_t cap_addrs;
	uint64_t stamp; /* events taken, dumps asked for */
	uint64_t asked; /* stamp of the dump under way or merged last */
	bool asking;
	bool stale; /* something was lost: a dump is needed */
	size_t n_gone;
	struct nl_addr gone[MIRROR_GONE_MAX]; /* while asking */
	uint32_t gone_links[MIRROR_GONE_MAX];
	size_t n_gone_links;
};

void mirror_fini(struct mirror *);
/* Takes an event in. Short of memory, or an OVERRUN: m->stale. */
void mirror_event(struct mirror *, const struct nl_event *);

/* A dump begins; gives s room for what was known and more. Returns 0, or -1: no memory. */
int mirror_ask(struct mirror *, struct snapshot *s);
/* It has ended well (ok) or not. Returns 0; or -1 and m->stale: it did not fit or cannot be used.
 */
int mirror_take(struct mirror *, const struct snapshot *s, bool ok);

/* NULL: none. Valid until the next event or merge. */
const struct nl_link *mirror_link(const struct mirror *, const char *name);
const struct nl_link *mirror_link_index(const struct mirror *, uint32_t index);
/* The link that carries ip; 0: none. */
uint32_t mirror_link_of(const struct mirror *, const struct ip *ip);
/* The address that a router of plan p sends from: the primary (IPv4) or link-local (IPv6) one of
 * the link that is neither p's own nor another router's virtual one. */
bool mirror_primary(const struct mirror *, uint32_t index, const struct plan *p, struct ip *out);
/* An address of ours, by its mark, with that prefix (any: 0) on that link (any: 0). */
const struct nl_addr *mirror_marked(
    const struct mirror *, const struct ip *ip, uint8_t prefix, uint32_t index);
/* The same address on the same link? */
bool mirror_same_addr(const struct nl_addr *a, const struct nl_addr *b);

#endif
