/* SPDX-License-Identifier: ISC */
/*
 * The head is a state machine that looks at each byte once. What a header means for framing and
 * connection is decided when its line ends, what depends on all of them at the empty line.
 */
#include "lib/http1.h"

#include <string.h>
#include <strings.h>

enum state {
	S_START = 0,
	S_START_LF,
	S_METHOD,
	S_TARGET,
	S_VERSION,
	S_VERSION_END,
	S_STATUS,
	S_STATUS_END,
	S_REASON,
	S_LINE_LF,
	S_LINE,
	S_NAME,
	S_SPACE,
	S_VALUE,
	S_VALUE_LF,
	S_END_LF
};

static const struct {
	int status;
	const char *text;
} results[] = {
#define X(name, status, text) {status, text},
    HTTP1_RESULTS(X)
#undef X
};

int
http1_result_status(enum http1_result r)
{
	return results[r].status;
}

const char *
http1_result_text(enum http1_result r)
{
	return results[r].text;
}

void
http1_init(struct http1 *m, bool response)
{
	memset(m, 0, sizeof(*m));
	m->response = response;
	m->target_max = HTTP1_TARGET_MAX;
	m->head_max = HTTP1_HEAD_MAX;
	m->length = -1;
	m->result = HTTP1_MORE;
}

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* RFC 9110 5.6.2 */
static bool
is_token(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Field content: visible, obs-text, space, tab. */
static bool
is_text(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\t';
}

bool
http1_span_is(const char *data, struct http1_span s, const char *text)
{
	return strlen(text) == s.len && strncasecmp(data + s.off, text, s.len) == 0;
}

const struct http1_header *
http1_find(const struct http1 *m, const char *data, const char *name)
{
	for (uint32_t i = 0; i < m->n_headers; i++)
		if (http1_span_is(data, m->headers[i].name, name))
			return &m->headers[i];
	return NULL;
}

/* Splits a list at its commas: the next element in *item, *s becomes the rest. False at the end. */
static bool
list_next(const char *data, struct http1_span *s, struct http1_span *item)
{
	uint32_t end = s->off + s->len, i = s->off;

	if (s->len == 0)
		return false;
	while (i < end && data[i] != ',')
		i++;
	item->off = s->off;
	item->len = i - s->off;
	s->off = i < end ? i + 1 : end;
	s->len = end - s->off;
	while (item->len > 0 && is_space((unsigned char)data[item->off])) {
		item->off++;
		item->len--;
	}
	while (item->len > 0 && is_space((unsigned char)data[item->off + item->len - 1]))
		item->len--;
	return true;
}

static enum http1_result
apply_length(struct http1 *m, const char *data, struct http1_span v)
{
	int64_t n = 0;

	if (v.len == 0)
		return HTTP1_BAD_LENGTH;
	for (uint32_t i = 0; i < v.len; i++) {
		int digit = data[v.off + i] - '0';

		if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
			return HTTP1_BAD_LENGTH;
		n = n * 10 + digit;
	}
	if (m->length != -1 && m->length != n)
		return HTTP1_LENGTHS_DIFFER;
	m->length = n;
	return HTTP1_MORE;
}

static enum http1_result
apply_coding(struct http1 *m, const char *data, struct http1_span v)
{
	if (m->chunked || m->minor == 0 || v.len == 0)
		return HTTP1_BAD_CODING;
	if (!http1_span_is(data, v, "chunked"))
		return HTTP1_OTHER_CODING;
	m->chunked = true;
	return HTTP1_MORE;
}

static enum http1_result
apply_host(struct http1 *m, const char *data, struct http1_span v)
{
	if (m->response)
		return HTTP1_MORE;
	if (m->hosts++ > 0)
		return HTTP1_MANY_HOSTS;
	for (uint32_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)data[v.off + i];

		if (!is_alnum(c) && (c == '\0' || strchr("-._~%!$&'()*+;=[]:", c) == NULL))
			return HTTP1_BAD_HOST;
	}
	return HTTP1_MORE;
}

static enum http1_result
apply_header(struct http1 *m, const char *data, const struct http1_header *h)
{
	struct http1_span rest = h->value, item;

	if (http1_span_is(data, h->name, "content-length"))
		return apply_length(m, data, h->value);
	if (http1_span_is(data, h->name, "transfer-encoding"))
		return apply_coding(m, data, h->value);
	if (http1_span_is(data, h->name, "host"))
		return apply_host(m, data, h->value);
	if (http1_span_is(data, h->name, "connection"))
		while (list_next(data, &rest, &item)) {
			m->close = m->close || http1_span_is(data, item, "close");
			m->stay = m->stay || http1_span_is(data, item, "keep-alive");
		}
	if (http1_span_is(data, h->name, "expect") && !m->response && m->minor == 1) {
		if (!http1_span_is(data, h->value, "100-continue"))
			return HTTP1_BAD_EXPECT;
		m->expect_continue = true;
	}
	return HTTP1_MORE;
}

