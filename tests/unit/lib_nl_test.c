/* SPDX-License-Identifier: ISC */
/* lib/nl: in a network namespace of its own, on lo and a dummy (or veth) link; parser on bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mono.h"
#include "lib/nl.h"

static struct nl nl, ev;
static uint32_t d0; /* index of the test's link; 0: none */

#define NEED_LINK()                                                                             \
	do {                                                                                    \
		if (d0 == 0) {                                                                  \
			print_message("no namespace or no dummy and no veth: not permitted\n"); \
			skip();                                                                 \
		}                                                                               \
	} while (0)

static int
setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) == -1)
		return 0;
	if (system("ip link set lo up && { ip link add d0 type dummy 2>/dev/null ||"
		   " ip link add d0 type veth peer name d1 && ip link set d1 up; } &&"
		   " ip link set d0 mtu 1400 address 02:00:00:00:00:07 up") != 0)
		return 0;
	if (nl_open(&nl) == -1 || nl_open_events(&ev) == -1)
		return -1;
	d0 = if_nametoindex("d0");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	nl_close(&nl);
	nl_close(&ev);
	nl_close(&ev);
	return nl_fd(&ev) == -1 ? 0 : -1;
}

static struct nl_addr
addr(const char *text, uint8_t prefix)
{
	struct nl_addr a = {.prefix = prefix, .ifindex = d0, .family = AF_INET};

	if (strchr(text, ':') != NULL)
		a.family = AF_INET6;
	assert_int_equal(inet_pton(a.family, text, a.addr), 1);
	return a;
}

struct found {
	struct nl_addr want, got;
	unsigned n, all;
};

static void
on_addr(const struct nl_addr *a, void *arg)
{
	struct found *f = arg;

	f->all++;
	if (a->family == f->want.family && memcmp(a->addr, f->want.addr, 16) == 0) {
		f->got = *a;
		f->n++;
	}
}

/* How often the address is there; f->got is as the kernel tells it. */
static unsigned
find(struct found *f, const struct nl_addr *a, uint8_t family, uint32_t ifindex)
{
	*f = (struct found){.want = *a};
	assert_int_equal(nl_addr_dump(&nl, family, ifindex, on_addr, f), 0);
	return f->n;
}

static void
links_on(const struct nl_link *l, void *arg)
{
	struct nl_link *found = arg;

	if (strcmp(l->name, found->name) == 0)
		*found = *l;
}

static void
links(void **state)
{
	struct nl_link l = {.name = "d0"}, lo = {.name = "lo"};

	(void)state;
	NEED_LINK();
	assert_int_equal(nl_link_dump(&nl, links_on, &l), 0);
	assert_int_equal(l.index, d0);
	assert_int_equal(l.mtu, 1400);
	assert_int_equal(l.type, ARPHRD_ETHER);
	assert_int_equal(l.mac_len, 6);
	assert_memory_equal(l.mac, "\x02\0\0\0\0\x07", 6);
	assert_true(l.flags & IFF_UP);
	/* The kernel says so a moment later. */
	for (int i = 0; i < 200 && !nl_link_is_running(&l); i++) {
		poll(NULL, 0, 10);
		assert_int_equal(nl_link_dump(&nl, links_on, &l), 0);
	}
	assert_true(nl_link_is_running(&l));
	assert_int_equal(nl_link_dump(&nl, links_on, &lo), 0);
	assert_int_equal(lo.index, 1);
	assert_int_equal(lo.type, ARPHRD_LOOPBACK);
	l.flags &= ~(uint32_t)IFF_RUNNING;
	assert_false(nl_link_is_running(&l));
}

