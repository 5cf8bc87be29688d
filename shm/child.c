/* SPDX-License-Identifier: ISC */
/* The child's side of the master's protocol. Runs in worker, checker and vrrp. */
#include "shm/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/landlock.h"
#include "lib/log.h"
#include "lib/proc.h"

#define CHILD_SILENT_NS 700000000 /* the master asks every 100 ms */

static void
fds_drop(struct child *c)
{
	for (size_t i = 0; i < c->n_fds; i++)
		if (c->fds[i].fd != -1)
			close(c->fds[i].fd);
	c->n_fds = 0;
	if (c->text_fd != -1)
		close(c->text_fd);
	c->text_fd = -1;
}

static void
say_no(struct child *c, uint64_t gen, const char *reason)
{
	fds_drop(c);
	c->prepared = 0;
	msg_send(&c->chan, PROTO_NO, gen, reason, strlen(reason), NULL, 0);
}

/* Whether or not the generation that it came with is committed. */
static void
bell_keep(struct child *c, uint32_t worker, int *fd)
{
	int *at;

	if (worker >= SHM_MAX_WORKERS || worker == c->start.index)
		return; /* closed with the message; its own is being polled */
	at = &c->start.bells.workers[worker];
	if (*at != -1)
		close(*at);
	*at = *fd;
	*fd = -1;
}

/* Takes the descriptors of one message into the collection. Returns -1 when memory is short. */
static int
fds_collect(struct child *c, struct msg *m)
{
	const struct proto_fd *meta = m->data;
	size_t n = m->len / sizeof(*meta);

	if (n > m->n_fds)
		n = m->n_fds;
	if (c->n_fds + n > c->cap_fds) {
		size_t cap = (c->n_fds + n) * 2;
		struct child_fd *f = realloc(c->fds, cap * sizeof(*f));

		if (f == NULL)
			return -1;
		c->fds = f;
		c->cap_fds = cap;
	}
	for (size_t i = 0; i < n; i++) {
		if (meta[i].kind == PROTO_FD_BELL) {
			bell_keep(c, meta[i].queue, &m->fds[i]);
			continue;
		}
		c->fds[c->n_fds].meta = meta[i];
		c->fds[c->n_fds].meta.name[sizeof(meta->name) - 1] = '\0';
		c->fds[c->n_fds++].fd = m->fds[i];
		m->fds[i] = -1;
	}
	return 0;
}

/* From the first generation on nothing is opened: what later ones need comes as descriptors. */
static int
filter(struct child *c)
{
	if (c->filtered)
		return 0;
	if (landlock_no_files() == -1 || seccomp_install(&c->start.filter) == -1) {
		log_crit("cannot confine this process: %s", strerror(errno));
		child_exit(c, PROC_EXIT_FAILED);
		return -1;
	}
	c->filtered = true;
	return 0;
}

static void
prepare_finish(struct child *c, uint64_t gen)
{
	char reason[512] = "out of memory";
	const char *text;
	size_t len;
	int r;

	if (c->prepared != gen || c->text_fd == -1) {
		say_no(c, gen, "incomplete configuration from the master");
		return;
	}
	text = proc_memfd_map(c->text_fd, &len);
	if (text == NULL) {
		say_no(c, gen, "cannot map the configuration");
		return;
	}
	r = c->ops->prepare(c, gen, text, len, c->fds, c->n_fds, reason, sizeof(reason));
	proc_memfd_unmap(text, len);
	if (r == -1) {
		say_no(c, gen, reason);
		return;
	}
	fds_drop(c);
	if (filter(c) == -1)
		return;
	msg_send(&c->chan, PROTO_YES, gen, NULL, 0, NULL, 0);
}

/* A process that is full of sessions: they are worth more than the reload. */
static bool
fds_lost(struct child *c, const struct msg *m)
{
	if (m->fds_lost)
		say_no(c, m->number, "no descriptors left to receive the configuration with");
	return m->fds_lost;
}

static void
prepare_begin(struct child *c, struct msg *m)
{
	if (c->prepared != 0)
		c->ops->abort(c, c->prepared);
	fds_drop(c);
	c->prepared = m->number;
	if (fds_lost(c, m))
		return;
	if (m->n_fds > 0) {
		c->text_fd = m->fds[0];
		m->fds[0] = -1;
	}
}

static struct child *the_child;

static void
on_log_lost(const char *name)
{
	msg_send(&the_child->chan, PROTO_LOG_LOST, 0, name, strlen(name), NULL, 0);
}

/* The master has connected a log socket anew. */
static void
log_again(struct child *c, struct msg *m)
{
	struct proto_fd meta;
	int fd;

	if (m->n_fds != 1 || m->len < sizeof(meta))
		return;
	memcpy(&meta, m->data, sizeof(meta));
	meta.name[sizeof(meta.name) - 1] = '\0';
	fd = m->fds[0];
	m->fds[0] = -1;
	if (log_reopen(meta.name, fd))
		c->ops->log_fd(c, meta.name, fd);
}

