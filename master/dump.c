/* SPDX-License-Identifier: ISC */
/*
 * SIGUSR1: the statistics as readable text into stats_file, atomically. Everything is read from
 * shared memory, so a child that hangs does not matter.
 */
#include "shm/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "master/master.h"

/* Takes fd. */
static int
write_all(int fd, const struct buf *b)
{
	size_t done = 0;
	int saved;

	while (done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			saved = errno;
			close(fd);
			errno = saved;
			return -1;
		}
		done += (size_t)n;
	}
	return close(fd);
}

int
dump_write(struct master *m)
{
	const char *path = m->gen != NULL ? m->gen->conf->global.stats_file : NULL;
	struct buf b = BUF_INIT;
	char tmp[4096];
	int fd, res = 0;

	if (path == NULL) {
		log_warning("statistics: no stats_file in the configuration");
		return -1;
	}
	stats_dump_text(&m->seg, &b);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	/* The folder is the operator's, but a link put there by somebody else is not followed. */
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1 || write_all(fd, &b) == -1 || rename(tmp, path) == -1) {
		log_err("SIGUSR1: cannot write %s: %s", path, strerror(errno));
		unlink(tmp);
		res = -1;
	} else {
		log_notice("SIGUSR1: statistics written to %s", path);
	}
	buf_free(&b);
	return res;
}
