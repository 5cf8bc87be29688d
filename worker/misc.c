/* SPDX-License-Identifier: ISC */
/* Connections of this worker that are no sessions: hands them to the control socket's and to the
 * monitoring frontends' servers, counts what they do. One worker a process, so what they share lies
 * in this file. */
#include "worker/misc.h"

#include <stdlib.h>
#include <unistd.h>

#include "shm/limit.h"
#include "worker/admit.h"
#include "worker/call.h"
#include "worker/capture.h"
#include "worker/cli.h"
#include "worker/count.h"
#include "worker/metrics.h"
#include "worker/monitor.h"
#include "worker/proxy.h"

#define EVICT_MS   100
#define STALL_MS   1000 /* without taking a byte of an answer */
#define EVICT_TURN 8    /* for another worker */

void
misc_closed(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers);

	limit_release_misc(w->seg);
	w->look = true;
	/* Not only by the master's tick: it may hang. */
	for (uint32_t i = 0; i < n && i < SHM_MAX_WORKERS; i++)
		if (i != w->index && sw32_get(&shm_worker(w->seg, i)->wants_misc) != 0)
			child_ring_worker(w->child, i);
}

/* ---- control socket ---------------------------------------------------------------------------
 */

static const struct conf *
conf_in_force(void *ctx)
{
	const struct worker *w = ctx;

	return w->gen != NULL ? w->gen->conf : NULL;
}

static int
human_text(void *ctx)
{
	return worker_human_fd(ctx);
}

static void
control_closed(void *ctx)
{
	misc_closed(ctx);
}

static struct ask ask;
static struct cli control = {
    .conf = conf_in_force, .human = human_text, .closed = control_closed, .ask = &ask};

void
misc_control_accept(struct worker *w, const char *name, int fd)
{
	const struct conf_control *conf = conf_find_control(&w->gen->conf->global, name);

	if (conf == NULL) { /* the socket is leaving: what still came is sent away */
		close(fd);
		misc_closed(w);
		return;
	}
	control.loop = w->loop;
	control.shm = w->seg;
	control.ctx = w;
	ask.shm = w->seg;
	ask.own = w->own;
	ask.index = w->index;
	ask.bells = &w->child->start.bells;
	if (cli_open(&control, fd, name, (enum command_level)conf->level, conf->timeout_ms) == -1)
		misc_closed(w);
}

void
misc_message(struct worker *w, struct msg *m)
{
	(void)w;
	(void)m;
}

/* ---- frontends in mode http -------------------------------------------------------------------
 */

/* What a connection belongs to; holds its generation, whose configuration it answers by. */
struct misc_http {
	struct worker *w;
	const struct gen_frontend *fe;
	struct http_conn *conn; /* NULL: waits for a PROXY header */
	struct loop_fd f;       /* meanwhile */
	struct mono since;      /* it waits for it */
	struct loop_timer limit;
	enum monitor_what asked; /* by the request under way */
	struct misc_http *next;
	struct misc_http **prev;
};

static struct misc_http *https; /* all of them */

static void header_drop(struct misc_http *);

/* Does it wait for its client: for a request or a PROXY header, or (stalled) for taking an answer?
 */
static bool
waits(const struct misc_http *m, bool stalled, struct mono *since)
{
	if (m->conn != NULL)
		return http_is_idle(m->conn, since) != stalled;
	*since = m->since;
	return !stalled;
}

/* Closes the one, other than not_it, that has waited for longest, if that is at least min_ms. */
static bool
evict_http(struct worker *w, const struct misc_http *not_it, bool stalled, int64_t min_ms)
{
	struct misc_http *oldest = NULL;
	struct mono since, first = {0};

	for (struct misc_http *m = https; m != NULL; m = m->next)
		if (m != not_it && waits(m, stalled, &since) &&
		    (oldest == NULL || mono_before(since, first))) {
			oldest = m;
			first = since;
		}
	if (oldest == NULL || mono_diff_ms(loop_now(w->loop), first) < min_ms)
		return false;
	if (oldest->conn != NULL)
		http_close(oldest->conn);
	else
		header_drop(oldest);
	return true;
}

static void
http_answer(struct http_conn *c, const struct http_request *rq, struct http_reply *rp)
{
	struct misc_http *m = http_ctx(c);

	/* Clients that take nothing must not keep others from scraping. */
	while (metrics_full() && evict_http(m->w, m, true, STALL_MS))
		;
	m->asked = monitor_answer(m->w->seg, m->fe->gen->conf, m->fe->conf, rq, rp);
}

static void
http_answered(struct http_conn *c, int status, bool bad)
{
	const struct misc_http *m = http_ctx(c);
	struct shm_fe_count *count = count_fe(m->w, m->fe);
	int class = status / 100;

	sw64_add(&count->rsp[class >= 1 && class <= 5 ? class - 1 : 5], 1);
	if (bad) {
		sw64_add(&count->req_err, 1);
		return;
	}
	sw64_add(&count->req, 1);
	sw64_add(&m->w->own->cum_req, 1);
	if (m->asked != MONITOR_OTHER)
		sw64_add(&count->intercepted, 1);
}

static void
http_refused(struct http_conn *c, const char *why, const char *data, size_t len)
{
	const struct misc_http *m = http_ctx(c);

	capture(m->w, m->fe, http_fd(c), why, data, len);
}

static void
http_bytes(struct http_conn *c, size_t in, size_t out)
{
	const struct misc_http *m = http_ctx(c);
	struct shm_fe_count *count = count_fe(m->w, m->fe);

	sw64_add(&count->bytes_in, in);
	sw64_add(&count->bytes_out, out);
	sw64_add(&m->w->own->bytes_out, out);
}

