/* SPDX-License-Identifier: ISC */
/*
 * "explain": why a virtual router, a server or a backend is what it is, in plain sentences. Runs in
 * workers and the master; reads shared memory only, so it answers also while another process hangs.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "lib/log.h"
#include "shm/check_status.h"
#include "shm/event.h"
#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/schedule.h"
#include "shm/target.h"
#include "shm/total.h"
#include "worker/explain.h"

#define EVENTS_SHOWN 5
#define PICKS_SHOWN  12

const char *
explain_span(char to[32], int64_t ns)
{
	int64_t ms = ns < 0 ? 0 : ns / 1000000, s = ms / 1000;

	if (ms < 1000)
		snprintf(to, 32, "%" PRId64 " ms", ms);
	else if (s < 120)
		snprintf(to, 32, "%" PRId64 ".%" PRId64 " s", s, ms / 100 % 10);
	else if (s < 7200)
		snprintf(to, 32, "%" PRId64 " min", s / 60);
	else if (s < 172800)
		snprintf(to, 32, "%" PRId64 " h", s / 3600);
	else
		snprintf(to, 32, "%" PRId64 " d", s / 86400);
	return to;
}

const char *
explain_many(char to[64], uint64_t n, const char *what)
{
	snprintf(to, 64, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
	return to;
}

void
explain_line(struct command_run *run, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '.';
	buf_printf(run->out, "%s\n", text);
}

void
explain_wall(char *to, size_t size, uint64_t wall_us)
{
	time_t sec = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&sec, &tm);
	strftime(to, size, "%Y-%m-%d %H:%M:%S", &tm);
}

void
explain_events(struct command_run *run, enum event_kind kind, uint32_t object)
{
	struct event *ev = malloc(32 * sizeof(*ev)), *last = calloc(EVENTS_SHOWN, sizeof(*last));
	uint64_t after = 0;
	size_t n = 32, found = 0;

	/* As many as all rings hold: a worker gone mad could write faster than this reads. */
	for (unsigned k = 0; k < SHM_EVENTS * (SHM_MAX_WORKERS + 3) / 32 && n == 32; k++) {
		if (ev == NULL || last == NULL)
			break;
		n = event_read(run->src.shm, after, run->src.now, ev, 32);
		for (size_t i = 0; i < n; i++)
			if (ev[i].kind == (uint32_t)kind && ev[i].object == object)
				last[found++ % EVENTS_SHOWN] = ev[i];
		if (n > 0)
			after = ev[n - 1].seq;
	}
	if (found > 0)
		explain_line(run, "Last events:");
	for (size_t i = found > EVENTS_SHOWN ? found - EVENTS_SHOWN : 0; i < found; i++) {
		const struct event *e = &last[i % EVENTS_SHOWN];
		char when[32];

		explain_wall(when, sizeof(when), (uint64_t)e->wall_us);
		explain_line(run, "  %" PRIu64 " %s %s", e->seq, when, e->text);
	}
	free(ev);
	free(last);
}

/* While a process hangs: first of all, since it colours the rest. */
void
explain_silent(struct command_run *run, bool silent, const char *who)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_workers);

	if (child_master_silent(s, run->src.now))
		explain_line(
		    run, "The master process does not answer: nothing is reloaded or respawned.");
	if (silent)
		explain_line(run, "The %s does not answer: what follows may be old.", who);
	for (uint32_t w = 0; w < n && w < SHM_MAX_WORKERS; w++)
		if (sw32_get(&s->master->workers[w].state) == SHM_PROC_READY &&
		    shm_mask_has(s->master->absent, w))
			explain_line(run,
			    "Worker %" PRIu32 " does not answer: its sessions stand "
			    "still, others take the new ones.",
			    w);
}

const struct conf_backend *
explain_conf(const struct command_run *run, const char *name)
{
	uint32_t k = run->src.conf != NULL ? conf_find_backend(run->src.conf, name) : CONF_NONE;

	return k != CONF_NONE ? &run->src.conf->backends[k] : NULL;
}

/* ---- backends ---------------------------------------------------------------------------------
 */

static void
backend_picks(struct command_run *run, uint32_t be)
{
	const struct shm *s = run->src.shm;
	uint32_t picks[PICKS_SHOWN], n = schedule_peek(s, be, picks, PICKS_SHOWN);

	if (n == 0)
		return;
	buf_puts(run->out, "If all are free the next sessions go to:");
	for (uint32_t i = 0; i < n; i++)
		buf_printf(run->out, "%s %.*s", i > 0 ? "," : "", SHM_NAME - 1,
		    picks[i] < s->caps->servers ? shm_srv_dir(s, picks[i])->name : "?");
	buf_puts(run->out, ".\n");
}

