/* SPDX-License-Identifier: ISC */
/* The PROXY protocol in a worker. */
#include "worker/proxy.h"

#include <errno.h>

#include "lib/log.h"
#include "lib/ratelimit.h"
#include "shm/sessrec.h"
#include "shm/step.h"
#include "worker/admit.h"
#include "worker/capture.h"
#include "worker/connect.h"
#include "worker/count.h"
#include "worker/inspect.h"
#include "worker/record.h"

/* ---- to a server -------------------------------------------------------------------------------
 */

size_t
proxy_header(struct session *s, char *buf)
{
	struct sock_addr src, dst;

	/* On a wildcard address it is not yet known whom the client called. */
	if (s->rec->local.family == 0 && s->rec->client.family != AF_UNIX) {
		sessrec_begin(s->rec);
		record_ask_end(&s->rec->local, s->c.fd);
		sessrec_end(s->rec);
	}
	record_get_end(&s->rec->client, &src);
	record_get_end(&s->rec->local, &dst);
	if (s->srv->conf->send_proxy_v2)
		return proxyproto_build_v2(buf, &src, &dst);
	return proxyproto_build_v1(buf, &src, &dst);
}

/* ---- from a client ----------------------------------------------------------------------------
 */

bool
proxy_wanted(const struct conf_bind *b, const struct sock_addr *peer)
{
	if (b == NULL || !b->accept_proxy)
		return false;
	for (size_t i = 0; i < b->n_proxies; i++)
		if (sock_net_contains(&b->proxies[i], peer))
			return true;
	return b->n_proxies == 0;
}

static void
say_bad(
    struct worker *w, const struct gen_frontend *fe, int fd, enum proxyproto_result r, size_t len)
{
	static struct ratelimit limit = RATELIMIT_INIT(5, 10000);
	struct sock_addr peer = {.len = sizeof(peer.un)};
	char text[SOCK_ADDR_TEXT];
	uint32_t held;

	sw64_add(&count_fe(w, fe)->req_err, 1);
	capture(w, fe, fd, proxyproto_result_text(r), w->buf, len);
	if (!ratelimit_step(&limit, loop_now(w->loop), &held))
		return;
	if (getpeername(fd, &peer.sa, &peer.len) == -1)
		peer.family = AF_UNSPEC;
	log_notice("frontend %s: %s from %s: refused (%u more held back)", fe->conf->name,
	    proxyproto_result_text(r), sock_addr_format_host(&peer, text, sizeof(text)), held);
}

enum proxyproto_result
proxy_take(
    struct worker *w, const struct gen_frontend *fe, int fd, struct proxyproto *out, bool *ended)
{
	ssize_t n = recv(fd, w->buf, PROXYPROTO_MOST, MSG_PEEK);
	enum proxyproto_result r;

	*ended = n == 0 || (n == -1 && errno != EAGAIN);
	if (n <= 0)
		return PROXYPROTO_MORE;
	r = proxyproto_parse(w->buf, (size_t)n, out);
	if (r == PROXYPROTO_OK && recv(fd, w->buf, out->len, 0) != (ssize_t)out->len)
		*ended = true; /* cannot be: it was there */
	else if (r != PROXYPROTO_OK && r != PROXYPROTO_MORE)
		say_bad(w, fe, fd, r, (size_t)n);
	return *ended ? PROXYPROTO_MORE : r;
}

static void
use_addresses(struct session *s, const struct proxyproto *h)
{
	if (!h->known)
		return;
	s->flags |= SESSION_PROXIED;
	sessrec_begin(s->rec);
	record_set_end(&s->rec->client, &h->src);
	record_set_end(&s->rec->local, &h->dst);
	sessrec_end(s->rec);
}

/* The header has come. */
static void
go_on(struct session *s, const struct proxyproto *h)
{
	struct sock_addr client;

	sw32_set(&s->rec->handshake_ms,
	    (uint32_t)mono_diff_ms(loop_now(s->w->loop), (struct mono){s->rec->accept_ns}));
	use_addresses(s, h);
	record_get_end(&s->rec->client, &client);
	if (!admit_access(s->fe, &client)) {
		step_add(s->w->own, &count_fe(s->w, s->fe)->denied, 1); /* with its end */
		session_end(s, 'P', SESSION_RESET_C);
		return;
	}
	if (!admit_source(s->w, s->fe, &client, &s->source)) {
		session_end(s, 'P', SESSION_RESET_C);
		return;
	}
	loop_timer_del(s->w->loop, &s->timer);
	if (s->fe->n_rules != 0)
		inspect_start(s);
	else
		connect_start(s);
}

/* False: not all there yet. */
static bool
look(struct session *s)
{
	struct proxyproto h;
	bool ended;

	switch (proxy_take(s->w, s->fe, s->c.fd, &h, &ended)) {
	case PROXYPROTO_OK:
		go_on(s, &h);
		return true;
	case PROXYPROTO_MORE:
		if (!ended)
			return false;
		session_end(s, 'C', SESSION_CLOSE);
		return true;
	default:
		session_end(s, 'P', SESSION_RESET_C);
		return true;
	}
}

void
proxy_expect(struct session *s)
{
	session_phase(s, SHM_PH_REQUEST);
	if (look(s))
		return;
	if (session_register(s) == -1) {
		worker_exhausted(s->w, "epoll", errno);
		session_end(s, 'R', SESSION_RESET);
		return;
	}
	loop_timer_set(s->w->loop, &s->timer,
	    mono_add_ms(loop_now(s->w->loop), s->fe->conf->timeout_client_hs_ms));
}

void
proxy_event(struct session *s)
{
	if (!look(s) && (s->c.flags & (SIDE_HUP | SIDE_ERR)))
		session_end(s, 'C', SESSION_CLOSE);
}
