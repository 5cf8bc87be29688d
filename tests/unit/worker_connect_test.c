/* SPDX-License-Identifier: ISC */
/* worker: which server a session gets, limits, queue, generations, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/limit.h"
#include "shm/queue.h"
#include "tests/lib/rig.h"

static bool
idle(struct rig *r)
{
	return rig_held(r) == 0;
}

static void
fini(struct rig *r)
{
	assert_true(rig_until(r, idle));
	rig_fini(r);
}

static const struct shm_srv_count *
srv(const struct rig *r, uint32_t i)
{
	return &shm_srv_count(&r->seg, shm_worker(&r->seg, 0))[i];
}

static const struct shm_be_count *
be(const struct rig *r)
{
	return &shm_be_count(&r->seg, shm_worker(&r->seg, 0))[0];
}

/* A refusing server costs no client its connection, and after three failures nobody even tries. */
static void
refused_goes_to_the_next(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { bad = \"127.0.0.1:%u\"; good = \"127.0.0.1:%u\"; "
		"}; }; };\n",
		port, rig_closed_port(), back),
	    0);
	for (int i = 0; i < 30; i++) {
		int c = rig_connect(port), s = rig_accept(listener);

		assert_int_not_equal(s, -1);
		assert_true(rig_send(s, "x", 1));
		assert_true(rig_recv(c, &(char){0}, 1));
		close(c);
		close(s);
	}
	assert_true(rig_until(&r, idle));
	assert_int_equal(sw64_get(&srv(&r, 1)->sess), 30);
	assert_in_range(sw64_get(&srv(&r, 0)->connect), 3, 5);
	assert_int_equal(
	    sw64_get(&shm_worker(&r.seg, 0)->report_head), sw64_get(&srv(&r, 0)->connect));
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->report[0]), 0);
	assert_int_equal(sw64_get(&be(&r)->wretr), sw64_get(&srv(&r, 0)->connect));
	assert_int_equal(sw64_get(&be(&r)->wredis), sw64_get(&srv(&r, 0)->connect));
	assert_int_equal(sw64_get(&be(&r)->econ), 0);
	close(listener);
	fini(&r);
}

static void
all_refuse(void **state)
{
	struct rig r;
	uint16_t port;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { connect = \"50ms\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { retries = 3; servers = { a = \"127.0.0.1:%u\"; b = "
		"\"127.0.0.1:%u\"; }; }; };\n",
		port, rig_closed_port(), rig_closed_port()),
	    0);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), 0);
	close(c);
	assert_true(rig_until(&r, idle));
	/* Each once, a pause, each once more. */
	assert_int_equal(sw64_get(&srv(&r, 0)->connect), 2);
	assert_int_equal(sw64_get(&srv(&r, 1)->connect), 2);
	assert_int_equal(sw64_get(&be(&r)->econ), 1);
	assert_int_equal(sw64_get(&be(&r)->wretr), 3);
	fini(&r);
}

static void
none_usable(void **state)
{
	struct rig r;
	uint16_t port;
	int c;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:1\"; disabled = true; "
		"}; }; }; };\n",
		port),
	    0);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), -1);
	assert_int_equal(errno, ECONNRESET);
	close(c);
	assert_true(rig_until(&r, idle));
	assert_int_equal(sw64_get(&srv(&r, 0)->connect), 0);
	fini(&r);
}

static bool
nothing_to_read(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static bool
three_wait(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 3;
}

static bool
none_waits(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 0;
}

static bool
two_wait(struct rig *r)
{
	return queue_waiting(&r->seg, 0) == 2;
}

/* One place: the others wait, first come first served, over two workers. */
static void
queue_in_order(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[4], s = -1, n;
	char id;

	(void)state;
	rig_init(&r, 2);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; maxconn = 1; "
		"}; }; }; };\n",
		port, back),
	    0);
	for (n = 0; n < 4; n++) {
		id = (char)n;
		c[n] = rig_connect(port);
		assert_true(rig_send(c[n], &id, 1));
		if (n == 0) {
			s = rig_accept(listener);
			assert_true(rig_recv(s, &id, 1));
			continue;
		}
		/* Its ticket is drawn before the next one comes. */
		for (int k = 0; k < 5000 && queue_waiting(&r.seg, 0) != (uint32_t)n; k++)
			poll(NULL, 0, 1);
		assert_int_equal(queue_waiting(&r.seg, 0), n);
	}
	assert_true(rig_until(&r, three_wait));
	assert_true(nothing_to_read(listener));
	assert_int_equal(limit_sum_srv(&r.seg, 0), 1);
	/* One that waits goes away. */
	rig_reset(c[2]);
	assert_true(rig_until(&r, two_wait));
	for (n = 1; n < 4; n += 2) {
		close(s);
		assert_int_equal(rig_end(c[n - (n == 3 ? 2 : 1)]), 0);
		close(c[n - (n == 3 ? 2 : 1)]);
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		assert_true(rig_recv(s, &id, 1));
		assert_int_equal(id, n);
	}
	close(s);
	close(c[3]);
	close(listener);
	fini(&r);
}

