/* SPDX-License-Identifier: ISC */
/* Keeps what clients sent that was refused, for "show errors": the last SHM_CAPTURES of a worker,
 * the first SHM_CAPTURE bytes of each. Memory only. */
#ifndef WORKER_CAPTURE_H
#define WORKER_CAPTURE_H

#include "worker/worker.h"

/* fd: the client's connection. why: one line. */
void capture(struct worker *w, const struct gen_frontend *fe, int fd, const char *why,
    const void *data, size_t len);

#endif
