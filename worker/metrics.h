/* SPDX-License-Identifier: ISC */
/*
 * Metrics in Prometheus' text format. Families are those of HAProxy's exporter where the meaning is
 * the same, with vipd_ in the place of haproxy_, and with the same labels (proxy, server, state,
 * code). vipd_process_, vipd_frontend_, vipd_backend_, vipd_server_, vipd_vrrp_.
 */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include "conf/model.h"
#include "shm/segment.h"
#include "worker/http.h"

/* As many scrapes as may be run in this process: another one gets 503. */
bool metrics_full(void);
void metrics_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp);

#endif
