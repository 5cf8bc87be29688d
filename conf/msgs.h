/* SPDX-License-Identifier: ISC */
#ifndef CONF_MSGS_H
#define CONF_MSGS_H

#include "conf/conf.h"

/* Appends a message; text and file name are copied. m may be NULL. */
void msgs_add(
    struct conf_msgs *m, enum conf_severity severity, struct conf_where where, const char *text);

#endif
