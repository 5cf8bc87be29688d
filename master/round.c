/* SPDX-License-Identifier: ISC */
/*
 * Two rounds with a number over all children (hard-parts.md 7): PREPARE to all; all yes is the
 * point of no return; COMMIT first to the checker, which publishes the new schedules, then to the
 * others. A no before that point aborts. A child that is slow is waited for: one that hangs is
 * found by the watch (alive.c) long before the bound here. For one that died its successor is
 * asked, once: what two of them in turn did not live through is aborted. A child that is forked
 * later is brought to the committed generation by itself.
 *
 * Building a large configuration takes a worker some tens of milliseconds, in which its sessions
 * wait: so the workers build it one after the other (of many, an eighth at a time), and the others
 * serve the builder's queues.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/event.h"

#define ROUND_BOUND_MS 10000 /* for whoever gets no CPU, and on a cold machine */
#define ROUND_LATE_MS  1000  /* from then on it is said, and the watch may judge */
#define TOGETHER_BYTES 65536 /* up to here all build at the same time: a few milliseconds */

struct count {
	unsigned asked;
	unsigned committing;
};

#define MAX_CHILDREN (SHM_MAX_WORKERS + 2)

static unsigned
all_children(struct master *m, struct process *all[MAX_CHILDREN])
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_workers; i++)
		all[n++] = &m->workers[i];
	all[n++] = &m->checker;
	all[n++] = &m->vrrp;
	return n;
}

static bool
owes_answer(const struct process *p, uint64_t number)
{
	if (p->rejoins && p->m->round.phase == ROUND_PREPARE)
		return p->m->round.next->number == number;
	return p->pid != 0 && p->asked == number &&
	       (p->answer == ANSWER_ASKED || p->answer == ANSWER_WAITS);
}

/* Who has not answered yet, for the operator: "worker 1, vrrp". */
static void
silent_names(struct master *m, uint64_t number, char *buf, size_t size)
{
	struct process *all[MAX_CHILDREN];
	unsigned n = all_children(m, all);
	char name[32];
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (len >= size ||
		    !(owes_answer(all[i], number) || (all[i]->pid != 0 && all[i]->asked == number &&
							 all[i]->answer == ANSWER_COMMITTING)))
			continue;
		process_name(all[i], name, sizeof(name));
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? ", " : "", name);
	}
}

static void
count_answers(struct master *m, uint64_t number, struct count *c)
{
	struct process *all[MAX_CHILDREN];
	unsigned n = all_children(m, all);

	*c = (struct count){0};
	for (unsigned i = 0; i < n; i++) {
		c->asked += owes_answer(all[i], number);
		c->committing += all[i]->pid != 0 && all[i]->asked == number &&
				 all[i]->answer == ANSWER_COMMITTING;
	}
}

/* How long a child may build it: a mebibyte a second on top, some twenty times what it takes. */
static int64_t
build_ms(const struct generation *g)
{
	return ROUND_LATE_MS + (int64_t)(g->text_bytes >> 10);
}

static int
ask(struct process *p, const struct generation *g, const struct listener *opened)
{
	const struct listener *sets[2] = {p->m->listeners, opened};

	p->work_ms = build_ms(g);
	p->patience = mono_add_ms(mono_now(), p->work_ms);
	p->asked = g->number;
	p->answer = ANSWER_ASKED;
	return generation_send(g, sets, 2, p);
}

/* The round goes on to its next step: who is late with it is named, and waited for to the bound. */
static void
limit_set(struct master *m, int64_t late_ms, int64_t bound_ms)
{
	struct round *r = &m->round;

	r->late_said = false;
	r->bound_ms = bound_ms;
	r->bound = mono_add_ms(mono_now(), bound_ms);
	loop_timer_set(m->loop, &r->limit, mono_add_ms(mono_now(), late_ms));
}

static void
ask_now(struct process *p)
{
	struct master *m = p->m;

	if (ask(p, m->round.next, m->round.opened) == 0)
		return;
	if (errno == EPIPE || errno == ECONNRESET) {
		/* Dead before it saw anything of it; its successor gets what is in force then. */
		p->builds = false;
		p->asked = 0;
		p->answer = ANSWER_NONE;
		process_kill(p, SIGKILL);
		return;
	}
	snprintf(m->round.refused, sizeof(m->round.refused),
	    "a child's socket does not take the configuration: %s", strerror(errno));
}