/* The empty line: framing by RFC 9112 6.3. */
static enum http1_result
finish(struct http1 *m)
{
	if (m->chunked && m->length != -1)
		return HTTP1_BOTH_LENGTHS;
	if (!m->response && m->minor == 1 && m->hosts == 0)
		return HTTP1_NO_HOST;
	m->keep_alive = !m->close && (m->minor == 1 || m->stay);
	if (m->response &&
	    (m->no_body || m->status < 200 || m->status == 204 || m->status == 304)) {
		m->body = HTTP1_BODY_NONE;
	} else if (m->chunked) {
		m->body = HTTP1_BODY_CHUNKED;
	} else if (m->length != -1) {
		m->body = HTTP1_BODY_LENGTH;
	} else if (m->response) {
		m->body = HTTP1_BODY_CLOSE;
		m->keep_alive = false;
	}
	m->head_len = m->pos + 1;
	return HTTP1_OK;
}

/* Origin form, "*", absolute form; authority form for CONNECT only. */
static bool
target_is_good(const struct http1 *m, const char *data)
{
	const char *t = data + m->target.off;

	if (m->target.len == 0)
		return false;
	if (t[0] == '/')
		return true;
	if (http1_span_is(data, m->method, "CONNECT"))
		return is_alnum((unsigned char)t[0]) || t[0] == '[';
	if (t[0] == '*')
		return m->target.len == 1;
	return is_alnum((unsigned char)t[0]) && memmem(t, m->target.len, "://", 3) != NULL;
}

static void
go(struct http1 *m, enum state state)
{
	m->state = (uint8_t)state;
	m->mark = m->pos + 1; /* where the next element begins */
}

/* "HTTP/1.0" or "HTTP/1.1"; another digit is another version, anything else none. */
static enum http1_result
version_byte(struct http1 *m, const char *data, unsigned char c)
{
	uint32_t at = m->pos - m->mark;
	static const char form[] = "HTTP/1.1";

	if (at == 5 || at == 7) {
		if (c < '0' || c > '9')
			return HTTP1_BAD_VERSION;
	} else if (c != (unsigned char)form[at]) {
		return HTTP1_BAD_VERSION;
	}
	if (at < 7)
		return HTTP1_MORE;
	if (data[m->mark + 5] != '1' || c > '1')
		return HTTP1_OTHER_VERSION;
	m->minor = c == '1';
	go(m, S_VERSION_END);
	return HTTP1_MORE;
}

static enum http1_result
request_line_byte(struct http1 *m, const char *data, unsigned char c)
{
	uint32_t len = m->pos - m->mark;

	switch ((enum state)m->state) {
	case S_METHOD:
		if (c == ' ' && len > 0) {
			m->method = (struct http1_span){m->mark, len};
			go(m, S_TARGET);
		} else if (!is_token(c) || len >= HTTP1_METHOD_MAX) {
			return HTTP1_BAD_METHOD;
		}
		return HTTP1_MORE;
	case S_TARGET:
		if (c == ' ') {
			m->target = (struct http1_span){m->mark, len};
			if (!target_is_good(m, data))
				return HTTP1_BAD_TARGET;
			go(m, S_VERSION);
		} else if (c == '\r' && len > 0) {
			return HTTP1_BAD_VERSION; /* HTTP/0.9 */
		} else if (c <= 0x20 || c >= 0x7f || c == '#') {
			return HTTP1_BAD_TARGET;
		} else if (len >= m->target_max) {
			return HTTP1_LONG_TARGET;
		}
		return HTTP1_MORE;
	default: /* S_VERSION_END */
		if (c != '\r')
			return c == '\n' ? HTTP1_BARE_LF : HTTP1_BAD_VERSION;
		go(m, S_LINE_LF);
		return HTTP1_MORE;
	}
}

