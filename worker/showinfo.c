/* SPDX-License-Identifier: ISC */
/*
 * "show info", "show proc", "show version": what the processes are and do. Runs in workers; reads
 * shared memory only. Numbers are sums over all workers, under HAProxy's names where it has one
 * with that meaning.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/log.h"
#include "lib/csv.h"
#include "shm/total.h"
#include "worker/show.h"

/* ---- show info --------------------------------------------------------------------------------
 */

#define INFO_MAX 64

struct info {
	struct {
		const char *name;
		const char *tags;
		const char *text;
		enum stat_value type;
		uint64_t n;
		const char *s;
	} v[INFO_MAX];
	size_t n;
	char uptime[32];
	char node[SHM_NAME];
};

static void
add_n(struct info *info, const char *name, const char *tags, const char *text, enum stat_value type,
    uint64_t n)
{
	if (info->n < INFO_MAX) {
		info->v[info->n].name = name;
		info->v[info->n].tags = tags;
		info->v[info->n].text = text;
		info->v[info->n].type = type;
		info->v[info->n].s = NULL;
		info->v[info->n++].n = n;
	}
}

static void
add_s(struct info *info, const char *name, const char *tags, const char *text, const char *s)
{
	add_n(info, name, tags, text, STAT_STR, 0);
	info->v[info->n - 1].s = s;
}

static uint64_t
uptime_s(const struct stat_source *src)
{
	return (uint64_t)(src->now.ns - (int64_t)sw64_get(&src->shm->master->started_ns)) /
	       1000000000;
}

static void
info_process(struct info *info, const struct stat_source *src)
{
	const struct shm_master *m = src->shm->master;
	uint64_t up = uptime_s(src);

	total_format_uptime(info->uptime, up);
	snprintf(info->node, sizeof(info->node), "%.*s", SHM_NAME - 1, m->node);
	add_s(info, "Name", "POS", "name of the product", "vipd");
	/* Tools ask for a version of HAProxy before they use a command: this is whose language and
	 * columns the control socket speaks. */
	add_s(info, "Version", "POS", "version of HAProxy whose language this is, and vipd's",
	    "2.6.0-vipd-" VIPD_VERSION);
	add_s(info, "Release_date", "POS", "date of this version", VIPD_DATE);
	add_n(info, "Nbthread", "CGS", "threads a worker", STAT_U32, 1);
	add_n(info, "Nbproc", "CGS", "worker processes", STAT_U32, sw32_get(&m->wanted));
	add_n(info, "Process_num", "KGP", "always 1: numbers are of all workers", STAT_U32, 1);
	add_n(info, "Pid", "SGP", "process id of the master", STAT_U32, sw32_get(&m->pid));
	add_s(info, "Uptime", "MDP", "time since the start", info->uptime);
	add_n(info, "Uptime_sec", "MDP", "time since the start in seconds", STAT_U32, up);
	add_n(info, "Memmax_MB", "CLP", "limit of memory; 0: none", STAT_U32, 0);
	add_n(info, "Ulimit-n", "CLP", "limit of descriptors a worker", STAT_U32,
	    sw32_get(&m->nofile));
	add_n(info, "Maxsock", "CLP", "limit of sockets a worker", STAT_U32, sw32_get(&m->nofile));
	add_n(info, "Maxconn", "CLP", "limit of open sessions", STAT_U32, sw32_get(&m->maxconn));
	add_n(info, "Hard_maxconn", "CLP", "the same", STAT_U32, sw32_get(&m->maxconn));
}

static void
info_traffic(struct info *info, const struct stat_source *src)
{
	struct total_process st;

	total_of_process(src->shm, src->now, &st);
	add_n(info, "CurrConns", "MGP", "open sessions", STAT_U32, st.held);
	add_n(info, "CumConns", "MCP", "connections accepted", STAT_U64, st.cum_conn);
	add_n(info, "CumReq", "MCP", "HTTP requests", STAT_U64, st.cum_req);
	add_n(info, "Maxpipes", "CLP", "limit of pipes; 0: what the kernel gives", STAT_U32, 0);
	add_n(info, "PipesUsed", "MGP", "pipes in use and pooled", STAT_U32, st.pipes);
	add_n(info, "PipesFree", "MGP", "not counted apart", STAT_U32, 0);
	add_n(info, "ConnRate", "MRP", "sessions in the last second", STAT_U32, st.rate);
	add_n(info, "ConnRateLimit", "CLP", "most sessions a second; 0: no limit", STAT_U32,
	    sw32_get(&src->shm->master->conn_rate));
	add_n(info, "MaxConnRate", "MMP", "most sessions that were begun in a second", STAT_U32,
	    st.rate_max);
	add_n(info, "SessRate", "MRP", "the same as ConnRate", STAT_U32, st.rate);
	add_n(info, "SessRateLimit", "CLP", "the same, by command only; the lower holds", STAT_U32,
	    sw32_get(&src->shm->master->sess_rate));
	add_n(info, "MaxSessRate", "MMP", "the same as MaxConnRate", STAT_U32, st.rate_max);
	add_n(info, "Tasks", "MGP", "open connections of every kind", STAT_U32,
	    st.held + st.held_misc);
	add_n(info, "Run_queue", "MGP", "not counted", STAT_U32, 0);
	add_s(info, "node", "COS", "name of this node", info->node);
	add_n(info, "Stopping", "MGP", "1 while vipd stops", STAT_U32,
	    sw32_get(&src->shm->master->stopping));
	add_n(info, "Jobs", "MGP", "open connections of every kind", STAT_U32,
	    st.held + st.held_misc);
	add_n(info, "DroppedLogs", "MCP", "log lines lost", STAT_U64, st.log_lost);
	add_n(info, "TotalBytesOut", "MCP", "bytes to clients", STAT_U64, st.bytes_out);
	/* HAProxy's spelling; tools know it by this name. */
	add_n(info, "TotalSplicdedBytesOut", "MCP", "bytes moved without copying", STAT_U64,
	    st.spliced);
	add_n(info, "Start_time_sec", "MDP", "time of the start, seconds since 1970", STAT_U32,
	    sw64_get(&src->shm->master->started_wall_us) / 1000000);
}

