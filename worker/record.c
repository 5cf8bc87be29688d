/* SPDX-License-Identifier: ISC */
/* Session records of a worker. */
#include "worker/record.h"

#include <string.h>

#include "shm/sessrec.h"
#include "shm/target.h"

/* While a record is free its flags hold the next free one + 1. */

void
record_set_end(struct shm_end *e, const struct sock_addr *a)
{
	end_set(e, a);
}

void
record_ask_end(struct shm_end *e, int fd)
{
	struct sock_addr a = {.len = sizeof(a.un)};

	if (fd == -1 || getsockname(fd, &a.sa, &a.len) == -1)
		return;
	sock_addr_unmap(&a); /* on [::] with v4v6, as the client's */
	record_set_end(e, &a);
}

void
record_get_end(const struct shm_end *e, struct sock_addr *a)
{
	end_get(e, a);
}

struct shm_session *
record_open(struct worker *w, uint32_t fe, const struct sock_addr *peer,
    const struct sock_addr *local, struct mono now)
{
	struct shm_session *all = SHM_OWN(w->seg, w->own, sessions), *r;
	uint32_t n = sw32_get(&w->own->n_sessions);

	if (w->free_record != 0) {
		r = &all[w->free_record - 1];
		w->free_record = r->flags;
	} else if (n < w->seg->caps->sessions) {
		r = &all[n];
		sw32_set(&w->own->n_sessions, n + 1);
	} else {
		return NULL;
	}
	sessrec_begin(r);
	r->id = mw64_fetch_add(&w->seg->shared->session_id, 1) + 1;
	sw32_set(&r->fe, fe);
	sw32_set(&r->be, SHM_NONE);
	sw32_set(&r->srv, SHM_NONE);
	r->flags = 0;
	r->accept_wall_us = mono_wall_us();
	r->accept_ns = now.ns;
	sw64_set(&r->assigned_ns, 0);
	sw64_set(&r->connected_ns, 0);
	sw64_set(&r->active_ns, (uint64_t)now.ns);
	sw64_set(&r->bytes_in, 0);
	sw64_set(&r->bytes_out, 0);
	sw32_set(&r->retries, 0);
	sw32_set(&r->counted, 0);
	sw32_set(&r->handshake_ms, 0);
	record_set_end(&r->client, peer);
	memset(&r->local, 0, sizeof(r->local));
	if (local != NULL)
		record_set_end(&r->local, local);
	memset(&r->source, 0, sizeof(r->source));
	memset(&r->server, 0, sizeof(r->server));
	sw32_set(&r->phase, SHM_PH_REQUEST);
	sessrec_end(r);
	return r;
}

void
record_close(struct worker *w, struct shm_session *r)
{
	struct shm_session *all = SHM_OWN(w->seg, w->own, sessions);

	sessrec_begin(r);
	sw32_set(&r->phase, SHM_PH_FREE);
	r->flags = w->free_record;
	sessrec_end(r);
	w->free_record = (uint32_t)(r - all) + 1;
}
