/* SPDX-License-Identifier: ISC */
/*
 * Records of sessions in the worker's own section: what others see of a session, also after this
 * process was killed. Places are taken from the lowest, so that readers' loops stay short.
 */
#ifndef WORKER_RECORD_H
#define WORKER_RECORD_H

#include "lib/sock.h"
#include "worker/worker.h"

/* A free record with id, times and the client's address set, or NULL when all are in use. */
struct shm_session *record_open(struct worker *w, uint32_t fe, const struct sock_addr *peer,
    const struct sock_addr *local, struct mono now);
void record_close(struct worker *w, struct shm_session *r);

/* The local address of a socket into a record; as it was when there is none (fd -1). */
void record_ask_end(struct shm_end *e, int fd);

/* Address into a record, and an address out of it for logs. */
void record_set_end(struct shm_end *e, const struct sock_addr *a);
void record_get_end(const struct shm_end *e, struct sock_addr *a);

#endif
