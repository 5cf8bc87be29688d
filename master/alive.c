/* SPDX-License-Identifier: ISC */
/*
 * Once a tick and child: has it answered? Publishes whose queues others take over, samples silent
 * ones, kills those that hang (hard-parts.md 8). The decisions are watch.c's.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/log.h"
#include "master/master.h"

static bool
slurp(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n > 0;
}

static struct watch_sample
sample(pid_t pid)
{
	char path[64], stat[1024], sched[256];
	struct watch_sample s = {0};

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!slurp(path, stat, sizeof(stat)))
		return s;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	if (!slurp(path, sched, sizeof(sched)))
		snprintf(sched, sizeof(sched), "0 0 0");
	watch_parse(&s, stat, sched);
	return s;
}

static uint64_t
kill_ticks(const struct process *p)
{
	return p->kind == SHM_VRRP ? WATCH_VRRP_TICKS : WATCH_KILL_TICKS;
}

static uint64_t
answered(const struct process *p)
{
	if (p->kind == SHM_WORKER)
		return sw64_get(&shm_worker(&p->m->seg, p->index)->beat);
	if (p->kind == SHM_CHECKER)
		return sw64_get(&p->m->seg.checker->beat);
	return sw64_get(&p->m->seg.vrrp->beat);
}

static bool
may_kill(struct process *p, uint64_t now)
{
	struct master *m = p->m;
	bool others = p->kind != SHM_WORKER;

	for (unsigned i = 0; i < m->wanted && !others; i++)
		others = &m->workers[i] != p && process_serves(&m->workers[i]) &&
			 answered(&m->workers[i]) + WATCH_SILENT_TICKS >= now;
	if (p->kind != SHM_WORKER)
		return true;
	return watch_may_kill(now, m->last_kill, m->replaces == NULL, others);
}

static void
hang_kill(struct process *p, uint64_t now)
{
	char name[32];

	log_alert("%s (pid %d) hangs: no answer for %d ms; killed",
	    process_name(p, name, sizeof(name)), (int)p->pid, (int)kill_ticks(p) * WATCH_TICK_MS);
	if (p->kind == SHM_WORKER) {
		p->m->last_kill = now;
		p->m->replaces = p;
	}
	p->killed = true;
	process_kill(p, SIGKILL);
}

static void
judge(struct process *p, uint64_t now)
{
	struct watch_sample s = sample(p->pid);
	enum watch_verdict v;
	char name[32];

	if (p->kind != SHM_VRRP && p->answer >= ANSWER_ASKED &&
	    mono_before(mono_now(), p->patience))
		return; /* a large configuration takes a while */
	v = watch_judge(
	    &p->watch, &s, p->answer >= ANSWER_ASKED ? (uint64_t)p->work_ms * 1000000 : 0);
	switch (v) {
	case WATCH_KILL:
		if (!p->killed && may_kill(p, now))
			hang_kill(p, now);
		break;
	case WATCH_STARVED:
	case WATCH_BLOCKED:
		if (!p->watch.warned)
			log_warning("%s (pid %d) %s: no answer for %d ms",
			    process_name(p, name, sizeof(name)), (int)p->pid,
			    v == WATCH_STARVED ? "gets no CPU" : "waits in the kernel",
			    (int)kill_ticks(p) * WATCH_TICK_MS);
		p->watch.warned = true;
		break;
	default:
		break;
	}
}

void
process_publish_masks(struct process *p, bool answers)
{
	struct shm_master *own = p->m->seg.own_master;
	uint64_t bit = 1ull << (p->index % 64);

	if (p->kind != SHM_WORKER)
		return;
	if (answers && process_serves(p) && !process_drained(p) && !p->builds && !p->told)
		own->absent[p->index / 64].v &= ~bit;
	else
		own->absent[p->index / 64].v |= bit;
	if (process_serves(p))
		own->live[p->index / 64].v |= bit;
}

/* One tick: has it answered? Publishes whether others take over its queues. */
void
process_tick(struct process *p)
{
	struct master *m = p->m;
	uint64_t now = sw64_get(&m->seg.own_master->tick);
	bool want = false;
	enum watch_verdict v = WATCH_FINE;

	if (p->pid != 0) {
		v = watch_step(&p->watch, now, answered(p), kill_ticks(p), &want);
		if (want && !p->watch.sampled) {
			p->watch.at_ask = sample(p->pid);
			p->watch.sampled = true;
		} else if (want) {
			judge(p, now);
		}
		if (v == WATCH_FINE && m->replaces == p && p->state == PROCESS_READY && !p->killed)
			m->replaces = NULL;
	}
	process_publish_masks(p, v == WATCH_FINE);
	process_lives(p);
}
