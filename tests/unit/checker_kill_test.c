/* SPDX-License-Identifier: ISC */
/* checker: kill -9 at any instant loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "shm/check_status.h"
#include "shm/request.h"
#include "shm/schedule.h"
#include "tests/lib/ckworld.h"
#include "tests/lib/target.h"

#define KILLS 120

static struct world w;

static uint32_t
get(const struct sw32 *v)
{
	return sw32_get(v);
}

/* What must hold at every moment of the killing. */
struct seen {
	const struct shm_health *good;
	const struct shm_health *dying;
	const struct shm_health *slow;
	const struct shm_health *maint;
	uint64_t slow_from;
	uint32_t slow_weight;
	uint32_t dying_counter;
	uint32_t weight_asked;
	bool down;
};

static void
look(struct seen *s)
{
	uint32_t counter = get(&s->dying->counter), weight = get(&s->slow->eweight);
	uint32_t slot = schedule_pick(&w.m, w.be);

	assert_int_equal(get(&s->good->usable), 1);
	assert_int_equal(get(&s->good->chkdown), 0);
	assert_true(slot != SHM_NONE);
	assert_true(get(&world_sched(&w)->usable) >= 2);
	/* Failures are counted on from life to life, and the server stays down. */
	assert_true(counter <= s->dying_counter);
	s->dying_counter = counter;
	s->down |= get(&s->dying->usable) == 0;
	if (s->down)
		assert_int_equal(get(&s->dying->usable), 0);
	/* Slow start goes on, it does not begin again. */
	assert_int_equal(sw64_get(&s->slow->slow_from_ns), s->slow_from);
	assert_true(weight >= s->slow_weight);
	s->slow_weight = weight;
	/* What was set by command stays. */
	assert_int_equal(get(&s->maint->admin), SHM_ADMIN_FMAINT);
	assert_int_equal(get(&s->maint->usable), 0);
	assert_true(get(&s->maint->uweight) <= s->weight_asked);
}

static void
nothing_is_lost(void **state)
{
	struct target *t[3];
	uint32_t good, dying, slow, maint, lives_until_down = 0;
	struct seen s = {0};
	char body[1024];
	uint64_t probes;

	(void)state;
	world_open(&w);
	for (int i = 0; i < 3; i++)
		t[i] = target_start(NULL, NULL);
	good = world_server(&w, "good", t[0]->port);
	dying = world_server(&w, "dying", t[1]->port);
	slow = world_server(&w, "slow", t[2]->port);
	maint = world_server(&w, "maint", t[0]->port);
	s.good = world_health(&w, good);
	s.dying = world_health(&w, dying);
	s.slow = world_health(&w, slow);
	s.maint = world_health(&w, maint);
	snprintf(body, sizeof(body),
	    "check = { inter = \"40ms\"; rise = 2; fall = 10; };"
	    "servers = { good = \"127.0.0.1:%u\"; dying = \"127.0.0.1:%u\";"
	    "slow = { address = \"127.0.0.1:%u\"; slowstart = \"300s\"; weight = 256;"
	    "check = { fall = 1; }; };"
	    "maint = { address = \"127.0.0.1:%u\"; weight = 1; }; };",
	    t[0]->port, t[1]->port, t[2]->port, t[0]->port);
	world_spawn(&w, false);
	world_load(&w, body, NULL, NULL);
	assert_int_equal(world_request(&w, SHM_REQ_SRV_STATE, maint, SHM_REQ_MAINT), 0);
	target_set(t[2], TARGET_REFUSE, 0);
	UNTIL(&w, get(&s.slow->usable) == 0);
	target_set(t[2], TARGET_SERVE, 0);
	UNTIL(&w, get(&s.slow->usable) == 1);
	UNTIL(&w, get(&s.dying->counter) == 11 && get(&s.good->counter) == 11);
	s.slow_from = sw64_get(&s.slow->slow_from_ns);
	assert_true(s.slow_from != 0);
	s.dying_counter = 11;
	s.weight_asked = 1;
	UNTIL(&w, get(&world_sched(&w)->usable) == 3);
	target_set(t[1], TARGET_REFUSE, 0);
	srand(7);
	for (int i = 0; i < KILLS; i++) {
		struct mono end;

		/* Short lives end while the configuration is read or committed, longer ones while
		 * probes run. */
		world_kill(&w);
		world_spawn(&w, true);
		world_throw_again(&w);
		world_ask(&w, SHM_REQ_SRV_WEIGHT, maint, ++s.weight_asked);
		end = mono_add_ns(mono_now(), rand() % (i % 2 ? 5000000 : 40000000));
		do {
			world_turn(&w);
			look(&s);
		} while (mono_before(mono_now(), end));
		lives_until_down += !s.down;
	}
	/* The last one finds everything in place. */
	world_kill(&w);
	world_spawn(&w, true);
	world_load_again(&w);
	UNTIL(&w, (look(&s), s.down));
	assert_true(lives_until_down >= 3);
	assert_int_equal(get(&s.dying->counter), 0);
	assert_int_equal(get(&s.dying->oper), SHM_OPER_STOPPED);
	UNTIL(&w, get(&s.maint->uweight) == s.weight_asked);
	probes = sw64_get(&s.good->probes);
	UNTIL(&w, sw64_get(&s.good->probes) >= probes + 3);
	look(&s);
	UNTIL(&w, get(&world_sched(&w)->usable) == 2);
	for (int i = 0; i < 2000; i++) {
		uint32_t slot = schedule_pick(&w.m, w.be);

		assert_true(slot == good || slot == slow);
	}
	/* And the dead one comes back. */
	target_set(t[1], TARGET_SERVE, 0);
	UNTIL(&w, get(&s.dying->usable) == 1);
	world_close(&w);
	for (int i = 0; i < 3; i++)
		target_stop(t[i]);
}