static void
queue_time_limit_and_length(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, a, b, c, s;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"defaults = { timeout = { queue = \"300ms\"; }; };\n"
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; maxconn = 1; "
		"}; }; }; };\n",
		port, back),
	    0);
	sw32_set(&shm_own_be_dir(&r.seg)[0].maxqueue, 1);
	a = rig_connect(port);
	s = rig_accept(listener);
	b = rig_connect(port);
	for (int k = 0; k < 5000 && queue_waiting(&r.seg, 0) == 0; k++)
		poll(NULL, 0, 1);
	c = rig_connect(port);
	assert_int_equal(rig_end(c), -1); /* the queue is full */
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(queue_waiting(&r.seg, 0), 1);
	assert_int_equal(rig_end(b), 0); /* waited too long */
	assert_true(rig_until(&r, none_waits));
	close(a);
	close(b);
	close(c);
	close(s);
	close(listener);
	fini(&r);
}

/* At a limit connections wait in the kernel; whoever gives a place back lets the next one in. */
static void
limits_are_exact(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[8], s[8];
	char id[8];

	(void)state;
	rig_init(&r, 2);
	r.maxconn = 4;
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	for (char i = 0; i < 8; i++) {
		c[(int)i] = rig_connect(port);
		assert_true(rig_send(c[(int)i], &i, 1));
	}
	/* Which client comes next is the kernel's choice: each says who it is. */
	for (int i = 0; i < 4; i++) {
		s[i] = rig_accept(listener);
		assert_true(rig_recv(s[i], &id[i], 1));
	}
	poll(NULL, 0, 50);
	assert_true(nothing_to_read(listener));
	assert_int_equal(limit_sum_global(&r.seg), 4);
	for (int i = 4; i < 8; i++) {
		close(c[(int)id[i - 4]]);
		close(s[i - 4]);
		s[i] = rig_accept(listener);
		assert_int_not_equal(s[i], -1);
		assert_true(rig_recv(s[i], &id[i], 1));
		assert_true(limit_sum_global(&r.seg) <= 4);
		poll(NULL, 0, 10);
		assert_true(nothing_to_read(listener));
	}
	for (int i = 4; i < 8; i++) {
		close(c[(int)id[i]]);
		close(s[i]);
	}
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->held_max) > 4, 0);
	close(listener);
	fini(&r);
}

#define CROWD 16 /* clients of each of two frontends */

/* Who waits for two limits at once is told of both. Nobody ticks here, so a place that is given to
 * nobody is found by nobody. */
static void
two_limits_lose_no_place(void **state)
{
	struct rig r;
	uint16_t port[2], back;
	int listener, c[2 * CROWD], s[2 * CROWD], live[2 * CROWD], n_live = 0;
	int waiting[2] = {CROWD, CROWD}, in[2] = {0, 0};
	unsigned seed = 1;

	(void)state;
	rig_init(&r, 2);
	r.maxconn = 3;
	port[0] = rig_listen(&r);
	port[1] = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { a = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; maxconn = "
		"2; };\n b = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { s = \"127.0.0.1:%u\"; }; }; };\n",
		port[0], port[1], back),
	    0);
	for (char i = 0; i < 2 * CROWD; i++) {
		c[(int)i] = rig_connect(port[i % 2]);
		assert_true(rig_send(c[(int)i], &i, 1));
	}
	for (;;) {
		/* Somebody comes as long as there is room for one that waits. */
		while (n_live < 3 && (waiting[1] > 0 || (waiting[0] > 0 && in[0] < 2))) {
			int fd = rig_accept(listener);
			unsigned char id;

			assert_int_not_equal(fd, -1);
			assert_true(rig_recv(fd, &id, 1));
			s[id] = fd;
			live[n_live++] = id;
			in[id % 2]++;
			waiting[id % 2]--;
			assert_true(in[0] <= 2);
		}
		if (n_live == 0)
			break;
		seed = seed * 1103515245 + 12345;
		int k = (int)(seed >> 16) % n_live, id = live[k];

		live[k] = live[--n_live];
		in[id % 2]--;
		close(c[id]);
		close(s[id]);
	}
	assert_int_equal(waiting[0] + waiting[1], 0);
	close(listener);
	fini(&r);
}

