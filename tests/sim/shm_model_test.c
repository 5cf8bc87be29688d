/* SPDX-License-Identifier: ISC */
/*
 * Admission and hand-over, by trying all ways that workers can interleave. The code under test is
 * shm/limit.c and shm/queue.c themselves, compiled here with a stop before each access that others
 * can see; workers are coroutines, and a depth-first search walks through all schedules with at
 * most so many preemptions, and through a kill -9 at every one of these stops, after which the
 * master zeroes the slot and rings the others, at any later moment.
 *
 * Demanded: never more places taken than the limit; nobody waits for ever (there is no timer here:
 * each wake-up has to come from a bell); in the end nothing is held, nobody waits.
 *
 * The programs that the workers run are worker/pick.c, wait.c and admit.c in small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/total.h"
#include "shm/word.h"

static void step(void);

#define sw32_get_seq(w)      (step(), (sw32_get_seq)(w))
#define sw32_set_seq(w, v)   (step(), (sw32_set_seq)(w, v))
#define sw64_get_seq(w)      (step(), (sw64_get_seq)(w))
#define sw64_set_seq(w, v)   (step(), (sw64_set_seq)(w, v))
#define mw64_fetch_add(w, d) (step(), (mw64_fetch_add)(w, d))
/* Their code with the steps above: */
#include "shm/limit.c" /* NOLINT(bugprone-suspicious-include) */
#include "shm/queue.c" /* NOLINT(bugprone-suspicious-include) */

#define MOST   3 /* workers */
#define MASTER MOST
#define SRV    0
#define BE     0
#define FE     0
#define DEEP   4096 /* stops in one run */
#define STACK  65536

static const struct shm_caps caps = {
    .workers = MOST, .frontends = 64, .backends = 1, .servers = 1, .sessions = 1};
static const struct mono now = {1000000000000ll};
static struct shm m;

/* ---- the search ----------------------------------------------------------------------------- */

enum life { READY, BLOCKED, ENDED, DEAD };

static struct co {
	ucontext_t ctx;
	char stack[STACK];
	enum life life;
	bool bell;
} co[MOST + 1];
static ucontext_t home;
static unsigned cur, n_workers;
static unsigned preemptions, kills; /* left in this run */

static struct {
	unsigned pick, n;
} path[DEEP];
static unsigned depth, known;
static uint64_t runs;
static const char *wrong;
static bool inside; /* a coroutine runs */

static unsigned
choose(unsigned n)
{
	if (depth == known) {
		if (known == DEEP)
			abort();
		path[known].pick = 0;
		path[known++].n = n;
	}
	return path[depth++].pick;
}

/* The next schedule; false: that was the last one. */
static bool
next_path(void)
{
	while (known > 0 && path[known - 1].pick + 1 == path[known - 1].n)
		known--;
	if (known == 0)
		return false;
	path[known - 1].pick++;
	return true;
}

static void
go(unsigned to)
{
	unsigned from = cur;

	cur = to > MASTER ? from : to;
	inside = to <= MASTER;
	swapcontext(&co[from].ctx, to > MASTER ? &home : &co[to].ctx);
}

/* Who runs now: the current one if it can, another one where that is allowed, or a kill. */
static void
schedule(void)
{
	unsigned options[2 * MOST + 2], n = 0;
	bool can = co[cur].life == READY;

	if (wrong != NULL) {
		go(MASTER + 1);
		return;
	}
	if (can)
		options[n++] = cur;
	for (unsigned i = 0; i <= MASTER; i++)
		if (i != cur && co[i].life == READY && (!can || preemptions > 0 || i == MASTER))
			options[n++] = i;
	if (n == 0) {
		go(MASTER + 1);
		return;
	}
	if (cur != MASTER && co[cur].life <= BLOCKED && kills > 0)
		options[n++] = MASTER + 1;
	n = options[n == 1 ? 0 : choose(n)];
	if (n == MASTER + 1) {
		kills--;
		co[cur].life = DEAD;
		co[MASTER].life = READY;
		schedule();
		return;
	}
	if (n == cur)
		return;
	if (can && n != MASTER)
		preemptions--;
	go(n);
}

static void
step(void)
{
	if (inside)
		schedule();
}

static void
ring(uint32_t w)
{
	if (w == SHM_NONE)
		return;
	co[w].bell = true;
	if (co[w].life == BLOCKED)
		co[w].life = READY;
}

