/* SPDX-License-Identifier: ISC */
/*
 * Metrics. The format wants all samples of a family together, so a scrape first gathers one sample
 * per object (a walk over the directory, in pieces), then writes family by family from these.
 */
#include "worker/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/prom.h"
#include "worker/metrics_host.h"
#include "worker/statlist.h"

#define GATHER_TURN 64 /* objects gathered in one piece */
#define SCRAPES_MAX 4  /* at a time in a worker: each holds some 500 bytes per object */

enum { F = 1 << STAT_FRONTEND, B = 1 << STAT_BACKEND, S = 1 << STAT_SERVER };
enum { MS = 1 }; /* the column is milliseconds, the metric seconds */

/* X(column, scopes, type, flags, name without "vipd_frontend_", help) */
#define METRICS(X)                                                                              \
	X(QCUR, B, GAUGE, 0, "current_queue", "Sessions waiting in the queue.")                 \
	X(QMAX, B, GAUGE, 0, "max_queue", "Most sessions that waited in the queue.")            \
	X(SCUR, F | B | S, GAUGE, 0, "current_sessions", "Sessions open now.")                  \
	X(SMAX, F | B | S, GAUGE, 0, "max_sessions", "Most sessions open at once.")             \
	X(SLIM, F | B | S, GAUGE, 0, "limit_sessions", "Limit of open sessions.")               \
	X(STOT, F | B | S, COUNTER, 0, "sessions_total", "Sessions since the start.")           \
	X(BIN, F | B | S, COUNTER, 0, "bytes_in_total", "Bytes from clients.")                  \
	X(BOUT, F | B | S, COUNTER, 0, "bytes_out_total", "Bytes to clients.")                  \
	X(DREQ, F, COUNTER, 0, "requests_denied_total", "Sessions rejected by content rules.")  \
	X(EREQ, F, COUNTER, 0, "request_errors_total", "Requests that could not be read.")      \
	X(DCON, F, COUNTER, 0, "denied_connections_total",                                      \
	    "Connections denied by allow, deny and per_source.")                                \
	X(CONN_TOT, F, COUNTER, 0, "connections_total", "Connections accepted.")                \
	X(REQ_TOT, F, COUNTER, 0, "http_requests_total", "HTTP requests.")                      \
	X(INTERCEPTED, F, COUNTER, 0, "intercepted_requests_total",                             \
	    "Requests answered by vipd itself.")                                                \
	X(ECON, B | S, COUNTER, 0, "connection_errors_total", "Connects that failed.")          \
	X(ERESP, B | S, COUNTER, 0, "response_errors_total",                                    \
	    "Errors of servers after the connect.")                                             \
	X(WRETR, B | S, COUNTER, 0, "retry_warnings_total", "Connects repeated.")               \
	X(WREDIS, B | S, COUNTER, 0, "redispatch_warnings_total",                               \
	    "Sessions given to another server.")                                                \
	X(CLI_ABRT, B | S, COUNTER, 0, "client_aborts_total", "Transfers ended by the client.") \
	X(SRV_ABRT, B | S, COUNTER, 0, "server_aborts_total", "Transfers ended by the server.") \
	X(LBTOT, B | S, COUNTER, 0, "loadbalanced_total",                                       \
	    "Times that balancing chose a server; those from the queue come by their turn.")    \
	X(CONNECT, S, COUNTER, 0, "connection_attempts_total", "Connects tried.")               \
	X(WEIGHT, B | S, GAUGE, 0, "weight",                                                    \
	    "Effective weight; of a backend the sum of usable servers.")                        \
	X(UWEIGHT, S, GAUGE, 0, "uweight", "Weight as configured or set.")                      \
	X(ACT, B, GAUGE, 0, "active_servers", "Usable servers.")                                \
	X(BCK, B, GAUGE, 0, "backup_servers", "Usable backup servers.")                         \
	X(RATE_LIM, F, GAUGE, 0, "limit_session_rate", "Most sessions a second.")               \
	X(QLIMIT, B | S, GAUGE, 0, "queue_limit", "Limit of the queue.")                        \
	X(THROTTLE, S, GAUGE, 0, "current_throttle",                                            \
	    "Percent of the weight while slow start runs.")                                     \
	X(CHKFAIL, S, COUNTER, 0, "check_failures_total", "Probes that failed.")                \
	X(CHKDOWN, B | S, COUNTER, 0, "check_up_down_total", "Changes from UP to DOWN.")        \
	X(CHECK_DURATION, S, GAUGE, MS, "check_duration_seconds",                               \
	    "Time that the last probe took.")                                                   \
	X(CHECK_CODE, S, GAUGE, 0, "check_code", "Code in the last probe's answer.")            \
	X(LASTCHG, B | S, GAUGE, 0, "check_last_change_seconds",                                \
	    "Time since the last change of state.")                                             \
	X(DOWNTIME, B | S, COUNTER, 0, "downtime_seconds_total", "Time down altogether.")       \
	X(RATE, F | B | S, GAUGE, 0, "current_session_rate", "Sessions in the last second.")    \
	X(RATE_MAX, F | B | S, GAUGE, 0, "max_session_rate", "Most sessions in a second.")      \
	X(QTIME, B, GAUGE, MS, "queue_time_average_seconds", "Mean time in the queue.")         \
	X(CTIME, B | S, GAUGE, MS, "connect_time_average_seconds", "Mean time of a connect.")   \
	X(TTIME, B | S, GAUGE, MS, "total_time_average_seconds", "Mean time of a session.")     \
	X(QTIME_MAX, B, GAUGE, MS, "max_queue_time_seconds", "Longest time in the queue.")      \
	X(CTIME_MAX, B | S, GAUGE, MS, "max_connect_time_seconds", "Longest connect.")          \
	X(TTIME_MAX, B | S, GAUGE, MS, "max_total_time_seconds", "Longest session.")

