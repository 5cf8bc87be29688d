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
relog_target(struct master *m, uint64_t index)
{
	const struct conf_global *c;
	struct log_socket *s = NULL;
	int fd, own;

	if (m->gen == NULL || index >= m->gen->conf->global.n_logs)
		return;
	c = &m->gen->conf->global;
	for (size_t i = 0; i < m->gen->n_logs; i++)
		if (strcmp(m->gen->logs[i].name, c->logs[index].address) == 0)
			s = &m->gen->logs[i];
	if (s == NULL || (s->tried.ns != 0 && mono_diff_ms(mono_now(), s->tried) < RELOG_PAUSE_MS))
		return;
	s->tried = mono_now();
	fd = socket(c->logs[index].to.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, &c->logs[index].to.sa, c->logs[index].to.len) == -1) {
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
		log_target_reopen(index, own);
}

static void
on_lost(size_t index)
{
	relog_target(the_master, index);
}

void
relog_watch(struct master *m)
{
	the_master = m;
	log_set_lost_hook(on_lost);
}
