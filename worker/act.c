/* SPDX-License-Identifier: ISC */
/*
 * Commands that change something. None is carried out here: the owner of the state is asked
 * (hard-parts 9) and its answer waited for, so that a command that follows sees the change; after a
 * second the answer says who does not answer. Texts are HAProxy's (management guide 9.3).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "shm/sessrec.h"
#include "worker/act.h"

enum { F_ASKED_WORKERS = 1 };

static bool
say(struct command_run *run, const char *text)
{
	buf_printf(run->out, "%s\n", text);
	return false;
}

void
act_end(struct command_run *run)
{
	if (run->number == 0)
		return;
	if ((run->flags & F_ASKED_WORKERS) != 0)
		ask_workers_give_up(run->ask, run->number);
	else
		ask_owner_give_up(run->ask, run->kind, run->number);
	run->number = 0;
}

/* ---- asking the owner ------------------------------------------------------ */

bool
act_server_done(struct command_run *run, uint32_t result)
{
	switch (result) {
	case SHM_RES_DONE:
		return false;
	case SHM_RES_GONE:
		return say(run, "No such server.");
	case SHM_RES_NO_CHECK:
		return say(run, "Health check was not configured on this server, cannot enable.");
	case SHM_RES_VALUE:
		return say(run, "Value out of range.");
	default:
		return say(run, "Not supported by the process that owns this state.");
	}
}

static bool
owner_more(struct command_run *run)
{
	static const char *const names[SHM_KINDS] = {
	    [SHM_MASTER] = "master", [SHM_CHECKER] = "checker", [SHM_VRRP] = "vrrp"};
	uint32_t result;

	run->ask->text = run->text;
	if (run->number == 0)
		run->number = ask_owner(run->ask, run->kind, run->object, run->value);
	if (run->number != 0 && ask_owner_done(run->ask, run->kind, run->number, &result)) {
		run->number = 0;
		return run->done(run, result);
	}
	if (mono_diff_ms(run->src.now, run->since) < run->answer_ms) {
		run->waits = true;
		return true;
	}
	buf_printf(run->out,
	    "The %s process does not answer; the command may be carried out later.\n",
	    names[shm_request_owner(run->kind)]);
	return false;
}

bool
act_ask_owner(struct command_run *run)
{
	if (run->ask == NULL)
		return say(run, "Nothing can be changed through this connection.");
	if (!ask_possible(run->ask, run->kind))
		return say(run, "The master carries out only its own commands on its socket.");
	run->more = owner_more;
	return owner_more(run);
}

bool
act_ask_server(struct command_run *run, uint32_t kind, uint32_t srv, uint32_t argument,
    bool (*done)(struct command_run *, uint32_t result))
{
	run->kind = kind;
	run->object = srv;
	run->value = shm_request_value(sw32_get(&shm_srv_dir(run->src.shm, srv)->epoch), argument);
	run->done = done;
	return act_ask_owner(run);
}

static bool
ask_server(struct command_run *run, uint32_t kind, uint32_t srv, uint32_t argument)
{
	return act_ask_server(run, kind, srv, argument, act_server_done);
}

/* ---- servers --------------------------------------------------------------- */

/* A decimal number that is the whole word; -1: it is none. */
static int64_t
number(const char *word)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(word, &end, 10);
	return end == word || *end != '\0' || errno != 0 || n < 0 ? -1 : n;
}

static bool
set_weight(struct command_run *run, uint32_t srv, const char *word)
{
	char *end;
	long n;

	if (word == NULL)
		return say(run, "Require <weight> or <weight%>.");
	errno = 0;
	n = strtol(word, &end, 10);
	if (end == word)
		return say(run, "Empty weight string empty or preceded by garbage");
	if (strcmp(end, "%") == 0) {
		if (n < 0)
			return say(run, "Relative weight must be positive.");
		return ask_server(
		    run, SHM_REQ_SRV_WEIGHT_PERCENT, srv, n > 25600 ? 25600 : (uint32_t)n);
	}
	if (*end != '\0')
		return say(run, "Trailing garbage in weight string");
	if (n < 0 || n > 256)
		return say(run, "Absolute weight can only be between 0 and 256 inclusive.");
	return ask_server(run, SHM_REQ_SRV_WEIGHT, srv, (uint32_t)n);
}

