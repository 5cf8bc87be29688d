/* SPDX-License-Identifier: ISC */
/*
 * A child's life as the master sees it. From fork to waitpid the child owns its slot of the
 * segment, from waitpid to fork the master does (hard-parts.md 4). Children are forked without
 * exec: what they may know of the configuration comes by message, never by inheritance.
 */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker/checker.h"
#include "lib/log.h"
#include "lib/wipe.h"
#include "master/master.h"
#include "shm/event.h"
#include "vrrp/vrrp.h"
#include "worker/worker.h"

#define RETRY_MS 100

static struct process *
of_end(struct loop_fd *f)
{
	return (struct process *)(void *)((char *)f - offsetof(struct process, end));
}

const char *
process_name(const struct process *p, char *buf, size_t size)
{
	if (p->kind == SHM_WORKER)
		snprintf(buf, size, "worker %u", p->index);
	else
		snprintf(buf, size, "%s", p->kind == SHM_CHECKER ? "checker" : "vrrp");
	return buf;
}

bool
process_serves(const struct process *p)
{
	return p->pid != 0 && p->state == PROCESS_READY;
}

static void
publish(struct process *p)
{
	static const enum shm_proc_state map[] = {[PROCESS_NONE] = SHM_PROC_NONE,
	    [PROCESS_STARTING] = SHM_PROC_STARTING,
	    [PROCESS_READY] = SHM_PROC_READY,
	    [PROCESS_BACKOFF] = SHM_PROC_BACKOFF};

	sw32_set(&p->pub->pid, (uint32_t)p->pid);
	sw32_set(&p->pub->state, p->m->stopping && p->pid != 0 ? SHM_PROC_STOPPING : map[p->state]);
	sw64_set(&p->pub->generation, p->done);
}

/* ---- in the child -----------------------------------------------------------------------------
 */

static int
child_main(const struct child_start *st)
{
	switch (st->kind) {
	case SHM_WORKER:
		return worker_main(st);
	case SHM_CHECKER:
		return checker_main(st);
	default:
		return vrrp_main(st);
	}
}

static void
child_title(const struct child_start *st)
{
	if (st->kind == SHM_WORKER)
		proc_title_set("vipd: worker %u", st->index);
	else
		proc_title_set("vipd: %s", st->kind == SHM_CHECKER ? "checker" : "vrrp");
}

static void
keep_descriptors(const struct master *m, const struct child_start *st)
{
	int keep[SHM_MAX_WORKERS + 8];
	size_t n = 0;

	keep[n++] = st->sock;
	keep[n++] = m->seg.rw_fd;
	keep[n++] = m->seg.ro_fd;
	keep[n++] = st->bells.checker;
	keep[n++] = st->bells.vrrp;
	keep[n++] = st->bells.master;
	for (unsigned i = 0; i < m->n_workers; i++)
		keep[n++] = st->bells.workers[i];
	proc_close_others(keep, n);
}

_Noreturn static void
child_become(struct process *p, int sock, pid_t parent)
{
	struct master *m = p->m;
	static struct child_start st;
	uint64_t caps = 0;
	int sig = SIGKILL;

	st = (struct child_start){.kind = p->kind,
	    .index = p->index,
	    .sock = sock,
	    .resumed = p->resumed,
	    .filter = m->filters[p->kind]};
	for (unsigned i = 0; i < SHM_MAX_WORKERS; i++)
		st.bells.workers[i] = i < m->n_workers ? m->workers[i].bell : -1;
	st.bells.checker = m->checker.bell;
	st.bells.vrrp = m->vrrp.bell;
	st.bells.master = m->bell;
	if (m->opt.daemon)
		proc_null_std(); /* else the starter's pipe stays open as long as we live */
	wipe_frees(false);
	wipe_stack();
	proc_signals_child();
	keep_descriptors(m, &st);
	log_after_fork();
	child_title(&st);
	if (shm_attach(&st.seg, &m->seg, p->kind, p->index) == -1) {
		log_crit("cannot attach the shared segment: %s", strerror(errno));
		_exit(PROC_EXIT_FAILED);
	}
	if (p->kind == SHM_VRRP) {
		/* Gives its addresses away before it ends, so it is not killed with the master. */
		caps = 1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW | 1ull << CAP_SYS_NICE |
		       1ull << CAP_IPC_LOCK;
		sig = 0;
	} else {
		proc_oom_ordinary();
	}
	/* vrrp has a thread to make first. */
	if (proc_confine(&m->user, caps, sig, parent) == -1 ||
	    (p->kind != SHM_VRRP && proc_no_more() == -1)) {
		if (errno == ESRCH)
			_exit(PROC_EXIT_DONE);
		log_crit("cannot give up privileges: %s", strerror(errno));
		_exit(PROC_EXIT_PERMISSION);
	}
	/* Probe keys, passwords: no core file, nothing for a fellow of the same user to read. */
	if (p->kind != SHM_WORKER)
		prctl(PR_SET_DUMPABLE, 0);
	_exit(child_main(&st));
}

/* ---- in the master ----------------------------------------------------------------------------
 */

