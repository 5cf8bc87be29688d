/* SPDX-License-Identifier: ISC */
/* Metrics of the processes and of the virtual routers; those of frontends, backends and servers are
 * in metrics.c. */
#include "worker/metrics_host.h"

#include <stdio.h>

#include "shm/refused.h"
#include "shm/role.h"
#include "shm/total.h"

/* ---- the process --------------------------------------------------------------- */

/* X(name without "vipd_process_", type, help, expression over m (struct shm_master), t
 * (total_process) and src) */
#define PROCESS(X)                                                                           \
	X("start_time_seconds", GAUGE, "Start of the master, since 1970.",                   \
	    sw64_get(&m->started_wall_us) / 1000000)                                         \
	X("workers", GAUGE, "Worker processes wanted.", sw32_get(&m->wanted))                \
	X("live_workers", GAUGE, "Worker processes that are ready and answer.", live(m))     \
	X("current_connections", GAUGE, "Sessions open now.", t.held)                        \
	X("max_connections", GAUGE, "Limit of open sessions.", sw32_get(&m->maxconn))        \
	X("connections_total", COUNTER, "Connections accepted.", t.cum_conn)                 \
	X("requests_total", COUNTER, "HTTP requests.", t.cum_req)                            \
	X("bytes_out_total", COUNTER, "Bytes to clients.", t.bytes_out)                      \
	X("spliced_bytes_out_total", COUNTER, "Bytes moved without copying.", t.spliced)     \
	X("dropped_logs_total", COUNTER, "Log lines lost.", t.log_lost)                      \
	X("reloads_total", COUNTER, "Reloads carried out.", sw64_get(&m->reloads))           \
	X("failed_reloads_total", COUNTER, "Reloads refused.", sw64_get(&m->reloads_failed)) \
	X("generation", GAUGE, "Number of the configuration in force, from 1.",              \
	    sw64_get(&m->generation))                                                        \
	X("stopping", GAUGE, "1 while vipd stops.", sw32_get(&m->stopping) != 0)             \
	X("maintenance", GAUGE, "1 while the node is in maintenance.",                       \
	    sw32_get(&m->maintenance) != 0)                                                  \
	X("degraded", GAUGE, "1 while a process dies again and again.",                      \
	    sw32_get(&m->degraded) != 0)                                                     \
	X("exhausted_workers", GAUGE,                                                        \
	    "Workers that pause for lack of descriptors, memory or ports.", exhausted(src->shm))

static uint64_t
live(const struct shm_master *m)
{
	uint64_t n = 0;

	for (uint32_t w = 0; w < sw32_get(&m->wanted) && w < SHM_MAX_WORKERS; w++)
		n += shm_mask_has(m->live, w) && !shm_mask_has(m->absent, w);
	return n;
}

static uint64_t
exhausted(const struct shm *s)
{
	uint64_t n = 0;

	for (uint32_t w = 0; w < sw32_get(&s->master->n_workers) && w < s->caps->workers; w++)
		n += sw32_get(&shm_worker(s, w)->exhausted) != 0;
	return n;
}