/* The one with the fewest sessions for its weight, as workers choose (total of all, unless many
 * servers make their numbers a tick old). */
static void
backend_least(struct command_run *run, uint32_t be, const struct explain_usable *u,
    const struct conf_backend *conf)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_servers), best = SHM_NONE;
	uint64_t best_held = 0, best_weight = 1;

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		const struct shm_health *h = shm_health(s, i);
		uint64_t held, weight = sw32_get(&h->eweight);
		char why[256] = "";

		if (sw32_get(&shm_srv_dir(s, i)->state) != SHM_DIR_USED ||
		    sw32_get(&shm_srv_dir(s, i)->backend) != be || sw32_get(&h->usable) == 0 ||
		    weight == 0)
			continue;
		explain_why(s, i, u, conf, why, sizeof(why));
		if (why[0] != '\0')
			continue;
		held = limit_sum_srv(s, i);
		if (best == SHM_NONE || held * best_weight < best_held * weight) {
			best = i;
			best_held = held;
			best_weight = weight;
		}
	}
	if (best != SHM_NONE)
		explain_line(run,
		    "The next session goes to the server with the fewest for its weight: "
		    "%.*s, which has %" PRIu64 ".",
		    SHM_NAME - 1, shm_srv_dir(s, best)->name, best_held);
}

/* How many of its servers would get the next session. */
static uint32_t
takers(const struct shm *s, uint32_t be, const struct explain_usable *u,
    const struct conf_backend *conf)
{
	uint32_t n = sw32_get(&s->master->n_servers), get = 0;

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		char why[256] = "";

		if (sw32_get(&shm_srv_dir(s, i)->state) != SHM_DIR_USED ||
		    sw32_get(&shm_srv_dir(s, i)->backend) != be)
			continue;
		explain_why(s, i, u, conf, why, sizeof(why));
		get += why[0] == '\0';
	}
	return get;
}

/* A line for each server that gets nothing. */
static void
backend_unused(struct command_run *run, uint32_t be, const struct explain_usable *u,
    const struct conf_backend *conf)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_servers), said = 0;

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);
		char why[256] = "";

		if (sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&d->backend) != be)
			continue;
		explain_why(s, i, u, conf, why, sizeof(why));
		if (why[0] != '\0' && said++ < 50)
			explain_line(
			    run, "%.*s gets no new sessions: %s.", SHM_NAME - 1, d->name, why);
	}
	if (said > 50)
		explain_line(run, "So do %" PRIu32 " more.", said - 50);
}

static void
explain_backend(struct command_run *run, uint32_t be)
{
	const struct shm *s = run->src.shm;
	const struct shm_be_dir *d = shm_be_dir(s, be);
	const struct shm_sched *sched = shm_sched(s, be);
	uint32_t usable = sw32_get(&sched->usable), waiting = queue_waiting(s, be);
	const struct conf_backend *conf;
	struct explain_usable can = explain_usable(s, be);
	char name[SHM_NAME], sessions[64], servers[64];
	bool least;

	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, d->name);
	conf = explain_conf(run, name);
	explain_silent(run, child_checker_silent(s, run->src.now), "checker");
	least = conf != NULL && conf->balance == CONF_LEASTCONN;
	explain_line(run, "Backend %s: %" PRIu32 " of %s may get sessions%s; balance is %s.", name,
	    usable, explain_many(servers, can.servers, "server"),
	    usable > 0 && can.others == 0 ? ", backups only" : "",
	    least ? "leastconn" : "roundrobin");
	explain_line(run, "It has %s; %" PRIu32 " %s in its queue.",
	    explain_many(sessions, limit_sum_be(s, be), "session"), waiting,
	    waiting == 1 ? "waits" : "wait");
	if (usable == 0)
		explain_line(run, "No server may get sessions: new ones %s.",
		    conf != NULL && conf->no_server == CONF_NO_SERVER_WAIT
			? "wait in the queue for one"
			: "end without one");
	else if (takers(s, be, &can, conf) == 0)
		explain_line(run, "Each of them has all the sessions that it may have: new ones "
				  "wait in the queue.");
	else if (least)
		backend_least(run, be, &can, conf);
	else
		backend_picks(run, be);
	backend_unused(run, be, &can, conf);
	explain_events(run, EVENT_BACKEND, be);
}

/* ---- frontends --------------------------------------------------------------------------------
 */

