/* SPDX-License-Identifier: ISC */
/*
 * The worker process: generations, the bell, stopping. It owns its accept queues and its sessions,
 * writes only its own section of the segment (and cursors and tickets by fetch-add), and opens no
 * path.
 */
#include "worker/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/targets.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "worker/count.h"
#include "worker/drain.h"
#include "worker/follow.h"
#include "worker/fair.h"
#include "worker/listen.h"
#include "worker/misc.h"
#include "worker/relay.h"
#include "worker/session.h"
#include "worker/wait.h"

#define RETRY_MS     100   /* accepting rests for so long when something is short */
#define SAY_AGAIN_MS 10000 /* one word per shortage */

/* Half of what the kernel lets an unprivileged uid have in pipes; the rest is for others. */
#define PIPE_UID_BYTES (UINT64_C(16384) * 4096 / 2)

static struct worker the_worker; /* one per process; hooks without an argument need it */

/* ---- generations ---------------------------------------------------------------------------- */

void
worker_gen_ref(struct gen *g)
{
	g->refs++;
}

static void
publish_oldest(struct worker *w)
{
	const struct gen *g = w->gen;

	while (g != NULL && g->older != NULL)
		g = g->older;
	sw64_set(&w->own->min_generation, g != NULL ? g->number : 0);
}

void
worker_gen_unref(struct worker *w, struct gen *g)
{
	if (--g->refs > 0)
		return;
	for (struct gen *n = w->gen; n != NULL; n = n->older)
		if (n->older == g)
			n->older = g->older;
	gen_free(g);
	publish_oldest(w);
}

static void
fds_free(struct worker_fd **list)
{
	while (*list != NULL) {
		struct worker_fd *f = *list;

		*list = f->next;
		close(f->fd);
		free(f);
	}
}

int
worker_human_fd(const struct worker *w)
{
	for (const struct worker_fd *f = w->fds; f != NULL; f = f->next)
		if (f->meta.kind == PROTO_FD_HUMAN)
			return f->fd;
	return -1;
}

/* Files and log sockets that came with a generation. */
static int
fds_keep(struct worker *w, struct child_fd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct worker_fd *f;

		if (fds[i].fd == -1 ||
		    (fds[i].meta.kind != PROTO_FD_FILE && fds[i].meta.kind != PROTO_FD_LOG &&
			fds[i].meta.kind != PROTO_FD_HUMAN))
			continue;
		f = malloc(sizeof(*f));
		if (f == NULL)
			return -1;
		*f = (struct worker_fd){
		    .next = w->prepared_fds, .meta = fds[i].meta, .fd = fds[i].fd};
		w->prepared_fds = f;
		fds[i].fd = -1;
	}
	return 0;
}

/* The networks' files for gen_new: those that came now before those held. NULL: no memory. */
static struct child_fd *
files_list(const struct worker *w, size_t *n)
{
	const struct worker_fd *lists[2] = {w->prepared_fds, w->fds};
	struct child_fd *v;
	size_t k = 0;

	for (int i = 0; i < 2; i++)
		for (const struct worker_fd *f = lists[i]; f != NULL; f = f->next)
			k++;
	v = calloc(k + 1, sizeof(*v));
	*n = 0;
	for (int i = 0; v != NULL && i < 2; i++)
		for (const struct worker_fd *f = lists[i]; f != NULL; f = f->next)
			v[(*n)++] = (struct child_fd){.meta = f->meta, .fd = f->fd};
	return v;
}

static void
drop_prepared(struct worker *w)
{
	gen_free(w->prepared);
	w->prepared = NULL;
	fds_free(&w->prepared_fds);
	listen_abort(w);
}

static int
on_prepare(struct child *c, uint64_t number, const char *text, size_t len, struct child_fd *fds,
    size_t n_fds, char *reason, size_t size)
{
	struct worker *w = c->ctx;
	struct child_fd *files;
	size_t n_files;

	drop_prepared(w);
	snprintf(reason, size, "out of memory");
	if (fds_keep(w, fds, n_fds) == -1)
		goto fail;
	files = files_list(w, &n_files);
	if (files == NULL)
		goto fail;
	w->prepared = gen_new(w->seg, number, text, len, files, n_files, reason, size);
	free(files);
	if (w->prepared == NULL || listen_prepare(w, w->prepared, fds, n_fds, reason, size) == -1)
		goto fail;
	return 0;
fail:
	drop_prepared(w);
	return -1;
}

