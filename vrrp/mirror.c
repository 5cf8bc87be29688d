/* SPDX-License-Identifier: ISC */
/* See mirror.h. */
#include "vrrp/mirror.h"

#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64

/* An unmarked one (a kernel before 5.18) with a lifetime is ours too; without: an operator's. */
static bool
is_marked(const struct nl_addr *n)
{
	return n->proto == MIRROR_MARK || (n->proto == 0 && n->valid_s != NL_FOREVER);
}

bool
mirror_same_addr(const struct nl_addr *a, const struct nl_addr *b)
{
	return a->ifindex == b->ifindex && a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0 &&
	       memcmp(a->peer, b->peer, sizeof(a->peer)) == 0;
}

void
mirror_fini(struct mirror *m)
{
	free(m->links);
	free(m->addrs);
	*m = (struct mirror){0};
}

/* ---- tables ---------------------------------------------------------------- */

static int
grow(void *table, size_t *cap, size_t n, size_t size)
{
	void **t = table;
	size_t to = *cap == 0 ? ROOM_FIRST : *cap;
	void *p;

	if (n < *cap)
		return 0;
	while (to <= n)
		to *= 2;
	p = realloc(*t, to * size);
	if (p == NULL)
		return -1;
	*t = p;
	*cap = to;
	return 0;
}

/* Index of it, n_addrs if it is not there. Dumps tell in our order: the hint is mostly right. */
static size_t
addr_at(const struct mirror *m, const struct nl_addr *a, size_t hint)
{
	for (size_t k = 0; k < m->n_addrs; k++) {
		size_t i = hint + k < m->n_addrs ? hint + k : (hint + k) % m->n_addrs;

		if (mirror_same_addr(&m->addrs[i].a, a))
			return i;
	}
	return m->n_addrs;
}

static size_t
link_at(const struct mirror *m, uint32_t index, size_t hint)
{
	for (size_t k = 0; k < m->n_links; k++) {
		size_t i = hint + k < m->n_links ? hint + k : (hint + k) % m->n_links;

		if (m->links[i].l.index == index)
			return i;
	}
	return m->n_links;
}

static int
put_addr(struct mirror *m, size_t at, const struct nl_addr *a, uint64_t stamp)
{
	if (at == m->n_addrs &&
	    grow(&m->addrs, &m->cap_addrs, m->n_addrs++, sizeof(*m->addrs)) == -1) {
		m->n_addrs--;
		return -1;
	}
	m->addrs[at] = (struct mirror_addr){.a = *a, .stamp = stamp, .seen = true};
	return 0;
}

static int
put_link(struct mirror *m, size_t at, const struct nl_link *l, uint64_t stamp)
{
	if (at == m->n_links &&
	    grow(&m->links, &m->cap_links, m->n_links++, sizeof(*m->links)) == -1) {
		m->n_links--;
		return -1;
	}
	m->links[at] = (struct mirror_link){.l = *l, .stamp = stamp, .seen = true};
	return 0;
}

static void
drop_addr(struct mirror *m, const struct nl_addr *a)
{
	size_t at = addr_at(m, a, 0);

	if (at < m->n_addrs)
		memmove(&m->addrs[at], &m->addrs[at + 1], (--m->n_addrs - at) * sizeof(*m->addrs));
	if (!m->asking)
		return;
	if (m->n_gone < MIRROR_GONE_MAX)
		m->gone[m->n_gone++] = *a;
	else
		m->stale = true;
}

static void
drop_link(struct mirror *m, uint32_t index)
{
	size_t at = link_at(m, index, 0), to = 0;

	if (at < m->n_links)
		memmove(&m->links[at], &m->links[at + 1], (--m->n_links - at) * sizeof(*m->links));
	/* Its addresses have gone with it; the kernel does not always say so for each. */
	for (size_t i = 0; i < m->n_addrs; i++)
		if (m->addrs[i].a.ifindex != index)
			m->addrs[to++] = m->addrs[i];
	m->n_addrs = to;
	if (!m->asking)
		return;
	if (m->n_gone_links < MIRROR_GONE_MAX)
		m->gone_links[m->n_gone_links++] = index;
	else
		m->stale = true;
}

void
mirror_event(struct mirror *m, const struct nl_event *e)
{
	int r = 0;

	m->stamp++;
	switch (e->kind) {
	case NL_EVENT_LINK_NEW:
		r = put_link(m, link_at(m, e->link.index, 0), &e->link, m->stamp);
		break;
	case NL_EVENT_LINK_GONE:
		drop_link(m, e->link.index);
		break;
	case NL_EVENT_ADDR_NEW:
		r = put_addr(m, addr_at(m, &e->addr, 0), &e->addr, m->stamp);
		break;
	case NL_EVENT_ADDR_GONE:
		drop_addr(m, &e->addr);
		break;
	case NL_EVENT_OVERRUN:
		r = -1;
		break;
	}
	m->stale = m->stale || r == -1;
}

/* ---- a dump ---------------------------------------------------------------- */

int
mirror_ask(struct mirror *m, struct snapshot *s)
{
	size_t links = s->n_links > m->n_links ? s->n_links : m->n_links;
	size_t addrs = s->n_addrs > m->n_addrs ? s->n_addrs : m->n_addrs;

	if (grow(&s->links, &s->cap_links, links + links / 4, sizeof(*s->links)) == -1 ||
	    grow(&s->addrs, &s->cap_addrs, addrs + addrs / 4, sizeof(*s->addrs)) == -1)
		return -1;
	m->asked = ++m->stamp;
	m->asking = true;
	m->stale = false; /* what is lost from now on counts anew */
	m->n_gone = m->n_gone_links = 0;
	return 0;
}

