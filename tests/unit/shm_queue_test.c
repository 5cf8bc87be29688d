/* SPDX-License-Identifier: ISC */
/*
 * shm/queue over several processes. Workers here sleep on a bell without a time-out, so a wake-up
 * that is lost stays lost. Except where lateness is the subject, time stands still: nobody is late
 * because the machine is busy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/queue.h"
#include "tests/lib/shm_procs.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 16, .backends = 16, .servers = 64, .sessions = 64};

#define N    3 /* workers */
#define BE   9
#define SRV  33
#define EACH 8 /* waiters a worker in the order test */

struct oracle {
	_Atomic int stop;
	_Atomic uint64_t admitted; /* from the queue */
	_Atomic uint64_t log[64];  /* tickets in the order of admission */
	_Atomic int joined;        /* turn in which workers join */
	int bell[N];
	uint32_t limit;
	bool frozen; /* time stands still */
};

/* A worker of the test. */
struct work {
	struct shm *s;
	uint64_t ticket[EACH]; /* who waits, oldest first */
	unsigned waiting;
	unsigned holding;
};

static struct oracle *o;
static struct shm m;

static void
begin(uint32_t limit)
{
	assert_int_equal(shm_create(&m, &caps), 0);
	sw32_set(&m.own_master->n_workers, N);
	o = procs_share(sizeof(*o));
	assert_non_null(o);
	o->limit = limit;
	o->frozen = true;
	for (unsigned i = 0; i < N; i++)
		o->bell[i] = eventfd(0, EFD_NONBLOCK);
}

static void
end(void)
{
	for (unsigned i = 0; i < N; i++)
		close(o->bell[i]);
	shm_detach(&m);
}

static void
ring(uint32_t w)
{
	uint64_t one = 1;

	if (w != SHM_NONE && write(o->bell[w], &one, sizeof(one)) == -1)
		_exit(9);
}

static void
ring_all(void)
{
	for (uint32_t w = 0; w < N; w++)
		ring(w);
}

static void
bell_wait(const struct work *k, int ms)
{
	struct pollfd p = {.fd = o->bell[k->s->index], .events = POLLIN};
	uint64_t n;

	if (poll(&p, 1, ms) == 1 && read(p.fd, &n, sizeof(n)) == -1)
		_exit(9);
}

static struct mono
now(void)
{
	const struct mono still = {1000000000};

	return o->frozen ? still : mono_now();
}

/* The loop of queue.h for a backend of one server: +1 taken, -1 no place; *moved: lost a race. */
static int
place_take(struct work *k, bool *moved)
{
	while (limit_room_srv(k->s, SRV, o->limit)) {
		if (limit_take_srv(k->s, SRV, o->limit)) {
			k->holding++;
			return 1;
		}
		*moved = true;
	}
	return -1;
}

static void
leave_first(struct work *k)
{
	k->waiting--;
	memmove(&k->ticket[0], &k->ticket[1], k->waiting * sizeof(k->ticket[0]));
	queue_leave(k->s, BE, k->waiting > 0 ? k->ticket[0] : 0);
}

static bool
admit(void *arg)
{
	struct work *k = arg;
	bool moved = false;

	if (place_take(k, &moved) == -1)
		return false;
	o->log[o->admitted++ % 64] = k->ticket[0];
	leave_first(k);
	return true;
}

static void
serve(struct work *k, bool moved)
{
	ring(queue_serve(k->s, BE, now(), moved, admit, k));
}

static void
session_new(struct work *k)
{
	bool moved = false;

	if (!queue_anybody_waits(k->s, BE, now()) && place_take(k, &moved) == 1)
		return;
	if (!queue_join(k->s, BE, 0, now(), &k->ticket[k->waiting]))
		_exit(8);
	k->waiting++;
	serve(k, moved);
}

static void
give_back(struct work *k)
{
	limit_release_srv(k->s, SRV);
	k->holding--;
	serve(k, true);
}

/* ---- order ---- */

/* Joins in turn with the others until each has its waiters, then serves until all are through. */
static int
in_order(struct shm *s, void *arg)
{
	struct work k = {.s = s};

	(void)arg;
	for (int j = 0; (j = o->joined) < N * EACH;)
		if (j % N == (int)s->index) {
			session_new(&k);
			o->joined++;
		}
	while (k.waiting > 0 || k.holding > 0) {
		if (k.holding > 0)
			give_back(&k);
		else
			bell_wait(&k, -1);
		serve(&k, false);
	}
	return 0;
}