static void
misc_http_free(struct misc_http *m)
{
	limit_release_fe(m->w->seg, m->fe->slot);
	worker_gen_unref(m->w, m->fe->gen);
	*m->prev = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	misc_closed(m->w);
	free(m);
}

static void
http_closed(struct http_conn *c)
{
	misc_http_free(http_ctx(c));
}

static const struct http_ops http_ops = {
    .answer = http_answer,
    .answered = http_answered,
    .refused = http_refused,
    .bytes = http_bytes,
    .closed = http_closed,
};

static void
http_begin(struct misc_http *m, int fd)
{
	const struct conf_frontend *fe = m->fe->conf;
	struct http_times times = {
	    .request_ms = fe->timeout_http_request_ms,
	    .keep_alive_ms = fe->timeout_http_keep_alive_ms,
	    .send_ms = fe->timeout_client_ms,
	};

	m->conn = http_open(m->w->loop, fd, &http_ops, &times, m);
	if (m->conn == NULL)
		misc_http_free(m);
}

/* Header there, or never to come: the end of waiting for it. Returns the descriptor. */
static int
header_end(struct misc_http *m)
{
	int fd = m->f.fd;

	loop_fd_del(m->w->loop, &m->f);
	loop_timer_del(m->w->loop, &m->limit);
	loop_timer_unreserve(m->w->loop, 1);
	return fd;
}

static void
header_drop(struct misc_http *m)
{
	close(header_end(m));
	misc_http_free(m);
}

static void
on_header(struct loop_fd *f, uint32_t events)
{
	struct misc_http *m =
	    (struct misc_http *)(void *)((char *)f - offsetof(struct misc_http, f));
	struct proxyproto h = {0};
	bool ended;

	(void)events;
	switch (proxy_take(m->w, m->fe, f->fd, &h, &ended)) {
	case PROXYPROTO_OK:
		if (!h.known || admit_access(m->fe, &h.src)) {
			http_begin(m, header_end(m));
			return;
		}
		sw64_add(&count_fe(m->w, m->fe)->denied, 1);
		break;
	case PROXYPROTO_MORE:
		if (!ended && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
			return;
		break;
	default:
		break;
	}
	header_drop(m);
}

static void
on_header_limit(struct loop_timer *t)
{
	header_drop((struct misc_http *)(void *)((char *)t - offsetof(struct misc_http, limit)));
}

/* Edge-triggered, since what has come of a header is only looked at until it is complete. */
static void
header_await(struct misc_http *m, int fd)
{
	m->f.cb = on_header;
	m->f.fd = -1;
	m->since = loop_now(m->w->loop);
	m->limit.cb = on_header_limit;
	if (loop_timer_reserve(m->w->loop, 1) == -1) {
		close(fd);
		misc_http_free(m);
		return;
	}
	if (loop_fd_add(m->w->loop, &m->f, fd, EPOLLIN | EPOLLRDHUP | EPOLLET) == -1) {
		loop_timer_unreserve(m->w->loop, 1);
		close(fd);
		misc_http_free(m);
		return;
	}
	loop_timer_set(m->w->loop, &m->limit,
	    mono_add_ms(loop_now(m->w->loop), m->fe->conf->timeout_client_hs_ms));
}

void
misc_http_accept(struct worker *w, const struct gen_frontend *fe, int fd, bool proxied)
{
	struct misc_http *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		close(fd);
		misc_closed(w);
		return;
	}
	m->w = w;
	m->fe = fe;
	worker_gen_ref(fe->gen);
	/* Counted for statistics; the limit is that of all such connections. */
	limit_take_fe(w->seg, fe->slot, 0);
	m->next = https;
	m->prev = &https;
	if (m->next != NULL)
		m->next->prev = &m->next;
	https = m;
	if (proxied)
		header_await(m, fd);
	else
		http_begin(m, fd);
}

bool
misc_evict(struct worker *w)
{
	bool cli = control.loop != NULL;

	return (cli && cli_evict(&control, false, EVICT_MS)) ||
	       evict_http(w, NULL, false, EVICT_MS) || evict_http(w, NULL, true, STALL_MS) ||
	       (cli && cli_evict(&control, true, STALL_MS));
}

/* Another worker has connections waiting and none of its own to close: makes room for it. */
static void
evict_for_others(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers);

	for (uint32_t i = 0; i < n && i < SHM_MAX_WORKERS; i++) {
		if (i == w->index || sw32_get(&shm_worker(w->seg, i)->wants_misc) == 0)
			continue;
		/* Rung for nothing it would ring back, without end. */
		if (!misc_evict(w))
			return;
		for (int k = 1; k < EVICT_TURN && misc_evict(w); k++)
			;
		child_ring_worker(w->child, i);
	}
}

void
misc_bell(struct worker *w)
{
	call_look(w);
	cli_bell(&control);
	if (limit_sum_misc(w->seg) >= LIMIT_MISC)
		evict_for_others(w);
	/* Whoever came under an older configuration comes again to be answered by the new one. */
	for (struct misc_http *m = https; m != NULL; m = m->next) {
		if (m->fe->gen == w->gen && !w->stopping)
			continue;
		if (m->conn != NULL)
			http_drain(m->conn);
	}
	if (w->stopping)
		worker_check_stopped(w);
}

bool
misc_answers(const struct worker *w)
{
	(void)w;
	return https != NULL;
}
