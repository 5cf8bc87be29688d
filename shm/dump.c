/* SPDX-License-Identifier: ISC */
/* Statistics as text for people. Called by the master; reads shared memory only. */
#include "shm/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "shm/check_status.h"
#include "shm/target.h"
#include "shm/total.h"

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t
seconds_since(struct mono now, uint64_t ns)
{
	return now.ns > (int64_t)ns ? ((uint64_t)now.ns - ns) / 1000000000u : 0;
}

static void
dump_process(const struct shm *s, struct mono now, int64_t wall_us, struct buf *out)
{
	const struct shm_master *m = s->master;
	struct total_process t;
	time_t sec = (time_t)(wall_us / 1000000);
	char when[64], up[32];
	struct tm tm;

	total_of_process(s, now, &t);
	localtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	buf_printf(
	    out, "vipd %s on %.*s, statistics of %s\n", VIPD_VERSION, SHM_NAME - 1, m->node, when);
	buf_printf(out,
	    "master pid %" PRIu32 ", up %s%s, generation %" PRIu64 ", reloads %" PRIu64 " (%" PRIu64
	    " failed)%s\n",
	    sw32_get(&m->pid),
	    total_format_uptime(up, seconds_since(now, sw64_get(&m->started_ns))),
	    sw32_get(&m->stopping) != 0 ? ", stopping" : "", sw64_get(&m->generation),
	    sw64_get(&m->reloads), sw64_get(&m->reloads_failed),
	    sw32_get(&m->maintenance) != 0 ? ", in maintenance" : "");
	buf_printf(out,
	    "sessions %" PRIu32 " of %" PRIu32 " (most %" PRIu32 "), accepted %" PRIu64
	    ", rate %" PRIu32 "/s, bytes out %" PRIu64 " (spliced %" PRIu64
	    "), log lines lost %" PRIu64 "\n",
	    t.held, sw32_get(&m->maxconn), t.held_max, t.cum_conn, t.rate, t.bytes_out, t.spliced,
	    t.log_lost);
}

/* ---- processes --------------------------------------------------------------------------------
 */

static const char *
state_word(const struct shm_proc *p, bool absent)
{
	static const char *const words[] = {
	    [SHM_PROC_NONE] = "none",
	    [SHM_PROC_STARTING] = "starting",
	    [SHM_PROC_READY] = "ready",
	    [SHM_PROC_BACKOFF] = "backoff",
	    [SHM_PROC_STOPPING] = "stopping",
	};
	uint32_t state = sw32_get(&p->state);

	if (absent && state == SHM_PROC_READY)
		return "silent";
	return state <= SHM_PROC_STOPPING ? words[state] : "?";
}

static const char *
last_end(const struct shm_proc *p, char to[32])
{
	int status = (int)sw32_get(&p->last_status);

	if (sw32_get(&p->respawns) == 0)
		return "-";
	if (WIFSIGNALED(status))
		snprintf(to, 32, "signal %d", WTERMSIG(status));
	else
		snprintf(to, 32, "exit %d", WEXITSTATUS(status));
	return to;
}

static void
dump_proc(const struct shm_proc *p, const char *name, bool absent, struct mono now, struct buf *out)
{
	char up[32] = "-", last[32];

	if (sw32_get(&p->pid) != 0)
		total_format_uptime(up, seconds_since(now, sw64_get(&p->started_ns)));
	buf_printf(out, "%-10s %7" PRIu32 " %-9s %15s %8" PRIu32 " %-10s %10" PRIu64, name,
	    sw32_get(&p->pid), state_word(p, absent), up, sw32_get(&p->respawns), last_end(p, last),
	    sw64_get(&p->generation));
}

static void
dump_processes(const struct shm *s, struct mono now, struct buf *out)
{
	const struct shm_master *m = s->master;

	buf_printf(out, "\n%-10s %7s %-9s %15s %8s %-10s %10s %9s %9s %12s %6s\n", "process", "pid",
	    "state", "up", "respawns", "last end", "generation", "sessions", "most", "accepted",
	    "pipes");
	for (uint32_t i = 0; i < least(sw32_get(&m->n_workers), s->caps->workers); i++) {
		const struct shm_worker *w = shm_worker(s, i);
		char name[32];

		if (i >= sw32_get(&m->wanted) && sw32_get(&m->workers[i].pid) == 0)
			continue; /* a reload has made do with fewer */
		snprintf(name, sizeof(name), "worker %" PRIu32, i);
		dump_proc(&m->workers[i], name, shm_mask_has(m->absent, i), now, out);
		buf_printf(out, " %9" PRIu32 " %9" PRIu32 " %12" PRIu64 " %6" PRIu32 "\n",
		    sw32_get(&w->held), sw32_get(&w->held_max), sw64_get(&w->cum_conn),
		    sw32_get(&w->pipes));
	}
	dump_proc(&m->checker, "checker", false, now, out);
	buf_putc(out, '\n');
	dump_proc(&m->vrrp, "vrrp", false, now, out);
	buf_putc(out, '\n');
}

/* ---- frontends, backends, servers -------------------------------------------------------------
 */

