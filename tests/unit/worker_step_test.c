/* SPDX-License-Identifier: ISC */
/*
 * A worker killed at any instruction of a session's life: whatever its counters and the session's
 * record say then, they say the same once the master has buried it. The worker is single-stepped;
 * after each instruction the master buries a copy of its slot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/master.h"
#include "shm/step.h"
#include "tests/lib/shm_procs.h"
#include "worker/count.h"
#include "worker/record.h"

#define LIVING 0 /* its slot */
#define COPY   1 /* where it is buried */

#define NO_PTRACE 77

static const struct shm_caps caps = {
    .workers = 2, .frontends = 16, .backends = 16, .servers = 16, .sessions = 64};

static struct master m;

/* As session_start, session_backend, assign and session_end do it. */
static int
life(struct shm *s, void *arg)
{
	static struct worker w;
	static struct gen_frontend fe = {.slot = 1};
	static struct gen_backend be = {.slot = 2};
	static struct gen_server srv = {.slot = 3};
	static struct session ses = {.w = &w, .fe = &fe, .s.fd = -1};
	struct sock_addr peer = {.family = AF_INET};

	(void)arg;
	w = (struct worker){.seg = s, .own = s->own_worker, .loop = loop_new()};
	if (w.loop == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		return NO_PTRACE;
	raise(SIGSTOP);
	ses.rec = record_open(&w, fe.slot, &peer, NULL, loop_now(w.loop));
	count_accepted(&w, &fe, ses.rec);
	ses.be = &be;
	count_backend(&ses);
	ses.srv = &srv;
	sw64_set(&ses.rec->assigned_ns, (uint64_t)loop_now(w.loop).ns);
	count_chosen(&ses, true);
	sw64_set(&ses.rec->connected_ns, (uint64_t)loop_now(w.loop).ns);
	session_phase(&ses, SHM_PH_DATA);
	ses.who = 'S';
	ses.when = 'D';
	count_end(&ses);
	sw32_set(&ses.rec->counted, SHM_COUNTED_ACCEPT | SHM_COUNTED_END | SHM_COUNTED_LOG);
	record_close(&w, ses.rec);
	return 0;
}

/* What was seen over all instructions. */
struct seen {
	unsigned instructions;
	unsigned unfinished; /* steps that the master had to finish */
	unsigned missed;     /* sessions that the master had to count */
	unsigned lost;
	unsigned ended;
};

static void
look(const struct shm_worker *w, unsigned lost, struct seen *seen)
{
	const struct shm_session *r = &shm_sessions(&m.seg, w)[0];
	const struct shm_fe_count *f = &shm_fe_count(&m.seg, w)[1];
	const struct shm_be_count *b = &shm_be_count(&m.seg, w)[2];
	const struct shm_srv_count *v = &shm_srv_count(&m.seg, w)[3];
	uint32_t counted = sw32_get(&r->counted);
	bool began = sw32_get(&r->phase) != SHM_PH_FREE || counted != 0;
	bool given = began && sw32_get(&r->be) != SHM_NONE;
	bool chosen = began && sw32_get(&r->srv) != SHM_NONE;
	bool ended = began && (counted & SHM_COUNTED_END) != 0;

	assert_int_equal(sw64_get(&f->sess), began);
	assert_int_equal(sw64_get(&w->cum_conn), began);
	assert_int_equal(sw64_get(&b->sess), given);
	assert_int_equal(sw64_get(&b->lbtot), chosen);
	assert_int_equal(sw64_get(&v->lbtot), chosen);
	assert_int_equal(sw64_get(&v->sess), chosen);
	assert_int_equal(sw64_get(&b->timed), ended);
	assert_int_equal(sw64_get(&v->timed), ended);
	assert_int_equal(sw64_get(&b->srv_abrt), ended);
	assert_int_equal(sw64_get(&v->srv_abrt), ended);
	assert_int_equal(sw64_get(&b->eresp), ended);
	assert_int_equal(sw64_get(&v->eresp), ended);
	assert_int_equal(lost, began && !ended);
	seen->missed += began && (counted & SHM_COUNTED_ACCEPT) == 0;
	seen->lost += lost;
	seen->ended += ended;
}

/* Buries the worker as it is now. */
static void
bury_copy(struct seen *seen)
{
	struct shm_worker *from = shm_dead_worker(&m.seg, LIVING),
			  *to = shm_dead_worker(&m.seg, COPY);
	uint64_t sessions = m.seg.head->w_sessions;

	memcpy((char *)to, (const char *)from, m.seg.head->w_sources);
	memcpy((char *)to + sessions, (const char *)from + sessions, sizeof(struct shm_session));
	seen->instructions++;
	seen->unfinished += sw32_get(&to->step.n) != 0;
	look(to, sessions_bury(&m, COPY), seen);
	assert_int_equal(sw32_get(&to->step.n), 0);
	shm_worker_reset(&m.seg, to);
}

static void
killed_at_each_instruction(void **state)
{
	struct seen seen = {0};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shm_create(&m.seg, &caps), 0);
	pid = procs_fork(&m.seg, SHM_WORKER, LIVING, life, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PTRACE)
		skip();
	while (WIFSTOPPED(status)) {
		bury_copy(&seen);
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	print_message(
	    "%u instructions: %u unfinished steps, %u not counted yet, %u lost, %u ended\n",
	    seen.instructions, seen.unfinished, seen.missed, seen.lost, seen.ended);
	assert_true(seen.unfinished > 20 && seen.missed > 0 && seen.lost > 100 && seen.ended > 10);
	shm_detach(&m.seg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_each_instruction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
