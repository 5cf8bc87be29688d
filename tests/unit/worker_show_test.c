/* SPDX-License-Identifier: ISC */
/* worker: the answers of reading commands over a segment made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/proc.h"
#include "shm/event.h"
#include "shm/role.h"
#include "tests/lib/fixture.h"
#include "vrrp/decide.h"
#include "worker/command.h"

static struct shm seg;
static enum command_level level;
static const struct conf *conf;
static int human_fd = -1;

/* The whole answer to a command, read in pieces of at least limit bytes. */
static char *
ask_in_pieces(const char *text, size_t limit, unsigned *pieces)
{
	struct buf out = BUF_INIT, all = BUF_INIT;
	bool prompt = false, quit = false, more;
	int64_t timeout_ms = 0;
	char line[256];
	struct command_run run = {
	    .src = {.shm = &seg, .now = FIXTURE_NOW, .conf = conf},
	    .human_fd = human_fd,
	    .wall_us = 1700000100ll * 1000000,
	    .level = &level,
	    .prompt = &prompt,
	    .quit = &quit,
	    .timeout_ms = &timeout_ms,
	    .out = &out,
	    .limit = limit,
	};

	snprintf(line, sizeof(line), "%s", text);
	more = command_start(&run, line);
	for (*pieces = 1;; (*pieces)++) {
		buf_append(&all, out.data, out.len);
		buf_reset(&out);
		if (!more)
			break;
		more = run.more(&run);
	}
	command_end(&run);
	buf_free(&out);
	assert_false(all.failed);
	return all.data != NULL ? buf_take(&all, NULL) : strdup("");
}

static char *
ask(const char *text)
{
	unsigned pieces;

	return ask_in_pieces(text, 1 << 20, &pieces);
}

static void
expect(const char *command, const char *answer)
{
	char *got = ask(command);

	assert_string_equal(got, answer);
	free(got);
}

static void
expect_part(const char *command, const char *part)
{
	char *got = ask(command);

	if (strstr(got, part) == NULL)
		fail_msg("%s: missing \"%s\" in\n%s", command, part, got);
	free(got);
}

/* Field of a CSV table by the names of line and column, as tools read it. */
static const char *
field(const char *csv, const char *px, const char *sv, const char *column)
{
	static char out[256];
	char head[64];
	const char *p = strchr(csv, ' ') + 1, *line;
	int at = 0;

	for (; strncmp(p, column, strlen(column)) != 0 || p[strlen(column)] != ','; at++) {
		p = strchr(p, ',') + 1;
		assert_true(*p != '\n');
	}
	snprintf(head, sizeof(head), "\n%s,%s,", px, sv);
	line = strstr(csv, head);
	assert_non_null(line);
	for (p = line + 1; at > 0; at--) {
		if (*p == '"') /* quotes are doubled inside */
			for (p++; *p != '"' || p[1] == '"'; p++)
				p += *p == '"';
		p = strchr(p, ',') + 1;
	}
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(p, ","), p);
	return out;
}

#define FIELD(csv, px, sv, column, value) assert_string_equal(field(csv, px, sv, column), value)

