/* SPDX-License-Identifier: ISC */
/*
 * More commands that read: connections and health of servers, queues, what processes do, the
 * configuration, the environment. Runs in workers and the master; reads shared memory
 * and the configuration in force.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "lib/csv.h"
#include "lib/proc.h"
#include "lib/sock.h"
#include "shm/check_status.h"
#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/target.h"
#include "shm/total.h"
#include "worker/show.h"

/* ---- tables over servers ----------------------------------------------------------------------
 */

/* Begins a table over the list; a first word is a backend. False after a message. */
static bool
list_begin(struct command_run *run, int argc, char **argv)
{
	uint32_t be = argc > 0 ? child_find_backend(run->src.shm, argv[0], 0) : SHM_NONE;

	if (argc > 0 && be == SHM_NONE) {
		command_error(run, "Can't find backend.");
		return false;
	}
	if (argc > 0)
		run->filter.iid = sw32_get(&shm_be_dir(run->src.shm, be)->id);
	if (stat_list_make(&run->list, run->src.shm) == -1) {
		command_error(run, "Out of memory.");
		return false;
	}
	return true;
}

static bool
list_wants(const struct command_run *run, const struct stat_item *it, enum stat_type type)
{
	const struct shm *s = run->src.shm;

	if (it->type != type || (run->filter.iid != -1 && run->filter.iid != (int64_t)it->iid))
		return false;
	return sw32_get(type == STAT_SERVER ? &shm_srv_dir(s, it->slot)->state
					    : &shm_be_dir(s, it->slot)->state) == SHM_DIR_USED;
}

static const char *
backend_name(const struct shm *s, uint32_t be, char to[SHM_NAME])
{
	snprintf(to, SHM_NAME, "%.*s", SHM_NAME - 1, shm_be_dir(s, be)->name);
	return to;
}

/* HAProxy's columns; vipd keeps no idle connections. */
static void
conn_line(struct command_run *run, const struct stat_item *it)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, it->slot);
	char be[SHM_NAME], host[SHM_ADDR + 1], addr[SHM_ADDR];
	struct total_target t;
	struct sock_addr a;
	unsigned port = 0;

	target_text(s, it->slot, addr);
	snprintf(host, sizeof(host), "%s", addr[0] != '\0' ? addr : "-");
	if (sock_addr_parse(&a, addr, true) == 0) {
		sock_addr_format_host(&a, host, sizeof(host));
		port = sock_addr_port(&a);
	}
	total_of_server(s, it->slot, run->src.now, &t);
	buf_printf(run->out,
	    "%s/%.*s %" PRIu32 "/%" PRIu32 " %s %u - 0 %" PRIu32 " %" PRIu32 " 0 0 0 0 0\n",
	    backend_name(s, sw32_get(&d->backend), be), SHM_NAME - 1, d->name, it->iid, it->order,
	    host, port, t.cur, t.cur_max);
}

static void
health_line(struct command_run *run, const struct stat_item *it)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, it->slot);
	const struct shm_health *h = shm_health(s, it->slot);
	char be[SHM_NAME], name[SHM_NAME], addr[SHM_ADDR], word[32], text[TOTAL_PROBE_TEXT];
	uint64_t last = sw64_get(&h->last_probe_ns), next = sw64_get(&h->next_probe_ns);
	int64_t now = run->src.now.ns;
	struct csv csv;

	if (sw32_get(&h->epoch) != sw32_get(&d->epoch))
		return; /* the checker has not looked at it yet */
	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, d->name);
	target_text(s, it->slot, addr);
	csv_init(&csv, run->out);
	csv_text(&csv, backend_name(s, sw32_get(&d->backend), be));
	csv_text(&csv, name);
	csv_text(&csv, addr);
	csv_text(&csv, total_server_word(word, sw32_get(&h->oper), sw32_get(&h->admin),
			   sw32_get(&h->checked) != 0, sw32_get(&h->counter), sw32_get(&h->rise),
			   sw32_get(&h->fall)));
	csv_uint(&csv, sw32_get(&h->usable));
	csv_text(&csv, check_status_word(sw32_get(&h->status)));
	csv_text(&csv, total_probe_text(h, text));
	csv_uint(&csv, sw32_get(&h->duration_ms));
	csv_uint(&csv, sw32_get(&h->counter));
	csv_uint(&csv, sw32_get(&h->rise));
	csv_uint(&csv, sw32_get(&h->fall));
	csv_int(&csv, last == 0 ? -1 : (now - (int64_t)last) / 1000000);
	csv_int(&csv, next == 0 || (int64_t)next < now ? 0 : ((int64_t)next - now) / 1000000);
	csv_uint(&csv, sw64_get(&h->probes));
	csv_uint(&csv, sw32_get(&h->chkfail));
	csv_uint(&csv, sw32_get(&h->chkdown));
	csv_uint(&csv, sw32_get(&h->uweight));
	csv_uint(&csv, sw32_get(&h->eweight) / 256);
	csv_end(&csv);
}

