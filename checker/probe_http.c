/* SPDX-License-Identifier: ISC */
/* HTTP of a probe: one request, the head of the answer, its status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/probe_part.h"
#include "lib/http1.h"

#define HEAD_MAX    8192
#define INTERIM_MAX 10 /* a server that sends them without end would keep all others waiting */

struct probe_head {
	struct http1 h;
	size_t len;
	unsigned interim;
	char buf[HEAD_MAX];
};

static void
send_step(struct probe *p)
{
	const struct probe_spec *spec = p->spec;

	while (p->sent < spec->request_len) {
		ssize_t n = probe_write(p, spec->request + p->sent, spec->request_len - p->sent);

		if (n == PROBE_AGAIN)
			return;
		if (n < 0) {
			if (probe_own_error(errno)) {
				probe_finish_own(p, errno);
				return;
			}
			/* The answer may be there already; reading says what happened. */
			break;
		}
		p->sent += (size_t)n;
	}
	p->phase = PROBE_HEAD;
}

static bool
expected(const struct conf_check *c, unsigned status)
{
	for (size_t i = 0; i < c->n_status; i++)
		if (status >= c->status[i].from && status <= c->status[i].to)
			return true;
	return false;
}

static void
answer(struct probe *p)
{
	const struct http1 *h = &p->head->h;
	bool passed = expected(p->spec->check, h->status);
	char reason[PROBE_DESC];

	/* HAProxy tells the reason phrase of a failure only. */
	snprintf(reason, sizeof(reason), "%.*s", passed ? 0 : (int)h->reason.len,
	    p->head->buf + h->reason.off);
	probe_finish_linger(p, passed ? CHECK_L7OK : CHECK_L7STS, h->status, reason);
}

/* Throws an interim answer (1xx) away. */
static void
next_answer(struct probe_head *b, bool no_body)
{
	size_t used = b->h.head_len;

	memmove(b->buf, b->buf + used, b->len - used);
	b->len -= used;
	http1_init(&b->h, true);
	b->h.head_max = HEAD_MAX;
	b->h.no_body = no_body;
}

static void
parse(struct probe *p)
{
	struct probe_head *b = p->head;

	for (;;) {
		enum http1_result r = http1_parse(&b->h, b->buf, b->len);

		if (r == HTTP1_MORE)
			return;
		if (r != HTTP1_OK) {
			probe_finish(p, CHECK_L7RSP, 0, http1_result_text(r));
			return;
		}
		if (b->h.status >= 200 || b->h.status == 101) {
			answer(p);
			return;
		}
		if (b->interim++ == INTERIM_MAX) {
			probe_finish(p, CHECK_L7RSP, 0, "too many interim answers");
			return;
		}
		next_answer(b, b->h.no_body);
	}
}

static void
head_step(struct probe *p)
{
	while (p->phase == PROBE_HEAD) {
		struct probe_head *b = p->head;
		ssize_t n = probe_read(p, b->buf + b->len, sizeof(b->buf) - b->len);

		if (n == PROBE_AGAIN)
			return;
		if (n < 0 && probe_own_error(errno)) {
			probe_finish_own(p, errno);
			return;
		}
		if (n <= 0) {
			probe_finish(p, CHECK_L7RSP, 0,
			    n == 0 || errno == 0 ? "connection closed before the answer"
						 : strerror(errno));
			return;
		}
		b->len += (size_t)n;
		parse(p);
		if (p->phase == PROBE_HEAD && b->len == sizeof(b->buf)) {
			probe_finish(p, CHECK_L7RSP, 0, "headers too big");
			return;
		}
	}
}

void
probe_http_step(struct probe *p)
{
	if (p->head == NULL) {
		p->head = malloc(sizeof(*p->head));
		if (p->head == NULL) {
			probe_finish_own(p, ENOMEM);
			return;
		}
		p->head->len = 0;
		p->head->interim = 0;
		http1_init(&p->head->h, true);
		p->head->h.head_max = HEAD_MAX;
		p->head->h.no_body = strcmp(p->spec->check->method, "HEAD") == 0;
	}
	errno = 0;
	if (p->phase == PROBE_SEND)
		send_step(p);
	if (p->phase == PROBE_HEAD)
		head_step(p);
}