/* Before the start nobody has sessions. */
static bool
in_turn(const struct process *p)
{
	const struct round *r = &p->m->round;

	return p->kind == SHM_WORKER && !r->first && r->next->text_bytes > TOGETHER_BYTES;
}

/*
 * What only one of its kind can refuse (a certificate, a key) must not be in force before it was
 * asked: a checker or vrrp that waits to come back comes at once, and begins with the new one.
 * One that died again and again before does not refuse it by one more death.
 */
static void
fetch(struct process *p)
{
	if (p->kind == SHM_WORKER || p->state != PROCESS_BACKOFF || p->m->round.first)
		return;
	p->rejoined = false;
	p->doubtful = backoff_degraded(&p->backoff);
	loop_timer_del(p->m->loop, &p->respawn);
	if (process_spawn(p) == -1)
		process_retry(p);
	else
		p->unforked = false;
}

static void
ask_each(struct process *p)
{
	struct master *m = p->m;

	if (m->round.phase != ROUND_PREPARE)
		return;
	if (p->pid == 0)
		fetch(p);
	if (p->pid == 0 || p->told)
		return; /* brought up to date afterwards */
	if (p->state == PROCESS_STARTING && p->asked != 0 && !m->round.first) {
		/* It comes up on what is in force; workers have fellows that are asked. */
		p->rejoins = p->kind != SHM_WORKER;
		return;
	}
	if (in_turn(p)) {
		p->asked = m->round.next->number;
		p->answer = ANSWER_WAITS;
		return;
	}
	ask_now(p);
}

/* Somebody has to be there for its queues, and for who tracks the workers. */
static bool
others_serve(const struct process *p)
{
	const struct shm_master *own = p->m->seg.own_master;

	for (unsigned i = 0; i < p->m->wanted; i++)
		if (i != p->index && process_serves(&p->m->workers[i]) &&
		    !shm_mask_has(own->absent, i))
			return true;
	return false;
}

/* The next workers in turn, as long as no more than an eighth of them builds. */
static void
ask_next(struct master *m)
{
	unsigned n = 0, build = 0;

	for (unsigned i = 0; i < m->n_workers; i++) {
		const struct process *p = &m->workers[i];

		if (p->pid == 0 || p->asked != m->round.next->number)
			continue;
		n++;
		build += p->answer == ANSWER_ASKED;
	}
	for (unsigned i = 0; i < m->n_workers && build < (n + 7) / 8; i++) {
		struct process *p = &m->workers[i];

		if (p->pid == 0 || p->asked != m->round.next->number || p->answer != ANSWER_WAITS)
			continue;
		build++;
		p->builds = others_serve(p);
		process_publish_masks(p, true);
		if (p->builds)
			master_ring_all(m);
		ask_now(p);
	}
}

static void
built(struct process *p)
{
	if (!p->builds)
		return;
	p->builds = false;
	process_publish_masks(p, true);
}

static void
commit_one(struct process *p)
{
	p->answer = ANSWER_COMMITTING;
	p->patience = mono_add_ms(mono_now(), ROUND_LATE_MS);
	if (msg_send(&p->chan, PROTO_COMMIT, p->asked, NULL, 0, NULL, 0) == -1)
		process_kill(p, SIGKILL);
}

static void
commit_each(struct process *p)
{
	if (p->pid != 0 && p->asked == p->m->gen->number && p->answer == ANSWER_YES)
		commit_one(p);
}

static void
catch_up_each(struct process *p)
{
	struct master *m = p->m;

	if (p->pid != 0 && !p->told && p->done != m->gen->number && p->asked != m->gen->number)
		round_catch_up(p);
}

static void
forget_deaths(struct process *p)
{
	p->rejoins = p->rejoined = p->doubtful = false;
}

static void
round_end(struct master *m)
{
	m->round.phase = ROUND_NONE;
	loop_timer_del(m->loop, &m->round.limit);
	workers_fork(m);
	master_each(m, catch_up_each);
	if (!m->ready) {
		m->ready = true;
		reload_done(m, NULL);
	} else if (m->round.old != NULL) {
		reload_done(m, m->round.old);
		generation_free(m->round.old);
		m->round.old = NULL;
		requests_reload_over(m, true);
	}
	if (m->reload_again) {
		m->reload_again = false;
		reload_start(m);
	}
}

static void
abort_each(struct process *p)
{
	if (p->pid == 0 || p->asked != p->m->round.next->number)
		return;
	msg_send(&p->chan, PROTO_ABORT, p->asked, NULL, 0, NULL, 0);
	built(p);
	p->asked = 0;
	p->answer = ANSWER_NONE;
}

