/* SPDX-License-Identifier: ISC */
/*
 * Carries out what workers ask of all workers (shm/request.h, enum shm_call_kind): ends sessions,
 * clears counters. Called at the bell.
 */
#ifndef WORKER_CALL_H
#define WORKER_CALL_H

#include "worker/worker.h"

void call_look(struct worker *w);

#endif
