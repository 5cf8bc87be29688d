/* SPDX-License-Identifier: ISC */
/* Asking vipd. */
#include "ctl/client.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/sock.h"

/* A path, or an address with a port as global control has it. */
static int
client_address(const char *path, struct sock_addr *a)
{
	if (strchr(path, '/') == NULL && strchr(path, ':') != NULL &&
	    sock_addr_parse(a, path, true) == 0)
		return 0;
	*a = (struct sock_addr){.family = AF_UNIX};
	if (strlen(path) >= sizeof(a->un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a->un.sun_path, path);
	a->len = sizeof(a->un);
	return 0;
}

static int
client_connect(const char *path, int timeout_ms)
{
	struct sock_addr a;
	struct timeval tv = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	int fd;

	if (client_address(path, &a) == -1)
		return -1;
	fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, &a.sa, a.len) == -1) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* EAGAIN is what the time limits of the socket give. */
static int
timed_out(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINPROGRESS ? ETIMEDOUT : err;
}

static int
exchange(int fd, const char *line, struct buf *answer)
{
	struct buf out = BUF_INIT;
	size_t sent = 0;
	int res = -1;

	buf_printf(&out, "%s\n", line);
	if (out.failed)
		goto done;
	while (sent < out.len) {
		ssize_t n = send(fd, out.data + sent, out.len - sent, MSG_NOSIGNAL);

		if (n == -1)
			goto done;
		sent += (size_t)n;
	}
	for (;;) {
		char piece[16384];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			goto done;
		if (n == 0)
			break;
		if (buf_append(answer, piece, (size_t)n) == -1)
			goto done;
	}
	res = 0;
done:
	buf_free(&out);
	return res;
}

int
client_ask(const char *path, const char *line, int timeout_ms, struct buf *answer)
{
	size_t before = answer->len;
	int fd = client_connect(path, timeout_ms), err;

	if (fd == -1 || exchange(fd, line, answer) == -1) {
		err = timed_out(errno);
		if (fd != -1)
			close(fd);
		errno = err;
		return -1;
	}
	close(fd);
	/* A whole answer ends with an empty line: "\n" alone, or "...\n\n". */
	if (answer->len == before || answer->data[answer->len - 1] != '\n' ||
	    (answer->len - before > 1 && answer->data[answer->len - 2] != '\n')) {
		errno = EPROTO;
		return -1;
	}
	buf_truncate(answer, answer->len - 1);
	return 0;
}

/* Whom the socket lets in, by its owner, group and mode. */
static void
explain_rights(const char *path, char *text, size_t size)
{
	struct passwd *pw;
	struct group *gr;
	struct stat st;
	char owner[64], group[64];

	if (stat(path, &st) == -1) {
		snprintf(text, size,
		    "no permission for %s: its directory lets you not in; run vipctl as root, or "
		    "as "
		    "a member of the directory's group",
		    path);
		return;
	}
	pw = getpwuid(st.st_uid);
	gr = getgrgid(st.st_gid);
	snprintf(owner, sizeof(owner), "%s", pw != NULL ? pw->pw_name : "?");
	snprintf(group, sizeof(group), "%s", gr != NULL ? gr->gr_name : "?");
	if ((st.st_mode & S_IWGRP) != 0)
		snprintf(text, size,
		    "no permission for %s (mode %04o): run vipctl as root, as user %s, or as a "
		    "member of group %s",
		    path, (unsigned)st.st_mode & 07777, owner, group);
	else
		snprintf(text, size,
		    "no permission for %s (mode %04o): run vipctl as root or as user %s; global "
		    "control's mode and group let others in",
		    path, (unsigned)st.st_mode & 07777, owner);
}

void
client_explain(const char *path, int err, char *text, size_t size)
{
	switch (err) {
	case ENOENT:
		snprintf(text, size,
		    "there is no control socket %s: vipd does not run, or its configuration names "
		    "another one (global control; then: vipctl -s PATH)",
		    path);
		break;
	case ECONNREFUSED:
		snprintf(text, size,
		    "nobody listens on %s: vipd has ended without removing it; start vipd", path);
		break;
	case EACCES:
	case EPERM:
		explain_rights(path, text, size);
		break;
	case ETIMEDOUT:
		snprintf(text, size,
		    "no answer on %s within %d s: the workers hang or are stopped; the master "
		    "kills "
		    "them after 2 s, so look at its log; kill -USR1 to the master writes the "
		    "statistics to stats_file without them",
		    path, CLIENT_TIMEOUT_MS / 1000);
		break;
	case EPROTO:
	case ECONNRESET:
	case EPIPE:
		snprintf(text, size,
		    "the answer on %s breaks off: the worker that gave it has ended; try again",
		    path);
		break;
	default:
		snprintf(text, size, "%s: %s", path, strerror(err));
	}
}

static _Noreturn void
leave(const char *path, int err)
{
	char text[512];

	client_explain(path, err, text, sizeof(text));
	fprintf(stderr, "vipctl: %s\n", text);
	exit(CTL_NOBODY);
}

static bool
only_reads(const char *line)
{
	return strncmp(line, "show ", 5) == 0 || strncmp(line, "explain ", 8) == 0 ||
	       strncmp(line, "get ", 4) == 0;
}

static bool
nobody_there(int err)
{
	return err == ENOENT || err == ECONNREFUSED;
}

static bool
ask_master(const char *path, const char *line, int timeout_ms, struct buf *answer)
{
	char master[4096];

	snprintf(master, sizeof(master), "%s.master", path);
	return client_ask(master, line, timeout_ms, answer) == 0;
}

void
client_must_ask(const char *path, const char *line, struct buf *answer)
{
	static bool silent; /* no worker answered before: the master is asked at once */
	bool reads = only_reads(line);
	size_t before = answer->len;
	int err;

	if (silent && reads && ask_master(path, line, CLIENT_TIMEOUT_MS, answer))
		return;
	buf_truncate(answer, before);
	if (client_ask(path, line, reads ? CLIENT_READ_MS : CLIENT_TIMEOUT_MS, answer) == 0)
		return;
	err = errno;
	buf_truncate(answer, before);
	/* What may have been carried out already is not asked for twice. */
	if (!reads && !nobody_there(err))
		leave(path, err);
	if (!ask_master(path, line, CLIENT_TIMEOUT_MS, answer))
		leave(path, err);
	silent = true;
	fprintf(stderr, "vipctl: no worker answers; this comes from the master\n");
}

void
client_must_ask_master(const char *path, const char *line, int timeout_ms, struct buf *answer)
{
	size_t before = answer->len;
	int err;

	if (ask_master(path, line, timeout_ms, answer))
		return;
	err = errno;
	buf_truncate(answer, before);
	if (nobody_there(err) || err == EACCES || err == ENAMETOOLONG) {
		if (client_ask(path, line, timeout_ms, answer) == 0)
			return;
		err = errno;
	}
	if (err != ETIMEDOUT)
		leave(path, err);
	/* A reload that waits for a slow process, mostly. */
	fprintf(stderr,
	    "vipctl: no answer from the master within %d s: it may still carry this out; its log "
	    "says "
	    "how it ends\n",
	    timeout_ms / 1000);
	exit(CTL_NOBODY);
}
