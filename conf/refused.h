/* SPDX-License-Identifier: ISC */
/* Words of HAProxy and keepalived that are no settings here, and what to say about them. */
#ifndef CONF_REFUSED_H
#define CONF_REFUSED_H

#include "conf/table.h"

/* NULL: nothing known about the key. */
const char *refused_find(const struct conf_scope *, const char *key);

#endif
