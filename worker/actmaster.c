/* SPDX-License-Identifier: ISC */
/* Commands that the master carries out: reload, frontends, global limits, maintenance. Texts about
 * frontends and limits are HAProxy's (management guide 9.3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "worker/command.h"

#define RELOAD_MS 60000 /* above the longest round (master/round.c), below systemd's 90 s */

static bool
say(struct command_run *run, const char *text)
{
	buf_printf(run->out, "%s\n", text);
	return false;
}

/* ---- reload, dump, maintenance ----------------------------------------------------------------
 */

static void
put_report(struct command_run *run)
{
	const struct shm_master *m = run->src.shm->master;
	static char copy[SHM_REPORT_TEXT];

	for (int i = 0; i < 100; i++) {
		uint32_t seq = sw32_get(&m->report_seq), len = sw32_get(&m->report_len);

		if (len > sizeof(copy))
			continue;
		memcpy(copy, m->report, len);
		atomic_thread_fence(memory_order_acquire);
		if ((seq & 1) == 0 && sw32_get(&m->report_seq) == seq) {
			buf_append(run->out, copy, len);
			return;
		}
	}
	buf_puts(run->out, "(another reload is under way)\n");
}

static bool
reload_done(struct command_run *run, uint32_t result)
{
	run->severity = 0;
	buf_printf(run->out, "Success=%d\n--\n", result == SHM_RES_DONE);
	put_report(run);
	return false;
}

static bool
run_reload(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	run->kind = SHM_REQ_RELOAD;
	run->object = 0;
	run->value = 0;
	run->answer_ms = RELOAD_MS;
	run->done = reload_done;
	return act_ask_owner(run);
}

static bool
dump_done(struct command_run *run, uint32_t result)
{
	if (result == SHM_RES_DONE)
		run->severity = LOG_INFO;
	return say(run, result == SHM_RES_DONE ? "Statistics written to stats_file."
					       : "Not written; the log says why.");
}

static bool
run_dump(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	run->kind = SHM_REQ_DUMP;
	run->object = 0;
	run->value = 0;
	run->done = dump_done;
	return act_ask_owner(run);
}

static bool
maintenance_done(struct command_run *run, uint32_t result)
{
	switch (result) {
	case SHM_RES_DONE:
		return false;
	case SHM_RES_ALREADY:
		run->severity = LOG_NOTICE;
		return say(run, run->value ? "This node is in maintenance already."
					   : "This node is not in maintenance.");
	case SHM_RES_UNSAVED:
		return say(run, "Done, but not saved in state_dir (the log says why): a restart "
				"forgets it.");
	default:
		return say(run, "Not done; the log says why.");
	}
}

#define MAINTENANCE_USAGE "'maintenance' expects 'on' or 'off'."

/* Asking changes nothing: no right is needed for it, and it is not noted. */
static bool
run_maintenance(struct command_run *run, int argc, char **argv)
{
	(void)argv;
	if (argc > 0)
		return say(run, MAINTENANCE_USAGE);
	run->severity = LOG_INFO;
	return say(run, sw32_get(&run->src.shm->master->maintenance) != 0 ? "on" : "off");
}

static bool
set_maintenance(struct command_run *run, int argc, bool on)
{
	if (argc > 0)
		return say(run, MAINTENANCE_USAGE);
	run->kind = SHM_REQ_MAINTENANCE;
	run->object = 0;
	run->value = on;
	run->done = maintenance_done;
	return act_ask_owner(run);
}

static bool
run_maintenance_on(struct command_run *run, int argc, char **argv)
{
	(void)argv;
	return set_maintenance(run, argc, true);
}

static bool
run_maintenance_off(struct command_run *run, int argc, char **argv)
{
	(void)argv;
	return set_maintenance(run, argc, false);
}

/* ---- frontends --------------------------------------------------------------------------------
 */

static bool
frontend_done(struct command_run *run, uint32_t result)
{
	uint32_t state = (uint32_t)run->value;

	switch (result) {
	case SHM_RES_DONE:
		return false;
	case SHM_RES_GONE:
		return say(run, "No such frontend.");
	case SHM_RES_ALREADY:
		run->severity = LOG_NOTICE;
		return say(run, state == SHM_REQ_FE_ENABLE ? "All sockets are already enabled."
							   : "All sockets are already disabled.");
	case SHM_RES_STOPPED:
		return say(run, state == SHM_REQ_FE_ENABLE
				    ? "Frontend was previously shut down, cannot enable."
				: state == SHM_REQ_FE_DISABLE
				    ? "Frontend was previously shut down, cannot disable."
				    : "Frontend was already shut down.");
	default:
		return say(run, "Value out of range.");
	}
}

