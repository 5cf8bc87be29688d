/* SPDX-License-Identifier: ISC */
/*
 * A generation: a configuration with all that children need of it. Whatever needs a file, a name
 * service or a privilege is resolved here and sent as sealed bytes or descriptors (hard-parts.md
 * 7).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/targets.h"
#include "lib/log.h"
#include "master/master.h"
#include "vrrp/keys.h"

#define FILE_MAX_BYTES (16u << 20)

static const enum conf_reader reader_of[SHM_KINDS] = {[SHM_MASTER] = CONF_FOR_ALL,
    [SHM_WORKER] = CONF_FOR_WORKER,
    [SHM_CHECKER] = CONF_FOR_CHECKER,
    [SHM_VRRP] = CONF_FOR_VRRP};

static int
text_make(const struct conf *c, enum conf_reader reader)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int fd = -1;

	if (f == NULL)
		return -1;
	if (conf_print(c, f, reader) == 0 && fflush(f) == 0)
		fd = proc_memfd("vipd-conf", text, len);
	fclose(f);
	if (text != NULL)
		explicit_bzero(text, len); /* secrets do not stay in the heap */
	free(text);
	return fd;
}

static int
file_read(const char *path, char *reason, size_t reason_size)
{
	/* A pipe would be waited for, with everybody who waits for the master. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), mem = -1, e;
	char *buf = NULL;
	size_t n = 0;
	ssize_t r = -1;
	struct stat st;

	if (fd != -1 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		errno = ESPIPE;
	else if (fd != -1)
		buf = malloc(FILE_MAX_BYTES);
	while (buf != NULL && n < FILE_MAX_BYTES && (r = read(fd, buf + n, FILE_MAX_BYTES - n)) > 0)
		n += (size_t)r;
	if (buf == NULL || r != 0)
		snprintf(reason, reason_size, "cannot read %s: %s", path,
		    n >= FILE_MAX_BYTES ? "larger than 16 MiB"
		    : errno == ESPIPE   ? "it is a pipe"
					: strerror(errno));
	else if ((mem = proc_memfd("vipd-file", buf, n)) == -1)
		snprintf(reason, reason_size, "memfd for %s: %s", path, strerror(errno));
	e = errno;
	if (buf != NULL)
		explicit_bzero(buf, n);
	free(buf);
	if (fd != -1)
		close(fd);
	errno = e;
	return mem;
}

/* What vrrp would refuse of it as a file of keys. */
static int
keys_look(const struct conf *c, const char *path, int fd)
{
	size_t len;
	const char *text = proc_memfd_map(fd, &len);
	char wrong[160] = "";
	struct keys k;

	for (size_t i = 0; i < c->vrrp.n_routers && text != NULL && wrong[0] == '\0'; i++) {
		const struct conf_router *r = &c->vrrp.routers[i];

		if (r->auth != CONF_AUTH_HMAC || r->auth_key_file == NULL ||
		    strcmp(r->auth_key_file, path) != 0)
			continue;
		if (keys_take(&k, (uint8_t)r->auth_key_id, text, len, wrong, sizeof(wrong)) == -1)
			fprintf(stderr, "error: %s: %s\n", path, wrong);
		explicit_bzero(&k, sizeof(k));
	}
	if (text != NULL)
		proc_memfd_unmap(text, len);
	return wrong[0] == '\0' ? 0 : -1;
}

int
generation_look(const struct conf *c)
{
	char reason[512];
	int fd, r = 0;

	for (size_t i = 0; i < c->n_files; i++) {
		fd = file_read(c->files[i].path, reason, sizeof(reason));
		if (fd != -1) {
			if (keys_look(c, c->files[i].path, fd) == -1)
				r = -1;
			close(fd);
		} else if (errno == EACCES && geteuid() != 0) {
			fprintf(stderr, "warning: %s; vipd reads it as root\n", reason);
		} else {
			fprintf(stderr, "error: %s\n", reason);
			r = -1;
		}
	}
	return r;
}

static int
files_read(struct generation *g, char *reason, size_t reason_size)
{
	const struct conf *c = g->conf;

	g->files = calloc(c->n_files + 1, sizeof(*g->files));
	if (g->files == NULL)
		return -1;
	for (size_t i = 0; i < c->n_files; i++) {
		struct named_file *f = &g->files[g->n_files];

		f->fd = file_read(c->files[i].path, reason, reason_size);
		if (f->fd == -1)
			return -1;
		f->readers = c->files[i].readers;
		f->name = strdup(c->files[i].path);
		g->n_files++;
		if (f->name == NULL)
			return -1;
	}
	return 0;
}

static int
log_connect(const struct conf_log *l)
{
	int fd = socket(l->to.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* An absent syslog is no reason not to start: the target is tried again later. */
	if (fd != -1 && connect(fd, &l->to.sa, l->to.len) == -1)
		log_warning("log target %s: %s", l->address, strerror(errno));
	return fd;
}

/* Several targets may use one socket. */
static bool
log_opened(const struct generation *g, const char *address)
{
	for (size_t i = 0; i < g->n_logs; i++)
		if (strcmp(g->logs[i].name, address) == 0)
			return true;
	return false;
}

static int
logs_open(struct generation *g, char *reason, size_t reason_size)
{
	const struct conf_global *gl = &g->conf->global;

	g->n_logs = 0;
	g->logs = calloc(gl->n_logs + 1, sizeof(*g->logs));
	if (g->logs == NULL)
		return -1;
	for (size_t i = 0; i < gl->n_logs; i++) {
		struct log_socket *s = &g->logs[g->n_logs];

		if (gl->logs[i].to.family == AF_UNSPEC || log_opened(g, gl->logs[i].address))
			continue;
		s->fd = log_connect(&gl->logs[i]);
		if (s->fd == -1) {
			snprintf(reason, reason_size, "log target %s: %s", gl->logs[i].address,
			    strerror(errno));
			return -1;
		}
		s->name = strdup(gl->logs[i].address);
		if (s->name == NULL) {
			close(s->fd);
			return -1;
		}
		g->n_logs++;
	}
	return 0;
}

struct generation *
generation_new(struct master *m, struct conf *conf, char *reason, size_t reason_size)
{
	struct generation *g = calloc(1, sizeof(*g));
	struct stat st;

	snprintf(reason, reason_size, "out of memory");
	if (g == NULL) {
		conf_free(conf);
		return NULL;
	}
	for (size_t k = 0; k < SHM_KINDS; k++)
		g->text[k] = -1;
	g->conf = conf;
	g->number = ++m->last_number;
	for (size_t k = 0; k < SHM_KINDS; k++) {
		g->text[k] = text_make(conf, k == SHM_MASTER ? CONF_FOR_HUMAN : reader_of[k]);
		if (g->text[k] == -1 || fstat(g->text[k], &st) == -1)
			goto fail;
		if ((uint64_t)st.st_size > g->text_bytes)
			g->text_bytes = (uint64_t)st.st_size;
	}
	if (files_read(g, reason, reason_size) == -1 || logs_open(g, reason, reason_size) == -1)
		goto fail;
	reason[0] = '\0';
	return g;
fail:
	generation_free(g);
	return NULL;
}

void
generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	for (size_t k = 0; k < SHM_KINDS; k++)
		if (g->text[k] != -1)
			close(g->text[k]);
	for (size_t i = 0; i < g->n_files; i++) {
		close(g->files[i].fd);
		free(g->files[i].name);
	}
	for (size_t i = 0; i < g->n_logs; i++) {
		if (g->logs[i].fd != -1)
			close(g->logs[i].fd);
		free(g->logs[i].name);
	}
	free(g->files);
	free(g->logs);
	conf_free(g->conf);
	free(g);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

struct batch {
	struct process *p;
	uint64_t number;
	struct proto_fd meta[PROTO_FDS_MAX];
	int fds[PROTO_FDS_MAX];
	size_t n;
	int result;
};

static void
batch_flush(struct batch *b)
{
	if (b->n > 0 && b->result == 0)
		b->result = msg_send(&b->p->chan, PROTO_FDS, b->number, b->meta,
		    b->n * sizeof(b->meta[0]), b->fds, b->n);
	b->n = 0;
}

static void
batch_add(struct batch *b, enum proto_fd_kind kind, uint32_t queue, const char *name, int fd)
{
	struct proto_fd *f = &b->meta[b->n];

	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->queue = queue;
	snprintf(f->name, sizeof(f->name), "%s", name);
	b->fds[b->n++] = fd;
	if (b->n == PROTO_FDS_MAX)
		batch_flush(b);
}

static void
batch_listeners(struct batch *b, const struct listener *l)
{
	for (; l != NULL; l = l->next) {
		bool back = l->left != 0 && l->back == b->number;
		bool known = !back && l->since <= b->p->done && b->p->done != 0;

		if (!back && l->left != 0)
			continue;
		for (unsigned q = 0; q < l->n_queues; q++) {
			if (known && l->since_q[q] <= b->p->done)
				continue;
			batch_add(b,
			    l->control && l->inherited ? PROTO_FD_CONTROL_INHERITED
			    : l->control               ? PROTO_FD_CONTROL
			    : l->inherited             ? PROTO_FD_INHERITED
						       : PROTO_FD_LISTEN,
			    l->shared ? PROTO_SHARED : q, l->name, l->queues[q]);
		}
		/* Those of the reload under way: not for one that catches up with what is in force.
		 */
		for (unsigned q = 0; q < l->n_more && b->number != b->p->m->gen->number; q++)
			batch_add(b, PROTO_FD_LISTEN, l->n_queues + q, l->name, l->more[q]);
	}
}

int
generation_send(const struct generation *g, const struct listener *const *sets, size_t n_sets,
    struct process *p)
{
	static struct batch b;

	b = (struct batch){.p = p, .number = g->number};
	if (msg_send(&p->chan, PROTO_PREPARE, g->number, NULL, 0, &g->text[p->kind], 1) == -1)
		return -1;
	for (unsigned i = p->bells; i < p->m->n_workers; i++)
		batch_add(&b, PROTO_FD_BELL, i, "", p->m->workers[i].bell);
	p->bells_asked = p->m->n_workers;
	for (size_t i = 0; i < n_sets && p->kind == SHM_WORKER; i++)
		batch_listeners(&b, sets[i]);
	for (size_t i = 0; i < g->n_files; i++)
		if (g->files[i].readers & 1u << reader_of[p->kind])
			batch_add(&b, PROTO_FD_FILE, 0, g->files[i].name, g->files[i].fd);
	for (size_t i = 0; i < g->n_logs; i++)
		batch_add(&b, PROTO_FD_LOG, 0, g->logs[i].name, g->logs[i].fd);
	if (p->kind == SHM_WORKER)
		batch_add(&b, PROTO_FD_HUMAN, 0, "", g->text[SHM_MASTER]);
	batch_flush(&b);
	if (b.result == -1)
		return -1;
	return msg_send(&p->chan, PROTO_PREPARED, g->number, NULL, 0, NULL, 0);
}

static int
log_fd(void *ctx, const char *address)
{
	const struct generation *g = ctx;

	/* A copy: the generation's own is for children that are forked later. */
	for (size_t i = 0; i < g->n_logs; i++)
		if (strcmp(g->logs[i].name, address) == 0)
			return fcntl(g->logs[i].fd, F_DUPFD_CLOEXEC, 3);
	return -1;
}

void
generation_use_logs(const struct generation *g)
{
	static struct log_target t[LOG_TARGETS_MAX];

	log_set_targets(t, conf_targets(&g->conf->global, log_fd, (void *)(uintptr_t)g, t, NULL));
}
