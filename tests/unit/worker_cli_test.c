/* SPDX-License-Identifier: ISC */
/* worker: the control socket's protocol, over socket pairs and a real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/fixture.h"
#include "worker/cli.h"

#define V VIPD_VERSION "\n\n" /* the answer to "show version" */

static struct shm seg;
static unsigned closed;
static int client;

static void
on_closed(void *ctx)
{
	(void)ctx;
	closed++;
}

static struct cli cli = {.shm = &seg, .closed = on_closed};

static void
open_conn(enum command_level level, int64_t timeout_ms)
{
	int sv[2];

	closed = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	client = sv[0];
	assert_int_equal(cli_open(&cli, sv[1], "t", level, timeout_ms), 0);
}

static void
say_n(const char *text, size_t len)
{
	assert_int_equal(send(client, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
say(const char *text)
{
	say_n(text, strlen(text));
}

/* What the client gets until two turns without anything new; *end: and then the end. */
static char *
hear(bool *end)
{
	static char got[4 << 20];
	size_t len = 0;

	*end = false;
	for (int idle = 0; idle < 2;) {
		ssize_t n;

		loop_turn(cli.loop, idle == 0 ? 0 : 5);
		n = recv(client, got + len, sizeof(got) - 1 - len, 0);
		if (n > 0) {
			len += (size_t)n;
			idle = 0;
		} else if (n == 0) {
			*end = true;
			break;
		} else {
			idle++;
		}
	}
	got[len] = '\0';
	return got;
}

static void
hang_up(void)
{
	close(client);
	for (int i = 0; i < 100 && closed == 0; i++)
		loop_turn(cli.loop, 100);
	assert_int_equal(closed, 1);
}

/* One line on a connection of its own, which must then be closed by us. */
static void
line(const char *text, const char *answer)
{
	bool end;

	open_conn(COMMAND_OPERATOR, 10000);
	say(text);
	assert_string_equal(hear(&end), answer);
	assert_true(end);
	hang_up();
}

static void
one_line_then_the_end(void **state)
{
	(void)state;
	line("show version\n", V);
	line("show version\r\n", V);
	line("show version; show cli level;;show backend\n", V "operator\n\n\n# name\nbe\nweb\n\n");
	line("\n", "\n");
	/* the second line is not read, and no error hides the answer */
	line("show version\nshow version\n", V);
	line("show  sess\t99 ;show version\n", "Session not found.\n\n" V);
	line("show servers state a\\;b\n", "Can't find backend.\n\n");
	line("quit;show version\n", "");
}

static void
half_closed_clients_are_answered(void **state)
{
	bool end;

	(void)state;
	open_conn(COMMAND_OPERATOR, 10000);
	say("show version");
	shutdown(client, SHUT_WR);
	assert_string_equal(hear(&end), V);
	assert_true(end);
	hang_up();
	open_conn(COMMAND_OPERATOR, 10000);
	shutdown(client, SHUT_WR);
	assert_string_equal(hear(&end), "");
	assert_true(end);
	hang_up();
}

static void
prompt_goes_on(void **state)
{
	bool end;

	(void)state;
	open_conn(COMMAND_OPERATOR, 10000);
	say("prompt\n");
	assert_string_equal(hear(&end), "\n> ");
	say("show version\nsho");
	assert_string_equal(hear(&end), V "> ");
	say("w cli level\nshow version;quit\nshow version\n");
	assert_string_equal(hear(&end), "operator\n\n> " V "> ");
	assert_true(end);
	hang_up();
	open_conn(COMMAND_OPERATOR, 10000);
	say("prompt;show version\n");
	assert_string_equal(hear(&end), "\n> " V "> ");
	say("prompt\n");
	assert_string_equal(hear(&end), "\n");
	assert_true(end);
	hang_up();
}

static void
too_much_is_refused(void **state)
{
	static char much[CLI_LINE];
	bool end;

	(void)state;
	memset(much, 'a', sizeof(much));
	open_conn(COMMAND_OPERATOR, 10000);
	say_n(much, sizeof(much));
	assert_string_equal(hear(&end), "Command line too long.\n\n");
	assert_true(end);
	hang_up();
	/* the longest line that fits, in two parts */
	memset(much, ' ', sizeof(much));
	for (unsigned i = 0; "show version"[i] != '\0'; i++)
		much[i] = "show version"[i];
	open_conn(COMMAND_OPERATOR, 10000);
	say_n(much, sizeof(much) - 1);
	assert_string_equal(hear(&end), "");
	say("\n");
	assert_string_equal(hear(&end), V);
	hang_up();
	/* bytes that are no text */
	open_conn(COMMAND_OPERATOR, 10000);
	say_n("\0\xff\x01\n", 4);
	assert_string_equal(hear(&end), "\n");
	assert_true(end);
	hang_up();
}

static void
silence_ends_connections(void **state)
{
	(void)state;
	open_conn(COMMAND_OPERATOR, 20);
	say("show ver");
	while (closed == 0)
		loop_turn(cli.loop, 1000);
	close(client);
	/* a longer time, asked for by the client */
	open_conn(COMMAND_OPERATOR, 20);
	say("prompt;set timeout cli 100;set timeout cli x\n");
	for (int i = 0; i < 5; i++)
		loop_turn(cli.loop, 20);
	assert_int_equal(closed, 0);
	hang_up();
}

/* A client that does not read: its table is made only as far as its socket takes it, others are
 * served, and it loses nothing when it reads at last. */
static void
slow_readers_hold_nobody(void **state)
{
	char name[32];
	int slow, small = 4096;
	bool end;
	char *got;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fixture_server(&seg, 1, name, 2 + i, "192.0.2.20:80");
	}
	open_conn(COMMAND_OPERATOR, 10000);
	slow = client;
	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say("show stat\n");
	for (int i = 0; i < 50; i++)
		loop_turn(cli.loop, 0);
	line("show version\n", V);
	closed = 0;
	client = slow;
	got = hear(&end);
	assert_true(end);
	assert_non_null(strstr(got, "\nweb,n1999,"));
	assert_string_equal(got + strlen(got) - 2, "\n\n");
	hang_up();
}

/* A large answer to a fast reader is spread over turns. */
static void
large_answers_come_over_turns(void **state)
{
	static char got[1 << 20];
	int big = 4 << 20;
	char name[32];
	bool end;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fixture_server(&seg, 1, name, 2 + i, "192.0.2.20:80");
	}
	open_conn(COMMAND_OPERATOR, 10000);
	setsockopt(client, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	say("show stat\n");
	loop_turn(cli.loop, 1000);
	assert_in_range(recv(client, got, sizeof(got), 0), 1, 65536 + 2 * CLI_PIECE);
	hear(&end);
	assert_true(end);
	hang_up();
}

static void
closing_all_ends_running_commands(void **state)
{
	(void)state;
	open_conn(COMMAND_OPERATOR, 10000);
	say("prompt\n");
	loop_turn(cli.loop, 1000);
	cli_drain(&cli);
	assert_int_equal(closed, 1);
	close(client);
	open_conn(COMMAND_OPERATOR, 10000);
	say("show stat");
	loop_turn(cli.loop, 1000);
	cli_close_all(&cli);
	assert_int_equal(closed, 1);
	close(client);
}

static int
set_up(void **state)
{
	(void)state;
	fixture_make(&seg);
	cli.loop = loop_new();
	return cli.loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_null(cli.conns);
	loop_free(cli.loop);
	shm_detach(&seg);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(one_line_then_the_end),
	    T(half_closed_clients_are_answered),
	    T(prompt_goes_on),
	    T(too_much_is_refused),
	    T(silence_ends_connections),
	    T(slow_readers_hold_nobody),
	    T(large_answers_come_over_turns),
	    T(closing_all_ends_running_commands),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
