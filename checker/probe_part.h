/* SPDX-License-Identifier: ISC */
/* What probe.c, probe_tls.c and probe_http.c share; nobody else includes this. */
#ifndef CHECKER_PROBE_PART_H
#define CHECKER_PROBE_PART_H

#include <sys/types.h>

#include "checker/probe.h"

#define PROBE_AGAIN (-2) /* the descriptor waits for an event now */
#define PROBE_ERROR (-1)

/* Tells the result (with the time taken) and closes. desc: printf-like, NULL: none. */
void probe_finish(struct probe *p, enum check_status status, uint32_t code, const char *desc);
/* Tells the result and leaves the connection open until the peer has ended, a short time at most.
 */
void probe_finish_linger(
    struct probe *p, enum check_status status, uint32_t code, const char *desc);
/* What this host lacks, which says nothing about the server. */
bool probe_own_error(int error);
/* The same for this host's own want of something. */
void probe_finish_own(struct probe *p, int error);

/* Waits for EPOLLIN or EPOLLOUT. */
void probe_wait(struct probe *p, uint32_t events);

/* The connect or the handshake has ended: on with the next phase. */
void probe_connected(struct probe *p);

/* probe_tls.c: drives the handshake; reads and writes. The counts of read(2), PROBE_AGAIN,
 * PROBE_ERROR. */
void probe_tls_step(struct probe *p);
ssize_t probe_tls_read(struct probe *p, void *buf, size_t len);
ssize_t probe_tls_write(struct probe *p, const void *buf, size_t len);
void probe_tls_close(struct probe *p);
/* The last error in words, for descriptions. */
const char *probe_tls_error(char *buf, size_t size);

/* probe_http.c */
void probe_http_step(struct probe *p);

/* Either kind of connection. */
ssize_t probe_read(struct probe *p, void *buf, size_t len);
ssize_t probe_write(struct probe *p, const void *buf, size_t len);

#endif
