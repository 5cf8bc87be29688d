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

/* "1 server", "2 servers". */
static const char *
many(char to[64], uint64_t n, const char *what)
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

	while (ev != NULL && last != NULL && n == 32) {
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

/* ---- servers ----------------------------------------------------------------------------------
 */

/* Why it gets no new sessions; NULL: it gets some. */
static const char *
no_sessions_why(const struct shm_health *h)
{
	uint32_t admin = sw32_get(&h->admin);

	if ((admin & SHM_ADMIN_FMAINT) != 0)
		return "an operator has put it into maintenance";
	if ((admin & SHM_ADMIN_CMAINT) != 0)
		return "the configuration has disabled it";
	if ((admin & SHM_ADMIN_IMAINT) != 0)
		return "the server that it follows is in maintenance";
	if (sw32_get(&h->oper) == SHM_OPER_STOPPED)
		return "it is down";
	if ((admin & (SHM_ADMIN_FDRAIN | SHM_ADMIN_IDRAIN)) != 0)
		return "an operator drains it; its sessions go on";
	if (sw32_get(&h->oper) == SHM_OPER_STOPPING)
		return "it is stopping (its probe says so); its sessions go on";
	if (sw32_get(&h->uweight) == 0)
		return "its weight is 0";
	return sw32_get(&h->usable) == 0 ? "the checker has not let it in yet" : NULL;
}

static void
server_probe(struct command_run *run, const struct shm_health *h)
{
	int64_t now = run->src.now.ns, next = (int64_t)sw64_get(&h->next_probe_ns) - now;
	uint32_t counter = sw32_get(&h->counter), rise = sw32_get(&h->rise);
	uint32_t fall = sw32_get(&h->fall), checked = sw32_get(&h->checked);
	char text[TOTAL_PROBE_TEXT], ago[32], in[32], left[64];
	uint64_t last = sw64_get(&h->last_probe_ns);

	if (checked == 0) {
		explain_line(run, "It is not probed: the configuration has no check for it.");
		return;
	}
	total_probe_text(h, text);
	if (last == 0)
		explain_line(run, "No probe has ended yet.");
	else
		explain_line(run, "Its last probe, %s ago: %s (%s) in %" PRIu32 " ms%s%s.",
		    explain_span(ago, now - (int64_t)last), check_status_word(sw32_get(&h->status)),
		    check_status_text(sw32_get(&h->status)), sw32_get(&h->duration_ms),
		    text[0] != '\0' ? ": " : "", text);
	if (counter >= rise)
		explain_line(run, "%s in a row would take it down.",
		    many(left, counter - rise + 1, "failed probe"));
	else
		explain_line(run, "%s in a row would bring it up.",
		    many(left, rise - counter, "passed probe"));
	explain_line(run,
	    "Rise %" PRIu32 ", fall %" PRIu32 "; %" PRIu64 " probes ended, %" PRIu32
	    " failed; it went down %s.",
	    rise, fall, sw64_get(&h->probes), sw32_get(&h->chkfail),
	    many(left, sw32_get(&h->chkdown), "time"));
	if (checked == 2)
		explain_line(run, "Probes pause: an operator has disabled them.");
	else if ((sw32_get(&h->admin) & 7) != 0)
		explain_line(run, "No probes during maintenance.");
	else if (next > -1000000000)
		explain_line(run, "The next probe begins in %s.", explain_span(in, next));
	else
		explain_line(run, "Its next probe is late.");
	if (now - (int64_t)sw64_get(&run->src.shm->checker->beat_ns) > 5000000000)
		explain_line(run, "The checker does not answer: all this may be old.");
}

static void
server_weight(struct command_run *run, uint32_t srv, const struct shm_health *h)
{
	const struct shm *s = run->src.shm;
	uint32_t uweight = sw32_get(&h->uweight), conf = sw32_get(&h->conf_weight), len, share;
	uint64_t slow = sw64_get(&h->slow_from_ns);
	int64_t took = run->src.now.ns - (int64_t)slow, whole = sw32_get(&h->slowstart_ms);
	char in[32];

	explain_line(run, "Its weight is %" PRIu32 "%s%s.", uweight,
	    uweight != conf ? ", set by a command; the file says " : " as configured",
	    uweight != conf ? (snprintf(in, sizeof(in), "%" PRIu32, conf), in) : "");
	if (slow != 0 && uweight > 0)
		explain_line(run, "Slow start: it has %" PRIu64 " %% of it now, all of it in %s.",
		    (uint64_t)sw32_get(&h->eweight) * 100 / 256 / uweight,
		    explain_span(in, whole * 1000000 - took));
	share = schedule_share(s, sw32_get(&shm_srv_dir(s, srv)->backend), srv, &len);
	if (len > 0)
		explain_line(run,
		    "Of %" PRIu32 " turns of the backend's schedule %" PRIu32 " are its own.", len,
		    share);
	else
		explain_line(run, "The backend's schedule is empty: no server may get sessions.");
}

static void
server_limits(struct command_run *run, uint32_t srv, const struct shm_health *h)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, srv);
	uint32_t held = limit_sum_srv(s, srv), conf = sw32_get(&d->maxconn), limit = conf;
	uint32_t set = sw32_get(&h->maxconn), dyn = sw32_get(&h->dyn_maxconn);
	uint32_t waiting = queue_waiting(s, sw32_get(&d->backend));
	char sessions[64], wait[64];

	if (set != SHM_NONE)
		limit = set;
	if (dyn != 0)
		limit = dyn == SHM_NONE ? 0 : dyn;
	many(sessions, held, "session");
	if (limit == 0)
		explain_line(run, "It has %s, without a limit.", sessions);
	else
		explain_line(run, "It has %s of at most %" PRIu32 "%s%s.", sessions, limit,
		    sw64_get(&h->slow_from_ns) != 0 ? " during slow start"
		    : set != SHM_NONE               ? " (set by a command)"
						    : "",
		    held >= limit ? ": it is full" : "");
	explain_line(run, "In the backend's queue %s %s.", many(wait, waiting, "session"),
	    waiting == 1 ? "waits" : "wait");
}

