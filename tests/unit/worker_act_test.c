/* SPDX-License-Identifier: ISC */
/* worker: commands that change something. The test plays the checker and the other worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/lib/fixture.h"
#include "worker/command.h"

static struct shm seg;
static struct child_bells bells;
static struct ask ask;
static struct buf out;
static struct command_run run;
static enum command_level level;

/* Begins a command as worker 0; true while it waits. */
static bool
begin(const char *text)
{
	static bool prompt, quit;
	static int64_t timeout_ms;
	char line[256];
	bool more;

	buf_reset(&out);
	run = (struct command_run){
	    .src = {.shm = &seg, .now = FIXTURE_NOW},
	    .level = &level,
	    .prompt = &prompt,
	    .quit = &quit,
	    .timeout_ms = &timeout_ms,
	    .ask = &ask,
	    .out = &out,
	    .limit = 16384,
	};
	snprintf(line, sizeof(line), "%s", text);
	more = command_start(&run, line);
	assert_int_equal(more, run.waits);
	return more;
}

static bool
look_again(int64_t ms_later)
{
	run.src.now = mono_add_ms(FIXTURE_NOW, ms_later);
	run.waits = false;
	return run.more(&run);
}

static void
finish(const char *answer)
{
	command_end(&run);
	assert_string_equal(buf_text(&out), answer);
}

/* A command that asks nobody. */
static void
at_once(const char *text, const char *answer)
{
	assert_false(begin(text));
	finish(answer);
	assert_int_equal(sw64_get(&ask.own->request_head), 0);
}

static uint64_t
rings(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* The request that text makes, answered with result. */
static void
asked(const char *text, uint32_t kind, uint32_t object, uint32_t argument, uint32_t result,
    const char *answer)
{
	uint64_t n = sw64_get(&ask.own->request_head) + 1;
	const struct shm_request *r = &ask.own->request[(n - 1) % SHM_REQUESTS];

	assert_true(begin(text));
	assert_int_equal(sw64_get(&ask.own->request_head), n);
	assert_int_equal(sw64_get(&r->number), n);
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->object, object);
	assert_int_equal(r->value, shm_request_value(1, argument));
	assert_int_equal(rings(bells.checker), 1);
	assert_true(look_again(5));
	assert_true(run.waits);
	sw32_set(&fixture_checker(&seg)->result[0], result);
	sw64_set(&fixture_checker(&seg)->done[0], n);
	assert_false(look_again(6));
	finish(answer);
}

static void
servers_are_changed_by_the_checker(void **state)
{
	(void)state;
	asked(
	    "set server be/s2 state drain", SHM_REQ_SRV_STATE, 1, SHM_REQ_DRAIN, SHM_RES_DONE, "");
	asked(
	    "set server be/s1 state maint", SHM_REQ_SRV_STATE, 0, SHM_REQ_MAINT, SHM_RES_DONE, "");
	asked(
	    "set server web/w1 state ready", SHM_REQ_SRV_STATE, 3, SHM_REQ_READY, SHM_RES_DONE, "");
	asked("enable server be/s1", SHM_REQ_SRV_STATE, 0, SHM_REQ_READY, SHM_RES_DONE, "");
	asked("disable server be/s1", SHM_REQ_SRV_STATE, 0, SHM_REQ_MAINT, SHM_RES_DONE, "");
	asked("set server be/s1 weight 256", SHM_REQ_SRV_WEIGHT, 0, 256, SHM_RES_DONE, "");
	asked("set weight be/s1 50%", SHM_REQ_SRV_WEIGHT_PERCENT, 0, 50, SHM_RES_DONE, "");
	asked(
	    "set server be/s1 health down", SHM_REQ_SRV_HEALTH, 0, SHM_REQ_DOWN, SHM_RES_DONE, "");
	asked("set maxconn server be/s1 7", SHM_REQ_SRV_MAXCONN, 0, 7, SHM_RES_DONE, "");
	asked("disable health be/s1", SHM_REQ_SRV_CHECK, 0, 0, SHM_RES_DONE, "");
	asked("enable health be/s3", SHM_REQ_SRV_CHECK, 2, 1, SHM_RES_NO_CHECK,
	    "Health check was not configured on this server, cannot enable.\n");
	asked("shutdown sessions server be/s1", SHM_REQ_SRV_SHUTDOWN, 0, 0, SHM_RES_DONE, "");
	asked("set weight be/s1 5", SHM_REQ_SRV_WEIGHT, 0, 5, SHM_RES_GONE, "No such server.\n");
	/* more than the ring holds */
	for (int i = 0; i < 40; i++)
		asked("set weight be/s1 5", SHM_REQ_SRV_WEIGHT, 0, 5, SHM_RES_DONE, "");
}

