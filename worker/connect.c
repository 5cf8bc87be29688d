/* SPDX-License-Identifier: ISC */
/* Picking a server and connecting to it. Runs in a worker. */
#include "worker/connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/step.h"
#include "worker/begin.h"
#include "worker/count.h"
#include "worker/follow.h"
#include "worker/pick.h"
#include "worker/wait.h"

#define EXHAUSTED_PAUSE_MS 100

enum connect_next
connect_decide(unsigned tries, unsigned retries, bool redispatch)
{
	if (tries > retries)
		return CONNECT_GIVE_UP;
	return redispatch ? CONNECT_OTHER : CONNECT_SAME;
}

int64_t
connect_pause_ms(int64_t timeout_connect_ms)
{
	return timeout_connect_ms > 0 && timeout_connect_ms < 1000 ? timeout_connect_ms : 1000;
}

void
connect_note_failure(struct worker_srv *v, struct mono now)
{
	v->fails++;
	if (v->fails >= CONNECT_FAILS)
		v->out_until = mono_add_ms(now, CONNECT_OUT_MS);
}

void
connect_keepalive(int fd, const struct conf_keepalive *k, int64_t user_timeout_ms)
{
	if (k->on) {
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, k->idle_s);
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, k->interval_s);
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, k->count);
		sock_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	}
	if (user_timeout_ms > 0)
		sock_set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)user_timeout_ms);
}

/* picked: by the balancing, not by its turn in the queue or a pause (HAProxy's lbtot). */
static void
assign(struct session *s, struct gen_server *v, bool picked)
{
	uint64_t now = (uint64_t)loop_now(s->w->loop).ns;
	bool again = s->tries > 0 && s->srv == v;

	if (s->tries > 0 && s->srv != NULL && s->srv != v) {
		s->flags |= SESSION_REDISP;
		sw64_add(&count_be(s->w, s->be)->wredis, 1);
		sw64_add(&count_srv(s->w, s->srv)->wredis, 1);
	} else if (again) {
		sw64_add(&count_be(s->w, s->be)->wretr, 1);
		sw64_add(&count_srv(s->w, v)->wretr, 1);
	}
	s->srv = v;
	s->flags |= SESSION_HELD_SRV;
	session_srv_link(s);
	if (sw64_get(&s->rec->assigned_ns) == 0)
		sw64_set(&s->rec->assigned_ns, now);
	count_chosen(s, picked && !again);
}

void
connect_release(struct session *s)
{
	if (!(s->flags & SESSION_HELD_SRV))
		return;
	s->flags &= (uint16_t)~SESSION_HELD_SRV;
	limit_release_srv(s->w->seg, s->srv->slot);
	wait_moved(s->w, s->be->slot);
}

static void
close_server(struct session *s)
{
	if (s->s.fd == -1)
		return;
	loop_fd_forget(s->w->loop, &s->s.f);
	close(s->s.fd);
	s->s.fd = -1;
	s->s.flags = 0;
}

/* Tells the checker, which may test sooner than it would have. */
static void
report(struct worker *w, uint32_t slot)
{
	uint64_t head = sw64_get(&w->own->report_head);

	sw32_set(&w->own->report[head % SHM_REPORTS], slot);
	sw64_set(&w->own->report_head, head + 1);
	child_ring_fd(w->child->start.bells.checker);
}

static void
remember_tried(struct session *s)
{
	uint32_t *t = realloc(s->tried, (s->n_tried + 1u) * sizeof(*t));

	if (t == NULL)
		return; /* then it may be tried twice */
	s->tried = t;
	t[s->n_tried++] = s->srv->slot;
}

static void
leave_server(struct session *s)
{
	close_server(s);
	session_srv_unlink(s);
	connect_release(s);
	loop_timer_del(s->w->loop, &s->timer);
}

/* A connect was refused, timed out or could not begin: what is to be done. */
static enum connect_next
failed(struct session *s, bool servers_fault)
{
	struct worker *w = s->w;
	enum connect_next next =
	    connect_decide(s->tries, s->be->conf->retries, s->be->conf->redispatch);

	leave_server(s);
	remember_tried(s);
	if (servers_fault) {
		connect_note_failure(&w->srv[s->srv->slot], loop_now(w->loop));
		report(w, s->srv->slot);
	}
	if (next == CONNECT_GIVE_UP) {
		/* With the session's end, which follows. */
		step_add(w->own, &count_be(w, s->be)->econ, 1);
		step_add(w->own, &count_srv(w, s->srv)->econ, 1);
		return next;
	}
	return next;
}

