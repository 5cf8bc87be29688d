/* SPDX-License-Identifier: ISC */
/*
 * From a configuration's log targets to those of this process. Runs in every process.
 */
#ifndef CONF_TARGETS_H
#define CONF_TARGETS_H

#include "conf/model.h"
#include "lib/log.h"

/* The connected datagram socket for a target's address as written (PROTO_FD_LOG), which the log
 * owns once it is set; or -1 with errno. */
typedef int (*conf_target_fd)(void *ctx, const char *address);

/*
 * A configuration's targets for log_set_targets, into t[LOG_TARGETS_MAX]. Returns their number. One
 * without a descriptor is left out when missing is NULL; otherwise it ends the list: *missing is
 * that target (else NULL) and errno fd_of's.
 */
size_t conf_targets(const struct conf_global *g, conf_target_fd fd_of, void *ctx,
    struct log_target *t, const struct conf_log **missing);

/* Where a process logs when the configuration names no target: stderr, so that what happens still
 * reaches whoever started vipd. Name "". */
struct log_target conf_target_default(void);

#endif
