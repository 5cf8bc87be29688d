/* SPDX-License-Identifier: ISC */
/* checker: probes against servers on loopback that behave and misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "checker/held.h"
#include "checker/spec.h"
#include "checker/tls.h"
#include "lib/proc.h"
#include "tests/lib/target.h"

static struct loop *loop;
static struct target_pem pem, other_pem;

static struct conf_status_range ok_range[] = {{200, 399}};

/* A server with its probe, as a generation holds them. */
struct rig {
	struct conf_backend be;
	struct conf_server conf;
	struct backend backend;
	struct server s;
	struct held held;
	struct tls_set *tls;
	bool done;
	struct probe_result r;
};

static void
on_done(struct probe *p, const struct probe_result *r)
{
	struct server *s = (struct server *)(void *)((char *)p - offsetof(struct server, probe));
	struct rig *g = (struct rig *)(void *)((char *)s - offsetof(struct rig, s));

	assert_false(g->done);
	g->done = true;
	g->r = *r;
}

static void
hold_file(struct rig *g, const char *name, const char *bytes)
{
	struct child_fd f = {.meta.kind = PROTO_FD_FILE};

	strcpy(f.meta.name, name);
	f.fd = proc_memfd(name, bytes, strlen(bytes));
	assert_int_not_equal(f.fd, -1);
	assert_int_equal(held_take(&g->held, &f, 1), 0);
}

static void
rig_init(struct rig *g, const struct target *t, enum conf_check_type type)
{
	*g = (struct rig){0};
	g->be.name = "b";
	g->be.timeout_connect_ms = 5000;
	g->conf.name = "s";
	g->conf.address = "127.0.0.1:0";
	g->conf.addr.in.sin_family = AF_INET;
	g->conf.addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g->conf.addr.in.sin_port = htons(t->port);
	g->conf.addr.len = sizeof(g->conf.addr.in);
	g->conf.check = (struct conf_check){.on = true,
	    .type = type,
	    .inter_ms = 20000,
	    .rise = 2,
	    .fall = 3,
	    .method = "GET",
	    .uri = "/readyz",
	    .version = "HTTP/1.1",
	    .n_status = 1,
	    .status = ok_range};
	g->backend.conf = &g->be;
	g->s.backend = &g->backend;
	g->s.conf = &g->conf;
	g->tls = tls_set_new(&g->held, NULL);
	assert_non_null(g->tls);
}