static void
write_process(struct prom *p, const struct stat_source *src)
{
	const struct shm_master *m = src->shm->master;
	struct prom_label version = {"version", VIPD_VERSION};
	struct total_process t;

	total_of_process(src->shm, src->now, &t);
	prom_family(p, "vipd_process_build_info", PROM_GAUGE, "Version of vipd.");
	prom_uint(p, &version, 1, 1);
#define PROCESS_LINE(name, type, help, value)                    \
	prom_family(p, "vipd_process_" name, PROM_##type, help); \
	prom_uint(p, NULL, 0, value);
	PROCESS(PROCESS_LINE)
#undef PROCESS_LINE
}

static void
write_deaths(struct prom *p, const struct stat_source *src)
{
	const struct shm_master *m = src->shm->master;
	struct prom_label l[2] = {{"process", "worker"}, {"worker", NULL}};
	char number[16];

	prom_family(p, "vipd_process_respawns_total", PROM_COUNTER,
	    "Times that a process died and was started again.");
	for (uint32_t w = 0; w < sw32_get(&m->n_workers) && w < SHM_MAX_WORKERS; w++) {
		snprintf(number, sizeof(number), "%u", w);
		l[1].value = number;
		prom_uint(p, l, 2, sw32_get(&m->workers[w].respawns));
	}
	l[0].value = "checker";
	prom_uint(p, l, 1, sw32_get(&m->checker.respawns));
	l[0].value = "vrrp";
	prom_uint(p, l, 1, sw32_get(&m->vrrp.respawns));
}

/* ---- virtual routers -------------------------------------------------------------
 */

enum { R_MASTER_NOW = 0, R_PRIORITY, R_BAND, R_SENT, R_RECEIVED, R_MASTER, R_SINCE, R_N };

static const struct {
	const char *name;
	enum prom_type type;
	const char *help;
} router_metrics[R_N] = {
    {"vipd_vrrp_master", PROM_GAUGE, "1 while this node holds the address."},
    {"vipd_vrrp_priority", PROM_GAUGE, "Priority in force."},
    {"vipd_vrrp_band", PROM_GAUGE, "Health band, as the vrrp process numbers it."},
    {"vipd_vrrp_advertisements_sent_total", PROM_COUNTER, "Advertisements sent."},
    {"vipd_vrrp_advertisements_received_total", PROM_COUNTER, "Advertisements accepted."},
    {"vipd_vrrp_became_master_total", PROM_COUNTER, "Times that this node took the address."},
    {"vipd_vrrp_last_change_seconds", PROM_GAUGE, "Time since the last change of role."},
};

static uint64_t
router_value(const struct shm_router *r, unsigned what, struct mono now)
{
	uint32_t role = sw32_get(&r->role);
	int64_t since = (int64_t)sw64_get(&r->since_ns);

	switch (what) {
	case R_MASTER_NOW:
		return role == SHM_ROLE_MASTER || role == SHM_ROLE_RESIGN || role == SHM_ROLE_LEAVE;
	case R_PRIORITY:
		return sw32_get(&r->priority);
	case R_BAND:
		return sw32_get(&r->band);
	case R_SENT:
		return sw64_get(&r->sent);
	case R_RECEIVED:
		return sw64_get(&r->received);
	case R_SINCE:
		return since == 0 || now.ns < since ? 0 : (uint64_t)(now.ns - since) / 1000000000;
	default:
		return sw64_get(&r->became_master);
	}
}

/* Only reasons that occurred. */
static void
write_refused(struct prom *p, const struct shm_router *r, struct prom_label l[2])
{
	for (unsigned i = 1; i < SHM_REFUSED_N; i++) {
		uint32_t n = sw32_get(&r->refused[i]);

		l[1] = (struct prom_label){"reason", shm_refused_name(i)};
		if (n > 0)
			prom_uint(p, l, 2, n);
	}
}

/* 1 for the role that holds: FAULT is none of "holds the address" and "does not". */
static void
write_role(struct prom *p, const struct shm_router *r, struct prom_label l[2])
{
	for (uint32_t role = 0; role < SHM_ROLE_N; role++) {
		l[1] = (struct prom_label){"role", shm_role_text(role)};
		prom_uint(p, l, 2, sw32_get(&r->role) == role);
	}
}

static void
write_routers(struct prom *p, const struct stat_source *src)
{
	const struct shm_vrrp *v = src->shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);

	for (unsigned what = 0; what <= R_N + 1; what++) {
		if (what == R_N + 1)
			prom_family(p, "vipd_vrrp_role", PROM_GAUGE, "1 for the role that holds.");
		else if (what == R_N)
			prom_family(p, "vipd_vrrp_refused_total", PROM_COUNTER,
			    "Advertisements refused, by reason; of a flood from unlisted senders "
			    "(source) "
			    "some hundred a second are counted.");
		else
			prom_family(p, router_metrics[what].name, router_metrics[what].type,
			    router_metrics[what].help);
		for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++) {
			const struct shm_router *r = &v->routers[i];
			char name[SHM_NAME];
			struct prom_label l[2] = {{"router", name}};

			if (sw32_get(&r->used) == 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, r->name);
			if (what == R_N + 1)
				write_role(p, r, l);
			else if (what == R_N)
				write_refused(p, r, l);
			else
				prom_uint(p, l, 1, router_value(r, what, src->now));
		}
	}
}

void
metrics_host(struct prom *p, const struct stat_source *src)
{
	write_process(p, src);
	write_deaths(p, src);
	write_routers(p, src);
}
