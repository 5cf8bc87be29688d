/* SPDX-License-Identifier: ISC */
/*
 * "set server <b>/<s> addr", "check-addr", "check-port": the checker is asked, workers look before
 * each connect. What is said is HAProxy's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "shm/target.h"
#include "worker/act.h"

#define BY " by 'stats socket command'"

static bool
say(struct command_run *run, const char *text)
{
	buf_printf(run->out, "%s\n", text);
	return false;
}

/* The answer that was made before the checker was asked. */
static bool
addr_done(struct command_run *run, uint32_t result)
{
	return result == SHM_RES_DONE ? say(run, run->said) : act_server_done(run, result);
}

/* 1..65535; 0: it is none. */
static unsigned
port_number(const char *word)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	return end == word || *end != '\0' || errno != 0 || n < 1 || n > 65535 ? 0 : (unsigned)n;
}

/* What becomes of the port, for the answer; *port is the new one. False: nothing is changed. */
static bool
say_port(char *to, size_t size, unsigned old, const char *word, unsigned *port)
{
	*port = port_number(word);
	if (word[0] == '+' || word[0] == '-') {
		snprintf(to, size,
		    ", can't change <port> to port map because it is incompatible with current "
		    "health check port configuration (use 'port' statement from the 'server' "
		    "directive.");
		return false;
	}
	if (*port == 0) {
		snprintf(to, size, ", problem converting port '%.20s' to an int", word);
		return false;
	}
	if (*port == old)
		snprintf(to, size, ", no need to change the port");
	else
		snprintf(to, size, ", port changed from '%u' to '%u'", old, *port);
	return true;
}

/* A numeric address without a port. */
static bool
addr_parse(const char *word, struct sock_addr *a)
{
	return sock_addr_parse(a, word, false) == 0 && a->family != AF_UNIX &&
	       sock_addr_port(a) == 0;
}

/* argv: the address, then perhaps "port" and a port. */
bool
act_set_addr(struct command_run *run, uint32_t srv, int argc, char **argv)
{
	char text[SHM_ADDR], old[SOCK_ADDR_TEXT], now[SOCK_ADDR_TEXT], tail[256] = "";
	char full[SOCK_ADDR_TEXT];
	struct sock_addr a, b;
	unsigned port, before;
	bool move, ok = true;

	if (argc < 1)
		return say(
		    run, "set server <b>/<s> addr requires an address and optionally a port.");
	run->severity = LOG_WARNING;
	if (!addr_parse(argv[0], &b)) {
		buf_printf(run->out, "Invalid addr '%.100s'" BY "\n", argv[0]);
		return false;
	}
	if (sock_addr_parse(&a, target_text(run->src.shm, srv, text), true) == -1 ||
	    a.family == AF_UNIX)
		return say(run, "The address of a server at a UNIX socket cannot be changed.");
	port = before = sock_addr_port(&a);
	sock_addr_format_host(&a, old, sizeof(old));
	sock_addr_format_host(&b, now, sizeof(now));
	move = strcmp(old, now) != 0;
	if (argc > 1 && strcmp(argv[1], "port") == 0)
		ok = say_port(tail, sizeof(tail), before, argc > 2 ? argv[2] : "", &port);
	if (!ok)
		move = false;
	if (move)
		snprintf(run->said, sizeof(run->said), "IP changed from '%.64s' to '%.64s'%.64s" BY,
		    old, now, tail);
	else
		snprintf(run->said, sizeof(run->said), "no need to change the addr%.200s" BY, tail);
	if (!ok || (!move && port == before))
		return say(run, run->said);
	sock_addr_set_port(&b, (uint16_t)port);
	snprintf(run->text, sizeof(run->text), "%.100s", sock_addr_format(&b, full, sizeof(full)));
	return act_ask_server(run, SHM_REQ_SRV_ADDR, srv, 0, addr_done);
}

static bool
check_port(struct command_run *run, uint32_t srv, const char *word)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (end == word || *end != '\0')
		return say(run, "provided port is not an integer");
	if (errno != 0 || n < 0 || n > 65535)
		return say(run, "provided port is invalid");
	return act_ask_server(run, SHM_REQ_SRV_CHECK_PORT, srv, (uint32_t)n, act_server_done);
}

static bool
unchecked(struct command_run *run, uint32_t srv)
{
	if (sw32_get(&shm_health(run->src.shm, srv)->checked) != 0)
		return false;
	run->severity = LOG_WARNING;
	buf_puts(run->out, "health checks are not enabled on this server\n");
	return true;
}

bool
act_set_check_port(struct command_run *run, uint32_t srv, int argc, char **argv)
{
	if (argc < 1)
		return say(run, "set server <b>/<s> check-port requires a port.");
	return !unchecked(run, srv) && check_port(run, srv, argv[0]);
}

/* The port comes when the checker has taken the address. */
static bool
check_addr_done(struct command_run *run, uint32_t result)
{
	uint32_t srv = run->object, port = (uint32_t)run->at;

	if (result != SHM_RES_DONE || port == 0)
		return act_server_done(run, result);
	return act_ask_server(run, SHM_REQ_SRV_CHECK_PORT, srv, port, act_server_done);
}

bool
act_set_check_addr(struct command_run *run, uint32_t srv, int argc, char **argv)
{
	char text[SOCK_ADDR_TEXT];
	struct sock_addr a;

	if (argc < 1)
		return say(run,
		    "set server <b>/<s> check-addr requires an address and optionally a port.");
	if (unchecked(run, srv))
		return false;
	if (!addr_parse(argv[0], &a)) {
		buf_printf(run->out, "invalid addr '%.100s'\n", argv[0]);
		return false;
	}
	run->at = 0;
	if (argc > 2 && strcmp(argv[1], "port") == 0) {
		run->at = port_number(argv[2]);
		if (run->at == 0)
			return check_port(run, srv, argv[2]); /* which says what is wrong */
	}
	sock_addr_set_port(&a, 1); /* not used */
	snprintf(run->text, sizeof(run->text), "%.100s", sock_addr_format(&a, text, sizeof(text)));
	return act_ask_server(run, SHM_REQ_SRV_CHECK_ADDR, srv, 0, check_addr_done);
}
