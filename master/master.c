/* SPDX-License-Identifier: ISC */
/*
 * The running master: signals, the tick, the order of stopping. Owns the children and the sockets;
 * carries no traffic.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/boot.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/replay.h"
#include "master/status.h"

#define STOP_VRRP_MS    6000 /* the hand-over's own limit is 3 intervals + 1 s */
#define STOP_SLACK_MS   500
#define STOP_SCRIPTS_MS 3000

void
master_each(struct master *m, void (*fn)(struct process *))
{
	fn(&m->checker);
	for (unsigned i = 0; i < m->n_workers; i++)
		fn(&m->workers[i]);
	fn(&m->vrrp);
}

static void
ring(struct process *p)
{
	if (p->pid != 0)
		child_ring_fd(p->bell);
}

void
master_ring_all(struct master *m)
{
	master_each(m, ring);
}

/* ---- tick -------------------------------------------------------------------------------------
 */

static void
watchdog(struct master *m)
{
	static struct mono next;
	long long us = notify_watchdog_us();

	if (us == 0 || mono_before(loop_now(m->loop), next))
		return;
	next = mono_add_us(loop_now(m->loop), us / 3);
	notify_send("WATCHDOG=1\n");
}

/* What vrrp remembers of its peers. */
static void
replay_keep(struct master *m, bool whole)
{
	if (m->gen != NULL)
		replay_store(m->gen->conf->global.state_dir, m->seg.vrrp, whole);
}

static void
starts_look(struct master *m)
{
	static int64_t last_us;

	if (boot_clock_ahead(&last_us, mono_wall_us(), mono_now_boot().ns) && m->gen != NULL &&
	    sw32_get(&m->seg.master->starts) != 0)
		sw32_set(&m->seg.own_master->starts, boot_next(m->gen->conf->global.state_dir));
}

static void
on_tick(struct loop_timer *t)
{
	struct master *m = (struct master *)(void *)((char *)t - offsetof(struct master, tick));
	struct shm_master *own = m->seg.own_master;

	/* A gap in our own time counts as one tick: a pause of the machine kills nobody. */
	loop_timer_set(m->loop, t, mono_add_ms(loop_refresh(m->loop), WATCH_TICK_MS));
	sw64_set(&own->tick, sw64_get(&own->tick) + 1);
	sw64_set(&own->tick_ns, (uint64_t)loop_now(m->loop).ns);
	master_each(m, process_tick);
	lease_watch(m);
	if (sw64_get(&own->tick) % REPLAY_EVERY_TICKS == 0)
		replay_keep(m, false);
	starts_look(m);
	/* Nobody comes in its place. */
	if (m->replaces != NULL && m->replaces->pid == 0 &&
	    (m->stopping || process_drained(m->replaces)))
		m->replaces = NULL;
	master_ring_all(m);
	directory_reap(m);
	binds_look(m);
	workers_look(m);
	requests_look(m);
	watchdog(m);
	status_tick(m);
}

/* ---- stopping ---------------------------------------------------------------------------------
 */

static unsigned
alive(const struct master *m)
{
	unsigned n = m->checker.pid != 0;

	n += m->vrrp.pid != 0;
	for (unsigned i = 0; i < m->n_workers; i++)
		n += m->workers[i].pid != 0;
	return n;
}

static void
demos_end(struct master *m)
{
	for (unsigned i = 0; i < m->n_demos; i++)
		kill(m->demos[i], SIGKILL);
	for (unsigned i = 0; i < m->n_demos; i++)
		waitpid(m->demos[i], NULL, 0);
	m->n_demos = 0;
}

static void
stop_one(struct process *p, int64_t grace_ms)
{
	loop_timer_del(p->m->loop, &p->respawn);
	if (p->pid == 0)
		return;
	sw32_set(&p->pub->state, SHM_PROC_STOPPING);
	if (msg_send(&p->chan, PROTO_STOP, (uint64_t)grace_ms, NULL, 0, NULL, 0) == -1)
		process_kill(p, SIGKILL);
}