/* Asks with the number that stands for the word in a list; texts says what is expected. */
static bool
set_word(struct command_run *run, uint32_t srv, const char *word, uint32_t kind,
    const char *const words[3], const char *text)
{
	for (uint32_t i = 0; word != NULL && i < 3; i++)
		if (strcmp(word, words[i]) == 0)
			return ask_server(run, kind, srv, i);
	return say(run, text);
}

/* What HAProxy says of a server that has none of these, as no server of vipd has. */
static bool
set_foreign(struct command_run *run, const char *what)
{
	if (strcmp(what, "agent") == 0 || strcmp(what, "agent-addr") == 0 ||
	    strcmp(what, "agent-port") == 0 || strcmp(what, "agent-send") == 0)
		return say(run, "agent checks are not enabled on this server.");
	if (strcmp(what, "fqdn") == 0)
		return say(run, "set server <b>/<s> fqdn failed because no resolution is "
				"configured.");
	if (strcmp(what, "ssl") == 0)
		return say(run, "'set server <srv> ssl' cannot be set.  default-server should "
				"define ssl settings");
	return say(run, "usage: set server <backend>/<server> addr | agent | agent-addr | "
			"agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | "
			"state | weight");
}

static bool
run_set_server(struct command_run *run, int argc, char **argv)
{
	static const char *const states[] = {"ready", "drain", "maint"}; /* enum shm_req_state */
	static const char *const healths[] = {"up", "stopping", "down"}; /* enum shm_req_health */
	const char *what = argc > 1 ? argv[1] : "", *word = argc > 2 ? argv[2] : NULL;
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");

	if (srv == SHM_NONE)
		return false;
	if (strcmp(what, "weight") == 0)
		return set_weight(run, srv, word);
	if (strcmp(what, "state") == 0)
		return set_word(run, srv, word, SHM_REQ_SRV_STATE, states,
		    "'set server <srv> state' expects 'ready', 'drain' and 'maint'.");
	if (strcmp(what, "health") == 0)
		return set_word(run, srv, word, SHM_REQ_SRV_HEALTH, healths,
		    "'set server <srv> health' expects 'up', 'stopping', or 'down'.");
	if (strcmp(what, "addr") == 0)
		return act_set_addr(run, srv, argc - 2, argv + 2);
	if (strcmp(what, "check-addr") == 0)
		return act_set_check_addr(run, srv, argc - 2, argv + 2);
	if (strcmp(what, "check-port") == 0)
		return act_set_check_port(run, srv, argc - 2, argv + 2);
	return set_foreign(run, what);
}

static bool
run_set_weight(struct command_run *run, int argc, char **argv)
{
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");

	return srv != SHM_NONE && set_weight(run, srv, argc > 1 ? argv[1] : NULL);
}

static bool
run_get_weight(struct command_run *run, int argc, char **argv)
{
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");
	const struct shm_health *h;

	if (srv == SHM_NONE)
		return false;
	h = shm_health(run->src.shm, srv);
	run->severity = 0;
	buf_printf(run->out, "%" PRIu32 " (initial %" PRIu32 ")\n", sw32_get(&h->uweight),
	    sw32_get(&h->conf_weight));
	return false;
}

static bool
simple(struct command_run *run, int argc, char **argv, uint32_t kind, uint32_t argument)
{
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");

	return srv != SHM_NONE && ask_server(run, kind, srv, argument);
}

static bool
run_enable_server(struct command_run *run, int argc, char **argv)
{
	return simple(run, argc, argv, SHM_REQ_SRV_STATE, SHM_REQ_READY);
}

