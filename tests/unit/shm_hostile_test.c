/* SPDX-License-Identifier: ISC */
/*
 * A worker that has been taken over writes anything into what it can write: its own section, and
 * the cursors and numbers that all workers add to. Whoever reads that stays within bounds and comes
 * to an end, and what it leaves is no harm once the master has put its slot in order. The sanitizer
 * build sees what is read too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"
#include "shm/event.h"
#include "shm/dump.h"
#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/schedule.h"
#include "shm/source.h"
#include "shm/total.h"
#include "tests/lib/fixture.h"
#include "tests/lib/shm_procs.h"
#include "worker/command.h"

#define BAD 1 /* the worker that was taken over; we are worker 0, and the master */

static struct master m;
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
nasty(void)
{
	static const uint64_t of[] = {0, 1, 2, 255, 256, 65535, 65536, INT32_MAX, UINT32_MAX,
	    UINT32_MAX - 1, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX, UINT64_MAX - 1,
	    UINT64_MAX - 255, UINT64_C(1) << 63, UINT64_C(1) << 48, 0x1b5b1b5b0a0d0a0d};
	uint32_t r = procs_random(&seed);

	if (r % 3 == 0)
		return (uint64_t)procs_random(&seed) << 32 | procs_random(&seed);
	return of[r / 3 % (sizeof(of) / sizeof(of[0]))];
}

/* Some words of an area, or all of them. */
static void
scribble(void *area, size_t len, bool all)
{
	uint64_t *v = area;
	size_t n = len / sizeof(*v), tries = all ? n : n / 16 + 1;

	for (size_t i = 0; i < tries; i++) {
		size_t at = all ? i : procs_random(&seed) % n;

		v[at] = nasty();
	}
}

static void
scribble_all(struct shm *s, struct shm_worker *own, bool all)
{
	uint64_t sizes[] = {sizeof(*own), s->head->w_sources - s->head->w_held_fe};

	scribble(own, sizes[0], all);
	scribble((char *)own + s->head->w_held_fe, sizes[1], all);
	scribble((char *)own + s->head->w_sources,
	    SHM_SOURCE_SETS * SHM_SOURCE_WAYS * sizeof(struct shm_source), false);
	scribble(
	    (char *)own + s->head->w_sessions, s->caps->sessions * sizeof(struct shm_session), all);
	scribble(s->shared, s->head->off_vrrp - s->head->off_shared, true);
}

enum { RING = 0, CURSOR, ANYTHING, MODES };

/* In memory of the test's own. */
struct attack {
	_Atomic unsigned mode;
	_Atomic unsigned turns;
};

/* Until it is killed: a ring that runs away from its readers, a cursor that is never what it was,
 * numbers that change while they are copied. */
static int
attack(struct shm *s, void *arg)
{
	struct shm_event_ring *ring = &s->own_worker->events;
	struct attack *a = arg;

	for (unsigned mode = MODES; a->mode < MODES; a->turns++) {
		if (a->mode != mode && a->mode == RING)
			for (unsigned i = 0; i < SHM_EVENTS; i++)
				sw64_set(&ring->ev[i].seq, 0);
		mode = a->mode;
		for (unsigned i = 0; i < 1000 && mode == RING; i++)
			sw64_add(&ring->head, 300);
		for (unsigned i = 0; i < 1000 && mode == CURSOR; i++)
			atomic_store_explicit(
			    &shm_cursor(s, 0)->word.v, (uint64_t)i << 47, memory_order_relaxed);
		if (mode == ANYTHING)
			scribble_all(s, s->own_worker, false);
	}
	return 0;
}

static struct mono started;

static void
in_time(const char *what)
{
	int64_t ms = mono_diff_ms(mono_now(), started);

	if (ms > 20000)
		fail_msg("%s: it took %lld ms", what, (long long)ms);
}

static bool
refuse_some(void *arg, uint32_t srv)
{
	(void)arg;
	assert_true(srv < m.seg.caps->servers);
	return srv % 2 == 0;
}

static void
commands(void)
{
	static const char *const all[] = {"show stat", "show sess", "show sess all", "show info",
	    "show events 1000", "show events since 0", "show errors", "show queue", "show activity",
	    "show proc", "show proc csv", "show servers state", "show servers conn", "show health",
	    "explain", "explain be/s1", "explain be", "show stat json", "show metrics", "show vrrp",
	    "show sess 0x1", "show sess server be/s1"};
	static enum command_level level = COMMAND_ADMIN;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf out = BUF_INIT;
		bool prompt = false, quit = false, more;
		int64_t timeout_ms = 0;
		char line[64];
		struct command_run run = {.src = {.shm = &m.seg, .now = mono_now()},
		    .wall_us = mono_wall_us(),
		    .level = &level,
		    .prompt = &prompt,
		    .quit = &quit,
		    .timeout_ms = &timeout_ms,
		    .out = &out,
		    .limit = 16384};

		strcpy(line, all[i]);
		started = mono_now();
		more = command_start(&run, line);
		for (unsigned pieces = 0; more && pieces < 200; pieces++) {
			assert_null(memchr(out.data, 0x1b, out.len)); /* for no terminal */
			buf_reset(&out);
			more = run.more(&run);
		}
		command_end(&run);
		buf_free(&out);
		in_time(all[i]);
	}
}

