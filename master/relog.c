/* SPDX-License-Identifier: ISC */
/*
 * Log sockets that the other end has closed: a syslog daemon that is restarted makes a new socket.
 * Whoever is refused tells the master, which alone opens paths; it connects anew and hands the
 * socket to all. A daemon that is not there yet is asked for again with a later line (log.h: at
 * most once a second a target and process).
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"

#define RELOG_PAUSE_MS 200 /* several processes are refused at about the same time */

static struct master *the_master;
static int fresh_fd;
static struct proto_fd fresh;

static void
give(struct process *p)
{
	if (p->pid != 0 && p->chan.f.fd != -1)
		msg_send(&p->chan, PROTO_LOG_FD, 0, &fresh, sizeof(fresh), &fresh_fd, 1);
}

void
relog_target(struct master *m, const char *name)
{
	const struct conf_log *l = NULL;
	struct log_socket *s = NULL;
	int fd, own;

	for (size_t i = 0; m->gen != NULL && i < m->gen->conf->global.n_logs; i++)
		if (strcmp(m->gen->conf->global.logs[i].address, name) == 0)
			l = &m->gen->conf->global.logs[i];
	for (size_t i = 0; l != NULL && i < m->gen->n_logs; i++)
		if (strcmp(m->gen->logs[i].name, name) == 0)
			s = &m->gen->logs[i];
	if (s == NULL || (s->tried.ns != 0 && mono_diff_ms(mono_now(), s->tried) < RELOG_PAUSE_MS))
		return;
	s->tried = mono_now();
	fd = socket(l->to.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, &l->to.sa, l->to.len) == -1) {
		if (fd != -1)
			close(fd);
		return;
	}
	close(s->fd);
	s->fd = fd;
	fresh = (struct proto_fd){.kind = PROTO_FD_LOG};
	memcpy(fresh.name, s->name, strnlen(s->name, sizeof(fresh.name) - 1));
	fresh_fd = fd;
	master_each(m, give);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own != -1)
		log_reopen(s->name, own);
}

static void
on_lost(const char *name)
{
	relog_target(the_master, name);
}

void
relog_watch(struct master *m)
{
	the_master = m;
	log_set_lost_hook(on_lost);
}