static void
note_retries(struct session *s)
{
	uint32_t n = s->tries > 0 ? s->tries - 1u : 0;

	sw32_set(&s->rec->retries, n | (s->flags & SESSION_REDISP ? UINT32_C(1) << 31 : 0));
}

/* Waits a while without a server; the client is watched meanwhile. */
static void
pause_for(struct session *s, int64_t ms)
{
	s->flags |= SESSION_PAUSE;
	if (session_register(s) == -1) {
		session_end(s, 'R', SESSION_RESET_C);
		return;
	}
	loop_timer_set(s->w->loop, &s->timer, mono_add_ms(loop_now(s->w->loop), ms));
}

static void
short_of_descriptors(struct session *s, int err)
{
	int64_t waited = mono_diff_ms(loop_now(s->w->loop), (struct mono){s->rec->accept_ns});

	leave_server(s);
	worker_exhausted(s->w, "sockets", err);
	if (waited >= s->be->conf->timeout_connect_ms)
		session_end(s, 'R', SESSION_RESET_C);
	else
		pause_for(s, EXHAUSTED_PAUSE_MS);
}

static void
wait_for_place(struct session *s)
{
	int64_t limit = s->be->conf->timeout_queue_ms > 0 ? s->be->conf->timeout_queue_ms
							  : s->be->conf->timeout_connect_ms;

	s->n_tried = 0; /* by the time it is its turn they may be well again */
	session_phase(s, SHM_PH_QUEUE);
	if (!wait_join(s)) {
		session_end(s, 'P', SESSION_RESET_C);
		return;
	}
	if (session_register(s) == -1) {
		session_end(s, 'R', SESSION_RESET_C);
		return;
	}
	loop_timer_set(s->w->loop, &s->timer, mono_add_ms(loop_now(s->w->loop), limit));
}

/* No server to be had. */
static void
none_left(struct session *s, const struct pick *p)
{
	if (p->met_full) {
		wait_for_place(s);
		return;
	}
	if (p->met_tried && s->tries <= s->be->conf->retries) {
		/* Each has been tried once: from the start, but not at once. */
		s->n_tried = 0;
		pause_for(s, connect_pause_ms(s->be->conf->timeout_connect_ms));
		return;
	}
	if (follow_soon(s)) {
		pause_for(s, FOLLOW_LOOK_MS);
		return;
	}
	if (s->be->conf->no_server == CONF_NO_SERVER_WAIT && !p->met_usable) {
		wait_for_place(s);
		return;
	}
	if (s->tries == 0)
		step_add(s->w->own, &count_be(s->w, s->be)->econ, 1);
	session_end(s, 'S', SESSION_RESET_C);
}

static void
connected(struct session *s)
{
	s->w->srv[s->srv->slot].fails = 0;
	note_retries(s);
	session_connected(s);
}

static void
waits(struct session *s)
{
	if (session_register(s) == -1) {
		worker_exhausted(s->w, "epoll", errno);
		session_end(s, 'R', SESSION_RESET_C);
		return;
	}
	loop_timer_set(s->w->loop, &s->timer,
	    mono_add_ms(loop_now(s->w->loop), s->be->conf->timeout_connect_ms));
}

/* Begins to connect to a server that a place was taken at. False: it failed and another one is to
 * be tried; otherwise the session has gone its way. */
