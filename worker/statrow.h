/* SPDX-License-Identifier: ISC */
/*
 * A line of statistics of one frontend, backend or server as a value: the columns of HAProxy's
 * "show stat" with what vipd has for them. One table of columns yields CSV, typed text, JSON and
 * descriptions; the status page and the metrics pick from the same lines.
 *
 * Filled from the shared segment alone (and, for the name of the algorithm, the configuration);
 * nothing here writes, sleeps or reads a clock.
 */
#ifndef WORKER_STATROW_H
#define WORKER_STATROW_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mono.h"
#include "shm/segment.h"

/* Types of values as HAProxy's typed output names them. */
enum stat_value { STAT_STR = 0, STAT_U32, STAT_S32, STAT_U64 };

/*
 * X(enum, name, tags, type, description). Position is the index that tools use; the first 100 are
 * those of HAProxy 2.6 (management guide 9.1), in order. Tags: origin, nature, scope (9.2).
 */
#define STAT_COLUMNS(X)                                                                         \
	X(PXNAME, "pxname", "KNS", STR, "name of the frontend or backend")                      \
	X(SVNAME, "svname", "KNS", STR, "FRONTEND, BACKEND or the server's name")               \
	X(QCUR, "qcur", "MGP", U32, "sessions waiting in the queue")                            \
	X(QMAX, "qmax", "MMP", U32, "most sessions that waited in the queue")                   \
	X(SCUR, "scur", "MGP", U32, "sessions open now")                                        \
	X(SMAX, "smax", "MMP", U32, "most sessions open at once")                               \
	X(SLIM, "slim", "CLP", U32, "limit of open sessions")                                   \
	X(STOT, "stot", "MCP", U64, "sessions since the start")                                 \
	X(BIN, "bin", "MCP", U64, "bytes from clients")                                         \
	X(BOUT, "bout", "MCP", U64, "bytes to clients")                                         \
	X(DREQ, "dreq", "MCP", U64, "requests denied")                                          \
	X(DRESP, "dresp", "MCP", U64, "answers denied")                                         \
	X(EREQ, "ereq", "MCP", U64, "bad requests")                                             \
	X(ECON, "econ", "MCP", U64, "connects that failed")                                     \
	X(ERESP, "eresp", "MCP", U64, "errors of servers after the connect")                    \
	X(WRETR, "wretr", "MCP", U64, "connects repeated")                                      \
	X(WREDIS, "wredis", "MCP", U64, "sessions given to another server")                     \
	X(STATUS, "status", "SGP", STR,                                                         \
	    "OPEN, FULL, STOP, UP, DOWN, UP n/m, DOWN n/m, MAINT, DRAIN, no check")             \
	X(WEIGHT, "weight", "MaP", U32,                                                         \
	    "effective weight; of a backend the sum of usable servers")                         \
	X(ACT, "act", "SGP", U32,                                                               \
	    "1 for an active server; of a backend the number of usable ones")                   \
	X(BCK, "bck", "SGP", U32, "backup servers")                                             \
	X(CHKFAIL, "chkfail", "MCP", U64, "probes that failed")                                 \
	X(CHKDOWN, "chkdown", "MCP", U64, "changes from UP to DOWN")                            \
	X(LASTCHG, "lastchg", "MAP", U32, "seconds since the last change of state")             \
	X(DOWNTIME, "downtime", "MCP", U32, "seconds down altogether")                          \
	X(QLIMIT, "qlimit", "CLS", U32, "limit of the queue")                                   \
	X(PID, "pid", "KGP", U32, "process number, always 1: counts are sums over all workers") \
	X(IID, "iid", "KGS", U32, "number of the frontend or backend")                          \
	X(SID, "sid", "KGS", U32, "number of the server in its backend")                        \
	X(THROTTLE, "throttle", "MDP", U32, "percent of the weight while slow start runs")      \
	X(LBTOT, "lbtot", "MCP", U64, "times that balancing chose a server")                    \
	X(TRACKED, "tracked", "CKS", STR, "server whose health is followed")                    \
	X(TYPE, "type", "CGS", U32, "0 frontend, 1 backend, 2 server")                          \
	X(RATE, "rate", "MRP", U32, "sessions in the last second")                              \
	X(RATE_LIM, "rate_lim", "CLP", U32, "limit of sessions a second")                       \
	X(RATE_MAX, "rate_max", "MMP", U32, "most sessions in a second")                        \
	X(CHECK_STATUS, "check_status", "MOP", STR, "result of the last probe")                 \
	X(CHECK_CODE, "check_code", "MOP", U32, "code in the last probe's answer")              \
	X(CHECK_DURATION, "check_duration", "MDP", U64, "milliseconds of the last probe")       \
	X(HRSP_1XX, "hrsp_1xx", "MCP", U64, "HTTP answers 1xx")                                 \
	X(HRSP_2XX, "hrsp_2xx", "MCP", U64, "HTTP answers 2xx")                                 \
	X(HRSP_3XX, "hrsp_3xx", "MCP", U64, "HTTP answers 3xx")                                 \
	X(HRSP_4XX, "hrsp_4xx", "MCP", U64, "HTTP answers 4xx")                                 \
	X(HRSP_5XX, "hrsp_5xx", "MCP", U64, "HTTP answers 5xx")                                 \
	X(HRSP_OTHER, "hrsp_other", "MCP", U64, "other HTTP answers")                           \
	X(HANAFAIL, "hanafail", "MCP", U64, "failures seen in traffic")                         \
	X(REQ_RATE, "req_rate", "MRP", U32, "HTTP requests in the last second")                 \
	X(REQ_RATE_MAX, "req_rate_max", "MMP", U32, "most HTTP requests in a second")           \
	X(REQ_TOT, "req_tot", "MCP", U64, "HTTP requests")                                      \
	X(CLI_ABRT, "cli_abrt", "MCP", U64, "transfers ended by the client")                    \
	X(SRV_ABRT, "srv_abrt", "MCP", U64, "transfers ended by the server")                    \
	X(COMP_IN, "comp_in", "MCP", U64, "bytes to compress; not used")                        \
	X(COMP_OUT, "comp_out", "MCP", U64, "bytes compressed; not used")                       \
	X(COMP_BYP, "comp_byp", "MCP", U64, "bytes not compressed; not used")                   \
	X(COMP_RSP, "comp_rsp", "MCP", U64, "answers compressed; not used")                     \
	X(LASTSESS, "lastsess", "MAP", S32, "seconds since the last session; -1 none yet")      \
	X(LAST_CHK, "last_chk", "MOP", STR, "text of the last probe")                           \
	X(LAST_AGT, "last_agt", "MOP", STR, "text of the last agent check")                     \
	X(QTIME, "qtime", "MaP", U32, "mean milliseconds in the queue")                         \
	X(CTIME, "ctime", "MaP", U32, "mean milliseconds of a connect")                         \
	X(RTIME, "rtime", "MaP", U32, "mean milliseconds to an answer, 0 in mode tcp")          \
	X(TTIME, "ttime", "MaP", U32, "mean milliseconds of a session")                         \
	X(AGENT_STATUS, "agent_status", "MOP", STR, "result of the last agent check")           \
	X(AGENT_CODE, "agent_code", "MOP", U32, "code of the last agent check")                 \
	X(AGENT_DURATION, "agent_duration", "MDP", U64, "milliseconds of the last agent check") \
	X(CHECK_DESC, "check_desc", "MOP", STR, "meaning of check_status")                      \
	X(AGENT_DESC, "agent_desc", "MOP", STR, "meaning of agent_status")                      \
	X(CHECK_RISE, "check_rise", "CGS", U32, "good probes that bring a server up")           \
	X(CHECK_FALL, "check_fall", "CGS", U32, "failed probes that take it down")              \
	X(CHECK_HEALTH, "check_health", "CGS", U32, "health counter, 0 to rise + fall - 1")     \
	X(AGENT_RISE, "agent_rise", "CGS", U32, "as check_rise, agent")                         \
	X(AGENT_FALL, "agent_fall", "CGS", U32, "as check_fall, agent")                         \
	X(AGENT_HEALTH, "agent_health", "CGS", U32, "as check_health, agent")                   \
	X(ADDR, "addr", "CGS", STR, "address and port of the server")                           \
	X(COOKIE, "cookie", "CNS", STR, "cookie of the server")                                 \
	X(MODE, "mode", "CGS", STR, "tcp or http")                                              \
	X(ALGO, "algo", "CGS", STR, "balancing algorithm")                                      \
	X(CONN_RATE, "conn_rate", "MRP", U32, "connections in the last second")                 \
	X(CONN_RATE_MAX, "conn_rate_max", "MMP", U32, "most connections in a second")           \
	X(CONN_TOT, "conn_tot", "MCP", U64, "connections")                                      \
	X(INTERCEPTED, "intercepted", "MCP", U64, "requests answered by vipd itself")           \
	X(DCON, "dcon", "MCP", U64, "connections denied by allow and deny")                     \
	X(DSES, "dses", "MCP", U64, "sessions denied")                                          \
	X(WREW, "wrew", "MCP", U64, "headers that could not be rewritten")                      \
	X(CONNECT, "connect", "MCP", U64, "connects tried")                                     \
	X(REUSE, "reuse", "MCP", U64, "connections used again")                                 \
	X(CACHE_LOOKUPS, "cache_lookups", "MCP", U64, "cache look-ups; not used")               \
	X(CACHE_HITS, "cache_hits", "MCP", U64, "cache hits; not used")                         \
	X(SRV_ICUR, "srv_icur", "MGP", U32, "idle connections kept; not used")                  \
	X(SRC_ILIM, "src_ilim", "CLP", U32, "limit of idle connections; not used")              \
	X(QTIME_MAX, "qtime_max", "MMP", U32, "longest time in the queue")                      \
	X(CTIME_MAX, "ctime_max", "MMP", U32, "longest connect")                                \
	X(RTIME_MAX, "rtime_max", "MMP", U32, "longest time to an answer")                      \
	X(TTIME_MAX, "ttime_max", "MMP", U32, "longest session")                                \
	X(EINT, "eint", "MCP", U64, "internal errors")                                          \
	X(IDLE_CONN_CUR, "idle_conn_cur", "MGP", U32, "not used")                               \
	X(SAFE_CONN_CUR, "safe_conn_cur", "MGP", U32, "not used")                               \
	X(USED_CONN_CUR, "used_conn_cur", "MGP", U32, "connections to the server now")          \
	X(NEED_CONN_EST, "need_conn_est", "MGP", U32, "not used")                               \
	X(UWEIGHT, "uweight", "MaP", U32, "weight as set; of a backend the sum of usable servers")

