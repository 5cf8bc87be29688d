/* SPDX-License-Identifier: ISC */
/*
 * From a configuration's log targets to those of this process. Runs in every process.
 */
#ifndef CONF_TARGETS_H
#define CONF_TARGETS_H

#include "conf/model.h"
#include "lib/log.h"

/*
 * Sets this process' log targets. fd_of gives the connected datagram socket for a target's address
 * as written (PROTO_FD_LOG), owned by the log from then on, or -1: that target is left out. Returns
 * the number of targets left out, or -1 with errno.
 */
int conf_targets_set(const struct conf *c, int (*fd_of)(void *ctx, const char *address), void *ctx);

/* Where a process logs when the configuration names no target: stderr, so that what happens still
 * reaches whoever started vipd. Name "". */
struct log_target conf_target_default(void);

#endif
