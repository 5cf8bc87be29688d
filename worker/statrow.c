/* SPDX-License-Identifier: ISC */
/* Lines of statistics: filling them from the segment. Their writers are in statout.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "shm/check_status.h"
#include "shm/schedule.h"
#include "shm/target.h"
#include "shm/total.h"
#include "worker/statrow.h"

static void
set_n(struct stat_row *row, enum stat_column c, uint64_t n)
{
	row->cell[c] = (struct stat_cell){.set = true, .n = n};
}

/* Keeps a copy of text, cut to what is left of the line's room. */
static void
set_s(struct stat_row *row, enum stat_column c, const char *text, size_t max)
{
	size_t left = sizeof(row->room) - row->used;
	size_t len = strnlen(text, max);
	char *to = row->room + row->used;

	if (left == 0)
		return;
	if (len > left - 1)
		len = left - 1;
	memcpy(to, text, len);
	to[len] = '\0';
	row->used += len + 1;
	row->cell[c] = (struct stat_cell){.set = true, .s = to};
}

static void
row_begin(struct stat_row *row, enum stat_type type, uint32_t iid, uint32_t sid)
{
	memset(row, 0, offsetof(struct stat_row, room));
	row->type = type;
	row->iid = iid;
	row->sid = sid;
	row->up = true;
	set_n(row, STAT_PID, 1);
	set_n(row, STAT_IID, iid);
	set_n(row, STAT_SID, sid);
	set_n(row, STAT_TYPE, (uint64_t)type);
}

/* Whole seconds from ns until now; 0 when it lies ahead. */
static uint64_t
seconds_since(struct mono now, uint64_t ns)
{
	return now.ns > (int64_t)ns ? ((uint64_t)now.ns - ns) / 1000000000u : 0;
}

static uint64_t
mean(uint64_t sum, uint64_t n)
{
	return n == 0 ? 0 : sum / n;
}

static uint64_t
rate_limit(const struct conf *conf, const char *frontend)
{
	uint32_t i = conf != NULL ? conf_find_frontend(conf, frontend) : CONF_NONE;

	return i != CONF_NONE ? conf->frontends[i].rate_sessions : 0;
}

bool
stat_row_frontend(struct stat_row *row, const struct stat_source *src, uint32_t fe)
{
	const struct shm_fe_dir *d = shm_fe_dir(src->shm, fe);
	static const enum stat_column zero[] = {STAT_DRESP, STAT_DSES, STAT_WREW, STAT_EINT,
	    STAT_COMP_IN, STAT_COMP_OUT, STAT_COMP_BYP, STAT_COMP_RSP};
	bool http = sw32_get(&d->mode) == 1;
	uint32_t limit = sw32_get(&d->maxconn);
	struct total_frontend st;

	if (sw32_get(&d->state) != SHM_DIR_USED)
		return false;
	total_of_frontend(src->shm, fe, src->now, &st);
	if (limit == 0)
		limit = sw32_get(&src->shm->master->maxconn);
	row_begin(row, STAT_FRONTEND, sw32_get(&d->id), 0);
	set_s(row, STAT_PXNAME, d->name, SHM_NAME);
	row->cell[STAT_SVNAME] = (struct stat_cell){.set = true, .s = "FRONTEND"};
	set_n(row, STAT_SCUR, st.cur);
	set_n(row, STAT_SMAX, st.cur_max);
	set_n(row, STAT_SLIM, limit);
	set_n(row, STAT_STOT, st.sess);
	set_n(row, STAT_BIN, st.bytes_in);
	set_n(row, STAT_BOUT, st.bytes_out);
	set_n(row, STAT_DREQ, st.denied_req);
	set_n(row, STAT_EREQ, st.req_err);
	set_n(row, STAT_RATE, st.rate);
	set_n(row, STAT_RATE_MAX, st.rate_max);
	set_n(row, STAT_CONN_RATE, st.rate);
	set_n(row, STAT_CONN_RATE_MAX, st.rate_max);
	set_n(row, STAT_CONN_TOT, st.sess + st.denied);
	set_n(row, STAT_DCON, st.denied);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		set_n(row, zero[i], 0);
	set_n(row, STAT_RATE_LIM, rate_limit(src->conf, row->cell[STAT_PXNAME].s));
	set_n(row, STAT_REQ_TOT, st.req);
	if (http) {
		for (unsigned i = 0; i < 6; i++)
			set_n(row, (enum stat_column)(STAT_HRSP_1XX + i), st.rsp[i]);
		set_n(row, STAT_INTERCEPTED, st.intercepted);
	}
	row->cell[STAT_MODE] = (struct stat_cell){.set = true, .s = http ? "http" : "tcp"};
	row->cell[STAT_STATUS] = (struct stat_cell){.set = true,
	    .s = sw32_get(&src->shm->master->stopping) != 0 || sw32_get(&d->flags) != 0 ? "STOP"
		 : limit != 0 && st.cur >= limit                                        ? "FULL"
											: "OPEN"};
	return true;
}

