/* SPDX-License-Identifier: ISC */
/*
 * "show stat", "show servers state", "show backend": tables over the directory, written in pieces.
 * Runs in workers; reads shared memory only.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sock.h"
#include "shm/check_status.h"
#include "shm/target.h"
#include "worker/show.h"

enum { F_TYPED = 1, F_JSON = 2, F_DESC = 4, F_STARTED = 8, F_ROWS = 16 };

/* Number of a proxy given by name or as "#5" or "5"; -1 if there is none. */
static int64_t
find_iid(const struct stat_list *list, const struct shm *s, const char *word)
{
	char *end;
	long n;

	for (size_t i = 0; i < list->n; i++) {
		const struct stat_item *it = &list->v[i];
		const char *name = it->type == STAT_FRONTEND ? shm_fe_dir(s, it->slot)->name
							     : shm_be_dir(s, it->slot)->name;

		if (it->type != STAT_SERVER && strncmp(name, word, SHM_NAME) == 0)
			return it->iid;
	}
	errno = 0;
	n = strtol(word[0] == '#' ? word + 1 : word, &end, 10);
	return end != word && *end == '\0' && errno == 0 && n >= 0 ? n : -1;
}

static bool
no_memory(struct command_run *run)
{
	command_error(run, "Out of memory.");
	return false;
}

/* ---- show stat --------------------------------------------------------------------------------
 */

static void
stat_line(struct command_run *run, const struct stat_row *row)
{
	if ((run->flags & F_JSON) != 0) {
		if ((run->flags & F_ROWS) != 0)
			buf_putc(run->out, ',');
		stat_json_row(run->out, row);
	} else if ((run->flags & F_TYPED) != 0) {
		stat_typed_row(run->out, row, (run->flags & F_DESC) != 0);
	} else {
		stat_csv_row(run->out, row);
	}
	run->flags |= F_ROWS;
}

static bool
stat_more(struct command_run *run)
{
	struct stat_row row;

	for (; run->at < run->list.n; run->at++) {
		if (run->out->len >= run->limit)
			return true;
		if (stat_list_row(&row, &run->src, &run->list.v[run->at], &run->filter))
			stat_line(run, &row);
	}
	if ((run->flags & F_JSON) != 0)
		buf_puts(run->out, "]\n");
	return false;
}

/* A word behind the proxy's three; false: it is none that is known, and means nothing. */
static bool
stat_option(struct command_run *run, const char *word)
{
	if (strcmp(word, "typed") == 0)
		run->flags |= F_TYPED;
	else if (strcmp(word, "json") == 0)
		run->flags |= F_JSON;
	else if (strcmp(word, "desc") == 0)
		run->flags |= F_DESC;
	else if (strcmp(word, "up") == 0)
		run->filter.up = true;
	else if (strcmp(word, "no-maint") == 0)
		run->filter.no_maint = true;
	else
		return false;
	return true;
}

/* "<proxy> <type> <sid>"; returns false when the proxy does not exist. */
static bool
stat_numbers(struct command_run *run, char **argv)
{
	if (strcmp(argv[0], "-1") != 0) {
		run->filter.iid = find_iid(&run->list, run->src.shm, argv[0]);
		if (run->filter.iid == -1)
			return false;
	}
	run->filter.types = (unsigned)strtol(argv[1], NULL, 10);
	run->filter.sid = strtol(argv[2], NULL, 10);
	if (run->filter.sid < 0)
		run->filter.sid = -1;
	return true;
}

/* Three words are a proxy's, as in HAProxy, unless all are options (a proxy may be called "up"). */
static bool
run_show_stat(struct command_run *run, int argc, char **argv)
{
	int options = 0, at = 0;

	if (stat_list_make(&run->list, run->src.shm) == -1)
		return no_memory(run);
	for (int i = 0; i < argc && i < 3; i++)
		options += stat_option(&(struct command_run){0}, argv[i]);
	if (argc >= 3 && options < 3) {
		if (!stat_numbers(run, argv))
			return command_error(run, "No such proxy.");
		at = 3;
	}
	for (int i = at; i < argc; i++)
		stat_option(run, argv[i]);
	if ((run->flags & F_JSON) != 0)
		buf_putc(run->out, '[');
	else if ((run->flags & F_TYPED) == 0)
		stat_csv_head(run->out);
	run->more = stat_more;
	return stat_more(run);
}

/* ---- show servers state, show backend ---------------------------------------------------------
 */

