/* SPDX-License-Identifier: ISC */
/* The PROXY protocol in a worker: the header that a proxy sends us, the one that a server is sent.
 */
#ifndef WORKER_PROXY_H
#define WORKER_PROXY_H

#include "lib/proxyproto.h"
#include "worker/session.h"

/* The header for the session's server into buf (PROXYPROTO_ROOM bytes); returns its length. */
size_t proxy_header(struct session *s, char *buf);

/* Does a connection from this peer to this bind (NULL: none) begin with a header? */
bool proxy_wanted(const struct conf_bind *b, const struct sock_addr *peer);

/* A session of a bind with accept_proxy has begun: takes the header, now or when it has come, then
 * goes on as all sessions do. It may be ended (and freed) when this returns. */
void proxy_expect(struct session *s);
/* An event of the client's socket while the header is awaited. */
void proxy_event(struct session *s);

/*
 * Takes a header from a socket into *out, nothing of what follows it. PROXYPROTO_MORE: not all
 * there, wait; *ended: nor will it ever be. What is no header is said (rate-limited) and counted.
 */
enum proxyproto_result proxy_take(
    struct worker *w, const struct gen_frontend *fe, int fd, struct proxyproto *out, bool *ended);

#endif