/* A tenth of what the frontends that use it admit, rounded up, as HAProxy's fullconn; 1 without
 * any. */
static uint64_t
auto_fullconn(const struct stat_source *src, const char *backend)
{
	uint32_t k = src->conf != NULL ? conf_find_backend(src->conf, backend) : CONF_NONE;
	uint64_t sum = 0;

	for (size_t i = 0; k != CONF_NONE && i < src->conf->n_frontends; i++) {
		const struct conf_frontend *f = &src->conf->frontends[i];

		if (conf_frontend_uses(f, k))
			sum += f->maxconn != 0 ? f->maxconn : sw32_get(&src->shm->master->maxconn);
	}
	return sum == 0 ? 1 : (sum + 9) / 10;
}

/* Weight of the backups that are in use: the one that the schedule has, or all usable ones. */
static uint64_t
backup_weight(const struct shm *s, uint32_t be)
{
	uint32_t n = sw32_get(&s->master->n_servers), one;
	uint64_t sum = 0;

	if (sw32_get(&shm_sched(s, be)->usable) == 1)
		return schedule_peek(s, be, &one, 1) == 1 && one < s->caps->servers
			   ? sw32_get(&shm_health(s, one)->uweight)
			   : 0;
	for (uint32_t i = 0; i < n && i < s->caps->servers; i++)
		if (sw32_get(&shm_srv_dir(s, i)->state) == SHM_DIR_USED &&
		    sw32_get(&shm_srv_dir(s, i)->backend) == be &&
		    sw32_get(&shm_health(s, i)->usable) != 0)
			sum += sw32_get(&shm_health(s, i)->uweight);
	return sum;
}

static const char *
algorithm(const struct conf *conf, const char *backend)
{
	static const char *const names[] = {
	    [CONF_ROUNDROBIN] = "roundrobin", [CONF_LEASTCONN] = "leastconn"};

	for (size_t i = 0; conf != NULL && i < conf->n_backends; i++)
		if (strcmp(conf->backends[i].name, backend) == 0)
			return names[conf->backends[i].balance];
	return NULL;
}

/* What backends and servers count alike. */
#define SET_COMMON(row, st, now)                                                          \
	do {                                                                              \
		set_n(row, STAT_SCUR, (st).cur);                                          \
		set_n(row, STAT_SMAX, (st).cur_max);                                      \
		set_n(row, STAT_STOT, (st).sess);                                         \
		set_n(row, STAT_BIN, (st).bytes_in);                                      \
		set_n(row, STAT_BOUT, (st).bytes_out);                                    \
		set_n(row, STAT_ECON, (st).econ);                                         \
		set_n(row, STAT_ERESP, (st).eresp);                                       \
		set_n(row, STAT_WRETR, (st).wretr);                                       \
		set_n(row, STAT_WREDIS, (st).wredis);                                     \
		set_n(row, STAT_LBTOT, (st).lbtot);                                       \
		set_n(row, STAT_RATE, (st).rate);                                         \
		set_n(row, STAT_RATE_MAX, (st).rate_max);                                 \
		set_n(row, STAT_CLI_ABRT, (st).cli_abrt);                                 \
		set_n(row, STAT_SRV_ABRT, (st).srv_abrt);                                 \
		set_n(row, STAT_CTIME, mean((st).c_ms, (st).timed));                      \
		set_n(row, STAT_RTIME, 0);                                                \
		set_n(row, STAT_TTIME, mean((st).t_ms, (st).timed));                      \
		set_n(row, STAT_CTIME_MAX, (st).c_ms_max);                                \
		set_n(row, STAT_RTIME_MAX, 0);                                            \
		set_n(row, STAT_TTIME_MAX, (st).t_ms_max);                                \
		set_n(row, STAT_DRESP, 0);                                                \
		set_n(row, STAT_WREW, 0);                                                 \
		set_n(row, STAT_REUSE, 0);                                                \
		set_n(row, STAT_EINT, 0);                                                 \
		set_n(row, STAT_LASTSESS,                                                 \
		    (st).last_ns == 0 ? (uint64_t)-1 : seconds_since(now, (st).last_ns)); \
	} while (0)