static const char *
dash(const char *s)
{
	return s[0] == '\0' ? "-" : s;
}

/* Address without port of "1.2.3.4:80" and the port, for tables that want them apart. */
static void
split_addr(const char *text, char *host, size_t size, unsigned *port)
{
	struct sock_addr a;

	*port = 0;
	if (sock_addr_parse(&a, text, true) == 0) {
		sock_addr_format_host(&a, host, size);
		*port = sock_addr_port(&a);
	} else {
		snprintf(host, size, "%s", dash(text));
	}
}

/* HAProxy's numbers for our check states (its own list has more of them), and for its results:
 * 0 unknown, 2 failed, 3 passed. */
static unsigned
status_number(uint32_t status)
{
	static const unsigned char numbers[CHECK_STATUSES] = {
	    [CHECK_UNK] = 1,
	    [CHECK_INI] = 1,
	    [CHECK_SOCKERR] = 5,
	    [CHECK_L4OK] = 6,
	    [CHECK_L4TOUT] = 7,
	    [CHECK_L4CON] = 8,
	    [CHECK_L6OK] = 9,
	    [CHECK_L6TOUT] = 10,
	    [CHECK_L6RSP] = 11,
	    [CHECK_L7TOUT] = 12,
	    [CHECK_L7RSP] = 13,
	    [CHECK_L7OK] = 15,
	    [CHECK_L7OKC] = 16,
	    [CHECK_L7STS] = 17,
	};

	return status < CHECK_STATUSES ? numbers[status] : 0;
}

/* HAProxy's bits: 2 configured, 4 enabled, 8 paused (maintenance). */
static unsigned
check_bits(uint32_t checked, uint32_t admin)
{
	return (checked == 1      ? 6u
		   : checked == 2 ? 2u
				  : 0u) |
	       ((admin & 7) != 0 && checked != 2 ? 8u : 0u);
}

static unsigned
result_number(uint32_t status)
{
	return status == CHECK_UNK || status == CHECK_INI ? 0 : check_status_passed(status) ? 3 : 2;
}

static void
state_line(struct command_run *run, const struct stat_item *it)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, it->slot);
	const struct shm_health *h = shm_health(s, it->slot);
	char name[SHM_NAME], be[SHM_NAME], addr[SHM_ADDR], host[SHM_ADDR + 1];
	bool known = sw32_get(&h->epoch) == sw32_get(&d->epoch);
	uint64_t changed = known ? sw64_get(&h->changed_ns) : 0;
	uint32_t status = known ? sw32_get(&h->status) : 0, check_port = 0;
	char check_host[SOCK_ADDR_TEXT] = "-";
	struct sock_addr check;
	struct shm_target t;
	unsigned port;

	snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, d->name);
	snprintf(be, sizeof(be), "%.*s", SHM_NAME - 1, shm_be_dir(s, sw32_get(&d->backend))->name);
	target_text(s, it->slot, addr);
	split_addr(addr, host, sizeof(host), &port);
	if (known)
		check_port = sw32_get(&h->conf_check_port);
	if (known && target_get(h, &t)) {
		check_port = t.check_port != 0 ? t.check_port : check_port;
		end_get(&t.check, &check);
		if (check.family != AF_UNSPEC)
			sock_addr_format_host(&check, check_host, sizeof(check_host));
	}
	if (changed == 0)
		changed = sw64_get(&s->master->started_ns);
	buf_printf(run->out,
	    "%" PRIu32 " %s %" PRIu32 " %s %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
	    " %" PRId64 " %u %u %" PRIu32 " %u 0 0 0 - %u - 0 %" PRIu32 " %s - 0\n",
	    it->iid, be, it->order, name, host, known ? sw32_get(&h->oper) : SHM_OPER_RUNNING,
	    known ? sw32_get(&h->admin) : 0, known ? sw32_get(&h->uweight) : 1,
	    known ? sw32_get(&h->conf_weight) : 1,
	    (run->src.now.ns - (int64_t)changed) / 1000000000, status_number(status),
	    result_number(status), known ? sw32_get(&h->counter) : 0,
	    known ? check_bits(sw32_get(&h->checked), sw32_get(&h->admin)) : 0, port, check_port,
	    check_host);
}