static void
stat_is_a_table_by_name(void **state)
{
	char *csv = ask("show stat");

	(void)state;
	FIELD(csv, "fe", "FRONTEND", "scur", "33");
	FIELD(csv, "fe", "FRONTEND", "smax", "41");
	FIELD(csv, "fe", "FRONTEND", "slim", "2000");
	FIELD(csv, "fe", "FRONTEND", "status", "OPEN");
	FIELD(csv, "fe", "FRONTEND", "rate", "44");
	FIELD(csv, "fe", "FRONTEND", "dcon", "154");
	FIELD(csv, "fe", "FRONTEND", "conn_tot", "275");
	FIELD(csv, "fe", "FRONTEND", "hrsp_2xx", "");
	FIELD(csv, "mon", "FRONTEND", "mode", "http");
	FIELD(csv, "mon", "FRONTEND", "hrsp_2xx", "231");
	FIELD(csv, "mon", "FRONTEND", "hrsp_other", "275");
	FIELD(csv, "mon", "FRONTEND", "ereq", "176");
	FIELD(csv, "mon", "FRONTEND", "intercepted", "187");
	FIELD(csv, "be", "s1", "status", "UP 2/3");
	FIELD(csv, "be", "s1", "weight", "25");
	FIELD(csv, "be", "s1", "uweight", "100");
	FIELD(csv, "be", "s1", "throttle", "25");
	FIELD(csv, "be", "s1", "slim", "250");
	FIELD(csv, "be", "s1", "qlimit", "256");
	FIELD(csv, "be", "s1", "check_status", "L6TOUT");
	FIELD(csv, "be", "s1", "check_desc", "Layer6 timeout");
	assert_non_null(strstr(csv, ",-1,\"no \"\"hello\"\",.after 2 s\",,0,"));
	FIELD(csv, "be", "s1", "check_duration", "2000");
	FIELD(csv, "be", "s1", "lastchg", "20");
	FIELD(csv, "be", "s1", "downtime", "12");
	FIELD(csv, "be", "s1", "addr", "192.0.2.1:6443");
	FIELD(csv, "be", "s2", "status", "DOWN 1/2");
	FIELD(csv, "be", "s2", "downtime", "51");
	FIELD(csv, "be", "s3", "status", "no check");
	FIELD(csv, "be", "s3", "lastsess", "-1");
	FIELD(csv, "be", "s3", "chkfail", "");
	FIELD(csv, "be", "s3", "stot", "3300");
	FIELD(csv, "be", "BACKEND", "status", "UP");
	FIELD(csv, "be", "BACKEND", "act", "2");
	FIELD(csv, "be", "BACKEND", "qcur", "11");
	FIELD(csv, "be", "BACKEND", "qmax", "61");
	FIELD(csv, "be", "BACKEND", "qtime", "10");
	FIELD(csv, "be", "BACKEND", "qtime_max", "71");
	FIELD(csv, "be", "BACKEND", "ctime_max", "80");
	FIELD(csv, "be", "BACKEND", "ttime_max", "91");
	FIELD(csv, "be", "BACKEND", "ttime", "400");
	FIELD(csv, "be", "BACKEND", "lastsess", "9");
	FIELD(csv, "be", "BACKEND", "weight", "101");
	FIELD(csv, "web", "w1", "status", "MAINT");
	FIELD(csv, "web", "BACKEND", "status", "DOWN");
	FIELD(csv, "web", "BACKEND", "downtime", "40");
	FIELD(csv, "web", "BACKEND", "chkdown", "1");
	free(csv);
}

/* What tools that go by position rely on: every byte of two lines. */
static void
stat_is_exact(void **state)
{
	(void)state;
	expect_part("show stat 4 4 3",
	    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,"
	    "wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,"
	    "sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,"
	    "check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,"
	    "req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,"
	    "lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,"
	    "agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,"
	    "agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,"
	    "intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,"
	    "qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,"
	    "used_conn_cur,need_conn_est,uweight,\n"
	    "be,s3,0,0,5,5,,3300,33000,66000,,0,,0,0,0,0,no check,1,1,0,,,100,,,1,4,3,,3366,,2,0,,"
	    "0,,,,,,,,,,,,,,0,0,,,,,-1,,,0,0,0,0,,,,,,,,,,,,[2001:db8::3]:6443,,tcp,,,,,,,,0,3333,"
	    "0,,,0,,0,8,0,18,0,0,0,5,,1,\n");
	expect_part("show stat fe 1 -1",
	    "\nfe,FRONTEND,,,33,41,2000,121,132,143,0,0,0,,,,,OPEN,,,,,,,,,1,2,0,,,,0,44,0,90,,,,,"
	    ",,,,,,,,0,,,0,0,0,0,,,,,,,,,,,,,,,,,,,,,tcp,,44,90,275,,154,0,0,,,,,,,,,,,0,,,,,,\n");
}