static void
the_oldest_goes_first(void **state)
{
	pid_t pid[N];

	(void)state;
	begin(1);
	/* One of a slot that no process has keeps the only place, so all have to queue. */
	sw32_set(&SHM_OWN(&m, shm_dead_worker(&m, 3), held_srv)[SRV], 1);
	sw32_set(&m.own_master->n_workers, 4);
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, in_order, NULL);
	while (o->joined < N * EACH)
		usleep(100);
	assert_int_equal(queue_waiting(&m, BE), N * EACH);
	assert_int_equal(queue_next_worker(&m, BE, now()), 0);
	assert_int_equal(o->admitted, 0);
	shm_worker_reset(&m, shm_dead_worker(&m, 3));
	ring(queue_next_worker(&m, BE, now()));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(o->admitted, N * EACH);
	for (unsigned i = 0; i < N * EACH; i++)
		assert_int_equal(o->log[i], i + 1);
	assert_int_equal(queue_waiting(&m, BE), 0);
	assert_int_equal(limit_sum_srv(&m, SRV), 0);
	assert_int_equal(queue_next_worker(&m, BE, now()), SHM_NONE);
	assert_false(queue_anybody_waits(&m, BE, now()));
	assert_true(sw32_get(&shm_be_count(&m, shm_worker(&m, 2))[BE].queue_max) == N * EACH);
	end();
}

/* ---- wake-ups ---- */

/* Sessions come and go; with no place and two waiting it sleeps. */
static int
come_and_go(struct shm *s, void *arg)
{
	struct work k = {.s = s};
	uint64_t seed = (uint64_t)getpid();

	(void)arg;
	while (o->stop == 0) {
		uint32_t what = procs_random(&seed) % 8;

		if (k.waiting < 2 && what < 4)
			session_new(&k);
		else if (k.holding > 0)
			give_back(&k);
		else if (k.waiting > 0 && what == 7) { /* a client went away */
			leave_first(&k);
			serve(&k, true);
		} else if (k.waiting == 2) {
			bell_wait(&k, -1);
			serve(&k, false);
		}
	}
	while (k.waiting > 0)
		leave_first(&k);
	while (k.holding > 0)
		give_back(&k);
	return 0;
}

/* Waits for that many admissions from the queue since the start; false after 30 s. */
static bool
reaches(uint64_t total)
{
	struct mono until = mono_add_ms(mono_now(), 30000);

	while (o->admitted < total) {
		if (!mono_before(mono_now(), until))
			return false;
		usleep(100);
	}
	return true;
}

static void
all_end(const pid_t *pid)
{
	o->stop = 1;
	ring_all();
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(procs_wait(pid[i]), 0);
	assert_int_equal(queue_waiting(&m, BE), 0);
	assert_int_equal(limit_sum_srv(&m, SRV), 0);
}

static void
no_wake_up_is_lost(void **state)
{
	pid_t pid[N];

	(void)state;
	for (uint32_t limit = 1; limit <= 2; limit++) {
		begin(limit);
		for (unsigned i = 0; i < N; i++)
			pid[i] = procs_fork(&m, SHM_WORKER, i, come_and_go, NULL);
		for (unsigned i = 0; i < 200; i++)
			assert_true(reaches(o->admitted + 50));
		all_end(pid);
		end();
	}
}

static void
no_wake_up_is_lost_under_kill(void **state)
{
	uint64_t seed = 21;
	pid_t pid[N];

	(void)state;
	begin(1);
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, come_and_go, NULL);
	for (unsigned kills = 0; kills < 100; kills++) {
		unsigned w = procs_random(&seed) % N;

		usleep(procs_random(&seed) % 5000);
		procs_kill(pid[w]);
		shm_worker_reset(&m, shm_dead_worker(&m, w));
		ring_all();
		assert_true(reaches(o->admitted + 10));
		pid[w] = procs_fork(&m, SHM_WORKER, w, come_and_go, NULL);
		assert_true(reaches(o->admitted + 10));
	}
	all_end(pid);
	end();
}

/* ---- who is late ---- */

/* Queues once, serves by the bell (and timer, unless time stands still) until it was admitted, and
 * then keeps the place until the end. */
static int
queue_once(struct shm *s, void *arg)
{
	struct work k = {.s = s};

	(void)arg;
	while (o->joined != (int)s->index)
		;
	session_new(&k);
	o->joined++;
	while (k.waiting > 0) {
		bell_wait(&k, o->frozen ? -1 : QUEUE_LOOK_MS);
		serve(&k, false);
	}
	while (o->frozen && o->stop == 0)
		usleep(100);
	give_back(&k);
	return 0;
}