static void
await_bell(void)
{
	if (!co[cur].bell) {
		co[cur].life = BLOCKED;
		schedule();
	}
	co[cur].bell = false;
}

/* ---- workers -------------------------------------------------------------------------------- */

static uint32_t limit;

static struct worker {
	struct shm s;
	unsigned held; /* what it was given: the oracle */
	unsigned waiting;
	uint64_t ticket[2];
	bool dirty, moved;
	uint32_t turn;
} workers[MOST];

static void
was_given(struct worker *w)
{
	unsigned sum = 0;

	w->held++;
	for (unsigned i = 0; i < n_workers; i++)
		sum += workers[i].held;
	if (sum > limit)
		wrong = "more places than the limit";
}

static void
moved(struct worker *w)
{
	if (queue_waiting(&w->s, BE) > 0)
		w->dirty = w->moved = true;
}

static bool
admit(void *arg)
{
	struct worker *w = arg;

	while (limit_room_srv(&w->s, SRV, limit)) {
		if (!limit_take_srv(&w->s, SRV, limit)) {
			moved(w);
			continue;
		}
		was_given(w);
		w->ticket[0] = w->ticket[1];
		w->ticket[1] = 0;
		w->waiting--;
		queue_leave(&w->s, BE, w->ticket[0]);
		w->dirty = w->moved = true;
		return true;
	}
	return false;
}

static void
serve(struct worker *w)
{
	while (w->dirty) {
		bool m_ = w->moved;

		w->dirty = w->moved = false;
		ring(queue_serve(&w->s, BE, now, m_, admit, w));
	}
}

static void
arrives(struct worker *w)
{
	while (!queue_anybody_waits(&w->s, BE, now)) {
		if (!limit_room_srv(&w->s, SRV, limit))
			break;
		if (limit_take_srv(&w->s, SRV, limit)) {
			was_given(w);
			serve(w);
			return;
		}
		moved(w);
	}
	if (!queue_join(&w->s, BE, 0, now, &w->ticket[w->waiting]))
		wrong = "no room in a queue without a limit";
	w->waiting++;
	w->dirty = true;
	serve(w);
}

static void
ends(struct worker *w)
{
	while (w->held == 0) {
		await_bell();
		w->dirty = w->waiting > 0;
		serve(w);
	}
	w->held--;
	limit_release_srv(&w->s, SRV);
	moved(w);
	serve(w);
}

static void
one_session(struct worker *w)
{
	arrives(w);
	ends(w);
}

/* Two, the second one while the first is there. */
static void
two_sessions(struct worker *w)
{
	arrives(w);
	arrives(w);
	ends(w);
	ends(w);
}

/* A place of a frontend: connections wait in the kernel. */
static void
accepts(struct worker *w)
{
	bool got = limit_take_fe(&w->s, FE, limit);

	while (!got) {
		while (!got && limit_wait_fe(&w->s, FE, limit))
			if ((got = limit_take_fe(&w->s, FE, limit)))
				limit_want_fe(&w->s, FE, false);
		if (!got)
			await_bell();
	}
	was_given(w);
	/* Rung for one place, took it, sees another: somebody else may have who waits. */
	if (limit_room_fe(&w->s, FE, limit))
		ring(limit_next_fe(&w->s, FE, &w->turn));
	w->held--;
	limit_release_fe(&w->s, FE);
	ring(limit_next_fe(&w->s, FE, &w->turn));
}

static void (*program[MOST])(struct worker *);

static void
run_worker(int i)
{
	program[i](&workers[i]);
	co[i].life = ENDED;
	schedule();
}

static void
run_master(int i)
{
	(void)i;
	for (unsigned w = 0; w < n_workers; w++)
		if (co[w].life == DEAD) {
			workers[w].held = workers[w].waiting = 0;
			shm_worker_reset(&m, shm_dead_worker(&m, w));
		}
	for (unsigned w = 0; w < n_workers; w++)
		if (co[w].life != DEAD)
			ring(w);
	co[MASTER].life = ENDED;
	schedule();
}

/* ---- one run -------------------------------------------------------------------------------- */

static void
co_make(unsigned i, enum life life, void (*f)(int))
{
	getcontext(&co[i].ctx);
	co[i].ctx.uc_stack.ss_sp = co[i].stack;
	co[i].ctx.uc_stack.ss_size = STACK;
	co[i].ctx.uc_link = &home;
	makecontext(&co[i].ctx, (void (*)(void))f, 1, (int)i);
	co[i].life = life;
	co[i].bell = false;
}