static unsigned
lines(const char *command)
{
	char *got = ask(command);
	unsigned n = 0;

	for (const char *p = got; *p != '\0'; p++)
		n += *p == '\n';
	free(got);
	return n;
}

static void
stat_filters(void **state)
{
	(void)state;
	assert_int_equal(lines("show stat"), 1 + 8);
	assert_int_equal(lines("show stat -1 1 -1"), 1 + 2);
	assert_int_equal(lines("show stat -1 2 -1"), 1 + 2);
	assert_int_equal(lines("show stat -1 4 -1"), 1 + 4);
	assert_int_equal(lines("show stat -1 -1 -1"), 1 + 8);
	assert_int_equal(lines("show stat be -1 -1"), 1 + 4);
	assert_int_equal(lines("show stat 4 4 2"), 1 + 1);
	assert_int_equal(lines("show stat up"), 1 + 5);
	assert_int_equal(lines("show stat no-maint"), 1 + 7);
	assert_int_equal(lines("show stat 5 7 -1 no-maint up"), 1);
	expect("show stat nope 1 1", "No such proxy.\n");
	expect("show stat a b c", "No such proxy.\n"); /* not all there is */
	expect_part("show stat typed up no-maint", "pxname");
}

/* Pieces put together are the same as the whole, and none is much larger than asked for. */
static void
large_tables_come_in_pieces(void **state)
{
	char *whole, *pieces, name[32], addr[32];
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		snprintf(addr, sizeof(addr), "192.0.2.%u:80", i % 250);
		fixture_server(&seg, 1, name, 1000 - i, addr);
	}
	whole = ask("show stat");
	pieces = ask_in_pieces("show stat", 2000, &n);
	assert_string_equal(whole, pieces);
	assert_in_range(n, 50, 200);
	/* by number, not by slot */
	assert_true(strstr(whole, "\nweb,n999,") < strstr(whole, "\nweb,n998,"));
	assert_true(strstr(whole, "\nweb,n0,") < strstr(whole, "\nweb,BACKEND,"));
	free(whole);
	free(pieces);
}

static void
a_slot_that_is_given_up_is_left_out(void **state)
{
	char *csv;

	(void)state;
	sw32_set(&shm_own_srv_dir(&seg)[1].state, SHM_DIR_LEAVING);
	sw32_set(&shm_own_fe_dir(&seg)[0].state, SHM_DIR_FREE);
	csv = ask("show stat");
	assert_null(strstr(csv, "\nfe,"));
	assert_null(strstr(csv, "\nbe,s2,"));
	assert_non_null(strstr(csv, "\nbe,s3,"));
	free(csv);
}

static void
typed_and_json_say_what_they_mean(void **state)
{
	(void)state;
	expect_part("show stat be 4 1 typed", "S.4.1.17.status.1:SGP:str:UP 2/3\n"
					      "S.4.1.18.weight.1:MaP:u32:25\n");
	expect_part("show stat be 4 3 typed", "S.4.3.55.lastsess.1:MAP:s32:-1\n");
	expect_part("show stat fe 1 -1 json",
	    "[[{\"objType\":\"Frontend\",\"proxyId\":2,\"id\":0,\"field\":{\"pos\":0,\"name\":"
	    "\"pxname\"},\"processNum\":1,\"tags\":{\"origin\":\"Key\",\"nature\":\"Name\","
	    "\"scope\":\"Service\"},\"value\":{\"type\":\"str\",\"value\":\"fe\"}},{");
	expect_part("show stat json", "}}],[{");
	expect("show stat 99 1 -1 json", "[]\n");
	expect_part("show info typed", "\n14.CurrConns.1:MGP:u32:33\n");
	expect_part("show info json", "\"name\":\"CurrConns\"}");
}