/* What HAProxy has no name for. */
static void
info_vipd(struct info *info, const struct stat_source *src)
{
	const struct shm_master *m = src->shm->master;
	uint64_t live = 0, respawns = 0;

	for (uint32_t w = 0; w < sw32_get(&m->n_workers) && w < SHM_MAX_WORKERS; w++) {
		live += w < sw32_get(&m->wanted) && shm_mask_has(m->live, w);
		respawns += sw32_get(&m->workers[w].respawns);
	}
	add_s(info, "Vipd_version", "POS", "version of vipd", VIPD_VERSION);
	add_n(info, "Workers_live", "MGP", "workers that serve", STAT_U32, live);
	add_n(info, "Respawns", "MCP", "times that a process died and was started again", STAT_U64,
	    respawns + sw32_get(&m->checker.respawns) + sw32_get(&m->vrrp.respawns));
	add_n(info, "Generation", "SGP", "number of the configuration in force", STAT_U64,
	    sw64_get(&m->generation));
	add_n(info, "Reloads", "MCP", "reloads carried out", STAT_U64, sw64_get(&m->reloads));
	add_n(info, "Reloads_failed", "MCP", "reloads refused", STAT_U64,
	    sw64_get(&m->reloads_failed));
	add_n(info, "Reload_refused", "SGP", "1 while the file of the last reload is not in force",
	    STAT_U32, sw32_get(&m->refused));
	add_n(info, "Maintenance", "SGP", "1 while this node is in maintenance", STAT_U32,
	    sw32_get(&m->maintenance));
	add_n(info, "Degraded", "SGP", "1 while a process dies again and again", STAT_U32,
	    sw32_get(&m->degraded));
}

static void
info_json(struct buf *out, const struct info *info)
{
	struct json j;

	json_init(&j, out, false);
	json_array_begin(&j);
	for (size_t i = 0; i < info->n; i++) {
		json_object_begin(&j);
		stat_json_field(&j, (unsigned)i, info->v[i].name, info->v[i].tags, info->v[i].type,
		    info->v[i].n, info->v[i].s);
		json_object_end(&j);
	}
	json_array_end(&j);
	buf_putc(out, '\n');
}

static void
info_text(struct buf *out, const struct info *info, bool typed, bool desc)
{
	for (size_t i = 0; i < info->n; i++) {
		const char *name = info->v[i].name, *s = info->v[i].s;

		if (typed) {
			buf_printf(out, "%zu.", i);
			stat_typed_field(
			    out, name, info->v[i].tags, info->v[i].type, info->v[i].n, s);
		} else if (s != NULL) {
			buf_printf(out, "%s: %s", name, s);
		} else {
			buf_printf(out, "%s: %" PRIu64, name, info->v[i].n);
		}
		if (desc)
			buf_printf(out, ":\"%s\"", info->v[i].text);
		buf_putc(out, '\n');
	}
}

bool
show_info_run(struct command_run *run, int argc, char **argv)
{
	struct info info = {.n = 0};
	bool typed = false, json = false, desc = false;

	for (int i = 0; i < argc; i++) {
		typed |= strcmp(argv[i], "typed") == 0;
		json |= strcmp(argv[i], "json") == 0;
		desc |= strcmp(argv[i], "desc") == 0;
	}
	info_process(&info, &run->src);
	info_traffic(&info, &run->src);
	info_vipd(&info, &run->src);
	if (json)
		info_json(run->out, &info);
	else
		info_text(run->out, &info, typed, desc);
	return false;
}

bool
show_version_run(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	run->severity = LOG_INFO;
	buf_printf(run->out, "%s\n", VIPD_VERSION);
	return false;
}

/* ---- show proc --------------------------------------------------------------------------------
 */

static void
format_status(char *to, size_t size, uint32_t respawns, uint32_t status)
{
	int st = (int)status;

	if (respawns == 0)
		snprintf(to, size, "-");
	else if (WIFSIGNALED(st))
		snprintf(to, size, "signal %d", WTERMSIG(st));
	else
		snprintf(to, size, "exit %d", WEXITSTATUS(st));
}

