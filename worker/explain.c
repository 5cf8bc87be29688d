/* SPDX-License-Identifier: ISC */
/*
 * "explain": why a virtual router, a server or a backend is what it is, in plain sentences. Runs in
 * workers and the master; reads shared memory only, so it answers also while another process hangs.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "shm/check_status.h"
#include "shm/event.h"
#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/refused.h"
#include "shm/role.h"
#include "shm/schedule.h"
#include "shm/target.h"
#include "shm/total.h"
#include "worker/show.h"

#define EVENTS_SHOWN 5
#define PICKS_SHOWN  12

static const char *
band_word(uint32_t band)
{
	static const char *const words[] = {"dead", "degraded", "good"}; /* vrrp/band.h */

	return band < 3 ? words[band] : "?";
}

/* "120 ms", "3.5 s", "4 min", "3 h", "2 d". Returns to. */
static const char *
span(char to[32], int64_t ns)
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

static void line(struct command_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* One that never is empty, whatever other processes have written. */
static void
line(struct command_run *run, const char *fmt, ...)
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

static void
wall_text(char *to, size_t size, uint64_t wall_us)
{
	time_t sec = (time_t)(wall_us / 1000000);
	struct tm tm;

	localtime_r(&sec, &tm);
	strftime(to, size, "%Y-%m-%d %H:%M:%S", &tm);
}

/* The last events about one object, oldest first. */
static void
last_events(struct command_run *run, enum event_kind kind, uint32_t object)
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
		line(run, "Last events:");
	for (size_t i = found > EVENTS_SHOWN ? found - EVENTS_SHOWN : 0; i < found; i++) {
		const struct event *e = &last[i % EVENTS_SHOWN];
		char when[32];

		wall_text(when, sizeof(when), (uint64_t)e->wall_us);
		line(run, "  %" PRIu64 " %s %s", e->seq, when, e->text);
	}
	free(ev);
	free(last);
}

/* ---- virtual routers --------------------------------------------------------------------------
 */

static const char *
ip_text(const struct shm_ip *ip, char to[64])
{
	if ((ip->family != AF_INET && ip->family != AF_INET6) ||
	    inet_ntop(ip->family, ip->b, to, 64) == NULL)
		snprintf(to, 64, "an unknown host");
	return to;
}

static void
router_role(struct command_run *run, const struct shm_router *r)
{
	char since[32], when[32] = "?", reason[sizeof(r->reason)];

	wall_text(when, sizeof(when), sw64_get(&r->since_wall_us));
	snprintf(reason, sizeof(reason), "%.*s", (int)sizeof(reason) - 1, r->reason);
	line(run, "%.*s (VRID %" PRIu32 ") is %s on this host since %s (%s): %s.", SHM_NAME - 1,
	    r->name, sw32_get(&r->vrid), shm_role_text(sw32_get(&r->role)), when,
	    span(since, run->src.now.ns - (int64_t)sw64_get(&r->since_ns)),
	    reason[0] != '\0' ? reason : "start");
}

static void
router_priority(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t band = sw32_get(&r->band), base = sw32_get(&w->base), p = sw32_get(&r->priority);
	uint32_t raw = sw32_get(&w->raw);
	int64_t hold = (int64_t)sw64_get(&w->hold_ns) - run->src.now.ns;
	char track[sizeof(w->track)], in[32];

	if (base == 255)
		line(run, "Its priority is %" PRIu32 " whatever happens, as configured.", p);
	else if (sw32_get(&w->weights) != 0)
		line(run, "Its priority is %" PRIu32 ": %" PRIu32 " as configured, %+d by weights.",
		    p, base, (int)p - (int)base);
	else
		line(run,
		    "Its priority is %" PRIu32 ": 80 x %" PRIu32 " for the band %s, + %" PRIu32
		    ", a quarter of the configured %" PRIu32 ".",
		    p, band, band_word(band), (base + 3) / 4, base);
	snprintf(track, sizeof(track), "%.*s", (int)sizeof(track) - 1, w->track);
	line(run, "What it tracks is %s%s%s.", band_word(raw), track[0] != '\0' ? ": " : "", track);
	if (raw != band && hold > 0)
		line(run, "The band follows in %s if that lasts.", span(in, hold));
}

