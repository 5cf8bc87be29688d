/* SPDX-License-Identifier: ISC */
/* Log targets of the vrrp process. */
#include "vrrp/logto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/targets.h"
#include "lib/log.h"

static struct {
	size_t n;
	struct {
		uint32_t kind; /* enum proto_fd_kind */
		int fd;
		char name[LOG_NAME_MAX + 1];
	} v[LOG_TARGETS_MAX * 2 + 64];
} held;

static struct log_target next[LOG_TARGETS_MAX];
static size_t n_next;

static int
hold(uint32_t kind, const char *name, int fd)
{
	size_t i;

	for (i = 0; i < held.n; i++)
		if (held.v[i].kind == kind && strcmp(held.v[i].name, name) == 0)
			break;
	if (i == sizeof(held.v) / sizeof(held.v[0]))
		return -1;
	if (i < held.n)
		close(held.v[i].fd);
	else
		held.n++;
	held.v[i].fd = fd;
	held.v[i].kind = kind;
	snprintf(held.v[i].name, sizeof(held.v[i].name), "%s", name);
	return 0;
}

int
logto_take(struct child_fd *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++) {
		uint32_t kind = fds[i].meta.kind;

		if ((kind != PROTO_FD_LOG && kind != PROTO_FD_FILE) || fds[i].fd == -1)
			continue;
		if (hold(kind, fds[i].meta.name, fds[i].fd) == -1)
			return -1;
		fds[i].fd = -1;
	}
	return 0;
}

int
logto_file(const char *path)
{
	for (size_t i = 0; i < held.n; i++)
		if (held.v[i].kind == PROTO_FD_FILE && strcmp(held.v[i].name, path) == 0)
			return held.v[i].fd;
	return -1;
}

static int
target_fd(void *ctx, const char *address)
{
	(void)ctx;
	for (size_t i = 0; i < held.n; i++)
		if (held.v[i].kind == PROTO_FD_LOG && strcmp(held.v[i].name, address) == 0)
			return fcntl(held.v[i].fd, F_DUPFD_CLOEXEC, 3);
	errno = ENOENT;
	return -1;
}

int
logto_build(const struct conf_global *g, char *reason, size_t reason_size)
{
	const struct conf_log *missing;

	logto_abort();
	n_next = conf_targets(g, target_fd, NULL, next, &missing);
	if (missing == NULL)
		return 0;
	snprintf(reason, reason_size, "log %s: %s", missing->address, strerror(errno));
	logto_abort();
	return -1;
}

void
logto_commit(void)
{
	log_set_targets(next, n_next);
	n_next = 0;
}

void
logto_abort(void)
{
	for (size_t i = 0; i < n_next; i++)
		if (next[i].fd > STDERR_FILENO)
			close(next[i].fd);
	n_next = 0;
}

void
logto_keep(const char *name, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy != -1 && hold(PROTO_FD_LOG, name, copy) == -1)
		close(copy);
}
