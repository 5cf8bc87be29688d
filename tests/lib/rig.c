/* SPDX-License-Identifier: ISC */
#include "tests/lib/rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "lib/sock.h"
#include "shm/limit.h"
#include "shm/schedule.h"
#include "worker/worker.h"

#define LIMIT_S 60 /* what is on its way comes sooner, unless others have the machine */

static const struct shm_caps caps = {
    .workers = RIG_WORKERS, .frontends = 16, .backends = 16, .servers = 64, .sessions = 4096};

void
rig_init(struct rig *r, unsigned n_workers)
{
	memset(r, 0, sizeof(*r));
	r->n_workers = n_workers;
	r->maxconn = 1000;
	assert_int_equal(shm_create(&r->seg, &caps), 0);
	r->loop = loop_new();
	assert_non_null(r->loop);
	for (unsigned i = 0; i < SHM_MAX_WORKERS; i++)
		r->bells.workers[i] = i < n_workers ? eventfd(0, EFD_NONBLOCK) : -1;
	r->bells.checker = eventfd(0, EFD_NONBLOCK);
	r->bells.vrrp = eventfd(0, EFD_NONBLOCK);
	r->bells.master = eventfd(0, EFD_NONBLOCK);
	sw32_set(&r->seg.own_master->n_workers, n_workers);
	sw32_set(&r->seg.own_master->wanted, n_workers);
	for (unsigned i = 0; i < n_workers; i++)
		r->workers[i] = (struct rig_worker){.rig = r, .pid = -1, .chan.f.fd = -1};
}

static int
queue_open(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	sock_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

uint16_t
rig_listen(struct rig *r)
{
	struct rig_listener *l = &r->listeners[r->n_listeners++];

	memset(l, 0, sizeof(*l));
	l->fds[0] = queue_open(0);
	l->port = port_of(l->fds[0]);
	l->n = r->n_workers;
	for (unsigned i = 1; i < l->n; i++)
		l->fds[i] = queue_open(l->port);
	snprintf(l->name, sizeof(l->name), "127.0.0.1:%u", l->port);
	return l->port;
}

void
rig_listen_unix(struct rig *r, const char *path, bool control)
{
	struct rig_listener *l = &r->listeners[r->n_listeners++];
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memset(l, 0, sizeof(*l));
	l->n = 1;
	l->control = control;
	snprintf(l->name, sizeof(l->name), "%s", path);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	l->fds[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l->fds[0], 1024), 0);
}

void
rig_file(struct rig *r, const char *name, const char *text)
{
	snprintf(r->file_names[r->n_files], sizeof(r->file_names[0]), "%s", name);
	r->files[r->n_files] = proc_memfd("rig", text, strlen(text));
	assert_int_not_equal(r->files[r->n_files++], -1);
}

/* ---- directory ------------------------------------------------------------------------------ */

static void
name_set(char *to, size_t size, const char *name)
{
	snprintf(to, size, "%s", name);
}

static void
server_fill(struct rig *r, uint32_t be, const struct conf_server *v, uint32_t *slot)
{
	struct shm_srv_dir *d = &shm_own_srv_dir(&r->seg)[*slot];
	struct shm_health *h = &shm_own_health(&r->seg)[*slot];

	sw32_set(&d->epoch, 1);
	sw32_set(&d->state, SHM_DIR_USED);
	sw32_set(&d->backend, be);
	sw32_set(&d->maxconn, v->maxconn);
	name_set(d->name, sizeof(d->name), v->name);
	name_set(d->addr, sizeof(d->addr), v->address);
	sw32_set(&h->epoch, 1);
	sw32_set(&h->usable, v->disabled ? 0 : 1);
	sw32_set(&h->uweight, v->weight);
	sw32_set(&h->eweight, v->weight * 256);
	sw32_set(&h->maxconn, SHM_NONE);
	++*slot;
}