static bool
run_disable_server(struct command_run *run, int argc, char **argv)
{
	return simple(run, argc, argv, SHM_REQ_SRV_STATE, SHM_REQ_MAINT);
}

static bool
run_enable_health(struct command_run *run, int argc, char **argv)
{
	return simple(run, argc, argv, SHM_REQ_SRV_CHECK, 1);
}

/* Of a server without a check there is nothing to disable: silence, as HAProxy. */
static bool
run_disable_health(struct command_run *run, int argc, char **argv)
{
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");

	if (srv == SHM_NONE || sw32_get(&shm_health(run->src.shm, srv)->checked) == 0)
		return false;
	return ask_server(run, SHM_REQ_SRV_CHECK, srv, 0);
}

/* vipd has no agents: what HAProxy says of a server without one. */
static bool
run_enable_agent(struct command_run *run, int argc, char **argv)
{
	if (command_find_server(run, argc > 0 ? argv[0] : "") == SHM_NONE)
		return false;
	return say(run, "Agent was not configured on this server, cannot enable.");
}

static bool
run_disable_agent(struct command_run *run, int argc, char **argv)
{
	command_find_server(run, argc > 0 ? argv[0] : "");
	return false;
}

static bool
run_set_maxconn_server(struct command_run *run, int argc, char **argv)
{
	uint32_t srv = command_find_server(run, argc > 0 ? argv[0] : "");
	int64_t n = argc > 1 ? number(argv[1]) : -1;

	if (srv == SHM_NONE)
		return false;
	if (argc < 2)
		return say(run, "Require <maxconn>.");
	if (n < 0 || n >= UINT32_MAX)
		return say(run, "maxconn string empty or preceded by garbage");
	return ask_server(run, SHM_REQ_SRV_MAXCONN, srv, (uint32_t)n);
}

static bool
run_shutdown_sessions(struct command_run *run, int argc, char **argv)
{
	return simple(run, argc, argv, SHM_REQ_SRV_SHUTDOWN, 0);
}

/* ---- asking all workers ---------------------------------------------------- */

/* When the workers have: the checker, which counts probes. */
static bool
clear_checker(struct command_run *run)
{
	run->flags &= ~(unsigned)F_ASKED_WORKERS;
	run->since = run->src.now;
	run->kind = SHM_REQ_CLEAR;
	run->object = 0;
	run->value = 0;
	run->done = act_server_done;
	return act_ask_owner(run);
}

static bool
workers_more(struct command_run *run)
{
	unsigned missing;

	if (run->number == 0)
		run->number = ask_workers(run->ask, (enum shm_call_kind)run->kind, run->value);
	if (run->number != 0 && ask_workers_done(run->ask, run->number, &missing)) {
		run->number = 0;
		return run->kind == SHM_CALL_CLEAR ? clear_checker(run) : false;
	}
	if (mono_diff_ms(run->src.now, run->since) < run->answer_ms) {
		run->waits = true;
		return true;
	}
	if (run->number == 0)
		return say(run, "Another command of this kind is under way.");
	buf_printf(run->out, "Worker %u does not answer; the command may be carried out later.\n",
	    missing);
	return false;
}

static bool
ask_all(struct command_run *run, enum shm_call_kind kind, uint64_t value)
{
	if (run->ask == NULL || run->ask->local != NULL)
		return say(run, "Nothing of the workers can be changed through this connection.");
	run->flags |= F_ASKED_WORKERS;
	run->kind = kind;
	run->value = value;
	run->more = workers_more;
	return workers_more(run);
}

static bool
session_exists(const struct shm *s, uint64_t id)
{
	uint32_t n_workers = sw32_get(&s->master->n_workers);
	struct shm_session copy;

	for (uint32_t i = 0; i < n_workers && i < s->caps->workers; i++) {
		const struct shm_worker *w = shm_worker(s, i);
		const struct shm_session *r = shm_sessions(s, w);
		uint32_t n = sw32_get(&w->n_sessions);

		for (uint32_t k = 0; k < n && k < s->caps->sessions; k++)
			if (r[k].id == id && sessrec_read(&r[k], &copy) && copy.id == id)
				return true;
	}
	return false;
}

