/* SPDX-License-Identifier: ISC */
/* worker: what monitoring frontends answer, over a segment made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fixture.h"
#include "worker/metrics.h"
#include "worker/monitor.h"
#include "worker/page.h"

static struct shm seg;
static struct conf_backend backends[] = {{.name = "be"}, {.name = "web"}};
static struct conf conf = {.backends = backends, .n_backends = 2};
static struct conf_frontend fe;
static unsigned status;
static const char *type;

/* The body of the answer to a request, its pieces put together. */
static char *
get(const char *method, const char *target)
{
	struct http1 head;
	struct http_request rq;
	struct http_reply rp = {.status = 200, .content_type = "text/plain"};
	struct buf all = BUF_INIT;
	char text[256];
	bool more = true;

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, target);
	http1_init(&head, false);
	assert_int_equal(http1_parse(&head, text, strlen(text)), HTTP1_OK);
	rq = (struct http_request){.data = text, .head = &head, .target = target, .path = target};
	rq.get = method[0] == 'G' || method[0] == 'H';
	monitor_answer(&seg, &conf, &fe, &rq, &rp);
	status = (unsigned)rp.status;
	type = rp.content_type;
	buf_append(&all, rp.body.data, rp.body.len);
	while (rp.more != NULL && more) {
		struct buf piece = BUF_INIT;

		more = rp.more(rp.stream, &piece, 1000);
		assert_false(piece.failed);
		assert_in_range(piece.len, 0, 20000);
		buf_append(&all, piece.data, piece.len);
		buf_free(&piece);
	}
	if (rp.more != NULL)
		rp.end(rp.stream);
	buf_free(&rp.body);
	return all.data != NULL ? buf_take(&all, NULL) : strdup("");
}

static void
expect(const char *target, unsigned want, const char *body)
{
	char *got = get("GET", target);

	assert_int_equal(status, want);
	if (body != NULL)
		assert_string_equal(got, body);
	free(got);
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("missing \"%s\" in\n%s", part, text);
}

static void
targets_are_compared_exactly(void **state)
{
	static const struct {
		const char *target;
		enum monitor_what what;
	} cases[] = {
	    {"/monitor", MONITOR_HEALTH},
	    {"/monitor?x=1", MONITOR_HEALTH},
	    {"/monitor;csv", MONITOR_OTHER},
	    {"/alive", MONITOR_ALIVE},
	    {"/alive;x", MONITOR_OTHER},
	    {"/master", MONITOR_MASTER},
	    {"/master;VI_1", MONITOR_MASTER},
	    {"/masters", MONITOR_OTHER},
	    {"/status.json", MONITOR_STATUS},
	    {"/status", MONITOR_OTHER},
	    {"/monitor/", MONITOR_OTHER},
	    {"/monitors", MONITOR_OTHER},
	    {"/Monitor", MONITOR_OTHER},
	    {"/", MONITOR_OTHER},
	    {"*", MONITOR_OTHER},
	    {"/stats", MONITOR_PAGE},
	    {"/stats?x", MONITOR_PAGE},
	    {"/stats;csv", MONITOR_CSV},
	    {"/stats;csv;norefresh", MONITOR_CSV},
	    {"/stats;json", MONITOR_JSON},
	    {"/stats;csvx", MONITOR_PAGE},
	    {"/metrics", MONITOR_METRICS},
	    {"/metrics?", MONITOR_METRICS},
	    {"/metric", MONITOR_OTHER},
	};
	struct conf_frontend whole = {.monitor_uri = "http://h/alive"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    monitor_classify(&fe, cases[i].target, cases[i].target), cases[i].what);
	assert_int_equal(monitor_classify(&whole, "http://h/alive", "/alive"), MONITOR_HEALTH);
	assert_int_equal(monitor_classify(&whole, "/alive", "/alive"), MONITOR_OTHER);
}