/* Three places become free, the head alone is rung: each hands the bell on. */
static void
who_was_admitted_rings_the_next(void **state)
{
	pid_t pid[N];

	(void)state;
	begin(N);
	sw32_set(&SHM_OWN(&m, shm_dead_worker(&m, 3), held_srv)[SRV], N);
	sw32_set(&m.own_master->n_workers, 4);
	for (unsigned i = 0; i < N; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, queue_once, NULL);
	while (o->joined < N)
		usleep(100);
	shm_worker_reset(&m, shm_dead_worker(&m, 3));
	ring(queue_next_worker(&m, BE, now()));
	assert_true(reaches(N));
	all_end(pid);
	end();
}

static void
a_late_worker_is_passed_over(void **state)
{
	pid_t pid[2];

	(void)state;
	begin(1);
	o->frozen = false;
	sw32_set(&SHM_OWN(&m, shm_dead_worker(&m, 3), held_srv)[SRV], 1);
	sw32_set(&m.own_master->n_workers, 4);
	for (unsigned i = 0; i < 2; i++)
		pid[i] = procs_fork(&m, SHM_WORKER, i, queue_once, NULL);
	while (o->joined < 2)
		usleep(100);
	assert_true(procs_stop(pid[0]));
	shm_worker_reset(&m, shm_dead_worker(&m, 3));
	/* Nobody is rung. The second one's timer finds it out; the first follows later. */
	assert_int_equal(procs_wait(pid[1]), 0);
	assert_int_equal(o->admitted, 1);
	assert_int_equal(o->log[0], 2);
	assert_int_equal(queue_next_worker(&m, BE, mono_now()), 0); /* late, but the only one */
	assert_false(queue_anybody_waits(&m, BE, mono_now()));
	procs_cont(pid[0]);
	assert_int_equal(procs_wait(pid[0]), 0);
	assert_int_equal(o->log[1], 1);
	end();
}

static int
rules(struct shm *s, void *arg)
{
	struct mono t = {5000000000}, later = mono_add_ms(t, QUEUE_LATE_MS + 1);
	uint64_t ticket;

	(void)arg;
	/* Worker 0 waits with ticket 1, stamped at t, and worker 2 with 2 (see the caller). */
	if (queue_may_admit(s, BE, t) || !queue_join(s, BE, 3, t, &ticket) || ticket != 3)
		return 1;
	if (queue_join(s, BE, 3, t, &ticket) || queue_waiting(s, BE) != 3)
		return 2;
	if (queue_may_admit(s, BE, t) || !queue_may_admit(s, BE, later))
		return 3;
	if (queue_next_worker(s, BE, t) != 0 || queue_next_worker(s, BE, later) != 0)
		return 4;
	if (!queue_join(s, BE, 0, t, &ticket) || ticket != 4)
		return 5;
	if (sw64_get(&shm_queue(s, shm_worker(s, 1))[BE].oldest) != 3)
		return 6;
	queue_leave(s, BE, 4);
	return sw64_get(&shm_queue(s, shm_worker(s, 1))[BE].oldest) == 4 ? 0 : 7;
}

static void
rules_of_order_and_length(void **state)
{
	struct shm_queue *q0, *q2;

	(void)state;
	begin(1);
	q0 = &SHM_OWN(&m, shm_dead_worker(&m, 0), queue)[BE];
	q2 = &SHM_OWN(&m, shm_dead_worker(&m, 2), queue)[BE];
	*q0 = (struct shm_queue){.oldest = {1}, .waiting = {1}, .looked_ms = {5000}};
	*q2 = (struct shm_queue){.oldest = {2}, .waiting = {1}, .looked_ms = {5000}};
	mw64_fetch_add(&shm_cursor(&m, BE)->ticket, 2);
	assert_int_equal(procs_wait(procs_fork(&m, SHM_WORKER, 1, rules, NULL)), 0);
	/* The stamp's wrap after 49 days. */
	sw32_set(&q0->looked_ms, UINT32_MAX - 3);
	assert_int_equal(
	    queue_next_worker(&m, BE, (struct mono){INT64_C(4294967296) * 1000000}), 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_oldest_goes_first),
	    cmocka_unit_test(no_wake_up_is_lost),
	    cmocka_unit_test(no_wake_up_is_lost_under_kill),
	    cmocka_unit_test(who_was_admitted_rings_the_next),
	    cmocka_unit_test(a_late_worker_is_passed_over),
	    cmocka_unit_test(rules_of_order_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
