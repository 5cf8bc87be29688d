/* SPDX-License-Identifier: ISC */
/* shm: layout, attaching, and the protection of foreign sections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/segment.h"

static const struct shm_caps caps = {
    .workers = 4, .frontends = 64, .backends = 64, .servers = 256, .sessions = 1024};

static void
sections_do_not_overlap(void **state)
{
	struct shm_head h;
	struct shm_caps big = {256, 1024, 1024, 16384, 65536};

	(void)state;
	shm_layout(&h, &big);
	assert_true(h.off_master >= sizeof(h));
	assert_true(h.off_checker >= h.off_srv_dir + big.servers * sizeof(struct shm_srv_dir));
	assert_true(h.off_shared >= h.off_entries + (uint64_t)big.backends * 2 * SHM_SCHED_MAX * 2);
	assert_true(h.off_vrrp >= h.off_cursors + big.backends * sizeof(struct shm_cursor));
	assert_true(h.off_workers >= h.off_vrrp + sizeof(struct shm_vrrp));
	assert_int_equal(h.size, h.off_workers + 256 * h.worker_size);
	assert_true(h.w_held_end <= h.w_fe);
	assert_true(
	    h.w_sessions + (uint64_t)big.sessions * sizeof(struct shm_session) <= h.worker_size);
	assert_int_equal(h.off_checker % 4096, 0);
	assert_int_equal(h.worker_size % 4096, 0);
}

/* Runs f in a child that attached as (kind, index); returns its wait status. */
static int
in_child(const struct shm *m, enum shm_kind kind, unsigned index, void (*f)(struct shm *))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct rlimit no_core = {0, 0};
		struct shm s;

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSEGV, SIG_DFL);
		if (shm_attach(&s, m, kind, index) == -1)
			_exit(3);
		f(&s);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
write_own(struct shm *s)
{
	sw64_set(&s->own_worker->cum_conn, 42);
	SHM_OWN(s, s->own_worker, held_srv)[7].v = 5;
	mw64_fetch_add(&shm_cursor(s, 3)->word, 9);
}

static void
write_foreign(struct shm *s)
{
	struct shm_worker *w = SHM_AT(shm_worker(s, 1), 0, struct shm_worker);

	sw64_set(&w->cum_conn, 1);
}

static void
unprotect_foreign(struct shm *s)
{
	struct shm_worker *w = SHM_AT(shm_worker(s, 1), 0, struct shm_worker);

	if (mprotect(w, 4096, PROT_READ | PROT_WRITE) == -1)
		_exit(7);
	sw64_set(&w->cum_conn, 1);
}

static void
foreign_sections_are_read_only(void **state)
{
	struct shm m;
	int status;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	status = in_child(&m, SHM_WORKER, 2, write_own);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(sw64_get(&shm_worker(&m, 2)->cum_conn), 42);
	assert_int_equal(sw32_get(&shm_held_srv(&m, shm_worker(&m, 2))[7]), 5);
	assert_int_equal(mw64_get(&shm_cursor(&m, 3)->word), 9);
	status = in_child(&m, SHM_WORKER, 2, write_foreign);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	status = in_child(&m, SHM_CHECKER, 0, unprotect_foreign);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(sw64_get(&shm_worker(&m, 1)->cum_conn), 0);
	shm_worker_reset(&m, shm_dead_worker(&m, 2));
	assert_int_equal(sw32_get(&shm_held_srv(&m, shm_worker(&m, 2))[7]), 0);
	assert_int_equal(sw64_get(&shm_worker(&m, 2)->cum_conn), 42);
	shm_detach(&m);
}

static void
masters_mapping_is_not_inherited(void **state)
{
	struct shm m;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(shm_create(&m, &caps), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit no_core = {0, 0};

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGSEGV, SIG_DFL);
		sw32_set(&m.own_master->pid, 1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	shm_detach(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sections_do_not_overlap),
	    cmocka_unit_test(foreign_sections_are_read_only),
	    cmocka_unit_test(masters_mapping_is_not_inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
