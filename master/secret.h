/* SPDX-License-Identifier: ISC */
/* Are passwords and keys where only those who need them can read them? */
#ifndef MASTER_SECRET_H
#define MASTER_SECRET_H

#include "conf/conf.h"

/* A warning for each file with a secret, the configuration's own and those that it names, which
 * everybody may read. */
void secrets_look(const struct conf *c, struct conf_msgs *msgs);

#endif
