/* SPDX-License-Identifier: ISC */
/* vipd.conf(5), written from the table of settings. */
#ifndef CONF_MANUAL_H
#define CONF_MANUAL_H

#include <stdio.h>

/* The page in mdoc. Returns 0, or -1 when the stream failed. */
int manual_write(FILE *);

#endif