static bool
went(const struct mirror *m, const struct nl_addr *a)
{
	for (size_t i = 0; i < m->n_gone; i++)
		if (mirror_same_addr(&m->gone[i], a))
			return true;
	for (size_t i = 0; i < m->n_gone_links; i++)
		if (m->gone_links[i] == a->ifindex)
			return true;
	return false;
}

static bool
link_went(const struct mirror *m, uint32_t index)
{
	for (size_t i = 0; i < m->n_gone_links; i++)
		if (m->gone_links[i] == index)
			return true;
	return false;
}

static int
merge_links(struct mirror *m, const struct snapshot *s)
{
	size_t hint = 0, to = 0;

	for (size_t i = 0; i < m->n_links; i++)
		m->links[i].seen = m->links[i].stamp > m->asked;
	for (size_t i = 0; i < s->n_links; i++) {
		size_t at = link_at(m, s->links[i].index, hint);

		hint = at + 1;
		if (at < m->n_links ? m->links[at].stamp > m->asked
				    : link_went(m, s->links[i].index))
			continue; /* an event knows better */
		if (put_link(m, at, &s->links[i], m->asked) == -1)
			return -1;
	}
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].seen)
			m->links[to++] = m->links[i];
	m->n_links = to;
	return 0;
}

static int
merge_addrs(struct mirror *m, const struct snapshot *s)
{
	size_t hint = 0, to = 0;

	for (size_t i = 0; i < m->n_addrs; i++)
		m->addrs[i].seen = m->addrs[i].stamp > m->asked;
	for (size_t i = 0; i < s->n_addrs; i++) {
		size_t at = addr_at(m, &s->addrs[i], hint);

		hint = at + 1;
		if (at < m->n_addrs ? m->addrs[at].stamp > m->asked : went(m, &s->addrs[i]))
			continue;
		if (put_addr(m, at, &s->addrs[i], m->asked) == -1)
			return -1;
	}
	for (size_t i = 0; i < m->n_addrs; i++)
		if (m->addrs[i].seen)
			m->addrs[to++] = m->addrs[i];
	m->n_addrs = to;
	return 0;
}

int
mirror_take(struct mirror *m, const struct snapshot *s, bool ok)
{
	bool whole = ok && s->n_links <= s->cap_links && s->n_addrs <= s->cap_addrs &&
		     m->n_gone < MIRROR_GONE_MAX && m->n_gone_links < MIRROR_GONE_MAX;

	m->asking = false;
	if (!whole || merge_links(m, s) == -1 || merge_addrs(m, s) == -1) {
		m->stale = true;
		return -1;
	}
	return 0;
}

/* ---- questions ------------------------------------------------------------- */

const struct nl_link *
mirror_link(const struct mirror *m, const char *name)
{
	for (size_t i = 0; i < m->n_links; i++)
		if (strcmp(m->links[i].l.name, name) == 0)
			return &m->links[i].l;
	return NULL;
}

const struct nl_link *
mirror_link_index(const struct mirror *m, uint32_t index)
{
	size_t at = link_at(m, index, 0);

	return at < m->n_links ? &m->links[at].l : NULL;
}

static bool
is_ip(const struct nl_addr *a, const struct ip *ip)
{
	return a->family == ip->family && memcmp(a->addr, ip->b, ip_len(ip->family)) == 0;
}

uint32_t
mirror_link_of(const struct mirror *m, const struct ip *ip)
{
	for (size_t i = 0; i < m->n_addrs; i++)
		if (is_ip(&m->addrs[i].a, ip))
			return m->addrs[i].a.ifindex;
	return 0;
}

static bool
is_own(const struct plan *p, const struct nl_addr *a)
{
	for (size_t i = 0; i < p->n_addrs; i++)
		if (is_ip(a, &p->addrs[i].ip))
			return true;
	return false;
}

/* As the kernel orders them: primaries by scope, those that came first before others; a virtual one
 * only if there is nothing else. */
static unsigned
rank(const struct nl_addr *a)
{
	return (a->proto == MIRROR_MARK ? 1024u : 0u) +
	       (a->family == AF_INET && (a->flags & IFA_F_SECONDARY) ? 512u : 0u) +
	       (a->family == AF_INET ? a->scope : 0u);
}

bool
mirror_primary(const struct mirror *m, uint32_t index, const struct plan *p, struct ip *out)
{
	const struct nl_addr *best = NULL;

	for (size_t i = 0; i < m->n_addrs; i++) {
		const struct nl_addr *a = &m->addrs[i].a;
		struct ip ip;

		if (a->ifindex != index || a->family != p->family || (a->flags & IFA_F_TENTATIVE) ||
		    is_own(p, a))
			continue;
		ip = ip_make(a->family, a->addr);
		if (a->family == AF_INET6 && !ip_is_linklocal6(&ip))
			continue;
		if (best == NULL || rank(a) < rank(best)) {
			best = a;
			*out = ip;
		}
	}
	return best != NULL;
}

const struct nl_addr *
mirror_marked(const struct mirror *m, const struct ip *ip, uint8_t prefix, uint32_t index)
{
	for (size_t i = 0; i < m->n_addrs; i++) {
		const struct nl_addr *a = &m->addrs[i].a;

		if (is_ip(a, ip) && is_marked(a) && (prefix == 0 || a->prefix == prefix) &&
		    (index == 0 || a->ifindex == index))
			return a;
	}
	return NULL;
}