static bool
state_more(struct command_run *run)
{
	for (; run->at < run->list.n; run->at++) {
		const struct stat_item *it = &run->list.v[run->at];

		if (run->out->len >= run->limit)
			return true;
		if (it->type != STAT_SERVER ||
		    (run->filter.iid != -1 && run->filter.iid != (int64_t)it->iid) ||
		    sw32_get(&shm_srv_dir(run->src.shm, it->slot)->state) != SHM_DIR_USED)
			continue;
		state_line(run, it);
	}
	return false;
}

/* Number of the backend with this name; -1: none. */
static int64_t
backend_iid(const struct stat_list *list, const struct shm *s, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].type == STAT_BACKEND &&
		    strncmp(shm_be_dir(s, list->v[i].slot)->name, name, SHM_NAME) == 0)
			return list->v[i].iid;
	return -1;
}

static bool
run_show_servers_state(struct command_run *run, int argc, char **argv)
{
	if (stat_list_make(&run->list, run->src.shm) == -1)
		return no_memory(run);
	if (argc > 0) {
		run->filter.iid = backend_iid(&run->list, run->src.shm, argv[0]);
		if (run->filter.iid == -1) {
			command_error(run, "Can't find backend.");
			return false;
		}
	}
	buf_puts(run->out,
	    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
	    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result "
	    "srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id "
	    "srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr "
	    "srv_agent_port\n");
	run->more = state_more;
	return state_more(run);
}

static bool
backend_more(struct command_run *run)
{
	for (; run->at < run->list.n; run->at++) {
		if (run->out->len >= run->limit)
			return true;
		if (run->list.v[run->at].type == STAT_BACKEND)
			buf_printf(run->out, "%.*s\n", SHM_NAME - 1,
			    shm_be_dir(run->src.shm, run->list.v[run->at].slot)->name);
	}
	return false;
}

static bool
run_show_backend(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (stat_list_make(&run->list, run->src.shm) == -1)
		return no_memory(run);
	buf_puts(run->out, "# name\n");
	run->more = backend_more;
	return backend_more(run);
}

const struct command show_commands[] = {
    {"events", " [<count>|since <number>]", "the same as show events", COMMAND_USER,
	show_events_run},
    {"explain", " [router|server|backend|frontend] <name>", "why it is what it is, in sentences",
	COMMAND_USER, explain_run},
    {"show activity", "", "counters of each worker", COMMAND_USER, show_activity_run},
    {"show backend", "", "names of all backends", COMMAND_USER, run_show_backend},
    {"show cli sockets", "", "control sockets and their levels", COMMAND_USER,
	show_cli_sockets_run},
    {"show config", "", "configuration in force; secrets as ***", COMMAND_OPERATOR,
	show_config_run},
    {"show env", " [<name>]", "environment of the process", COMMAND_OPERATOR, show_env_run},
    {"show errors", " [<proxy>]", "refused requests and PROXY headers: how many, the last ones",
	COMMAND_OPERATOR, show_errors_run},
    {"show events", " [<count>|since <number>]", "what has happened, with numbers",
	COMMAND_OPERATOR, show_events_run},
    {"show health", " [<backend>]", "probes of servers, a table", COMMAND_USER, show_health_run},
    {"show info", " [typed|json|desc]*", "what the processes are and do", COMMAND_USER,
	show_info_run},
    {"show proc", " [csv]", "processes of vipd, their age and deaths", COMMAND_OPERATOR,
	show_proc_run},
    {"show queue", " [<backend>]", "who waits in the queues of backends", COMMAND_USER,
	show_queue_run},
    {"show schema json", "", "JSON schema of show info json and show stat json", COMMAND_USER,
	show_schema_run},
    {"show servers conn", " [<backend>]", "connections of servers, for machines", COMMAND_USER,
	show_servers_conn_run},
    {"show servers state", " [<backend>]", "state of servers, for machines", COMMAND_USER,
	run_show_servers_state},
    {"show sess", " [all|<id>|server <b>/<s>]", "sessions of all workers", COMMAND_OPERATOR,
	show_sess_run},
    {"show stat", " [<proxy> <type> <sid>] [typed|json|desc|up|no-maint]*",
	"counters of frontends, backends and servers", COMMAND_USER, run_show_stat},
    {"show vrrp", "", "virtual routers, their roles and why", COMMAND_USER, show_vrrp_run},
    {"show version", "", "version of vipd", COMMAND_USER, show_version_run},
    {"wait", " <delay> [srv-removable <b>/<s>]",
	"until the time is over, or the server without sessions", COMMAND_OPERATOR, wait_run},
    {0},
};
