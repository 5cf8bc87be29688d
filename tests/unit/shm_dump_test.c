/* SPDX-License-Identifier: ISC */
/* shm: sums over workers, words of status, and the readable dump of a segment made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dump.h"
#include "shm/total.h"
#include "tests/lib/fixture.h"

static void
totals_add_workers_up(void **state)
{
	struct total_frontend fe;
	struct total_process p;
	struct total_target t;
	struct shm s;

	(void)state;
	fixture_make(&s);
	total_of_process(&s, FIXTURE_NOW, &p);
	assert_int_equal(p.held, 33);
	assert_int_equal(p.held_max, 31);
	assert_int_equal(p.cum_conn, 11000);
	total_of_frontend(&s, 0, FIXTURE_NOW, &fe);
	assert_int_equal(fe.cur, 33);
	assert_int_equal(fe.cur_max, 41);
	assert_int_equal(fe.sess, 121);
	/* half of the second before and all of this one: 2 + 4 / 2, times 11 */
	assert_int_equal(fe.rate, 44);
	assert_int_equal(fe.rate_max, 90);
	total_of_backend(&s, 0, FIXTURE_NOW, &t);
	assert_int_equal(t.waiting, 11);
	assert_int_equal(t.queue_max, 61);
	assert_int_equal(t.last_ns, 991ull * 1000000000);
	total_of_server(&s, 2, FIXTURE_NOW, &t);
	assert_int_equal(t.cur, 5);
	assert_int_equal(t.connect, 3333);
	shm_detach(&s);
}

/* What was counted for the slot's former owner is not shown for the new one. */
static void
totals_leave_other_epochs_out(void **state)
{
	struct total_target t;
	struct shm s;

	(void)state;
	fixture_make(&s);
	sw32_set(&shm_own_srv_dir(&s)[0].epoch, 2);
	sw32_set(&SHM_OWN(&s, fixture_worker(&s, 1), srv)[0].epoch, 2);
	total_of_server(&s, 0, FIXTURE_NOW, &t);
	assert_int_equal(t.sess, 1000);
	shm_detach(&s);
}

static void
rate_forgets_within_two_seconds(void **state)
{
	struct shm_rate r = {0};

	(void)state;
	sw64_set(&r.sec, 50);
	sw32_set(&r.cur, 10);
	sw32_set(&r.prev, 20);
	assert_int_equal(total_rate(&r, (struct mono){50000000000}), 30);
	assert_int_equal(total_rate(&r, (struct mono){50900000000}), 12);
	assert_int_equal(total_rate(&r, (struct mono){51500000000}), 5);
	assert_int_equal(total_rate(&r, (struct mono){52000000000}), 0);
}

static void
words_are_haproxys(void **state)
{
	static const struct {
		uint32_t oper, admin, checked, counter;
		const char *word;
	} cases[] = {
	    {SHM_OPER_RUNNING, 0, 1, 4, "UP"},
	    {SHM_OPER_RUNNING, 0, 1, 3, "UP 2/3"},
	    {SHM_OPER_RUNNING, 0, 1, 2, "UP 1/3"},
	    {SHM_OPER_STARTING, 0, 1, 4, "UP"},
	    {SHM_OPER_STOPPED, 0, 1, 0, "DOWN"},
	    {SHM_OPER_STOPPED, 0, 1, 1, "DOWN 1/2"},
	    {SHM_OPER_RUNNING, 0, 0, 0, "no check"},
	    {SHM_OPER_STOPPED, 0, 0, 0, "DOWN"},
	    {SHM_OPER_STOPPED, SHM_ADMIN_FMAINT, 1, 0, "MAINT"},
	    {SHM_OPER_STOPPED, SHM_ADMIN_CMAINT, 0, 0, "MAINT"},
	    {SHM_OPER_RUNNING, SHM_ADMIN_FDRAIN, 1, 4, "DRAIN"},
	    {SHM_OPER_RUNNING, SHM_ADMIN_IDRAIN, 0, 0, "DRAIN"},
	    {SHM_OPER_STOPPED, SHM_ADMIN_FDRAIN, 1, 0, "DOWN"},
	    {SHM_OPER_STOPPING, 0, 1, 4, "NOLB"},
	};
	char word[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(total_server_word(word, cases[i].oper, cases[i].admin,
					cases[i].checked != 0, cases[i].counter, 2, 3),
		    cases[i].word);
}

/* The dump has a line for each object, with the sums and the reason of the last probe. */
static void
dump_says_everything(void **state)
{
	static const char *const lines[] = {
	    " on ha1, statistics of 2023-11-14 22:13:20 +0000\n",
	    "master pid 100, up 0d 0h01m40s, generation 3, reloads 2 (1 failed)\n",
	    "sessions 33 of 2000 (most 31), accepted 11000,",
	    "\nworker 0       101 ready         0d 0h01m40s        0 -                   3",
	    "\nworker 1       102 ready         0d 0h01m30s        1 signal 9            3",
	    "\nchecker        103 ready ",
	    "\nvrrp             0 none                    -        0 -                   0\n",
	    "\nfe                       tcp          33        41         0          121      44 ",
	    "\nmon                      http ",
	    "\nbe                       UP 2/3          101        22        51         0      11 ",
	    "\n  s1                     UP 2/3           25 ",
	    "192.0.2.1:6443  L6TOUT in 2000 ms, 1 s ago: no \"hello\",.after 2 s\n",
	    "\n  s2                     DOWN 1/2 ",
	    "192.0.2.2:6443  L4OK in 4 ms, 1 s ago\n",
	    "\n  s3                     no check ",
	    "[2001:db8::3]:6443\n",
	    "\nweb                      DOWN 0/1 ",
	    "\n  w1                     MAINT ",
	};
	struct buf b = BUF_INIT;
	struct shm s;

	(void)state;
	setenv("TZ", "UTC", 1);
	fixture_make(&s);
	stats_dump_text_at(&s, FIXTURE_NOW, 1700000000ll * 1000000, &b);
	assert_false(b.failed);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strstr(b.data, lines[i]) == NULL)
			fail_msg("missing \"%s\" in\n%s", lines[i], b.data);
	buf_free(&b);
	shm_detach(&s);
}

