/* SPDX-License-Identifier: ISC */
/*
 * "show vrrp" and "show events": what this host holds, and what has happened. Runs in workers;
 * reads shared memory only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/csv.h"
#include "shm/event.h"
#include "shm/role.h"
#include "worker/show.h"

/* ---- show vrrp --------------------------------------------------------------------------------
 */

static void
router_line(struct command_run *run, const struct shm_router *r)
{
	char name[SHM_NAME], reason[sizeof(r->reason)];
	int64_t since = (int64_t)sw64_get(&r->since_ns);
	struct csv csv;

	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, r->name);
	snprintf(reason, sizeof(reason), "%.*s", (int)sizeof(reason) - 1, r->reason);
	for (char *p = reason; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	csv_init(&csv, run->out);
	csv_text(&csv, name);
	csv_uint(&csv, sw32_get(&r->vrid));
	csv_text(&csv, shm_role_text(sw32_get(&r->role)));
	csv_uint(&csv, sw32_get(&r->priority));
	csv_uint(&csv, sw32_get(&r->band));
	csv_int(&csv, since == 0 ? 0 : (run->src.now.ns - since) / 1000000000);
	csv_uint(&csv, sw64_get(&r->sent));
	csv_uint(&csv, sw64_get(&r->received));
	csv_uint(&csv, sw64_get(&r->became_master));
	csv_text(&csv, reason);
	csv_end(&csv);
}

bool
show_vrrp_run(struct command_run *run, int argc, char **argv)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);

	(void)argc;
	(void)argv;
	buf_puts(run->out, "# instance,vrid,role,priority,band,since,sent,received,became_master,"
			   "reason\n");
	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++)
		if (sw32_get(&v->routers[i].used) != 0)
			router_line(run, &v->routers[i]);
	return false;
}

/* ---- show events ------------------------------------------------------------------------------
 */

#define EVENTS_PIECE   32
#define EVENTS_DEFAULT 50

static const char *
process_word(uint32_t kind)
{
	static const char *const words[SHM_KINDS] = {
	    [SHM_MASTER] = "master",
	    [SHM_WORKER] = "worker",
	    [SHM_CHECKER] = "checker",
	    [SHM_VRRP] = "vrrp",
	};

	return kind < SHM_KINDS ? words[kind] : "?";
}

/* Wall time, and the monotonic one as the kernel's log has it: what a clock that was set has
 * disarranged is put in order by it. */
static void
event_line(struct command_run *run, const struct event *e)
{
	time_t sec = (time_t)(e->wall_us / 1000000);
	char when[32], who[32];
	struct tm tm;

	localtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(who, sizeof(who), e->process == SHM_WORKER ? "%s%" PRIu32 : "%s",
	    process_word(e->process), e->index);
	if (e->missing > 0)
		buf_printf(run->out, "# %" PRIu64 " missing\n", e->missing);
	buf_printf(run->out, "%" PRIu64 " %s.%03d [%" PRId64 ".%06" PRId64 "] %s %s %s\n", e->seq,
	    when, (int)(e->wall_us / 1000 % 1000), e->mono_ns / 1000000000,
	    e->mono_ns % 1000000000 / 1000, who, event_kind_name(e->kind), e->text);
}

static bool
events_more(struct command_run *run)
{
	struct event *ev = malloc(EVENTS_PIECE * sizeof(*ev));
	size_t n = EVENTS_PIECE;

	if (ev == NULL) {
		command_error(run, "Out of memory.");
		return false;
	}
	while (n == EVENTS_PIECE && run->out->len < run->limit) {
		n = event_read(run->src.shm, run->id, run->src.now, ev, EVENTS_PIECE);
		for (size_t i = 0; i < n; i++)
			event_line(run, &ev[i]);
		if (n > 0)
			run->id = ev[n - 1].seq;
	}
	free(ev);
	return n == EVENTS_PIECE;
}

/* "show events": the last 50; "show events <n>": the last n; "show events since <number>". */
bool
show_events_run(struct command_run *run, int argc, char **argv)
{
	uint64_t last = event_last(run->src.shm), n = EVENTS_DEFAULT;
	bool since = argc > 0 && strcmp(argv[0], "since") == 0;
	const char *word = argc > since ? argv[since] : NULL;
	char *end = NULL;

	if (word != NULL)
		n = strtoull(word, &end, 10);
	if ((since && word == NULL) || (end != NULL && *end != '\0')) {
		buf_puts(run->out, "usage: show events [<count> | since <number>]\n");
		return false;
	}
	/* A number that is not there yet is one of a vipd before this one, whose follower goes on.
	 */
	run->id = since ? (n <= last ? n : 0) : last > n ? last - n : 0;
	run->more = events_more;
	return events_more(run);
}
