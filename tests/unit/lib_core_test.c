/* SPDX-License-Identifier: ISC */
/* lib: addresses, networks, slab, loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/loop.h"
#include "lib/slab.h"
#include "lib/sock.h"

static void
addresses(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
	    {"1.2.3.4:80", "1.2.3.4:80"},
	    {"*:80", "0.0.0.0:80"},
	    {":80", "0.0.0.0:80"},
	    {"[::]:443", "[::]:443"},
	    {"[2001:db8::1]:443", "[2001:db8::1]:443"},
	    {"/run/x.sock", "/run/x.sock"},
	    {"//run///./v/././x.sock", "/run/v/x.sock"},
	    {"/run/../v/.x/..y", "/run/../v/.x/..y"},
	    {"/run/x/.", "/run/x/."},
	};
	static const char *bad[] = {"1.2.3.4", "1.2.3:80", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
	    "1.2.3.4:8 0", "[::1:80", "[::1]80", "host:80", "1.2.3.4:+80", "", ":", "::1"};
	struct sock_addr a;
	char buf[SOCK_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(sock_addr_parse(&a, good[i].in, true), 0);
		assert_string_equal(sock_addr_format(&a, buf, sizeof(buf)), good[i].out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sock_addr_parse(&a, bad[i], true), -1);
	assert_int_equal(sock_addr_parse(&a, "::1", false), 0);
	assert_int_equal(sock_addr_parse(&a, "1.2.3.4:70000", true), -1);
	assert_int_equal(errno, ERANGE);
}

static void
ranges(void **state)
{
	static const char *bad[] = {"1.2.3.4:80-", "1.2.3.4:-80", "1.2.3.4:80-79", "1.2.3.4-80",
	    "1.2.3.4:80-81-82", "1.2.3.4:80-65536", "1.2.3.4:0-9", "-", ":-"};
	struct sock_addr a;
	char buf[SOCK_ADDR_TEXT];
	uint16_t last;

	(void)state;
	assert_int_equal(sock_range_parse(&a, &last, "[::1]:8000-8010", true), 0);
	assert_int_equal(sock_addr_port(&a), 8000);
	assert_int_equal(last, 8010);
	assert_string_equal(sock_range_format(&a, last, buf, sizeof(buf)), "[::1]:8000-8010");
	assert_int_equal(sock_range_parse(&a, &last, "*:80", true), 0);
	assert_int_equal(last, 80);
	assert_string_equal(sock_range_format(&a, last, buf, sizeof(buf)), "0.0.0.0:80");
	assert_int_equal(sock_range_parse(&a, &last, "1.2.3.4", false), 0);
	assert_int_equal(last, 0);
	assert_int_equal(sock_range_parse(&a, &last, "/run/a:1-2", true), 0);
	assert_int_equal(a.family, AF_UNIX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sock_range_parse(&a, &last, bad[i], true), -1);
}

static void
networks(void **state)
{
	struct sock_net n;
	struct sock_addr a;

	(void)state;
	assert_int_equal(sock_net_parse(&n, "192.0.2.0/25"), 0);
	assert_int_equal(sock_addr_parse(&a, "192.0.2.127", false), 0);
	assert_true(sock_net_contains(&n, &a));
	assert_int_equal(sock_addr_parse(&a, "192.0.2.128", false), 0);
	assert_false(sock_net_contains(&n, &a));
	assert_int_equal(sock_addr_parse(&a, "::ffff:192.0.2.1", false), 0);
	assert_true(sock_net_contains(&n, &a));
	assert_int_equal(sock_net_parse(&n, "0.0.0.0/0"), 0);
	assert_int_equal(sock_net_parse(&n, "2001:db8::/33"), 0);
	assert_int_equal(sock_addr_parse(&a, "2001:db8:7fff::1", false), 0);
	assert_true(sock_net_contains(&n, &a));
	assert_int_equal(sock_addr_parse(&a, "2001:db8:8000::1", false), 0);
	assert_false(sock_net_contains(&n, &a));
	assert_int_equal(sock_net_parse(&n, "192.0.2.1/24"), -1);
	assert_int_equal(sock_net_parse(&n, "192.0.2.0/33"), -1);
	assert_int_equal(sock_net_parse(&n, "192.0.2.0/"), -1);
	assert_int_equal(sock_net_parse(&n, "192.0.2.0/ 1"), -1);
}

static void
slab_reuse(void **state)
{
	struct slab s;
	unsigned char *p[1000];

	(void)state;
	slab_init(&s, 200);
	for (int i = 0; i < 1000; i++) {
		p[i] = slab_new(&s);
		assert_non_null(p[i]);
		memset(p[i], i & 0xff, 200);
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(p[i][199], i & 0xff);
	slab_free(&s, p[5]);
	assert_ptr_equal(slab_new(&s), p[5]);
	assert_int_equal(s.used, 1000);
	slab_fini(&s);
}

static void
slab_bounds(void **state)
{
	struct slab s;

	(void)state;
	slab_init(&s, 65000);
	assert_non_null(slab_new(&s));
	slab_fini(&s);
	slab_init(&s, 65536); /* no room beside a block's head */
	errno = 0;
	assert_null(slab_new(&s));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(s.used, 0);
	slab_fini(&s);
}

struct tick {
	struct loop_timer t;
	int id;
};
static int order[512];
static int n_order;

static void
on_tick(struct loop_timer *t)
{
	order[n_order++] = ((struct tick *)(void *)t)->id;
}

static void
timers_fire_in_order(void **state)
{
	struct loop *l = loop_new();
	struct tick t[300];
	struct mono base;

	(void)state;
	assert_non_null(l);
	assert_int_equal(loop_timer_reserve(l, 300), 0);
	base = loop_now(l);
	n_order = 0;
	for (int i = 0; i < 300; i++) {
		t[i] = (struct tick){.t.cb = on_tick, .id = i};
		loop_timer_set(l, &t[i].t, mono_add_us(base, -1000 + (i * 7919) % 300));
	}
	for (int i = 0; i < 300; i += 3)
		loop_timer_del(l, &t[i].t);
	loop_timer_set(l, &t[1].t, mono_add_us(base, -5000));
	while (n_order < 200)
		assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(order[0], 1);
	for (int i = 2; i < 200; i++)
		assert_true((order[i - 1] * 7919) % 300 <= (order[i] * 7919) % 300);
	loop_free(l);
}

static struct loop *the_loop;
static struct loop_fd ea, eb;
static int calls;

static void
on_event(struct loop_fd *f, uint32_t events)
{
	(void)events;
	calls++;
	/* Whichever runs first takes the other away: its event, already fetched, must not run. */
	loop_fd_del(the_loop, f == &ea ? &eb : &ea);
}

static void
removed_descriptor_is_silent(void **state)
{
	int a = eventfd(1, EFD_NONBLOCK), b = eventfd(1, EFD_NONBLOCK);

	(void)state;
	the_loop = loop_new();
	ea.cb = eb.cb = on_event;
	assert_int_equal(loop_fd_add(the_loop, &ea, a, EPOLLIN), 0);
	assert_int_equal(loop_fd_add(the_loop, &eb, b, EPOLLIN), 0);
	calls = 0;
	assert_int_equal(loop_turn(the_loop, 0), 0);
	assert_int_equal(calls, 1);
	loop_free(the_loop);
	close(a);
	close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(ranges),
	    cmocka_unit_test(networks),
	    cmocka_unit_test(slab_reuse),
	    cmocka_unit_test(slab_bounds),
	    cmocka_unit_test(timers_fire_in_order),
	    cmocka_unit_test(removed_descriptor_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
