/* SPDX-License-Identifier: ISC */
/* Connections of this worker that are no sessions: hands them to the control socket's and to the
 * monitoring frontends' servers, counts what they do. One worker a process, so what they share lies
 * in this file. */
#include "worker/misc.h"

#include <stdlib.h>
#include <unistd.h>

#include "shm/limit.h"
#include "worker/call.h"
#include "worker/cli.h"
#include "worker/count.h"
#include "worker/monitor.h"

#define EVICT_MS   100
#define EVICT_TURN 8 /* for another worker */

void
misc_closed(struct worker *w)
{
	limit_release_misc(w->seg);
	w->look = true;
}

/* ---- control socket ---------------------------------------------------------------------------
 */

static const struct conf *
conf_in_force(void *ctx)
{
	const struct worker *w = ctx;

	return w->gen != NULL ? w->gen->conf : NULL;
}

static void
control_closed(void *ctx)
{
	misc_closed(ctx);
}

static struct ask ask;
static struct cli control = {.conf = conf_in_force, .closed = control_closed, .ask = &ask};

void
misc_control_accept(struct worker *w, int fd)
{
	const struct conf_control *conf = &w->gen->conf->global.control;

	control.loop = w->loop;
	control.shm = w->seg;
	control.ctx = w;
	ask.shm = w->seg;
	ask.own = w->own;
	ask.index = w->index;
	ask.bells = &w->child->start.bells;
	if (cli_open(&control, fd, (enum command_level)conf->level, conf->timeout_ms) == -1)
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
	struct http_conn *conn;
	enum monitor_what asked; /* by the request under way */
	struct misc_http *next;
	struct misc_http **prev;
};

static struct misc_http *https; /* all of them */

static void
http_answer(struct http_conn *c, const struct http_request *rq, struct http_reply *rp)
{
	struct misc_http *m = http_ctx(c);

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
    .bytes = http_bytes,
    .closed = http_closed,
};

void
misc_http_accept(
    struct worker *w, const struct gen_frontend *fe, int fd, const struct sock_addr *peer)
{
	struct http_times times = {
	    .request_ms = fe->conf->timeout_http_request_ms,
	    .keep_alive_ms = fe->conf->timeout_http_keep_alive_ms,
	    .send_ms = fe->conf->timeout_client_ms,
	};
	struct misc_http *m = calloc(1, sizeof(*m));

	(void)peer;
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
	m->conn = http_open(w->loop, fd, &http_ops, &times, m);
	if (m->conn == NULL)
		misc_http_free(m);
}

bool
misc_evict(struct worker *w)
{
	struct misc_http *oldest = NULL;
	struct mono since, first = {0};

	if (control.loop != NULL && cli_evict(&control, EVICT_MS))
		return true;
	for (struct misc_http *m = https; m != NULL; m = m->next)
		if (http_is_idle(m->conn, &since) &&
		    (oldest == NULL || mono_before(since, first))) {
			oldest = m;
			first = since;
		}
	if (oldest == NULL || mono_diff_ms(loop_now(w->loop), first) < EVICT_MS)
		return false;
	http_close(oldest->conn);
	return true;
}

/* Another worker has connections waiting and none of its own to close: makes room for it. */
static void
evict_for_others(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_workers);

	for (uint32_t i = 0; i < n && i < SHM_MAX_WORKERS; i++) {
		if (i == w->index || sw32_get(&shm_worker(w->seg, i)->wants_misc) == 0)
			continue;
		for (int k = 0; k < EVICT_TURN && misc_evict(w); k++)
			;
		child_ring_worker(w->child, i);
	}
}

void
misc_bell(struct worker *w)
{
	struct misc_http *next;

	call_look(w);
	cli_bell(&control);
	if (limit_sum_misc(w->seg) >= LIMIT_MISC)
		evict_for_others(w);
	/* Whoever came under an older configuration comes again to be answered by the new one. */
	for (struct misc_http *m = https; m != NULL; m = next) {
		next = m->next;
		if (m->fe->gen != w->gen || w->stopping)
			http_drain(m->conn);
	}
}