static void
kill_each(struct process *p)
{
	process_kill(p, SIGKILL);
}

static void
on_stop_limit(struct loop_timer *t)
{
	struct master *m =
	    (struct master *)(void *)((char *)t - offsetof(struct master, stop_limit));

	if (alive(m) == 0) {
		m->stop_now = true; /* a notify script takes too long */
		master_stop(m, true);
		return;
	}
	if (m->vrrp.pid != 0 && !m->stop_now) {
		log_warning("vrrp did not end in time; killed");
		process_kill(&m->vrrp, SIGKILL);
		return; /* its end goes on with the workers */
	}
	log_warning("%u processes did not end in time; killed", alive(m));
	master_each(m, kill_each);
}

static void
stop_workers(struct master *m)
{
	int64_t grace = m->stop_now      ? 0
			: m->gen != NULL ? m->gen->conf->global.hard_stop_after_ms
					 : 0;

	for (unsigned i = 0; i < m->n_workers; i++)
		stop_one(&m->workers[i], grace);
	stop_one(&m->checker, 0);
	loop_timer_set(m->loop, &m->stop_limit, mono_add_ms(mono_now(), grace + STOP_SLACK_MS));
}

/* systemd waits for TimeoutStopSec= only: it is told what the configuration allows. */
static void
stop_notify(const struct master *m)
{
	long long ms = STOP_VRRP_MS + STOP_SLACK_MS + STOP_SLACK_MS + STOP_SCRIPTS_MS;

	if (m->gen != NULL)
		ms += m->gen->conf->global.hard_stop_after_ms;
	notify_send("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%lld\n", ms * 1000);
}

/*
 * Order: vrrp hands its addresses over first, while everything still serves; then workers finish
 * their sessions. Called again when a child has ended, and with now = true by a second signal.
 */
void
master_stop(struct master *m, bool now)
{
	bool first = !m->stopping, hurry = now && !m->stop_now;

	m->stopping = true;
	m->stop_now = m->stop_now || now;
	if (first) {
		sw32_set(&m->seg.own_master->stopping, 1);
		round_stop(m);
		stop_notify(m);
	}
	if (alive(m) == 0) {
		/* The last word belongs to the notify scripts of the routers that were given up. */
		if (!m->stop_now && scripts_busy(m->scripts)) {
			loop_timer_set(
			    m->loop, &m->stop_limit, mono_add_ms(mono_now(), STOP_SCRIPTS_MS));
			return;
		}
		loop_stop(m->loop);
		return;
	}
	if (m->vrrp.pid != 0 && (first || hurry)) {
		stop_one(&m->vrrp, m->stop_now ? 0 : STOP_VRRP_MS);
		loop_timer_set(m->loop, &m->stop_limit,
		    mono_add_ms(
			mono_now(), m->stop_now ? STOP_SLACK_MS : STOP_VRRP_MS + STOP_SLACK_MS));
		m->workers_told = false;
		if (!m->stop_now)
			return;
	}
	if (m->vrrp.pid != 0 && !m->stop_now)
		return;
	if (!m->workers_told || hurry) {
		m->workers_told = true;
		/* New connections are refused from now on; what waits is served by the workers. */
		binds_stop(m);
		stop_workers(m);
	}
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static void
on_term(struct master *m, int sig)
{
	bool now = sig == SIGINT || m->stopping;

	log_notice("%s: %s", sig == SIGINT ? "SIGINT" : "SIGTERM",
	    now ? "ending at once" : "stopping; sessions may finish");
	m->exit_code = 0;
	master_stop(m, now);
}

static void
on_signal(struct loop_fd *f, uint32_t events)
{
	struct master *m = (struct master *)(void *)((char *)f - offsetof(struct master, signals));
	struct signalfd_siginfo si;

	(void)events;
	while (read(f->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			on_term(m, (int)si.ssi_signo);
			break;
		case SIGHUP:
			if (!m->stopping)
				reload_start(m);
			break;
		case SIGUSR1:
			dump_write(m);
			break;
		default:
			break;
		}
	}
}

/* Early: without it a SIGHUP or SIGUSR1 in the first milliseconds of life ends the program. SIGTERM
 * and SIGINT may, as long as there is nothing to put in order. */
void
master_signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int
signals_open(struct master *m)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	/* One that the caller ignored (nohup, a shell's background) would never come. */
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	m->signals = (struct loop_fd){.cb = on_signal, .fd = -1};
	return fd == -1 ? -1 : loop_fd_add(m->loop, &m->signals, fd, EPOLLIN);
}