/* Slots by place in the file: good enough as long as objects are only appended. */
static void
directory_fill(struct rig *r, const struct conf *c)
{
	struct shm_master *m = r->seg.own_master;
	uint32_t slot = 0;

	for (size_t i = 0; i < c->n_frontends; i++) {
		struct shm_fe_dir *d = &shm_own_fe_dir(&r->seg)[i];

		sw32_set(&d->epoch, 1);
		sw32_set(&d->state, SHM_DIR_USED);
		sw32_set(&d->maxconn, c->frontends[i].maxconn);
		name_set(d->name, sizeof(d->name), c->frontends[i].name);
	}
	for (size_t i = 0; i < c->n_backends; i++) {
		struct shm_be_dir *d = &shm_own_be_dir(&r->seg)[i];
		uint32_t srv[64], weight[64], first = slot, n = 0;

		sw32_set(&d->epoch, 1);
		sw32_set(&d->state, SHM_DIR_USED);
		name_set(d->name, sizeof(d->name), c->backends[i].name);
		for (size_t k = 0; k < c->backends[i].n_servers; k++) {
			server_fill(r, (uint32_t)i, &c->backends[i].servers[k], &slot);
			srv[n] = first + (uint32_t)k;
			weight[n++] = c->backends[i].servers[k].weight;
		}
		assert_int_not_equal(schedule_set(&r->seg, (uint32_t)i, srv, weight, n), -1);
	}
	sw32_set(&m->n_frontends, (uint32_t)c->n_frontends);
	sw32_set(&m->n_backends, (uint32_t)c->n_backends);
	sw32_set(&m->n_servers, slot);
	sw32_set(&m->maxconn, r->maxconn);
}

/* ---- protocol ------------------------------------------------------------------------------- */

static void
on_message(struct msg_chan *chan, struct msg *m)
{
	struct rig_worker *x =
	    (struct rig_worker *)(void *)((char *)chan - offsetof(struct rig_worker, chan));

	if (m->type != PROTO_YES && m->type != PROTO_NO && m->type != PROTO_DONE)
		return;
	x->answer = m->type;
	x->number = m->number;
	if (m->type == PROTO_NO)
		snprintf(x->reason, sizeof(x->reason), "%.*s", (int)m->len, (const char *)m->data);
}

static void
on_closed(struct msg_chan *chan)
{
	struct rig_worker *x =
	    (struct rig_worker *)(void *)((char *)chan - offsetof(struct rig_worker, chan));

	msg_close(chan);
	x->closed = true;
}

static void
fork_one(struct rig *r, unsigned i)
{
	struct rig_worker *x = &r->workers[i];
	pid_t parent = getpid();
	int sv[2];

	assert_int_equal(msg_pair(sv), 0);
	x->pid = fork();
	assert_int_not_equal(x->pid, -1);
	if (x->pid == 0) {
		static struct child_start st;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(126);
		proc_signals_child();
		log_init("worker");
		st = (struct child_start){
		    .kind = SHM_WORKER, .index = i, .sock = sv[1], .bells = r->bells};
		/* Nothing of the test's: no copy of a listener, of another worker's socket. */
		int keep[] = {sv[1], r->seg.ro_fd, r->seg.rw_fd, r->bells.checker, r->bells.vrrp,
		    r->bells.master, r->bells.workers[0], r->bells.workers[1], r->bells.workers[2],
		    r->bells.workers[3]};
		proc_close_others(keep, sizeof(keep) / sizeof(keep[0]));
		if (shm_attach(&st.seg, &r->seg, SHM_WORKER, i) == -1)
			_exit(126);
		_exit(worker_main(
		    &st)); /* not exit: the test's own memory is no leak of the worker */
	}
	close(sv[1]);
	x->closed = false;
	x->chan.cb = on_message;
	x->chan.closed = on_closed;
	assert_int_equal(msg_open(&x->chan, r->loop, sv[0]), 0);
	r->seg.own_master->live[0].v |= 1u << i;
}

