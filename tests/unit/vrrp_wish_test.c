/* SPDX-License-Identifier: ISC */
/* vrrp/wish and vrrp/mirror: what is asked of the kernel in which order, and what is known of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/mirror.h"
#include "vrrp/wish.h"

static struct wishes w;
static struct wish_job j;

static struct nl_addr
addr(uint8_t last)
{
	return (struct nl_addr){.family = AF_INET,
	    .prefix = 32,
	    .ifindex = 2,
	    .addr = {192, 0, 2, last},
	    .valid_s = 10};
}

static int
begin(void **state)
{
	(void)state;
	w = (struct wishes){0};
	return 0;
}

#define NEXT(want_, last)                                           \
	do {                                                        \
		assert_true(wish_next(&w, &j));                     \
		assert_int_equal(j.want, want_);                    \
		assert_int_equal(j.a.addr[3], last);                \
		assert_false(wish_next(&w, &(struct wish_job){0})); \
	} while (0)
#define NOTHING() assert_false(wish_next(&w, &j))

static void
refreshes_become_one(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(wish_set(&w, &a, 0, WISH_REFRESH), 0);
	NEXT(WISH_SET, 1);
	assert_int_equal(wish_open(&w, 0), 1);
	/* Those that come while it is under way are one more. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(wish_set(&w, &a, 0, WISH_REFRESH), 0);
	NOTHING();
	wish_done(&w);
	assert_int_equal(wish_open(&w, 0), 1);
	NEXT(WISH_SET, 1);
	wish_done(&w);
	NOTHING();
	assert_int_equal(wish_open(&w, 0), 0);
	assert_int_equal(w.n, 0);
}

static void
removal_forgets_what_was_wanted(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	wish_set(&w, &a, 0, WISH_CLAIM);
	wish_remove(&w, &a, 0);
	NEXT(WISH_REMOVE, 1);
	wish_done(&w);
	NOTHING();
	/* And the other way round: it stays. */
	wish_remove(&w, &a, 0);
	wish_set(&w, &a, 0, WISH_CLAIM);
	NEXT(WISH_SET, 1);
	wish_done(&w);
	NOTHING();
}

static void
removal_comes_after_what_was_begun(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	wish_set(&w, &a, 0, WISH_REFRESH);
	NEXT(WISH_SET, 1);
	wish_remove(&w, &a, 0);
	NOTHING();
	assert_int_equal(wish_of(&w, &a), WISH_REMOVE);
	wish_done(&w);
	assert_int_equal(wish_open(&w, 0), 1);
	NEXT(WISH_REMOVE, 1);
	wish_done(&w);
	assert_int_equal(wish_open(&w, 0), 0);
}

static void
urgent_ones_first(void **state)
{
	struct nl_addr a[6];

	(void)state;
	for (uint8_t i = 0; i < 6; i++)
		a[i] = addr(i);
	wish_set(&w, &a[0], 0, WISH_REFRESH);
	wish_set(&w, &a[1], 0, WISH_REFRESH);
	wish_set(&w, &a[2], 1, WISH_CLAIM);
	wish_set(&w, &a[3], 1, WISH_CLAIM);
	wish_remove(&w, &a[4], 2);
	wish_remove(&w, &a[5], 2);
	wish_set(&w, &a[2], 1, WISH_REFRESH); /* still a claim, and in its place */
	static const uint8_t want[] = {4, 5, 2, 3, 0, 1};
	for (size_t i = 0; i < sizeof(want); i++) {
		assert_true(wish_next(&w, &j));
		assert_int_equal(j.a.addr[3], want[i]);
		if (want[i] == 2)
			assert_int_equal(j.cause, WISH_CLAIM);
		wish_done(&w);
	}
	NOTHING();
}

static void
another_router_takes_it_over(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	wish_remove(&w, &a, 0);
	wish_set(&w, &a, 1, WISH_CLAIM);
	assert_int_equal(wish_open(&w, 0), 0);
	NEXT(WISH_SET, 1);
	assert_int_equal(j.slot, 1);
	/* Under way for one, wanted by the other: both wait. */
	wish_remove(&w, &a, 2);
	assert_int_equal(wish_open(&w, 1), 1);
	assert_int_equal(wish_open(&w, 2), 1);
	wish_done(&w);
	assert_int_equal(wish_open(&w, 1), 0);
	assert_int_equal(wish_open(&w, 2), 1);
}

static void
too_many(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	for (unsigned i = 0; i < WISH_MAX; i++) {
		a.ifindex = i + 1;
		assert_int_equal(wish_set(&w, &a, 0, WISH_CLAIM), 0);
	}
	a.ifindex = WISH_MAX + 1;
	assert_int_equal(wish_set(&w, &a, 0, WISH_CLAIM), -1);
	assert_int_equal(wish_remove(&w, &a, 0), -1);
	a.ifindex = 7;
	assert_int_equal(wish_remove(&w, &a, 0), 0);
	assert_int_equal(wish_open(&w, 0), WISH_MAX);
}

