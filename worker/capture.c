/* SPDX-License-Identifier: ISC */
/* Refused requests. */
#include "worker/capture.h"

#include <stdio.h>
#include <string.h>

#include "worker/record.h"

void
capture(struct worker *w, const struct gen_frontend *fe, int fd, const char *why, const void *data,
    size_t len)
{
	uint64_t n = sw64_get(&w->own->captured) + 1;
	struct shm_capture *c = &w->own->capture[n % SHM_CAPTURES];
	struct sock_addr peer = {.len = sizeof(peer.un)};

	if (getpeername(fd, &peer.sa, &peer.len) == -1)
		peer.family = AF_UNSPEC;
	sw64_set(&c->number, 0);
	atomic_thread_fence(memory_order_seq_cst);
	c->wall_us = mono_wall_us();
	c->fe = fe->slot;
	c->fe_epoch = sw32_get(&shm_fe_dir(w->seg, fe->slot)->epoch);
	record_set_end(&c->client, &peer);
	c->came = (uint32_t)len;
	c->len = len < SHM_CAPTURE ? (uint32_t)len : SHM_CAPTURE;
	snprintf(c->why, sizeof(c->why), "%s", why);
	memcpy(c->data, data, c->len);
	sw64_set(&c->number, n);
	sw64_set(&w->own->captured, n);
}