static void
wrong_arguments_get_haproxys_texts(void **state)
{
	(void)state;
	at_once("set server be/s1 state foo",
	    "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n");
	at_once("set server be/s1 state",
	    "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n");
	at_once("set server be/s1 health foo",
	    "'set server <srv> health' expects 'up', 'stopping', or 'down'.\n");
	at_once("set server be/s1 bla",
	    "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | "
	    "agent-send | check-addr | check-port | fqdn | health | ssl | state | weight\n");
	at_once("set server be/s1 addr",
	    "set server <b>/<s> addr requires an address and optionally a port.\n");
	at_once("set server be/s1 addr x", "Invalid addr 'x' by 'stats socket command'\n");
	at_once("set server be/s1 addr 1.2.3.4:5",
	    "Invalid addr '1.2.3.4:5' by 'stats socket command'\n");
	at_once("set server be/s1 check-port", "set server <b>/<s> check-port requires a port.\n");
	at_once("set server be/s1 check-port x", "provided port is not an integer\n");
	at_once("set server be/s1 check-port 65536", "provided port is invalid\n");
	at_once("set server be/s1 check-addr x", "invalid addr 'x'\n");
	at_once("set server be/s3 check-port 1", "health checks are not enabled on this server\n");
	at_once("set server", "Require 'backend/server'.\n");
	at_once("set server be", "Require 'backend/server'.\n");
	at_once("set server be/ state drain", "Require 'backend/server'.\n");
	at_once("set server nope/s1 state drain", "No such backend.\n");
	at_once("set server be/s9 state drain", "No such server.\n");
	at_once("disable server x", "Require 'backend/server'.\n");
	at_once("set weight be/s1", "Require <weight> or <weight%>.\n");
	at_once("set weight be/s1 foo", "Empty weight string empty or preceded by garbage\n");
	at_once("set weight be/s1 5x", "Trailing garbage in weight string\n");
	at_once(
	    "set weight be/s1 257", "Absolute weight can only be between 0 and 256 inclusive.\n");
	at_once(
	    "set weight be/s1 -1", "Absolute weight can only be between 0 and 256 inclusive.\n");
	at_once("set weight be/s1 -1%", "Relative weight must be positive.\n");
	at_once("set maxconn server be/s1", "Require <maxconn>.\n");
	at_once("set maxconn server be/s1 a", "maxconn string empty or preceded by garbage\n");
	at_once("get weight be/s1", "100 (initial 1)\n");
	at_once("shutdown session", "Session pointer expected (use 'show sess').\n");
	at_once("shutdown session 5", "No such session (use 'show sess').\n");
	at_once("shutdown session 0xfoo", "Session pointer expected (use 'show sess').\n");
	level = COMMAND_OPERATOR;
	at_once("set weight be/s1 5", "Permission denied: 'set weight' needs level admin, this "
				      "connection has operator.\n");
}

/* The checker hangs: the client is told after a second, and the next command may try again. */
static void
silence_is_told(void **state)
{
	(void)state;
	assert_true(begin("set weight be/s1 5"));
	assert_true(look_again(999));
	assert_false(look_again(1000));
	finish("The checker process does not answer; the command may be carried out later.\n");
	assert_int_equal(rings(bells.checker), 1);
	asked("set weight be/s1 6", SHM_REQ_SRV_WEIGHT, 0, 6, SHM_RES_DONE, "");
}