static bool
ask_frontend(struct command_run *run, const char *name, uint32_t kind, uint32_t argument)
{
	uint32_t fe;

	if (name == NULL)
		return say(run, "A frontend name is expected.");
	fe = child_find_frontend(run->src.shm, name, 0);
	if (fe == SHM_NONE)
		return say(run, "No such frontend.");
	run->kind = kind;
	run->object = fe;
	run->value = shm_request_value(sw32_get(&shm_fe_dir(run->src.shm, fe)->epoch), argument);
	run->done = frontend_done;
	return act_ask_owner(run);
}

static bool
run_disable_frontend(struct command_run *run, int argc, char **argv)
{
	return ask_frontend(run, argc > 0 ? argv[0] : NULL, SHM_REQ_FE_STATE, SHM_REQ_FE_DISABLE);
}

static bool
run_enable_frontend(struct command_run *run, int argc, char **argv)
{
	return ask_frontend(run, argc > 0 ? argv[0] : NULL, SHM_REQ_FE_STATE, SHM_REQ_FE_ENABLE);
}

static bool
run_shutdown_frontend(struct command_run *run, int argc, char **argv)
{
	return ask_frontend(run, argc > 0 ? argv[0] : NULL, SHM_REQ_FE_STATE, SHM_REQ_FE_SHUTDOWN);
}

/* A decimal number that is the whole word, at most UINT32_MAX - 1; -1: it is none. */
static int64_t
number(const char *word)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(word, &end, 10);
	return end == word || *end != '\0' || errno != 0 || n < 0 || n >= UINT32_MAX ? -1 : n;
}

static bool
run_set_maxconn_frontend(struct command_run *run, int argc, char **argv)
{
	int64_t n = argc > 1 ? number(argv[1]) : -1;

	if (argc < 1)
		return say(run, "A frontend name is expected.");
	if (child_find_frontend(run->src.shm, argv[0], 0) == SHM_NONE)
		return say(run, "No such frontend.");
	if (argc < 2)
		return say(run, "Integer value expected.");
	if (n == -1)
		return say(run, "Value out of range.");
	return ask_frontend(run, argv[0], SHM_REQ_FE_MAXCONN, (uint32_t)n);
}

static bool
maxconn_done(struct command_run *run, uint32_t result)
{
	return result == SHM_RES_DONE ? false : say(run, "Value out of range.");
}

static bool
run_set_maxconn_global(struct command_run *run, int argc, char **argv)
{
	int64_t n = argc > 0 ? number(argv[0]) : -1;

	if (argc < 1)
		return say(run, "Expects an integer value.");
	if (n == -1)
		return say(run, "Value out of range.");
	run->kind = SHM_REQ_MAXCONN;
	run->object = 0;
	run->value = (uint64_t)n;
	run->done = maxconn_done;
	return act_ask_owner(run);
}

/* vipd ends no TLS for clients and compresses nothing: there is no such rate to limit. */
static bool
run_set_rate_limit(struct command_run *run, int argc, char **argv)
{
	bool sessions = argc > 0 && strcmp(argv[0], "sessions") == 0;
	int64_t n = argc > 2 ? number(argv[2]) : -1;

	if (argc < 2 || strcmp(argv[1], "global") != 0 ||
	    (!sessions && strcmp(argv[0], "connections") != 0))
		return say(run,
		    "'set rate-limit' only supports :\n"
		    "   - 'connections global' to set the per-process maximum connection rate\n"
		    "   - 'sessions global' to set the per-process maximum session rate");
	if (argc < 3)
		return say(run, "Expects an integer value.");
	if (n == -1)
		return say(run, "Value out of range.");
	run->kind = sessions ? SHM_REQ_SESS_RATE : SHM_REQ_CONN_RATE;
	run->object = 0;
	run->value = (uint64_t)n;
	run->done = maxconn_done;
	return act_ask_owner(run);
}

#define ADMIN COMMAND_ADMIN
const struct command master_commands[] = {
    {"disable frontend", " <frontend>", "stop listening for a while", ADMIN, run_disable_frontend},
    {"dump", "", "the statistics into stats_file, as SIGUSR1", COMMAND_OPERATOR, run_dump},
    {"enable frontend", " <frontend>", "listen again", ADMIN, run_enable_frontend},
    {"maintenance", "", "whether this node is in it", COMMAND_USER, run_maintenance},
    {"maintenance off", "", "the addresses may come back", ADMIN, run_maintenance_off},
    {"maintenance on", "", "this node gives its addresses away and says 503", ADMIN,
	run_maintenance_on},
    {"reload", "", "read the configuration again; says what changed", ADMIN, run_reload},
    {"set maxconn frontend", " <frontend> <n>", "limit of its sessions, 0: none", ADMIN,
	run_set_maxconn_frontend},
    {"set maxconn global", " <n>", "limit of all sessions, 0: as configured", ADMIN,
	run_set_maxconn_global},
    {"set rate-limit", " connections|sessions global <n>",
	"most new sessions a second, over all workers; 0: no limit", ADMIN, run_set_rate_limit},
    {"shutdown frontend", " <frontend>", "stop listening until a reload", ADMIN,
	run_shutdown_frontend},
    {0},
};
#undef ADMIN