static void
round_abort(struct master *m, const char *reason)
{
	struct round *r = &m->round;
	bool first = r->first;

	master_each(m, abort_each);
	master_each(m, forget_deaths);
	directory_abort(m, r->next->number);
	listener_free_all(r->opened);
	listener_shed_all(m->listeners);
	wants_free(&r->wants);
	r->opened = NULL;
	generation_free(r->next);
	r->next = NULL;
	r->phase = ROUND_NONE;
	loop_timer_del(m->loop, &r->limit);
	if (first) {
		master_first_refused(m, reason);
		return;
	}
	reload_refused(m, reason);
	if (m->stopping)
		return;
	master_each(m, catch_up_each);
	if (m->reload_again) {
		m->reload_again = false;
		reload_start(m);
	}
}

void
round_stop(struct master *m)
{
	if (m->round.phase == ROUND_PREPARE && !m->round.first)
		round_abort(m, "vipd stops");
}

/* All have said yes: from here on nothing can fail. */
static void
round_point_of_no_return(struct master *m)
{
	struct round *r = &m->round;
	struct generation *old = m->gen;
	struct listener **end = &m->listeners;

	master_each(m, forget_deaths);
	workers_commit(m, r->next->workers);
	directory_commit(m, r->next->conf, r->next->number);
	while (*end != NULL)
		end = &(*end)->next;
	*end = r->opened;
	r->opened = NULL;
	m->gen = r->next;
	r->next = NULL;
	sw64_set(&m->seg.own_master->generation, m->gen->number);
	generation_use_logs(m->gen);
	r->phase = ROUND_CHECKER;
	limit_set(m, ROUND_LATE_MS, ROUND_BOUND_MS);
	r->old = old;
	if (old != NULL) {
		binds_commit(m);
		runtime_commit(m);
	}
	if (m->checker.pid != 0 && m->checker.answer == ANSWER_YES &&
	    m->checker.asked == m->gen->number) {
		commit_one(&m->checker);
		return;
	}
	r->phase = ROUND_COMMIT;
	master_each(m, commit_each);
}

static void
round_look(struct master *m)
{
	struct round *r = &m->round;
	struct count c;

	switch (r->phase) {
	case ROUND_PREPARE:
		if (r->refused[0] == '\0')
			ask_next(m);
		if (r->refused[0] != '\0') {
			round_abort(m, r->refused);
			return;
		}
		count_answers(m, r->next->number, &c);
		if (c.asked == 0)
			round_point_of_no_return(m);
		break;
	case ROUND_CHECKER:
		if (m->checker.pid != 0 && m->checker.answer == ANSWER_COMMITTING)
			break;
		r->phase = ROUND_COMMIT;
		master_each(m, commit_each);
		/* fallthrough */
	case ROUND_COMMIT:
		count_answers(m, m->gen->number, &c);
		if (c.asked == 0 && c.committing == 0)
			round_end(m);
		break;
	default:
		break;
	}
}

static void
on_limit(struct loop_timer *t)
{
	struct master *m =
	    (struct master *)(void *)((char *)t - offsetof(struct master, round.limit));
	struct round *r = &m->round;
	char silent[96];

	silent_names(
	    m, (r->phase == ROUND_PREPARE ? r->next : m->gen)->number, silent, sizeof(silent));
	if (!r->late_said) {
		r->late_said = true;
		log_notice("%s: waiting for %s", r->first ? "start" : "reload", silent);
		loop_timer_set(m->loop, t, r->bound);
	} else if (r->phase == ROUND_PREPARE) {
		snprintf(r->refused, sizeof(r->refused), "%s did not answer within %lld ms", silent,
		    (long long)r->bound_ms);
		round_look(m);
	} else if (r->phase == ROUND_CHECKER) {
		log_warning("the checker is late with the new generation; going on without it");
		m->checker.answer = ANSWER_NONE; /* its DONE counts when it comes */
		limit_set(m, ROUND_LATE_MS, ROUND_BOUND_MS);
		round_look(m);
	} else if (r->phase == ROUND_COMMIT) {
		/* Those that are late finish by themselves or die by the watch. */
		log_warning("%s is late with the new generation", silent);
		round_end(m);
	}
}

void
round_begin(struct master *m, struct generation *next, struct listener *opened, bool first)
{
	struct round *r = &m->round;

	r->next = next;
	r->opened = opened;
	r->first = first;
	r->phase = ROUND_PREPARE;
	r->refused[0] = '\0';
	r->limit.cb = on_limit;
	/* Of many workers an eighth builds at a time. */
	limit_set(m, build_ms(next), ROUND_BOUND_MS + 8 * (build_ms(next) - ROUND_LATE_MS));
	master_each(m, ask_each);
	round_look(m);
}