/* Two clients at once: the second waits until the first has been answered. */
static void
one_request_at_a_time(void **state)
{
	uint64_t first;

	(void)state;
	first = ask_owner(&ask, SHM_REQ_SRV_WEIGHT, 0, 1);
	assert_int_equal(first, 1);
	assert_true(begin("set weight be/s1 5"));
	assert_int_equal(sw64_get(&ask.own->request_head), 1);
	sw64_set(&fixture_checker(&seg)->done[0], 1);
	assert_true(ask_owner_done(&ask, SHM_REQ_SRV_WEIGHT, first, &(uint32_t){0}));
	assert_true(look_again(5));
	assert_int_equal(sw64_get(&ask.own->request_head), 2);
	sw64_set(&fixture_checker(&seg)->done[0], 2);
	assert_false(look_again(10));
	finish("");
	/* a client that goes away while it waits leaves nothing behind */
	assert_true(begin("set weight be/s1 5"));
	command_end(&run);
	assert_int_equal(ask_owner(&ask, SHM_REQ_SRV_WEIGHT, 0, 1), 4);
}

static void
all_workers_are_called(void **state)
{
	struct shm_worker *other = fixture_worker(&seg, 1);

	(void)state;
	assert_true(begin("clear counters"));
	assert_int_equal(sw32_get(&ask.own->call_kind), SHM_CALL_CLEAR_MAX);
	assert_int_equal(sw64_get(&ask.own->call_seq), 1);
	assert_int_equal(rings(bells.workers[0]), 1);
	assert_int_equal(rings(bells.workers[1]), 1);
	sw64_set(&other->called[0], 1);
	assert_true(look_again(5));
	sw64_set(&ask.own->called[0], 1);
	assert_false(look_again(6));
	finish("");
	/* one that does not answer is named; one that is not there is not waited for */
	assert_true(begin("clear counters all"));
	assert_int_equal(sw32_get(&ask.own->call_kind), SHM_CALL_CLEAR);
	sw64_set(&ask.own->called[0], 2);
	assert_false(look_again(1000));
	finish("Worker 1 does not answer; the command may be carried out later.\n");
	sw64_set(&seg.own_master->live[0], 1);
	assert_true(begin("clear counters"));
	sw64_set(&ask.own->called[0], 3);
	assert_false(look_again(1));
	finish("");
}

static void
sessions_are_shut_by_their_worker(void **state)
{
	struct shm_worker *other = fixture_worker(&seg, 1);
	struct shm_session *r = &SHM_OWN(&seg, other, sessions)[4];

	(void)state;
	sw32_set(&other->n_sessions, 5);
	r->id = 0x123;
	sw32_set(&r->phase, SHM_PH_DATA);
	sw32_set(&r->seq, 2);
	assert_true(begin("shutdown session 0x123"));
	assert_int_equal(sw32_get(&ask.own->call_kind), SHM_CALL_SHUTDOWN);
	assert_int_equal(sw64_get(&ask.own->call_value), 0x123);
	sw64_set(&other->called[0], 1);
	sw64_set(&ask.own->called[0], 1);
	assert_false(look_again(5));
	finish("");
}

/* The same, of the master: it looks at its bell, and its result is in its own section. */
static void
asked_master(const char *text, uint32_t kind, uint32_t object, uint64_t value, int64_t within_ms,
    uint32_t result, const char *answer)
{
	uint64_t n = sw64_get(&ask.own->request_head) + 1;
	const struct shm_request *r = &ask.own->request[(n - 1) % SHM_REQUESTS];

	assert_true(begin(text));
	assert_int_equal(sw64_get(&ask.own->request_head), n);
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->object, object);
	assert_int_equal(r->value, value);
	assert_int_equal(rings(bells.master), 1);
	assert_true(look_again(within_ms - 1));
	sw32_set(&seg.own_master->result[0], result);
	sw64_set(&seg.own_master->done[0], n);
	assert_false(look_again(within_ms - 1));
	finish(answer);
}