static void
send_fds(struct rig *r, struct rig_worker *x)
{
	struct proto_fd meta[RIG_WORKERS * RIG_LISTENERS + 4];
	int fds[RIG_WORKERS * RIG_LISTENERS + 4];
	size_t n = 0;

	memset(meta, 0, sizeof(meta));
	for (unsigned i = 0; i < r->n_listeners; i++) {
		struct rig_listener *l = &r->listeners[i];

		for (unsigned q = 0; q < l->n && !l->sent; q++) {
			meta[n].kind = l->control ? PROTO_FD_CONTROL : PROTO_FD_LISTEN;
			meta[n].queue = l->n == 1 && l->port == 0 ? PROTO_SHARED : q;
			name_set(meta[n].name, sizeof(meta[n].name), l->name);
			fds[n++] = l->fds[q];
		}
	}
	for (unsigned i = 0; i < r->n_files; i++) {
		meta[n].kind = PROTO_FD_FILE;
		name_set(meta[n].name, sizeof(meta[n].name), r->file_names[i]);
		fds[n++] = r->files[i];
	}
	if (n > 0)
		assert_int_equal(
		    msg_send(&x->chan, PROTO_FDS, r->generation, meta, n * sizeof(meta[0]), fds, n),
		    0);
}

static bool
await(struct rig *r, struct rig_worker *x)
{
	struct mono end = mono_add_ms(mono_now(), LIMIT_S * 1000);

	while (x->answer == 0 && !x->closed && mono_before(mono_now(), end))
		loop_turn(r->loop, 100);
	return x->answer != 0;
}

static int
prepare(struct rig *r, struct rig_worker *x, int text)
{
	x->answer = 0;
	msg_send(&x->chan, PROTO_PREPARE, r->generation, NULL, 0, &text, 1);
	send_fds(r, x);
	msg_send(&x->chan, PROTO_PREPARED, r->generation, NULL, 0, NULL, 0);
	return await(r, x) && x->answer == PROTO_YES ? 0 : -1;
}

int
rig_load(struct rig *r, const char *fmt, ...)
{
	struct conf_msgs msgs = {0};
	struct conf *c;
	va_list ap;
	char *text;
	int fd, n, rc = 0;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert_true(n > 0);
	c = conf_read_text(text, (size_t)n, "rig", &msgs);
	if (c == NULL) {
		conf_msgs_print(&msgs, stderr);
		abort();
	}
	conf_msgs_free(&msgs);
	directory_fill(r, c);
	conf_free(c);
	fd = proc_memfd("rig", text, (size_t)n);
	free(text);
	r->generation++;
	for (unsigned i = 0; i < r->n_workers; i++)
		if (r->workers[i].pid == -1)
			fork_one(r, i);
	for (unsigned i = 0; i < r->n_workers && rc == 0; i++)
		rc = prepare(r, &r->workers[i], fd);
	close(fd);
	/* The checker commits first. */
	if (rc == 0)
		sw64_set(&r->seg.own_checker->generation, r->generation);
	if (rc == 0 && r->between != NULL)
		r->between(r);
	/* What leaves is deaf at once. */
	sw64_set(&r->seg.own_master->deaf, UINT64_MAX);
	for (unsigned i = 0; i < r->n_workers; i++) {
		struct rig_worker *x = &r->workers[i];

		x->answer = 0;
		msg_send(&x->chan, rc == 0 ? PROTO_COMMIT : PROTO_ABORT, r->generation, NULL, 0,
		    NULL, 0);
		if (rc == 0 && (!await(r, x) || x->answer != PROTO_DONE))
			return -1;
	}
	for (unsigned i = 0; rc == 0 && i < r->n_listeners; i++)
		r->listeners[i].sent = true;
	if (rc == 0)
		sw64_set(&r->seg.own_master->generation, r->generation);
	return rc;
}

void
rig_tick(struct rig *r)
{
	sw64_add(&r->seg.own_master->tick, 1);
	for (unsigned i = 0; i < r->n_workers; i++)
		child_ring_fd(r->bells.workers[i]);
}

