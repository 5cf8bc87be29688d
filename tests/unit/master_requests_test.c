/* SPDX-License-Identifier: ISC */
/* master: commands that workers pass on; what lies in a worker's section is not trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "master/master.h"
#include "master/requests.h"
#include "shm/request.h"

static struct master m;
static struct generation gen;
static char folder[] = "/tmp/vipd-requests-XXXXXX";

static int
set_up(void **state)
{
	static const struct shm_caps caps = {
	    .workers = 2, .frontends = 4, .backends = 4, .servers = 4, .sessions = 4};
	struct conf_msgs msgs = {0};
	char text[512];
	char reason[256];

	(void)state;
	if (mkdtemp(folder) == NULL || shm_create(&m.seg, &caps) == -1)
		return -1;
	snprintf(text, sizeof(text),
	    "global = { state_dir = \"%s\"; maxconn = 40; };"
	    "frontends = { fe = { bind = \"127.0.0.1:1\"; default_backend = \"be\"; maxconn = 9; "
	    "}; };"
	    "backends = { be = { check = false; servers = { s = \"127.0.0.1:2\"; }; }; };",
	    folder);
	gen.conf = conf_read_text(text, strlen(text), "t", &msgs);
	conf_msgs_print(&msgs, stderr);
	conf_msgs_free(&msgs);
	if (gen.conf == NULL)
		return -1;
	m.n_workers = m.wanted = 2;
	m.nofile = 1024;
	m.opt.file = "/nowhere/vipd.conf";
	m.workers[0].bell = m.workers[1].bell = -1;
	sw32_set(&m.seg.own_master->n_workers, 2);
	if (directory_prepare(&m, gen.conf, 1, reason, sizeof(reason)) == -1)
		return -1;
	directory_commit(&m, gen.conf, 1);
	gen.number = 1;
	m.gen = &gen;
	m.ready = true;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	conf_free(gen.conf);
	shm_detach(&m.seg);
	return rmdir(folder);
}

/* Worker w's next request. */
static uint64_t
put(unsigned w, uint32_t kind, uint32_t object, uint64_t value)
{
	struct shm_worker *k = shm_dead_worker(&m.seg, w);
	uint64_t n = sw64_get(&k->request_head) + 1;
	struct shm_request *r = &k->request[(n - 1) % SHM_REQUESTS];

	r->kind = kind;
	r->object = object;
	r->value = value;
	sw64_set(&r->number, n);
	sw64_set(&k->request_head, n);
	return n;
}

/* Its result, which has to be there at once. */
static uint32_t
ask(unsigned w, uint32_t kind, uint32_t object, uint64_t value)
{
	uint64_t n = put(w, kind, object, value);

	requests_look(&m);
	assert_int_equal(sw64_get(&m.seg.master->done[w]), n);
	return sw32_get(&m.seg.master->result[w]);
}

static void
commands_are_carried_out(void **state)
{
	const struct shm_fe_dir *fe = shm_fe_dir(&m.seg, 0);
	uint64_t epoch = (uint64_t)sw32_get(&fe->epoch) << 32;
	char mark[64];

	(void)state;
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, 0, epoch | SHM_REQ_FE_ENABLE), SHM_RES_ALREADY);
	assert_int_equal(ask(1, SHM_REQ_FE_STATE, 0, epoch | SHM_REQ_FE_DISABLE), SHM_RES_DONE);
	assert_int_equal(sw32_get(&fe->flags), SHM_FE_DISABLED);
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, 0, epoch | SHM_REQ_FE_SHUTDOWN), SHM_RES_DONE);
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, 0, epoch | SHM_REQ_FE_ENABLE), SHM_RES_STOPPED);
	assert_int_equal(ask(0, SHM_REQ_FE_MAXCONN, 0, epoch | 5), SHM_RES_DONE);
	assert_int_equal(ask(0, SHM_REQ_MAXCONN, 0, 30), SHM_RES_DONE);
	assert_int_equal(sw32_get(&fe->maxconn), 5);
	assert_int_equal(sw32_get(&m.seg.master->maxconn), 30);
	/* A reload that does not touch them leaves both, and opens what was shut down. */
	directory_commit(&m, gen.conf, 2);
	assert_int_equal(sw32_get(&fe->maxconn), 5);
	assert_int_equal(sw32_get(&m.seg.master->maxconn), 30);
	assert_int_equal(sw32_get(&fe->flags), 0);
	assert_int_equal(ask(0, SHM_REQ_MAXCONN, 0, 0), SHM_RES_DONE);
	assert_int_equal(sw32_get(&m.seg.master->maxconn), 40);

	snprintf(mark, sizeof(mark), "%s/maintenance", folder);
	assert_int_equal(ask(0, SHM_REQ_MAINTENANCE, 0, 1), SHM_RES_DONE);
	assert_int_equal(access(mark, F_OK), 0);
	sw32_set(&m.seg.own_master->maintenance, 0);
	runtime_start(&m, gen.conf); /* a restart */
	assert_int_equal(sw32_get(&m.seg.master->maintenance), 1);
	assert_int_equal(ask(0, SHM_REQ_MAINTENANCE, 0, 0), SHM_RES_DONE);
	assert_int_equal(access(mark, F_OK), -1);
}

