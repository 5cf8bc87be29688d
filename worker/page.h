/* SPDX-License-Identifier: ISC */
/*
 * The status page: plain HTML for people, without scripts, in pieces. Everything that comes from
 * elsewhere (names, texts of probes) is escaped.
 */
#ifndef WORKER_PAGE_H
#define WORKER_PAGE_H

#include "conf/model.h"
#include "shm/segment.h"
#include "worker/http.h"

void page_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp);

/* Appends text with & < > " ' as entities. */
void page_escape(struct buf *out, const char *text);

#endif
