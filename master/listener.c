/* SPDX-License-Identifier: ISC */
/* Opening listening sockets. Runs in the master. */
#include "master/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/inherit.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

static void
options_set(int fd, const struct listener_want *w)
{
	if (w->addr.family == AF_UNIX)
		return; /* an inherited UNIX socket refuses them, and no harm is done */
	/* Accepted sockets inherit these: system calls that no connection has to make. */
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sock_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, w->keepalive ? 1 : 0);
	if (w->keepalive) {
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, w->keep_idle_s);
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, w->keep_interval_s);
		sock_set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, w->keep_count);
	}
	sock_set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, w->user_timeout_ms);
}

static int
socket_new(const struct listener_want *w, bool reuseport)
{
	int fd = socket(w->addr.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (w->addr.family == AF_INET)
		sock_set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (w->addr.family == AF_INET6) {
		sock_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !w->v4v6);
		sock_set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	}
	if (reuseport)
		sock_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (w->interface != NULL && w->addr.family != AF_UNIX &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->interface,
		(socklen_t)strlen(w->interface)) == -1) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* The address of a queue of a range, or of all queues. */
static struct sock_addr
queue_addr(const struct listener_want *w, unsigned queue)
{
	struct sock_addr a = w->addr;

	if (w->last > sock_addr_port(&w->addr))
		sock_addr_set_port(&a, (uint16_t)(sock_addr_port(&w->addr) + queue));
	return a;
}

static bool
takes_all(const struct sock_addr *a, bool v4v6, int family)
{
	return sock_addr_is_any(a) && (a->family == family || v4v6);
}

/* True if an address that we hold already would make a bind of w fail: a port in common, addresses
 * that overlap. */
static bool
overlaps(const struct listener *held, const struct listener_want *w)
{
	uint16_t first = sock_addr_port(&w->addr);
	struct sock_addr a = w->addr, b;

	sock_addr_set_port(&a, 0);
	for (; held != NULL; held = held->next) {
		if (held->inherited || held->last < first || sock_addr_port(&held->addr) > w->last)
			continue;
		b = held->addr;
		sock_addr_set_port(&b, 0);
		if (takes_all(&a, w->v4v6, b.family) || takes_all(&b, held->v4v6, a.family) ||
		    sock_addr_equal(&a, &b))
			return true;
	}
	return false;
}

/* A UNIX socket file that nobody listens on is a leftover and goes; a live one is refused. */
static int
unix_clear(const struct sock_addr *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->un.sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	r = connect(fd, &a->sa, a->len);
	close(fd);
	if (r == 0 || errno == EAGAIN) {
		errno = EADDRINUSE;
		return -1;
	}
	return unlink(a->un.sun_path);
}

/* Owner and group as wanted; chown needs a capability that the unit does not give. */
static int
unix_own(const struct listener_want *w)
{
	struct stat st;

	if (stat(w->addr.un.sun_path, &st) == -1)
		return -1;
	if ((w->uid == (uid_t)-1 || w->uid == st.st_uid) &&
	    (w->gid == (gid_t)-1 || w->gid == st.st_gid))
		return 0;
	return chown(w->addr.un.sun_path, w->uid, w->gid);
}

static int
unix_bind(int fd, const struct listener_want *w)
{
	gid_t mine = getegid();
	bool as_group = w->gid != (gid_t)-1 && w->gid != mine;
	mode_t old;
	int r;

	if (unix_clear(&w->addr) == -1)
		return -1;
	old = umask(0777 & ~(w->mode != 0 ? w->mode : 0600));
	/* The group by making it as that group: changing to one is allowed where chown is not. */
	as_group = as_group && setegid(w->gid) == 0;
	r = bind(fd, &w->addr.sa, w->addr.len);
	if (as_group && setegid(mine) == -1)
		abort();
	umask(old);
	if (r == -1)
		return -1;
	if (w->mode != 0 && chmod(w->addr.un.sun_path, w->mode) == -1)
		return -1;
	return unix_own(w);
}

