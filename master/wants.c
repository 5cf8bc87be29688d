/* SPDX-License-Identifier: ISC */
/* What a configuration needs of the operating system: listeners, limits, processes. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "master/master.h"

#define MAXCONN_A_WORKER 10000
#define NOFILE_RESERVE   200
#define WORKERS_MOST     8

unsigned
wants_workers(const struct conf *c)
{
	unsigned n = c->global.workers;

	if (n == 0) {
		n = proc_cpus();
		n = n < WORKERS_MOST ? n : WORKERS_MOST;
	}
	return n;
}

/* hard-parts.md 11: min(10,000, (nofile - 200) / 2) a worker, unless set. */
unsigned
wants_maxconn(const struct conf *c, unsigned n_workers, uint64_t nofile)
{
	uint64_t each = nofile > NOFILE_RESERVE + 2 ? (nofile - NOFILE_RESERVE) / 2 : 1;

	if (c->global.maxconn != 0)
		return c->global.maxconn;
	if (each > MAXCONN_A_WORKER)
		each = MAXCONN_A_WORKER;
	return (unsigned)each * n_workers;
}

static void
want_bind(struct listener_want *w, const struct conf_frontend *f, const struct conf_bind *b)
{
	*w = (struct listener_want){.name = b->name,
	    .addr = b->addr,
	    .backlog = (int)f->backlog,
	    .keepalive = f->keepalive.on,
	    .keep_idle_s = f->keepalive.idle_s,
	    .keep_interval_s = f->keepalive.interval_s,
	    .keep_count = f->keepalive.count,
	    .user_timeout_ms = (int)f->tcp_user_timeout_ms,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1};
}

static int
want_control(struct listener_want *w, const struct master *m, const struct conf_control *c)
{
	const struct passwd *pw = c->user != NULL ? getpwnam(c->user) : NULL;
	const struct group *gr = c->group != NULL ? getgrnam(c->group) : NULL;

	*w = (struct listener_want){.name = c->path,
	    .backlog = 64,
	    .control = true,
	    .mode = c->mode,
	    .uid = pw != NULL ? pw->pw_uid : (uid_t)-1,
	    .gid = gr != NULL ? gr->gr_gid : (gid_t)-1};
	(void)m;
	if ((c->user != NULL && pw == NULL) || (c->group != NULL && gr == NULL)) {
		log_err("control socket: no such user or group: %s%s%s",
		    c->user != NULL ? c->user : "", c->group != NULL ? ":" : "",
		    c->group != NULL ? c->group : "");
		return -1;
	}
	w->addr.un.sun_family = AF_UNIX;
	if (strlen(c->path) >= sizeof(w->addr.un.sun_path)) {
		log_err("control socket: path longer than %zu bytes: %s",
		    sizeof(w->addr.un.sun_path) - 1, c->path);
		return -1;
	}
	strcpy(w->addr.un.sun_path, c->path);
	w->addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(c->path) + 1);
	return 0;
}

int
wants_listeners(struct wants *w, const struct master *m, const struct conf *c)
{
	size_t n = 1;

	for (size_t i = 0; i < c->n_frontends; i++)
		n += c->frontends[i].n_binds;
	*w = (struct wants){.v = calloc(n, sizeof(*w->v))};
	if (w->v == NULL) {
		log_err("out of memory");
		return -1;
	}
	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t k = 0; k < c->frontends[i].n_binds; k++)
			want_bind(&w->v[w->n++], &c->frontends[i], &c->frontends[i].binds[k]);
	if (c->global.control.path != NULL &&
	    want_control(&w->v[w->n++], m, &c->global.control) == -1) {
		wants_free(w);
		return -1;
	}
	return 0;
}

void
wants_free(struct wants *w)
{
	free(w->v);
	*w = (struct wants){0};
}