/* A first start that is killed before its commit has ended leaves nothing that a later one takes
 * for a predecessor's state. */
static void
killed_in_the_first_commit(void **state)
{
	struct target *t = target_start(NULL, NULL);
	char body[32768], *p;
	const struct shm_health *h;

	(void)state;
	srand(11);
	for (int round = 0; round < 10; round++) {
		world_open(&w);
		p = body + sprintf(body, "check = { inter = \"1s\"; }; servers = { ");
		for (int i = 0; i < 200; i++) {
			char name[16];

			snprintf(name, sizeof(name), "s%d", i);
			world_server(&w, name, t->port);
			p += sprintf(p, "%s = \"127.0.0.1:%u\"; ", name, t->port);
		}
		sprintf(p, "};");
		world_spawn(&w, false);
		world_throw(&w, body);
		for (struct mono end = mono_add_ns(mono_now(), rand() % 8000000);
		     mono_before(mono_now(), end);)
			;
		world_kill(&w);
		world_spawn(&w, true);
		world_load_again(&w);
		assert_int_equal(get(&world_sched(&w)->usable), 200);
		for (uint32_t i = 0; i < 200; i++) {
			h = world_health(&w, i);
			assert_int_equal(get(&h->epoch), i + 1);
			assert_int_equal(get(&h->usable), 1);
			assert_int_equal(get(&h->chkdown), 0);
			assert_int_equal(get(&h->desc_seq) & 1, 0);
		}
		world_close(&w);
	}
	target_stop(t);
}

/* Lets the checker run up to its n-th system call after the failed probe stands in shared memory,
 * and kills it there. */
static void
kill_at_call(const struct shm_health *h, int n)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, w.pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, w.pid, NULL, NULL), 0);
	assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
	while (n > 0) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, w.pid, NULL, NULL), 0);
		assert_int_equal(waitpid(w.pid, &status, 0), w.pid);
		assert_true(WIFSTOPPED(status));
		n -= get(&h->status) == CHECK_L4CON;
	}
	world_kill(&w);
}

/* Wherever it dies on a server's way down: the server is DOWN, once, and the log says so. */
static void
killed_while_a_server_goes_down(void **state)
{
	const struct shm_health *h;
	char body[256];

	(void)state;
	for (int n = 1; n <= 16; n++) {
		struct target *t = target_start(NULL, NULL);

		world_open(&w);
		h = world_health(&w, world_server(&w, "a", t->port));
		snprintf(body, sizeof(body),
		    "check = { inter = \"50ms\"; rise = 1; fall = 1; };"
		    "servers = { a = \"127.0.0.1:%u\"; };",
		    t->port);
		world_spawn(&w, false);
		world_load(&w, body, NULL, NULL);
		UNTIL(&w, get(&h->status) == CHECK_L4OK);
		target_set(t, TARGET_REFUSE, 0);
		kill_at_call(h, n);
		world_spawn(&w, true);
		world_load_again(&w);
		UNTIL(&w, get(&h->oper) == SHM_OPER_STOPPED);
		UNTIL(&w, world_logged(&w, "Server be/a is DOWN"));
		UNTIL(&w, world_logged(&w, "backend be has no server available!"));
		assert_int_equal(get(&h->counter), 0);
		assert_int_equal(get(&h->usable), 0);
		assert_int_equal(get(&h->chkdown), 1);
		assert_int_equal(get(&world_sched(&w)->chkdown), 1);
		world_close(&w);
		target_stop(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_lost),
	    cmocka_unit_test(killed_in_the_first_commit),
	    cmocka_unit_test(killed_while_a_server_goes_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