static enum http1_result
status_line_byte(struct http1 *m, unsigned char c)
{
	uint32_t len = m->pos - m->mark;

	switch ((enum state)m->state) {
	case S_VERSION_END:
		if (c != ' ')
			return HTTP1_BAD_STATUS;
		go(m, S_STATUS);
		return HTTP1_MORE;
	case S_STATUS:
		if (c < '0' || c > '9' || (len == 0 && c == '0'))
			return HTTP1_BAD_STATUS;
		m->status = (uint16_t)(m->status * 10 + (c - '0'));
		if (len == 2)
			go(m, S_STATUS_END);
		return HTTP1_MORE;
	case S_STATUS_END: /* many servers leave out the space before an empty reason */
		if (c != ' ' && c != '\r')
			return c == '\n' ? HTTP1_BARE_LF : HTTP1_BAD_STATUS;
		go(m, c == ' ' ? S_REASON : S_LINE_LF);
		return HTTP1_MORE;
	default: /* S_REASON */
		if (c == '\r') {
			m->reason = (struct http1_span){m->mark, len};
			go(m, S_LINE_LF);
		} else if (!is_text(c)) {
			return c == '\n' ? HTTP1_BARE_LF : HTTP1_BAD_STATUS;
		}
		return HTTP1_MORE;
	}
}

/* The first byte of a line behind the first. */
static enum http1_result
line_begin(struct http1 *m, unsigned char c)
{
	if (c == '\r') {
		m->state = S_END_LF;
		return HTTP1_MORE;
	}
	if (is_space(c))
		return HTTP1_FOLDED;
	if (!is_token(c))
		return c == '\n' ? HTTP1_BARE_LF : HTTP1_BAD_NAME;
	if (m->n_headers == HTTP1_HEADERS_MAX)
		return HTTP1_MANY_HEADERS;
	m->mark = m->pos;
	m->state = S_NAME;
	return HTTP1_MORE;
}

static void
value_end(struct http1 *m, const char *data)
{
	struct http1_span *v = &m->headers[m->n_headers].value;

	v->off = m->mark;
	v->len = m->pos - m->mark;
	while (v->len > 0 && is_space((unsigned char)data[v->off + v->len - 1]))
		v->len--;
	m->state = S_VALUE_LF;
}

static enum http1_result
header_byte(struct http1 *m, const char *data, unsigned char c)
{
	switch ((enum state)m->state) {
	case S_LINE:
		return line_begin(m, c);
	case S_NAME:
		if (c == ':') {
			m->headers[m->n_headers].name =
			    (struct http1_span){m->mark, m->pos - m->mark};
			go(m, S_SPACE);
		} else if (!is_token(c)) {
			return is_space(c) ? HTTP1_SPACE_COLON : HTTP1_BAD_NAME;
		}
		return HTTP1_MORE;
	case S_SPACE:
		if (is_space(c))
			return HTTP1_MORE;
		m->mark = m->pos;
		m->state = S_VALUE;
		/* fallthrough */
	case S_VALUE:
		if (c == '\r')
			value_end(m, data);
		else if (!is_text(c))
			return c == '\n' ? HTTP1_BARE_LF : HTTP1_BAD_VALUE;
		return HTTP1_MORE;
	case S_VALUE_LF:
		if (c != '\n')
			return HTTP1_BARE_CR;
		m->state = S_LINE;
		return apply_header(m, data, &m->headers[m->n_headers++]);
	default: /* S_END_LF */
		return c == '\n' ? finish(m) : HTTP1_BARE_CR;
	}
}

static enum http1_result
byte(struct http1 *m, const char *data, unsigned char c)
{
	switch ((enum state)m->state) {
	case S_START: /* one empty line before a request is let pass (RFC 9112 2.2) */
		if (c == '\r' && !m->response && m->pos == 0) {
			m->state = S_START_LF;
			return HTTP1_MORE;
		}
		m->mark = m->pos;
		m->state = m->response ? S_VERSION : S_METHOD;
		return byte(m, data, c);
	case S_START_LF:
		m->state = S_START;
		return c == '\n' ? HTTP1_MORE : HTTP1_BARE_CR;
	case S_VERSION:
		return version_byte(m, data, c);
	case S_LINE_LF:
		m->state = S_LINE;
		return c == '\n' ? HTTP1_MORE : HTTP1_BARE_CR;
	case S_METHOD:
	case S_TARGET:
	case S_VERSION_END:
	case S_STATUS:
	case S_STATUS_END:
	case S_REASON:
		return m->response ? status_line_byte(m, c) : request_line_byte(m, data, c);
	default:
		return header_byte(m, data, c);
	}
}

enum http1_result
http1_parse(struct http1 *m, const char *data, size_t len)
{
	while (m->result == HTTP1_MORE && m->pos < len) {
		if (m->pos >= m->head_max)
			m->result = HTTP1_BIG_HEAD;
		else
			m->result = byte(m, data, (unsigned char)data[m->pos]);
		if (m->result == HTTP1_MORE || m->result == HTTP1_OK)
			m->pos++;
	}
	return m->result;
}
