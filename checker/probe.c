/* SPDX-License-Identifier: ISC */
/*
 * A probe's life: connect, time limits, result, close. The protocols are in probe_tls.c and
 * probe_http.c; a tcp probe ends here.
 */
#include "checker/probe.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checker/probe_part.h"
#include "checker/timing.h"

/* A clean close is worth the rest of an answer, but not a large file at each probe. */
#define LINGER_MS    500
#define LINGER_BYTES 262144

static void
probe_close(struct probe *p)
{
	loop_timer_del(p->loop, &p->limit);
	if (p->ssl != NULL)
		probe_tls_close(p);
	if (p->f.fd != -1) {
		int fd = p->f.fd;

		loop_fd_del(p->loop, &p->f);
		close(fd);
		p->f.fd = -1;
	}
	free(p->head);
	p->head = NULL;
	p->phase = PROBE_IDLE;
}

static void
tell(struct probe *p, struct probe_result *r, const char *desc)
{
	int64_t ms = mono_diff_ms(loop_refresh(p->loop), p->start);

	r->duration_ms = ms < 0 ? 0 : (uint32_t)ms;
	snprintf(r->desc, sizeof(r->desc), "%s", desc == NULL ? "" : desc);
	for (char *c = r->desc; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '"')
			*c = '.';
	p->done(p, r);
}

void
probe_finish(struct probe *p, enum check_status status, uint32_t code, const char *desc)
{
	struct probe_result r = {.status = status, .code = code};
	char text[PROBE_DESC];

	p->stalls = 0;
	/* desc may lie in what is closed. */
	snprintf(text, sizeof(text), "%s", desc == NULL ? "" : desc);
	probe_close(p);
	tell(p, &r, text);
}

void
probe_finish_linger(struct probe *p, enum check_status status, uint32_t code, const char *desc)
{
	struct probe_result r = {.status = status, .code = code};

	p->stalls = 0;
	p->phase = PROBE_LINGER;
	p->lingered = 0;
	loop_timer_set(p->loop, &p->limit, mono_add_ms(loop_now(p->loop), LINGER_MS));
	probe_wait(p, EPOLLIN);
	tell(p, &r, desc);
}

static void
finish_own(struct probe *p, const char *why)
{
	struct probe_result r = {.status = CHECK_SOCKERR, .own_fault = true};

	probe_close(p);
	tell(p, &r, why);
}

void
probe_finish_own(struct probe *p, int error)
{
	finish_own(p, strerror(error));
}

bool
probe_own_error(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOMEM || e == ENOBUFS || e == EADDRNOTAVAIL ||
	       e == EAGAIN;
}

static void
connect_failed(struct probe *p, int e)
{
	if (probe_own_error(e) && !(e == EAGAIN && p->spec->to.family == AF_UNIX)) /* its backlog */
		probe_finish_own(p, e);
	else if (e == ETIMEDOUT)
		probe_finish(p, CHECK_L4TOUT, 0, NULL);
	else
		probe_finish(p, CHECK_L4CON, 0, strerror(e));
}

void
probe_wait(struct probe *p, uint32_t events)
{
	if (p->events == events)
		return;
	p->events = events;
	if (loop_fd_mod(p->loop, &p->f, events) == -1)
		loop_timer_set(p->loop, &p->limit, loop_now(p->loop)); /* ends as a time-out */
}

ssize_t
probe_read(struct probe *p, void *buf, size_t len)
{
	ssize_t n;

	if (p->ssl != NULL)
		return probe_tls_read(p, buf, len);
	n = recv(p->f.fd, buf, len, 0);
	if (n >= 0)
		return n;
	if (errno != EAGAIN && errno != EINTR)
		return PROBE_ERROR;
	probe_wait(p, EPOLLIN);
	return PROBE_AGAIN;
}

