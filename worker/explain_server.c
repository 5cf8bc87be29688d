/* SPDX-License-Identifier: ISC */
/* "explain" of servers, and why one gets no sessions; see explain.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "shm/check_status.h"
#include "shm/event.h"
#include "shm/limit.h"
#include "shm/queue.h"
#include "shm/schedule.h"
#include "shm/target.h"
#include "shm/total.h"
#include "worker/explain.h"

static uint32_t
server_limit(const struct shm *s, uint32_t srv)
{
	const struct shm_health *h = shm_health(s, srv);
	uint32_t set = sw32_get(&h->maxconn), dyn = sw32_get(&h->dyn_maxconn);

	if (dyn != 0)
		return dyn == SHM_NONE ? 0 : dyn;
	return set != SHM_NONE ? set : sw32_get(&shm_srv_dir(s, srv)->maxconn);
}

/* Why a server that is not in maintenance is down. */
static void
down_why(const struct shm_health *h, char *to, size_t size)
{
	uint32_t status = sw32_get(&h->status), counter = sw32_get(&h->counter);
	uint32_t rise = sw32_get(&h->rise);
	char text[TOTAL_PROBE_TEXT];

	total_probe_text(h, text);
	if (sw32_get(&h->checked) == 0)
		snprintf(to, size, "a command has set its health to down");
	else if (!check_status_passed(status) && status != CHECK_UNK && status != CHECK_INI)
		snprintf(to, size, "it is down, its probe fails: %s%s%s", check_status_text(status),
		    text[0] != '\0' ? ": " : "", text);
	else if (counter == 0 && check_status_passed(status))
		snprintf(to, size, "it is down, set by a command after its last probe");
	else if (counter > 0 && counter < rise)
		snprintf(to, size,
		    "it is down; %" PRIu32 " of the %" PRIu32 " passed probes that it needs came",
		    counter, rise);
	else
		snprintf(to, size, "it is down until its first probes have passed");
}

struct explain_usable
explain_usable(const struct shm *s, uint32_t be)
{
	uint32_t n = sw32_get(&s->master->n_servers);
	struct explain_usable u = {.first_backup = SHM_NONE};

	for (uint32_t i = 0; i < n && i < s->caps->servers; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);
		const struct shm_health *h = shm_health(s, i);

		if (sw32_get(&d->state) != SHM_DIR_USED || sw32_get(&d->backend) != be)
			continue;
		u.servers++;
		if (sw32_get(&h->usable) == 0)
			continue;
		if (sw32_get(&h->backup) == 0)
			u.others++;
		else if (u.first_backup == SHM_NONE ||
			 sw32_get(&d->id) < sw32_get(&shm_srv_dir(s, u.first_backup)->id))
			u.first_backup = i;
	}
	return u;
}

/* What a backup waits for; "": it is none, or in use. */
static void
backup_why(const struct shm *s, uint32_t srv, const struct explain_usable *u,
    const struct conf_backend *conf, char *to, size_t size)
{
	uint32_t others = u->others, first = u->first_backup;

	*to = '\0';
	if (sw32_get(&shm_health(s, srv)->backup) == 0)
		return;
	if (others > 0)
		snprintf(to, size, "it is a backup, and %" PRIu32 " other%s of its backend serve%s",
		    others, others == 1 ? "" : "s", others == 1 ? "s" : "");
	else if (first != SHM_NONE && first != srv && conf != NULL && !conf->allbackups)
		snprintf(to, size, "it is a backup, and the backup before it, %.*s, serves",
		    SHM_NAME - 1, shm_srv_dir(s, first)->name);
}