static void
rig_start(struct rig *g)
{
	char why[256];

	if (spec_build(&g->s, g->tls, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	tls_set_seal(g->tls);
	probe_init(&g->s.probe, loop, on_done);
	loop_refresh(loop);
	probe_start(&g->s.probe, &g->s.spec, loop_now(loop));
}

static void
run_until(const bool *flag)
{
	struct mono end = mono_add_ms(mono_now(), 30000);

	while (!*flag) {
		assert_true(mono_before(mono_now(), end));
		loop_turn(loop, 100);
	}
}

/* Until a result that counts: on a busy machine a time limit may be noticed late. */
static void
run_counted(struct rig *g)
{
	for (;;) {
		run_until(&g->done);
		if (!g->r.own_fault)
			return;
		g->done = false;
		loop_refresh(loop);
		probe_start(&g->s.probe, &g->s.spec, loop_now(loop));
	}
}

static void
rig_fini(struct rig *g)
{
	struct mono end = mono_add_ms(mono_now(), 30000);

	while (g->s.probe.phase != PROBE_IDLE) { /* lingering */
		assert_true(mono_before(mono_now(), end));
		loop_turn(loop, 50);
	}
	spec_fini(&g->s.spec);
	tls_set_free(g->tls);
	held_drop(&g->held);
}

static void
expect(struct rig *g, enum check_status status, uint32_t code, const char *desc)
{
	if (g->r.status != status || g->r.code != code || strcmp(g->r.desc, desc) != 0)
		fail_msg("%s %u \"%s\" instead of %s %u \"%s\"", check_status_word(g->r.status),
		    g->r.code, g->r.desc, check_status_word(status), code, desc);
	assert_false(g->r.own_fault);
}

/* One probe of t; returns with the result in g. */
static void
probe_once(struct rig *g, const struct target *t, enum conf_check_type type)
{
	rig_init(g, t, type);
	rig_start(g);
	run_until(&g->done);
	rig_fini(g);
}

static void
wait_count(_Atomic unsigned *n, unsigned want)
{
	struct mono end = mono_add_ms(mono_now(), 20000);

	while (*n < want) {
		assert_true(mono_before(mono_now(), end));
		usleep(1000);
	}
	assert_int_equal(*n, want);
}

static void
tcp(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	probe_once(&g, t, CONF_CHECK_TCP);
	expect(&g, CHECK_L4OK, 0, "");
	wait_count(&t->clean, 1);
	target_set(t, TARGET_REFUSE, 0);
	probe_once(&g, t, CONF_CHECK_TCP);
	expect(&g, CHECK_L4CON, 0, "Connection refused");
	target_stop(t);
}

/* A full backlog drops the SYN, which is silence on the wire. */
static void
connect_times_out(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fds[200], listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(a);
	struct rig g;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	for (int i = 0; i < 200; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&a, len); /* in progress, or dropped */
	}
	rig_init(&g, t, CONF_CHECK_TCP);
	g.conf.addr.in.sin_port = a.sin_port;
	g.be.timeout_connect_ms = 150;
	g.conf.check.timeout_ms = 10000;
	rig_start(&g);
	run_counted(&g);
	expect(&g, CHECK_L4TOUT, 0, "");
	assert_in_range(g.r.duration_ms, 150, 9000);
	rig_fini(&g);
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	close(listener);
	target_stop(t);
}

static void
http(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	probe_once(&g, t, CONF_CHECK_HTTP);
	expect(&g, CHECK_L7OK, 200, "");
	wait_count(&t->clean, 1);
	target_set(t, TARGET_SERVE, 500);
	probe_once(&g, t, CONF_CHECK_HTTP);
	expect(&g, CHECK_L7STS, 500, "Word");
	target_set(t, TARGET_INTERIM, 204);
	probe_once(&g, t, CONF_CHECK_HTTP);
	expect(&g, CHECK_L7OK, 204, "");
	target_set(t, TARGET_GARBAGE, 200);
	probe_once(&g, t, CONF_CHECK_HTTP);
	assert_int_equal(g.r.status, CHECK_L7RSP);
	target_set(t, TARGET_CUT, 200);
	probe_once(&g, t, CONF_CHECK_HTTP);
	assert_int_equal(g.r.status, CHECK_L7RSP);
	target_set(t, TARGET_RESET, 200);
	probe_once(&g, t, CONF_CHECK_HTTP);
	assert_false(check_status_passed(g.r.status));
	target_stop(t);
}

static void
http_request_as_configured(void **state)
{
	static const char *headers[] = {"X-Probe: vipd", "Host: api.example"};
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	rig_init(&g, t, CONF_CHECK_HTTP);
	g.conf.check.method = "HEAD";
	g.conf.check.uri = "/a?b=c";
	g.conf.check.version = "HTTP/1.0";
	g.conf.check.headers = (struct conf_strings){2, headers};
	rig_start(&g);
	run_until(&g.done);
	expect(&g, CHECK_L7OK, 200, "");
	assert_string_equal(t->request, "HEAD /a?b=c HTTP/1.0\r\nConnection: close\r\n"
					"X-Probe: vipd\r\nHost: api.example\r\n\r\n");
	rig_fini(&g);
	target_stop(t);
}

static void
http_time_limit(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	target_set(t, TARGET_SILENT, 0);
	rig_init(&g, t, CONF_CHECK_HTTP);
	g.conf.check.inter_ms = 200; /* bounds everything */
	rig_start(&g);
	run_counted(&g);
	expect(&g, CHECK_L7TOUT, 0, "");
	assert_in_range(g.r.duration_ms, 190, 10000);
	rig_fini(&g);
	rig_init(&g, t, CONF_CHECK_HTTPS);
	g.conf.check.timeout_ms = 100;
	rig_start(&g);
	run_counted(&g);
	expect(&g, CHECK_L6TOUT, 0, "");
	assert_in_range(g.r.duration_ms, 100, 10000);
	rig_fini(&g);
	target_stop(t);
}

/* One server that never comes to its answer does not keep the checker from the others. */
static void
endless_answers(void **state)
{
	struct target *t = target_start(NULL, NULL), *s = target_start(&pem, NULL);
	struct rig g;

	(void)state;
	target_set(t, TARGET_ENDLESS, 0);
	probe_once(&g, t, CONF_CHECK_HTTP);
	expect(&g, CHECK_L7RSP, 0, "too many interim answers");
	target_set(s, TARGET_ENDLESS, 0);
	probe_once(&g, s, CONF_CHECK_HTTPS);
	expect(&g, CHECK_L7RSP, 0, "too many interim answers");
	target_stop(t);
	target_stop(s);
}

/* The verdict does not wait for a server that keeps the connection open; its end is clean. */
static void
linger_ends(void **state)
{
	struct target *t = target_start(&pem, NULL);
	struct rig g;

	(void)state;
	target_set(t, TARGET_STAYS, 200);
	probe_once(&g, t, CONF_CHECK_KUBERNETES);
	expect(&g, CHECK_L7OK, 200, "");
	wait_count(&t->clean, 1);
	assert_int_equal(t->dirty, 0);
	target_stop(t);
}

/* Nor does it take gigabytes: buffers and a little more. */
static void
linger_takes_little(void **state)
{
	struct mono end = mono_add_ms(mono_now(), 20000);
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	target_set(t, TARGET_BODY, 200);
	probe_once(&g, t, CONF_CHECK_HTTP);
	expect(&g, CHECK_L7OK, 200, "");
	while (t->clean + t->dirty == 0) { /* whichever: it met a reset while it wrote */
		assert_true(mono_before(mono_now(), end));
		usleep(1000);
	}
	if (t->body > 16 << 20)
		fail_msg("%llu bytes were taken", (unsigned long long)t->body);
	target_stop(t);
}

/* As written in a URI. */
static void
host_of_an_ipv6_address(void **state)
{
	struct target *t = target_start(NULL, NULL);
	char why[256];
	struct rig g;

	(void)state;
	rig_init(&g, t, CONF_CHECK_HTTP);
	assert_int_equal(sock_addr_parse(&g.conf.addr, "[2001:db8::1]:80", true), 0);
	g.conf.check.port = 8080;
	assert_int_equal(spec_build(&g.s, g.tls, why, sizeof(why)), 0);
	assert_non_null(strstr(g.s.spec.request, "\r\nHost: [2001:db8::1]:8080\r\n"));
	probe_init(&g.s.probe, loop, on_done);
	rig_fini(&g);
	target_stop(t);
}

static void
https_without_verification(void **state)
{
	struct target *t = target_start(&pem, NULL);
	struct rig g;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		probe_once(&g, t, CONF_CHECK_KUBERNETES);
		expect(&g, CHECK_L7OK, 200, "");
		wait_count(&t->clean, i);
	}
	assert_int_equal(t->dirty, 0);
	assert_non_null(strstr(t->request, "GET /readyz HTTP/1.1\r\n"));
	target_set(t, TARGET_SERVE, 503);
	probe_once(&g, t, CONF_CHECK_KUBERNETES);
	expect(&g, CHECK_L7STS, 503, "Word");
	target_set(t, TARGET_CUT, 503);
	probe_once(&g, t, CONF_CHECK_KUBERNETES);
	assert_int_equal(g.r.status, CHECK_L6RSP);
	target_stop(t);
}