ssize_t
probe_write(struct probe *p, const void *buf, size_t len)
{
	ssize_t n;

	if (p->ssl != NULL)
		return probe_tls_write(p, buf, len);
	n = send(p->f.fd, buf, len, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	if (errno != EAGAIN && errno != EINTR)
		return PROBE_ERROR;
	probe_wait(p, EPOLLOUT);
	return PROBE_AGAIN;
}

void
probe_connected(struct probe *p)
{
	if (p->phase == PROBE_CONNECT) {
		int64_t spent = mono_diff_ms(loop_refresh(p->loop), p->start);

		/* The buffer of a new connection takes it whole; an error is met by what follows.
		 */
		if (p->spec->lead_len != 0)
			send(p->f.fd, p->spec->lead, p->spec->lead_len, MSG_NOSIGNAL);

		loop_timer_set(p->loop, &p->limit,
		    mono_add_ms(loop_now(p->loop), timing_answer_limit(p->spec->check, spent)));
		if (p->spec->tls != NULL) {
			p->phase = PROBE_HANDSHAKE;
			probe_tls_step(p);
			return;
		}
	}
	if (p->spec->request != NULL) {
		p->phase = PROBE_SEND;
		probe_http_step(p);
		return;
	}
	probe_finish(p, p->spec->tls == NULL ? CHECK_L4OK : CHECK_L6OK, 0, NULL);
}

static void
connect_step(struct probe *p)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(p->f.fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	if (e == 0)
		probe_connected(p);
	else
		connect_failed(p, e);
}

/* Takes and drops what the server still sends. */
static void
linger_step(struct probe *p)
{
	char buf[4096];
	ssize_t n = 0;

	for (int i = 0; i < 16; i++) {
		n = probe_read(p, buf, sizeof(buf));
		if (n <= 0)
			break;
		p->lingered += (size_t)n;
	}
	if (n == 0 || n == PROBE_ERROR || p->lingered >= LINGER_BYTES)
		probe_close(p);
}

static void
on_event(struct loop_fd *f, uint32_t events)
{
	struct probe *p = (struct probe *)(void *)((char *)f - offsetof(struct probe, f));

	(void)events;
	switch (p->phase) {
	case PROBE_CONNECT:
		connect_step(p);
		break;
	case PROBE_HANDSHAKE:
		probe_tls_step(p);
		break;
	case PROBE_SEND:
	case PROBE_HEAD:
		probe_http_step(p);
		break;
	case PROBE_LINGER:
		linger_step(p);
		break;
	case PROBE_IDLE:
		break;
	}
}

static enum check_status
timed_out(const struct probe *p)
{
	switch (p->phase) {
	case PROBE_CONNECT:
		return CHECK_L4TOUT;
	case PROBE_HANDSHAKE:
		return CHECK_L6TOUT;
	default:
		return CHECK_L7TOUT;
	}
}

/* Something is there that the loop has not told yet, since there was so much else: looks at it.
 * True: the limit that was over is no more. */
static bool
last_look(struct probe *p)
{
	struct pollfd f = {.fd = p->f.fd, .events = p->phase == PROBE_CONNECT ? POLLOUT : POLLIN};

	if (poll(&f, 1, 0) <= 0)
		return false;
	on_event(&p->f, 0);
	return !probe_busy(p) || loop_timer_armed(&p->limit);
}

static void
on_limit(struct loop_timer *t)
{
	struct probe *p = (struct probe *)(void *)((char *)t - offsetof(struct probe, limit));
	int64_t late = mono_diff_ms(loop_now(p->loop), t->at);

	if (!probe_busy(p)) {
		probe_close(p);
		return;
	}
	if (last_look(p))
		return;
	if (timing_stalled(late, p->stalls)) {
		p->stalls++;
		finish_own(p, "this host stood still");
		return;
	}
	probe_finish(p, timed_out(p), 0, NULL);
}

void
probe_init(
    struct probe *p, struct loop *loop, void (*done)(struct probe *, const struct probe_result *))
{
	*p = (struct probe){.loop = loop, .done = done, .f.fd = -1, .f.cb = on_event};
	p->limit.cb = on_limit;
}

/* A socket that connects. Returns 0, or -1 after the result was told. */
static int
connect_begin(struct probe *p, const struct probe_spec *spec, int *fd)
{
	static uint32_t cursor = 7919; /* not where the workers begin */
	int e;

	switch (outgoing_connect(spec->from, &spec->to, &cursor, false, fd)) {
	case OUTGOING_CONNECTED:
	case OUTGOING_PENDING:
		if (spec->to.family != AF_UNIX)
			sock_set_int(*fd, IPPROTO_TCP, TCP_NODELAY, 1);
		return 0;
	case OUTGOING_FAILED:
		connect_failed(p, errno);
		return -1;
	case OUTGOING_NO_BIND:
	case OUTGOING_NO_PORT:
		probe_finish_own(p, errno);
		return -1;
	case OUTGOING_NO_SOCKET:
		break;
	}
	e = errno;
	if (probe_own_error(e))
		probe_finish_own(p, e);
	else
		probe_finish(p, CHECK_SOCKERR, 0, strerror(e));
	return -1;
}

void
probe_start(struct probe *p, const struct probe_spec *spec, struct mono began)
{
	int fd, r;

	probe_close(p);
	p->spec = spec;
	p->start = began;
	p->sent = 0;
	p->phase = PROBE_CONNECT;
	if (connect_begin(p, spec, &fd) == -1)
		return;
	p->events = EPOLLOUT;
	if (loop_fd_add(p->loop, &p->f, fd, EPOLLOUT) == -1) {
		r = errno;
		close(fd);
		p->f.fd = -1;
		probe_finish_own(p, r);
		return;
	}
	loop_timer_set(p->loop, &p->limit,
	    mono_add_ms(began, timing_connect_limit(spec->check, spec->timeout_connect_ms)));
}

void
probe_abort(struct probe *p)
{
	probe_close(p);
}
