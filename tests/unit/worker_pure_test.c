/* SPDX-License-Identifier: ISC */
/* worker: the decisions, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/accept.h"
#include "worker/admit.h"
#include "worker/connect.h"
#include "worker/least.h"
#include "worker/listen.h"
#include "worker/pipe.h"
#include "worker/relay.h"

static void
retry_decision(void **state)
{
	(void)state;
	assert_int_equal(connect_decide(1, 3, true), CONNECT_OTHER);
	assert_int_equal(connect_decide(3, 3, true), CONNECT_OTHER);
	assert_int_equal(connect_decide(4, 3, true), CONNECT_GIVE_UP);
	assert_int_equal(connect_decide(1, 3, false), CONNECT_SAME);
	assert_int_equal(connect_decide(1, 0, true), CONNECT_GIVE_UP);
	assert_int_equal(connect_pause_ms(5000), 1000);
	assert_int_equal(connect_pause_ms(300), 300);
	assert_int_equal(connect_pause_ms(0), 1000);
}

static void
three_failures_leave_a_server_out(void **state)
{
	struct worker_srv v = {0};
	struct mono now = {5000000000};

	(void)state;
	connect_note_failure(&v, now);
	connect_note_failure(&v, now);
	assert_false(mono_before(now, v.out_until));
	connect_note_failure(&v, now);
	assert_int_equal(mono_diff_ms(v.out_until, now), 1000);
	/* And for another second with each further one. */
	connect_note_failure(&v, mono_add_ms(now, 1500));
	assert_int_equal(mono_diff_ms(v.out_until, now), 2500);
}

static void
share_of_a_common_queue(void **state)
{
	(void)state;
	assert_true(listen_share(0, 0, 2));
	assert_true(listen_share(8, 8, 2));    /* mean 4: up to 12 */
	assert_true(listen_share(12, 24, 2));  /* mean 12: 12 + 1 + 8 */
	assert_false(listen_share(14, 14, 4)); /* mean 3: up to 11 */
	assert_true(listen_share(1133, 2000, 2));
	assert_false(listen_share(1134, 2000, 2));
	assert_true(listen_share(5, 5, 0));
	/* Somebody may always: not all are above the mean. */
	for (uint32_t n = 1; n < 1000; n++)
		assert_true(listen_share(n, n * 3, 3));
}

static void
load_for_a_weight(void **state)
{
	(void)state;
	assert_int_equal(least_compare(1, 1, 2, 1), -1);
	assert_int_equal(least_compare(3, 1, 6, 2), 0);
	assert_int_equal(least_compare(7, 2, 3, 1), 1);
	assert_int_equal(least_compare(1, 0, 4000000000u, 1), 1); /* weight 0: never */
	assert_int_equal(least_compare(4000000000u, 1, 1, 0), -1);
	assert_int_equal(least_compare(1, 0, 2, 0), 0);
	/* No overflow. */
	assert_int_equal(least_compare(4000000000u, 65536, 4000000001u, 65536), -1);
}

static void
batches(void **state)
{
	unsigned b = 1;

	(void)state;
	assert_int_equal(accept_next_batch(1, 1, false), 1);
	for (int i = 0; i < 10; i++)
		b = accept_next_batch(b, b, true);
	assert_int_equal(b, ACCEPT_BATCH);
	assert_int_equal(accept_next_batch(64, 10, true), 10);
	assert_int_equal(accept_next_batch(8, 0, true), 1);
}

static void
pipes_within_a_budget(void **state)
{
	const uint64_t mib = 1 << 20;
	uint64_t left = 16 * mib;
	unsigned huge = 0, big = 0, small = 0;
	uint32_t n;

	(void)state;
	while ((n = pipe_next_size(left, 16 * mib)) != 0) {
		assert_true(n <= left);
		left -= n;
		if (n == PIPE_HUGE)
			huge++;
		else if (n == PIPE_BIG)
			big++;
		else
			small++;
	}
	assert_int_equal(huge, 8);   /* half */
	assert_int_equal(big, 16);   /* a quarter */
	assert_int_equal(small, 64); /* the last one */
	assert_int_equal(left, 0);
	assert_int_equal(pipe_next_size(PIPE_SMALL - 1, 16 * mib), 0);
}

static void
splice_decision(void **state)
{
	(void)state;
	assert_int_equal(relay_mode_of(0, false), RELAY_COPY);
	assert_int_equal(relay_mode_of(1, true), RELAY_COPY);
	assert_int_equal(relay_mode_of(2, true), RELAY_SPLICE_ON);
	assert_int_equal(relay_mode_of(2, false), RELAY_COPY_BIG);
	/* Large moves while few stream. */
	assert_int_equal(relay_budget(0), RELAY_BUDGET);
	assert_int_equal(relay_budget(RELAY_TURN - 1), RELAY_BUDGET);
	assert_int_equal(relay_budget(RELAY_TURN), RELAY_SHARE);
}

static void
networks_of_a_file(void **state)
{
	static const char text[] = "# ours\n192.0.2.0/24\n\n  2001:db8::/32  # docs\n198.51.100.7";
	static const char bad[] = "192.0.2.0/24\n192.0.2.1/33\n";
	struct sock_net *nets;
	unsigned line;

	(void)state;
	assert_int_equal(gen_parse_nets(text, sizeof(text) - 1, &nets, &line), 3);
	assert_int_equal(nets[0].prefix, 24);
	assert_int_equal(nets[1].family, AF_INET6);
	assert_int_equal(nets[2].prefix, 32);
	free(nets);
	assert_int_equal(gen_parse_nets(bad, sizeof(bad) - 1, &nets, &line), -1);
	assert_int_equal(line, 2);
	assert_int_equal(gen_parse_nets("", 0, &nets, &line), 0);
	free(nets);
}

static void
first_match_decides(void **state)
{
	struct sock_net lan, host, all;
	struct gen_access a[3] = {
	    {CONF_DENY, 1, &host, NULL}, {CONF_ALLOW, 1, &lan, NULL}, {CONF_DENY, 1, &all, NULL}};
	struct gen_frontend fe = {.n_access = 3, .access = a};
	struct sock_addr p;

	(void)state;
	assert_int_equal(sock_net_parse(&host, "192.0.2.9"), 0);
	assert_int_equal(sock_net_parse(&lan, "192.0.2.0/24"), 0);
	assert_int_equal(sock_net_parse(&all, "0.0.0.0/0"), 0);
	assert_int_equal(sock_addr_parse(&p, "192.0.2.9:1", true), 0);
	assert_false(admit_access(&fe, &p));
	assert_int_equal(sock_addr_parse(&p, "192.0.2.8:1", true), 0);
	assert_true(admit_access(&fe, &p));
	assert_int_equal(sock_addr_parse(&p, "198.51.100.1:1", true), 0);
	assert_false(admit_access(&fe, &p));
	fe.n_access = 2; /* in none: let in */
	assert_true(admit_access(&fe, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(retry_decision),
	    cmocka_unit_test(three_failures_leave_a_server_out),
	    cmocka_unit_test(share_of_a_common_queue),
	    cmocka_unit_test(load_for_a_weight),
	    cmocka_unit_test(batches),
	    cmocka_unit_test(pipes_within_a_budget),
	    cmocka_unit_test(splice_decision),
	    cmocka_unit_test(networks_of_a_file),
	    cmocka_unit_test(first_match_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