void
explain_why(const struct shm *s, uint32_t srv, const struct explain_usable *u,
    const struct conf_backend *conf, char *to, size_t size)
{
	const struct shm_health *h = shm_health(s, srv);
	uint32_t admin = sw32_get(&h->admin), limit = server_limit(s, srv);
	const char *why = NULL;

	if ((admin & SHM_ADMIN_FMAINT) != 0)
		why = "an operator has put it into maintenance";
	else if ((admin & SHM_ADMIN_CMAINT) != 0)
		why = "the configuration has disabled it";
	else if ((admin & SHM_ADMIN_IMAINT) != 0)
		why = "the server that it follows is in maintenance";
	else if (sw32_get(&h->oper) == SHM_OPER_STOPPED)
		down_why(h, to, size);
	else if ((admin & (SHM_ADMIN_FDRAIN | SHM_ADMIN_IDRAIN)) != 0)
		why = "an operator drains it; its sessions go on";
	else if (sw32_get(&h->oper) == SHM_OPER_STOPPING)
		why = "it is stopping, as its probe or a command says; its sessions go on";
	else if (sw32_get(&h->uweight) == 0)
		why = "its weight is 0";
	else if (sw32_get(&h->usable) == 0)
		why = "the checker has not let it in yet";
	else {
		backup_why(s, srv, u, conf, to, size);
		if (*to == '\0' && limit != 0 && limit_sum_srv(s, srv) >= limit)
			why = "it has all the sessions that it may have; more wait in the queue";
	}
	if (why != NULL)
		snprintf(to, size, "%s", why);
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
		    explain_many(left, counter - rise + 1, "failed probe"));
	else
		explain_line(run, "%s in a row would bring it up.",
		    explain_many(left, rise - counter, "passed probe"));
	explain_line(run,
	    "Rise %" PRIu32 ", fall %" PRIu32 "; %" PRIu64 " probes ended, %" PRIu32
	    " failed; it went down %s.",
	    rise, fall, sw64_get(&h->probes), sw32_get(&h->chkfail),
	    explain_many(left, sw32_get(&h->chkdown), "time"));
	if (checked == 2)
		explain_line(run, "Probes pause: an operator has disabled them.");
	else if ((sw32_get(&h->admin) & 7) != 0)
		explain_line(run, "No probes during maintenance.");
	else if (next > -1000000000)
		explain_line(run, "The next probe begins in %s.", explain_span(in, next));
	else
		explain_line(run, "Its next probe is late.");
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
	uint32_t held = limit_sum_srv(s, srv), limit = server_limit(s, srv);
	uint32_t set = sw32_get(&h->maxconn);
	uint32_t waiting = queue_waiting(s, sw32_get(&shm_srv_dir(s, srv)->backend));
	char sessions[64], wait[64];

	explain_many(sessions, held, "session");
	if (limit == 0)
		explain_line(run, "It has %s, without a limit.", sessions);
	else
		explain_line(run, "It has %s of at most %" PRIu32 "%s%s.", sessions, limit,
		    sw64_get(&h->slow_from_ns) != 0 ? " during slow start"
		    : set != SHM_NONE               ? " (set by a command)"
						    : "",
		    held >= limit ? ": it is full" : "");
	explain_line(run, "In the backend's queue %s %s.", explain_many(wait, waiting, "session"),
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

/* What probes do not see, and what there is to see without them. */
static void
server_failures(struct command_run *run, uint32_t srv)
{
	struct total_target t;
	char times[64];

	total_of_server(run->src.shm, srv, run->src.now, &t);
	if (t.econ + t.wretr + t.wredis > 0)
		explain_line(run, "%" PRIu64 " of %s to it failed.", t.econ + t.wretr + t.wredis,
		    explain_many(times, t.connect, "connect"));
}

void
explain_server(struct command_run *run, uint32_t srv)
{
	const struct shm *s = run->src.shm;
	const struct shm_srv_dir *d = shm_srv_dir(s, srv);
	const struct shm_health *h = shm_health(s, srv);
	uint64_t changed = sw64_get(&h->changed_ns);
	struct explain_usable usable;
	char word[32], name[2 * SHM_NAME + 2], ago[32], addr[SHM_ADDR], why[256] = "";
	const char *shown;

	explain_silent(run, child_checker_silent(s, run->src.now), "checker");
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
	usable = explain_usable(s, sw32_get(&d->backend));
	explain_why(s, srv, &usable, explain_conf(run, shm_be_dir(s, sw32_get(&d->backend))->name),
	    why, sizeof(why));
	explain_line(
	    run, "It gets %s%s.", why[0] != '\0' ? "no new sessions: " : "new sessions", why);
	server_failures(run, srv);
	server_probe(run, h);
	server_weight(run, srv, h);
	server_limits(run, srv, h);
	explain_events(run, EVENT_SERVER, srv);
}