/* The checker is killed while it writes a text: the rest is still told. */
static void
dump_bears_a_half_written_text(void **state)
{
	struct buf b = BUF_INIT;
	struct shm s;

	(void)state;
	fixture_make(&s);
	sw32_set(&fixture_health(&s, 0)->desc_seq, 7);
	stats_dump_text_at(&s, FIXTURE_NOW, 0, &b);
	assert_non_null(strstr(b.data, "192.0.2.1:6443  L6TOUT in 2000 ms, 1 s ago\n"));
	buf_free(&b);
	shm_detach(&s);
}

static struct shm_rate
rate(uint64_t sec, uint32_t cur, uint32_t prev, uint32_t max)
{
	struct shm_rate r = {0};

	sw64_set(&r.sec, sec);
	sw32_set(&r.cur, cur);
	sw32_set(&r.prev, prev);
	sw32_set(&r.max, max);
	return r;
}

static uint32_t
most(const struct shm_rate *r, size_t n)
{
	struct total_seconds t = {.n = 0, .max = 0};

	for (size_t i = 0; i < n; i++)
		total_seconds_add(&t, &r[i]);
	return total_seconds_max(&t);
}

/* Whatever second each worker is in, in whatever order. */
static void
the_largest_second(void **state)
{
	const struct shm_rate same[] = {rate(7, 3, 1, 0), rate(7, 4, 1, 0)};
	const struct shm_rate apart[] = {rate(7, 3, 9, 0), rate(8, 1, 2, 0), rate(6, 99, 0, 0)};
	const struct shm_rate back[] = {rate(8, 1, 2, 0), rate(7, 3, 9, 0)};
	const struct shm_rate gone[] = {rate(9, 1, 0, 5), rate(7, 4, 0, 0), rate(7, 4, 0, 3)};
	struct shm_rate many[40];

	(void)state;
	assert_int_equal(most(same, 2), 7);
	assert_int_equal(most(apart, 2), 9);
	assert_int_equal(most(apart, 3), 108); /* 9 + 99 in second 6 */
	assert_int_equal(most(back, 2), 9);
	assert_int_equal(most(gone, 3), 8); /* nobody has left second 7 since */
	assert_int_equal(most(gone, 2), 5);
	for (uint32_t i = 0; i < 40; i++)
		many[i] = rate(100 + i, i + 1, 0, 0);
	assert_int_equal(most(many, 40), 40);
	assert_int_equal(most(gone, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_largest_second),
	    cmocka_unit_test(totals_add_workers_up),
	    cmocka_unit_test(totals_leave_other_epochs_out),
	    cmocka_unit_test(rate_forgets_within_two_seconds),
	    cmocka_unit_test(words_are_haproxys),
	    cmocka_unit_test(dump_says_everything),
	    cmocka_unit_test(dump_bears_a_half_written_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