bool
stat_row_backend(struct stat_row *row, const struct stat_source *src, uint32_t be)
{
	const struct shm_be_dir *d = shm_be_dir(src->shm, be);
	const struct shm_sched *sched = shm_sched(src->shm, be);
	uint32_t fullconn = sw32_get(&d->fullconn), maxqueue = sw32_get(&d->maxqueue);
	bool known = sw32_get(&sched->epoch) == sw32_get(&d->epoch);
	uint32_t usable = known ? sw32_get(&sched->usable) : 0;
	uint32_t total = known ? sw32_get(&sched->total) : 0;
	uint64_t changed = known ? sw64_get(&sched->changed_ns) : 0, down_ms, weight;
	struct total_target st;
	const char *algo;

	if (sw32_get(&d->state) != SHM_DIR_USED)
		return false;
	total_of_backend(src->shm, be, src->now, &st);
	row_begin(row, STAT_BACKEND, sw32_get(&d->id), 0);
	set_s(row, STAT_PXNAME, d->name, SHM_NAME);
	row->cell[STAT_SVNAME] = (struct stat_cell){.set = true, .s = "BACKEND"};
	SET_COMMON(row, st, src->now);
	set_n(row, STAT_QCUR, st.waiting);
	set_n(row, STAT_QMAX, st.queue_max);
	set_n(row, STAT_SLIM,
	    fullconn != 0 ? fullconn : auto_fullconn(src, row->cell[STAT_PXNAME].s));
	if (maxqueue != 0)
		set_n(row, STAT_QLIMIT, maxqueue);
	set_n(row, STAT_DREQ, st.denied);
	set_n(row, STAT_QTIME, mean(st.q_ms, st.timed));
	set_n(row, STAT_QTIME_MAX, st.q_ms_max);
	for (enum stat_column c = STAT_COMP_IN; c <= STAT_COMP_RSP; c++)
		set_n(row, c, 0);
	/* A backend without servers counts as UP, as in HAProxy. */
	row->up = usable > 0 || (known && total == 0);
	row->cell[STAT_STATUS] = (struct stat_cell){.set = true, .s = row->up ? "UP" : "DOWN"};
	set_n(row, STAT_ACT, known && sw32_get(&sched->on_backup) != 0 ? 0 : usable);
	set_n(row, STAT_BCK, known ? sw32_get(&sched->backups) : 0);
	weight = !known                             ? 0
		 : sw32_get(&sched->on_backup) != 0 ? backup_weight(src->shm, be)
						    : sw32_get(&sched->weight_up);
	set_n(row, STAT_WEIGHT, weight);
	set_n(row, STAT_UWEIGHT, weight);
	set_n(row, STAT_CHKDOWN,
	    known ? sw32_get(&sched->chkdown) - sw32_get(&sched->chkdown_base) : 0);
	if (changed == 0)
		changed = sw64_get(&src->shm->master->started_ns);
	set_n(row, STAT_LASTCHG, seconds_since(src->now, changed));
	down_ms = known ? sw64_get(&sched->downtime_ms) : 0;
	set_n(
	    row, STAT_DOWNTIME, down_ms / 1000 + (row->up ? 0 : seconds_since(src->now, changed)));
	set_n(row, STAT_CONNECT, st.connect);
	row->cell[STAT_MODE] =
	    (struct stat_cell){.set = true, .s = sw32_get(&d->mode) == 1 ? "http" : "tcp"};
	algo = algorithm(src->conf, row->cell[STAT_PXNAME].s);
	if (algo != NULL)
		row->cell[STAT_ALGO] = (struct stat_cell){.set = true, .s = algo};
	return true;
}