static void
info_has_haproxys_names(void **state)
{
	static const char *const wanted[] = {"Name: vipd\n", "\nVersion: 2.6.0-vipd-",
	    "\nVipd_version: ", "\nNbproc: 2\n", "\nProcess_num: 1\n", "\nPid: 100\n",
	    "\nUptime: 0d 0h01m40s\n", "\nUptime_sec: 100\n", "\nMaxconn: 2000\n",
	    "\nCurrConns: 33\n", "\nCumConns: 11000\n", "\nCumReq: 55\n", "\nTasks: 35\n",
	    "\nRun_queue: 0\n", "\nnode: ha1\n", "\nStopping: 0\n", "\nTotalBytesOut: 77000\n",
	    "\nWorkers_live: 2\n", "\nRespawns: 1\n", "\nGeneration: 3\n", "\nReloads_failed: 1\n"};
	char *got = ask("show info");

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr(got, wanted[i]) == NULL)
			fail_msg("missing %s in\n%s", wanted[i], got);
	free(got);
}

static void
servers_state_is_version_1(void **state)
{
	(void)state;
	expect("show servers state",
	    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
	    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result "
	    "srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "
	    "srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
	    "srv_agent_port\n"
	    "4 be 1 s1 192.0.2.1 2 0 100 1 20 10 2 3 6 0 0 0 - 6443 - 0 0 - - 0\n"
	    "4 be 2 s2 192.0.2.2 0 0 1 1 50 6 3 1 6 0 0 0 - 6443 - 0 0 - - 0\n"
	    "4 be 3 s3 2001:db8::3 2 0 1 1 100 1 0 0 0 0 0 0 - 6443 - 0 0 - - 0\n"
	    "5 web 1 w1 192.0.2.9 0 1 1 1 100 1 0 0 8 0 0 0 - 80 - 0 0 - - 0\n");
	assert_int_equal(lines("show servers state web"), 3);
	expect("show servers state nope", "Can't find backend.\n");
}

static void
proc_lists_processes(void **state)
{
	(void)state;
	expect_part("show proc", "#<PID>          <type> ");
	expect_part("show proc", "\n100             master          2               0d 0h01m40s ");
	expect_part("show proc", "\n102             worker 1        1               0d 0h01m30s ");
	expect_part("show proc", " signal 9 ");
	expect("show proc csv", "# pid,type,respawns,uptime,state,last,generation\n"
				"100,master,2,100,ready,-,3\n101,worker 0,0,100,ready,-,3\n"
				"102,worker 1,1,90,ready,signal 9,3\n103,checker,0,100,ready,-,3\n"
				"0,vrrp,0,-1,none,-,0\n");
	sw64_set(&seg.own_master->absent[0], 2);
	expect_part("show proc", " silent ");
}

/* ---- sessions ---------------------------------------------------------------------------------
 */

static struct shm_session *
add_session(unsigned w, uint64_t id, uint32_t srv)
{
	struct shm_worker *own = fixture_worker(&seg, w);
	struct shm_session *r = &SHM_OWN(&seg, own, sessions)[sw32_get(&own->n_sessions)];

	sw32_add(&own->n_sessions, 1);
	r->id = id;
	r->accept_ns = 995ll * 1000000000;
	r->accept_wall_us = 1700000095ll * 1000000 + 123;
	sw32_set(&r->fe, 0);
	sw32_set(&r->be, srv == SHM_NONE ? SHM_NONE : 0);
	sw32_set(&r->srv, srv);
	sw64_set(&r->active_ns, 999ull * 1000000000);
	sw64_set(&r->assigned_ns, srv == SHM_NONE ? 0 : 995ull * 1000000000 + 2000000);
	sw64_set(&r->bytes_in, 10);
	sw64_set(&r->bytes_out, 20);
	r->client =
	    (struct shm_end){.family = AF_INET, .port = 4000, .addr = {203, 0, 113, (uint8_t)id}};
	r->local = (struct shm_end){.family = AF_INET, .port = 6443, .addr = {198, 51, 100, 1}};
	sw32_set(&r->seq, 2);
	sw32_set(&r->phase, SHM_PH_DATA);
	return r;
}

