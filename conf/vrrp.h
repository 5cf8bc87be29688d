/* SPDX-License-Identifier: ISC */
/* The group vrrp: reading it for this host, printing it resolved. */
#ifndef CONF_VRRP_H
#define CONF_VRRP_H

#include "conf/print.h"
#include "conf/read.h"

void vrrp_read(struct reader *, const config_setting_t *s);
void vrrp_print(struct printer *);

/* One router, resolved; s: where it stands. peers_known: this host has been chosen. */
void check_router(struct reader *, const struct conf_router *, const config_setting_t *s);
/* All members and routers. */
void check_vrrp(struct reader *, const config_setting_t *s);

#endif