#define METRIC_ENUM(col, scopes, type, flags, name, help) M_##col,
enum metric { METRICS(METRIC_ENUM) M_N };
#undef METRIC_ENUM

#define METRIC_ROW(col, scopes, type, flags, name, help) \
	{STAT_##col, scopes, PROM_##type, flags,         \
	    {"vipd_frontend_" name, "vipd_backend_" name, "vipd_server_" name}, help},
static const struct {
	enum stat_column column;
	unsigned scopes;
	enum prom_type type;
	unsigned flags;
	const char *name[3];
	const char *help;
} metrics[M_N] = {METRICS(METRIC_ROW)};
#undef METRIC_ROW

_Static_assert(M_N <= 64, "a bit each in struct sample");

/* One object, as it was when the scrape came to it. */
struct sample {
	enum stat_type type;
	char px[SHM_NAME];
	char sv[SHM_NAME];
	const char *state; /* one of states[] */
	const char *check; /* word of the last probe, NULL: none */
	uint64_t rsp[6];
	bool http;
	uint64_t set; /* bit per metric */
	uint64_t v[M_N];
};

/* States that have a sample of 0 or 1 each. */
static const char *const states[3][6] = {
    {"OPEN", "FULL", "STOP", NULL},
    {"UP", "DOWN", NULL},
    {"UP", "DOWN", "MAINT", "DRAIN", "NOLB", NULL},
};

struct scrape {
	struct stat_source src;
	struct stat_list list;
	struct stat_filter filter;
	struct sample *v;
	size_t n;      /* gathered */
	size_t at;     /* of list; then of v */
	unsigned step; /* which family */
	struct prom prom;
	bool begun;
};

static unsigned scrapes; /* running in this process */

/* ---- gathering ------------------------------------------------------------- */

/* The state behind a status word: "UP 1/3" is UP; a server that nobody checks counts as UP. */
static const char *
state_of(enum stat_type type, const char *status)
{
	for (unsigned i = 0; states[type][i] != NULL; i++)
		if (strncmp(states[type][i], status, strlen(states[type][i])) == 0)
			return states[type][i];
	return "UP";
}

static void
take(struct sample *p, const struct stat_row *row)
{
	p->type = row->type;
	snprintf(p->px, sizeof(p->px), "%s", row->cell[STAT_PXNAME].s);
	snprintf(p->sv, sizeof(p->sv), "%s", row->cell[STAT_SVNAME].s);
	p->state = state_of(row->type, row->cell[STAT_STATUS].s);
	p->check = row->cell[STAT_CHECK_STATUS].set ? row->cell[STAT_CHECK_STATUS].s : NULL;
	p->http = row->cell[STAT_HRSP_1XX].set;
	for (unsigned i = 0; i < 6; i++)
		p->rsp[i] = row->cell[STAT_HRSP_1XX + i].n;
	p->set = 0;
	for (unsigned i = 0; i < M_N; i++)
		if (row->cell[metrics[i].column].set) {
			p->set |= 1ull << i;
			p->v[i] = row->cell[metrics[i].column].n;
		}
}

static void
gather(struct scrape *sc)
{
	struct stat_row row;

	for (int i = 0; i < GATHER_TURN && sc->at < sc->list.n; i++, sc->at++)
		if (stat_list_row(&row, &sc->src, &sc->list.v[sc->at], &sc->filter))
			take(&sc->v[sc->n++], &row);
}

/* ---- families over objects ------------------------------------------------- */

/* Labels of an object; returns their number. */
static size_t
labels(const struct sample *p, struct prom_label l[3])
{
	l[0] = (struct prom_label){"proxy", p->px};
	l[1] = (struct prom_label){"server", p->sv};
	return p->type == STAT_SERVER ? 2 : 1;
}