/* Random wishes and answers against a kernel that obeys: in the end each address is as it was
 * wished last, and no request for an address was made while another was under way. */
static void
in_the_end_the_last_wish(void **state)
{
	enum { N = 5 };
	unsigned seed = 1;

	(void)state;
	for (unsigned run = 0; run < 2000; run++) {
		enum wish_want last[N] = {0}, kernel[N] = {0};
		bool under_way = false;

		w = (struct wishes){0};
		for (unsigned step = 0; step < 60 || w.n > 0; step++) {
			unsigned dice = (unsigned)rand_r(&seed);
			uint8_t i = (uint8_t)(dice / 8 % N);
			struct nl_addr a = addr(i);

			if (step < 60 && dice % 8 < 4) {
				last[i] = dice % 8 < 2 ? WISH_SET : WISH_REMOVE;
				if (last[i] == WISH_SET)
					wish_set(&w, &a, i, dice / 64 % 4);
				else
					wish_remove(&w, &a, i);
			} else if (under_way) {
				kernel[j.a.addr[3]] = j.want;
				wish_done(&w);
				under_way = false;
			} else {
				under_way = wish_next(&w, &j);
			}
		}
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(kernel[i], last[i]);
	}
}

/* ---- mirror ---------------------------------------------------------------- */

static struct mirror m;
static struct snapshot s;

static void
told(enum nl_event_kind kind, struct nl_addr a)
{
	mirror_event(&m, &(struct nl_event){.kind = kind, .addr = a});
}

static void
link_told(enum nl_event_kind kind, uint32_t index, const char *name)
{
	struct nl_event e = {.kind = kind, .link = {.index = index}};

	snprintf(e.link.name, sizeof(e.link.name), "%s", name);
	mirror_event(&m, &e);
}

/* A dump with these addresses and link 2. */
static int
dumped(const struct nl_addr *a, size_t n)
{
	s.n_links = 1;
	s.links[0] = (struct nl_link){.index = 2, .name = "eth0"};
	s.n_addrs = n;
	for (size_t i = 0; i < n && i < s.cap_addrs; i++)
		s.addrs[i] = a[i];
	return mirror_take(&m, &s, true);
}

static bool
there(uint8_t last)
{
	struct nl_addr a = addr(last);
	struct ip ip = ip_make(AF_INET, a.addr);

	return mirror_link_of(&m, &ip) == 2;
}

static int
mirror_begin(void **state)
{
	(void)state;
	mirror_fini(&m);
	free(s.links);
	free(s.addrs);
	s = (struct snapshot){0};
	assert_int_equal(mirror_ask(&m, &s), 0);
	return dumped((struct nl_addr[]){addr(1), addr(2)}, 2);
}

static void
events_are_followed(void **state)
{
	(void)state;
	assert_true(there(1) && there(2) && !there(3));
	told(NL_EVENT_ADDR_NEW, addr(3));
	told(NL_EVENT_ADDR_NEW, addr(3)); /* again: changed */
	told(NL_EVENT_ADDR_GONE, addr(1));
	told(NL_EVENT_ADDR_GONE, addr(9));
	assert_true(!there(1) && there(2) && there(3));
	assert_int_equal(m.n_addrs, 2);
	link_told(NL_EVENT_LINK_NEW, 2, "lan0");
	assert_null(mirror_link(&m, "eth0"));
	assert_int_equal(mirror_link(&m, "lan0")->index, 2);
	link_told(NL_EVENT_LINK_GONE, 2, "lan0");
	assert_null(mirror_link_index(&m, 2));
	assert_int_equal(m.n_addrs, 0);
	assert_false(m.stale);
}

static void
events_are_newer_than_the_dump(void **state)
{
	struct nl_addr changed = addr(2);

	(void)state;
	mirror_event(&m, &(struct nl_event){.kind = NL_EVENT_OVERRUN});
	assert_true(m.stale);
	assert_int_equal(mirror_ask(&m, &s), 0);
	assert_false(m.stale);
	/* While it is made: 1 goes, 2 changes, 4 comes, 5 comes and goes. */
	changed.flags = IFA_F_TENTATIVE;
	told(NL_EVENT_ADDR_GONE, addr(1));
	told(NL_EVENT_ADDR_NEW, changed);
	told(NL_EVENT_ADDR_NEW, addr(4));
	told(NL_EVENT_ADDR_NEW, addr(5));
	told(NL_EVENT_ADDR_GONE, addr(5));
	/* It was made before 1 went and before 4 came, and saw 5, and 3, whose event was lost. */
	assert_int_equal(dumped((struct nl_addr[]){addr(1), addr(2), addr(3), addr(5)}, 4), 0);
	assert_true(!there(1) && there(2) && there(3) && there(4) && !there(5));
	assert_int_equal(m.n_addrs, 3);
	assert_int_equal(m.addrs[0].a.flags, IFA_F_TENTATIVE);
	/* The next one is believed: 3 and 4 went unheard. */
	assert_int_equal(mirror_ask(&m, &s), 0);
	assert_int_equal(dumped((struct nl_addr[]){addr(2)}, 1), 0);
	assert_true(there(2) && !there(3) && !there(4));
}