static void
on_abort(struct child *c, uint64_t number)
{
	(void)number;
	drop_prepared(c->ctx);
}

/* ---- logs ----------------------------------------------------------------------------------- */

static struct worker_fd *
log_fd(struct worker *w, const char *name)
{
	for (struct worker_fd *f = w->fds; f != NULL; f = f->next)
		if (f->meta.kind == PROTO_FD_LOG && strcmp(f->meta.name, name) == 0)
			return f;
	return NULL;
}

static int
target_fd(void *ctx, const char *address)
{
	const struct worker_fd *f = log_fd(ctx, address);

	return f != NULL ? f->fd : -1;
}

static void
logs_use(struct worker *w)
{
	static struct log_target t[LOG_TARGETS_MAX];

	log_set_targets(t, conf_targets(&w->gen->conf->global, target_fd, w, t, NULL));
}

/* The log closes descriptors that no target uses: forget them too. */
static void
fds_merge(struct worker *w)
{
	const struct conf *conf = w->gen->conf;

	while (w->prepared_fds != NULL) {
		struct worker_fd *f = w->prepared_fds;

		w->prepared_fds = f->next;
		for (struct worker_fd **p = &w->fds, *o; (o = *p) != NULL; p = &o->next)
			if (o->meta.kind == f->meta.kind &&
			    strcmp(o->meta.name, f->meta.name) == 0) {
				*p = o->next;
				if (o->meta.kind != PROTO_FD_LOG)
					close(o->fd);
				free(o);
				break;
			}
		f->next = w->fds;
		w->fds = f;
	}
	logs_use(w);
	for (struct worker_fd **p = &w->fds, *f; (f = *p) != NULL;) {
		bool used = f->meta.kind != PROTO_FD_LOG;

		for (size_t i = 0; i < conf->global.n_logs; i++)
			used |= strcmp(conf->global.logs[i].address, f->meta.name) == 0;
		if (used) {
			p = &f->next;
			continue;
		}
		*p = f->next;
		free(f);
	}
}

static void
on_commit(struct child *c, uint64_t number)
{
	struct worker *w = c->ctx;
	struct gen *old = w->gen;

	w->gen = w->prepared;
	w->prepared = NULL;
	w->gen->older = old;
	count_adopt(w, w->gen);
	fds_merge(w);
	listen_commit(w);
	follow_waiting(w);
	sw64_set(&w->own->generation, number);
	publish_oldest(w);
	if (old != NULL)
		worker_gen_unref(w, old);
	if (w->stopping)
		listen_leave(w);
}

/* ---- shortages ------------------------------------------------------------------------------ */

static void
on_retry(struct loop_timer *t)
{
	struct worker *w =
	    (struct worker *)(void *)((char *)t - offsetof(struct worker, retry_timer));

	w->retry_at.ns = 0;
	sw32_set(&w->own->exhausted, 0);
	listen_look(w);
}

static void
on_rate(struct loop_timer *t)
{
	listen_look((struct worker *)(void *)((char *)t - offsetof(struct worker, rate_timer)));
}

void
worker_exhausted(struct worker *w, const char *what, int err)
{
	struct mono now = loop_now(w->loop);

	if (!mono_before(now, w->say_at))
		log_err("out of %s (%s): accepting rests for %d ms at a time", what, strerror(err),
		    RETRY_MS);
	w->say_at = mono_add_ms(now, SAY_AGAIN_MS);
	pipe_pool_trim(&w->pipes);
	if (w->retry_at.ns != 0)
		return;
	w->retry_at = mono_add_ms(now, RETRY_MS);
	sw32_set(&w->own->exhausted, 1);
	loop_timer_set(w->loop, &w->retry_timer, w->retry_at);
	listen_update(w);
}

/* ---- stopping ------------------------------------------------------------------------------- */

void
worker_check_stopped(struct worker *w)
{
	/* In a reload that makes workers fewer, who asks the monitoring is not reset either; if all
	 * of vipd stops, nobody waits for it. */
	if (w->stopping && w->n_sessions == 0 && listen_gone(w) &&
	    (sw32_get(&w->seg->master->stopping) != 0 || !misc_answers(w)))
		child_exit(w->child, PROC_EXIT_DONE);
}

/* A stream that is cut must not look complete: RST. */
static void
end_now(struct worker *w)
{
	while (w->live != NULL)
		session_end(w->live, 'K', SESSION_RESET);
	child_exit(w->child, PROC_EXIT_DONE);
}

