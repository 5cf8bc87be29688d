/* SPDX-License-Identifier: ISC */
/* Content rules at work. */
#include "shm/step.h"
#include "worker/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/connect.h"
#include "worker/count.h"
#include "worker/record.h"
#include "worker/rules.h"

/* Ends it here: what was seen of the client was received, though nobody gets it. */
static void
end(struct session *s, size_t seen, char who, enum session_close how)
{
	sw64_add(&s->rec->bytes_in, seen);
	sw64_add(&count_fe(s->w, s->fe)->bytes_in, seen);
	session_end(s, who, how);
}

static void
go_on(struct session *s, struct gen_backend *be)
{
	s->flags &= (uint16_t)~SESSION_INSPECT;
	loop_timer_del(s->w->loop, &s->timer);
	session_backend(s, be);
	connect_start(s);
}

/* False: bytes are missing. Otherwise the session has gone its way. */
static bool
decide(struct session *s, const struct rules_facts *f)
{
	const struct gen_rule *rule;

	switch (rules_decide(s->fe->rules, s->fe->n_rules, f, &rule)) {
	case RULES_WAIT:
		return false;
	case RULES_REJECT:
		step_add(s->w->own, &count_fe(s->w, s->fe)->denied_req, 1); /* with its end */
		end(s, f->len, 'P', SESSION_RESET_C);
		break;
	case RULES_USE:
		s->flags |= SESSION_RULED;
		go_on(s, rule->be);
		break;
	case RULES_PASS:
		go_on(s, s->fe->be);
		break;
	}
	return true;
}

/* Takes what is there and holds it behind what came before. *data: all of it. Returns its length;
 * 0: the client has ended its side and nothing was held, -1 with errno. */
static ssize_t
take(struct session *s, const uint8_t **data)
{
	size_t had = s->c.held != NULL ? s->c.held->len : 0;
	struct relay_held *h;
	ssize_t n = recv(s->c.fd, s->w->buf, TLSHELLO_MOST - had, 0);

	if (n == -1 && had > 0 && errno == EAGAIN)
		n = 0;
	if (n == -1 || (n == 0 && had == 0))
		return n;
	h = realloc(s->c.held, sizeof(*h) + had + (size_t)n);
	if (h == NULL)
		return -1;
	memcpy(h->data + had, s->w->buf, (size_t)n);
	h->off = 0;
	h->len = (uint32_t)(had + (size_t)n);
	h->uncounted = true;
	s->c.held = h;
	*data = (const uint8_t *)h->data;
	return (ssize_t)h->len;
}

/* The client's first bytes as far as they have come. Most often a peek, at every piece: each one is
 * an edge, whether or not the one before was taken. */
static ssize_t
first_bytes(struct session *s, const uint8_t **data)
{
	if (s->flags & SESSION_TAKE)
		return take(s, data);
	*data = (const uint8_t *)s->w->buf;
	return recv(s->c.fd, s->w->buf, TLSHELLO_MOST, MSG_PEEK);
}

/* UNIX sockets stop who writes a few dozen pieces that nobody takes, however small. */
static bool
must_take(const struct session *s)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	return getsockopt(s->c.fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* Looks at what is there. complete: the last time. */
static bool
look(struct session *s, bool complete)
{
	static struct tlshello hello;
	struct sock_addr client;
	struct rules_facts f = {.client = &client, .hello = &hello};
	ssize_t n = first_bytes(s, &f.data);

	if (n == -1 && errno == ENOMEM) {
		worker_exhausted(s->w, "memory", ENOMEM);
		end(s, 0, 'R', SESSION_RESET_C);
		return true;
	}
	if ((n == -1 && errno != EAGAIN) || (s->c.flags & SIDE_ERR)) {
		end(s, n > 0 ? (size_t)n : 0, 'C', SESSION_CLOSE);
		return true;
	}
	f.len = n > 0 ? (size_t)n : 0;
	/* Who has ended its side may still want to hear the server. */
	f.complete = complete || n == 0 || f.len == TLSHELLO_MOST || (s->c.flags & SIDE_HUP);
	if (s->fe->wants_hello)
		f.tls = tlshello_parse(f.data, f.len, &hello);
	record_get_end(&s->rec->client, &client);
	return decide(s, &f);
}

/* Decides what needs no bytes without a look. */
static bool
by_source(struct session *s)
{
	struct sock_addr client;
	struct rules_facts f = {.client = &client};

	record_get_end(&s->rec->client, &client);
	return decide(s, &f);
}

void
inspect_start(struct session *s)
{
	const struct conf_frontend *fe = s->fe->conf;
	int64_t limit = fe->inspect_delay_ms;

	session_phase(s, SHM_PH_REQUEST);
	s->flags |= SESSION_INSPECT;
	if (by_source(s) || look(s, false))
		return;
	if (must_take(s))
		s->flags |= SESSION_TAKE;
	if (session_register(s) == -1) {
		worker_exhausted(s->w, "epoll", errno);
		session_end(s, 'R', SESSION_RESET);
		return;
	}
	if (fe->timeout_client_ms > 0 && fe->timeout_client_ms < limit)
		limit = fe->timeout_client_ms;
	loop_timer_set(s->w->loop, &s->timer, mono_add_ms(loop_now(s->w->loop), limit));
}

void
inspect_event(struct session *s)
{
	look(s, false);
}

void
inspect_timer(struct session *s)
{
	const struct conf_frontend *fe = s->fe->conf;

	if (fe->timeout_client_ms > 0 && fe->timeout_client_ms < fe->inspect_delay_ms)
		session_end(s, 'c', SESSION_CLOSE);
	else
		look(s, true);
}
