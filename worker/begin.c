/* SPDX-License-Identifier: ISC */
/* One attempt to connect to a session's server. Runs in a worker. */
#include "worker/begin.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/outgoing.h"
#include "lib/ratelimit.h"
#include "shm/sessrec.h"
#include "shm/target.h"
#include "worker/count.h"
#include "worker/record.h"
#include "worker/relay.h"

#define PORTS_APART 9973 /* between where workers begin in a range of ports */
#define PROBE_REST  1000 /* connects */

/* A non-blocking connect says EINPROGRESS also when it has completed by the time it returns, as it
 * does towards this host's own addresses. Sending n bytes that the client has said tells, or a
 * second call, and spares the wake-up (a refusal is known at once too). */
static enum begun
ask(struct session *s, const struct sock_addr *to, size_t n)
{
	if (n == 0) {
		if (connect(s->s.fd, &to->sa, to->len) == 0)
			return BEGUN_CONNECTED;
		return errno == EINPROGRESS || errno == EALREADY ? BEGUN_WAITS : BEGUN_FAILED;
	}
	switch (relay_early_send(s, n)) {
	case EARLY_CONNECTED:
		return BEGUN_CONNECTED;
	case EARLY_WAITS:
		return BEGUN_WAITS;
	case EARLY_NO_MEMORY:
		return BEGUN_NO_MEMORY;
	default:
		return BEGUN_FAILED;
	}
}

/* An address, a port or an interface that the server's settings want and this host lacks. */
static void
say_no_place(const struct session *s, int err)
{
	static struct ratelimit limit = RATELIMIT_INIT(1, 10000);
	const struct outgoing *from = &s->srv->conf->from;
	char text[SOCK_ADDR_TEXT];
	uint32_t held;

	if (!ratelimit_step(&limit, loop_now(s->w->loop), &held))
		return;
	log_warning("server %s/%s: cannot connect from %s%s%s: %s (%u more held back)",
	    s->be->conf->name, s->srv->conf->name,
	    from->addr.family == AF_UNSPEC ? "interface"
					   : sock_addr_format_host(&from->addr, text, sizeof(text)),
	    from->interface != NULL ? " " : "", from->interface != NULL ? from->interface : "",
	    strerror(err), held);
}

static enum begun
begun_of(struct session *s, enum outgoing_result r)
{
	switch (r) {
	case OUTGOING_CONNECTED:
		return BEGUN_CONNECTED;
	case OUTGOING_PENDING:
		return BEGUN_WAITS;
	case OUTGOING_NO_SOCKET:
		return BEGUN_SHORT;
	case OUTGOING_NO_PORT:
		return BEGUN_NO_PORT;
	case OUTGOING_NO_BIND:
		say_no_place(s, errno);
		return BEGUN_NO_PLACE;
	default:
		return BEGUN_FAILED;
	}
}

/* Makes the socket and connects. late: see outgoing_connect. */
static enum begun
attempt(struct session *s, const struct sock_addr *to, bool late)
{
	struct worker_srv *v = &s->w->srv[s->srv->slot];
	uint32_t apart = s->w->index * PORTS_APART, at = v->next_port + apart;
	enum outgoing_result r;
	int fd;

	r = outgoing_connect(&s->srv->conf->from, to, &at, late, &fd);
	v->next_port = at - apart;
	if (r == OUTGOING_NO_SOCKET)
		return BEGUN_SHORT;
	sw64_add(&count_srv(s->w, s->srv)->connect, 1);
	sw64_add(&count_be(s->w, s->be)->connect, 1);
	s->s.fd = fd;
	if (late)
		s->s.flags |= SIDE_LATE;
	s->tries++;
	return begun_of(s, r);
}

enum begun
begin_connect(struct session *s)
{
	const struct conf_server *c = s->srv->conf;
	struct worker_srv *v = &s->w->srv[s->srv->slot];
	bool header = c->send_proxy || c->send_proxy_v2, near = v->probe_after == 0, late;
	const struct sock_addr *to = &c->addr;
	struct sock_addr set;
	enum begun b;
	ssize_t n = 0;
	int err;

	if (target_addr(shm_health(s->w->seg, s->srv->slot), s->srv->epoch, &set))
		to = &set;
	sessrec_begin(s->rec);
	record_set_end(&s->rec->server, to);
	sessrec_end(s->rec);
	if (near && !header && to->family != AF_UNIX)
		n = relay_early_read(s);
	if (n == -1)
		return BEGUN_CLIENT_RESET;
	/* Not when a near server would wait for a client that is silent. */
	late = to->family != AF_UNIX && (header || n > 0 || !near);
	s->s.flags = header ? SIDE_PROXY : 0;
	b = attempt(s, to, late);
	err = errno;
	if (b == BEGUN_WAITS && near) {
		b = ask(s, to, (size_t)n);
		if (b == BEGUN_WAITS)
			v->probe_after = PROBE_REST;
	} else if (n > 0 && !relay_early_hold(s, 0, (size_t)n)) {
		return BEGUN_NO_MEMORY;
	}
	if (!near)
		v->probe_after--;
	errno = err;
	return b;
}