static bool
servers_more(struct command_run *run)
{
	for (; run->at < run->list.n; run->at++) {
		const struct stat_item *it = &run->list.v[run->at];

		if (run->out->len >= run->limit)
			return true;
		if (!list_wants(run, it, STAT_SERVER))
			continue;
		if (run->flags != 0)
			health_line(run, it);
		else
			conn_line(run, it);
	}
	return false;
}

bool
show_servers_conn_run(struct command_run *run, int argc, char **argv)
{
	if (!list_begin(run, argc, argv))
		return false;
	buf_puts(run->out, "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max "
			   "need_est unsafe_nb safe_nb idle_lim idle_cur\n");
	run->more = servers_more;
	return servers_more(run);
}

bool
show_health_run(struct command_run *run, int argc, char **argv)
{
	if (!list_begin(run, argc, argv))
		return false;
	buf_puts(run->out,
	    "# backend,server,address,status,usable,check,result,duration_ms,counter,"
	    "rise,fall,last_ms,next_ms,probes,failed,downs,weight,effective_weight\n");
	run->flags = 1;
	run->more = servers_more;
	return servers_more(run);
}

/* ---- queues -----------------------------------------------------------------------------------
 */

static void
queue_line(struct command_run *run, const struct stat_item *it)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_workers), limit;
	uint32_t next = queue_next_worker(s, it->slot, run->src.now);
	struct total_target t;
	char be[SHM_NAME];
	struct csv csv;

	total_of_backend(s, it->slot, run->src.now, &t);
	limit = sw32_get(&shm_be_dir(s, it->slot)->maxqueue);
	csv_init(&csv, run->out);
	csv_text(&csv, backend_name(s, it->slot, be));
	csv_uint(&csv, t.waiting);
	csv_uint(&csv, t.queue_max);
	csv_uint(&csv, limit);
	csv_uint(&csv, t.timed != 0 ? t.q_ms / t.timed : 0);
	csv_int(&csv, next == SHM_NONE ? -1 : (int64_t)next);
	csv_end(&csv);
	for (uint32_t w = 0; w < n && w < s->caps->workers && t.waiting > 0; w++) {
		const struct shm_queue *q = &shm_queue(s, shm_worker(s, w))[it->slot];

		if (sw32_get(&q->waiting) == 0)
			continue;
		csv_text(&csv, be);
		csv_uint(&csv, sw32_get(&q->waiting));
		csv_text(&csv, NULL);
		csv_text(&csv, NULL);
		csv_text(&csv, NULL);
		csv_uint(&csv, w);
		csv_uint(&csv, sw64_get(&q->oldest));
		csv_end(&csv);
	}
}

static bool
queue_more(struct command_run *run)
{
	for (; run->at < run->list.n; run->at++) {
		if (run->out->len >= run->limit)
			return true;
		if (list_wants(run, &run->list.v[run->at], STAT_BACKEND))
			queue_line(run, &run->list.v[run->at]);
	}
	return false;
}

bool
show_queue_run(struct command_run *run, int argc, char **argv)
{
	if (!list_begin(run, argc, argv))
		return false;
	buf_puts(run->out, "# backend,waiting,max,limit,average_ms,worker,oldest_ticket\n");
	run->more = queue_more;
	return queue_more(run);
}

/* ---- what processes do ------------------------------------------------------------------------
 */

static uint64_t
loops(const struct shm_worker *w)
{
	return sw64_get(&w->loops);
}
static uint64_t
accepted(const struct shm_worker *w)
{
	return sw64_get(&w->cum_conn);
}
static uint64_t
sessions(const struct shm_worker *w)
{
	return sw32_get(&w->held);
}
static uint64_t
others(const struct shm_worker *w)
{
	return sw32_get(&w->held_misc);
}
static uint64_t
bytes(const struct shm_worker *w)
{
	return sw64_get(&w->bytes_out);
}
static uint64_t
spliced(const struct shm_worker *w)
{
	return sw64_get(&w->spliced);
}
static uint64_t
pipes(const struct shm_worker *w)
{
	return sw32_get(&w->pipes);
}
static uint64_t
adopted(const struct shm_worker *w)
{
	return sw32_get(&w->adopted);
}
static uint64_t
exhausted(const struct shm_worker *w)
{
	return sw32_get(&w->exhausted);
}
static uint64_t
lines_lost(const struct shm_worker *w)
{
	return sw64_get(&w->log_lost);
}

static const struct {
	const char *name;
	uint64_t (*of)(const struct shm_worker *);
} activity[] = {
    {"loops", loops},
    {"accepted", accepted},
    {"sessions", sessions},
    {"other_conns", others},
    {"bytes_out", bytes},
    {"spliced_bytes_out", spliced},
    {"pipes", pipes},
    {"adopted_queues", adopted},
    {"exhausted", exhausted},
    {"log_lost", lines_lost},
};