static void
denied_are_reset(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c;
	ssize_t n;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	rig_file(&r, "/nets", "198.51.100.0/24\n127.0.0.0/8\n");
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; deny = "
		"\"/nets\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	c = rig_connect(port);
	if (c != -1) {
		n = rig_end(c);
		assert_int_equal(n, -1);
		close(c);
	}
	assert_int_equal(errno, ECONNRESET);
	assert_true(rig_until(&r, idle));
	assert_int_equal(sw64_get(&shm_fe_count(&r.seg, shm_worker(&r.seg, 0))[0].denied), 1);
	close(listener);
	fini(&r);
}

#define CONF                                                                                  \
	"frontends = { fe = { bind = \"127.0.0.1:%u\"; default_backend = \"be\"; }; };\n"     \
	"backends = { be = { servers = { a = { address = \"127.0.0.1:%u\"; on_marked_down = " \
	"\"shutdown-sessions\"; }; }; }; };\n"

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
	assert_int_equal(rig_load(&r, CONF, early_port, one), 0);
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
	fini(&r);
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
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
	c = rig_connect(port);
	s = rig_accept(listener);
	/* The frontend moves to another port; the session stays. */
	second = rig_listen(&r);
	assert_int_equal(rig_load(&r, CONF, second, back), 0);
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
	fini(&r);
}

static void
a_bind_without_socket_is_refused(void **state)
{
	struct rig r;
	uint16_t port;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	assert_int_equal(rig_load(&r, CONF, port, 1), 0);
	assert_int_equal(rig_load(&r, CONF, rig_closed_port(), 1), -1);
	assert_non_null(strstr(r.workers[0].reason, "no socket came for 127.0.0.1:"));
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->generation), 1);
	fini(&r);
}

static void
marked_down_resets_both_sides(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[20], s[20];

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
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
	fini(&r);
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
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
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
	fini(&r);
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
	fini(&r);
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
		"\"50ms\"; }; servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
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
	fini(&r);
}

static bool
retried(struct rig *r)
{
	return sw64_get(&srv(r, 0)->wretr) > 0;
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
	n = sw64_get(&srv(&r, 0)->connect);
	rig_end(c);
	close(c);
	assert_true(rig_until(&r, idle));
	assert_in_range(sw64_get(&srv(&r, 0)->connect), n, n + 1);
	rig_fini(&r);
}

#define EARLY 20

/* Sessions that wait for a PROXY header, and it comes in the same turn in which they are to end. */
static void
an_address_given_away_before_the_header(void **state)
{
	static const char header[] = "PROXY TCP4 192.0.2.1 127.0.0.1 1000 80\r\n";
	int c[EARLY], listener;
	struct rig r;
	uint16_t port, back;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(
	    rig_load(&r,
		"frontends = { fe = { bind = { address = \"127.0.0.1:%u\"; accept_proxy = true; }; "
		"default_backend = \"be\"; }; };\n"
		"backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
		port, back),
	    0);
	for (int i = 0; i < EARLY; i++)
		assert_int_not_equal(c[i] = rig_connect(port), -1);
	while (sw32_get(&shm_held_fe(&r.seg, shm_worker(&r.seg, 0))[0]) < EARLY)
		poll(NULL, 0, 1);
	kill(r.workers[0].pid, SIGSTOP);
	assert_int_equal(waitpid(r.workers[0].pid, NULL, WUNTRACED), r.workers[0].pid);
	r.seg.own_vrrp->drain[0].family = AF_INET;
	memcpy(r.seg.own_vrrp->drain[0].addr, "\x7f\0\0\1", 4);
	sw32_set(&r.seg.own_vrrp->n_drain, 1);
	sw64_set(&r.seg.own_vrrp->drain_seq, 1);
	rig_tick(&r);
	for (int i = 0; i < EARLY; i++)
		assert_true(rig_send(c[i], header, sizeof(header) - 1));
	kill(r.workers[0].pid, SIGCONT);
	for (int i = 0; i < EARLY; i++) {
		assert_int_equal(rig_end(c[i]), -1);
		assert_int_equal(errno, ECONNRESET);
		close(c[i]);
	}
	close(listener);
	fini(&r);
}

