/* SPDX-License-Identifier: ISC */
/* status_uri: what the status screen shows, as one JSON object, in pieces. From shared memory and
 * the configuration alone. */
#ifndef WORKER_STATUSJSON_H
#define WORKER_STATUSJSON_H

#include "conf/model.h"
#include "shm/segment.h"
#include "worker/http.h"

/* Fills in the answer; conf has to live until it has been sent. */
void statusjson_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp);

#endif
