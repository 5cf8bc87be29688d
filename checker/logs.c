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

struct sets {
	const struct held *coming, *held;
};

static int
target_fd(void *ctx, const char *address)
{
	const struct sets *s = ctx;
	int fd = held_find(s->coming, PROTO_FD_LOG, address);

	if (fd == -1)
		fd = held_find(s->held, PROTO_FD_LOG, address);
	if (fd == -1) {
		errno = ENOENT;
		return -1;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int
logs_build(struct logs *l, const struct conf_global *g, const struct held *held,
    const struct held *coming, char *reason, size_t reason_size)
{
	struct sets sets = {coming, held};
	const struct conf_log *missing;

	l->n = conf_targets(g, target_fd, &sets, l->v, &missing);
	if (missing == NULL)
		return 0;
	snprintf(reason, reason_size, "log %s: %s", missing->address, strerror(errno));
	logs_drop(l);
	return -1;
}

void
logs_commit(struct logs *l)
{
	log_set_targets(l->v, l->n);
	l->n = 0;
}

void
logs_keep(struct held *held, const char *name, int fd)
{
	struct child_fd f = {.meta.kind = PROTO_FD_LOG, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	struct held one = {0};

	snprintf(f.meta.name, sizeof(f.meta.name), "%s", name);
	if (f.fd == -1)
		return;
	if (held_take(&one, &f, 1) == 0 && held_reserve(held, &one) == 0)
		held_merge(held, &one);
	held_drop(&one);
	if (f.fd != -1)
		close(f.fd);
}

void
logs_drop(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].fd > STDERR_FILENO)
			close(l->v[i].fd);
	l->n = 0;
}