#define STAT_ENUM(id, name, tags, type, text) STAT_##id,
enum stat_column { STAT_COLUMNS(STAT_ENUM) STAT_N };
#undef STAT_ENUM

_Static_assert(STAT_TTIME == 61 && STAT_UWEIGHT == 99 && STAT_N == 100, "columns keep their place");

enum stat_type { STAT_FRONTEND = 0, STAT_BACKEND, STAT_SERVER };

struct stat_cell {
	bool set;
	uint64_t n;    /* STAT_S32: as int64_t */
	const char *s; /* STAT_STR: in the line's room, or static */
};

struct stat_row {
	enum stat_type type;
	uint32_t iid;
	uint32_t sid; /* 0 but for servers */
	bool up;      /* not DOWN */
	bool maint;
	struct stat_cell cell[STAT_N];
	size_t used; /* bytes of room */
	char room[512];
};

/* What a line is made from. */
struct stat_source {
	const struct shm *shm;
	const struct conf *conf; /* NULL: columns from it stay empty */
	struct mono now;         /* CLOCK_MONOTONIC */
};

/* Fill *row for a slot of the directory. False when the slot is not in use (any more). */
bool stat_row_frontend(struct stat_row *row, const struct stat_source *src, uint32_t fe);
bool stat_row_backend(struct stat_row *row, const struct stat_source *src, uint32_t be);
bool stat_row_server(struct stat_row *row, const struct stat_source *src, uint32_t srv);

/* Writers of one line, and what stands around all lines. */
void stat_csv_head(struct buf *out);
void stat_csv_row(struct buf *out, const struct stat_row *row);
void stat_typed_row(struct buf *out, const struct stat_row *row, bool desc);
/* One JSON array; the caller writes "[", "," between lines, "]". */
void stat_json_row(struct buf *out, const struct stat_row *row);

/* One JSON object, a member for each column that is not empty. */
void stat_json_object(struct buf *out, const struct stat_row *row);

/* One field of any list of this kind ("show info" too): NAME.1:TAGS:TYPE:VALUE without a newline,
 * and the members "field" to "value" of an open JSON object. */
void stat_typed_field(struct buf *out, const char *name, const char *tags, enum stat_value type,
    uint64_t n, const char *s);
void stat_json_field(struct json *j, unsigned pos, const char *name, const char *tags,
    enum stat_value type, uint64_t n, const char *s);

const char *stat_column_name(enum stat_column c);
const char *stat_column_text(enum stat_column c);

#endif
