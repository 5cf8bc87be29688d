/* SPDX-License-Identifier: ISC */
/*
 * A strict HTTP/1.0 and 1.1 parser for requests and answers (RFC 9112), and a writer of answers.
 * It works byte by byte over a buffer that the caller keeps and lets grow: how the bytes were cut
 * into pieces never changes the result. It does not allocate and remembers offsets, not pointers.
 * What senders must not send is refused, never repaired: bare CR or LF, NUL, folded lines, space
 * before the colon, unclear lengths.
 */
#ifndef LIB_HTTP1_H
#define LIB_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/* Name, status for the client, words for the log. */
#define HTTP1_RESULTS(X)                                                  \
	X(OK, 200, "complete")                                            \
	X(MORE, 0, "incomplete")                                          \
	X(BAD_METHOD, 400, "method is no token or too long")              \
	X(BAD_TARGET, 400, "bad character or form in the request target") \
	X(LONG_TARGET, 414, "request target too long")                    \
	X(BAD_VERSION, 400, "not an HTTP version")                        \
	X(OTHER_VERSION, 505, "HTTP version other than 1.0 and 1.1")      \
	X(BAD_STATUS, 400, "bad status line")                             \
	X(BARE_CR, 400, "CR without LF")                                  \
	X(BARE_LF, 400, "LF without CR")                                  \
	X(BAD_NAME, 400, "bad character in a header name")                \
	X(SPACE_COLON, 400, "space before a header's colon")              \
	X(FOLDED, 400, "folded header line")                              \
	X(BAD_VALUE, 400, "bad character in a header value")              \
	X(MANY_HEADERS, 431, "too many headers")                          \
	X(BIG_HEAD, 431, "headers too big")                               \
	X(NO_HOST, 400, "no Host")                                        \
	X(MANY_HOSTS, 400, "more than one Host")                          \
	X(BAD_HOST, 400, "bad character in Host")                         \
	X(BAD_LENGTH, 400, "bad Content-Length")                          \
	X(LENGTHS_DIFFER, 400, "two Content-Lengths that differ")         \
	X(BOTH_LENGTHS, 400, "Content-Length and Transfer-Encoding")      \
	X(BAD_CODING, 400, "bad Transfer-Encoding")                       \
	X(OTHER_CODING, 501, "Transfer-Encoding other than chunked")      \
	X(BAD_EXPECT, 417, "Expect other than 100-continue")              \
	X(BAD_CHUNK, 400, "bad chunk")                                    \
	X(BIG_TRAILER, 431, "chunk extension or trailer too big")         \
	X(CUT, 400, "connection closed before the end")

enum http1_result {
#define X(name, status, text) HTTP1_##name,
	HTTP1_RESULTS(X)
#undef X
};

/* The status to answer a request with; 0 for MORE. */
int http1_result_status(enum http1_result);
const char *http1_result_text(enum http1_result);

#define HTTP1_HEADERS_MAX 100
#define HTTP1_METHOD_MAX  32
#define HTTP1_TARGET_MAX  8192  /* default bound of a target, bytes */
#define HTTP1_HEAD_MAX    16384 /* default bound of a whole head, bytes */

struct http1_span {
	uint32_t off; /* from the start of the buffer */
	uint32_t len;
};

struct http1_header {
	struct http1_span name;
	struct http1_span value; /* without white space around it; may be empty */
};

enum http1_body {
	HTTP1_BODY_NONE = 0,
	HTTP1_BODY_LENGTH,
	HTTP1_BODY_CHUNKED,
	HTTP1_BODY_CLOSE /* answers only: until the connection closes */
};

struct http1 {
	/* Set by init; the caller may change them before the first byte. */
	bool response;
	bool no_body;        /* answer to a HEAD */
	uint32_t target_max; /* bytes */
	uint32_t head_max;   /* bytes */

	/* Result; whole only after HTTP1_OK, what has been passed until then otherwise. */
	struct http1_span method; /* requests */
	struct http1_span target;
	struct http1_span reason; /* answers; may be empty */
	uint16_t status;          /* 100..999 */
	uint8_t minor;            /* 0 or 1 */
	bool keep_alive;          /* the connection may go on after this message */
	bool expect_continue;
	enum http1_body body;
	int64_t length;    /* HTTP1_BODY_LENGTH: bytes; otherwise what Content-Length said or -1 */
	uint32_t head_len; /* bytes of the head with its empty line: here the body begins */
	uint32_t n_headers;
	struct http1_header headers[HTTP1_HEADERS_MAX];

	/* The parser's own. */
	enum http1_result result;
	uint32_t pos; /* bytes consumed; after an error the offset of the offending byte */
	uint32_t mark;
	uint8_t state;
	uint8_t hosts;
	bool chunked;
	bool close;
	bool stay;
};

/* Ready for a request or an answer, with the default bounds. */
void http1_init(struct http1 *, bool response);

/*
 * Parses data[0..len); from the second call on data must begin with the same bytes and len not
 * shrink. HTTP1_MORE: call again with more. Any other result stays. Bytes behind the head are not
 * looked at.
 */
enum http1_result http1_parse(struct http1 *, const char *data, size_t len);

/* The first header of this name (any case), or NULL. */
const struct http1_header *http1_find(const struct http1 *, const char *data, const char *name);
/* True if the span's bytes are this text, without regard to case. */
bool http1_span_is(const char *data, struct http1_span s, const char *text);

/*
 * Reads a body: to skip, count or collect. One call takes bytes up to the end of one run of
 * content; *used is how many were taken, *content the run (offsets in this call's data, perhaps
 * empty). Returns HTTP1_OK at the body's end (*used bytes belonged to it), HTTP1_MORE (call again
 * with the rest, if any), or a reason. http1_body_eof: the connection was closed: OK or HTTP1_CUT.
 */
struct http1_reader {
	enum http1_body body;
	enum http1_result result;
	int64_t left;   /* bytes of the body or of the chunk */
	int64_t total;  /* bytes of content so far */
	uint32_t extra; /* bytes of extensions and trailers */
	uint8_t state;
	uint8_t digits;
};

void http1_body_init(struct http1_reader *, const struct http1 *);
enum http1_result http1_body_read(
    struct http1_reader *, const char *data, size_t len, size_t *used, struct http1_span *content);
enum http1_result http1_body_eof(const struct http1_reader *);

struct http1_answer {
	int status;
	uint8_t minor; /* that of the request */
	bool keep_alive;
	bool head;                /* answer to HEAD: the length is said, the body not sent */
	const char *content_type; /* NULL: none */
	const char *extra;        /* further lines, each with CRLF; NULL: none */
	const void *body;
	size_t len;
};

/* Appends an answer. Returns as buf_append. */
int http1_write_answer(struct buf *, const struct http1_answer *);
/* "OK", "Not Found"; "Unknown" for statuses that are not listed. */
const char *http1_status_text(int status);

#endif
