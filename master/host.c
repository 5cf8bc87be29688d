/* SPDX-License-Identifier: ISC */
/*
 * Which host is this? The addresses are asked for without the links, which getifaddrs asks for too:
 * the kernel (since 6.9) tells addresses at once, but links only when it has the rtnl lock, and a
 * reload would wait as long as somebody destroys namespaces.
 */
#include "master/host.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "lib/proc.h"

#define TRIES 3 /* addresses changed meanwhile */

struct collect {
	struct host *h;
	size_t cap;
};

static void
on_addr(const struct nl_addr *n, void *arg)
{
	struct collect *c = arg;
	struct sock_addr *a;

	if (c->h->conf.n_addrs == c->cap) {
		size_t cap = c->cap == 0 ? 16 : c->cap * 2;

		a = realloc(c->h->addrs, cap * sizeof(*a));
		if (a == NULL)
			return;
		c->h->addrs = a;
		c->cap = cap;
	}
	a = &c->h->addrs[c->h->conf.n_addrs++];
	memset(a, 0, sizeof(*a));
	if (n->family == AF_INET) {
		a->in.sin_family = AF_INET;
		memcpy(&a->in.sin_addr, n->addr, 4);
		a->len = sizeof(a->in);
	} else {
		a->in6.sin6_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, n->addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
			a->in6.sin6_scope_id = n->ifindex;
		a->len = sizeof(a->in6);
	}
}

void
host_find(struct host *h, const char *member)
{
	struct collect c = {.h = h};
	struct nl nl;

	*h = (struct host){.conf = {.member = member, .cpus = proc_cpus()}};
	if (nl_open(&nl) == -1)
		return;
	for (int i = 0; i < TRIES; i++) {
		h->conf.n_addrs = 0;
		if (nl_addr_dump(&nl, AF_UNSPEC, 0, on_addr, &c) == 0 || errno != EINTR)
			break;
	}
	nl_close(&nl);
	h->conf.addrs = h->addrs;
}

void
host_free(struct host *h)
{
	free(h->addrs);
	*h = (struct host){0};
}
