/* SPDX-License-Identifier: ISC */
#ifndef WORKER_METRICS_HOST_H
#define WORKER_METRICS_HOST_H

#include "lib/prom.h"
#include "worker/statrow.h"

/* Writes the families vipd_process_* and vipd_vrrp_*, in one piece: about 20 lines a router. */
void metrics_host(struct prom *p, const struct stat_source *src);

#endif