/* Queues that the listener has: see struct listener. */
static unsigned
queues_of(const struct listener_want *w, unsigned n_workers)
{
	if (w->inherited != NULL)
		return inherit_count(w->inherited);
	if (w->addr.family == AF_UNIX)
		return 1;
	if (w->last > sock_addr_port(&w->addr))
		return (unsigned)(w->last - sock_addr_port(&w->addr)) + 1;
	return n_workers;
}

static struct listener *
listener_new(const struct listener_want *w, unsigned n, uint64_t generation)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->n_queues = queues_of(w, n);
	l->inherited = w->inherited != NULL;
	l->shared = l->inherited || w->addr.family == AF_UNIX || w->last > sock_addr_port(&w->addr);
	l->name = strdup(w->name);
	l->queues = malloc((l->n_queues + 1) * sizeof(int));
	l->since_q = calloc(l->n_queues + 1, sizeof(*l->since_q));
	l->addr = w->addr;
	l->last = w->last;
	l->v4v6 = w->v4v6;
	l->control = w->control;
	l->since = generation;
	if (l->name == NULL || l->queues == NULL || l->since_q == NULL) {
		free(l->name);
		free(l->queues);
		free(l->since_q);
		free(l);
		return NULL;
	}
	for (unsigned i = 0; i < l->n_queues; i++) {
		l->queues[i] = -1;
		l->since_q[i] = generation;
	}
	return l;
}

static void
say(struct listener_error *err, const struct listener_want *w, unsigned queue, const char *what)
{
	struct sock_addr a = queue_addr(w, queue);
	char holder[128], one[SOCK_ADDR_TEXT];
	int e = errno;

	if (e == EADDRINUSE && w->addr.family != AF_UNIX)
		snprintf(err->text, sizeof(err->text), "%s: already in use by %s",
		    w->last > sock_addr_port(&w->addr) ? sock_addr_format(&a, one, sizeof(one))
						       : w->name,
		    listener_holder(&a, holder, sizeof(holder)));
	else if (e == EADDRINUSE)
		snprintf(err->text, sizeof(err->text), "%s: another process answers on this socket",
		    w->name);
	else if (e == EACCES && w->addr.family != AF_UNIX && sock_addr_port(&w->addr) < 1024)
		snprintf(err->text, sizeof(err->text),
		    "%s: permission denied: a port below 1024 needs root or CAP_NET_BIND_SERVICE",
		    w->name);
	else
		snprintf(
		    err->text, sizeof(err->text), "%s: cannot %s: %s", w->name, what, strerror(e));
}

/* The descriptors, each a copy, so that the original stays for whoever names it next. */
static int
inherited_open(struct listener *l, const struct listener_want *w, struct listener_error *err)
{
	if (l->n_queues == 0) {
		snprintf(err->text, sizeof(err->text),
		    "%s: vipd was not started with such a listening socket; it has: %s", w->name,
		    inherit_list());
		return -1;
	}
	for (unsigned i = 0; i < l->n_queues; i++) {
		l->queues[i] = inherit_open(w->inherited, i);
		if (l->queues[i] == -1) {
			say(err, w, i, "copy the descriptor");
			return -1;
		}
		options_set(l->queues[i], w);
	}
	return 0;
}

/* First queue, or all of a range, bound so that the kernel tells whether anybody else is there. */
static int
first_bind(struct listener *l, const struct listener_want *w, const struct listener *held,
    struct listener_error *err)
{
	bool reuseport;

	if (l->inherited)
		return inherited_open(l, w, err);
	reuseport = overlaps(held, w);
	for (unsigned i = 0; i < (l->shared ? l->n_queues : 1); i++) {
		struct sock_addr a = queue_addr(w, i);
		int fd = socket_new(w, reuseport), r;

		l->queues[i] = fd;
		if (fd == -1) {
			say(err, w, i, "open a socket");
			return -1;
		}
		r = a.family == AF_UNIX ? unix_bind(fd, w) : bind(fd, &a.sa, a.len);
		if (r == -1) {
			say(err, w, i, "bind");
			return -1;
		}
	}
	return 0;
}