static void
stop_lets_sessions_finish(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c, s;
	char x;

	(void)state;
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
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
	rig_init(&r, 1);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
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

/* A stopped worker's queue is served by the other as soon as the mask says so. */
static void
queues_of_absent_workers_are_adopted(void **state)
{
	struct rig r;
	uint16_t port, back;
	int listener, c[40], s;

	(void)state;
	rig_init(&r, 2);
	port = rig_listen(&r);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r, CONF, port, back), 0);
	kill(r.workers[1].pid, SIGSTOP);
	for (int i = 0; i < 40; i++)
		c[i] = rig_connect(port);
	sw64_set(&r.seg.own_master->absent[0], 2);
	rig_tick(&r);
	for (int i = 0; i < 40; i++) {
		s = rig_accept(listener);
		assert_int_not_equal(s, -1);
		assert_true(rig_send(s, "x", 1));
		close(s);
	}
	for (int i = 0; i < 40; i++) {
		assert_true(rig_recv(c[i], &(char){0}, 1));
		close(c[i]);
	}
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->adopted), 1);
	assert_int_equal(sw64_get(&shm_worker(&r.seg, 0)->cum_conn), 40);
	sw64_set(&r.seg.own_master->absent[0], 0);
	rig_tick(&r);
	kill(r.workers[1].pid, SIGCONT);
	for (int k = 0; k < 5000 && sw32_get(&shm_worker(&r.seg, 0)->adopted) != 0; k++)
		poll(NULL, 0, 1);
	assert_int_equal(sw32_get(&shm_worker(&r.seg, 0)->adopted), 0);
	close(listener);
	fini(&r);
}

/* A shared queue: held sessions spread over the workers. */
static void
shared_queue_spreads(void **state)
{
	struct rig r;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	uint16_t back;
	int listener, c[100], s[100];
	uint32_t one;

	(void)state;
	rig_init(&r, 2);
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/vipd-rig-%d.sock", (int)getpid());
	rig_listen_unix(&r, a.sun_path, false);
	listener = rig_server(&back);
	assert_int_equal(rig_load(&r,
			     "frontends = { fe = { bind = \"%s\"; default_backend = \"be\"; }; };\n"
			     "backends = { be = { servers = { a = \"127.0.0.1:%u\"; }; }; };\n",
			     a.sun_path, back),
	    0);
	for (int i = 0; i < 100; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(c[i], (struct sockaddr *)&a, sizeof(a)), 0);
		s[i] = rig_accept(listener);
		assert_int_not_equal(s[i], -1);
		if (i % 10 == 0)
			rig_tick(&r);
	}
	one = sw32_get(&shm_worker(&r.seg, 0)->held);
	assert_in_range(one, 30, 70);
	for (int i = 0; i < 100; i++) {
		close(c[i]);
		close(s[i]);
	}
	unlink(a.sun_path);
	close(listener);
	fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refused_goes_to_the_next),
	    cmocka_unit_test(all_refuse),
	    cmocka_unit_test(none_usable),
	    cmocka_unit_test(queue_in_order),
	    cmocka_unit_test(queue_time_limit_and_length),
	    cmocka_unit_test(limits_are_exact),
	    cmocka_unit_test(two_limits_lose_no_place),
	    cmocka_unit_test(denied_are_reset),
	    cmocka_unit_test(a_reload_under_way_is_waited_for),
	    cmocka_unit_test(sessions_outlive_their_generation),
	    cmocka_unit_test(a_bind_without_socket_is_refused),
	    cmocka_unit_test(marked_down_resets_both_sides),
	    cmocka_unit_test(an_address_given_away),
	    cmocka_unit_test(an_address_of_an_inherited_socket),
	    cmocka_unit_test(an_address_given_away_by_paused_sessions),
	    cmocka_unit_test(an_address_given_away_before_the_header),
	    cmocka_unit_test(the_server_of_a_paused_session_goes),
	    cmocka_unit_test(stop_lets_sessions_finish),
	    cmocka_unit_test(stop_ends_by_force),
	    cmocka_unit_test(queues_of_absent_workers_are_adopted),
	    cmocka_unit_test(shared_queue_spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
