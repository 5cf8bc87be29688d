/* SPDX-License-Identifier: ISC */
/* ctl: reading tables, the status screen, what failures mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/status.h"

#define STAT_HEAD                                                                        \
	"# pxname,svname,type,status,scur,slim,rate,stot,qcur,econ,weight,lastchg,addr," \
	"check_status,last_chk,\n"

static void
has(const struct buf *b, const char *part)
{
	if (strstr(buf_text(b), part) == NULL)
		fail_msg("missing \"%s\" in\n%s", part, buf_text(b));
}

static void
tables_are_read_by_name(void **state)
{
	struct table t;

	(void)state;
	assert_int_equal(
	    table_parse(&t, "# a,b,c,\n1,\"x, \"\"y\"\"\",3,\n4,\n\"\",6,-7,8,9\n\nrest\n"), 0);
	assert_int_equal(t.n_cols, 3);
	assert_int_equal(t.n_rows, 3);
	assert_string_equal(table_get(&t, 0, "b"), "x, \"y\"");
	assert_int_equal(table_number(&t, 0, "c"), 3);
	assert_string_equal(table_get(&t, 1, "a"), "4");
	assert_string_equal(table_get(&t, 1, "c"), "");
	assert_string_equal(table_get(&t, 2, "a"), "");
	assert_int_equal(table_number(&t, 2, "c"), -7);
	assert_string_equal(table_get(&t, 2, "nope"), "");
	table_free(&t);
	assert_int_equal(table_parse(&t, "Unknown command\n"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_parse(&t, ""), -1);
	/* one without rows, ones that break off */
	assert_int_equal(table_parse(&t, "# a,b\n"), 0);
	assert_int_equal(t.n_rows, 0);
	table_free(&t);
	assert_int_equal(table_parse(&t, "# a,b\n1,\"x"), 0);
	assert_string_equal(table_get(&t, 0, "b"), "x");
	table_free(&t);
	assert_int_equal(table_parse(&t, "# "), -1);
	assert_int_equal(table_parse(&t, "# \n"), -1);
}

static void
tables_become_json(void **state)
{
	struct buf b = BUF_INIT;
	struct table t;
	struct json j;

	(void)state;
	assert_int_equal(table_parse(&t, "# a,b,c\n1,x\"y,007\n-5,,99999999999999999999\n"), 0);
	json_init(&j, &b, false);
	table_json(&t, &j);
	assert_int_equal(json_finish(&j), 0);
	assert_string_equal(b.data, "[{\"a\":1,\"b\":\"x\\\"y\",\"c\":\"007\"},"
				    "{\"a\":-5,\"c\":\"99999999999999999999\"}]");
	buf_free(&b);
	table_free(&t);
}

static void
grids_are_aligned(void **state)
{
	static const char *const heads[] = {"name", ">n", "why"};
	struct buf b = BUF_INIT;
	struct grid g;

	(void)state;
	grid_init(&g, heads, 3);
	for (int i = 0; i < 2; i++) {
		grid_add(&g, "%s", i == 0 ? "a" : "longer");
		grid_add(&g, "%d", i == 0 ? 7 : 1000);
		grid_add(&g, "%s", i == 0 ? "x" : "");
	}
	grid_write(&g, "  ", &b);
	assert_string_equal(b.data, "  name       n  why\n"
				    "  a          7  x\n"
				    "  longer  1000\n");
	grid_free(&g);
	buf_free(&b);
}

static const char info[] = "Name: vipd\nVipd_version: 1.2\nUptime: 0d 1h00m00s\nCurrConns: 5\n"
			   "Maxconn: 2000\nConnRate: 3\nCumConns: 77\nnode: ha1\nStopping: 0\n"
			   "Maintenance: 0\nWorkers_live: 2\nGeneration: 4\n";
static const char good_proc[] = "# pid,type,respawns,uptime,state,last,generation\n"
				"1,master,0,9,ready,-,4\n2,worker 0,3,9,ready,signal 9,4\n"
				"0,vrrp,0,-1,none,-,0\n";
static const char good_stat[] = STAT_HEAD "fe,FRONTEND,0,OPEN,5,2000,3,77,,,,,,,,\n"
					  "be,s1,2,UP,2,250,1,30,0,0,100,60,192.0.2.1:80,L4OK,,\n"
					  "be,s2,2,no check,3,,2,47,0,0,1,60,192.0.2.2:80,,,\n"
					  "be,BACKEND,1,UP,5,,3,77,0,0,101,60,,,,\n";
static const char bad_stat[] =
    STAT_HEAD "fe,FRONTEND,0,FULL,2000,2000,3,77,,,,,,,,\n"
	      "be,s1,2,DOWN,0,250,0,30,0,4,100,300,192.0.2.1:80,L4CON,Connection refused,\n"
	      "be,s2,2,UP 1/3,0,250,0,30,0,4,100,10,192.0.2.2:80,L4TOUT,,\n"
	      "be,s3,2,MAINT,0,250,0,30,0,4,100,7300,192.0.2.3:80,,,\n"
	      "be,BACKEND,1,DOWN,0,,0,77,12,0,0,200,,,,\n";