/* What workers, checker and master do with it at any time. */
static void
read_all(void)
{
	struct shm *s = &m.seg;
	struct source_key k = {.addr = 77, .who = 1};
	struct mono now = mono_now();
	struct total_process tp;
	struct total_frontend tf;
	struct total_target tt;
	struct buf out = BUF_INIT;
	uint32_t turn = 0, place, picks[8];
	uint64_t ticket;

	started = now;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t len;

		total_of_process(s, now, &tp);
		total_of_frontend(s, i, now, &tf);
		total_of_backend(s, i, now, &tt);
		total_of_server(s, i, now, &tt);
		if (limit_take_fe(s, i, 100))
			limit_release_fe(s, i);
		if (limit_take_global(s, 100))
			limit_release_global(s);
		if (limit_rate_take_fe(s, i, 10, now))
			limit_rate_give_fe(s, i, 10, now);
		if (limit_rate_take_global(s, 10, now))
			limit_rate_give_global(s, 10, now);
		limit_next_fe(s, i, &turn);
		limit_next_global(s, &turn);
		assert_true(turn < 2);
		if (queue_join(s, i, 50, now, &ticket)) {
			assert_int_not_equal(ticket, 0);
			queue_leave(s, i, 0);
		}
		queue_next_worker(s, i, now);
		queue_may_admit(s, i, now);
		if (source_take(s, &k, 100, 100, now, &place) == SOURCE_OK)
			source_release(s, place);
		for (unsigned n = 0; n < 5; n++) {
			uint32_t srv = schedule_pick(s, i);

			assert_true(srv == SHM_NONE || srv < 3);
			srv = schedule_pick_except(s, i, refuse_some, NULL);
			assert_true(srv == SHM_NONE || srv < 3);
		}
		schedule_peek(s, i, picks, 8);
		schedule_share(s, i, 0, &len);
	}
	in_time("what workers do");
	stats_dump_text(s, &out);
	buf_free(&out);
	commands();
}

/* The fixture has the master's view; the same process is worker 0, too. */
static void
make(void)
{
	const uint32_t srv[3] = {0, 1, 2}, weight[3] = {1, 2, 3};

	fixture_make(&m.seg);
	m.n_workers = m.wanted = 2;
	m.seg.index = 0;
	m.seg.own_worker = fixture_worker(&m.seg, 0);
	schedule_set(&m.seg, 0, srv, weight, 3);
}

/* What the master does when it has died, and then all is as if it had never been. */
static void
bury(void)
{
	struct shm *s = &m.seg;
	struct source_key k = {.addr = 77, .who = 1};
	/* What we take below is over by then, too. */
	static int64_t times;
	struct mono later = mono_add_ms(mono_now(), 3000 * ++times);
	uint32_t seen[3] = {0}, place;
	bool unused;

	sessions_bury(&m, BAD);
	unused = sw32_get(&shm_worker(s, BAD)->sources) == 0;
	shm_worker_reset(s, shm_dead_worker(s, BAD));
	for (uint32_t i = 0; i < SHM_SOURCE_SETS * SHM_SOURCE_WAYS; i++) {
		const struct shm_source *e = &shm_sources(s, shm_worker(s, BAD))[i];

		assert_int_equal(sw32_get(&e->held), 0);
		assert_true(!unused || sw32_get(&e->who) == 0);
	}
	assert_int_equal(limit_sum_global(s), sw32_get(&s->own_worker->held));
	assert_int_equal(limit_sum_misc(s), sw32_get(&s->own_worker->held_misc));
	assert_false(queue_anybody_waits(s, 0, later));
	for (unsigned i = 0; i < 60; i++) {
		uint32_t got = schedule_pick(s, 0);

		assert_true(got < 3); /* it has servers, whatever stands in the cursor */
		seen[got]++;
	}
	assert_true(seen[0] >= 9 && seen[0] <= 11 && seen[2] >= 29 && seen[2] <= 31);
	/* Nothing it wrote counts as a rate or as an address' sessions any more. */
	assert_true(limit_rate_room_global(s, 1, later));
	assert_true(limit_rate_room_fe(s, 0, 1, later));
	SHM_AT(shm_worker(s, BAD), 0, struct shm_worker)->sources.v = 1; /* a successor's */
	assert_int_equal(source_take(s, &k, 1, 1, later, &place), SOURCE_OK);
	source_release(s, place);
}

static void
anything_written(void **state)
{
	(void)state;
	make();
	for (unsigned i = 0; i < 30; i++) {
		scribble_all(&m.seg, fixture_worker(&m.seg, BAD), i % 2 == 0);
		if (i % 3 == 0) /* it says that it has no table of addresses */
			sw32_set(&fixture_worker(&m.seg, BAD)->sources, 0);
		read_all();
		bury();
	}
	shm_detach(&m.seg);
}

static void
while_it_writes(void **state)
{
	const uint32_t srv[3] = {0, 1, 2}, weight[3] = {1, 2, 3};
	struct attack *a = procs_share(sizeof(*a));
	pid_t bad;

	(void)state;
	assert_non_null(a);
	make();
	alarm(120); /* for whoever never comes to an end */
	bad = procs_fork(&m.seg, SHM_WORKER, BAD, attack, a);
	for (unsigned mode = 0; mode < MODES; mode++) {
		unsigned from = a->turns, n = 0;

		a->mode = mode;
		while (n++ < 10 || a->turns < from + 100) {
			read_all();
			/* As the checker does. */
			started = mono_now();
			assert_int_equal(schedule_set(&m.seg, 0, srv, weight, 3), 6);
			in_time("publishing");
		}
	}
	procs_kill(bad);
	bury();
	alarm(0);
	shm_detach(&m.seg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(anything_written),
	    cmocka_unit_test(while_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
