/* SPDX-License-Identifier: ISC */
/* Listening sockets that vipd is started with. */
#include "master/inherit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */

static struct inherited {
	int fd;
	char name[64]; /* "": none */
} * all;
static unsigned n_all;

static bool
listens(int fd)
{
	int on = 0, type = 0;
	socklen_t n = sizeof(on), k = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &k) == 0 && type == SOCK_STREAM;
}

/* Name number `which` of a list with colons. */
static void
name_of(char *out, size_t size, const char *names, unsigned which)
{
	for (; which > 0 && names != NULL; which--) {
		names = strchr(names, ':');
		names = names != NULL ? names + 1 : NULL;
	}
	if (names != NULL)
		snprintf(out, size, "%.*s", (int)strcspn(names, ":"), names);
}

static void
add(int fd, unsigned n_named, const char *names)
{
	struct inherited *v = realloc(all, (n_all + 1) * sizeof(*v));

	if (v == NULL)
		return;
	all = v;
	v[n_all] = (struct inherited){.fd = fd};
	if (fd >= FIRST && (unsigned)(fd - FIRST) < n_named)
		name_of(v[n_all].name, sizeof(v[n_all].name), names, (unsigned)(fd - FIRST));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	n_all++;
}

static int
by_number(const void *a, const void *b)
{
	return ((const struct inherited *)a)->fd - ((const struct inherited *)b)->fd;
}

void
inherit_look(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	bool ours = pid != NULL && strtol(pid, NULL, 10) == getpid();
	unsigned n_named = ours && fds != NULL ? (unsigned)strtoul(fds, NULL, 10) : 0;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (fd >= FIRST && fd != dirfd(d) && listens(fd))
			add(fd, n_named, names);
	}
	if (d != NULL)
		closedir(d);
	if (n_all > 0)
		qsort(all, n_all, sizeof(*all), by_number);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static bool
is_meant(const struct inherited *h, const char *what)
{
	if (strspn(what, "0123456789") == strlen(what))
		return h->fd == (int)strtol(what, NULL, 10);
	return strcmp(h->name, what) == 0;
}

unsigned
inherit_count(const char *what)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_all; i++)
		n += is_meant(&all[i], what);
	return n;
}

int
inherit_open(const char *what, unsigned which)
{
	for (unsigned i = 0; i < n_all; i++) {
		int flags;

		if (!is_meant(&all[i], what) || which-- > 0)
			continue;
		/* Workers try, and may come too late. */
		flags = fcntl(all[i].fd, F_GETFL);
		if (flags == -1 || fcntl(all[i].fd, F_SETFL, flags | O_NONBLOCK) == -1)
			return -1;
		return fcntl(all[i].fd, F_DUPFD_CLOEXEC, FIRST);
	}
	errno = EBADF;
	return -1;
}

const char *
inherit_list(void)
{
	static char text[256];
	size_t n = 0;

	snprintf(text, sizeof(text), "none");
	for (unsigned i = 0; i < n_all && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sfd@%d%s%s%s",
		    i > 0 ? ", " : "", all[i].fd, all[i].name[0] != '\0' ? " (" : "", all[i].name,
		    all[i].name[0] != '\0' ? ")" : "");
	return text;
}