static void
ipv4(void **state)
{
	struct nl_addr a = addr("172.31.0.100", 24), b;
	struct found f;

	(void)state;
	NEED_LINK();
	a.scope = RT_SCOPE_LINK;
	a.proto = 112;
	a.metric = 4000;
	memcpy(a.broadcast, "\xac\x1f\x00\xff", 4);
	snprintf(a.label, sizeof(a.label), "d0:vip");
	assert_int_equal(nl_addr_add(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET, d0), 1);
	assert_int_equal(f.got.prefix, 24);
	assert_int_equal(f.got.scope, RT_SCOPE_LINK);
	assert_int_equal(f.got.ifindex, d0);
	assert_int_equal(f.got.metric, 4000);
	assert_memory_equal(f.got.broadcast, a.broadcast, 4);
	assert_string_equal(f.got.label, "d0:vip");
	assert_int_equal(f.got.valid_s, NL_FOREVER);
	assert_memory_equal(f.got.peer, (uint8_t[16]){0}, 16);
	assert_true(f.got.proto == 112 || f.got.proto == 0);
	/* Twice: a refusal that says what it is, and no second address. */
	assert_int_equal(nl_addr_add(&nl, &a), -1);
	assert_int_equal(errno, EEXIST);
	/* Changed in place. */
	a.preferred_s = 0;
	a.valid_s = 500;
	assert_int_equal(nl_addr_replace(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_UNSPEC, 0), 1);
	assert_in_range(f.got.valid_s, 498, 500);
	assert_int_equal(f.got.preferred_s, 0);
	assert_true(f.got.flags & IFA_F_DEPRECATED);
	assert_string_equal(f.got.label, "d0:vip");
	/* Only on its link and in its family. */
	assert_int_equal(find(&f, &a, AF_INET, 1), 0);
	assert_true(f.all >= 1);
	assert_int_equal(find(&f, &a, AF_INET6, d0), 0);
	/* Another prefix is another address. */
	b = a;
	b.prefix = 25;
	assert_int_equal(nl_addr_del(&nl, &b), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_int_equal(nl_addr_del(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET, 0), 0);
	assert_int_equal(nl_addr_del(&nl, &a), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	/* With a peer. */
	a = addr("172.31.0.100", 32);
	memcpy(a.peer, "\xac\x1f\x00\x01", 4);
	assert_int_equal(nl_addr_add(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET, d0), 1);
	assert_memory_equal(f.got.peer, a.peer, 16);
	assert_int_equal(nl_addr_del(&nl, &f.got), 0);
	/* Nonsense. */
	a.ifindex = 4711;
	assert_int_equal(nl_addr_add(&nl, &a), -1);
	assert_int_equal(errno, ENODEV);
	a = addr("172.31.0.100", 33);
	assert_int_equal(nl_addr_add(&nl, &a), -1);
	assert_int_equal(errno, EINVAL);
}

static void
ipv6(void **state)
{
	struct nl_addr a = addr("2001:db8::100", 64);
	struct found f;

	(void)state;
	NEED_LINK();
	a.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
	a.proto = 112;
	a.valid_s = 300;
	a.preferred_s = 200;
	assert_int_equal(nl_addr_add(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET6, d0), 1);
	assert_true(f.got.flags & IFA_F_NODAD);
	assert_true(f.got.flags & IFA_F_NOPREFIXROUTE);
	assert_false(f.got.flags & IFA_F_TENTATIVE);
	assert_int_equal(f.got.prefix, 64);
	assert_in_range(f.got.valid_s, 298, 300);
	assert_in_range(f.got.preferred_s, 198, 200);
	assert_int_equal(nl_addr_add(&nl, &a), -1);
	assert_int_equal(errno, EEXIST);
	a.valid_s = a.preferred_s = NL_FOREVER;
	assert_int_equal(nl_addr_replace(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET6, 0), 1);
	assert_int_equal(f.got.valid_s, NL_FOREVER);
	assert_int_equal(nl_addr_del(&nl, &a), 0);
	assert_int_equal(find(&f, &a, AF_INET6, 0), 0);
}

struct seen {
	enum nl_event_kind kind;
	const struct nl_addr *addr; /* NULL: a link */
	bool (*is)(const struct nl_link *);
	unsigned n;
};

static void
on_event(const struct nl_event *e, void *arg)
{
	struct seen *s = arg;

	if (e->kind != s->kind)
		return;
	if (s->addr != NULL)
		s->n += e->addr.family == s->addr->family &&
			memcmp(e->addr.addr, s->addr->addr, 16) == 0 &&
			e->addr.ifindex == s->addr->ifindex && e->addr.prefix == s->addr->prefix;
	else
		s->n += e->link.index == d0 && (s->is == NULL || s->is(&e->link));
}

/* Reads events until the wished one came, at most ms. */
static bool
wait_event(struct seen s, int ms)
{
	struct mono end = mono_add_ms(mono_now(), ms);
	struct pollfd p = {.fd = nl_fd(&ev), .events = POLLIN};

	while (s.n == 0 && mono_before(mono_now(), end)) {
		poll(&p, 1, 50);
		assert_int_equal(nl_events_read(&ev, on_event, &s), 0);
	}
	return s.n > 0;
}

static void
drain(void)
{
	struct seen s = {.kind = NL_EVENT_LINK_GONE};

	assert_int_equal(nl_events_read(&ev, on_event, &s), 0);
}

static void
addr_events(void **state)
{
	struct nl_addr a = addr("172.31.0.101", 32), six = addr("2001:db8::101", 128);

	(void)state;
	NEED_LINK();
	drain();
	six.flags = IFA_F_NODAD;
	assert_int_equal(nl_addr_add(&nl, &a), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_ADDR_NEW, .addr = &a}, 1000));
	assert_int_equal(nl_addr_add(&nl, &six), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_ADDR_NEW, .addr = &six}, 1000));
	assert_int_equal(nl_addr_del(&nl, &six), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_ADDR_GONE, .addr = &six}, 1000));
	assert_int_equal(nl_addr_del(&nl, &a), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_ADDR_GONE, .addr = &a}, 1000));
}

/* What the loss of all processes rests on: the kernel takes away an address nobody refreshes, and
 * leaves one that is refreshed. */
