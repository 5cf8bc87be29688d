/* SPDX-License-Identifier: ISC */
/* What a reload changes. Pure. */
#ifndef CONF_DIFF_H
#define CONF_DIFF_H

#include <stdbool.h>

#include "conf/model.h"

/* Calls fn with one line per change, e.g. "backend b: server s3 192.0.2.3:80 added". */
void conf_diff(const struct conf *old, const struct conf *now,
    void (*fn)(void *ctx, const char *text), void *ctx);

/* True, with a reason, when the change needs a restart (workers, ceilings, user, group, control's
 * path). */
bool conf_diff_refused(
    const struct conf *old, const struct conf *now, char *reason, size_t reason_size);

#endif
