/* SPDX-License-Identifier: ISC */
/* Life of a session: start, events, time limits, end. Runs in a worker. */
#include "worker/session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/sessrec.h"
#include "shm/source.h"
#include "worker/admit.h"
#include "worker/connect.h"
#include "worker/count.h"
#include "worker/inspect.h"
#include "worker/proxy.h"
#include "worker/record.h"
#include "worker/relay.h"
#include "worker/tcplog.h"
#include "worker/wait.h"

/* A session that has lived this long gets what short ones do without: keepalive towards the server,
 * addresses in its record. Less than the shortest keepalive idle time that is sensible. */
#define SETTLE_MS 5000

#define SESSION_MASS 256 /* sessions reset a turn */

#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET)

static struct session *
of_client(struct loop_fd *f)
{
	return (struct session *)(void *)((char *)f - offsetof(struct session, c.f));
}

static struct session *
of_server(struct loop_fd *f)
{
	return (struct session *)(void *)((char *)f - offsetof(struct session, s.f));
}

void
session_phase(struct session *s, enum shm_phase phase)
{
	s->phase = (uint8_t)phase;
	sw32_set(&s->rec->phase, phase);
}

char
session_when(const struct session *s)
{
	switch (s->phase) {
	case SHM_PH_REQUEST:
		return 'R';
	case SHM_PH_QUEUE:
		return 'Q';
	case SHM_PH_DATA:
	case SHM_PH_LAST:
		/* The server has ended, what it said last is on its way. */
		if ((s->s.flags & SIDE_EOF) && !(s->s.flags & SIDE_SHUT))
			return 'L';
		return 'D';
	default:
		return 'C';
	}
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void
live_link(struct session *s)
{
	struct worker *w = s->w;

	s->next = w->live;
	s->prev = &w->live;
	if (s->next != NULL)
		s->next->prev = &s->next;
	w->live = s;
	w->n_sessions++;
}

static void
live_unlink(struct session *s)
{
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	s->w->n_sessions--;
}

static void
list_add(struct session **head, struct session *s)
{
	s->srv_next = *head;
	s->srv_prev = head;
	if (s->srv_next != NULL)
		s->srv_next->srv_prev = &s->srv_next;
	*head = s;
}

void
session_srv_link(struct session *s)
{
	list_add(&s->w->srv[s->srv->slot].sessions, s);
}

void
session_srv_unlink(struct session *s)
{
	if (s->srv_prev == NULL)
		return;
	*s->srv_prev = s->srv_next;
	if (s->srv_next != NULL)
		s->srv_next->srv_prev = s->srv_prev;
	s->srv_prev = NULL;
	s->srv_next = NULL;
}

static void
ready_add(struct session *s)
{
	struct worker *w = s->w;

	if (s->flags & SESSION_READY)
		return;
	s->flags |= SESSION_READY;
	s->ready_next = NULL;
	*w->ready_tail = s;
	w->ready_tail = &s->ready_next;
}

static void
ready_remove(struct session *s)
{
	struct worker *w = s->w;
	struct session **p = &w->ready;

	if (!(s->flags & SESSION_READY))
		return;
	while (*p != s)
		p = &(*p)->ready_next;
	*p = s->ready_next;
	if (w->ready_tail == &s->ready_next)
		w->ready_tail = p;
	s->flags &= (uint16_t)~SESSION_READY;
}

/* ---- time limits ---------------------------------------------------------------------------- */

static int64_t
limit_or_ever(int64_t ms)
{
	return ms > 0 ? ms : INT64_MAX / 4000000;
}

/* The idle limit that holds now and the letter of the side that it blames (semantics D.3). */
static int64_t
idle_limit(const struct session *s, char *who)
{
	const struct conf_frontend *fe = s->fe->conf;
	const struct conf_backend *be = s->be->conf;
	bool c_shut = (s->c.flags & SIDE_SHUT) != 0, s_shut = (s->s.flags & SIDE_SHUT) != 0;
	bool c_owes = s->s.held != NULL || s->s.pipe != NULL; /* does not take what is for it */
	bool s_owes = s->c.held != NULL || s->c.pipe != NULL;
	int64_t client = limit_or_ever(s_shut ? fe->timeout_client_fin_ms : fe->timeout_client_ms);
	int64_t server = limit_or_ever(c_shut ? be->timeout_server_fin_ms : be->timeout_server_ms);

	if (!c_shut && !s_shut && be->timeout_tunnel_ms > 0)
		client = server = be->timeout_tunnel_ms;
	/* Who has ended and owes nothing is not waited for. */
	if ((s->c.flags & SIDE_EOF) && !c_owes)
		client = limit_or_ever(0);
	if ((s->s.flags & SIDE_EOF) && !s_owes)
		server = limit_or_ever(0);
	if (client == server ? c_owes || !s_owes : client < server) {
		*who = 'c';
		return client;
	}
	*who = 's';
	return server;
}

void
session_timer(struct session *s)
{
	char who;
	struct mono at = mono_add_ms(s->active, idle_limit(s, &who)), settle;

	if (!(s->flags & SESSION_SETTLED)) {
		settle = mono_add_ms((struct mono){s->rec->accept_ns}, SETTLE_MS);
		at = mono_min(at, settle);
	}
	if (!loop_timer_armed(&s->timer) || mono_before(at, s->timer.at))
		loop_timer_set(s->w->loop, &s->timer, at);
}

static void
settle(struct session *s)
{
	const struct conf_server *srv = s->srv->conf;

	s->flags |= SESSION_SETTLED;
	sessrec_begin(s->rec);
	if (srv->addr.family != AF_UNIX) {
		connect_keepalive(s->s.fd, &srv->keepalive,
		    srv->tcp_user_timeout_ms >= 0 ? srv->tcp_user_timeout_ms
						  : s->be->conf->tcp_user_timeout_ms);
		record_ask_end(&s->rec->source, s->s.fd);
	}
	if (s->rec->local.family == 0)
		record_ask_end(&s->rec->local, s->c.fd);
	sessrec_end(s->rec);
}

static void
on_idle(struct session *s)
{
	char who;
	struct mono now = loop_now(s->w->loop), end;

	if (!(s->flags & SESSION_SETTLED) &&
	    !mono_before(now, mono_add_ms((struct mono){s->rec->accept_ns}, SETTLE_MS)))
		settle(s);
	end = mono_add_ms(s->active, idle_limit(s, &who));
	if (mono_before(now, end)) {
		session_timer(s);
		return;
	}
	session_end(s, who, SESSION_CLOSE);
}

static void
on_timer(struct loop_timer *t)
{
	struct session *s = (struct session *)(void *)((char *)t - offsetof(struct session, timer));

	if (s->phase == SHM_PH_DATA)
		on_idle(s);
	else if (s->flags & SESSION_INSPECT)
		inspect_timer(s);
	else if (s->phase == SHM_PH_REQUEST)
		session_end(s, 'c', SESSION_CLOSE);
	else
		connect_timer(s);
}

/* ---- events --------------------------------------------------------------------------------- */

static void
side_events(struct side *d, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		d->flags |= SIDE_RD;
	if (events & EPOLLRDHUP)
		d->flags |= SIDE_HUP;
	if (events & EPOLLOUT)
		d->flags |= SIDE_WR;
	if (events & EPOLLERR)
		d->flags |= SIDE_ERR | SIDE_WR;
	if (events & EPOLLPRI)
		d->flags |= SIDE_PRI;
}

static void
on_client(struct loop_fd *f, uint32_t events)
{
	struct session *s = of_client(f);

	side_events(&s->c, events);
	if (s->phase == SHM_PH_DATA)
		session_run(s);
	else if (s->who != '\0')
		return; /* doomed: its turn comes */
	else if (s->flags & SESSION_INSPECT)
		inspect_event(s);
	else if (s->phase == SHM_PH_REQUEST)
		proxy_event(s);
	else if (events & (EPOLLERR | EPOLLHUP))
		session_end(s, 'C', SESSION_RESET_S); /* a FIN alone is no reason to give up */
}

static void
on_server(struct loop_fd *f, uint32_t events)
{
	struct session *s = of_server(f);

	side_events(&s->s, events);
	if (s->phase == SHM_PH_DATA)
		session_run(s);
	else if (s->who == '\0') /* not doomed */
		connect_event(s, events);
}

static int
side_register(struct session *s, struct side *d, uint32_t more)
{
	if (d->f.fd != -1)
		return 0;
	if (d->flags & SIDE_OUT)
		more |= EPOLLOUT;
	return loop_fd_add(s->w->loop, &d->f, d->fd, EVENTS | more);
}

int
session_register(struct session *s)
{
	/* A connect under way is told by EPOLLOUT. */
	if (s->s.fd != -1 && s->phase != SHM_PH_DATA)
		s->s.flags |= SIDE_OUT;
	if (s->s.fd != -1 && side_register(s, &s->s, 0) == -1)
		return -1;
	return side_register(s, &s->c, 0);
}

/* Sending soon after the handshake makes the kernel hold acknowledgements back; see outgoing.h. */
static void
ack_first(struct session *s)
{
	if ((s->s.flags & (SIDE_LATE | SIDE_SENT)) != (SIDE_LATE | SIDE_SENT))
		return;
	s->s.flags &= (uint16_t)~SIDE_LATE;
	outgoing_ack(s->s.fd);
}

bool
session_run(struct session *s)
{
	uint16_t shut = (s->c.flags | s->s.flags) & SIDE_SHUT;

	switch (relay_run(s)) {
	case RELAY_MORE:
		ready_add(s);
		/* fallthrough */
	case RELAY_ON:
		ack_first(s);
		/* The limits of half-closed sessions are shorter. */
		if (((s->c.flags | s->s.flags) & SIDE_SHUT) != shut)
			session_timer(s);
		return true;
	case RELAY_DONE:
		session_end(s, '-', SESSION_CLOSE);
		return false;
	case RELAY_RESET_C:
		session_end(s, 'C', SESSION_RESET_S);
		return false;
	case RELAY_RESET_S:
		session_end(s, 'S', SESSION_RESET_C);
		return false;
	case RELAY_FAILED:
		break;
	}
	worker_exhausted(s->w, "memory", ENOMEM);
	session_end(s, 'R', SESSION_RESET);
	return false;
}

void
session_connected(struct session *s)
{
	bool at_once = s->s.f.fd == -1;

	session_phase(s, SHM_PH_DATA);
	sw64_set(&s->rec->connected_ns, (uint64_t)loop_now(s->w->loop).ns);
	s->active = loop_now(s->w->loop);
	s->c.flags |= SIDE_WR;
	s->s.flags |= SIDE_WR;
	if (s->c.f.fd == -1 && !(s->flags & SESSION_EARLY))
		s->c.flags |= SIDE_RD; /* no event says so yet */
	loop_timer_del(s->w->loop, &s->timer);
	session_timer(s);
	/* What the client has sent already goes out before the two are registered: most often that
	 * saves a wake-up. */
	if (!session_run(s))
		return;
	if (s->s.flags & SIDE_LATE)
		outgoing_ack(s->s.fd); /* the client has said nothing yet */
	if (!at_once)
		return;
	if (session_register(s) == -1) {
		worker_exhausted(s->w, "epoll", errno);
		session_end(s, 'R', SESSION_RESET);
	}
}

/* ---- start and end -------------------------------------------------------------------------- */

void
session_backend(struct session *s, struct gen_backend *be)
{
	s->be = be;
	limit_take_be(s->w->seg, be->slot, 0);
	count_backend(s);
}

int
session_start(struct worker *w, struct gen_frontend *fe, int fd, const struct sock_addr *peer,
    const struct conf_bind *bind, uint32_t source)
{
	struct session *s = slab_new(&w->sessions);
	const struct sock_addr *local = bind != NULL ? conf_bind_local(bind) : NULL;

	if (s == NULL)
		goto no_memory;
	memset(s, 0, sizeof(*s));
	if (loop_timer_reserve(w->loop, 1) == -1)
		goto no_memory;
	s->rec = record_open(w, fe->slot, peer, local, loop_now(w->loop));
	if (s->rec == NULL) {
		loop_timer_unreserve(w->loop, 1);
		goto no_memory;
	}
	s->w = w;
	s->fe = fe;
	s->source = source;
	s->c.fd = fd;
	s->s.fd = s->c.f.fd = s->s.f.fd = -1;
	s->c.f.cb = on_client;
	s->s.f.cb = on_server;
	s->timer.cb = on_timer;
	s->active = loop_now(w->loop);
	worker_gen_ref(fe->gen);
	live_link(s);
	count_accepted(w, fe, s->rec);
	if (fe->n_rules == 0)
		session_backend(s, fe->be);
	if (proxy_wanted(bind, peer))
		proxy_expect(s);
	else if (fe->n_rules != 0)
		inspect_start(s);
	else
		connect_start(s);
	return 0;
no_memory:
	slab_free(&w->sessions, s);
	close(fd);
	errno = ENOMEM;
	return -1;
}

static void
side_close(struct session *s, struct side *d, bool reset)
{
	static const struct linger rst = {.l_onoff = 1, .l_linger = 0};

	if (d->fd == -1)
		return;
	if (reset)
		setsockopt(d->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
	loop_fd_forget(s->w->loop, &d->f);
	close(d->fd);
	d->fd = -1;
}

void
session_end(struct session *s, char who, enum session_close how)
{
	struct worker *w = s->w;
	struct gen *gen = s->fe->gen;

	s->who = who;
	s->when = who == '-' ? '-' : session_when(s);
	tcplog_ask(s);
	side_close(s, &s->s, how == SESSION_RESET_S || how == SESSION_RESET);
	side_close(s, &s->c, how == SESSION_RESET_C || how == SESSION_RESET);
	relay_drop(s);
	loop_timer_del(w->loop, &s->timer);
	loop_timer_unreserve(w->loop, 1);
	ready_remove(s);
	wait_leave(s);
	session_srv_unlink(s);
	count_end(s);
	connect_release(s);
	if (s->be != NULL)
		limit_release_be(w->seg, s->be->slot);
	tcplog_session(s); /* as in HAProxy, it counts at its frontend still */
	sw32_set(&s->rec->counted, SHM_COUNTED_ACCEPT | SHM_COUNTED_END | SHM_COUNTED_LOG);
	source_release(w->seg, s->source);
	admit_release(w, s->fe);
	live_unlink(s);
	record_close(w, s->rec);
	free(s->tried);
	slab_free(&w->sessions, s);
	worker_gen_unref(w, gen);
	if (w->stopping)
		worker_check_stopped(w);
}

/* ---- mass actions, the ready list ----------------------------------------------------------- */

void
session_doom(struct session *s, char reason)
{
	wait_leave(s);
	session_srv_unlink(s);
	/* Until its turn comes nothing else may put it into another list. */
	loop_timer_del(s->w->loop, &s->timer);
	s->who = reason;
	list_add(&s->w->doomed, s);
}

void
session_doom_server(struct worker *w, uint32_t slot, char reason)
{
	struct session *s;

	while ((s = w->srv[slot].sessions) != NULL)
		session_doom(s, reason);
}

bool
session_idle(struct worker *w)
{
	struct session *s, *last = NULL;
	unsigned n = SESSION_MASS;

	while (n-- > 0 && w->doomed != NULL) {
		s = w->doomed;
		if (s->phase == SHM_PH_CONNECT && s->who != 'K')
			connect_elsewhere(s);
		else
			session_end(s, s->who, SESSION_RESET);
	}
	/* Those that stand in the list now, each once. */
	for (s = w->ready; s != NULL; s = s->ready_next)
		last = s;
	while (last != NULL && (s = w->ready) != NULL) {
		bool end = s == last;

		w->ready = s->ready_next;
		if (w->ready == NULL)
			w->ready_tail = &w->ready;
		s->flags &= (uint16_t)~SESSION_READY;
		session_run(s);
		if (end)
			break;
	}
	return w->ready != NULL || w->doomed != NULL;
}
