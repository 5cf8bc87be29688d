/* SPDX-License-Identifier: ISC */
/* Connections of this worker that are no sessions: hands them to the control socket's and to the
 * monitoring frontends' servers. One worker a process, so what they share lies in this file. */
#include "worker/misc.h"

#include <unistd.h>

#include "shm/limit.h"
#include "worker/cli.h"

static const struct conf *
conf_in_force(void *ctx)
{
	const struct worker *w = ctx;

	return w->gen != NULL ? w->gen->conf : NULL;
}

static void
control_closed(void *ctx)
{
	misc_closed(ctx);
}

static struct cli control = {.conf = conf_in_force, .closed = control_closed};

void
misc_control_accept(struct worker *w, int fd)
{
	const struct conf_control *conf = &w->gen->conf->global.control;

	control.loop = w->loop;
	control.shm = w->seg;
	control.ctx = w;
	if (cli_open(&control, fd, (enum command_level)conf->level, conf->timeout_ms) == -1)
		misc_closed(w);
}

void
misc_message(struct worker *w, struct msg *m)
{
	(void)w;
	(void)m;
}

void
misc_bell(struct worker *w)
{
	(void)w;
	cli_bell(&control);
}

void
misc_closed(struct worker *w)
{
	limit_release_misc(w->seg);
	w->look = true;
}

void
misc_http_accept(
    struct worker *w, const struct gen_frontend *fe, int fd, const struct sock_addr *peer)
{
	(void)fe;
	(void)peer;
	close(fd);
	misc_closed(w);
}