static void
health_follows_backends(void **state)
{
	uint32_t one = 1;

	(void)state;
	/* "web" has none, but "be" has */
	expect("/monitor", 200, "ok\n");
	fe.n_monitor_fail = 1;
	fe.monitor_fail = &one;
	expect("/monitor", 503, "backend web has no usable server\n");
	sw32_set(&fixture_sched(&seg, 1)->usable, 1);
	expect("/monitor", 200, "ok\n");
	fe.n_monitor_fail = 0;
	sw32_set(&fixture_sched(&seg, 0)->usable, 0);
	expect("/monitor", 200, "ok\n");
	sw32_set(&fixture_sched(&seg, 1)->usable, 0);
	expect("/monitor", 503, "no backend has a usable server\n");
	sw32_set(&fixture_sched(&seg, 1)->usable, 1);
	/* what was published for the slot's former owner says nothing */
	sw32_set(&fixture_sched(&seg, 1)->epoch, 7);
	expect("/monitor", 503, "no backend has a usable server\n");
	sw32_set(&fixture_sched(&seg, 0)->usable, 1);
	sw32_set(&seg.own_master->maintenance, 1);
	expect("/monitor", 503, "in maintenance\n");
	sw32_set(&seg.own_master->stopping, 1);
	expect("/monitor", 503, "stopping\n");
	sw32_set(&seg.own_master->stopping, 0);
	sw32_set(&seg.own_master->maintenance, 0);
	conf.n_backends = 0;
	expect("/monitor", 200, "ok\n");
	conf.n_backends = 2;
}

static void
methods_and_other_paths(void **state)
{
	(void)state;
	expect("/other", 503, "no server handles this request\n");
	free(get("POST", "/monitor"));
	assert_int_equal(status, 200);
	free(get("POST", "/stats"));
	assert_int_equal(status, 405);
	free(get("DELETE", "/metrics"));
	assert_int_equal(status, 405);
	free(get("HEAD", "/stats"));
	assert_int_equal(status, 200);
}

static void
tables_are_those_of_the_control_socket(void **state)
{
	char *got = get("GET", "/stats;csv");

	(void)state;
	assert_int_equal(strncmp(got, "# pxname,svname,qcur,", 21), 0);
	has(got, "\nbe,s1,0,0,1,1,250,");
	has(got, "\nweb,BACKEND,");
	free(got);
	got = get("GET", "/stats;json");
	assert_string_equal(type, "application/json");
	assert_int_equal(strncmp(got, "[[{", 3), 0);
	assert_string_equal(got + strlen(got) - 4, "}]]\n");
	free(got);
}

static void
page_is_escaped(void **state)
{
	char *got;

	(void)state;
	snprintf(fixture_health(&seg, 0)->desc, 96, "<script>alert(\"1\")</script>&'");
	snprintf(shm_own_srv_dir(&seg)[1].name, SHM_NAME, "<b>s2");
	got = get("GET", "/stats");
	assert_string_equal(type, "text/html; charset=utf-8");
	has(got, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
	has(got, "<td>&lt;b&gt;s2 <small>192.0.2.2:6443</small></td>");
	assert_null(strstr(got, "<script"));
	assert_null(strstr(got, "<b>s2"));
	has(got, "<h1>vipd on ha1</h1>");
	has(got, "<h2>backend web</h2>");
	has(got, "class=\"maint\"");
	has(got, "</body></html>\n");
	free(got);
}

/* Families stand together, each with one HELP and TYPE; counters are named _total. */
static void
check_format(char *text)
{
	static char seen[512][96];
	size_t n = 0;
	char name[96] = "", kind[16] = "";

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char sample[96];

		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(line, "# HELP %95s", name), 1);
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(seen[i], name);
			assert_in_range(n, 0, 511);
			snprintf(seen[n++], sizeof(seen[0]), "%s", name);
			continue;
		}
		if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(sscanf(line, "# TYPE %95s %15s", sample, kind), 2);
			assert_string_equal(sample, name);
			assert_int_equal(strcmp(kind, "counter") == 0,
			    strcmp(name + strlen(name) - 6, "_total") == 0);
			continue;
		}
		assert_int_equal(sscanf(line, "%95[a-z0-9_]", sample), 1);
		assert_string_equal(sample, name);
	}
	assert_in_range(n, 60, 120);
}

