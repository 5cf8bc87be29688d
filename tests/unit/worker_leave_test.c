/* SPDX-License-Identifier: ISC */
/* worker: generations, servers marked down, addresses given away, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/rig.h"

static uint16_t early_port;
static int early = -1;

/* The schedule names the new server only, and the worker does not know it yet. */
static void
come_early(struct rig *r)
{
	struct pollfd p = {.events = POLLIN};

	(void)r;
	early = p.fd = rig_connect(early_port);
	assert_int_not_equal(early, -1);
	assert_int_equal(poll(&p, 1, 30), 0); /* neither answered nor closed */
}

/* Who comes while a reload replaces all servers waits for them. */
static void
a_reload_under_way_is_waited_for(void **state)
{
	struct rig r;
	uint16_t one, two;
	int old, now, s;
	char x;

	(void)state;
	rig_init(&r, 1);
	early_port = rig_listen(&r);
	old = rig_server(&one);
	now = rig_server(&two);
	assert_int_equal(rig_load(&r, RIG_CONF, early_port, one), 0);
	r.between = come_early;
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; weight = 0; };"
		" b = \"127.0.0.1:%u\"; }; }; };\n",
		early_port, one, two),
	    0);
	s = rig_accept(now);
	assert_int_not_equal(s, -1);
	assert_true(rig_send(early, "a", 1));
	assert_true(rig_recv(s, &x, 1));
	close(early);
	close(s);
	close(old);
	close(now);
	rig_fini_idle(&r);
}

static bool
old_gone(struct rig *r)
{
	return sw64_get(&shm_worker(&r->seg, 0)->min_generation) == r->generation;
}

static void
sessions_outlive_their_generation(void **state)
{
	struct rig r;
	uint16_t port, back, second;
	int listener, c, s, c2, s2;
	char x;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	c = rig_connect(port);
	s = rig_accept(listener);
	/* The frontend moves to another port; the session stays. */
	second = rig_listen(&r);
	assert_int_equal(rig_load(&r, RIG_CONF, second, back), 0);
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->generation), 2);
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->min_generation), 1);
	assert_true(rig_send(c, "a", 1));
	assert_true(rig_recv(s, &x, 1));
	c2 = rig_connect(second);
	s2 = rig_accept(listener);
	assert_int_not_equal(s2, -1);
	close(c);
	close(s);
	assert_true(rig_until(&r, old_gone));
	/* The old port is closed once our own copy is. */
	close(r.listeners[0].fds[0]);
	r.listeners[0].fds[0] = -1;
	for (int k = 0; k < 5000 && (c = rig_connect(port)) != -1; k++) {
		close(c);
		poll(NULL, 0, 1);
	}
	assert_int_equal(c, -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(c2);
	close(s2);
	close(listener);
	rig_fini_idle(&r);
}

static void
marked_down_resets_both_sides(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[20], s[20];

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	for (int i = 0; i < 20; i++) {
		c[i] = rig_connect(port);
		s[i] = rig_accept(listener);
	}
	sw32_set(&shm_own_health(&r.seg)[0].shut_reason, 'D');
	sw32_set(&shm_own_health(&r.seg)[0].shut_seq, 1);
	rig_tick(&r);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rig_end(c[i]), -1);
		assert_int_equal(errno, ECONNRESET);
		assert_int_equal(rig_end(s[i]), -1);
		assert_int_equal(errno, ECONNRESET);
		close(c[i]);
		close(s[i]);
	}
	close(listener);
	rig_fini_idle(&r);
}

/* A client that leaves in the same turn in which the server that its session connects to is marked
 * down: it does not go on to wait for another one. */
