/* SPDX-License-Identifier: ISC */
/*
 * The checker process. Everything that must survive it lies in shared memory: a new one builds its
 * generation, settles each server's entry and goes on with counters, slow start and the times of
 * the next probes as they stand there.
 */
#include "checker/checker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "checker/gen.h"
#include "checker/held.h"
#include "checker/logs.h"
#include "checker/prober.h"
#include "checker/request.h"
#include "checker/sched.h"
#include "checker/state.h"
#include "checker/tls.h"
#include "conf/conf.h"
#include "lib/log.h"
#include "lib/proc.h"

#define BEAT_MS 500

static struct checker ck;
static struct logs next_logs; /* of ck.next */

static void
drop_prepared(void)
{
	checker_gen_free(&ck, ck.next);
	ck.next = NULL;
	logs_drop(&next_logs);
	held_drop(&ck.coming);
}

static struct conf *
read_conf(const char *text, size_t len, char *reason, size_t reason_size)
{
	struct conf_msgs msgs = {0};
	struct conf *conf = conf_read_text(text, len, "checker", &msgs);

	if (conf == NULL) {
		const char *why = "no configuration";

		for (size_t i = msgs.n; i-- > 0;)
			if (msgs.v[i].severity == CONF_ERROR)
				why = msgs.v[i].text;
		snprintf(reason, reason_size, "checker: %s", why);
	}
	conf_msgs_free(&msgs);
	return conf;
}

static int
on_prepare(struct child *c, uint64_t gen, const char *text, size_t len, struct child_fd *fds,
    size_t n_fds, char *reason, size_t reason_size)
{
	struct conf *conf;

	(void)c;
	if (held_take(&ck.coming, fds, n_fds) == -1 || held_reserve(&ck.held, &ck.coming) == -1) {
		snprintf(reason, reason_size, "checker: out of memory");
		drop_prepared();
		return -1;
	}
	conf = read_conf(text, len, reason, reason_size);
	if (conf == NULL) {
		drop_prepared();
		return -1;
	}
	if (logs_build(&next_logs, &conf->global, &ck.held, &ck.coming, reason, reason_size) ==
	    -1) {
		conf_free(conf);
		drop_prepared();
		return -1;
	}
	ck.next = gen_build(&ck, gen, conf, reason, reason_size);
	if (ck.next == NULL) {
		drop_prepared();
		return -1;
	}
	return 0;
}

static void
on_commit(struct child *c, uint64_t gen)
{
	(void)c;
	(void)gen;
	held_merge(&ck.held, &ck.coming);
	logs_commit(&next_logs);
	gen_commit(&ck);
	request_read_all(&ck);
	sched_turn(&ck);
}

static void
on_abort(struct child *c, uint64_t gen)
{
	(void)c;
	(void)gen;
	drop_prepared();
}

/* Probes go on while a worker still serves its sessions, at the latest until stop_at. */
static void
end_with_workers(void)
{
	uint64_t live = 0;

	for (unsigned i = 0; i < SHM_MAX_WORKERS / 64; i++)
		live |= sw64_get(&ck.seg->master->live[i]);
	if (live == 0 || !mono_before(loop_now(ck.loop), ck.stop_at))
		child_exit(ck.child, PROC_EXIT_DONE);
}

static void
on_stop(struct child *c, int64_t grace_ms)
{
	(void)c;
	ck.stop_at = mono_add_ms(loop_now(ck.loop), grace_ms);
	end_with_workers();
	loop_timer_set(ck.loop, &ck.beat, loop_now(ck.loop));
}

static void
on_bell(struct child *c)
{
	(void)c;
	if (ck.stop_at.ns != 0)
		end_with_workers();
	if (ck.gen == NULL)
		return;
	prober_read_reports(&ck);
	prober_read_fresh(&ck);
	request_read_all(&ck);
}

static void
on_orphaned(struct child *c)
{
	child_exit(c, PROC_EXIT_DONE);
}

static void
on_log_fd(struct child *c, const char *name, int fd)
{
	(void)c;
	logs_keep(&ck.held, name, fd);
}

static void
stamp(void)
{
	sw64_set(&ck.own->beat_ns, (uint64_t)loop_now(ck.loop).ns);
}

static void
on_beat(struct loop_timer *t)
{
	struct mono next = mono_add_ms(loop_now(ck.loop), BEAT_MS);

	if (ck.stop_at.ns != 0) {
		end_with_workers();
		next = mono_min(next, ck.stop_at);
	}
	loop_timer_set(ck.loop, t, next);
}

static bool
on_turn(void *arg)
{
	(void)arg;
	stamp();
	sched_turn(&ck);
	return false;
}

static int
on_ready(struct child *c)
{
	ck.child = c;
	ck.loop = c->loop;
	ck.seg = c->seg;
	ck.own = c->seg->own_checker;
	ck.beat.cb = on_beat;
	if (loop_timer_reserve(ck.loop, 1) == -1)
		return -1;
	srand48(mono_now().ns);
	prober_skip_reports(&ck);
	stamp();
	on_beat(&ck.beat);
	loop_set_idle(ck.loop, on_turn, NULL);
	return 0;
}

int
checker_main(const struct child_start *st)
{
	static const struct child_ops ops = {.prepare = on_prepare,
	    .commit = on_commit,
	    .abort = on_abort,
	    .stop = on_stop,
	    .bell = on_bell,
	    .orphaned = on_orphaned,
	    .log_fd = on_log_fd};

	signal(SIGPIPE, SIG_IGN);
	proc_nofile_raise(0);
	tls_start();
	return child_run(st, &ops, on_ready);
}
