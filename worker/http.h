/* SPDX-License-Identifier: ISC */
/*
 * An HTTP/1.0 and 1.1 server on accepted connections: parses requests strictly, lets its user
 * answer, writes answers whole or in pieces, keeps connections alive. Monitoring frontends and the
 * quickstart's demo servers are its users. Runs in the owner's loop; never blocks.
 *
 * Bounds: a head of at most 16 KiB; bytes of further requests wait in the kernel while one is
 * answered; at most HTTP_TURN requests or 64 KiB of answer a turn; pieces of HTTP_PIECE bytes, made
 * only when the client has taken the ones before. A request with a body is answered and the
 * connection closed.
 */
#ifndef WORKER_HTTP_H
#define WORKER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/http1.h"
#include "lib/loop.h"

#define HTTP_PIECE 16384 /* bytes of a body in pieces, about */
#define HTTP_TURN  16    /* requests answered a turn */

struct http_conn;

struct http_request {
	const char *data; /* the head's bytes */
	const struct http1 *head;
	const char *target; /* NUL-terminated, as sent */
	const char *path;   /* target without scheme and authority of the absolute form */
	bool get;           /* GET or HEAD */
};

/* What the user fills in. Preset: 200, text/plain, empty body. */
struct http_reply {
	int status;
	const char *content_type; /* static */
	const char *extra;        /* further header lines with CRLF; static; NULL: none */
	struct buf body;
	/*
	 * A body in pieces instead: more() appends about limit bytes and returns true while there
	 * is more; end() frees stream, also when the client has gone (may be NULL).
	 */
	bool (*more)(void *stream, struct buf *out, size_t limit);
	void (*end)(void *stream);
	void *stream;
};

struct http_ops {
	void (*answer)(struct http_conn *, const struct http_request *, struct http_reply *);
	/* A request was answered with status; bad: it was no request that could be read. May be
	 * NULL, as the three below. */
	void (*answered)(struct http_conn *, int status, bool bad);
	/* What was read of a request that is answered as bad: why, its bytes. */
	void (*refused)(struct http_conn *, const char *why, const char *data, size_t len);
	/* Bytes that were read from and written to the client. */
	void (*bytes)(struct http_conn *, size_t in, size_t out);
	/* The connection has been closed; it is freed after this call. */
	void (*closed)(struct http_conn *);
};

struct http_times {
	int64_t request_ms; /* from the accept or a request's first byte to the end of its head */
	int64_t keep_alive_ms; /* idle between requests */
	int64_t send_ms;       /* without progress in writing */
};

/*
 * Takes fd (non-blocking). ops must outlive the connection. Returns it, or NULL with errno; fd is
 * then closed. close: at once, for the end of the process.
 */
struct http_conn *http_open(struct loop *loop, int fd, const struct http_ops *ops,
    const struct http_times *times, void *ctx);
void http_close(struct http_conn *);
/* Ends the connection after the answer under way, or to a request that has come unread. The first
 * one is awaited for its time: who has just connected is answered, not reset. In later turns: c is
 * there when this returns. */
void http_drain(struct http_conn *);

/* Is it waiting for its client's next request, or for the rest of one? *since: it was
 * accepted, or the last answer went: a byte now and then is no request. */
bool http_is_idle(const struct http_conn *, struct mono *since);

void *http_ctx(const struct http_conn *);
int http_fd(const struct http_conn *);

#endif