struct proc_row {
	uint32_t pid;
	char type[24];
	uint64_t respawns; /* of the master: reloads */
	int64_t up_s;      /* -1: not there */
	const char *state;
	char last[32];
	uint64_t generation;
};

static void
proc_fill(struct proc_row *r, const struct command_run *run, const char *type, int slot,
    const struct shm_proc *p)
{
	static const char *const states[] = {
	    [SHM_PROC_NONE] = "none",
	    [SHM_PROC_STARTING] = "starting",
	    [SHM_PROC_READY] = "ready",
	    [SHM_PROC_BACKOFF] = "backoff",
	    [SHM_PROC_STOPPING] = "stopping",
	};
	const struct shm_master *m = run->src.shm->master;
	uint32_t state = sw32_get(&p->state);
	int64_t age = run->src.now.ns - (int64_t)sw64_get(&p->started_ns);

	r->pid = sw32_get(&p->pid);
	if (slot >= 0)
		snprintf(r->type, sizeof(r->type), "%s %d", type, slot);
	else
		snprintf(r->type, sizeof(r->type), "%s", type);
	r->respawns = sw32_get(&p->respawns);
	r->up_s = r->pid == 0 ? -1 : age > 0 ? age / 1000000000 : 0;
	r->state = state <= SHM_PROC_STOPPING ? states[state] : "?";
	if (slot >= 0 && r->pid != 0 && (uint32_t)slot >= sw32_get(&m->wanted))
		r->state = "draining";
	else if (slot >= 0 && state == SHM_PROC_READY && shm_mask_has(m->absent, (unsigned)slot))
		r->state = "silent";
	else if ((p == &m->checker && child_checker_silent(run->src.shm, run->src.now)) ||
		 (p == &m->vrrp && child_vrrp_silent(run->src.shm, run->src.now)))
		r->state = "silent";
	format_status(r->last, sizeof(r->last), sw32_get(&p->respawns), sw32_get(&p->last_status));
	r->generation = sw64_get(&p->generation);
}

static void
proc_fill_master(struct proc_row *r, const struct command_run *run)
{
	const struct shm_master *m = run->src.shm->master;

	*r = (struct proc_row){
	    .pid = sw32_get(&m->pid),
	    .type = "master",
	    .respawns = sw64_get(&m->reloads),
	    .up_s = (int64_t)uptime_s(&run->src),
	    .state = child_master_silent(run->src.shm, run->src.now) ? "silent"
		     : sw32_get(&m->stopping) != 0                   ? "stopping"
								     : "ready",
	    .last = "-",
	    .generation = sw64_get(&m->generation),
	};
}

static void
proc_write(struct buf *out, const struct proc_row *r, bool table)
{
	char up[32] = "-";

	if (table) {
		struct csv csv;

		csv_init(&csv, out);
		csv_uint(&csv, r->pid);
		csv_text(&csv, r->type);
		csv_uint(&csv, r->respawns);
		csv_int(&csv, r->up_s);
		csv_text(&csv, r->state);
		csv_text(&csv, r->last);
		csv_uint(&csv, r->generation);
		csv_end(&csv);
		return;
	}
	if (r->up_s >= 0)
		total_format_uptime(up, (uint64_t)r->up_s);
	buf_printf(out, "%-15" PRIu32 " %-15s %-15" PRIu64 " %-15s %-15s %-10s %-12s %" PRIu64 "\n",
	    r->pid, r->type, r->respawns, up, VIPD_VERSION, r->state, r->last, r->generation);
}

/* "show proc": as HAProxy's master socket lays it out; "show proc csv": for programs. */
bool
show_proc_run(struct command_run *run, int argc, char **argv)
{
	const struct shm_master *m = run->src.shm->master;
	bool table = argc > 0 && strcmp(argv[0], "csv") == 0;
	struct proc_row r;

	if (table)
		buf_puts(run->out, "# pid,type,respawns,uptime,state,last,generation\n");
	else
		buf_printf(run->out, "%-15s %-15s %-15s %-15s %-15s %-10s %-12s %s\n", "#<PID>",
		    "<type>", "<respawns>", "<uptime>", "<version>", "<state>", "<last end>",
		    "<generation>");
	proc_fill_master(&r, run);
	proc_write(run->out, &r, table);
	if (!table)
		buf_puts(run->out, "# workers\n");
	for (uint32_t w = 0; w < sw32_get(&m->n_workers) && w < SHM_MAX_WORKERS; w++) {
		proc_fill(&r, run, "worker", (int)w, &m->workers[w]);
		if (r.pid != 0 || w < sw32_get(&m->wanted))
			proc_write(run->out, &r, table);
	}
	if (!table)
		buf_puts(run->out, "# others\n");
	proc_fill(&r, run, "checker", -1, &m->checker);
	proc_write(run->out, &r, table);
	proc_fill(&r, run, "vrrp", -1, &m->vrrp);
	proc_write(run->out, &r, table);
	return false;
}