bool
rig_until(struct rig *r, bool (*f)(struct rig *))
{
	struct mono end = mono_add_ms(mono_now(), LIMIT_S * 1000);

	while (mono_before(mono_now(), end)) {
		if (f(r))
			return true;
		loop_turn(r->loop, 1);
	}
	return f(r);
}

void
rig_stop(struct rig *r, unsigned w, int64_t grace_ms)
{
	msg_send(&r->workers[w].chan, PROTO_STOP, (uint64_t)grace_ms, NULL, 0, NULL, 0);
}

int
rig_wait(struct rig *r, unsigned w)
{
	int status;

	assert_int_equal(waitpid(r->workers[w].pid, &status, 0), r->workers[w].pid);
	r->workers[w].pid = -1;
	r->seg.own_master->live[0].v &= ~(1ull << w);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
rig_fini(struct rig *r)
{
	for (unsigned i = 0; i < r->n_workers; i++) {
		msg_close(&r->workers[i].chan);
		if (r->workers[i].pid != -1)
			assert_int_equal(rig_wait(r, i), 0);
		close(r->bells.workers[i]);
	}
	for (unsigned i = 0; i < r->n_listeners; i++)
		for (unsigned q = 0; q < r->listeners[i].n; q++)
			if (r->listeners[i].fds[q] != -1)
				close(r->listeners[i].fds[q]);
	for (unsigned i = 0; i < r->n_files; i++)
		close(r->files[i]);
	close(r->bells.checker);
	close(r->bells.vrrp);
	close(r->bells.master);
	loop_free(r->loop);
	shm_detach(&r->seg);
}

void
rig_fini_idle(struct rig *r)
{
	assert_true(rig_until(r, rig_idle));
	rig_fini(r);
}

int
rig_begin(struct rig *r, unsigned n_workers, uint16_t *port, uint16_t *back)
{
	rig_init(r, n_workers);
	*port = rig_listen(r);
	return rig_server(back);
}

bool
rig_idle(struct rig *r)
{
	return rig_held(r) == 0;
}

const struct shm_srv_count *
rig_srv(const struct rig *r, uint32_t i)
{
	return &shm_srv_count(&r->seg, shm_worker(&r->seg, 0))[i];
}

const struct shm_be_count *
rig_be(const struct rig *r)
{
	return &shm_be_count(&r->seg, shm_worker(&r->seg, 0))[0];
}

/* ---- client and server ---------------------------------------------------------------------- */

int
rig_server(uint16_t *port)
{
	int fd = queue_open(0);
	struct timeval tv = {.tv_sec = LIMIT_S};

	*port = port_of(fd);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	/* Blocking with a limit. */
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sock_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(*port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	return fd;
}

uint16_t
rig_closed_port(void)
{
	int fd = queue_open(0);
	uint16_t port = port_of(fd);

	close(fd);
	return port;
}

static void
limits(int fd)
{
	struct timeval tv = {.tv_sec = LIMIT_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	sock_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int
rig_connect(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	limits(fd);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
rig_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd != -1)
		limits(fd);
	return fd;
}

bool
rig_send(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

bool
rig_recv(int fd, void *data, size_t n)
{
	char *p = data;

	while (n > 0) {
		ssize_t k = recv(fd, p, n, 0);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

ssize_t
rig_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0);
}

void
rig_reset(int fd)
{
	struct linger l = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

uint32_t
rig_held(const struct rig *r)
{
	uint32_t n = limit_sum_global(&r->seg);

	for (uint32_t i = 0; i < sw32_get(&r->seg.master->n_frontends); i++)
		n += limit_sum_fe(&r->seg, i);
	for (uint32_t i = 0; i < sw32_get(&r->seg.master->n_backends); i++)
		n += limit_sum_be(&r->seg, i);
	for (uint32_t i = 0; i < sw32_get(&r->seg.master->n_servers); i++)
		n += limit_sum_srv(&r->seg, i);
	return n;
}