/* Where probes go, if a command has said so. */
static void
server_check_target(struct command_run *run, const struct shm_health *h)
{
	char host[SOCK_ADDR_TEXT];
	struct shm_target t;
	struct sock_addr a;

	if (!target_get(h, &t) || (t.check.family == 0 && t.check_port == 0))
		return;
	end_get(&t.check, &a);
	if (a.family != AF_UNSPEC)
		explain_line(run, "Its probes go to the address %s, set by a command.",
		    sock_addr_format_host(&a, host, sizeof(host)));
	if (t.check_port != 0)
		explain_line(
		    run, "Its probes go to port %" PRIu32 ", set by a command.", t.check_port);
}

static void
explain_server(struct command_run *run, uint32_t srv)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, srv);
	const struct shm_health *h = shm_health(s, srv);
	uint64_t changed = sw64_get(&h->changed_ns);
	char word[32], name[2 * SHM_NAME + 2], ago[32], addr[SHM_ADDR];
	const char *why, *shown;

	snprintf(name, sizeof(name), "%.*s/%.*s", SHM_NAME - 1,
	    shm_be_dir(s, sw32_get(&d->backend))->name, SHM_NAME - 1, d->name);
	if (sw32_get(&h->epoch) != sw32_get(&d->epoch)) {
		explain_line(run, "%s is new: the checker has not looked at it yet.", name);
		return;
	}
	shown = total_server_word(word, sw32_get(&h->oper), sw32_get(&h->admin),
	    sw32_get(&h->checked) != 0, sw32_get(&h->counter), sw32_get(&h->rise),
	    sw32_get(&h->fall));
	explain_line(run, "%s at %s: %s, for %s.", name, target_text(s, srv, addr), shown,
	    explain_span(
		ago, run->src.now.ns -
			 (int64_t)(changed != 0 ? changed : sw64_get(&s->master->started_ns))));
	if (strncmp(addr, d->addr, SHM_ADDR) != 0)
		explain_line(run, "A command has set this address; the file says %.*s.",
		    SHM_ADDR - 1, d->addr);
	server_check_target(run, h);
	why = no_sessions_why(h);
	explain_line(run, "It gets %s%s.", why != NULL ? "no new sessions: " : "new sessions",
	    why != NULL ? why : "");
	server_probe(run, h);
	server_weight(run, srv, h);
	server_limits(run, srv, h);
	explain_events(run, EVENT_SERVER, srv);
}

/* ---- backends ---------------------------------------------------------------------------------
 */

static const struct conf_backend *
conf_backend(const struct command_run *run, const char *name)
{
	uint32_t k = run->src.conf != NULL ? conf_find_backend(run->src.conf, name) : CONF_NONE;

	return k != CONF_NONE ? &run->src.conf->backends[k] : NULL;
}

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
backend_least(struct command_run *run, uint32_t be)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_servers), best = SHM_NONE;
	uint64_t best_held = 0, best_weight = 1;

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		const struct shm_health *h = shm_health(s, i);
		uint64_t held, weight = sw32_get(&h->eweight);

		if (sw32_get(&shm_srv_dir(s, i)->state) != SHM_DIR_USED ||
		    sw32_get(&shm_srv_dir(s, i)->backend) != be || sw32_get(&h->usable) == 0 ||
		    weight == 0)
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

/* A line for each server that gets nothing. */
static void
backend_unused(struct command_run *run, uint32_t be)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_servers), said = 0;

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);
		const char *why;

		if (sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&d->backend) != be)
			continue;
		why = no_sessions_why(shm_health(s, i));
		if (why != NULL && said++ < 50)
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
	char name[SHM_NAME], sessions[64], servers[64];
	bool least;

	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, d->name);
	conf = conf_backend(run, name);
	least = conf != NULL && conf->balance == CONF_LEASTCONN;
	explain_line(run, "Backend %s: %" PRIu32 " of %s may get sessions; balance is %s.", name,
	    usable, many(servers, sw32_get(&sched->total), "server"),
	    least ? "leastconn" : "roundrobin");
	explain_line(run, "It has %s; %" PRIu32 " %s in its queue.",
	    many(sessions, limit_sum_be(s, be), "session"), waiting,
	    waiting == 1 ? "waits" : "wait");
	if (usable == 0)
		explain_line(run, "No server may get sessions: new ones end without one.");
	else if (least)
		backend_least(run, be);
	else
		backend_picks(run, be);
	backend_unused(run, be);
	explain_events(run, EVENT_BACKEND, be);
}

/* ---- the command ------------------------------------------------------------------------------
 */

/* "explain [router|server|backend] <name>": without the kind, whatever has the name. */
bool
explain_run(struct command_run *run, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : argc == 1 ? argv[0] : NULL;
	const char *kind = argc > 1 ? argv[0] : "";
	bool any = *kind == '\0';
	uint32_t i;

	if (name == NULL) {
		buf_puts(run->out, "usage: explain [router|server|backend] <name>\n");
		return false;
	}
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
	run->severity = LOG_ERR;
	buf_printf(run->out, "No such %s.\n",
	    strcmp(kind, "router") == 0 || strcmp(kind, "instance") == 0 ? "instance"
	    : strcmp(kind, "backend") == 0                               ? "backend"
					   : "router, server or backend");
	return false;
}