static int
others_join(struct listener *l, const struct listener_want *w, struct listener_error *err)
{
	if (w->addr.family == AF_UNIX || l->inherited)
		return 0;
	for (unsigned i = 0; i < l->n_queues; i++) {
		if (l->queues[i] == -1) {
			l->queues[i] = socket_new(w, true);
			if (l->queues[i] == -1 ||
			    bind(l->queues[i], &w->addr.sa, w->addr.len) == -1)
				goto fail;
		} else if (sock_set_int(l->queues[i], SOL_SOCKET, SO_REUSEPORT, 1) == -1) {
			goto fail;
		}
		options_set(l->queues[i], w);
	}
	return 0;
fail:
	say(err, w, 0, "open its queues");
	return -1;
}

static int
all_listen(struct listener *l, const struct listener_want *w, struct listener_error *err)
{
	/* The backlog of an inherited one is its owner's. */
	for (unsigned i = 0; i < l->n_queues && !l->inherited; i++)
		if (listen(l->queues[i], w->backlog > 0 ? w->backlog : 1024) == -1) {
			say(err, w, i, "listen");
			return -1;
		}
	l->backlog = w->backlog > 0 ? w->backlog : 1024;
	return 0;
}

/* Queues for workers that a reload adds. They join the group at once, and get clients when they
 * listen. Room for them in the arrays comes first: the commit cannot fail. */
static int
grow(struct listener *l, const struct listener_want *w, unsigned n, struct listener_error *err)
{
	unsigned more = l->shared || n <= l->n_queues ? 0 : n - l->n_queues;
	int *q;
	uint64_t *since;

	if (more == 0 || l->more != NULL)
		return 0;
	l->more = malloc(more * sizeof(int));
	l->n_more = 0;
	q = realloc(l->queues, n * sizeof(int));
	if (q != NULL)
		l->queues = q;
	since = realloc(l->since_q, n * sizeof(*since));
	if (since != NULL)
		l->since_q = since;
	if (l->more == NULL || q == NULL || since == NULL) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return -1;
	}
	while (l->n_more < more) {
		int fd = socket_new(w, true);

		if (fd == -1) {
			say(err, w, 0, "open its queues");
			return -1;
		}
		l->more[l->n_more++] = fd;
		options_set(fd, w);
		if (bind(fd, &w->addr.sa, w->addr.len) == -1) {
			say(err, w, 0, "open its queues");
			return -1;
		}
	}
	return 0;
}

/* What l, which is one of them, was opened for: the first of its name. */
static const struct listener_want *
want_of(const struct listener *l, const struct listener_want *want)
{
	while (strcmp(want->name, l->name) != 0)
		want++;
	return want;
}

int
listener_open_all(struct listener **out, const struct listener_want *want, size_t n_want,
    struct listener *held, unsigned n, uint64_t generation, struct listener_error *err)
{
	struct listener *set = NULL, **tail = &set, *l;

	for (size_t i = 0; i < n_want; i++) {
		l = listener_find(held, want[i].name);
		if (l != NULL && l->left != 0)
			l->back = generation;
		if (l != NULL && grow(l, &want[i], n, err) == -1)
			goto fail;
		if (l != NULL || listener_find(set, want[i].name) != NULL)
			continue;
		l = listener_new(&want[i], n, generation);
		if (l == NULL)
			goto nomem;
		*tail = l;
		tail = &l->next;
		if (first_bind(l, &want[i], held, err) == -1)
			goto fail;
	}
	for (l = set; l != NULL; l = l->next)
		if (others_join(l, want_of(l, want), err) == -1)
			goto fail;
	for (l = set; l != NULL; l = l->next)
		if (all_listen(l, want_of(l, want), err) == -1)
			goto fail;
	*out = set;
	return 0;
nomem:
	snprintf(err->text, sizeof(err->text), "out of memory");
fail:
	listener_free_all(set);
	listener_shed_all(held);
	return -1;
}