static void
client_leaves_as_the_server_goes(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, fill;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(listen(listener, 0), 0);
	fill = rig_connect(back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = "
		"\"be\"; }; };\n"
		"backends = { be = { no_server = \"wait\"; timeout = { queue = \"60s\"; "
		"connect = \"60s\"; }; servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	c = rig_connect(port);
	while (sw64_get(&rig_srv(&r, 0)->connect) == 0)
		poll(NULL, 0, 1);
	kill(r.workers[0].pid, SIGSTOP);
	assert_int_equal(waitpid(r.workers[0].pid, NULL, WUNTRACED), r.workers[0].pid);
	sw32_set(&shm_own_health(&r.seg)[0].usable, 0);
	sw32_set(&shm_own_health(&r.seg)[0].shut_reason, 'D');
	sw32_set(&shm_own_health(&r.seg)[0].shut_seq, 1);
	rig_tick(&r);
	rig_reset(c);
	kill(r.workers[0].pid, SIGCONT);
	assert_true(rig_until(&r, rig_idle));
	assert_int_equal(sw64_get(&rig_be(&r)->cli_abrt), 1);
	close(fill);
	close(listener);
	rig_fini_idle(&r);
}

static bool
drained(struct rig *r)
{
	return sw64_get(&shm_worker(&r->seg, 0)->drained) == 1;
}

static void
an_address_given_away(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	c = rig_connect(port);
	s = rig_accept(listener);
	r.seg.own_vrrp->drain[0].family = AF_INET;
	memcpy(r.seg.own_vrrp->drain[0].addr, "\x7f\0\0\1", 4);
	sw32_set(&r.seg.own_vrrp->n_drain, 1);
	sw64_set(&r.seg.own_vrrp->drain_seq, 1);
	rig_tick(&r);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(rig_end(s), -1);
	close(c);
	close(s);
	assert_true(rig_until(&r, drained));
	/* And new ones are refused. */
	c = rig_connect(port);
	if (c != -1) {
		assert_int_equal(rig_end(c), -1);
		close(c);
	}
	close(listener);
	rig_fini_idle(&r);
}

static bool
has_local_end(struct rig *r)
{
	return shm_sessions(&r->seg, shm_worker(&r->seg, 0))[0].local.family != 0;
}

/* The same on a socket that vipd did not bind: its address is not in the configuration, and one on
 * [::] names addresses of IPv4 as mapped ones. One session old enough for its record to know. */
static void
an_address_of_an_inherited_socket(void **state)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	socklen_t len = sizeof(any);
	struct rig r;
	uint16_t port, back;
	int listener, c, s, fd;

	(void)state;
	rig_init(&r, 1);
	rig_listen(&r);
	fd = r.listeners[0].fds[0];
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	port = ntohs(any.sin6_port);
	r.listeners[0].fds[0] = fd;
	strcpy(r.listeners[0].name, "fd@in");
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"fd@in\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		back),
	    0);
	c = rig_connect(port);
	s = rig_accept(listener);
	assert_true(rig_until(&r, has_local_end) || rig_until(&r, has_local_end));
	r.seg.own_vrrp->drain[0].family = AF_INET;
	memcpy(r.seg.own_vrrp->drain[0].addr, "\x7f\0\0\1", 4);
	sw32_set(&r.seg.own_vrrp->n_drain, 1);
	sw64_set(&r.seg.own_vrrp->drain_seq, 1);
	rig_tick(&r);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	close(c);
	close(s);
	assert_true(rig_until(&r, drained));
	c = rig_connect(port);
	if (c != -1) {
		assert_int_equal(rig_end(c), -1);
		assert_int_equal(errno, ECONNRESET);
		close(c);
	}
	close(listener);
	rig_fini_idle(&r);
}

#define PAUSED 4000 /* several turns' worth of resets */

static bool
paused_all(struct rig *r)
{
	return sw32_get(&shm_held_fe(&r->seg, shm_worker(&r->seg, 0))[0]) == PAUSED;
}

/* Sessions that wait before they try their server again: each is reset, though the pause of some
 * ends while they stand in line for it. */
static void
an_address_given_away_by_paused_sessions(void **state)
{
	static int c[PAUSED];
	struct rlimit limit;
	struct rig r;
	uint16_t port;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < PAUSED + 90 || setrlimit(RLIMIT_NOFILE, &limit) == -1)
		skip();
	rig_init(&r, 1);
	r.maxconn = PAUSED + 10;
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; tcplog = "
		"false; }; };\n"
		"backends = { be = { redispatch = false; retries = 100; timeout = { connect = "
		"\"500ms\"; }; servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, rig_closed_port()),
	    0);
	for (int i = 0; i < PAUSED; i++) {
		c[i] = rig_connect(port);
		assert_int_not_equal(c[i], -1);
	}
	assert_true(rig_until(&r, paused_all));
	r.seg.own_vrrp->drain[0].family = AF_INET;
	memcpy(r.seg.own_vrrp->drain[0].addr, "\x7f\0\0\1", 4);
	sw32_set(&r.seg.own_vrrp->n_drain, 1);
	sw64_set(&r.seg.own_vrrp->drain_seq, 1);
	rig_tick(&r);
	assert_true(rig_until(&r, drained));
	assert_int_equal(rig_held(&r), 0);
	for (int i = 0; i < PAUSED; i++) {
		assert_int_equal(rig_end(c[i]), -1);
		assert_int_equal(errno, ECONNRESET);
		close(c[i]);
	}
	rig_fini_idle(&r);
}

static bool
retried(struct rig *r)
{
	return sw64_get(&rig_srv(r, 0)->wretr) > 0;
}

/* A session that waits before it tries its server again while that is removed and another one gets
 * its slot: it must not count there. */