static void
router_peers(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t n = sw32_get(&w->n_peers), role = sw32_get(&r->role);
	bool master = role == SHM_ROLE_MASTER;
	int64_t now = run->src.now.ns;
	char ip[64], ago[32];

	for (uint32_t i = 0; i < n && i < SHM_PEERS; i++) {
		uint64_t said = sw64_get(&w->peers[i].said_ns);

		ip_text(&w->peers[i].ip, ip);
		if (said == 0)
			line(run, "Peer %s has not advertised since this start%s.", ip,
			    master ? ": silent, as a BACKUP is" : "");
		else
			line(run, "Peer %s advertised priority %" PRIu32 " %s ago%s.", ip,
			    sw32_get(&w->peers[i].priority), span(ago, now - (int64_t)said),
			    sw32_get(&w->peers[i].priority) == 0 ? " (it resigned)"
			    : master && now - (int64_t)said > 3000000000
				? "; silent since then, as a BACKUP is"
				: "");
	}
	if (role != SHM_ROLE_BACKUP)
		return;
	if (sw64_get(&w->heard_ns) == 0)
		line(run, "No master has been heard.");
	else
		line(run, "The master is %s, priority %" PRIu32 ", heard %s ago.",
		    ip_text(&w->master, ip), sw32_get(&w->heard_priority),
		    span(ago, now - (int64_t)sw64_get(&w->heard_ns)));
}

static void
router_group(struct command_run *run, const struct shm_router *r)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS && r->group[0] != '\0'; i++) {
		const struct shm_router *o = &v->routers[i];

		if (o != r && sw32_get(&o->used) != 0 && strncmp(o->group, r->group, SHM_NAME) == 0)
			buf_printf(&b, "%s%.*s", b.len > 0 ? ", " : "", SHM_NAME - 1, o->name);
	}
	if (b.len > 0)
		line(run, "It moves together with %s (sync group %.*s).", buf_text(&b),
		    SHM_NAME - 1, r->group);
	buf_free(&b);
}

/* Of what was refused, and of clocks: what an operator looks for when hosts do not hear one
 * another. */
static void
router_refused(struct command_run *run, const struct shm_router *r)
{
	const struct shm_why *w = &r->why;
	uint32_t n = sw32_get(&w->n_peers);
	struct buf b = BUF_INIT;
	char ip[64], by[32];

	for (unsigned i = 1; i < SHM_REFUSED_N; i++)
		if (i != SHM_REFUSED_own && sw32_get(&r->refused[i]) > 0)
			buf_printf(&b, "%s%" PRIu32 " %s", b.len > 0 ? ", " : "",
			    sw32_get(&r->refused[i]), shm_refused_name(i));
	if (b.len > 0)
		line(run, "Advertisements refused, by reason: %s.", buf_text(&b));
	buf_free(&b);
	for (uint32_t i = 0; i < n && i < SHM_PEERS; i++) {
		int64_t ahead = (int64_t)sw64_get(&w->peers[i].clock_us);

		if (ahead > SHM_CLOCK_OFF_US || ahead < -SHM_CLOCK_OFF_US)
			line(run,
			    "The clock of %s is %s %s that of this host: one of the two is wrong. "
			    "Its advertisements are taken all the same.",
			    ip_text(&w->peers[i].ip, ip),
			    span(by, (ahead < 0 ? -ahead : ahead) * 1000),
			    ahead < 0 ? "behind" : "ahead of");
	}
}