void
listener_join(struct listener *l, uint64_t generation)
{
	for (unsigned i = 0; i < l->n_more; i++) {
		if (!l->paused && listen(l->more[i], l->backlog) == -1)
			log_err(
			    "%s: a new worker's queue cannot listen: %s", l->name, strerror(errno));
		l->queues[l->n_queues] = l->more[i];
		l->since_q[l->n_queues++] = generation;
	}
	free(l->more);
	l->more = NULL;
	l->n_more = 0;
}

void
listener_shed_all(struct listener *set)
{
	for (struct listener *l = set; l != NULL; l = l->next) {
		for (unsigned i = 0; i < l->n_more; i++)
			close(l->more[i]);
		free(l->more);
		l->more = NULL;
		l->n_more = 0;
	}
}

void
listener_adjust(struct listener *l, const struct listener_want *want)
{
	for (unsigned i = 0; i < l->n_queues; i++) {
		options_set(l->queues[i], want);
		if (want->backlog > 0 && !l->inherited && !l->paused)
			listen(l->queues[i], want->backlog);
	}
	if (want->backlog > 0)
		l->backlog = want->backlog;
	if (l->addr.family != AF_UNIX)
		return;
	if (want->mode != 0)
		chmod(l->addr.un.sun_path, want->mode);
	if (want->uid != (uid_t)-1 || want->gid != (gid_t)-1)
		(void)!chown(l->addr.un.sun_path, want->uid, want->gid);
}

void
listener_pause(struct listener *l, bool paused)
{
	if (l->paused == paused || l->inherited || l->addr.family == AF_UNIX)
		return;
	l->paused = paused;
	for (unsigned i = 0; i < l->n_queues; i++) {
		/* Back to what it was between bind and listen: others are refused the port. */
		if (paused)
			shutdown(l->queues[i], SHUT_RD);
		else if (listen(l->queues[i], l->backlog) == -1)
			log_err("cannot listen on %s again: %s", l->name, strerror(errno));
	}
}

void
listener_deafen(struct listener *l)
{
	static struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* TCP's flags */
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), /* SYN without ACK */
	    BPF_STMT(BPF_RET | BPF_K, 0),
	    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	static const struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	l->deaf = true;
	for (unsigned i = 0; i < l->n_queues && l->addr.family != AF_UNIX && !l->inherited; i++)
		setsockopt(l->queues[i], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

void
listener_hear(struct listener *l)
{
	l->deaf = false;
	/* With a value, though it means nothing: the kernel refuses an option without one. ENOENT:
	 * it was not deaf, or was not allowed to be. */
	for (unsigned i = 0; i < l->n_queues && l->addr.family != AF_UNIX && !l->inherited; i++)
		if (sock_set_int(l->queues[i], SOL_SOCKET, SO_DETACH_FILTER, 0) == -1 &&
		    errno != ENOENT)
			log_err("%s stays deaf to new clients: %s", l->name, strerror(errno));
}

struct listener *
listener_find(struct listener *set, const char *name)
{
	for (; set != NULL; set = set->next)
		if (strcmp(set->name, name) == 0)
			return set;
	return NULL;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	/* The file of a UNIX socket goes only if it is ours: bound, thus a name in the kernel. */
	if (l->addr.family == AF_UNIX && l->n_queues > 0 && l->queues[0] != -1) {
		struct sock_addr own = {.len = sizeof(own.un)};

		if (getsockname(l->queues[0], &own.sa, &own.len) == 0 &&
		    own.len > sizeof(sa_family_t))
			unlink(l->addr.un.sun_path);
	}
	for (unsigned i = 0; i < l->n_queues; i++)
		if (l->queues[i] != -1)
			close(l->queues[i]);
	for (unsigned i = 0; i < l->n_more; i++)
		close(l->more[i]);
	free(l->more);
	free(l->queues);
	free(l->since_q);
	free(l->name);
	free(l);
}

void
listener_free_all(struct listener *set)
{
	while (set != NULL) {
		struct listener *next = set->next;

		listener_free(set);
		set = next;
	}
}
