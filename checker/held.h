/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that the master sent: files and log sockets. The master sends each once, so they are
 * kept over generations; a newer one of the same name replaces the older at commit.
 */
#ifndef CHECKER_HELD_H
#define CHECKER_HELD_H

#include "checker/state.h"

/* Takes files and log sockets out of fds. Returns 0, or -1 when memory is short. */
int held_take(struct held *h, struct child_fd *fds, size_t n_fds);
/* The descriptor, or -1. */
int held_find(const struct held *h, uint32_t kind, const char *name);
/* Moves all of from into to, whose room held_reserve has made: cannot fail. */
int held_reserve(struct held *to, const struct held *from);
void held_merge(struct held *to, struct held *from);
/* Closes all. */
void held_drop(struct held *h);

#endif