static void
metrics_have_all_families(void **state)
{
	char *got = get("GET", "/metrics");

	(void)state;
	assert_string_equal(type, "text/plain; version=0.0.4; charset=utf-8");
	has(got, "vipd_process_build_info{version=\"" VIPD_VERSION "\"} 1\n");
	has(got, "vipd_process_current_connections 33\n");
	has(got, "vipd_process_respawns_total{process=\"worker\",worker=\"1\"} 1\n");
	has(got, "vipd_frontend_current_sessions{proxy=\"fe\"} 33\n");
	has(got, "vipd_frontend_status{proxy=\"fe\",state=\"OPEN\"} 1\n");
	has(got, "vipd_frontend_http_responses_total{proxy=\"mon\",code=\"2xx\"} 231\n");
	has(got, "vipd_backend_active_servers{proxy=\"be\"} 2\n");
	has(got, "vipd_backend_status{proxy=\"web\",state=\"DOWN\"} 1\n");
	has(got, "vipd_backend_queue_time_average_seconds{proxy=\"be\"} 0.01\n");
	has(got, "vipd_server_status{proxy=\"be\",server=\"s1\",state=\"UP\"} 1\n");
	has(got, "vipd_server_status{proxy=\"be\",server=\"s2\",state=\"DOWN\"} 1\n");
	has(got, "vipd_server_status{proxy=\"be\",server=\"s3\",state=\"UP\"} 1\n");
	has(got, "vipd_server_status{proxy=\"web\",server=\"w1\",state=\"MAINT\"} 1\n");
	has(got, "vipd_server_check_duration_seconds{proxy=\"be\",server=\"s1\"} 2\n");
	has(got, "vipd_server_check_status{proxy=\"be\",server=\"s2\",state=\"L4OK\"} 1\n");
	has(got, "vipd_server_current_throttle{proxy=\"be\",server=\"s1\"} 25\n");
	has(got, "vipd_server_sessions_total{proxy=\"be\",server=\"s3\"} 3300\n");
	assert_null(strstr(got, "vipd_frontend_http_responses_total{proxy=\"fe\""));
	assert_null(strstr(got, "vipd_server_current_throttle{proxy=\"be\",server=\"s2\"}"));
	check_format(got);
	free(got);
}

static void
metrics_of_many_servers(void **state)
{
	char *got, name[32];
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fixture_server(&seg, 1, name, 2 + i, "192.0.2.20:80");
	}
	got = get("GET", "/metrics");
	for (char *p = got; (p = strstr(p, "vipd_server_sessions_total{")) != NULL; p++)
		n++;
	assert_int_equal(n, 1004);
	check_format(got);
	free(got);
}

/* Scrapes hold memory, so there is a bound; it is given back, also by those that broke off. */
static void
scrapes_are_bounded(void **state)
{
	struct http_reply rp[8];
	unsigned ok = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 8; i++) {
			rp[i] = (struct http_reply){.status = 200};
			metrics_answer(&seg, &conf, &rp[i]);
			ok += rp[i].status == 200;
		}
		for (int i = 0; i < 8; i++) {
			if (rp[i].more != NULL)
				rp[i].end(rp[i].stream);
			buf_free(&rp[i].body);
		}
	}
	assert_int_equal(ok, 8);
}

static int
set_up(void **state)
{
	(void)state;
	fixture_make(&seg);
	fe = (struct conf_frontend){.monitor_uri = "/monitor",
	    .alive_uri = "/alive",
	    .master_uri = "/master",
	    .status_uri = "/status.json",
	    .stats_uri = "/stats",
	    .metrics_uri = "/metrics"};
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
	    T(targets_are_compared_exactly),
	    T(health_follows_backends),
	    T(methods_and_other_paths),
	    T(tables_are_those_of_the_control_socket),
	    T(page_is_escaped),
	    T(metrics_have_all_families),
	    T(metrics_of_many_servers),
	    T(scrapes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