static bool
run_shutdown_session(struct command_run *run, int argc, char **argv)
{
	uint64_t id;
	char *end;

	if (argc < 1)
		return say(run, "Session pointer expected (use 'show sess').");
	id = strtoull(argv[0], &end, strncmp(argv[0], "0x", 2) == 0 ? 16 : 10);
	if (*end != '\0' || id == 0)
		return say(run, "Session pointer expected (use 'show sess').");
	if (!session_exists(run->src.shm, id))
		return say(run, "No such session (use 'show sess').");
	return ask_all(run, SHM_CALL_SHUTDOWN, id);
}

static bool
run_clear_max(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return ask_all(run, SHM_CALL_CLEAR_MAX, 0);
}

static bool
run_clear_all(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return ask_all(run, SHM_CALL_CLEAR, 0);
}

/* ---- virtual routers ------------------------------------------------------- */

static bool
release_done(struct command_run *run, uint32_t result)
{
	switch (result) {
	case SHM_RES_DONE:
		run->severity = LOG_INFO;
		return say(run, "Asked to hand over; 'show vrrp' and the log say who took it.");
	case SHM_RES_GONE:
		return say(run, "No such instance.");
	case SHM_RES_VALUE:
		return say(run, "This host does not hold the address.");
	default:
		return say(run, "Not supported by the process that owns this state.");
	}
}

static bool
run_release(struct command_run *run, int argc, char **argv)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers), i = n;

	if (argc == 1)
		for (i = 0; i < n; i++)
			if (sw32_get(&v->routers[i].used) != 0 &&
			    strncmp(v->routers[i].name, argv[0], SHM_NAME) == 0)
				break;
	if (i == n)
		return say(run, argc == 1 ? "No such instance." : "Name of an instance expected.");
	run->kind = SHM_REQ_VRRP_RELEASE;
	run->object = i;
	run->value = shm_request_value(sw32_get(&v->routers[i].epoch), 0);
	run->done = release_done;
	return act_ask_owner(run);
}

#define ADMIN COMMAND_ADMIN
const struct command act_commands[] = {
    {"clear counters", "", "maxima start again", COMMAND_OPERATOR, run_clear_max},
    {"clear counters all", "", "all counters of traffic and probes start again", ADMIN,
	run_clear_all},
    {"disable agent", " <b>/<s>", "nothing: vipd has no agents", ADMIN, run_disable_agent},
    {"disable health", " <b>/<s>", "probes of a server pause", ADMIN, run_disable_health},
    {"disable server", " <b>/<s>", "as set server state maint", ADMIN, run_disable_server},
    {"enable agent", " <b>/<s>", "refused: vipd has no agents", ADMIN, run_enable_agent},
    {"enable health", " <b>/<s>", "probes of a server go on", ADMIN, run_enable_health},
    {"enable server", " <b>/<s>", "as set server state ready", ADMIN, run_enable_server},
    {"get weight", " <b>/<s>", "weight of a server now and in the file", COMMAND_USER,
	run_get_weight},
    {"release instance", " <instance>", "hand its addresses over to another host", ADMIN,
	run_release},
    {"set maxconn server", " <b>/<s> <n>", "limit of a server's sessions, 0: none", ADMIN,
	run_set_maxconn_server},
    {"set server", " <b>/<s> <what> ...",
	"state, weight, health, addr <ip> [port <p>], check-addr, check-port", ADMIN,
	run_set_server},
    {"set weight", " <b>/<s> <n>[%]", "as set server weight", ADMIN, run_set_weight},
    {"shutdown session", " <id>", "end a session", ADMIN, run_shutdown_session},
    {"shutdown sessions server", " <b>/<s>", "end all sessions on a server", ADMIN,
	run_shutdown_sessions},
    {0},
};
#undef ADMIN
