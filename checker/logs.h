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
/* The master has opened a target's socket again (takes f->fd). */
void logs_reopen(struct held *held, struct child_fd *f);

#endif
