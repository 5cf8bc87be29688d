/* SPDX-License-Identifier: ISC */
/* Counts the starts of vipd. */
#include "master/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"

static uint32_t
last(const char *path)
{
	char b[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd == -1 ? 0 : read(fd, b, sizeof(b) - 1);
	unsigned long v;

	if (fd != -1)
		close(fd);
	v = n > 0 ? strtoul(b, NULL, 10) : 0;
	return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

/* Whole or not at all, also when the power fails. */
static int
store(const char *path, uint32_t v)
{
	char tmp[512], b[16];
	int n = snprintf(b, sizeof(b), "%u\n", v), fd;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.new", path) >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (write(fd, b, (size_t)n) != n || fsync(fd) == -1) {
		close(fd);
		return -1;
	}
	close(fd);
	return rename(tmp, path);
}

uint32_t
boot_next(const char *dir)
{
	char path[480];
	uint32_t was, now;

	snprintf(path, sizeof(path), "%s/starts", dir);
	was = last(path);
	now = was != 0 ? was + 1 : (uint32_t)time(NULL);
	if (store(path, now) == -1)
		log_warning("cannot write %s: %s; after a restart with a wrong clock other hosts "
			    "may take our advertisements for old ones",
		    path, strerror(errno));
	return now;
}