static void
dump_frontends(const struct shm *s, struct mono now, struct buf *out)
{
	buf_printf(out, "\n%-24s %-5s %9s %9s %9s %12s %7s %14s %14s %9s %9s %12s %9s\n",
	    "frontend", "mode", "sessions", "most", "limit", "accepted", "rate", "bytes in",
	    "bytes out", "denied", "rejected", "requests", "bad");
	for (uint32_t i = 0; i < least(sw32_get(&s->master->n_frontends), s->caps->frontends);
	     i++) {
		const struct shm_fe_dir *d = shm_fe_dir(s, i);
		struct total_frontend t;

		if (sw32_get(&d->state) != SHM_DIR_USED)
			continue;
		total_of_frontend(s, i, now, &t);
		buf_printf(out,
		    "%-24.*s %-5s %9" PRIu32 " %9" PRIu32 " %9" PRIu32 " %12" PRIu64 " %7" PRIu32
		    " %14" PRIu64 " %14" PRIu64 " %9" PRIu64 " %9" PRIu64 " %12" PRIu64 " %9" PRIu64
		    "\n",
		    SHM_NAME - 1, d->name, sw32_get(&d->mode) == 1 ? "http" : "tcp", t.cur,
		    t.cur_max, sw32_get(&d->maxconn), t.sess, t.rate, t.bytes_in, t.bytes_out,
		    t.denied, t.denied_req, t.req, t.req_err);
	}
}

static void
dump_counts(const struct total_target *t, uint32_t limit, struct buf *out)
{
	buf_printf(out,
	    " %9" PRIu32 " %9" PRIu32 " %9" PRIu32 " %7" PRIu32 " %12" PRIu64 " %7" PRIu32
	    " %14" PRIu64 " %14" PRIu64 " %9" PRIu64 " %8" PRIu64 " %8" PRIu64,
	    t->cur, t->cur_max, limit, t->waiting, t->sess, t->rate, t->bytes_in, t->bytes_out,
	    t->econ, t->wretr, t->wredis);
}

/* Why the server is as it is: the last probe, unless the checker is writing it just now. */
static void
dump_probe(const struct shm_health *h, struct mono now, struct buf *out)
{
	char text[TOTAL_PROBE_TEXT];

	if (sw32_get(&h->checked) == 0)
		return;
	if (sw64_get(&h->last_probe_ns) == 0) {
		buf_puts(out, "  not probed yet");
		return;
	}
	buf_printf(out, "  %s in %" PRIu32 " ms, %" PRIu64 " s ago",
	    check_status_word(sw32_get(&h->status)), sw32_get(&h->duration_ms),
	    seconds_since(now, sw64_get(&h->last_probe_ns)));
	if (total_probe_text(h, text)[0] != '\0')
		buf_printf(out, ": %s", text);
}

static void
dump_server(const struct shm *s, uint32_t i, struct mono now, struct buf *out)
{
	const struct shm_srv_dir *d = shm_srv_dir(s, i);
	const struct shm_health *h = shm_health(s, i);
	bool known = sw32_get(&h->epoch) == sw32_get(&d->epoch);
	struct total_target t;
	char word[32], addr[SHM_ADDR];

	total_of_server(s, i, now, &t);
	buf_printf(out, "  %-22.*s %-12s %6" PRIu32, SHM_NAME - 1, d->name,
	    known ? total_server_word(word, sw32_get(&h->oper), sw32_get(&h->admin),
			sw32_get(&h->checked) == 1, sw32_get(&h->counter), sw32_get(&h->rise),
			sw32_get(&h->fall))
		  : "?",
	    known ? (sw32_get(&h->eweight) + 255) / 256 : 0);
	dump_counts(&t, sw32_get(&d->maxconn), out);
	buf_printf(out, "  %s", target_text(s, i, addr));
	if (known)
		dump_probe(h, now, out);
	buf_putc(out, '\n');
}

static void
dump_backend(const struct shm *s, uint32_t i, struct mono now, struct buf *out)
{
	const struct shm_be_dir *d = shm_be_dir(s, i);
	const struct shm_sched *sched = shm_sched(s, i);
	bool known = sw32_get(&sched->epoch) == sw32_get(&d->epoch);
	uint32_t usable = known ? sw32_get(&sched->usable) : 0;
	struct total_target t;
	char word[32];

	total_of_backend(s, i, now, &t);
	snprintf(word, sizeof(word), "%s %" PRIu32 "/%" PRIu32, usable > 0 ? "UP" : "DOWN", usable,
	    known ? sw32_get(&sched->total) : 0);
	buf_printf(out, "%-24.*s %-12s %6" PRIu32, SHM_NAME - 1, d->name, word,
	    known ? sw32_get(&sched->weight_up) : 0);
	dump_counts(&t, sw32_get(&d->fullconn), out);
	buf_putc(out, '\n');
	for (uint32_t k = 0; k < least(sw32_get(&s->master->n_servers), s->caps->servers); k++)
		if (sw32_get(&shm_srv_dir(s, k)->state) == SHM_DIR_USED &&
		    sw32_get(&shm_srv_dir(s, k)->backend) == i)
			dump_server(s, k, now, out);
}

void
stats_dump_text_at(const struct shm *s, struct mono now, int64_t wall_us, struct buf *out)
{
	dump_process(s, now, wall_us, out);
	dump_processes(s, now, out);
	dump_frontends(s, now, out);
	buf_printf(out, "\n%-24s %-12s %6s %9s %9s %9s %7s %12s %7s %14s %14s %9s %8s %8s\n",
	    "backend, servers", "status", "weight", "sessions", "most", "limit", "waiting", "total",
	    "rate", "bytes in", "bytes out", "failed", "retries", "redisp");
	for (uint32_t i = 0; i < least(sw32_get(&s->master->n_backends), s->caps->backends); i++)
		if (sw32_get(&shm_be_dir(s, i)->state) == SHM_DIR_USED)
			dump_backend(s, i, now, out);
}

void
stats_dump_text(const struct shm *s, struct buf *out)
{
	stats_dump_text_at(s, mono_now(), mono_wall_us(), out);
}