/* Why nobody new gets in; NULL: somebody does. */
static const char *
frontend_why(const struct shm *s, uint32_t fe, uint32_t held, uint32_t rate, struct mono now)
{
	const struct shm_fe_dir *d = shm_fe_dir(s, fe);
	const struct shm_master *m = s->master;
	uint32_t flags = sw32_get(&d->flags), limit = sw32_get(&d->maxconn), all = limit_rate_of(s);
	bool tcp = sw32_get(&d->mode) != 1;

	if (sw32_get(&m->stopping) != 0)
		return "vipd stops";
	if ((flags & SHM_FE_STOPPED) != 0)
		return "a command has shut it down, until a reload";
	if ((flags & SHM_FE_DISABLED) != 0)
		return "a command has disabled it";
	if (!tcp)
		return NULL;
	if (limit != 0 && held >= limit)
		return "it has all the sessions that it may have; clients wait until one ends";
	if (limit_sum_global(s) >= sw32_get(&m->maxconn))
		return "vipd has all the sessions of global maxconn; clients wait until one ends";
	if (rate != 0 && !limit_rate_room_fe(s, fe, rate, now))
		return "it has had all the sessions that it may have in a second; clients wait";
	if (all != 0 && !limit_rate_room_global(s, all, now))
		return "vipd has had all the sessions of a second (maxconnrate); clients wait";
	return NULL;
}

static void
explain_frontend(struct command_run *run, uint32_t fe)
{
	const struct shm *s = run->src.shm;
	const struct shm_fe_dir *d = shm_fe_dir(s, fe);
	uint32_t limit = sw32_get(&d->maxconn), k;
	const struct conf_frontend *conf;
	struct total_frontend t;
	char name[SHM_NAME], sessions[64];
	const char *why;

	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, d->name);
	k = run->src.conf != NULL ? conf_find_frontend(run->src.conf, name) : CONF_NONE;
	conf = k != CONF_NONE ? &run->src.conf->frontends[k] : NULL;
	total_of_frontend(s, fe, run->src.now, &t);
	explain_silent(run, false, "");
	why = frontend_why(s, fe, t.cur, conf != NULL ? conf->rate_sessions : 0, run->src.now);
	explain_line(run, "Frontend %s takes %s%s.", name,
	    why != NULL ? "no new clients: " : "new clients", why != NULL ? why : "");
	explain_many(sessions, t.cur, "session");
	if (limit != 0)
		explain_line(run, "It has %s of at most %" PRIu32 ".", sessions, limit);
	else
		explain_line(run, "It has %s, without a limit of its own.", sessions);
	if (conf != NULL && conf->default_backend != CONF_NONE)
		explain_line(run, "They go to the backend %s%s.",
		    run->src.conf->backends[conf->default_backend].name,
		    conf->n_rules > 0 ? ", unless a content rule says otherwise" : "");
	if (t.denied + t.denied_req > 0)
		explain_line(run,
		    "%" PRIu64 " clients were turned away by allow, deny and per_source, %" PRIu64
		    " by content rules.",
		    t.denied, t.denied_req);
	explain_events(run, EVENT_FRONTEND, fe);
	explain_events(run, EVENT_LIMIT, fe);
}

/* ---- the command ------------------------------------------------------------------------------
 */

static bool
is_kind(const char *word)
{
	static const char *const kinds[] = {
	    "", "router", "instance", "server", "backend", "frontend"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(word, kinds[i]) == 0)
			return true;
	return false;
}

/* "explain [router|server|backend|frontend] <name>": without the kind, whatever has the name. */
bool
explain_run(struct command_run *run, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : argc == 1 ? argv[0] : NULL;
	const char *kind = argc > 1 ? argv[0] : "";
	bool any = *kind == '\0';
	uint32_t i;

	if (argc < 1 || argc > 2 || !is_kind(kind))
		return command_error(run, "usage: explain [router|server|backend|frontend] <name>");
	if (strcmp(kind, "server") == 0 || (any && strchr(name, '/') != NULL)) {
		i = command_find_server(run, name);
		if (i != SHM_NONE)
			explain_server(run, i);
		return false;
	}
	if ((any || strcmp(kind, "router") == 0 || strcmp(kind, "instance") == 0) &&
	    explain_router(run, name))
		return false;
	i = any || strcmp(kind, "backend") == 0 ? child_find_backend(run->src.shm, name, 0)
						: SHM_NONE;
	if (i != SHM_NONE) {
		explain_backend(run, i);
		return false;
	}
	i = any || strcmp(kind, "frontend") == 0 ? child_find_frontend(run->src.shm, name, 0)
						 : SHM_NONE;
	if (i != SHM_NONE) {
		explain_frontend(run, i);
		return false;
	}
	run->severity = LOG_ERR;
	buf_printf(run->out, "No such %s.\n",
	    strcmp(kind, "router") == 0 || strcmp(kind, "instance") == 0 ? "instance"
	    : strcmp(kind, "backend") == 0                               ? "backend"
	    : strcmp(kind, "frontend") == 0                              ? "frontend"
					    : "router, server, backend or frontend");
	return false;
}
