/* SPDX-License-Identifier: ISC */
/* See statefile.h. */
#include "master/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int
path_of(char *to, size_t size, const char *dir, const char *name, const char *end)
{
	if ((size_t)snprintf(to, size, "%s/%s%s", dir, name, end) < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
statefile_read(const char *dir, const char *name, struct buf *out)
{
	char path[512], b[4096];
	ssize_t n = -1;
	int fd, err;

	if (path_of(path, sizeof(path), dir, name, "") == -1)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return -1;
	errno = 0;
	while ((n = read(fd, b, sizeof(b))) > 0) {
		if (out->len + (size_t)n > STATEFILE_MAX)
			errno = EFBIG;
		else if (buf_append(out, b, (size_t)n) == 0)
			continue;
		n = -1;
		break;
	}
	err = errno;
	close(fd);
	errno = err;
	return n == 0 ? 0 : -1;
}

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int
statefile_write(const char *dir, const char *name, const char *text, size_t len, bool whole)
{
	char path[512], tmp[512];
	int fd, err;

	if (path_of(path, sizeof(path), dir, name, "") == -1 ||
	    path_of(tmp, sizeof(tmp), dir, name, ".new") == -1)
		return -1;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (write_all(fd, text, len) == -1 || (whole && fsync(fd) == -1)) {
		err = errno;
		close(fd);
		unlink(tmp);
		errno = err;
		return -1;
	}
	close(fd);
	return rename(tmp, path);
}