static void
router_next(struct command_run *run, const struct shm_router *r)
{
	uint64_t next = sw64_get(&r->why.next_ns);
	char in[32] = "?";

	if (next != 0)
		span(in, (int64_t)next - run->src.now.ns);
	switch (sw32_get(&r->role)) {
	case SHM_ROLE_INIT:
		line(run, "It waits for its first probes, at most another %s.", in);
		break;
	case SHM_ROLE_BACKUP:
		if (next != 0)
			line(run, "It claims the addresses in %s if no advertisement comes before.",
			    in);
		line(run, "It also claims them when the master resigns, and by its preemption "
			  "setting when its own band or priority is better.");
		break;
	case SHM_ROLE_MASTER:
		line(run, "It advertises next in %s.", in);
		line(run, "It gives the addresses away when its band becomes worse than a peer's, "
			  "when a better master is heard, when its link is lost, by release, by "
			  "maintenance, and at its end.");
		break;
	case SHM_ROLE_RESIGN:
	case SHM_ROLE_LEAVE:
		line(run, "It hands over; at the latest in %s it goes on.", in);
		break;
	case SHM_ROLE_FAULT:
		line(run, "It takes no part until that is over.");
		break;
	default:
		break;
	}
	if (sw32_get(&run->src.shm->master->maintenance) != 0)
		line(run, "This node is in maintenance.");
}

static bool
explain_router(struct command_run *run, const char *name)
{
	const struct shm_vrrp *v = run->src.shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);

	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++) {
		const struct shm_router *r = &v->routers[i];

		if (sw32_get(&r->used) == 0 || strncmp(r->name, name, SHM_NAME) != 0)
			continue;
		router_role(run, r);
		router_priority(run, r);
		router_group(run, r);
		router_peers(run, r);
		router_refused(run, r);
		router_next(run, r);
		if (run->src.now.ns - (int64_t)sw64_get(&v->beat_ns) > 2000000000)
			line(run, "The vrrp process does not answer: all this may be old.");
		last_events(run, EVENT_ROUTER, i);
		return true;
	}
	return false;
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
		line(run, "It is not probed: the configuration has no check for it.");
		return;
	}
	total_probe_text(h, text);
	if (last == 0)
		line(run, "No probe has ended yet.");
	else
		line(run, "Its last probe, %s ago: %s (%s) in %" PRIu32 " ms%s%s.",
		    span(ago, now - (int64_t)last), check_status_word(sw32_get(&h->status)),
		    check_status_text(sw32_get(&h->status)), sw32_get(&h->duration_ms),
		    text[0] != '\0' ? ": " : "", text);
	if (counter >= rise)
		line(run, "%s in a row would take it down.",
		    many(left, counter - rise + 1, "failed probe"));
	else
		line(run, "%s in a row would bring it up.",
		    many(left, rise - counter, "passed probe"));
	line(run,
	    "Rise %" PRIu32 ", fall %" PRIu32 "; %" PRIu64 " probes ended, %" PRIu32
	    " failed; it went down %s.",
	    rise, fall, sw64_get(&h->probes), sw32_get(&h->chkfail),
	    many(left, sw32_get(&h->chkdown), "time"));
	if (checked == 2)
		line(run, "Probes pause: an operator has disabled them.");
	else if ((sw32_get(&h->admin) & 7) != 0)
		line(run, "No probes during maintenance.");
	else if (next > -1000000000)
		line(run, "The next probe begins in %s.", span(in, next));
	else
		line(run, "Its next probe is late.");
	if (now - (int64_t)sw64_get(&run->src.shm->checker->beat_ns) > 5000000000)
		line(run, "The checker does not answer: all this may be old.");
}