static void
lost_log(struct master *m, const struct msg *msg)
{
	char name[LOG_NAME_MAX + 1];

	if (msg->len >= sizeof(name))
		return;
	memcpy(name, msg->data, msg->len);
	name[msg->len] = '\0';
	relog_target(m, name);
}

static void
on_message(struct msg_chan *chan, struct msg *msg)
{
	struct process *p =
	    (struct process *)(void *)((char *)chan - offsetof(struct process, chan));

	switch (msg->type) {
	case PROTO_YES:
	case PROTO_NO:
	case PROTO_DONE:
		round_answer(p, msg);
		publish(p);
		break;
	case PROTO_LOG_LOST:
		lost_log(p->m, msg);
		break;
	case PROTO_RUN:
		/* Only vrrp has scripts, and only those of the configuration in force. */
		if (p->kind == SHM_VRRP && msg->len == sizeof(struct proto_run) &&
		    p->m->gen != NULL)
			scripts_run(p->m->scripts, p->m->gen->conf, msg->number, msg->data);
		break;
	default:
		break;
	}
}

static void
on_closed(struct msg_chan *chan)
{
	/* Its end follows by pidfd. A child that closes and lives on is ended. */
	struct process *p =
	    (struct process *)(void *)((char *)chan - offsetof(struct process, chan));

	msg_close(chan);
	if (!p->m->stopping)
		process_kill(p, SIGKILL);
}

void
process_kill(struct process *p, int sig)
{
	if (p->pid != 0)
		kill(p->pid, sig);
}

static void
schedule(struct process *p, int64_t wait_ms)
{
	p->state = PROCESS_BACKOFF;
	loop_timer_set(p->m->loop, &p->respawn, mono_add_ms(mono_now(), wait_ms));
}

static void
degraded_publish(struct master *m)
{
	bool bad = backoff_degraded(&m->checker.backoff) || backoff_degraded(&m->vrrp.backoff);

	for (unsigned i = 0; i < m->n_workers; i++)
		bad = bad || backoff_degraded(&m->workers[i].backoff);
	sw32_set(&m->seg.own_master->degraded, bad);
}

void
process_lives(struct process *p)
{
	int64_t lived = mono_diff_ms(mono_now(), p->started);
	uint32_t deaths;
	char name[32];

	if (p->pid == 0 || p->state != PROCESS_READY || p->killed ||
	    !backoff_lives(&p->backoff, lived, &deaths))
		return;
	degraded_publish(p->m);
	event_log(&p->m->seg, LOG_NOTICE, EVENT_PROCESS, (uint32_t)p->pid,
	    "%s (pid %d) lives again, after %u deaths in a row%s",
	    process_name(p, name, sizeof(name)), (int)p->pid, deaths,
	    sw32_get(&p->m->seg.own_master->degraded) != 0 ? "" : "; no longer degraded");
	master_ring_all(p->m);
}

/* With no worker left nobody serves: the one that is due first comes back without its wait. */
static void
keep_one(struct master *m)
{
	struct mono soon = mono_add_ms(mono_now(), BACKOFF_LAST_MS);
	struct process *first = NULL;

	for (unsigned i = 0; i < m->wanted; i++) {
		struct process *p = &m->workers[i];

		if (p->pid != 0)
			return;
		if (p->state == PROCESS_BACKOFF &&
		    (first == NULL || mono_diff_ms(p->respawn.at, first->respawn.at) < 0))
			first = p;
	}
	if (first != NULL && mono_diff_ms(first->respawn.at, soon) > 0)
		loop_timer_set(m->loop, &first->respawn, soon);
}

static void
log_death(struct process *p, int status, unsigned lost, int64_t wait_ms)
{
	char name[32], how[64];

	process_name(p, name, sizeof(name));
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "killed by signal %d%s", WTERMSIG(status),
		    p->killed ? " (by the master: it hung)" : "");
	else
		snprintf(how, sizeof(how), "exited with %d", WEXITSTATUS(status));
	if (p->m->stopping)
		return;
	if (p->told || process_drained(p)) {
		event_log(&p->m->seg, p->told ? LOG_NOTICE : LOG_ALERT, EVENT_PROCESS,
		    (uint32_t)p->pid, "%s (pid %d), which was drained, %s; %u sessions lost", name,
		    (int)p->pid, how, lost);
		return;
	}
	/* The death that makes it a crash loop says so; those that follow are only counted, until
	 * it lives again. */
	event_log(&p->m->seg, p->backoff.deaths > BACKOFF_FREE + 1 ? LOG_DEBUG : LOG_ALERT,
	    EVENT_PROCESS, (uint32_t)p->pid,
	    "%s (pid %d) %s; %u sessions lost; respawn in %lld ms%s", name, (int)p->pid, how, lost,
	    (long long)wait_ms,
	    backoff_degraded(&p->backoff)
		? "; it dies again and again: this node is degraded, further deaths are not logged"
		: "");
}

/* Codes by which a child says that another try with the same configuration is useless. */
static bool
is_final(int status)
{
	return WIFEXITED(status) && (WEXITSTATUS(status) == PROC_EXIT_CONFIG ||
					WEXITSTATUS(status) == PROC_EXIT_PERMISSION);
}