static void
sess_shows_all_workers(void **state)
{
	(void)state;
	add_session(0, 7, 2);
	add_session(1, 8, SHM_NONE);
	expect("show sess",
	    "0x000000000007: proto=tcpv4 src=203.0.113.7:4000 dst=198.51.100.1:6443 fe=fe be=be "
	    "srv=s3 ts=data age=5s idle=1s in=10 out=20 rc=0 worker=0\n"
	    "0x000000000008: proto=tcpv4 src=203.0.113.8:4000 dst=198.51.100.1:6443 fe=fe "
	    "be=<NONE> srv=<none> ts=data age=5s idle=1s in=10 out=20 rc=0 worker=1\n");
	assert_int_equal(lines("show sess server be/s3"), 1);
	assert_int_equal(lines("show sess server be/s1"), 0);
	expect("show sess server be/s9", "No such server.\n");
	expect("show sess server nope/s9", "No such backend.\n");
	expect("show sess server s9", "Require 'backend/server'.\n");
	expect_part("show sess 0x7", "0x000000000007: [14/Nov/2023:22:14:55.000123] id=7 ");
	expect_part("show sess 7", "assigned=2ms connected=- age=5s");
	assert_int_equal(lines("show sess all"), 16);
	expect("show sess 99", "Session not found.\n");
	expect("show sess 0xzz", "Session not found.\n");
}

/* A record that its worker is writing, or one that is free, is not shown. */
static void
sess_leaves_unfinished_records_out(void **state)
{
	(void)state;
	sw32_set(&add_session(0, 7, 0)->seq, 3);
	sw32_set(&add_session(0, 8, 0)->phase, SHM_PH_FREE);
	add_session(0, 9, 0);
	assert_int_equal(lines("show sess"), 1);
}

/* ---- this host --------------------------------------------------------------------------------
 */

static void
vrrp_shows_roles_and_reasons(void **state)
{
	struct shm_vrrp *v = SHM_AT(seg.vrrp, 0, struct shm_vrrp);
	struct shm_router *r = &v->routers[1];

	(void)state;
	for (unsigned i = 0; i <= DECIDE_ROLE_COUNT; i++)
		assert_string_equal(shm_role_text(i),
		    i < DECIDE_ROLE_COUNT ? decide_role_text((enum decide_role)i) : "?");
	sw32_set(&v->n_routers, 2);
	sw32_set(&r->used, 1);
	sw32_set(&r->vrid, 51);
	sw32_set(&r->role, SHM_ROLE_MASTER);
	sw32_set(&r->priority, 196);
	sw32_set(&r->band, 2);
	sw64_set(&r->since_ns, 940ull * 1000000000);
	sw64_set(&r->sent, 10);
	sw64_set(&r->received, 20);
	sw64_set(&r->became_master, 3);
	snprintf(r->name, sizeof(r->name), "VI_1");
	snprintf(r->reason, sizeof(r->reason), "peer silent, 3 missed");
	expect("show vrrp",
	    "# instance,vrid,role,priority,band,since,sent,received,became_master,reason\n"
	    "VI_1,51,MASTER,196,2,60,10,20,3,\"peer silent, 3 missed\"\n");
}