static void
server_weight(struct command_run *run, uint32_t srv, const struct shm_health *h)
{
	const struct shm *s = run->src.shm;
	uint32_t uweight = sw32_get(&h->uweight), conf = sw32_get(&h->conf_weight), len, share;
	uint64_t slow = sw64_get(&h->slow_from_ns);
	int64_t took = run->src.now.ns - (int64_t)slow, whole = sw32_get(&h->slowstart_ms);
	char in[32];

	line(run, "Its weight is %" PRIu32 "%s%s.", uweight,
	    uweight != conf ? ", set by a command; the file says " : " as configured",
	    uweight != conf ? (snprintf(in, sizeof(in), "%" PRIu32, conf), in) : "");
	if (slow != 0 && uweight > 0)
		line(run, "Slow start: it has %" PRIu64 " %% of it now, all of it in %s.",
		    (uint64_t)sw32_get(&h->eweight) * 100 / 256 / uweight,
		    span(in, whole * 1000000 - took));
	share = schedule_share(s, sw32_get(&shm_srv_dir(s, srv)->backend), srv, &len);
	if (len > 0)
		line(run, "Of %" PRIu32 " turns of the backend's schedule %" PRIu32 " are its own.",
		    len, share);
	else
		line(run, "The backend's schedule is empty: no server may get sessions.");
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
		line(run, "It has %s, without a limit.", sessions);
	else
		line(run, "It has %s of at most %" PRIu32 "%s%s.", sessions, limit,
		    sw64_get(&h->slow_from_ns) != 0 ? " during slow start"
		    : set != SHM_NONE               ? " (set by a command)"
						    : "",
		    held >= limit ? ": it is full" : "");
	line(run, "In the backend's queue %s %s.", many(wait, waiting, "session"),
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
		line(run, "Its probes go to the address %s, set by a command.",
		    sock_addr_format_host(&a, host, sizeof(host)));
	if (t.check_port != 0)
		line(run, "Its probes go to port %" PRIu32 ", set by a command.", t.check_port);
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
		line(run, "%s is new: the checker has not looked at it yet.", name);
		return;
	}
	shown = total_server_word(word, sw32_get(&h->oper), sw32_get(&h->admin),
	    sw32_get(&h->checked) != 0, sw32_get(&h->counter), sw32_get(&h->rise),
	    sw32_get(&h->fall));
	line(run, "%s at %s: %s, for %s.", name, target_text(s, srv, addr), shown,
	    span(ago, run->src.now.ns -
			  (int64_t)(changed != 0 ? changed : sw64_get(&s->master->started_ns))));
	if (strncmp(addr, d->addr, SHM_ADDR) != 0)
		line(run, "A command has set this address; the file says %.*s.", SHM_ADDR - 1,
		    d->addr);
	server_check_target(run, h);
	why = no_sessions_why(h);
	line(run, "It gets %s%s.", why != NULL ? "no new sessions: " : "new sessions",
	    why != NULL ? why : "");
	server_probe(run, h);
	server_weight(run, srv, h);
	server_limits(run, srv, h);
	last_events(run, EVENT_SERVER, srv);
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
		line(run,
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
			line(run, "%.*s gets no new sessions: %s.", SHM_NAME - 1, d->name, why);
	}
	if (said > 50)
		line(run, "So do %" PRIu32 " more.", said - 50);
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
	line(run, "Backend %s: %" PRIu32 " of %s may get sessions; balance is %s.", name, usable,
	    many(servers, sw32_get(&sched->total), "server"), least ? "leastconn" : "roundrobin");
	line(run, "It has %s; %" PRIu32 " %s in its queue.",
	    many(sessions, limit_sum_be(s, be), "session"), waiting,
	    waiting == 1 ? "waits" : "wait");
	if (usable == 0)
		line(run, "No server may get sessions: new ones end without one.");
	else if (least)
		backend_least(run, be);
	else
		backend_picks(run, be);
	backend_unused(run, be);
	last_events(run, EVENT_BACKEND, be);
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
	if (i != SHM_NONE)
		explain_backend(run, i);
	else
		buf_printf(run->out, "No such %s.\n",
		    strcmp(kind, "router") == 0 || strcmp(kind, "instance") == 0 ? "instance"
		    : strcmp(kind, "backend") == 0                               ? "backend"
						   : "router, server or backend");
	return false;
}
