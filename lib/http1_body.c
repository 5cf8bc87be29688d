/* SPDX-License-Identifier: ISC */
/* Bodies (RFC 9112 section 7.1 for chunks) and answers. Declared in http1.h. */
#include <string.h>

#include "lib/http1.h"

#define EXTRA_MAX  8192 /* bytes of chunk extensions and trailers in one body */
#define DIGITS_MAX 15   /* of a chunk's size, so that it fits int64_t */

enum state {
	C_SIZE = 0,
	C_EXT,
	C_SIZE_LF,
	C_DATA,
	C_DATA_CR,
	C_DATA_LF,
	C_TRAILER, /* first byte of a line */
	C_TRAILER_LINE,
	C_TRAILER_LF,
	C_END_LF
};

void
http1_body_init(struct http1_reader *r, const struct http1 *m)
{
	*r = (struct http1_reader){.body = m->body, .result = HTTP1_MORE};
	if (m->body == HTTP1_BODY_LENGTH)
		r->left = m->length;
	if (m->body == HTTP1_BODY_NONE || (m->body == HTTP1_BODY_LENGTH && r->left == 0))
		r->result = HTTP1_OK;
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http1_result
size_byte(struct http1_reader *r, unsigned char c)
{
	int v = hex_value(c);

	if (v >= 0) {
		if (r->digits++ >= DIGITS_MAX)
			return HTTP1_BAD_CHUNK;
		r->left = r->left * 16 + v;
		return HTTP1_MORE;
	}
	if (r->digits == 0 || (c != ';' && c != '\r'))
		return HTTP1_BAD_CHUNK;
	r->digits = 0;
	r->state = c == ';' ? C_EXT : C_SIZE_LF;
	return HTTP1_MORE;
}

/* A byte of an extension or a trailer: not kept, but bounded and free of control characters. */
static enum http1_result
extra_byte(struct http1_reader *r, unsigned char c, enum state at_cr)
{
	if (c == '\r') {
		r->state = (uint8_t)at_cr;
		return HTTP1_MORE;
	}
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return HTTP1_BAD_CHUNK;
	return ++r->extra > EXTRA_MAX ? HTTP1_BIG_TRAILER : HTTP1_MORE;
}

static enum http1_result
expect(struct http1_reader *r, unsigned char c, unsigned char want, enum state then)
{
	r->state = (uint8_t)then;
	return c == want ? HTTP1_MORE : HTTP1_BAD_CHUNK;
}

static enum http1_result
chunk_byte(struct http1_reader *r, unsigned char c)
{
	switch ((enum state)r->state) {
	case C_SIZE:
		return size_byte(r, c);
	case C_EXT:
		return extra_byte(r, c, C_SIZE_LF);
	case C_SIZE_LF:
		return expect(r, c, '\n', r->left > 0 ? C_DATA : C_TRAILER);
	case C_DATA_CR:
		return expect(r, c, '\r', C_DATA_LF);
	case C_DATA_LF:
		return expect(r, c, '\n', C_SIZE);
	case C_TRAILER:
		r->state = C_TRAILER_LINE;
		if (c == ' ' || c == '\t' || c == ':')
			return HTTP1_BAD_CHUNK;
		return extra_byte(r, c, C_END_LF);
	case C_TRAILER_LINE:
		return extra_byte(r, c, C_TRAILER_LF);
	case C_TRAILER_LF:
		return expect(r, c, '\n', C_TRAILER);
	case C_DATA: /* taken by content_take */
	case C_END_LF:
		break;
	}
	return c == '\n' ? HTTP1_OK : HTTP1_BAD_CHUNK;
}

/* A run of content out of data from *used on. */
static void
content_take(struct http1_reader *r, size_t len, size_t *used, struct http1_span *content)
{
	size_t n = len - *used;

	if (r->body != HTTP1_BODY_CLOSE && (uint64_t)r->left < n)
		n = (size_t)r->left;
	if (n > UINT32_MAX / 2)
		n = UINT32_MAX / 2;
	*content = (struct http1_span){(uint32_t)*used, (uint32_t)n};
	*used += n;
	r->total += (int64_t)n;
	if (r->body == HTTP1_BODY_CLOSE)
		return;
	r->left -= (int64_t)n;
	if (r->left > 0)
		return;
	if (r->body == HTTP1_BODY_LENGTH)
		r->result = HTTP1_OK;
	else
		r->state = C_DATA_CR;
}

enum http1_result
http1_body_read(
    struct http1_reader *r, const char *data, size_t len, size_t *used, struct http1_span *content)
{
	*used = 0;
	*content = (struct http1_span){0, 0};
	while (r->result == HTTP1_MORE && *used < len) {
		if (r->body != HTTP1_BODY_CHUNKED || r->state == C_DATA) {
			content_take(r, len, used, content);
			/* The end of the last chunk's framing comes with the next call. */
			break;
		}
		r->result = chunk_byte(r, (unsigned char)data[(*used)++]);
	}
	return r->result;
}

enum http1_result
http1_body_eof(const struct http1_reader *r)
{
	if (r->result == HTTP1_MORE)
		return r->body == HTTP1_BODY_CLOSE ? HTTP1_OK : HTTP1_CUT;
	return r->result;
}

static const struct {
	int status;
	const char *text;
} statuses[] = {
    {100, "Continue"},
    {200, "OK"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *
http1_status_text(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Unknown";
}

int
http1_write_answer(struct buf *b, const struct http1_answer *a)
{
	bool length = a->status >= 200 && a->status != 204 && a->status != 304;

	buf_printf(b, "HTTP/1.%u %d %s\r\n", a->minor != 0 ? 1u : 0u, a->status,
	    http1_status_text(a->status));
	if (a->content_type != NULL)
		buf_printf(b, "Content-Type: %s\r\n", a->content_type);
	if (length)
		buf_printf(b, "Content-Length: %zu\r\n", a->len);
	if (!a->keep_alive)
		buf_puts(b, "Connection: close\r\n");
	else if (a->minor == 0)
		buf_puts(b, "Connection: keep-alive\r\n");
	if (a->extra != NULL)
		buf_puts(b, a->extra);
	buf_puts(b, "\r\n");
	if (length && !a->head)
		buf_append(b, a->body, a->len);
	return b->failed ? -1 : 0;
}