static void
run(unsigned may_preempt, unsigned may_kill)
{
	for (unsigned i = 0; i < MOST; i++)
		co[i].life = ENDED;
	for (unsigned i = 0; i < n_workers; i++) {
		shm_worker_reset(&m, shm_dead_worker(&m, i));
		memset(&workers[i], 0, sizeof(workers[i]));
		workers[i].s = m;
		workers[i].s.own_worker = shm_dead_worker(&m, i);
		workers[i].s.index = i;
		co_make(i, READY, run_worker);
	}
	co_make(MASTER, ENDED, run_master);
	preemptions = may_preempt;
	kills = may_kill;
	depth = 0;
	cur = choose(n_workers);
	inside = true;
	swapcontext(&home, &co[cur].ctx);
	runs++;
	for (unsigned i = 0; i < n_workers && wrong == NULL; i++)
		if (co[i].life == BLOCKED)
			wrong = "a lost wake-up: somebody waits for ever";
	if (wrong == NULL &&
	    (co[MASTER].life == READY || limit_sum_srv(&m, SRV) + limit_sum_fe(&m, FE) != 0 ||
		queue_waiting(&m, BE) != 0))
		wrong = "something is left behind";
}

static void
all_schedules(unsigned n, uint32_t places, unsigned may_preempt, unsigned may_kill)
{
	n_workers = n;
	limit = places;
	sw32_set(&m.own_master->n_workers, n);
	known = 0;
	runs = 0;
	wrong = NULL;
	do {
		run(may_preempt, may_kill);
		if (wrong != NULL) {
			printf("run %llu: %s; choices:", (unsigned long long)runs, wrong);
			for (unsigned i = 0; i < depth; i++)
				printf(" %u", path[i].pick);
			printf("\n");
			fail();
		}
	} while (next_path());
	printf("# %u workers, %u places, <= %u preemptions, %u kills: %llu schedules\n", n, places,
	    may_preempt, may_kill, (unsigned long long)runs);
	assert_true(runs > 100);
}

static void
programs(void (*a)(struct worker *), void (*b)(struct worker *), void (*c)(struct worker *))
{
	program[0] = a;
	program[1] = b;
	program[2] = c;
}

static void
queue_of_two_workers(void **state)
{
	(void)state;
	programs(one_session, one_session, NULL);
	all_schedules(2, 1, 4, 0);
	all_schedules(2, 1, 3, 1);
	programs(two_sessions, one_session, NULL);
	all_schedules(2, 1, 2, 1);
	all_schedules(2, 2, 2, 1);
}

static void
queue_of_three_workers(void **state)
{
	(void)state;
	programs(one_session, one_session, one_session);
	all_schedules(3, 1, 2, 0);
	all_schedules(3, 1, 1, 1);
	all_schedules(3, 2, 1, 1);
}

static void
accepting_with_a_limit(void **state)
{
	(void)state;
	programs(accepts, accepts, accepts);
	all_schedules(2, 1, 4, 0);
	all_schedules(2, 1, 3, 1);
	all_schedules(3, 1, 2, 0);
	all_schedules(3, 1, 1, 1);
	all_schedules(3, 2, 1, 1);
}

/* The search must find what it looks for: without the bell of who gives a place back, or when a
 * killed worker's slot stays as it was, somebody waits for ever. */
static void
forgets_the_bell(struct worker *w)
{
	arrives(w);
	while (w->held == 0) {
		await_bell();
		w->dirty = w->waiting > 0;
		serve(w);
	}
	w->held--;
	limit_release_srv(&w->s, SRV);
}

static void
a_lost_wake_up_is_found(void **state)
{
	bool found = false;

	(void)state;
	programs(forgets_the_bell, forgets_the_bell, NULL);
	n_workers = 2;
	limit = 1;
	sw32_set(&m.own_master->n_workers, 2);
	known = 0;
	do {
		wrong = NULL;
		run(1, 0);
		found = wrong != NULL;
	} while (!found && next_path());
	assert_true(found);
	assert_non_null(strstr(wrong, "lost wake-up"));
}

static int
setup(void **state)
{
	(void)state;
	return shm_create(&m, &caps);
}

static int
teardown(void **state)
{
	(void)state;
	shm_detach(&m);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queue_of_two_workers),
	    cmocka_unit_test(queue_of_three_workers),
	    cmocka_unit_test(accepting_with_a_limit),
	    cmocka_unit_test(a_lost_wake_up_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
