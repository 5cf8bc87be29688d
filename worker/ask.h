/* SPDX-License-Identifier: ISC */
/*
 * Asking others to carry out commands (hard-parts 9): the owner of a state by a request in this
 * worker's ring (shm/request.h), or all workers by a call. One at a time for each owner; whoever
 * comes later waits its turn. Answers are looked for, not delivered: the bell says when.
 */
#ifndef WORKER_ASK_H
#define WORKER_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/child.h"
#include "shm/request.h"

/* In the process that owns a state and asks itself: the master, on its own socket. The functions as
 * ask_owner and ask_owner_done. */
struct ask_local {
	uint64_t (*send)(void *ctx, uint32_t kind, uint32_t object, uint64_t value);
	bool (*done)(void *ctx, uint64_t number, uint32_t *result);
	void *ctx;
};

struct ask {
	const struct ask_local
	    *local; /* not NULL: the master; only its own requests are possible */
	const struct shm *shm;
	struct shm_worker *own;
	unsigned index; /* of this worker */
	const struct child_bells *bells;
	const char *text;               /* of the next request; NULL: none */
	uint64_t owner_busy[SHM_KINDS]; /* number under way; 0: none */
	uint64_t call_busy;
};

/* Can the kind's owner be asked from here? */
bool ask_possible(const struct ask *a, uint32_t kind);
/* Sends a request to the kind's owner. Returns its number, or 0: another is under way. */
uint64_t ask_owner(struct ask *a, uint32_t kind, uint32_t object, uint64_t value);
/* Has it been answered? Then *result is enum shm_result, and the next may be sent. */
bool ask_owner_done(struct ask *a, uint32_t kind, uint64_t number, uint32_t *result);

/* Calls all workers. Returns its number, or 0: another is under way. */
uint64_t ask_workers(struct ask *a, enum shm_call_kind kind, uint64_t value);
/* Have all that live carried it out? *missing is the first that has not. */
bool ask_workers_done(struct ask *a, uint64_t number, unsigned *missing);

/* Nobody waits for it any longer. */
void ask_owner_give_up(struct ask *a, uint32_t kind, uint64_t number);
void ask_workers_give_up(struct ask *a, uint64_t number);

#endif