static void
nonsense_is_refused(void **state)
{
	struct shm_worker *k = shm_dead_worker(&m.seg, 0);
	uint64_t epoch = (uint64_t)sw32_get(&shm_fe_dir(&m.seg, 0)->epoch) << 32;

	(void)state;
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, 1, epoch), SHM_RES_GONE);
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, UINT32_MAX, epoch), SHM_RES_GONE);
	assert_int_equal(ask(0, SHM_REQ_FE_MAXCONN, 0, epoch + (1ull << 32)), SHM_RES_GONE);
	assert_int_equal(ask(0, SHM_REQ_FE_STATE, 0, epoch | 99), SHM_RES_VALUE);
	assert_int_equal(ask(0, SHM_REQ_MAXCONN, 0, UINT64_MAX), SHM_RES_VALUE);
	assert_int_equal(ask(0, SHM_REQ_MAINTENANCE, 0, 2), SHM_RES_VALUE);
	assert_int_equal(ask(0, SHM_REQ_DUMP + 1, 0, 0), SHM_RES_UNKNOWN);
	/* Of another owner, and one that is being written: passed over. */
	put(0, SHM_REQ_SRV_STATE, 0, 0);
	sw32_set(&m.seg.own_master->result[0], 77);
	requests_look(&m);
	assert_int_equal(sw32_get(&m.seg.master->result[0]), 77);
	put(0, SHM_REQ_MAXCONN, 0, 1);
	sw64_set(&k->request[(sw64_get(&k->request_head) - 1) % SHM_REQUESTS].number, 0);
	requests_look(&m);
	assert_int_equal(sw64_get(&m.seg.master->done[0]), sw64_get(&k->request_head));
	assert_int_equal(sw32_get(&m.seg.master->maxconn), 40);
	/* Numbers that jump: bounded work, and the next one is answered. */
	sw64_set(&k->request_head, UINT64_MAX - 100);
	requests_look(&m);
	sw64_set(&k->request_head, 3);
	requests_look(&m);
	assert_int_equal(ask(0, SHM_REQ_MAXCONN, 0, UINT64_MAX), SHM_RES_VALUE);
}

static void
reload_is_answered_when_it_has_ended(void **state)
{
	uint32_t result;
	uint64_t n;

	(void)state;
	/* There is no such file: refused at once, with a report. */
	assert_int_equal(ask(1, SHM_REQ_RELOAD, 0, 0), SHM_RES_FAILED);
	assert_non_null(strstr(m.seg.master->report, "refused, the configuration in force stays"));
	/* While another round runs they wait, also on the own socket, and others do not. */
	m.round.phase = ROUND_PREPARE;
	n = put(0, SHM_REQ_RELOAD, 0, 0);
	requests_look(&m);
	assert_int_equal(sw64_get(&m.seg.master->done[0]), n - 1);
	assert_int_equal(requests_own(&m, SHM_REQ_RELOAD, 0, 0), 1);
	assert_false(requests_own_done(&m, 1, &result));
	assert_int_equal(requests_own(&m, SHM_REQ_MAXCONN, 0, 7), 0); /* one at a time */
	assert_int_equal(ask(1, SHM_REQ_MAXCONN, 0, 33), SHM_RES_DONE);
	/* The round under way is not theirs. */
	requests_reload_over(&m, true);
	assert_int_equal(sw64_get(&m.seg.master->done[0]), n - 1);
	m.round.phase = ROUND_NONE;
	requests_look(&m);
	assert_int_equal(sw64_get(&m.seg.master->done[0]), n);
	assert_true(requests_own_done(&m, 1, &result));
	assert_int_equal(result, SHM_RES_FAILED);
	assert_int_equal(requests_own(&m, SHM_REQ_MAXCONN, 0, 7), 2);
	assert_true(requests_own_done(&m, 2, &result));
	assert_int_equal(result, SHM_RES_DONE);
	assert_int_equal(sw32_get(&m.seg.master->maxconn), 7);
}

static void
reports_are_bounded(void **state)
{
	const struct shm_master *own = m.seg.master;
	uint32_t len;

	(void)state;
	report_begin(&m);
	for (int i = 0; i < 2000; i++)
		report_add(&m, "line %d\nand its rest", i);
	len = sw32_get(&own->report_len);
	assert_in_range(len, SHM_REPORT_TEXT - 100, SHM_REPORT_TEXT);
	assert_memory_equal(own->report, "line 0 and its rest\nline 1 ", 27);
	assert_non_null(memmem(own->report, len, "... the log has the rest\n", 25));
	assert_null(memmem(own->report, len, "\n\n", 2));
	assert_int_equal(sw32_get(&own->report_seq) % 2, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_are_carried_out),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(reload_is_answered_when_it_has_ended),
	    cmocka_unit_test(reports_are_bounded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
