/* SPDX-License-Identifier: ISC */
/*
 * The master's own control socket, PATH.master beside the workers': the same commands over shared
 * memory, and those that the master carries out, also while no worker answers (hard-parts 9). For
 * the owner of vipd only (mode 0600), level admin. Nothing here waits: answers are made in pieces
 * as the client takes them, connections and what lies in their buffers are bounded.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"
#include "master/requests.h"
#include "worker/cli.h"

#define CONTROL_CONNS      16
#define CONTROL_TIMEOUT_MS 10000
#define CONTROL_EVICT_MS   100
#define CONTROL_STALL_MS   1000 /* without taking a byte of an answer */

static struct ask_local local = {.send = requests_own, .done = requests_own_done};
static struct ask ask = {.local = &local};
static struct cli cli;
static struct loop_fd listening = {.fd = -1};
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static unsigned n_conns;

static const struct conf *
conf_in_force(void *ctx)
{
	const struct master *m = ctx;

	return m->gen != NULL ? m->gen->conf : NULL;
}

static void
conn_closed(void *ctx)
{
	(void)ctx;
	n_conns--;
}

static void
on_connection(struct loop_fd *f, uint32_t events)
{
	int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd == -1)
		return;
	if (n_conns >= CONTROL_CONNS && !cli_evict(&cli, false, CONTROL_EVICT_MS) &&
	    !cli_evict(&cli, true, CONTROL_STALL_MS)) {
		close(fd);
		return;
	}
	if (cli_open(&cli, fd, socket_path, COMMAND_ADMIN, CONTROL_TIMEOUT_MS) == 0)
		n_conns++;
}

static int
listen_on(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t old;
	int fd, r;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	unlink(path); /* ours: the lock beside it is held */
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (r == -1 || listen(fd, CONTROL_CONNS) == -1) {
		r = errno;
		close(fd);
		errno = r;
		return -1;
	}
	return fd;
}

void
control_start(struct master *m, const char *path)
{
	int fd;

	if (path == NULL)
		return;
	if ((size_t)snprintf(socket_path, sizeof(socket_path), "%s.master", path) >=
	    sizeof(socket_path)) {
		log_warning("%s.master is too long for a socket: no second control socket", path);
		socket_path[0] = '\0';
		return;
	}
	local.ctx = m;
	ask.shm = &m->seg;
	cli = (struct cli){.loop = m->loop,
	    .shm = &m->seg,
	    .conf = conf_in_force,
	    .closed = conn_closed,
	    .ctx = m,
	    .ask = &ask};
	listening.cb = on_connection;
	fd = listen_on(socket_path);
	if (fd == -1 || loop_fd_add(m->loop, &listening, fd, EPOLLIN) == -1) {
		log_warning("no second control socket %s: %s", socket_path, strerror(errno));
		if (fd != -1)
			close(fd);
		socket_path[0] = '\0';
	}
}

void
control_stop(void)
{
	if (cli.loop != NULL)
		cli_close_all(&cli);
	if (socket_path[0] != '\0')
		unlink(socket_path);
}
