/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LIB_CONF_TEXT_H
#define TESTS_LIB_CONF_TEXT_H

#include "conf/conf.h"

/* What conf_print writes, to be freed. */
char *conf_text(const struct conf *c, enum conf_reader reader);

#endif
