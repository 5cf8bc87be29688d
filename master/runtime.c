/* SPDX-License-Identifier: ISC */
/*
 * What commands set in the master's section: frontends stopped, limits, this node's maintenance.
 * They hold over reloads (directory.c); maintenance also over a restart, by a file in state_dir.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/event.h"
#include "shm/request.h"

/* ---- frontends --------------------------------------------------------------------------------
 */

static void
frontend_apply(struct master *m, uint32_t slot)
{
	const struct shm_fe_dir *d = shm_fe_dir(&m->seg, slot);
	uint32_t k = conf_find_frontend(m->gen->conf, d->name);
	const struct conf_frontend *f;

	if (k == CONF_NONE)
		return;
	f = &m->gen->conf->frontends[k];
	for (size_t i = 0; i < f->n_binds; i++) {
		struct listener *l = listener_find(m->listeners, f->binds[i].name);

		if (l != NULL)
			listener_pause(l, sw32_get(&d->flags) != 0);
	}
}

void
runtime_commit(struct master *m)
{
	const struct shm_fe_dir *d = shm_fe_dir(&m->seg, 0);

	for (uint32_t i = 0; i < sw32_get(&m->seg.master->n_frontends); i++)
		if (sw32_get(&d[i].state) == SHM_DIR_USED)
			frontend_apply(m, i);
}

static struct shm_fe_dir *
frontend_at(struct master *m, uint32_t slot, uint32_t epoch)
{
	struct shm_fe_dir *d = shm_own_fe_dir(&m->seg) + slot;

	if (m->gen == NULL || slot >= sw32_get(&m->seg.master->n_frontends) ||
	    sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&d->epoch) != epoch)
		return NULL;
	return d;
}

uint32_t
runtime_frontend(struct master *m, uint32_t slot, uint32_t epoch, uint32_t state)
{
	static const uint32_t flags[] = {[SHM_REQ_FE_ENABLE] = 0,
	    [SHM_REQ_FE_DISABLE] = SHM_FE_DISABLED,
	    [SHM_REQ_FE_SHUTDOWN] = SHM_FE_STOPPED};
	static const char *const words[] = {"enabled", "disabled", "shut down"};
	struct shm_fe_dir *d = frontend_at(m, slot, epoch);

	if (d == NULL)
		return SHM_RES_GONE;
	if (state > SHM_REQ_FE_SHUTDOWN)
		return SHM_RES_VALUE;
	if ((sw32_get(&d->flags) & SHM_FE_STOPPED) != 0)
		return SHM_RES_STOPPED;
	if (sw32_get(&d->flags) == flags[state])
		return SHM_RES_ALREADY;
	/* Workers look at the flag before they touch the sockets. */
	if (state == SHM_REQ_FE_ENABLE) {
		sw32_set(&d->flags, 0);
		frontend_apply(m, slot);
	} else {
		sw32_set(&d->flags, flags[state]);
		master_ring_all(m);
		frontend_apply(m, slot);
	}
	event_log(&m->seg, LOG_NOTICE, EVENT_FRONTEND, slot, "frontend %s is %s by command",
	    d->name, words[state]);
	master_ring_all(m);
	return SHM_RES_DONE;
}

uint32_t
runtime_frontend_maxconn(struct master *m, uint32_t slot, uint32_t epoch, uint32_t n)
{
	struct shm_fe_dir *d = frontend_at(m, slot, epoch);

	if (d == NULL)
		return SHM_RES_GONE;
	sw32_set(&d->maxconn, n);
	event_add(&m->seg, EVENT_LIMIT, slot, "frontend %s: maxconn %u by command", d->name, n);
	master_ring_all(m);
	return SHM_RES_DONE;
}

uint32_t
runtime_maxconn(struct master *m, uint64_t n)
{
	uint64_t room = m->nofile > 202 ? (m->nofile - 200) / 2 * m->wanted : m->wanted;

	if (m->gen == NULL || n > room)
		return SHM_RES_VALUE;
	if (n == 0)
		n = wants_maxconn(m->gen->conf, m->wanted, m->nofile);
	sw32_set(&m->seg.own_master->maxconn, (uint32_t)n);
	event_add(&m->seg, EVENT_LIMIT, 0, "global maxconn %u by command", (unsigned)n);
	master_ring_all(m);
	return SHM_RES_DONE;
}

/* vipd has one kind of both: the lower limit holds. */
uint32_t
runtime_rate(struct master *m, bool sessions, uint64_t n)
{
	struct shm_master *own = m->seg.own_master;

	if (m->gen == NULL || n >= UINT32_MAX)
		return SHM_RES_VALUE;
	sw32_set(sessions ? &own->sess_rate : &own->conn_rate, (uint32_t)n);
	event_add(&m->seg, EVENT_LIMIT, 0, "global rate limit of %s by command: %u a second%s",
	    sessions ? "sessions" : "connections", (unsigned)n, n == 0 ? ", which is none" : "");
	master_ring_all(m);
	return SHM_RES_DONE;
}

/* ---- maintenance ------------------------------------------------------------------------------
 */

static void
mark_path(char *path, size_t size, const struct conf *c)
{
	snprintf(path, size, "%s/maintenance", c->global.state_dir);
}

static int
mark_write(const char *path, bool on)
{
	int fd;

	if (!on)
		return unlink(path) == -1 && errno != ENOENT ? -1 : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	fsync(fd);
	return close(fd);
}

void
runtime_start(struct master *m, const struct conf *c)
{
	char path[512];

	mark_path(path, sizeof(path), c);
	if (access(path, F_OK) == -1)
		return;
	sw32_set(&m->seg.own_master->maintenance, 1);
	log_warning("this node is in maintenance, as it was before the start (%s); vipctl "
		    "maintenance off ends it",
	    path);
}

uint32_t
runtime_maintenance(struct master *m, bool on)
{
	char path[512];

	if (m->gen == NULL)
		return SHM_RES_FAILED;
	if ((sw32_get(&m->seg.master->maintenance) != 0) == on)
		return SHM_RES_ALREADY;
	/* In one word: monitoring answers 503 at once, vrrp gives its addresses away when it looks;
	 * sessions go on. */
	sw32_set(&m->seg.own_master->maintenance, on);
	master_ring_all(m);
	event_log(&m->seg, LOG_NOTICE, EVENT_CONFIG, 0, "maintenance of this node: %s",
	    on ? "on" : "off");
	mark_path(path, sizeof(path), m->gen->conf);
	if (mark_write(path, on) == -1) {
		log_err("cannot %s %s: %s", on ? "write" : "remove", path, strerror(errno));
		return SHM_RES_UNSAVED;
	}
	return SHM_RES_DONE;
}