static void
the_master_is_asked(void **state)
{
	static const char report[] = "a\nb\n";
	uint32_t mon = child_find_frontend(&seg, "mon", 0);

	(void)state;
	asked_master("disable frontend fe", SHM_REQ_FE_STATE, 0, 1ull << 32 | SHM_REQ_FE_DISABLE,
	    1000, SHM_RES_DONE, "");
	asked_master("enable frontend mon", SHM_REQ_FE_STATE, mon, 1ull << 32 | SHM_REQ_FE_ENABLE,
	    1000, SHM_RES_STOPPED, "Frontend was previously shut down, cannot enable.\n");
	asked_master("shutdown frontend fe", SHM_REQ_FE_STATE, 0, 1ull << 32 | SHM_REQ_FE_SHUTDOWN,
	    1000, SHM_RES_GONE, "No such frontend.\n");
	asked_master("set maxconn frontend fe 12", SHM_REQ_FE_MAXCONN, 0, 1ull << 32 | 12, 1000,
	    SHM_RES_DONE, "");
	asked_master("set maxconn global 12", SHM_REQ_MAXCONN, 0, 12, 1000, SHM_RES_VALUE,
	    "Value out of range.\n");
	asked_master("maintenance on", SHM_REQ_MAINTENANCE, 0, 1, 1000, SHM_RES_ALREADY,
	    "This node is in maintenance already.\n");
	asked_master(
	    "dump", SHM_REQ_DUMP, 0, 0, 1000, SHM_RES_FAILED, "Not written; the log says why.\n");
	memcpy(seg.own_master->report, report, sizeof(report) - 1);
	sw32_set(&seg.own_master->report_len, sizeof(report) - 1);
	asked_master("reload", SHM_REQ_RELOAD, 0, 0, 15000, SHM_RES_DONE, "Success=1\n--\na\nb\n");
	/* While it is written, and with a length that cannot be. */
	sw32_set(&seg.own_master->report_seq, 1);
	asked_master("reload", SHM_REQ_RELOAD, 0, 0, 15000, SHM_RES_FAILED,
	    "Success=0\n--\n(another reload is under way)\n");
	sw32_set(&seg.own_master->report_seq, 2);
	sw32_set(&seg.own_master->report_len, UINT32_MAX);
	asked_master("reload", SHM_REQ_RELOAD, 0, 0, 15000, SHM_RES_DONE,
	    "Success=1\n--\n(another reload is under way)\n");
	assert_true(begin("set maxconn global 1"));
	assert_false(look_again(1000));
	finish("The master process does not answer; the command may be carried out later.\n");
}

static void
nothing_is_changed_without_the_means(void **state)
{
	(void)state;
	assert_true(begin("set weight be/s1 5"));
	command_end(&run);
	run.ask = NULL;
	buf_reset(&out);
	assert_false(command_start(&run, (char[]){"set weight be/s1 5"}));
	finish("Nothing can be changed through this connection.\n");
}

static int
set_up(void **state)
{
	(void)state;
	fixture_make(&seg);
	memset(&bells, 0xff, sizeof(bells));
	bells.checker = eventfd(0, EFD_NONBLOCK);
	bells.master = eventfd(0, EFD_NONBLOCK);
	bells.workers[0] = eventfd(0, EFD_NONBLOCK);
	bells.workers[1] = eventfd(0, EFD_NONBLOCK);
	ask = (struct ask){.shm = &seg, .own = fixture_worker(&seg, 0), .bells = &bells};
	level = COMMAND_ADMIN;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(bells.checker);
	close(bells.master);
	close(bells.workers[0]);
	close(bells.workers[1]);
	buf_free(&out);
	shm_detach(&seg);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(servers_are_changed_by_the_checker),
	    T(the_master_is_asked),
	    T(wrong_arguments_get_haproxys_texts),
	    T(silence_is_told),
	    T(one_request_at_a_time),
	    T(all_workers_are_called),
	    T(sessions_are_shut_by_their_worker),
	    T(nothing_is_changed_without_the_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