static void
kernel_lifetime(void **state)
{
	struct nl_addr a = addr("172.31.0.102", 32), kept = addr("172.31.0.103", 32);
	struct found f;

	(void)state;
	NEED_LINK();
	a.valid_s = a.preferred_s = 1;
	kept.valid_s = kept.preferred_s = 1;
	assert_int_equal(nl_addr_add(&nl, &a), 0);
	assert_int_equal(nl_addr_add(&nl, &kept), 0);
	kept.valid_s = kept.preferred_s = 600;
	assert_int_equal(nl_addr_replace(&nl, &kept), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_ADDR_GONE, .addr = &a}, 5000));
	assert_int_equal(find(&f, &a, AF_INET, d0), 0);
	assert_int_equal(find(&f, &kept, AF_INET, d0), 1);
	assert_int_equal(nl_addr_del(&nl, &kept), 0);
}

static bool
is_down(const struct nl_link *l)
{
	return !nl_link_is_running(l);
}

/* Last of those that need the link: takes it away. */
static void
link_events(void **state)
{
	(void)state;
	NEED_LINK();
	drain();
	assert_int_equal(system("ip link set d0 down"), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_LINK_NEW, .is = is_down}, 1000));
	assert_int_equal(system("ip link set d0 up"), 0);
	assert_true(
	    wait_event((struct seen){.kind = NL_EVENT_LINK_NEW, .is = nl_link_is_running}, 1000));
	/* Taking it out of a bridge is no loss of the link, though the kernel says DELLINK. */
	if (system("ip link add b0 type bridge 2>/dev/null") == 0) {
		assert_int_equal(system("ip link set d0 master b0"), 0);
		drain();
		assert_int_equal(system("ip link set d0 nomaster"), 0);
		assert_false(wait_event((struct seen){.kind = NL_EVENT_LINK_GONE}, 200));
	}
	assert_int_equal(system("ip link del d0"), 0);
	assert_true(wait_event((struct seen){.kind = NL_EVENT_LINK_GONE}, 1000));
}

static void
overrun_on(const struct nl_event *e, void *arg)
{
	*(unsigned *)arg += e->kind == NL_EVENT_OVERRUN;
}

static void
overrun(void **state)
{
	unsigned n = 0;
	struct nl_addr a = addr("127.0.0.2", 8);

	(void)state;
	NEED_LINK();
	a.ifindex = 1;
	/* lo's own address in this network has scope host; newer kernels say so in words. */
	assert_int_equal(nl_addr_add(&nl, &a), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(nl.error[0] == '\0' || strstr(nl.error, "scope") != NULL);
	print_message("kernel: %s\n", nl.error);
	a.scope = RT_SCOPE_HOST;
	assert_int_equal(setsockopt(nl_fd(&ev), SOL_SOCKET, SO_RCVBUF, &(int){1}, sizeof(int)), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(nl_addr_add(&nl, &a), 0);
		assert_int_equal(nl_addr_del(&nl, &a), 0);
	}
	assert_int_equal(nl_events_read(&ev, overrun_on, &n), 0);
	assert_true(n >= 1);
}

/* Any bytes: no read past the message (a sanitizer looks), no false length. */
static void
parser(void **state)
{
	uint64_t x = 0x5eed;
	unsigned good = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes[96];
		size_t len;
		struct nlmsghdr *h;
		struct nl_event e;

		for (size_t k = 0; k < sizeof(bytes); k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[k] = (uint8_t)(x >> 32) & ((x >> 20) & 3 ? 0x0f : 0xff);
		}
		len = sizeof(*h) + x % (sizeof(bytes) - sizeof(*h) + 1);
		h = malloc(len);
		assert_non_null(h);
		memcpy(h, bytes, len);
		h->nlmsg_len = (uint32_t)len;
		h->nlmsg_type = (uint16_t)((x >> 8) & 1 ? RTM_NEWLINK + ((x >> 9) & 1)
							: RTM_NEWADDR + ((x >> 9) & 1));
		if (len > sizeof(*h))
			((uint8_t *)h)[sizeof(*h)] = (uint8_t)((x >> 8) & 1    ? AF_UNSPEC
							       : (x >> 10) & 1 ? AF_INET
									       : AF_INET6);
		if (nl_event_parse(h, &e)) {
			good++;
			if (e.kind <= NL_EVENT_LINK_GONE)
				assert_true(strnlen(e.link.name, IF_NAMESIZE) < IF_NAMESIZE &&
					    e.link.mac_len <= NL_MAC_MAX);
			else
				assert_true(strnlen(e.addr.label, IF_NAMESIZE) < IF_NAMESIZE);
		}
		free(h);
	}
	assert_true(good > 50000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(links),
	    cmocka_unit_test(ipv4),
	    cmocka_unit_test(ipv6),
	    cmocka_unit_test(addr_events),
	    cmocka_unit_test(kernel_lifetime),
	    cmocka_unit_test(link_events),
	    cmocka_unit_test(overrun),
	    cmocka_unit_test(parser),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