static void
load(struct status *s, const char *info_text, const char *proc, const char *stat, const char *vrrp)
{
	s->info = info_text;
	assert_int_equal(table_parse(&s->proc, proc), 0);
	assert_int_equal(table_parse(&s->stat, stat), 0);
	assert_int_equal(table_parse(&s->vrrp, vrrp), 0);
}

static void
unload(struct status *s)
{
	table_free(&s->proc);
	table_free(&s->stat);
	table_free(&s->vrrp);
}

static void
status_is_calm_when_all_is_well(void **state)
{
	struct buf b = BUF_INIT;
	struct status s;

	(void)state;
	load(&s, info, good_proc, good_stat, "# instance,vrid\n");
	assert_int_equal(status_attention(&s, &b), 0);
	status_write(&s, &b);
	has(&b, "vipd 1.2 on ha1, up 0d 1h00m00s, 2 workers, configuration 4\n"
		"sessions 5 of 2000, 3 a second, 77 accepted\n"
		"\nNothing needs attention.\n");
	has(&b, "\nFrontends\n");
	has(&b, "\n  be/s1  UP ");
	has(&b, "\n  be     UP ");
	assert_null(strstr(b.data, "Addresses"));
	buf_free(&b);
	unload(&s);
}

static void
status_says_what_needs_attention(void **state)
{
	struct buf b = BUF_INIT;
	struct status s;

	(void)state;
	load(&s, "Stopping: 1\nMaintenance: 1\nReload_refused: 1\n",
	    "# pid,type,respawns,uptime,state,last,generation\n0,worker 1,5,-1,backoff,signal "
	    "11,4\n"
	    "9,worker 0,0,5,silent,-,4\n",
	    bad_stat,
	    "# instance,vrid,role,priority,band,since,sent,received,became_master,reason\n"
	    "VI_1,51,FAULT,0,0,60,1,2,3,the interface does not exist\n"
	    "VI_2,52,MASTER,196,0,60,1,2,3,peer silent\n");
	assert_int_equal(status_attention(&s, &b), 12);
	assert_string_equal(b.data,
	    "vipd is stopping\nthis node is in maintenance\n"
	    "the last reload was refused: the file is not what is in force (vipctl events says "
	    "why)\n"
	    "process worker 1 is backoff, its predecessor ended with signal 11\n"
	    "process worker 0 is silent\n"
	    "address of VI_1: this node is in FAULT: the interface does not exist\n"
	    "frontend fe has reached its limit of 2000 sessions\n"
	    "server be/s1 192.0.2.1:80 is DOWN for 5 min: L4CON Connection refused\n"
	    "server be/s2 192.0.2.2:80 is UP 1/3 for 10 s: L4TOUT\n"
	    "server be/s3 192.0.2.3:80 is MAINT for 2 h 1 min\n"
	    "backend be has no usable server for 3 min\n"
	    "backend be: 12 sessions wait for a place\n");
	buf_reset(&b);
	status_write(&s, &b);
	has(&b, "\nNeeds attention\n  vipd is stopping\n");
	has(&b, "\n  VI_2        52  MASTER  60 s        196  peer silent\n");
	buf_reset(&b);
	status_write_json(&s, &b);
	has(&b, "\"attention\": [\n\t\t\"vipd is stopping\",");
	has(&b, "\"role\": \"FAULT\"");
	buf_free(&b);
	unload(&s);
}

static void
stopped_frontends_need_attention(void **state)
{
	static const char stat[] = STAT_HEAD "fe,FRONTEND,0,STOP,0,2000,0,77,,,,,,,,\n";
	struct buf b = BUF_INIT;
	struct status s;

	(void)state;
	load(&s, "Stopping: 0\nMaintenance: 0\n", good_proc, stat, "# instance,role\n");
	assert_int_equal(status_attention(&s, &b), 1);
	assert_string_equal(b.data, "frontend fe is stopped by a command\n");
	unload(&s);
	/* At its end vipd takes no clients anyway. */
	buf_reset(&b);
	load(&s, "Stopping: 1\nMaintenance: 0\n", good_proc, stat, "# instance,role\n");
	assert_int_equal(status_attention(&s, &b), 1);
	assert_string_equal(b.data, "vipd is stopping\n");
	unload(&s);
	buf_free(&b);
}

static void
failures_say_what_to_do(void **state)
{
	static const struct {
		int err;
		const char *part;
	} cases[] = {
	    {ENOENT, "vipd does not run"},
	    {ECONNREFUSED, "nobody listens"},
	    {EACCES, "run vipctl as root"},
	    {ETIMEDOUT, "kill -USR1"},
	    {EPROTO, "breaks off"},
	    {ENAMETOOLONG, "too long"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_explain("/x/y.sock", cases[i].err, text, sizeof(text));
		assert_non_null(strstr(text, cases[i].part));
		assert_non_null(strstr(text, "/x/y.sock"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_are_read_by_name),
	    cmocka_unit_test(tables_become_json),
	    cmocka_unit_test(grids_are_aligned),
	    cmocka_unit_test(status_is_calm_when_all_is_well),
	    cmocka_unit_test(status_says_what_needs_attention),
	    cmocka_unit_test(stopped_frontends_need_attention),
	    cmocka_unit_test(failures_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