static void
on_message(struct msg_chan *chan, struct msg *m)
{
	struct child *c = (struct child *)(void *)((char *)chan - offsetof(struct child, chan));

	switch (m->type) {
	case PROTO_PREPARE:
		prepare_begin(c, m);
		break;
	case PROTO_FDS:
		if (m->number == c->prepared && !fds_lost(c, m) && fds_collect(c, m) == -1)
			say_no(c, m->number, "out of memory");
		break;
	case PROTO_PREPARED:
		prepare_finish(c, m->number);
		break;
	case PROTO_COMMIT:
		if (c->prepared != m->number)
			break;
		c->ops->commit(c, m->number);
		c->prepared = 0;
		msg_send(&c->chan, PROTO_DONE, m->number, NULL, 0, NULL, 0);
		break;
	case PROTO_ABORT:
		if (c->prepared == m->number) {
			c->ops->abort(c, m->number);
			fds_drop(c);
			c->prepared = 0;
		}
		break;
	case PROTO_STOP:
		c->ops->stop(c, (int64_t)m->number);
		break;
	case PROTO_LOG_FD:
		log_again(c, m);
		break;
	default:
		if (c->ops->message != NULL)
			c->ops->message(c, m);
		break;
	}
}

static void
on_closed(struct msg_chan *chan)
{
	struct child *c = (struct child *)(void *)((char *)chan - offsetof(struct child, chan));

	msg_close(chan);
	c->ops->orphaned(c);
}

static void
on_bell(struct loop_fd *f, uint32_t events)
{
	struct child *c = (struct child *)(void *)((char *)f - offsetof(struct child, bell));
	uint64_t n;

	(void)events;
	if (read(f->fd, &n, sizeof(n)) == -1)
		return;
	sw64_set(c->beat, sw64_get(&c->seg->master->tick));
	c->ops->bell(c);
}

static void
own_words(struct child *c, int *bell)
{
	const struct child_bells *b = &c->start.bells;

	switch (c->start.kind) {
	case SHM_WORKER:
		c->beat = &c->seg->own_worker->beat;
		*bell = b->workers[c->start.index];
		break;
	case SHM_CHECKER:
		c->beat = &c->seg->own_checker->beat;
		*bell = b->checker;
		break;
	default:
		c->beat = &c->seg->own_vrrp->beat;
		*bell = b->vrrp;
		break;
	}
}

int
child_run(const struct child_start *st, const struct child_ops *ops, int (*ready)(struct child *))
{
	static struct child c;
	int bell;

	c = (struct child){.start = *st, .ops = ops, .text_fd = -1, .chan.f.fd = -1, .bell.fd = -1};
	c.seg = &c.start.seg;
	own_words(&c, &bell);
	c.loop = loop_new();
	if (c.loop == NULL)
		return PROC_EXIT_FAILED;
	/* Alive from now on: what stands there is a predecessor's. */
	sw64_set(c.beat, sw64_get(&c.seg->master->tick));
	the_child = &c;
	log_set_lost_hook(on_log_lost);
	c.chan.cb = on_message;
	c.chan.closed = on_closed;
	c.bell.cb = on_bell;
	if (ready(&c) == -1 || msg_open(&c.chan, c.loop, st->sock) == -1 ||
	    loop_fd_add(c.loop, &c.bell, bell, EPOLLIN) == -1)
		return PROC_EXIT_FAILED;
	while (!c.exiting)
		if (loop_turn(c.loop, -1) == -1)
			return PROC_EXIT_FAILED;
	return c.exit_code;
}

void
child_exit(struct child *c, int code)
{
	c->exiting = true;
	c->exit_code = code;
}

void
child_ring_fd(int bell)
{
	static const uint64_t one = 1;

	if (bell != -1 && write(bell, &one, sizeof(one)) == -1)
		return; /* EAGAIN: it is ringing already */
}

uint32_t
child_find_frontend(const struct shm *s, const char *name, uint32_t hint)
{
	uint32_t n = sw32_get(&s->master->n_frontends);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (hint + k) % n;
		const struct shm_fe_dir *d = shm_fe_dir(s, i);

		if (sw32_get(&d->state) == SHM_DIR_USED && strcmp(d->name, name) == 0)
			return i;
	}
	return SHM_NONE;
}

uint32_t
child_find_backend(const struct shm *s, const char *name, uint32_t hint)
{
	uint32_t n = sw32_get(&s->master->n_backends);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (hint + k) % n;
		const struct shm_be_dir *d = shm_be_dir(s, i);

		if (sw32_get(&d->state) == SHM_DIR_USED && strcmp(d->name, name) == 0)
			return i;
	}
	return SHM_NONE;
}

uint32_t
child_find_server(
    const struct shm *s, uint32_t backend, const char *name, const char *addr, uint32_t hint)
{
	uint32_t n = sw32_get(&s->master->n_servers);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (hint + k) % n;
		const struct shm_srv_dir *d = shm_srv_dir(s, i);

		if (sw32_get(&d->state) == SHM_DIR_USED && sw32_get(&d->backend) == backend &&
		    strcmp(d->name, name) == 0 && strcmp(d->addr, addr) == 0)
			return i;
	}
	return SHM_NONE;
}

static bool
silent(uint64_t last_ns, struct mono now)
{
	return last_ns != 0 && now.ns - (int64_t)last_ns > CHILD_SILENT_NS;
}

bool
child_master_silent(const struct shm *s, struct mono now)
{
	return silent(sw64_get(&s->master->tick_ns), now);
}

bool
child_checker_silent(const struct shm *s, struct mono now)
{
	return sw32_get(&s->master->checker.state) == SHM_PROC_READY &&
	       silent(sw64_get(&s->checker->beat_ns), now) && !child_master_silent(s, now);
}

bool
child_vrrp_silent(const struct shm *s, struct mono now)
{
	return sw32_get(&s->master->vrrp.state) == SHM_PROC_READY &&
	       silent(sw64_get(&s->vrrp->beat_ns), now) && !child_master_silent(s, now);
}
