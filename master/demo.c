/* SPDX-License-Identifier: ISC */
/*
 * The quickstart's demo servers: for each server whose address is on loopback a child that answers
 * HTTP with the server's name. A port that is taken is replaced by a free one; the same for the
 * frontends' binds, so that a newcomer sees balancing whatever runs on his machine.
 */
#include "worker/demo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "conf/arena.h"
#include "lib/log.h"
#include "master/master.h"

/* What was replaced at the start, for reloads of the same file. */
#define REPLACED_MAX 64
static struct replaced {
	char from[SOCK_ADDR_TEXT];
	struct sock_addr to;
} replaced[REPLACED_MAX];
static unsigned n_replaced;

static void
replaced_add(const char *from, const struct sock_addr *to)
{
	if (n_replaced == REPLACED_MAX)
		return;
	snprintf(replaced[n_replaced].from, SOCK_ADDR_TEXT, "%s", from);
	replaced[n_replaced++].to = *to;
}

static const struct sock_addr *
replaced_find(const char *from)
{
	for (unsigned i = 0; i < n_replaced; i++)
		if (strcmp(replaced[i].from, from) == 0)
			return &replaced[i].to;
	return NULL;
}

/* Binds and listens; port 0 when the wanted one is taken. a is set to what was bound. */
static int
demo_listen(struct sock_addr *a)
{
	int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(a->in6);

	if (fd == -1)
		return -1;
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, &a->sa, a->len) == -1) {
		sock_addr_set_port(a, 0);
		if (bind(fd, &a->sa, a->len) == -1)
			goto fail;
	}
	if (listen(fd, 128) == -1 || getsockname(fd, &a->sa, &len) == -1)
		goto fail;
	a->len = len;
	return fd;
fail:
	close(fd);
	return -1;
}

static int
demo_fork(struct master *m, const char *name, int fd)
{
	pid_t parent = getpid(), pid;
	char own[128]; /* the configuration is not there for a forked process */

	snprintf(own, sizeof(own), "%s", name);
	pid = fork();
	if (pid == 0) {
		proc_signals_child();
		proc_title_set("vipd: demo server %s", own);
		proc_close_others(&fd, 1);
		log_after_fork();
		if (proc_confine(&m->user, 0, SIGKILL, parent) == -1 || proc_no_more() == -1)
			_exit(PROC_EXIT_PERMISSION);
		_exit(demo_main(own, fd));
	}
	close(fd);
	if (pid == -1)
		return -1;
	m->demos[m->n_demos++] = pid;
	return 0;
}

static bool
is_loopback(const struct sock_addr *a)
{
	if (a->family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

int
demo_start(struct master *m, struct conf *c)
{
	for (size_t b = 0; b < c->n_backends; b++)
		for (size_t i = 0; i < c->backends[b].n_servers; i++) {
			struct conf_server *v = &c->backends[b].servers[i];
			char text[SOCK_ADDR_TEXT];
			int fd;

			if (!is_loopback(&v->addr) || m->n_demos == 64)
				continue;
			fd = demo_listen(&v->addr);
			if (fd == -1) {
				log_crit("demo server %s: %s", v->name, strerror(errno));
				return -1;
			}
			if (strcmp(v->address, sock_addr_format(&v->addr, text, sizeof(text))) != 0)
				replaced_add(v->address, &v->addr);
			v->address = arena_strdup(c->arena, text);
			if (demo_fork(m, v->name, fd) == -1)
				return -1;
		}
	return 0;
}

static void
bind_set(struct conf *c, struct conf_bind *b, const struct sock_addr *a)
{
	char text[SOCK_ADDR_TEXT];

	b->addr = *a;
	b->last = sock_addr_port(a);
	b->name = arena_strdup(c->arena, sock_addr_format(a, text, sizeof(text)));
}

/* A bind whose port is taken gets a free one. */
static void
bind_adjust(struct conf *c, struct conf_bind *b)
{
	struct sock_addr a = b->addr;
	int fd = demo_listen(&a);

	if (fd == -1)
		return;
	close(fd);
	if (sock_addr_port(&a) == sock_addr_port(&b->addr))
		return;
	log_warning("%s is taken; using port %u instead", b->name, sock_addr_port(&a));
	replaced_add(b->name, &a);
	bind_set(c, b, &a);
}

void
demo_adjust_binds(struct conf *c)
{
	for (size_t f = 0; f < c->n_frontends; f++)
		for (size_t i = 0; i < c->frontends[f].n_binds; i++)
			if (c->frontends[f].binds[i].addr.family != AF_UNIX)
				bind_adjust(c, &c->frontends[f].binds[i]);
}

void
demo_replace(struct conf *c)
{
	const struct sock_addr *a;
	char text[SOCK_ADDR_TEXT];

	for (size_t f = 0; f < c->n_frontends; f++)
		for (size_t i = 0; i < c->frontends[f].n_binds; i++)
			if ((a = replaced_find(c->frontends[f].binds[i].name)) != NULL)
				bind_set(c, &c->frontends[f].binds[i], a);
	for (size_t b = 0; b < c->n_backends; b++)
		for (size_t i = 0; i < c->backends[b].n_servers; i++) {
			struct conf_server *v = &c->backends[b].servers[i];

			if ((a = replaced_find(v->address)) == NULL)
				continue;
			v->addr = *a;
			v->address =
			    arena_strdup(c->arena, sock_addr_format(a, text, sizeof(text)));
		}
}
