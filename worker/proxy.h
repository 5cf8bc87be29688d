/* SPDX-License-Identifier: ISC */
/* The PROXY protocol in a worker: the header that a server is sent. */
#ifndef WORKER_PROXY_H
#define WORKER_PROXY_H

#include "lib/proxyproto.h"
#include "worker/session.h"

/* The header for the session's server into buf (PROXYPROTO_ROOM bytes); returns its length. */
size_t proxy_header(struct session *s, char *buf);

#endif