void
round_catch_up(struct process *p)
{
	struct master *m = p->m;

	if (m->gen == NULL) {
		/* Before the first commit: it takes part in the first round. */
		if (m->round.phase == ROUND_PREPARE && ask(p, m->round.next, m->round.opened) == -1)
			process_kill(p, SIGKILL);
		return;
	}
	if (ask(p, m->gen, NULL) == -1)
		process_kill(p, SIGKILL);
}

static void
answer_no(struct process *p, const struct msg *msg)
{
	struct master *m = p->m;
	char name[32];

	process_name(p, name, sizeof(name));
	built(p);
	p->answer = ANSWER_NONE;
	if (m->round.phase == ROUND_PREPARE && msg->number == m->round.next->number) {
		snprintf(m->round.refused, sizeof(m->round.refused), "%s: %.*s", name,
		    (int)msg->len, (const char *)msg->data);
		return;
	}
	if (m->gen == NULL || p->asked != m->gen->number) {
		/* It came up on a generation that has been replaced since then; the end of the
		 * round, or now, brings it to the new one. */
		if (m->gen != NULL && m->round.phase == ROUND_NONE)
			round_catch_up(p);
		return;
	}
	log_crit("%s cannot take the configuration that is in force: %.*s", name, (int)msg->len,
	    (const char *)msg->data);
	process_kill(p, SIGKILL); /* and comes back by the backoff */
}

static void
answer_yes(struct process *p)
{
	struct master *m = p->m;

	built(p);
	p->answer = ANSWER_YES;
	p->bells = p->bells_asked;
	if (m->gen == NULL || p->asked != m->gen->number)
		return; /* of the round under way */
	if (p->kind == SHM_CHECKER || m->round.phase != ROUND_CHECKER)
		commit_one(p);
}

static void
answer_done(struct process *p)
{
	struct master *m = p->m;
	char name[32];

	p->done = p->asked;
	p->answer = ANSWER_NONE;
	if (p->state == PROCESS_STARTING) {
		p->state = PROCESS_READY;
		process_publish_masks(
		    p, true); /* now, not at the next tick: its queues are its own */
		if (m->ready)
			event_log(&m->seg, backoff_degraded(&p->backoff) ? LOG_DEBUG : LOG_NOTICE,
			    EVENT_PROCESS, (uint32_t)p->pid, "%s (pid %d) is ready",
			    process_name(p, name, sizeof(name)), (int)p->pid);
	}
	if (p->done != m->gen->number && m->round.phase == ROUND_NONE)
		round_catch_up(p);
	if (p->rejoins && m->round.phase == ROUND_PREPARE) {
		p->rejoins = false;
		ask_each(p);
	}
	master_ring_all(m);
}

void
round_answer(struct process *p, struct msg *msg)
{
	if (msg->number != p->asked)
		return; /* of a generation that was given up */
	if (msg->type == PROTO_NO)
		answer_no(p, msg);
	else if (msg->type == PROTO_YES && p->answer == ANSWER_ASKED)
		answer_yes(p);
	else if (msg->type == PROTO_DONE)
		answer_done(p);
	round_look(p->m);
}

/* Returns true if the round is to wait for p's successor. */
static bool
rejoins(struct process *p, int64_t wait_ms)
{
	struct master *m = p->m;
	char name[32];

	if (m->round.phase != ROUND_PREPARE || p->asked != m->round.next->number ||
	    p->answer != ANSWER_ASKED || process_drained(p))
		return p->rejoins && wait_ms < ROUND_LATE_MS && !process_drained(p);
	if (!p->rejoined && !m->round.first && !m->stopping && wait_ms < ROUND_LATE_MS) {
		p->rejoined = true;
		return true;
	}
	if (p->doubtful)
		return false;
	snprintf(m->round.refused, sizeof(m->round.refused), "%s died while it prepared %s",
	    process_name(p, name, sizeof(name)),
	    p->rejoined ? "the configuration, as did the one before it" : "the configuration");
	return false;
}

void
round_died(struct process *p, int64_t wait_ms)
{
	struct master *m = p->m;

	p->rejoins = rejoins(p, wait_ms);
	p->builds = false;
	p->asked = 0;
	p->answer = ANSWER_NONE;
	round_look(m);
}
