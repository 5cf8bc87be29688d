/* SPDX-License-Identifier: ISC */
/*
 * How many workers there are. A slot, once used, is looked at for ever: its counters stay. One more
 * worker: a slot, a queue in every listener, a process. One fewer: it takes no connections from the
 * commit on, its queues are polled by another (worker/listen.c); no queue is closed, so nobody who
 * waits is lost. Its process follows further reloads and ends when it is idle; until then a reload
 * can have it back.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/event.h"

#define DRAIN_MS      86400000 /* the bound for sessions of a drained worker */
#define DRAIN_LEAST   500      /* whoever it accepted last is counted by now */
#define DRAIN_LAST_MS 1000     /* to close what control connections there are */

bool
process_drained(const struct process *p)
{
	return p->kind == SHM_WORKER && p->index >= p->m->wanted;
}

int
workers_prepare(struct master *m, unsigned n, char *reason, size_t size)
{
	if (n > m->seg.caps->workers) {
		snprintf(reason, size,
		    "workers: %u are more than the %u that there is room for since the start; "
		    "restart it",
		    n, m->seg.caps->workers);
		return -1;
	}
	while (m->n_workers < n) {
		struct process *p = &m->workers[m->n_workers];

		if (process_init(p, m, SHM_WORKER, m->n_workers) == -1) {
			snprintf(reason, size, "no doorbell for one more worker");
			return -1;
		}
		m->seg.own_master->absent[p->index / 64].v |= 1ull << (p->index % 64);
		sw32_set(&m->seg.own_master->n_workers, ++m->n_workers);
	}
	return 0;
}

/* A limit that follows from the number of workers, unless a command has set another. */
static void
maxconn_follow(struct master *m, unsigned n)
{
	struct sw32 *now = &m->seg.own_master->maxconn;

	if (m->gen != NULL && m->gen->conf->global.maxconn == 0 &&
	    sw32_get(now) == wants_maxconn(m->gen->conf, m->wanted, m->nofile))
		sw32_set(now, wants_maxconn(m->gen->conf, n, m->nofile));
}

void
workers_commit(struct master *m, unsigned n)
{
	unsigned old = m->wanted;

	if (n == old)
		return;
	maxconn_follow(m, n);
	m->wanted = n;
	sw32_set(&m->seg.own_master->wanted, n);
	for (unsigned i = n; i < old; i++) {
		struct process *p = &m->workers[i];

		p->drained = mono_now();
		if (p->state == PROCESS_BACKOFF) {
			loop_timer_del(m->loop, &p->respawn);
			p->state = PROCESS_NONE;
		}
		process_publish_masks(p, true);
	}
	for (unsigned i = old; i < n; i++)
		process_publish_masks(&m->workers[i], true);
	event_log(&m->seg, LOG_NOTICE, EVENT_PROCESS, n, "workers: %u -> %u", old, n);
	if (n < old)
		report_add(m,
		    "the %u workers that are too many take no more connections and end with their "
		    "last session",
		    old - n);
}

void
workers_fork(struct master *m)
{
	for (unsigned i = 0; i < m->wanted && m->ready && !m->stopping; i++) {
		struct process *p = &m->workers[i];

		if (p->pid != 0 || p->state != PROCESS_NONE)
			continue;
		if (process_spawn(p) == 0) {
			round_catch_up(p);
			continue;
		}
		process_retry(p);
	}
}

void
workers_look(struct master *m)
{
	for (unsigned i = m->wanted; i < m->n_workers && !m->stopping; i++) {
		struct process *p = &m->workers[i];
		const struct shm_worker *w = shm_worker(&m->seg, i);
		int64_t ms = mono_diff_ms(mono_now(), p->drained);
		bool idle = sw32_get(&w->held) == 0 && sw32_get(&w->held_misc) == 0;

		if (p->pid == 0 || p->told || m->round.phase != ROUND_NONE || ms < DRAIN_LEAST ||
		    !(idle || ms >= DRAIN_MS))
			continue;
		p->told = true;
		if (msg_send(&p->chan, PROTO_STOP, DRAIN_LAST_MS, NULL, 0, NULL, 0) == -1)
			process_kill(p, SIGKILL);
	}
}
