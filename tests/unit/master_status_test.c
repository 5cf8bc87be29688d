/* SPDX-License-Identifier: ISC */
/* master: the line that the service manager shows, from a segment made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "master/status.h"
#include "shm/role.h"
#include "tests/lib/fixture.h"

static struct shm seg;

static struct shm_router *
router(unsigned i)
{
	return &SHM_AT(seg.vrrp, 0, struct shm_vrrp)->routers[i];
}

static void
n_routers(uint32_t n)
{
	sw32_set(&SHM_AT(seg.vrrp, 0, struct shm_vrrp)->n_routers, n);
}

static void
servers(uint32_t usable, uint32_t total)
{
	sw32_set(&fixture_sched(&seg, 0)->usable, usable);
	sw32_set(&fixture_sched(&seg, 0)->total, total);
}

static void
says(const char *want)
{
	char text[STATUS_TEXT];

	status_text(&seg, text, sizeof(text));
	assert_string_equal(text, want);
}

static int
setup(void **state)
{
	(void)state;
	fixture_make(&seg);
	n_routers(0);
	sw32_set(&fixture_sched(&seg, 1)->total, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	shm_detach(&seg);
	return 0;
}

static void
roles_are_counted(void **state)
{
	(void)state;
	servers(3, 3);
	says("3 of 3 servers up; generation 3");
	n_routers(1);
	sw32_set(&router(0)->used, 1);
	sw32_set(&router(0)->role, SHM_ROLE_BACKUP);
	says("MASTER of 0 of 1 virtual router; 3 of 3 servers up; generation 3");
	sw32_set(&router(0)->role, SHM_ROLE_MASTER);
	says("MASTER of 1 of 1 virtual router; 3 of 3 servers up; generation 3");
	/* A slot in between that is free. */
	n_routers(4);
	sw32_set(&router(1)->used, 0);
	sw32_set(&router(1)->role, SHM_ROLE_MASTER);
	sw32_set(&router(2)->used, 1);
	sw32_set(&router(2)->role, SHM_ROLE_FAULT);
	sw32_set(&router(3)->used, 1);
	sw32_set(&router(3)->role, SHM_ROLE_RESIGN);
	says("MASTER of 1 of 3 virtual routers (1 FAULT); 3 of 3 servers up; generation 3");
}

static void
servers_are_counted(void **state)
{
	struct shm_sched *web = fixture_sched(&seg, 1);

	(void)state;
	servers(2, 3);
	says("2 of 3 servers up; generation 3");
	servers(0, 1);
	says("0 of 1 server up; backend be has no server; generation 3");
	sw32_set(&web->total, 4);
	says("0 of 5 servers up; 2 backends have no server; generation 3");
	/* Backups serve: the servers proper are down all the same. */
	sw32_set(&web->usable, 2);
	sw32_set(&web->on_backup, 1);
	servers(3, 3);
	says("3 of 7 servers up; 1 backend on backup servers; generation 3");
	/* A backend of nothing but backups. */
	sw32_set(&web->weight_up, 2);
	says("5 of 7 servers up; generation 3");
}

static void
what_is_not_of_this_generation_is_left_out(void **state)
{
	(void)state;
	servers(3, 3);
	sw32_set(&fixture_sched(&seg, 0)->epoch, 7);
	says("generation 3");
	sw32_set(&fixture_sched(&seg, 0)->epoch, 1);
	sw32_set(&shm_own_be_dir(&seg)[0].state, SHM_DIR_LEAVING);
	says("generation 3");
}

static void
trouble_is_said(void **state)
{
	char text[STATUS_TEXT];

	(void)state;
	servers(3, 3);
	sw32_set(&seg.own_master->maintenance, 1);
	sw32_set(&seg.own_master->degraded, 1);
	sw32_set(&seg.own_master->refused, 1);
	status_text(&seg, text, sizeof(text));
	assert_string_equal(text, "3 of 3 servers up; generation 3; the last reload was refused; "
				  "maintenance; degraded: processes die again and again");
}

static void
a_small_buffer_is_kept_to(void **state)
{
	char text[STATUS_TEXT], whole[STATUS_TEXT];

	(void)state;
	servers(0, 3);
	sw32_set(&seg.own_master->refused, 1);
	status_text(&seg, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		memset(text, 'x', sizeof(text));
		status_text(&seg, text, size);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
		assert_int_equal(text[size], 'x');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(roles_are_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(servers_are_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_is_not_of_this_generation_is_left_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(trouble_is_said, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_small_buffer_is_kept_to, setup, teardown),
	};

	return cmocka_run_group_tests_name("master status", tests, NULL, NULL);
}
