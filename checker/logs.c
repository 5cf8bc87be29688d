/* SPDX-License-Identifier: ISC */
/* Log targets; see logs.h. */
#include "checker/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checker/held.h"
#include "conf/targets.h"

static int
target_fd(const struct conf_log *c, const struct held *held, const struct held *coming)
{
	int fd;

	if (c->to.family == AF_UNSPEC)
		return STDERR_FILENO;
	fd = held_find(coming, PROTO_FD_LOG, c->address);
	if (fd == -1)
		fd = held_find(held, PROTO_FD_LOG, c->address);
	if (fd == -1) {
		errno = ENOENT;
		return -1;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static enum log_kind
target_kind(const struct conf_log *c)
{
	if (c->to.family != AF_UNSPEC)
		return LOG_SYSLOG;
	return c->format == CONF_LOG_JOURNAL ? LOG_STDERR_JOURNAL : LOG_STDERR;
}

int
logs_build(struct logs *l, const struct conf_global *g, const struct held *held,
    const struct held *coming, char *reason, size_t reason_size)
{
	l->n = 0;
	for (size_t i = 0; i < g->n_logs && i < LOG_TARGETS_MAX; i++) {
		const struct conf_log *c = &g->logs[i];
		struct log_target *t = &l->v[l->n];

		*t = (struct log_target){.kind = target_kind(c),
		    .level = (enum log_level)c->level,
		    .len = c->len,
		    .facility = (uint8_t)c->facility,
		    .fd = target_fd(c, held, coming)};
		if (t->fd == -1) {
			snprintf(reason, reason_size, "log %s: %s", c->address, strerror(errno));
			logs_drop(l);
			return -1;
		}
		snprintf(t->name, sizeof(t->name), "%s", c->address);
		snprintf(t->tag, sizeof(t->tag), "%s", g->log_tag == NULL ? "" : g->log_tag);
		l->n++;
	}
	if (g->n_logs == 0)
		l->v[l->n++] = conf_target_default();
	return 0;
}

/* Names of the committed targets, in their order. */
static char names[LOG_TARGETS_MAX][LOG_NAME_MAX + 1];
static size_t n_names;

void
logs_commit(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		memcpy(names[i], l->v[i].name, sizeof(names[i]));
	n_names = l->n;
	log_set_targets(l->v, l->n);
	l->n = 0;
}

void
logs_reopen(struct held *held, struct child_fd *f)
{
	struct held one = {0};
	int fd;

	f->meta.kind = PROTO_FD_LOG;
	f->meta.name[sizeof(f->meta.name) - 1] = '\0';
	for (size_t i = 0; i < n_names; i++) {
		if (strcmp(names[i], f->meta.name) != 0)
			continue;
		fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
		if (fd != -1)
			log_target_reopen(i, fd);
	}
	if (held_take(&one, f, 1) == 0 && held_reserve(held, &one) == 0)
		held_merge(held, &one);
	held_drop(&one);
	if (f->fd != -1)
		close(f->fd);
}

void
logs_drop(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].fd > STDERR_FILENO)
			close(l->v[i].fd);
	l->n = 0;
}