static void
plain_answer_to_tls(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	target_set(t, TARGET_CUT, 0);
	probe_once(&g, t, CONF_CHECK_HTTPS);
	assert_int_equal(g.r.status, CHECK_L6RSP);
	assert_true(g.r.desc[0] != '\0');
	/* And one that never answers the hello. */
	target_set(t, TARGET_SILENT, 0);
	rig_init(&g, t, CONF_CHECK_HTTPS);
	g.conf.check.inter_ms = 200;
	rig_start(&g);
	run_counted(&g);
	expect(&g, CHECK_L6TOUT, 0, "");
	rig_fini(&g);
	target_stop(t);
}

static void
verified_once(const struct target *t, const char *ca, const char *sni, struct rig *g)
{
	rig_init(g, t, CONF_CHECK_HTTPS);
	hold_file(g, "ca.pem", ca);
	g->conf.check.verify = true;
	g->conf.check.ca_file = "ca.pem";
	g->conf.check.sni = sni;
	rig_start(g);
	run_until(&g->done);
	rig_fini(g);
}

static void
https_with_verification(void **state)
{
	struct target *t = target_start(&pem, NULL);
	struct rig g;

	(void)state;
	verified_once(t, pem.cert, NULL, &g);
	expect(&g, CHECK_L7OK, 200, "");
	verified_once(t, pem.cert, "api.example", &g);
	expect(&g, CHECK_L7OK, 200, "");
	assert_string_equal(t->sni, "api.example");
	verified_once(t, pem.cert, "127.0.0.1", &g);
	expect(&g, CHECK_L7OK, 200, "");
	assert_string_equal(t->sni, "");
	verified_once(t, pem.cert, "127.0.0.2", &g);
	assert_int_equal(g.r.status, CHECK_L6RSP);
	assert_non_null(strstr(g.r.desc, "certificate: IP address mismatch"));
	verified_once(t, pem.cert, "other.example", &g);
	assert_int_equal(g.r.status, CHECK_L6RSP);
	assert_non_null(strstr(g.r.desc, "certificate: "));
	verified_once(t, other_pem.cert, NULL, &g);
	assert_int_equal(g.r.status, CHECK_L6RSP);
	assert_non_null(strstr(g.r.desc, "certificate: "));
	target_stop(t);
}

