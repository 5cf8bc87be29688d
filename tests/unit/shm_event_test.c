/* SPDX-License-Identifier: ISC */
/* shm/event: several writers, merging, gaps of killed writers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/event.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 16, .backends = 16, .servers = 64, .sessions = 64};

static struct shm m;
static struct event ev[2048];

#define LATER ((struct mono){INT64_MAX / 2})

static void
begin(void)
{
	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, 3);
}

static int
one_event(struct shm *s, void *arg)
{
	event_add(s, EVENT_SERVER, 7, "from %s", (const char *)arg);
	return 0;
}

static void
rings_are_merged(void **state)
{
	static const uint32_t process[] = {SHM_WORKER, SHM_CHECKER, SHM_VRRP, SHM_MASTER};
	char name[] = "a worker";

	(void)state;
	begin();
	assert_int_equal(event_read(&m, 0, LATER, ev, 10), 0);
	assert_int_equal(procs_wait(procs_fork(&m, SHM_WORKER, 2, one_event, name)), 0);
	assert_int_equal(procs_wait(procs_fork(&m, SHM_CHECKER, 0, one_event, name)), 0);
	assert_int_equal(procs_wait(procs_fork(&m, SHM_VRRP, 0, one_event, name)), 0);
	assert_int_equal(event_add(&m, EVENT_CONFIG, 3, "reloaded"), 4);
	assert_int_equal(event_last(&m), 4);
	assert_int_equal(event_read(&m, 0, LATER, ev, 10), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(ev[i].seq, i + 1);
		assert_int_equal(ev[i].missing, 0);
		assert_int_equal(ev[i].process, process[i]);
		assert_string_equal(ev[i].text, i < 3 ? "from a worker" : "reloaded");
		assert_true(ev[i].mono_ns > 0 && ev[i].wall_us > 0);
	}
	assert_int_equal(ev[0].index, 2);
	assert_int_equal(ev[0].object, 7);
	assert_string_equal(event_kind_name(ev[0].kind), "server");
	assert_string_equal(event_kind_name(ev[3].kind), "config");
	assert_string_equal(event_kind_name(99), "unknown");
	/* In pieces. */
	assert_int_equal(event_read(&m, 0, LATER, ev, 3), 3);
	assert_int_equal(event_read(&m, ev[2].seq, LATER, ev, 3), 1);
	assert_int_equal(ev[0].seq, 4);
	shm_detach(&m);
}

static void
a_gap_is_shown_when_it_is_old(void **state)
{
	(void)state;
	begin();
	event_add(&m, EVENT_NONE, 0, "one");
	mw64_fetch_add(&m.shared->event_seq, 1); /* somebody drew 2 and died */
	event_add(&m, EVENT_NONE, 0, "three");
	assert_int_equal(event_read(&m, 0, mono_now(), ev, 10), 1);
	assert_int_equal(event_read(&m, 0, mono_add_ms(mono_now(), 200), ev, 10), 2);
	assert_int_equal(ev[1].seq, 3);
	assert_int_equal(ev[1].missing, 1);
	shm_detach(&m);
}

static void
overwritten_events_are_missing(void **state)
{
	char longer[400];

	(void)state;
	begin();
	for (unsigned i = 0; i < 1000; i++)
		event_add(&m, EVENT_NONE, i, "%u", i);
	assert_int_equal(event_read(&m, 0, LATER, ev, 2000), SHM_EVENTS - 1);
	assert_int_equal(ev[0].missing, ev[0].seq - 1);
	assert_int_equal(ev[254].seq, 1000);
	assert_int_equal(event_read(&m, 995, LATER, ev, 2000), 5);
	assert_int_equal(ev[0].missing, 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	event_add(&m, EVENT_NONE, 0, "%s", longer);
	assert_int_equal(event_read(&m, 1000, LATER, ev, 1), 1);
	assert_int_equal(strlen(ev[0].text), 223);
	shm_detach(&m);
}

static int
write_on(struct shm *s, void *arg)
{
	_Atomic int *stop = arg;

	for (uint32_t i = 0; *stop == 0; i++)
		event_add(s, EVENT_SERVER, i, "%u %.*s", i, (int)(i % 200),
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxx"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxx"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	return 0;
}

/* Reads what there is; what was read is whole and in order. Returns how many are missing. */
static uint64_t
read_on(uint64_t *after, uint64_t *read_sum, struct mono now)
{
	size_t n = event_read(&m, *after, now, ev, 2048);
	uint64_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		char *rest;
		uint32_t k = (uint32_t)strtoul(ev[i].text, &rest, 10);

		assert_int_equal(ev[i].seq, *after + ev[i].missing + 1);
		assert_int_equal(ev[i].object, k);
		assert_int_equal(strlen(rest), k % 200 + 1);
		*after = ev[i].seq;
		missing += ev[i].missing;
	}
	*read_sum += n;
	return missing;
}

static void
killed_writers_leave_whole_events(void **state)
{
	_Atomic int *stop = procs_share(sizeof(*stop));
	uint64_t after = 0, seed = 31, events = 0;
	unsigned kills = 0;
	pid_t w[2];

	(void)state;
	begin();
	for (unsigned i = 0; i < 2; i++)
		w[i] = procs_fork(&m, SHM_WORKER, i, write_on, (void *)(uintptr_t)stop);
	while (kills < 100 || events < 20000) {
		unsigned i = kills++ % 2;

		read_on(&after, &events, LATER);
		usleep(procs_random(&seed) % 2000);
		procs_kill(w[i]);
		shm_worker_reset(&m, shm_dead_worker(&m, i));
		w[i] = procs_fork(&m, SHM_WORKER, i, write_on, (void *)(uintptr_t)stop);
	}
	*stop = 1;
	assert_int_equal(procs_wait(w[0]), 0);
	assert_int_equal(procs_wait(w[1]), 0);
	read_on(&after, &events, LATER);
	/* The ring goes on after all that. */
	after = event_last(&m);
	assert_int_equal(procs_wait(procs_fork(&m, SHM_WORKER, 0, one_event, (char[]){"0"})), 0);
	assert_int_equal(event_read(&m, after, LATER, ev, 10), 1);
	shm_detach(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rings_are_merged),
	    cmocka_unit_test(a_gap_is_shown_when_it_is_old),
	    cmocka_unit_test(overwritten_events_are_missing),
	    cmocka_unit_test(killed_writers_leave_whole_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
