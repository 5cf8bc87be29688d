/* SPDX-License-Identifier: ISC */
/* Commands of the master's own socket, in the shape that worker/ask.h wants; ctx: struct master. */
#ifndef MASTER_REQUESTS_H
#define MASTER_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

/* Returns its number, or 0: a reload is under way. */
uint64_t requests_own(void *ctx, uint32_t kind, uint32_t object, uint64_t value);
bool requests_own_done(void *ctx, uint64_t number, uint32_t *result);

#endif