static void
row_health(struct stat_row *row, const struct stat_source *src, const struct shm_health *h)
{
	char word[32], text[TOTAL_PROBE_TEXT];
	uint32_t oper = sw32_get(&h->oper), weight = sw32_get(&h->uweight);
	uint32_t eff = sw32_get(&h->eweight); /* 256 for each unit of weight */
	uint64_t changed = sw64_get(&h->changed_ns);
	bool checked = sw32_get(&h->checked) == 1; /* 2: paused by a command */

	row->maint = (sw32_get(&h->admin) & 7) != 0;
	row->up = oper != SHM_OPER_STOPPED;
	set_s(row, STAT_STATUS,
	    total_server_word(word, oper, sw32_get(&h->admin), checked, sw32_get(&h->counter),
		sw32_get(&h->rise), sw32_get(&h->fall)),
	    sizeof(word));
	if (changed == 0)
		changed = sw64_get(&src->shm->master->started_ns);
	set_n(row, STAT_LASTCHG, seconds_since(src->now, changed));
	set_n(row, STAT_UWEIGHT, weight);
	/* Rounded up, as in HAProxy: never 0 for a server that takes part. */
	set_n(row, STAT_WEIGHT, ((uint64_t)eff + 255) / 256);
	if (sw64_get(&h->slow_from_ns) != 0 && weight != 0)
		set_n(row, STAT_THROTTLE, (uint64_t)eff * 100 / ((uint64_t)weight * 256));
	if (!checked)
		return;
	set_n(row, STAT_CHKFAIL, sw32_get(&h->chkfail));
	set_n(row, STAT_CHKDOWN, sw32_get(&h->chkdown));
	set_n(row, STAT_DOWNTIME,
	    sw64_get(&h->downtime_ms) / 1000 + (row->up ? 0 : seconds_since(src->now, changed)));
	set_n(row, STAT_CHECK_RISE, sw32_get(&h->rise));
	set_n(row, STAT_CHECK_FALL, sw32_get(&h->fall));
	set_n(row, STAT_CHECK_HEALTH, sw32_get(&h->counter));
	if (row->maint)
		return;
	row->cell[STAT_CHECK_STATUS] =
	    (struct stat_cell){.set = true, .s = check_status_word(sw32_get(&h->status))};
	row->cell[STAT_CHECK_DESC] =
	    (struct stat_cell){.set = true, .s = check_status_text(sw32_get(&h->status))};
	if (sw32_get(&h->code) != 0)
		set_n(row, STAT_CHECK_CODE, sw32_get(&h->code));
	if (sw64_get(&h->last_probe_ns) != 0) {
		set_n(row, STAT_CHECK_DURATION, sw32_get(&h->duration_ms));
		set_s(row, STAT_LAST_CHK, total_probe_text(h, text), sizeof(text));
	}
}

bool
stat_row_server(struct stat_row *row, const struct stat_source *src, uint32_t srv)
{
	const struct shm_srv_dir *d = shm_srv_dir(src->shm, srv);
	const struct shm_health *h = shm_health(src->shm, srv);
	const struct shm_be_dir *be = shm_be_dir(src->shm, sw32_get(&d->backend));
	uint32_t maxconn = sw32_get(&d->maxconn), maxqueue = sw32_get(&d->maxqueue);
	bool known = sw32_get(&h->epoch) == sw32_get(&d->epoch);
	bool backup = known && sw32_get(&h->backup) != 0;
	char addr[SHM_ADDR];
	struct total_target st;

	if (sw32_get(&d->state) != SHM_DIR_USED)
		return false;
	if (known && sw32_get(&h->maxconn) != SHM_NONE)
		maxconn = sw32_get(&h->maxconn);
	total_of_server(src->shm, srv, src->now, &st);
	row_begin(row, STAT_SERVER, sw32_get(&be->id), sw32_get(&d->id));
	set_s(row, STAT_PXNAME, be->name, SHM_NAME);
	set_s(row, STAT_SVNAME, d->name, SHM_NAME);
	set_s(row, STAT_ADDR, target_text(src->shm, srv, addr), sizeof(addr));
	SET_COMMON(row, st, src->now);
	/* Sessions wait in the backend's queue, never in a server's. */
	set_n(row, STAT_QCUR, 0);
	set_n(row, STAT_QMAX, 0);
	if (maxconn != 0)
		set_n(row, STAT_SLIM, maxconn);
	if (maxqueue != 0)
		set_n(row, STAT_QLIMIT, maxqueue);
	set_n(row, STAT_ACT, !backup);
	set_n(row, STAT_BCK, backup);
	set_n(row, STAT_QTIME, 0);
	set_n(row, STAT_QTIME_MAX, 0);
	set_n(row, STAT_CONNECT, st.connect);
	set_n(row, STAT_USED_CONN_CUR, st.cur);
	set_n(row, STAT_SRV_ICUR, 0); /* a connection to a server ends with its session */
	set_n(row, STAT_IDLE_CONN_CUR, 0);
	set_n(row, STAT_SAFE_CONN_CUR, 0);
	row->cell[STAT_MODE] =
	    (struct stat_cell){.set = true, .s = sw32_get(&be->mode) == 1 ? "http" : "tcp"};
	if (known)
		row_health(row, src, h);
	else
		row->cell[STAT_STATUS] = (struct stat_cell){.set = true, .s = "no check"};
	return true;
}
