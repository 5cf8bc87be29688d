/* SPDX-License-Identifier: ISC */
/* Which host is this? */
#include "master/host.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proc.h"

static void
take(struct host *h, const struct sockaddr *sa)
{
	struct sock_addr *a = &h->addrs[h->conf.n_addrs];

	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET)
		a->len = sizeof(a->in);
	else if (sa->sa_family == AF_INET6)
		a->len = sizeof(a->in6);
	else
		return;
	memcpy(&a->sa, sa, a->len);
	h->conf.n_addrs++;
}

void
host_find(struct host *h, const char *member)
{
	struct ifaddrs *list = NULL;
	size_t n = 0;

	*h = (struct host){.conf = {.member = member, .cpus = proc_cpus()}};
	if (getifaddrs(&list) == -1)
		return;
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		n++;
	h->addrs = calloc(n + 1, sizeof(*h->addrs));
	h->conf.addrs = h->addrs;
	for (struct ifaddrs *i = list; i != NULL && h->addrs != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL)
			take(h, i->ifa_addr);
	freeifaddrs(list);
}

void
host_free(struct host *h)
{
	free(h->addrs);
	*h = (struct host){0};
}