static void
the_server_of_a_paused_session_goes(void **state)
{
	struct shm_srv_dir *d;
	struct rig r;
	uint16_t port;
	uint64_t n;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { redispatch = false; retries = 100; timeout = { connect = "
		"\"200ms\"; }; servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, rig_closed_port()),
	    0);
	c = rig_connect(port);
	assert_true(rig_until(&r, retried));
	d = &shm_own_srv_dir(&r.seg)[0];
	sw32_set(&d->epoch, sw32_get(&d->epoch) + 1);
	n = sw64_get(&rig_srv(&r, 0)->connect);
	rig_end(c);
	close(c);
	assert_true(rig_until(&r, rig_idle));
	assert_in_range(sw64_get(&rig_srv(&r, 0)->connect), n, n + 1);
	rig_fini(&r);
}

#define EARLY 20

/* Sessions of a frontend with these settings that wait for their clients' first bytes, and those
 * come in the same turn in which they are to end. some of them are there before. */
static void
given_away_early(const char *bind, const char *fe, const char *bytes, size_t some)
{
	int c[EARLY], listener;
	struct rig r;
	uint16_t port, back;

	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r,
			     "frontends = { fe = { bind = { address = \"127.0.0.1:%u\"; %s }; "
			     "default_backend = \"be\"; %s }; };\n"
			     "backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
			     port, bind, fe, back),
	    0);
	for (int i = 0; i < EARLY; i++) {
		assert_int_not_equal(c[i] = rig_connect(port), -1);
		assert_true(some == 0 || rig_send(c[i], bytes, some));
	}
	while (sw32_get(&shm_held_fe(&r.seg, shm_worker(&r.seg, 0))[0]) < EARLY)
		poll(NULL, 0, 1);
	kill(r.workers[0].pid, SIGSTOP);
	assert_int_equal(waitpid(r.workers[0].pid, NULL, WUNTRACED), r.workers[0].pid);
	r.seg.own_vrrp->drain[0].family = AF_INET;
	memcpy(r.seg.own_vrrp->drain[0].addr, "\x7f\0\0\1", 4);
	sw32_set(&r.seg.own_vrrp->n_drain, 1);
	sw64_set(&r.seg.own_vrrp->drain_seq, 1);
	rig_tick(&r);
	for (int i = 0; i < EARLY; i += 2)
		assert_true(rig_send(c[i], bytes + some, strlen(bytes) - some));
	kill(r.workers[0].pid, SIGCONT);
	for (int i = 0; i < EARLY; i++) {
		assert_int_equal(rig_end(c[i]), -1);
		assert_int_equal(errno, ECONNRESET);
		close(c[i]);
	}
	assert_true(rig_until(&r, drained));
	assert_int_equal(sw64_get(&rig_srv(&r, 0)->connect), 0);
	close(listener);
	rig_fini_idle(&r);
}

static void
an_address_given_away_before_the_header(void **state)
{
	static const char header[] = "PROXY TCP4 192.0.2.1 127.0.0.1 1000 80\r\n";

	(void)state;
	given_away_early("accept_proxy = true;", "", header, 0);
	given_away_early("accept_proxy = true;", "", header, 10);
}

static void
an_address_given_away_in_inspection(void **state)
{
	static const char rules[] = "inspect_delay = \"60s\"; rules = ( { prefix = \"GET \"; "
				    "action = \"accept\"; }, { action = \"reject\"; } );";

	(void)state;
	given_away_early("", rules, "GET /", 0);
	given_away_early("", rules, "GET /", 2);
	given_away_early(
	    "accept_proxy = true;", rules, "PROXY TCP4 192.0.2.1 127.0.0.1 1000 80\r\nGET /", 42);
}

static void
stop_lets_sessions_finish(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;
	char x;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	c = rig_connect(port);
	s = rig_accept(listener);
	rig_stop(&r, 0, 5000);
	poll(NULL, 0, 100);
	assert_true(rig_send(c, "a", 1));
	assert_true(rig_recv(s, &x, 1));
	close(c);
	close(s);
	assert_int_equal(rig_wait(&r, 0), 0);
	assert_int_equal(rig_held(&r), 0);
	close(listener);
	rig_fini(&r);
}

static void
stop_ends_by_force(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;

	(void)state;
	listener = rig_begin(&r, 1, &port, &back);
	assert_int_equal(rig_load(&r, RIG_CONF, port, back), 0);
	c = rig_connect(port);
	s = rig_accept(listener);
	rig_stop(&r, 0, 100);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(rig_wait(&r, 0), 0);
	close(c);
	close(s);
	close(listener);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reload_under_way_is_waited_for),
	    cmocka_unit_test(sessions_outlive_their_generation),
	    cmocka_unit_test(marked_down_resets_both_sides),
	    cmocka_unit_test(client_leaves_as_the_server_goes),
	    cmocka_unit_test(an_address_given_away),
	    cmocka_unit_test(an_address_of_an_inherited_socket),
	    cmocka_unit_test(an_address_given_away_by_paused_sessions),
	    cmocka_unit_test(the_server_of_a_paused_session_goes),
	    cmocka_unit_test(an_address_given_away_before_the_header),
	    cmocka_unit_test(an_address_given_away_in_inspection),
	    cmocka_unit_test(stop_lets_sessions_finish),
	    cmocka_unit_test(stop_ends_by_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