static void
client_certificate(void **state)
{
	struct target *t = target_start(&pem, &other_pem);
	char both[8192];
	struct rig g;

	(void)state;
	snprintf(both, sizeof(both), "%s%s", other_pem.key, other_pem.cert);
	rig_init(&g, t, CONF_CHECK_HTTPS);
	hold_file(&g, "crt.pem", both);
	g.conf.check.crt = "crt.pem";
	rig_start(&g);
	run_until(&g.done);
	expect(&g, CHECK_L7OK, 200, "");
	assert_int_equal(t->client_certs, 1);
	rig_fini(&g);
	probe_once(&g, t, CONF_CHECK_HTTPS);
	assert_false(check_status_passed(g.r.status));
	target_stop(t);
}

static void
bad_files_are_refused_with_a_reason(void **state)
{
	struct target t = {.port = 1};
	char why[256] = "";
	struct rig g;

	(void)state;
	rig_init(&g, &t, CONF_CHECK_HTTPS);
	g.conf.check.verify = true;
	g.conf.check.ca_file = "missing.pem";
	assert_int_equal(spec_build(&g.s, g.tls, why, sizeof(why)), -1);
	assert_string_equal(why, "check of server b/s: missing.pem: the master did not send it");
	spec_fini(&g.s.spec);
	hold_file(&g, "empty.pem", "no certificate\n");
	g.conf.check.ca_file = "empty.pem";
	assert_int_equal(spec_build(&g.s, g.tls, why, sizeof(why)), -1);
	assert_string_equal(why, "check of server b/s: empty.pem: no certificate (PEM) in it");
	rig_fini(&g);
}

/* Want of descriptors is this host's fault. */
static void
own_fault(void **state)
{
	struct target *t = target_start(NULL, NULL);
	int fds[4096], n = 0, fd;
	struct rig g;

	(void)state;
	rig_init(&g, t, CONF_CHECK_TCP);
	while (n < 4096 && (fd = dup(0)) != -1)
		fds[n++] = fd;
	rig_start(&g);
	while (n > 0)
		close(fds[--n]);
	assert_true(g.done);
	assert_int_equal(g.r.status, CHECK_SOCKERR);
	assert_true(g.r.own_fault);
	rig_fini(&g);
	target_stop(t);
}

/* What the system answers instead of a call, in this file's process only; 0: the call. */
static int recv_error, send_error;

ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
	if (recv_error == 0)
		return recvfrom(fd, buf, len, flags, NULL, NULL);
	errno = recv_error;
	return -1;
}

ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	if (send_error == 0)
		return sendto(fd, buf, len, flags, NULL, 0);
	errno = send_error;
	return -1;
}

