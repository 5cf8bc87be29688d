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
#include "shm/target.h"
#include "worker/count.h"
#include "worker/relay.h"

#define PORTS_APART 9973 /* between where workers begin in a range of ports */
#define PROBE_REST  1000 /* connects */

static enum begun
ask_by_connect(int fd, const struct sock_addr *to)
{
	if (connect(fd, &to->sa, to->len) == 0)
		return BEGUN_CONNECTED;
	return errno == EINPROGRESS || errno == EALREADY ? BEGUN_WAITS : BEGUN_FAILED;
}

/* A non-blocking connect says EINPROGRESS also when it has completed by the time it returns, as it
 * does towards this host's own addresses. Sending what the client has said tells, or a second call,
 * and spares the wake-up (a refusal is known at once too). Where that was in vain it is not tried
 * for a while. */
static enum begun
pending(struct session *s, struct worker_srv *v, const struct sock_addr *to)
{
	enum begun b = BEGUN_WAITS;

	if (v->probe_after > 0) {
		v->probe_after--;
		return b;
	}
	switch (relay_early(s)) {
	case EARLY_NOTHING:
		b = ask_by_connect(s->s.fd, to);
		break;
	case EARLY_CONNECTED:
		return BEGUN_CONNECTED;
	case EARLY_WAITS:
		break;
	case EARLY_FAILED:
		return BEGUN_FAILED;
	case EARLY_CLIENT_RESET:
		return BEGUN_CLIENT_RESET;
	case EARLY_NO_MEMORY:
		return BEGUN_NO_MEMORY;
	}
	if (b == BEGUN_WAITS)
		v->probe_after = PROBE_REST;
	return b;
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

enum begun
begin_connect(struct session *s)
{
	const struct conf_server *c = s->srv->conf;
	struct worker_srv *v = &s->w->srv[s->srv->slot];
	uint32_t apart = s->w->index * PORTS_APART, at = v->next_port + apart;
	const struct sock_addr *to = &c->addr;
	struct sock_addr set;
	enum outgoing_result r;
	int fd;

	if (target_addr(shm_health(s->w->seg, s->srv->slot), s->srv->epoch, &set))
		to = &set;
	r = outgoing_connect(&c->from, to, &at, true, &fd);
	v->next_port = at - apart;
	if (r == OUTGOING_NO_SOCKET)
		return BEGUN_SHORT;
	sw64_add(&count_srv(s->w, s->srv)->connect, 1);
	s->s.fd = fd;
	s->s.flags = c->send_proxy || c->send_proxy_v2 ? SIDE_PROXY : 0;
	if (c->addr.family != AF_UNIX)
		s->s.flags |= SIDE_LATE;
	s->tries++;
	switch (r) {
	case OUTGOING_CONNECTED:
		return BEGUN_CONNECTED;
	case OUTGOING_PENDING:
		return pending(s, v, to);
	case OUTGOING_NO_PORT:
		return BEGUN_NO_PORT;
	case OUTGOING_NO_BIND:
		say_no_place(s, errno);
		return BEGUN_NO_PLACE;
	default:
		return BEGUN_FAILED;
	}
}