static void
events_are_numbered(void **state)
{
	(void)state;
	expect("show events", "");
	for (unsigned i = 1; i <= 100; i++)
		event_add(&seg, EVENT_SERVER, i, "server be/s%u is DOWN", i);
	assert_int_equal(lines("show events"), 50);
	assert_int_equal(lines("show events 3"), 3);
	assert_int_equal(lines("show events 1000"), 100);
	assert_int_equal(lines("show events since 90"), 10);
	assert_int_equal(lines("show events since 100"), 0);
	/* As a follower asks who knew the vipd before. */
	assert_int_equal(lines("show events since 101"), 100);
	expect_part("show events 1", " master server server be/s100 is DOWN\n");
	expect("show events x", "usage: show events [<count> | since <number>]\n");
	expect("show events since", "usage: show events [<count> | since <number>]\n");
}

/* ---- language ---------------------------------------------------------------------------------
 */

static void
unknown_commands_get_help(void **state)
{
	(void)state;
	expect_part("show nonsense",
	    "Unknown command, but maybe one of the following ones is a better match:\n  show "
	    "activity");
	expect_part("frobnicate", "Unknown command. Please enter one of the following commands "
				  "only:\n");
	expect_part("show servers nonsense", "is a better match:\n  show servers conn [<backend>]");
	expect_part("show servers nonsense",
	    "for machines\n  help [<command>]                              : this list, or the "
	    "commands that begin so\n  prompt ");
	expect_part("help", "The following commands are valid at this level:\n");
	expect_part("help show servers", "\n  show servers state [<backend>]");
	expect("", "");
	expect("   ", "");
}

static void
rights_are_asked(void **state)
{
	char *help;

	(void)state;
	level = COMMAND_USER;
	expect("show sess", "Permission denied: 'show sess' needs level operator, this connection "
			    "has user.\n");
	help = ask("help");
	assert_null(strstr(help, "show sess"));
	assert_non_null(strstr(help, "show stat"));
	free(help);
	level = COMMAND_ADMIN;
	expect("show cli level", "admin\n");
	expect("operator", "");
	expect("show cli level", "operator\n");
	expect("user", "");
	expect("operator", "");
	expect("show cli level", "user\n");
}

static void
long_lines_are_refused(void **state)
{
	char line[256];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(line); i++)
		line[i] = i % 2 == 0 ? 'a' : ' ';
	line[sizeof(line) - 1] = '\0';
	expect(line, "Too many words.\n");
}

/* In one piece it would keep the sessions of its worker waiting for milliseconds. */
static void
a_large_configuration_comes_in_pieces(void **state)
{
	static const char line[] = "    s1 = \"192.0.2.1:80\";\n\n";
	size_t n = 20000;
	struct buf text = BUF_INIT;
	unsigned pieces;
	char *got;

	(void)state;
	for (size_t i = 0; i < n; i++)
		buf_puts(&text, line);
	human_fd = proc_memfd("human", text.data, text.len);
	assert_int_not_equal(human_fd, -1);
	conf = (const void *)&seg; /* only that there is one */
	got = ask_in_pieces("show config", 16384, &pieces);
	assert_int_equal(strlen(got), n * (sizeof(line) - 2));
	assert_null(strstr(got, "\n\n"));
	assert_in_range(pieces, n * (sizeof(line) - 2) / 16384, n);
	free(got);
	close(human_fd);
	human_fd = -1;
	conf = NULL;
	buf_free(&text);
}

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	fixture_make(&seg);
	level = COMMAND_OPERATOR;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	shm_detach(&seg);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(stat_is_a_table_by_name),
	    T(stat_is_exact),
	    T(stat_filters),
	    T(large_tables_come_in_pieces),
	    T(a_slot_that_is_given_up_is_left_out),
	    T(typed_and_json_say_what_they_mean),
	    T(info_has_haproxys_names),
	    T(servers_state_is_version_1),
	    T(proc_lists_processes),
	    T(sess_shows_all_workers),
	    T(sess_leaves_unfinished_records_out),
	    T(vrrp_shows_roles_and_reasons),
	    T(events_are_numbered),
	    T(unknown_commands_get_help),
	    T(rights_are_asked),
	    T(long_lines_are_refused),
	    T(a_large_configuration_comes_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
