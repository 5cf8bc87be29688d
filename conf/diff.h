/* SPDX-License-Identifier: ISC */
/* What a reload changes. Pure. */
#ifndef CONF_DIFF_H
#define CONF_DIFF_H

#include <stdbool.h>

#include "conf/model.h"

/* Calls fn with one line per change: "server b/s3 192.0.2.3:80 added", "backend b: timeout.server
 * \"1h\" -> \"50s\"". Secrets are not shown. A server that moves to another address is another. */
void conf_diff(const struct conf *old, const struct conf *now,
    void (*fn)(void *ctx, const char *text), void *ctx);

/* True, with a reason that names them, when settings change that need a restart (F_RESTART in the
 * table: ceilings, user, group, state_dir, the path of the first control socket). */
bool conf_diff_refused(
    const struct conf *old, const struct conf *now, char *reason, size_t reason_size);

#endif
