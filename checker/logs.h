/* SPDX-License-Identifier: ISC */
/* From the configuration's log targets and the master's sockets to lib/log. */
#ifndef CHECKER_LOGS_H
#define CHECKER_LOGS_H

#include "checker/state.h"
#include "lib/log.h"

struct logs {
	size_t n;
	struct log_target v[LOG_TARGETS_MAX];
};

/* Descriptors are duplicated, so that committing cannot fail. Returns 0, or -1 with a reason. */
int logs_build(struct logs *l, const struct conf_global *g, const struct held *held,
    const struct held *coming, char *reason, size_t reason_size);
void logs_commit(struct logs *l);
void logs_drop(struct logs *l);
/* Keeps a copy of a socket that was connected anew, for generations to come. */
void logs_keep(struct held *held, const char *name, int fd);

#endif
