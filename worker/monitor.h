/* SPDX-License-Identifier: ISC */
/*
 * What frontends in mode http answer: monitor_uri, alive_uri, master_uri, stats_uri (page,
 * ";csv", ";json"), status_uri, metrics_uri;
 * everything else 503, as a frontend without a backend does. From shared memory and the
 * configuration alone.
 *
 * monitor_uri: 200, or 503 when no backend has a usable server, when one that monitor_fail names
 * has none, while this node is in maintenance, and while it stops. The request target has to be
 * equal; a value that begins with a slash is compared with the path (HAProxy's manual on
 * monitor-uri).
 */
#ifndef WORKER_MONITOR_H
#define WORKER_MONITOR_H

#include "conf/model.h"
#include "shm/segment.h"
#include "worker/http.h"

enum monitor_what {
	MONITOR_OTHER = 0, /* 503 */
	MONITOR_HEALTH,
	MONITOR_ALIVE,
	MONITOR_MASTER,
	MONITOR_STATUS,
	MONITOR_PAGE,
	MONITOR_CSV,
	MONITOR_JSON,
	MONITOR_METRICS
};

/* What a request target asks for on this frontend. Pure. */
enum monitor_what monitor_classify(
    const struct conf_frontend *fe, const char *target, const char *path);

/*
 * May this node be given connections? True: 200. reason gets a line of text either way.
 */
bool monitor_healthy(const struct shm *s, const struct conf *conf, const struct conf_frontend *fe,
    char *reason, size_t size);

/*
 * Fills in the answer. conf has to live until the answer has been sent. Returns what was asked.
 */
enum monitor_what monitor_answer(const struct shm *s, const struct conf *conf,
    const struct conf_frontend *fe, const struct http_request *rq, struct http_reply *rp);

#endif