static void
on_bell(struct loop_fd *f, uint32_t events)
{
	struct master *m = (struct master *)(void *)((char *)f - offsetof(struct master, bell_fd));
	uint64_t n;

	(void)events;
	(void)!read(f->fd, &n, sizeof(n));
	binds_look(m);
	requests_look(m);
}

/* ---- generations ------------------------------------------------------------------------------
 */

void
master_first_refused(struct master *m, const char *reason)
{
	log_crit("cannot start: %s", reason);
	m->exit_code = PROC_EXIT_FAILED;
	m->stopping = true;
	m->stop_now = true;
	master_each(m, kill_each);
	if (alive(m) == 0)
		loop_stop(m->loop);
}

static void
script_ran(void *ctx, uint64_t request, int status)
{
	struct master *m = ctx;
	int32_t st = status;

	if (m->vrrp.pid != 0)
		msg_send(&m->vrrp.chan, PROTO_RAN, request, &st, sizeof(st), NULL, 0);
}

static void
scripts_idle(void *ctx)
{
	struct master *m = ctx;

	if (m->stopping && alive(m) == 0)
		loop_stop(m->loop);
}

int
master_spawn_vrrp(struct master *m, const struct conf *c)
{
	/* Only HMAC needs these two, and a reload may turn it on. */
	if (sw32_get(&m->seg.master->starts) == 0) {
		sw32_set(&m->seg.own_master->starts, boot_next(c->global.state_dir));
		replay_load(c->global.state_dir, m->seg.own_vrrp);
	}
	return process_spawn(&m->vrrp);
}

int
master_run(struct master *m, struct generation *first, struct listener *opened)
{
	bool spawned = signals_open(m) == 0 && loop_timer_reserve(m->loop, 3) == 0;

	m->bell_fd = (struct loop_fd){.cb = on_bell, .fd = -1};
	m->tick.cb = on_tick;
	m->stop_limit.cb = on_stop_limit;
	m->exit_code = 0;
	relog_watch(m);
	m->scripts = scripts_new(m->loop, script_ran, m);
	if (m->scripts != NULL)
		scripts_on_idle(m->scripts, scripts_idle);
	if (!spawned || m->scripts == NULL ||
	    loop_fd_add(m->loop, &m->bell_fd, m->bell, EPOLLIN) == -1) {
		log_crit("cannot set up the event loop: %s", strerror(errno));
		return PROC_EXIT_FAILED;
	}
	runtime_start(m, first->conf);
	control_start(m, conf_control_main(&first->conf->global));
	for (unsigned i = 0; i < m->n_workers && spawned; i++)
		spawned = process_spawn(&m->workers[i]) == 0;
	spawned = spawned && process_spawn(&m->checker) == 0;
	if (spawned && first->conf->vrrp.n_routers > 0)
		spawned = master_spawn_vrrp(m, first->conf) == 0;
	if (!spawned) {
		log_crit("cannot fork: %s", strerror(errno));
		return PROC_EXIT_FAILED;
	}
	round_begin(m, first, opened, true);
	loop_timer_set(m->loop, &m->tick, mono_add_ms(mono_now(), WATCH_TICK_MS));
	if (loop_run(m->loop) == -1) {
		log_crit("event loop: %s", strerror(errno));
		return PROC_EXIT_FAILED;
	}
	demos_end(m);
	control_stop();
	replay_keep(m, true);
	scripts_free(m->scripts);
	listener_free_all(m->listeners);
	return m->exit_code;
}