static void
a_link_goes_while_it_is_made(void **state)
{
	(void)state;
	assert_int_equal(mirror_ask(&m, &s), 0);
	link_told(NL_EVENT_LINK_GONE, 2, "eth0");
	assert_int_equal(dumped((struct nl_addr[]){addr(1)}, 1), 0);
	assert_null(mirror_link(&m, "eth0"));
	assert_int_equal(m.n_addrs, 0);
}

static void
dumps_that_are_of_no_use(void **state)
{
	struct nl_addr a = addr(1);

	(void)state;
	/* More than there is room for: the next one has it. */
	assert_int_equal(mirror_ask(&m, &s), 0);
	assert_int_equal(dumped(&a, 0), 0);
	assert_int_equal(mirror_ask(&m, &s), 0);
	s.n_addrs = 1000;
	assert_int_equal(mirror_take(&m, &s, true), -1);
	assert_true(m.stale);
	assert_int_equal(mirror_ask(&m, &s), 0);
	assert_true(s.cap_addrs > 1000);
	/* Failed. */
	assert_int_equal(mirror_take(&m, &s, false), -1);
	assert_true(m.stale);
	/* More went meanwhile than can be remembered. */
	assert_int_equal(mirror_ask(&m, &s), 0);
	for (int i = 0; i < MIRROR_GONE_MAX + 1; i++)
		told(NL_EVENT_ADDR_GONE, addr(9));
	assert_int_equal(dumped(&a, 1), -1);
	assert_true(m.stale);
	/* Events lost while it was made: it is believed, and another wanted. */
	assert_int_equal(mirror_ask(&m, &s), 0);
	mirror_event(&m, &(struct nl_event){.kind = NL_EVENT_OVERRUN});
	assert_int_equal(dumped(&a, 1), 0);
	assert_true(m.stale && there(1));
}

static void
whom_a_router_sends_from(void **state)
{
	struct plan_addr own = {.ip = ip_make4(192, 0, 2, 1)};
	struct plan p = {.family = AF_INET, .n_addrs = 1, .addrs = &own};
	struct nl_addr a = addr(3);
	struct ip ip;

	(void)state;
	assert_true(mirror_primary(&m, 2, &p, &ip));
	assert_int_equal(ip.b[3], 2);
	assert_false(mirror_primary(&m, 3, &p, &ip));
	/* A virtual one that another router has, a secondary, one of the host only: last. */
	a.proto = MIRROR_MARK;
	told(NL_EVENT_ADDR_GONE, addr(2));
	told(NL_EVENT_ADDR_NEW, a);
	assert_true(mirror_primary(&m, 2, &p, &ip));
	assert_int_equal(ip.b[3], 3);
	a = addr(4);
	a.flags = IFA_F_SECONDARY;
	told(NL_EVENT_ADDR_NEW, a);
	assert_true(mirror_primary(&m, 2, &p, &ip));
	assert_int_equal(ip.b[3], 4);
	a = addr(5);
	a.scope = RT_SCOPE_HOST;
	told(NL_EVENT_ADDR_NEW, a);
	assert_true(mirror_primary(&m, 2, &p, &ip));
	assert_int_equal(ip.b[3], 5);
	told(NL_EVENT_ADDR_NEW, addr(6));
	assert_true(mirror_primary(&m, 2, &p, &ip));
	assert_int_equal(ip.b[3], 6);
	/* Ours, by the mark, and by a lifetime where the kernel keeps no marks; an operator's is
	 * not. */
	ip = ip_make4(192, 0, 2, 3);
	assert_non_null(mirror_marked(&m, &ip, 32, 2));
	assert_null(mirror_marked(&m, &ip, 24, 2));
	assert_null(mirror_marked(&m, &ip, 32, 3));
	a = addr(7);
	a.valid_s = NL_FOREVER;
	told(NL_EVENT_ADDR_NEW, a);
	ip.b[3] = 7;
	assert_null(mirror_marked(&m, &ip, 0, 0));
}

static int
mirror_end(void **state)
{
	(void)state;
	mirror_fini(&m);
	free(s.links);
	free(s.addrs);
	return 0;
}

#define WISH(f)   cmocka_unit_test_setup(f, begin)
#define MIRROR(f) cmocka_unit_test_setup(f, mirror_begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {WISH(refreshes_become_one),
	    WISH(removal_forgets_what_was_wanted), WISH(removal_comes_after_what_was_begun),
	    WISH(urgent_ones_first), WISH(another_router_takes_it_over), WISH(too_many),
	    WISH(in_the_end_the_last_wish), MIRROR(events_are_followed),
	    MIRROR(events_are_newer_than_the_dump), MIRROR(a_link_goes_while_it_is_made),
	    MIRROR(dumps_that_are_of_no_use), MIRROR(whom_a_router_sends_from)};

	return cmocka_run_group_tests(tests, NULL, mirror_end);
}
