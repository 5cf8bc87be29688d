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
#define NOFILE_OWN       32 /* besides sockets, of any of our processes */
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

/* Owner of a UNIX socket. Returns 0, or -1 after a message. */
static int
want_owner(struct listener_want *w, const char *user, const char *group, struct listener_error *err)
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;
	const struct group *gr = group != NULL ? getgrnam(group) : NULL;

	w->uid = pw != NULL ? pw->pw_uid : (uid_t)-1;
	w->gid = gr != NULL ? gr->gr_gid : (gid_t)-1;
	if ((user == NULL || pw != NULL) && (group == NULL || gr != NULL))
		return 0;
	snprintf(err->text, sizeof(err->text), "socket %s: no such user or group: %s%s%s", w->name,
	    user != NULL ? user : "", group != NULL ? ":" : "", group != NULL ? group : "");
	return -1;
}

static int
want_bind(struct listener_want *w, const struct conf_frontend *f, const struct conf_bind *b,
    struct listener_error *err)
{
	*w = (struct listener_want){.name = b->name,
	    .addr = b->addr,
	    .last = b->last,
	    .v4v6 = b->v4v6,
	    .interface = b->interface,
	    .inherited = b->inherited,
	    .mode = b->mode,
	    .backlog = (int)(b->backlog != 0 ? b->backlog : f->backlog),
	    .keepalive = f->keepalive.on,
	    .keep_idle_s = f->keepalive.idle_s,
	    .keep_interval_s = f->keepalive.interval_s,
	    .keep_count = f->keepalive.count,
	    .user_timeout_ms = (int)f->tcp_user_timeout_ms};
	return want_owner(w, b->user, b->group, err);
}

static int
want_control(struct listener_want *w, const struct conf_control *c, struct listener_error *err)
{
	*w = (struct listener_want){.name = c->name,
	    .addr = c->addr,
	    .last = sock_addr_port(&c->addr),
	    .inherited = c->inherited,
	    .backlog = 64,
	    .control = true,
	    .mode = c->mode};
	return want_owner(w, c->user, c->group, err);
}

/* Listening sockets in all. */
static uint64_t
wants_sockets(const struct conf *c, unsigned n_workers)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->global.n_controls; i++)
		n += c->global.controls[i].addr.family == AF_UNIX ||
			     c->global.controls[i].inherited != NULL
			 ? 1
			 : n_workers;
	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t k = 0; k < c->frontends[i].n_binds; k++) {
			const struct conf_bind *b = &c->frontends[i].binds[k];
			uint16_t first = sock_addr_port(&b->addr);

			if (b->inherited != NULL || b->addr.family == AF_UNIX)
				n++;
			else
				n += b->last > first ? (unsigned)(b->last - first) + 1 : n_workers;
		}
	return n;
}

uint64_t
wants_nofile(const struct conf *c, unsigned n_workers)
{
	return wants_sockets(c, n_workers) + NOFILE_OWN;
}

bool
wants_nothing(const struct conf *c)
{
	return c->n_frontends == 0 && c->vrrp.n_routers == 0;
}

int
wants_check(const struct conf *c, unsigned n_workers, uint64_t nofile, char *reason, size_t size)
{
	uint64_t n = wants_sockets(c, n_workers);

	if (n + NOFILE_OWN <= nofile)
		return 0;
	snprintf(reason, size,
	    "%llu listening sockets (one a worker and address, %u workers; one a port of a range) "
	    "and %d descriptors for the rest are more than this process may have: %llu",
	    (unsigned long long)n, n_workers, NOFILE_OWN, (unsigned long long)nofile);
	return -1;
}

int
wants_listeners(
    struct wants *w, const struct master *m, const struct conf *c, struct listener_error *err)
{
	size_t n = 1 + c->global.n_controls;

	if (wants_check(c, m->n_workers, m->nofile, err->text, sizeof(err->text)) == -1)
		return -1;

	for (size_t i = 0; i < c->n_frontends; i++)
		n += c->frontends[i].n_binds;
	*w = (struct wants){.v = calloc(n, sizeof(*w->v))};
	if (w->v == NULL) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return -1;
	}
	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t k = 0; k < c->frontends[i].n_binds; k++)
			if (want_bind(&w->v[w->n++], &c->frontends[i], &c->frontends[i].binds[k],
				err) == -1)
				goto fail;
	for (size_t i = 0; i < c->global.n_controls; i++)
		if (want_control(&w->v[w->n++], &c->global.controls[i], err) == -1)
			goto fail;
	return 0;
fail:
	wants_free(w);
	return -1;
}

void
wants_free(struct wants *w)
{
	free(w->v);
	*w = (struct wants){0};
}