static void
on_stop_timer(struct loop_timer *t)
{
	end_now((struct worker *)(void *)((char *)t - offsetof(struct worker, stop_timer)));
}

static void
on_stop(struct child *c, int64_t grace_ms)
{
	struct worker *w = c->ctx;

	if (grace_ms <= 0) {
		end_now(w);
		return;
	}
	loop_timer_set(w->loop, &w->stop_timer, mono_add_ms(loop_now(w->loop), grace_ms));
	if (w->stopping)
		return;
	w->stopping = true;
	listen_leave(w);
}

static void
on_orphaned(struct child *c)
{
	end_now(c->ctx);
}

/* ---- the bell ------------------------------------------------------------------------------- */

/* "Close all sessions on this server": on_marked_down, or a command. */
static void
servers_look(struct worker *w)
{
	uint32_t n = sw32_get(&w->seg->master->n_servers);

	for (uint32_t i = 0; i < n; i++) {
		const struct shm_health *h = shm_health(w->seg, i);
		uint32_t seq = sw32_get(&h->shut_seq);
		char reason = (char)sw32_get(&h->shut_reason);

		if (seq == w->srv[i].shut_seq)
			continue;
		w->srv[i].shut_seq = seq;
		session_doom_server(w, i, reason != '\0' ? reason : 'D');
	}
}

static void
on_bell(struct child *c)
{
	struct worker *w = c->ctx;

	if (w->gen == NULL)
		return;
	servers_look(w);
	drain_look(w);
	wait_look(w);
	listen_look(w);
	misc_bell(w);
}

static void
on_log_fd(struct child *c, const char *name, int fd)
{
	struct worker_fd *f = log_fd(c->ctx, name);

	if (f != NULL)
		f->fd = fd;
}

static void
on_message(struct child *c, struct msg *m)
{
	misc_message(c->ctx, m);
}

/* After a turn's events, before sleeping. */
static bool
on_idle(void *arg)
{
	struct worker *w = arg;
	bool more;

	if (w->look)
		listen_look(w);
	more = session_idle(w);
	wait_serve(w);
	drain_confirm(w);
	sw64_set(&w->own->loops, loop_turns(w->loop));
	sw64_set(&w->own->log_lost, log_lost());
	if (sw32_get(&w->own->pipes) != w->pipes.n)
		sw32_set(&w->own->pipes, w->pipes.n);
	return more || w->look || w->dirty != NULL;
}

/* ---- start ---------------------------------------------------------------------------------- */

static void *
zero_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int
on_ready(struct child *c)
{
	struct worker *w = &the_worker;
	uint32_t n = sw32_get(&c->seg->master->n_workers);

	c->ctx = w;
	*w = (struct worker){.child = c,
	    .loop = c->loop,
	    .seg = c->seg,
	    .own = c->seg->own_worker,
	    .index = c->start.index};
	w->ready_tail = &w->ready;
	w->retry_timer.cb = on_retry;
	w->rate_timer.cb = on_rate;
	w->stop_timer.cb = on_stop_timer;
	slab_init(&w->sessions, sizeof(struct session));
	pipe_pool_init(&w->pipes, PIPE_UID_BYTES / (n > 0 ? n : 1));
	/* Touched only where used. */
	w->srv = zero_pages((size_t)c->seg->caps->servers * sizeof(*w->srv));
	w->buf = zero_pages(RELAY_BUFFER);
	w->listen = listen_new(w);
	w->be = zero_pages((size_t)c->seg->caps->backends * sizeof(*w->be));
	/* The timers of the worker itself: accepting, rates, emptying, waiting, stopping. */
	if (w->srv == NULL || w->be == NULL || w->buf == NULL || w->listen == NULL ||
	    loop_timer_reserve(c->loop, 5) == -1)
		return -1;
	wait_init(w);
	w->drain_seq = sw64_get(&c->seg->vrrp->drain_seq);
	sw64_set(&w->own->drained, w->drain_seq);
	sw32_set(&w->own->pid, (uint32_t)getpid());
	loop_set_idle(c->loop, on_idle, w);
	return 0;
}

int
worker_main(const struct child_start *st)
{
	static const struct child_ops ops = {.prepare = on_prepare,
	    .commit = on_commit,
	    .abort = on_abort,
	    .stop = on_stop,
	    .bell = on_bell,
	    .orphaned = on_orphaned,
	    .log_fd = on_log_fd,
	    .message = on_message};

	fair_forget();
	return child_run(st, &ops, on_ready);
}