/* "name: total [ worker 0 worker 1 ... ]", as HAProxy writes counters of its threads. */
bool
show_activity_run(struct command_run *run, int argc, char **argv)
{
	const struct shm *s = run->src.shm;
	uint32_t n = sw32_get(&s->master->n_workers);

	(void)argc;
	(void)argv;
	n = n < s->caps->workers ? n : s->caps->workers;
	buf_printf(run->out, "date_now: %" PRId64 ".%06d\nworkers: %" PRIu32 "\n",
	    run->wall_us / 1000000, (int)(run->wall_us % 1000000), n);
	for (size_t i = 0; i < sizeof(activity) / sizeof(activity[0]); i++) {
		uint64_t sum = 0;

		for (uint32_t w = 0; w < n; w++)
			sum += activity[i].of(shm_worker(s, w));
		buf_printf(run->out, "%s: %" PRIu64 " [", activity[i].name, sum);
		for (uint32_t w = 0; w < n; w++)
			buf_printf(run->out, " %" PRIu64, activity[i].of(shm_worker(s, w)));
		buf_puts(run->out, " ]\n");
	}
	return false;
}

/* ---- configuration, environment ---------------------------------------------------------------
 */

/* Line by line: an empty one would end the answer. What the text was when the command came is held
 * until its end, whatever a reload does. */
static bool
config_more(struct command_run *run)
{
	const char *text = run->doc.text, *end;
	size_t len;

	for (; run->at < run->doc.len; run->at += len) {
		if (run->out->len >= run->limit)
			return true;
		end = memchr(text + run->at, '\n', run->doc.len - run->at);
		len = end != NULL ? (size_t)(end - text) + 1 - run->at : run->doc.len - run->at;
		if (len > 1 || end == NULL)
			buf_append(run->out, text + run->at, len);
	}
	return false;
}

void
show_config_end(struct command_run *run)
{
	if (run->doc.mapped)
		proc_memfd_unmap(run->doc.text, run->doc.len);
	else
		free(run->doc.text);
	run->doc.text = NULL;
	run->doc.mapped = false;
}

/* Without a text of the master's: in the master itself, which has no sessions to keep waiting. */
static bool
config_print(struct command_run *run)
{
	FILE *f = open_memstream(&run->doc.text, &run->doc.len);
	int r = f != NULL ? conf_print(run->src.conf, f, CONF_FOR_HUMAN) : -1;

	if (f != NULL && fclose(f) != 0)
		r = -1;
	return r != -1;
}

/* In a worker what the master has printed, since its own has no virtual routers and no probes. */
bool
show_config_run(struct command_run *run, int argc, char **argv)
{
	const void *text;

	(void)argc;
	(void)argv;
	if (run->src.conf == NULL) {
		command_error(run, "No configuration is in force yet.");
		return false;
	}
	text = run->human_fd > 0 ? proc_memfd_map(run->human_fd, &run->doc.len) : NULL;
	if (text != NULL) {
		run->doc.text = (char *)(uintptr_t)text;
		run->doc.mapped = true;
	} else if (!config_print(run)) {
		command_error(run, "Out of memory.");
		return false;
	}
	run->more = config_more;
	return config_more(run);
}

bool
show_cli_sockets_run(struct command_run *run, int argc, char **argv)
{
	static const char *const levels[] = {"user", "operator", "admin"};

	(void)argc;
	(void)argv;
	buf_puts(run->out, "# socket lvl processes\n");
	for (size_t i = 0; run->src.conf != NULL && i < run->src.conf->global.n_controls; i++) {
		const struct conf_control *c = &run->src.conf->global.controls[i];

		buf_printf(run->out, "%s%s %s all\n",
		    c->inherited != NULL         ? ""
		    : c->addr.family == AF_UNIX  ? "unix@"
		    : c->addr.family == AF_INET6 ? "ipv6@"
						 : "ipv4@",
		    c->name, levels[c->level >= 0 && c->level < 3 ? c->level : 0]);
	}
	return false;
}

bool
show_env_run(struct command_run *run, int argc, char **argv)
{
	size_t len = argc > 0 ? strlen(argv[0]) : 0;
	bool found = false;

	for (char **e = environ; e != NULL && *e != NULL; e++) {
		if (argc > 0 && (strncmp(*e, argv[0], len) != 0 || (*e)[len] != '='))
			continue;
		found = true;
		for (const char *p = *e; *p != '\0'; p++)
			buf_putc(run->out, *p == '\n' ? ' ' : *p);
		buf_putc(run->out, '\n');
	}
	if (argc > 0 && !found)
		command_error(run, "Variable not found");
	return false;
}
