/* SPDX-License-Identifier: ISC */
/* Addresses that commands have set; see target.h. */
#include "shm/target.h"

#include <stdio.h>
#include <string.h>

void
end_set(struct shm_end *e, const struct sock_addr *a)
{
	memset(e, 0, sizeof(*e));
	e->family = (uint8_t)a->family;
	if (a->family == AF_INET) {
		e->port = ntohs(a->in.sin_port);
		memcpy(e->addr, &a->in.sin_addr, 4);
	} else if (a->family == AF_INET6) {
		e->port = ntohs(a->in6.sin6_port);
		memcpy(e->addr, &a->in6.sin6_addr, 16);
	}
}

void
end_get(const struct shm_end *e, struct sock_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->family = e->family;
	if (e->family == AF_INET) {
		memcpy(&a->in.sin_addr, e->addr, 4);
		a->in.sin_port = htons(e->port);
		a->len = sizeof(a->in);
	} else if (e->family == AF_INET6) {
		memcpy(&a->in6.sin6_addr, e->addr, 16);
		a->in6.sin6_port = htons(e->port);
		a->len = sizeof(a->in6);
	} else if (e->family == AF_UNIX) {
		a->len = sizeof(sa_family_t);
	}
}

bool
target_get(const struct shm_health *h, struct shm_target *t)
{
	for (int i = 0; i < 64; i++) {
		uint32_t n = sw32_get(&h->target_n);

		if (n == 0)
			return false;
		memcpy((void *)t, (const void *)&h->target[n % 2], sizeof(*t));
		atomic_thread_fence(memory_order_seq_cst);
		if (sw32_get(&h->target_n) == n)
			return true;
	}
	return false;
}

void
target_put(struct shm_health *h, const struct shm_target *t)
{
	uint32_t n = sw32_get(&h->target_n) + 1;

	if (n == 0) /* after 2^32 changes; parity goes on */
		n = 2;
	memcpy((void *)&h->target[n % 2], (const void *)t, sizeof(*t));
	sw32_set(&h->target_n, n);
}

void
target_clear(struct shm_health *h)
{
	sw32_set(&h->target_n, 0);
}

const char *
target_text(const struct shm *s, uint32_t srv, char to[SHM_ADDR])
{
	const struct shm_srv_dir *d = shm_srv_dir(s, srv);
	char text[SOCK_ADDR_TEXT];
	struct sock_addr a;

	if (target_addr(shm_health(s, srv), sw32_get(&d->epoch), &a))
		snprintf(
		    to, SHM_ADDR, "%.*s", SHM_ADDR - 1, sock_addr_format(&a, text, sizeof(text)));
	else
		snprintf(to, SHM_ADDR, "%.*s", SHM_ADDR - 1, d->addr);
	return to;
}
