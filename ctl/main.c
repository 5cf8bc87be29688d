/* SPDX-License-Identifier: ISC */
/* vipctl: the operator's command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

static const struct ctl_command commands[] = {
    {"status", "[-q]", "one screen: what needs attention, addresses, frontends, backends",
	look_status},
    {"servers", "[BACKEND]", "servers and their state", look_servers},
    {"stat", "[ARGS]", "all counters, as \"show stat\"", look_stat},
    {"sessions", "[ARGS]", "sessions of all workers, as \"show sess\"", look_sessions},
    {"vrrp", "", "virtual routers, their roles and why", look_vrrp},
    {"health", "[BACKEND]", "probes of servers", more_health},
    {"queue", "[BACKEND]", "who waits in the queues of backends", more_queue},
    {"explain", "[router|server|backend|frontend] NAME", "why it is what it is", more_explain},
    {"events", "[-f] [--since WHEN] [--until WHEN] | COUNT", "what has happened; -f: goes on",
	look_events},
    {"config", "", "the configuration in force, secrets as ***", more_config},
    {"show", "WORDS", "any \"show\" command", look_show},
    {"drain", "SERVER [--wait] [--timeout SECONDS]", "no new sessions; waits for the last one",
	change_drain},
    {"maint", "SERVER", "no sessions and no probes", change_maint},
    {"ready", "SERVER", "back to normal", change_ready},
    {"weight", "SERVER [N|N%]", "shows or sets the weight", change_weight},
    {"release", "INSTANCE", "hands its addresses over to another host", change_release},
    {"maintenance", "[on|off]", "of this node: gives addresses away, monitoring says 503",
	change_maintenance},
    {"reload", "[--timeout SECONDS]", "reads the configuration again, waits for the result",
	change_reload},
    {"dump", "", "writes the statistics into stats_file, as SIGUSR1", change_dump},
    {"check", "FILE", "tests a configuration file, as vipd -t -f FILE", change_check},
    {"raw", "WORDS", "a line of the control socket's language", change_raw},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
help(FILE *to)
{
	fprintf(to, "usage: vipctl [-s SOCKET] [--json] COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		int len = (int)(strlen(commands[i].name) + strlen(commands[i].args));

		fprintf(to, "  %s %s%*s %s\n", commands[i].name, commands[i].args,
		    len < 40 ? 40 - len : 1, "", commands[i].text);
	}
	fprintf(to,
	    "\nSERVER is backend/server, or the server's name where only one backend has it."
	    "\nThe socket is $VIPD_CONTROL or " CLIENT_DEFAULT_SOCKET ". See vipctl(8).\n");
}

/* "--json" may stand behind the command, too. Returns the new argc. */
static int
take_json(struct ctl *ctl, int from, int argc, char **argv)
{
	int to = from;

	for (int i = from; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
			ctl->json = true;
		else
			argv[to++] = argv[i];
	}
	argv[to] = NULL;
	return to;
}

int
main(int argc, char **argv)
{
	const char *env = getenv("VIPD_CONTROL");
	struct ctl ctl = {.socket = env != NULL && *env != '\0' ? env : CLIENT_DEFAULT_SOCKET};
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
			ctl.socket = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0) {
			ctl.json = true;
		} else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			help(stdout);
			return CTL_OK;
		} else if (strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0) {
			printf("vipctl %s\n", VIPD_VERSION);
			return CTL_OK;
		} else {
			help(stderr);
			return CTL_USAGE;
		}
	}
	if (i < argc && strcmp(argv[i], "raw") != 0)
		argc = take_json(&ctl, i + 1, argc, argv);
	for (size_t k = 0; i < argc && k < N_COMMANDS; k++)
		if (strcmp(argv[i], commands[k].name) == 0)
			return commands[k].run(&ctl, argc - i, argv + i);
	if (i < argc)
		fprintf(stderr, "vipctl: no command '%s'\n", argv[i]);
	help(stderr);
	return CTL_USAGE;
}