static bool
try_one(struct session *s, struct gen_server *v, bool picked)
{
	enum begun b;

	session_phase(s, SHM_PH_CONNECT);
	assign(s, v, picked);
	b = begin_connect(s);
	switch (b) {
	case BEGUN_CONNECTED:
		connected(s);
		return true;
	case BEGUN_WAITS:
		waits(s);
		return true;
	case BEGUN_SHORT:
		short_of_descriptors(s, errno);
		return true;
	case BEGUN_CLIENT_RESET:
		session_end(s, 'C', SESSION_RESET_S);
		return true;
	case BEGUN_NO_MEMORY:
		worker_exhausted(s->w, "memory", ENOMEM);
		session_end(s, 'R', SESSION_RESET);
		return true;
	case BEGUN_NO_PORT:
		worker_exhausted(s->w, "local ports", EADDRNOTAVAIL);
		break;
	case BEGUN_NO_PLACE:
	case BEGUN_FAILED:
		break;
	}
	switch (failed(s, b == BEGUN_FAILED)) {
	case CONNECT_GIVE_UP:
		note_retries(s);
		session_end(s, 'S', SESSION_RESET_C);
		return true;
	case CONNECT_SAME:
		pause_for(s, connect_pause_ms(s->be->conf->timeout_connect_ms));
		return true;
	case CONNECT_OTHER:
		break;
	}
	return false;
}

/* Tries servers until one connects or begins to, v first; NULL: picks. */
static void
try_on(struct session *s, struct gen_server *v)
{
	bool picked = v == NULL;
	struct pick p;

	for (;;) {
		session_phase(s, SHM_PH_CONNECT);
		if (v == NULL) {
			if (!follow(s)) {
				session_end(s, 'S', SESSION_RESET_C);
				return;
			}
			v = pick_server(s, false, &p);
		}
		if (v == NULL) {
			none_left(s, &p);
			return;
		}
		if (try_one(s, v, picked))
			return;
		v = NULL;
		picked = true;
	}
}

bool
connect_admit(struct session *s)
{
	struct pick p;
	struct gen_server *v = pick_server(s, true, &p);

	if (v == NULL)
		return false;
	wait_leave(s);
	loop_timer_del(s->w->loop, &s->timer);
	try_on(s, v);
	return true;
}

void
connect_start(struct session *s)
{
	try_on(s, NULL);
}

/* A connect that was under way has failed. who: 'S' refused, 's' timed out. */
static void
go_on(struct session *s, char who)
{
	switch (failed(s, true)) {
	case CONNECT_GIVE_UP:
		note_retries(s);
		session_end(s, who, SESSION_RESET_C);
		break;
	case CONNECT_SAME:
		pause_for(s, connect_pause_ms(s->be->conf->timeout_connect_ms));
		break;
	case CONNECT_OTHER:
		try_on(s, NULL);
		break;
	}
}

void
connect_event(struct session *s, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		go_on(s, 'S');
	else if (events & EPOLLOUT)
		connected(s);
}

/* A place at the server that it was at before, unless somebody waits: the oldest comes first, and
 * it goes to the end of the queue. */
static bool
take_again(struct session *s, const struct gen_server *v)
{
	struct shm *seg = s->w->seg;

	/* Its slot may have another owner since it was given back. */
	if (v->epoch != sw32_get(&shm_srv_dir(seg, v->slot)->epoch) ||
	    sw32_get(&shm_health(seg, v->slot)->usable) == 0 || wait_others(s))
		return false;
	if (limit_take_srv(seg, v->slot, pick_limit(seg, v)))
		return true;
	wait_moved(s->w, s->be->slot); /* as in pick_server */
	return false;
}

void
connect_timer(struct session *s)
{
	struct gen_server *same;

	if (s->phase == SHM_PH_QUEUE) {
		step_add(s->w->own, &count_be(s->w, s->be)->econ, 1); /* as HAProxy */
		session_end(s, 's', SESSION_RESET_C);
		return;
	}
	if (!(s->flags & SESSION_PAUSE)) {
		go_on(s, 's');
		return;
	}
	s->flags &= (uint16_t)~SESSION_PAUSE;
	if (!follow(s)) {
		session_end(s, 'S', SESSION_RESET_C);
		return;
	}
	same = s->be->conf->redispatch ? NULL : s->srv;
	if (same != NULL && !take_again(s, same))
		same = NULL;
	if (same == NULL)
		s->n_tried = 0;
	try_on(s, same);
}

void
connect_elsewhere(struct session *s)
{
	s->who = '\0';
	leave_server(s);
	remember_tried(s);
	/* Its events went by while it stood in line; no edge tells of them again. */
	if (s->c.flags & SIDE_ERR)
		session_end(s, 'C', SESSION_RESET_S);
	else
		try_on(s, NULL);
}