/* So is want of memory later. */
static void
own_fault_in_the_middle(void **state)
{
	static const int errors[] = {ENOMEM, ENOBUFS};
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		*(i < 2 ? &recv_error : &send_error) = errors[i % 2];
		probe_once(&g, t, CONF_CHECK_HTTP);
		recv_error = send_error = 0;
		assert_int_equal(g.r.status, CHECK_SOCKERR);
		assert_true(g.r.own_fault);
		assert_string_equal(g.r.desc, strerror(errors[i % 2]));
	}
	target_stop(t);
}

static void
ready(struct loop_fd *f, uint32_t events)
{
	(void)f;
	(void)events;
}

/* The answer came in time, but so much else that the loop has not told it when the time is over. */
static void
answer_in_time_told_late(void **state)
{
	enum { OTHERS = 600 };
	static struct loop_fd other[OTHERS];
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	for (int i = 0; i < OTHERS; i++) {
		other[i] = (struct loop_fd){.cb = ready, .fd = -1};
		assert_int_equal(loop_fd_add(loop, &other[i], eventfd(1, EFD_CLOEXEC), EPOLLIN), 0);
	}
	loop_turn(loop, 0);
	rig_init(&g, t, CONF_CHECK_TCP);
	g.conf.check.inter_ms = 150;
	rig_start(&g);
	usleep(170000);
	while (!g.done)
		loop_turn(loop, 0);
	expect(&g, CHECK_L4OK, 0, "");
	for (int i = 0; i < OTHERS; i++) {
		int fd = other[i].fd;

		loop_fd_del(loop, &other[i]);
		close(fd);
	}
	rig_fini(&g);
	target_stop(t);
}

/* The machine or this process stood still: no verdict about the server, and what it said meanwhile
 * counts. */
static void
a_pause_is_not_the_servers(void **state)
{
	struct target *t = target_start(NULL, NULL);
	struct rig g;

	(void)state;
	rig_init(&g, t, CONF_CHECK_HTTP);
	g.conf.check.inter_ms = 150;
	rig_start(&g);
	usleep(400000); /* the pause */
	run_until(&g.done);
	expect(&g, CHECK_L7OK, 200, "");
	rig_fini(&g);

	target_set(t, TARGET_SILENT, 0);
	rig_init(&g, t, CONF_CHECK_HTTP);
	g.conf.check.inter_ms = 150;
	rig_start(&g);
	for (int i = 0; i < 3; i++) {
		while (g.s.probe.phase == PROBE_CONNECT)
			loop_turn(loop, 10);
		usleep(400000);
		run_until(&g.done);
		/* Not for ever: this host may always be like that. */
		assert_int_equal(g.r.own_fault, i < 2);
		assert_int_equal(g.r.status, i < 2 ? CHECK_SOCKERR : CHECK_L7TOUT);
		g.done = false;
		loop_refresh(loop);
		probe_start(&g.s.probe, &g.s.spec, loop_now(loop));
	}
	probe_abort(&g.s.probe);
	rig_fini(&g);
	target_stop(t);
}

static int
setup(void **state)
{
	struct rlimit limit;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 1024;
	setrlimit(RLIMIT_NOFILE, &limit);
	target_make_pem(&pem, "api.example");
	target_make_pem(&other_pem, "client.example");
	loop = loop_new();
	return loop == NULL || loop_timer_reserve(loop, 8) == -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tcp),
	    cmocka_unit_test(connect_times_out),
	    cmocka_unit_test(http),
	    cmocka_unit_test(http_request_as_configured),
	    cmocka_unit_test(http_time_limit),
	    cmocka_unit_test(linger_ends),
	    cmocka_unit_test(linger_takes_little),
	    cmocka_unit_test(host_of_an_ipv6_address),
	    cmocka_unit_test(endless_answers),
	    cmocka_unit_test(https_without_verification),
	    cmocka_unit_test(plain_answer_to_tls),
	    cmocka_unit_test(https_with_verification),
	    cmocka_unit_test(client_certificate),
	    cmocka_unit_test(bad_files_are_refused_with_a_reason),
	    cmocka_unit_test(own_fault),
	    cmocka_unit_test(own_fault_in_the_middle),
	    cmocka_unit_test(answer_in_time_told_late),
	    cmocka_unit_test(a_pause_is_not_the_servers),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
