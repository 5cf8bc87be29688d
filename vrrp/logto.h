/* SPDX-License-Identifier: ISC */
/* Descriptors that the master sent: log sockets and files, kept over generations. */
#ifndef VRRP_LOGTO_H
#define VRRP_LOGTO_H

#include "conf/model.h"
#include "shm/child.h"

/* Takes log sockets and files out of fds. Returns 0, or -1 when there are too many. */
int logto_take(struct child_fd *fds, size_t n_fds);
/* The sealed memfd of a file, or -1. */
int logto_file(const char *path);
/* Builds the targets of a configuration. Returns 0, or -1 with a reason. */
int logto_build(const struct conf_global *g, char *reason, size_t reason_size);
/* They become this process' targets; or are thrown away. */
void logto_commit(void);
void logto_abort(void);
/* Keeps a copy of a socket that was connected anew, for generations to come. */
void logto_keep(const char *name, int fd);

#endif