static void
bury(struct process *p, int status)
{
	struct master *m = p->m;
	struct mono now = mono_now();
	int64_t lived = mono_diff_ms(now, p->started), wait;
	struct backoff before = p->backoff;
	unsigned lost = 0;

	if (p->kind == SHM_WORKER) {
		lost = sessions_bury(m, p->index);
		shm_worker_reset(&m->seg, shm_dead_worker(&m->seg, p->index));
		m->seg.own_master->live[p->index / 64].v &= ~(1ull << (p->index % 64));
		m->seg.own_master->absent[p->index / 64].v |= 1ull << (p->index % 64);
	}
	sw32_set(&p->pub->last_status, (uint32_t)status);
	wait = p->kind == SHM_VRRP ? backoff_step_lease(&p->backoff, lived)
				   : backoff_step(&p->backoff, lived);
	if (p->told) {
		p->backoff = before;
		wait = 0; /* wanted again meanwhile */
	}
	if (is_final(status) && wait < BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	log_death(p, status, lost, wait);
	if (process_drained(p))
		p->backoff = (struct backoff){0};
	degraded_publish(m);
	msg_close(&p->chan);
	p->pid = 0;
	p->done = 0;
	p->watch = (struct watch){0};
	p->killed = p->told = false;
	p->bells = 0;
	master_ring_all(m); /* neighbours take its queues, places and turns */
	round_died(p, wait);
	if (m->stopping || p->state == PROCESS_NONE || process_drained(p))
		p->state = PROCESS_NONE;
	else if (!m->ready && m->round.phase == ROUND_NONE)
		p->state = PROCESS_NONE; /* the start failed */
	else
		schedule(p, wait);
	if (!m->stopping && !is_final(status))
		keep_one(m);
	publish(p);
}

static void
on_end(struct loop_fd *f, uint32_t events)
{
	struct process *p = of_end(f);
	int status = 0, fd = f->fd;

	(void)events;
	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return;
	loop_fd_del(p->m->loop, &p->end);
	close(fd);
	bury(p, status);
	if (p->m->stopping && p->kind == SHM_VRRP)
		lease_stopped(p->m);
	if (p->m->stopping)
		master_stop(p->m, p->m->stop_now);
}

static void
on_respawn(struct loop_timer *t)
{
	struct process *p =
	    (struct process *)(void *)((char *)t - offsetof(struct process, respawn));

	if (p->m->stopping || process_drained(p))
		return;
	if (process_spawn(p) == -1) {
		process_retry(p);
		return;
	}
	p->unforked = false;
	round_catch_up(p);
}

void
process_retry(struct process *p)
{
	char name[32];

	/* Soon: vrrp has its lease to come back in. Said once. */
	if (!p->unforked)
		log_err("cannot fork %s: %s; tried until it can be",
		    process_name(p, name, sizeof(name)), strerror(errno));
	p->unforked = true;
	schedule(p, RETRY_MS);
}

int
process_init(struct process *p, struct master *m, enum shm_kind kind, unsigned index)
{
	*p = (struct process){.m = m,
	    .kind = kind,
	    .index = index,
	    .end = {.cb = on_end, .fd = -1},
	    .respawn.cb = on_respawn,
	    .chan = {.cb = on_message, .closed = on_closed, .f.fd = -1}};
	p->pub = kind == SHM_WORKER    ? &m->seg.own_master->workers[index]
		 : kind == SHM_CHECKER ? &m->seg.own_master->checker
				       : &m->seg.own_master->vrrp;
	p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->bell == -1 || loop_timer_reserve(m->loop, 1) == -1)
		return -1;
	return 0;
}

int
process_spawn(struct process *p)
{
	struct master *m = p->m;
	pid_t parent = getpid();
	int sv[2];

	if (msg_pair(sv) == -1)
		return -1;
	p->pid = fork();
	if (p->pid == 0) {
		close(sv[0]);
		child_become(p, sv[1], parent);
	}
	close(sv[1]);
	if (p->pid == -1) {
		p->pid = 0;
		close(sv[0]);
		return -1;
	}
	p->end.fd = -1;
	int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (pidfd == -1 || msg_open(&p->chan, m->loop, sv[0]) == -1 ||
	    loop_fd_add(m->loop, &p->end, pidfd, EPOLLIN) == -1) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
		p->pid = 0;
		if (p->chan.f.fd == -1)
			close(sv[0]);
		else
			msg_close(&p->chan);
		if (pidfd != -1)
			close(pidfd);
		return -1;
	}
	p->started = mono_now();
	p->state = PROCESS_STARTING;
	p->answer = ANSWER_NONE;
	p->done = 0;
	p->bells = p->bells_asked = m->n_workers;
	if (p->resumed)
		sw32_set(&p->pub->respawns, sw32_get(&p->pub->respawns) + 1);
	p->resumed = true;
	sw64_set(&p->pub->started_ns, (uint64_t)p->started.ns);
	sw64_set(&p->pub->started_wall_us, (uint64_t)mono_wall_us());
	publish(p);
	return 0;
}