static void
write_state(struct scrape *sc, const struct sample *p)
{
	static const char *const names[] = {
	    "vipd_frontend_status", "vipd_backend_status", "vipd_server_status"};
	struct prom_label l[3];
	size_t n = labels(p, l);

	prom_family(&sc->prom, names[p->type], PROM_GAUGE, "1 for the state that holds.");
	l[n].name = "state";
	for (unsigned i = 0; states[p->type][i] != NULL; i++) {
		l[n].value = states[p->type][i];
		prom_uint(&sc->prom, l, n + 1, strcmp(p->state, states[p->type][i]) == 0);
	}
}

static void
write_check(struct scrape *sc, const struct sample *p)
{
	struct prom_label l[3];
	size_t n = labels(p, l);

	if (p->check == NULL)
		return;
	prom_family(&sc->prom, "vipd_server_check_status", PROM_GAUGE,
	    "1 for the result of the last probe.");
	l[n] = (struct prom_label){"state", p->check};
	prom_uint(&sc->prom, l, n + 1, 1);
}

static void
write_answers(struct scrape *sc, const struct sample *p)
{
	static const char *const codes[] = {"1xx", "2xx", "3xx", "4xx", "5xx", "other"};
	struct prom_label l[3];
	size_t n = labels(p, l);

	if (!p->http)
		return;
	prom_family(&sc->prom, "vipd_frontend_http_responses_total", PROM_COUNTER, "HTTP answers.");
	for (unsigned i = 0; i < 6; i++) {
		l[n] = (struct prom_label){"code", codes[i]};
		prom_uint(&sc->prom, l, n + 1, p->rsp[i]);
	}
}

static void
write_metric(struct scrape *sc, const struct sample *p, unsigned i)
{
	struct prom_label l[3];
	size_t n = labels(p, l);

	if ((metrics[i].scopes & 1u << p->type) == 0 || (p->set & 1ull << i) == 0)
		return;
	prom_family(&sc->prom, metrics[i].name[p->type], metrics[i].type, metrics[i].help);
	if ((metrics[i].flags & MS) != 0)
		prom_thousandths(&sc->prom, l, n, p->v[i]);
	else
		prom_uint(&sc->prom, l, n, p->v[i]);
}

/* Families of each scope: status, one each of metrics[], answers (frontends), checks (servers). */
#define FAMILIES (M_N + 3)

static void
write_sample(struct scrape *sc, const struct sample *p, unsigned family)
{
	if (family == 0)
		write_state(sc, p);
	else if (family <= M_N)
		write_metric(sc, p, family - 1);
	else if (family == M_N + 1 && p->type == STAT_FRONTEND)
		write_answers(sc, p);
	else if (family == M_N + 2 && p->type == STAT_SERVER)
		write_check(sc, p);
}

static bool
scrape_more(void *stream, struct buf *out, size_t limit)
{
	struct scrape *sc = stream;

	sc->src.now = mono_now();
	sc->prom.out = out;
	if (!sc->begun) {
		gather(sc);
		if (sc->at < sc->list.n)
			return true;
		sc->begun = true;
		sc->at = 0;
		metrics_host(&sc->prom, &sc->src);
	}
	for (; sc->step < 3 * FAMILIES; sc->step++, sc->at = 0)
		for (; sc->at < sc->n; sc->at++) {
			if (out->len >= limit)
				return true;
			if (sc->v[sc->at].type == (enum stat_type)(sc->step / FAMILIES))
				write_sample(sc, &sc->v[sc->at], sc->step % FAMILIES);
		}
	return false;
}

static void
scrape_end(void *stream)
{
	struct scrape *sc = stream;

	stat_list_free(&sc->list);
	free(sc->v);
	free(sc);
	scrapes--;
}

bool
metrics_full(void)
{
	return scrapes >= SCRAPES_MAX;
}

void
metrics_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp)
{
	struct scrape *sc = !metrics_full() ? calloc(1, sizeof(*sc)) : NULL;

	if (sc == NULL || stat_list_make(&sc->list, s) == -1) {
		free(sc);
		rp->status = 503;
		buf_puts(&rp->body, "too many scrapes at a time\n");
		return;
	}
	sc->v = calloc(sc->list.n + 1, sizeof(*sc->v));
	scrapes++;
	if (sc->v == NULL) {
		scrape_end(sc);
		rp->status = 500;
		return;
	}
	sc->src = (struct stat_source){.shm = s, .conf = conf};
	sc->filter = (struct stat_filter)STAT_FILTER_ALL;
	prom_init(&sc->prom, NULL);
	rp->content_type = PROM_CONTENT_TYPE;
	rp->more = scrape_more;
	rp->end = scrape_end;
	rp->stream = sc;
}
