/* SPDX-License-Identifier: ISC */
/* "wait", as in HAProxy 3: for a time, or until a server may be taken away. Runs in workers and the
 * master; reads shared memory only. */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "shm/limit.h"
#include "worker/show.h"

#define WAIT_MAX_MS 300000
#define MASTER_MOST 8 /* that wait on the master's socket, half of its connections */

static unsigned waiting_here; /* in the master, which has no slot */

/* Who waits holds one of the places for control connections, for minutes: only so many of them may,
 * so that there is always one for a command that does not. */
static bool
take_place(const struct command_run *run)
{
	if (run->ask != NULL && run->ask->local == NULL)
		return limit_take_wait(run->src.shm);
	if (waiting_here >= MASTER_MOST)
		return false;
	waiting_here++;
	return true;
}

static bool
say(struct command_run *run, const char *text)
{
	run->severity = strcmp(text, "Done.") == 0 ? LOG_INFO : LOG_ERR;
	buf_printf(run->out, "%s\n", text);
	return false;
}

static bool
wait_help(struct command_run *run)
{
	return say(run,
	    "usage: wait <delay> [srv-removable <backend>/<server>]\n"
	    "  <delay>: at most 5m; a number of milliseconds, or with a unit: us, ms, s, m\n"
	    "  srv-removable, srv-unused: until the server is in maintenance without a session");
}

/* Has a command, or the file, put it into maintenance? */
static bool
in_maintenance(const struct shm *s, uint32_t srv)
{
	const struct shm_health *h = shm_health(s, srv);

	return sw32_get(&h->epoch) == sw32_get(&shm_srv_dir(s, srv)->epoch) &&
	       (sw32_get(&h->admin) & (SHM_ADMIN_FMAINT | SHM_ADMIN_CMAINT | SHM_ADMIN_IMAINT)) !=
		   0;
}

static bool
wait_more(struct command_run *run)
{
	uint32_t srv = run->object;

	run->waits = false;
	if (srv != SHM_NONE && !in_maintenance(run->src.shm, srv))
		return say(run, "Failed. Only a server in maintenance can be waited for.");
	if (srv != SHM_NONE && limit_sum_srv(run->src.shm, srv) == 0)
		return say(run, "Done.");
	if (mono_diff_ms(run->src.now, run->since) >= (int64_t)run->at)
		return say(run, srv == SHM_NONE ? "Done." : "Wait delay expired.");
	run->waits = true;
	return true;
}

void
wait_end(struct command_run *run)
{
	if (run->more != wait_more)
		return;
	if (run->ask != NULL && run->ask->local == NULL)
		limit_release_wait(run->src.shm);
	else
		waiting_here--;
}

/* Milliseconds, rounded up; -1: it is no delay. */
static int64_t
delay_ms(const char *word)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = {{"", 1000}, {"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}};
	char *end;
	long long n = strtoll(word, &end, 10);

	if (end == word || n < 1)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0)
			return n > (long long)WAIT_MAX_MS * 1000 / units[i].us
				   ? -1
				   : (n * units[i].us + 999) / 1000;
	return -1;
}

bool
wait_run(struct command_run *run, int argc, char **argv)
{
	int64_t ms = argc > 0 ? delay_ms(argv[0]) : -1;

	if (argc < 1)
		return say(run, "Expects a duration in milliseconds.");
	if (strcmp(argv[0], "-h") == 0 || (argc > 1 && strcmp(argv[1], "-h") == 0))
		return wait_help(run);
	if (ms == -1)
		return say(run, "Invalid duration.");
	run->object = SHM_NONE;
	if (argc > 1 && strcmp(argv[1], "srv-removable") != 0 && strcmp(argv[1], "srv-unused") != 0)
		return wait_help(run);
	if (argc == 2)
		return say(run, "Missing server name (<backend>/<server>).");
	if (argc > 2 && (run->object = command_find_server(run, argv[2])) == SHM_NONE)
		return false;
	run->at = (size_t)ms;
	if (!wait_more(run))
		return false;
	if (!take_place(run))
		return say(run, "Too many others wait already; try again later.");
	run->more = wait_more;
	return true;
}
