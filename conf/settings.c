/* SPDX-License-Identifier: ISC */
/*
 * The settings of global, frontends and backends. Texts are the manual's: what the setting does,
 * in one or a few sentences. Defaults: hard-parts 11 of the design; HAProxy's where nothing else
 * was decided.
 */
#include "conf/table.h"

#include <string.h>

#include "conf/conf.h"
#include "conf/read.h"
#include "conf/values.h"

#define O(type, field) offsetof(struct type, field)
#define ROWS(x)        sizeof(x) / sizeof((x)[0]), (x)
#define DAY            INT64_C(86400000)
#define MAX_CONN       10000000

static const char *const w_level[] = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", NULL};
static const char *const w_facility[] = {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
    "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit", "alert", "cron2", "local0", "local1",
    "local2", "local3", "local4", "local5", "local6", "local7", NULL};
static const char *const w_log_format[] = {"plain", "local", "rfc3164", "rfc5424", "priority",
    "short", "timed", "iso", "raw", "json", "journal", NULL}; /* enum log_format */
static const char *const w_ctl_level[] = {"user", "operator", "admin", NULL};
static const char *const w_mode[] = {"tcp", "http", NULL};
static const char *const w_action[] = {"accept", "reject", NULL};
static const char *const w_balance[] = {"roundrobin", "leastconn", NULL};
static const char *const w_no_server[] = {"refuse", "wait", NULL};
static const char *const w_check[] = {"tcp", "http", "https", "kubernetes", NULL};
static const char *const w_init[] = {"up", "fully-up", "down", "fully-down", NULL};
static const char *const w_marked[] = {"none", "shutdown-sessions", NULL};
static const char *const w_version[] = {"HTTP/1.0", "HTTP/1.1", NULL};
static const char *const w_verify[] = {"none", "required", NULL};

/* ---- defaults that depend on other settings ------------------------------------------ */

static int64_t
log_format(const void *obj)
{
	const struct conf_log *l = obj;

	if (l->address != NULL && strcmp(l->address, "journal") == 0)
		return LOG_JOURNAL;
	return l->address != NULL && strcmp(l->address, "stderr") == 0 ? LOG_PLAIN : LOG_LOCAL;
}

static int64_t
log_len(const void *obj)
{
	const struct conf_log *l = obj;

	return l->format == LOG_JSON || l->format == LOG_JOURNAL ? 4096 : LOG_LEN_DEFAULT;
}

static int64_t
client_timeout(const void *obj)
{
	return ((const struct conf_frontend *)obj)->mode == CONF_MODE_HTTP ? 50000 : 3600000;
}

static int64_t
rule_action(const void *obj)
{
	return ((const struct conf_rule *)obj)->backend != CONF_NONE ? CONF_RULE_USE : CONF_AUTO;
}

static int64_t
rule_tls(const void *obj)
{
	(void)obj;
	return CONF_AUTO;
}

static int64_t
queue_timeout(const void *obj)
{
	return ((const struct conf_backend *)obj)->timeout_connect_ms;
}

static int64_t
check_verify(const void *obj)
{
	const struct conf_check *c = obj;

	return c->type != CONF_CHECK_KUBERNETES || c->ca_file != NULL;
}

static const char *
check_uri(const void *obj)
{
	return ((const struct conf_check *)obj)->type == CONF_CHECK_KUBERNETES ? "/readyz" : "/";
}

/* ---- global -------------------------------------------------------------------------- */

static const struct conf_key log_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED, .offset = 0, .read = read_log_address,
	.print = print_log_address, .syntax = "string",
	.text = "Where lines go: \"stderr\", \"journal\" (systemd's journal, by its own "
		"protocol), the path of a UNIX datagram socket such as \"/dev/log\", or an "
		"address with or without port (UDP, port 514)."},
    {"facility", K_ENUM, .offset = O(conf_log, facility), .dflt = 3, .words = w_facility,
	.text = "The syslog facility."},
    {"level", K_ENUM, .offset = O(conf_log, level), .dflt = 6, .words = w_level,
	.text = "The least important level that is sent. Lines about sessions have level info, so "
		"anything above it receives none of them."},
    {"format", K_ENUM, .offset = O(conf_log, format), .dflt_of = log_format, .words = w_log_format,
	.dflt_text = "plain for stderr, journal for the journal, else local",
	.text = "What a line looks like; the names are HAProxy's where it has the format. <PRI> is "
		"facility and level, <N> the level alone, ISO the time with microseconds and zone. "
		"local: \"<PRI>Nov  5 17:00:00 vipd[123]: MESSAGE\", RFC 3164 without a host name. "
		"rfc3164: with it. rfc5424: \"<PRI>1 ISO HOST vipd 123 - - MESSAGE\". priority: "
		"\"<PRI>MESSAGE\". short: \"<N>MESSAGE\", as systemd reads it from stderr. timed: "
		"\"<N>ISO MESSAGE\". iso: \"ISO MESSAGE\". raw: the message alone. plain: \"Nov  5 "
		"17:00:00 vipd[123]: info: MESSAGE\". json: an object a line, with fields; see "
		"Fields of log lines. journal: the journal's own protocol, with the fields; on "
		"stderr the same as short."},
    {"len", K_UINT, .offset = O(conf_log, len), .min = 80, .max = 65535, .dflt_of = log_len,
	.dflt_text = "1024; 4096 for json and journal",
	.text = "Bytes after which a line is cut. On stderr it is at most 4096. json and journal: "
		"at least 640; a line that is longer loses its fields first."},
};
const struct conf_scope scope_log = {"log", "Log targets",
    "In global: one target, or several. A string is an address.", ROWS(log_keys)};

static const struct conf_key control_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED | F_NODIFF, .offset = 0, .read = read_control_address,
	.print = print_control_address, .syntax = "string",
	.text =
	    "Where vipd takes commands: the path of a UNIX socket; \"127.0.0.1:9999\", TCP on a "
	    "loopback address only, since there is no password and any user of this host may come; "
	    "or \"fd@3\", \"fd@NAME\", as in "
	    "Listening addresses."},
    {"path", K_CUSTOM, F_INPUT, .offset = 0, .read = read_control_address, .syntax = "string",
	.text = "The same as address."},
    {"mode", K_FILEMODE, .offset = O(conf_control, mode), .max = 0777, .dflt = 0600,
	.text = "The file mode of a UNIX socket, a string in octal."},
    {"user", K_STRING, .offset = O(conf_control, user), .dflt_text = "who starts vipd",
	.text = "The owner of a UNIX socket."},
    {"group", K_STRING, .offset = O(conf_control, group),
	.dflt_text = "the group of who starts vipd", .text = "The group of a UNIX socket."},
    {"level", K_ENUM, .offset = O(conf_control, level), .dflt = 1, .words = w_ctl_level,
	.text =
	    "What may be done over the socket: user reads what is not sensitive, operator reads "
	    "all and changes what does no harm, admin everything."},
    {"timeout", K_MS, .offset = O(conf_control, timeout_ms), .min = 1000, .max = DAY, .dflt = 10000,
	.text = "How long a silent connection to the socket is kept."},
};
const struct conf_scope scope_control = {"control", "Control sockets",
    "In global: one, or several. A string is the address. A reload adds, changes and removes them; "
    "only the first UNIX socket's path needs a restart, since its lock and the master's own socket "
    "lie beside it. Open connections keep their level.",
    ROWS(control_keys)};

static const struct conf_key global_keys[] = {
    {"workers", K_UINT, .offset = O(conf_global, workers), .max = 256,
	.text = "Number of worker processes. 0: one per CPU that vipd may use (affinity mask and "
		"cgroup), at most 8. A reload can change it, up to twice what vipd was started "
		"with and at least 16: new workers share the load at once; those that are too many "
		"take no more connections and end with their last session, at the latest after a "
		"day."},
    {"maxconn", K_UINT, .offset = O(conf_global, maxconn), .max = MAX_CONN,
	.dflt_text = "from the descriptor limit: min(10000, (nofile - 200) / 2) x workers",
	.text = "Most sessions at once, over all workers. At the limit connections wait in the "
		"kernel. 0: the default."},
    {"maxconnrate", K_UINT, .readers = R_WORKER, .offset = O(conf_global, maxconnrate),
	.max = MAX_CONN,
	.text =
	    "Most connections accepted a second by frontends of mode tcp, over all workers. Above "
	    "it connections wait in the kernel. 0 (or 1048575 and more): no limit."},
    {"user", K_STRING, F_RESTART, .offset = O(conf_global, user), .dflt_string = "vipd",
	.text = "The user as whom workers, checker and vrrp run when vipd is started as root."},
    {"group", K_STRING, F_RESTART, .offset = O(conf_global, group), .dflt_text = "the user's group",
	.text = "The group as which they run."},
    {"log", K_CUSTOM, F_SEVERAL, .offset = 0, .scope = &scope_log, .read = read_logs,
	.print = print_logs, .syntax = "string or group",
	.dflt_text = "stderr, level notice; in format short if that is systemd's journal",
	.text = "Where log lines go; see Log targets."},
    {"log_tag", K_STRING, .offset = O(conf_global, log_tag), .dflt_string = "vipd",
	.text = "The program's name in log lines."},
    {"log_send_hostname", K_CUSTOM, .offset = 0, .read = read_send_hostname,
	.print = print_send_hostname, .syntax = "boolean or string", .dflt_text = "false",
	.text = "Lines of format local carry the name of this host too, as those of rfc3164. A "
		"string is the name that stands in log lines instead of the host's own, in "
		"every format that has one."},
    {"control", K_CUSTOM, F_SEVERAL | F_NODIFF, .readers = R_WORKER, .offset = 0,
	.scope = &scope_control, .read = read_controls, .print = print_controls,
	.syntax = "string or group", .dflt_text = "none",
	.text = "Where vipd takes commands; see Control sockets."},
    {"stats_file", K_STRING, .offset = O(conf_global, stats_file),
	.dflt_string = "/var/lib/vipd/stats",
	.text = "The file to which SIGUSR1 writes the statistics. A relative path begins "
		"where vipd was started."},
    {"state_dir", K_STRING, F_RESTART, .offset = O(conf_global, state_dir),
	.dflt_string = "/var/lib/vipd",
	.text =
	    "Where vipd keeps what must outlive it: the count of its starts, what was heard last "
	    "of peers that sign (HMAC), maintenance."},
    {"hard_stop_after", K_MS, .offset = O(conf_global, hard_stop_after_ms), .max = 30 * DAY,
	.dflt = 5000, .text = "How long sessions may go on after SIGTERM before they are closed."},
    {"node", K_STRING, .offset = O(conf_global, node), .dflt_text = "the host's name",
	.text = "This host's name in statistics."},
    {"max_servers", K_UINT, F_RESTART, .offset = O(conf_global, max_servers), .min = 1,
	.max = 65534, .dflt = 16384,
	.text = "Most servers over all backends that a reload can reach without a restart."},
    {"max_backends", K_UINT, F_RESTART, .offset = O(conf_global, max_backends), .min = 1,
	.max = 4096, .dflt = 1024, .text = "The same for backends."},
    {"max_frontends", K_UINT, F_RESTART, .offset = O(conf_global, max_frontends), .min = 1,
	.max = 4096, .dflt = 1024, .text = "The same for frontends."},
    {"spread_checks", K_UINT, .offset = O(conf_global, spread_checks), .max = 50,
	.text = "Percent by which the time between two probes of a server is varied by chance, so "
		"that probes do not come in bursts."},
    {"quickstart", K_BOOL, .offset = O(conf_global, quickstart),
	.text = "For trying vipd: if user does not exist, nobody is taken instead, with a word."},
};
const struct conf_scope scope_global = {"global", "Global settings",
    "The group global: what concerns the whole daemon.", ROWS(global_keys)};

/* ---- keepalive ----------------------------------------------------------------------- */

static const struct conf_key keepalive_keys[] = {
    {"on", K_BOOL, F_MAIN, .offset = O(conf_keepalive, on), .dflt = 1,
	.text = "Whether the kernel asks a silent peer if it is still there."},
    {"idle", K_SECONDS, .offset = O(conf_keepalive, idle_s), .min = 1, .max = 32767, .dflt = 60,
	.text = "Silence before the first question; whole seconds."},
    {"interval", K_SECONDS, .offset = O(conf_keepalive, interval_s), .min = 1, .max = 32767,
	.dflt = 10, .text = "Time between two questions; whole seconds."},
    {"count", K_INT, .offset = O(conf_keepalive, count), .min = 1, .max = 127, .dflt = 6,
	.text = "Unanswered questions after which the connection is dead."},
};
const struct conf_scope scope_keepalive = {"keepalive", "TCP keepalive",
    "The settings clitcpka, srvtcpka and tcpka. true or false alone switches it.",
    ROWS(keepalive_keys)};

/* ---- frontends ----------------------------------------------------------------------- */

static const struct conf_key bind_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED, .offset = 0, .read = read_bind_address,
	.print = print_bind_address, .syntax = "string",
	.text =
	    "\"192.0.2.1:6443\", \"*:6443\" or \":6443\" (all of IPv4), \"[2001:db8::1]:6443\", "
	    "\"[::]:6443\"; with a range of ports, \"192.0.2.1:8000-8010\"; or the absolute path "
	    "of "
	    "a UNIX socket (\"//\" and \"/./\" in it are \"/\"; links are not resolved). The "
	    "address "
	    "need not be on this host yet. \"fd@3\" is a descriptor "
	    "that "
	    "vipd is started with and that listens already; \"fd@NAME\" is all that the service "
	    "manager passes under that name (FileDescriptorName= of a systemd socket). They are "
	    "never closed, so that what waits in them survives a restart."},
    {"accept_proxy", K_BOOL, .offset = O(conf_bind, accept_proxy),
	.text =
	    "Every connection begins with a PROXY header, version 1 or 2, that says who the "
	    "client is: logs, statistics, allow and deny, and send_proxy of servers go by it. "
	    "Whoever can connect here can claim any address: say who may in accept_proxy_from. A "
	    "connection without a header is reset; timeout.client_hs bounds the wait for it."},
    {"accept_proxy_from", K_CUSTOM, F_SEVERAL, .offset = 0, .read = read_proxies,
	.print = print_proxies, .syntax = "network", .dflt_text = "everybody",
	.text = "The proxies: accept_proxy for connections from these networks alone. Others are "
		"taken as they are, whatever they begin with. It switches accept_proxy on."},
    {"backlog", K_UINT, .offset = O(conf_bind, backlog), .max = 1000000,
	.dflt_text = "the frontend's", .text = "As in the frontend, for this address."},
    {"v4v6", K_BOOL, .offset = O(conf_bind, v4v6), .text = "\"[::]\" takes IPv4 connections too."},
    {"v6only", K_CUSTOM, F_INPUT, .offset = 0, .read = read_v6only, .syntax = "boolean",
	.text = "The opposite of v4v6."},
    {"interface", K_STRING, .offset = O(conf_bind, interface), .check = check_interface,
	.dflt_text = "any", .text = "Only connections that come in over this interface."},
    {"mode", K_FILEMODE, .offset = O(conf_bind, mode), .max = 0777, .dflt = 0600,
	.text = "The file mode of a UNIX socket, a string in octal. Connecting needs the right to "
		"write."},
    {"user", K_STRING, .offset = O(conf_bind, user), .dflt_text = "who starts vipd",
	.text = "The owner of a UNIX socket."},
    {"group", K_STRING, .offset = O(conf_bind, group), .dflt_text = "the group of who starts vipd",
	.text = "The group of a UNIX socket."},
};
const struct conf_scope scope_bind = {
    "bind", "Listening addresses", "In a frontend. A string is the address.", ROWS(bind_keys)};

static const struct conf_key rule_keys[] = {
    {"src", K_CUSTOM, F_SEVERAL, .offset = 0, .read = read_rule_src, .print = print_rule_src,
	.syntax = "network", .dflt_text = "any",
	.text =
	    "The client's address is in one of these networks. It is known at once: a rule with "
	    "nothing else never waits."},
    {"tls", K_BOOL, .offset = O(conf_rule, tls), .dflt_of = rule_tls, .dflt_text = "either",
	.text =
	    "true: the client begins with a TLS hello, whole and well-formed, of at most 16 KiB. "
	    "false: it does not."},
    {"sni", K_STRINGS, F_SEVERAL, .offset = O(conf_rule, sni), .check = check_sni,
	.dflt_text = "any",
	.text =
	    "The name that the client asks for in its TLS hello is one of these; upper and lower "
	    "case are the same. \"*.example.com\" is every name below example.com, at whatever "
	    "depth, but not example.com itself; \"*\" is every name, so that only a hello without "
	    "one is left. With encrypted client hello the name is the outer one."},
    {"alpn", K_STRINGS, F_SEVERAL, .offset = O(conf_rule, alpn), .check = check_alpn,
	.dflt_text = "any",
	.text = "The client offers one of these protocols in its TLS hello, such as \"h2\"."},
    {"prefix", K_STRINGS, F_SEVERAL, .offset = O(conf_rule, prefix), .check = check_prefix,
	.dflt_text = "any",
	.text = "The client's first bytes are one of these, such as \"SSH-2.0-\"."},
    {"prefix_hex", K_STRINGS, F_SEVERAL, .offset = O(conf_rule, prefix_hex),
	.check = check_prefix_hex, .dflt_text = "any",
	.text = "The same in hexadecimal, for bytes that are no text: \"0000000804d2162f\". One of "
		"prefix and prefix_hex is enough."},
    {"action", K_ENUM, .offset = O(conf_rule, action), .dflt_of = rule_action, .words = w_action,
	.dflt_text = "none: there is use_backend",
	.text = "accept: the session goes to default_backend, later rules are passed over. reject: "
		"the client is reset; it is counted (dreq) and logged with the state PR."},
    {"use_backend", K_CUSTOM, .offset = O(conf_rule, backend), .read = read_backend_name,
	.print = print_backend_name, .syntax = "name of a backend",
	.text = "The session goes to this backend. A rule has this or action."},
};
const struct conf_scope scope_rule = {"rule", "Content rules",
    "In a frontend of mode tcp: rules = ( { ... }, { ... } ). They are tested in the order of the "
    "file; the first one of which every condition holds decides, and a session that none takes "
    "goes to default_backend. A rule without conditions always holds. While a rule cannot be "
    "decided yet, since bytes of the client are missing, the session waits for them, at most "
    "inspect_delay; then, as when the client has ended its side or 16 KiB are there, what is "
    "missing counts as not there. Nothing is taken from what the client sends: the server gets it "
    "whole. A session for which no rule needs bytes never waits; where one does, a client that "
    "waits for the server to speak first is held up for the whole delay. After a reload a session "
    "keeps the rules that it came under, and the backend that they chose; it is reset if that "
    "backend has gone before it has a server.",
    ROWS(rule_keys)};

static const struct conf_key frontend_keys[] = {
    {"mode", K_ENUM, F_DEFAULTS, .offset = O(conf_frontend, mode), .words = w_mode,
	.text = "tcp: connections are relayed to a backend. http: the frontend answers by itself "
		"(monitor_uri, alive_uri, master_uri, stats_uri, "
		"status_uri, metrics_uri)."},
    {"bind", K_CUSTOM, F_SEVERAL | F_REQUIRED | F_OWN | F_NODIFF, .offset = 0, .scope = &scope_bind,
	.read = read_binds, .print = print_binds, .syntax = "string or group",
	.text = "Where the frontend listens; see Listening addresses. A wildcard and one of its "
		"addresses may stand together."},
    {"default_backend", K_CUSTOM, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_frontend, default_backend), .read = read_backend_name,
	.print = print_backend_name, .syntax = "name of a backend",
	.text =
	    "The backend that gets the connections. Mode tcp needs it, unless the last of rules "
	    "takes every session."},
    {"rules", K_CUSTOM, F_OWN, .readers = R_WORKER, .offset = 0, .scope = &scope_rule,
	.read = read_rules, .print = print_rules, .syntax = "list of groups",
	.text = "Mode tcp: which backend by what the client says first; see Content rules."},
    {"inspect_delay", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_frontend, inspect_delay_ms), .min = 1, .max = DAY, .dflt = 5000,
	.text = "How long rules may wait for the client's first bytes. Without a rule that needs "
		"them nothing waits."},
    {"maxconn", K_UINT, F_DEFAULTS, .offset = O(conf_frontend, maxconn), .max = MAX_CONN,
	.text = "Most sessions of this frontend at once. 0: only the global limit."},
    {"rate_limit.sessions", K_UINT, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_frontend, rate_sessions), .max = MAX_CONN,
	.text = "Most sessions a second that the frontend accepts, over all workers. Above it "
		"connections wait in the kernel, which evens out bursts. 0 (or 1048575 and "
		"more): no limit."},
    {"per_source.maxconn", K_UINT, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_frontend, source_maxconn), .max = MAX_CONN,
	.text =
	    "Most sessions at once of one client address (IPv6: one /64) at the frontend, over all "
	    "workers. Who wants more is reset and counted (dcon). 0: no limit."},
    {"per_source.rate", K_UINT, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_frontend, source_rate), .max = MAX_CONN,
	.text =
	    "Most sessions a second of one client address (IPv6: one /64); who wants more is "
	    "reset. What is refused does not count, so a client that tries too often still gets "
	    "its rate. Each worker remembers 16384 addresses; when those of a place in its table "
	    "all hold sessions, a further address there is not limited. 0 (or 1048575 and "
	    "more): no limit."},
    {"backlog", K_UINT, F_DEFAULTS, .offset = O(conf_frontend, backlog), .min = 1, .max = 1000000,
	.dflt = 1024,
	.text =
	    "Connections that may wait in each accept queue (one a worker; UNIX sockets and ports "
	    "of a range have one in all). The kernel cuts it at "
	    "net.core.somaxconn."},
    {"timeout.client", K_MS, F_DEFAULTS, .offset = O(conf_frontend, timeout_client_ms), .min = 1,
	.max = 30 * DAY, .dflt_of = client_timeout, .dflt_text = "1h in mode tcp, 50s in mode http",
	.text = "How long a client may be silent. Watches and exec sessions are silent for long."},
    {"timeout.client_fin", K_MS, F_DEFAULTS, .offset = O(conf_frontend, timeout_client_fin_ms),
	.min = 1, .max = 30 * DAY, .dflt = 30000,
	.text = "The same when one direction has been closed."},
    {"timeout.client_hs", K_MS, F_DEFAULTS, .offset = O(conf_frontend, timeout_client_hs_ms),
	.min = 1, .max = DAY, .dflt = 5000,
	.text = "accept_proxy: how long the PROXY header may take to arrive."},
    {"timeout.http_request", K_MS, F_DEFAULTS, .offset = O(conf_frontend, timeout_http_request_ms),
	.min = 1, .max = DAY, .dflt = 10000,
	.text = "Mode http: how long a request may take to arrive in full."},
    {"timeout.http_keep_alive", K_MS, F_DEFAULTS,
	.offset = O(conf_frontend, timeout_http_keep_alive_ms), .min = 1, .max = DAY, .dflt = 10000,
	.text = "Mode http: how long a connection waits for its next request."},
    {"clitcpka", K_GROUP, F_DEFAULTS, .offset = O(conf_frontend, keepalive),
	.scope = &scope_keepalive, .text = "TCP keepalive towards clients; see TCP keepalive."},
    {"tcpka", K_GROUP, F_DEFAULTS | F_INPUT, .offset = O(conf_frontend, keepalive),
	.scope = &scope_keepalive, .text = "The same; in defaults it means both sides."},
    {"tcp_user_timeout", K_MS, F_DEFAULTS, .offset = O(conf_frontend, tcp_user_timeout_ms),
	.max = DAY, .dflt = 30000,
	.text = "How long data may stay unacknowledged before the connection is dead. 0: the "
		"kernel's. Linux also ends a connection whose keepalive probes are not answered by "
		"this time instead of count."},
    {"allow", K_CUSTOM, F_SEVERAL | F_OWN, .readers = R_WORKER, .offset = CONF_ALLOW,
	.read = read_access, .print = print_access, .syntax = "network, \"all\", or path of a file",
	.text = "Clients that may connect. allow and deny are tested in the order of the file, the "
		"first that holds the client's address decides; a client in none is let in. A file "
		"has a network on each line."},
    {"deny", K_CUSTOM, F_SEVERAL | F_OWN | F_INPUT, .offset = CONF_DENY, .read = read_access,
	.print = print_access, .syntax = "network, \"all\", or path of a file",
	.text = "Clients that may not: they are reset after the accept, and counted."},
    {"monitor_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, monitor_uri),
	.check = check_uri_path,
	.text =
	    "Mode http: the path that answers 200, or 503 when a backend of monitor_fail has no "
	    "usable server."},
    {"alive_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, alive_uri),
	.check = check_uri_path,
	.text =
	    "Mode http: the path that answers 200 as long as vipd lives, also in maintenance and "
	    "without a usable server."},
    {"master_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, master_uri),
	.check = check_uri_path,
	.text =
	    "Mode http: the path that answers 200 while this host holds the addresses of all its "
	    "virtual routers, else 503; with \";NAME\" behind it, of that one."},
    {"status_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, status_uri),
	.check = check_uri_path,
	.text = "Mode http: the path of the state of everything as JSON, for programs."},
    {"stats_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, stats_uri),
	.check = check_uri_path,
	.text = "Mode http: the path of the statistics page; with \";csv\" behind it as CSV."},
    {"metrics_uri", K_STRING, F_DEFAULTS, .offset = O(conf_frontend, metrics_uri),
	.check = check_uri_path, .text = "Mode http: the path of the metrics."},
    {"monitor_fail", K_CUSTOM, F_SEVERAL | F_DEFAULTS, .readers = R_WORKER, .offset = 0,
	.read = read_backend_names, .print = print_backend_names, .syntax = "name of a backend",
	.dflt_text = "all backends; 503 when none has a usable server",
	.text = "The backends on which monitor_uri depends: 503 when one of them has no usable "
		"server."},
    {"tcplog", K_BOOL, F_DEFAULTS, .offset = O(conf_frontend, tcplog), .dflt = 1,
	.text = "A line per session, at level info, in HAProxy's tcplog format or that of "
		"log_format."},
    {"log_format", K_CUSTOM, F_DEFAULTS, .readers = R_WORKER, .offset = 0, .read = read_log_format,
	.print = print_log_format, .syntax = "string", .dflt_text = "HAProxy's tcplog",
	.text = "What the line says: text with HAProxy's variables, or \"json\" for an object with "
		"all fields; see Format of session lines."},
    {"dontlognull", K_BOOL, F_DEFAULTS, .offset = O(conf_frontend, dontlognull), .dflt = 1,
	.text = "No line for sessions in which no byte was moved."},
    {"dontlog_normal", K_BOOL, F_DEFAULTS, .offset = O(conf_frontend, dontlog_normal),
	.text = "No line for sessions that ended well."},
};
const struct conf_scope scope_frontend = {"frontend", "Frontends",
    "The group frontends holds a group for each frontend: where clients come in.",
    ROWS(frontend_keys)};

/* ---- backends ------------------------------------------------------------------------ */

static const struct conf_key check_keys[] = {
    {"on", K_BOOL, .offset = O(conf_check, on), .dflt = 1,
	.text = "Whether servers are probed. Short: check = false."},
    {"type", K_ENUM, F_MAIN, .offset = O(conf_check, type), .words = w_check,
	.text = "tcp: a connection succeeds. http, https: a request is answered with an expected "
		"status. kubernetes: TLS, GET /readyz, 200."},
    {"port", K_PORT, .offset = O(conf_check, port), .min = 1, .max = 65535,
	.dflt_text = "the server's", .text = "Another port for probes."},
    {"inter", K_MS, .offset = O(conf_check, inter_ms), .min = 10, .max = DAY, .dflt = 2000,
	.text = "Time between two probes."},
    {"fastinter", K_MS, .offset = O(conf_check, fastinter_ms), .min = 10, .max = DAY,
	.dflt_text = "inter", .text = "The same while a server is losing or gaining health."},
    {"downinter", K_MS, .offset = O(conf_check, downinter_ms), .min = 10, .max = DAY,
	.dflt_text = "inter", .text = "The same while a server is down."},
    {"timeout", K_MS, .offset = O(conf_check, timeout_ms), .max = DAY, .dflt_text = "none",
	.text = "How long the answer may take once connected; the connection itself may take "
		"min(timeout.connect, inter). 0: inter bounds the whole probe."},
    {"rise", K_UINT, .offset = O(conf_check, rise), .min = 1, .max = 100, .dflt = 2,
	.text = "Good probes in a row after which a server is up."},
    {"fall", K_UINT, .offset = O(conf_check, fall), .min = 1, .max = 100, .dflt = 3,
	.text = "Bad probes in a row after which a server is down."},
    {"init_state", K_ENUM, .readers = R_CHECKER, .offset = O(conf_check, init_state),
	.words = w_init,
	.text =
	    "What a server counts as before its first probes: up (one bad probe takes it down), "
	    "fully-up (fall bad probes), down (one good probe brings it up), fully-down (rise good "
	    "probes)."},
    {"method", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, method),
	.dflt_string = "GET", .check = check_token, .text = "http, https: the request's method."},
    {"uri", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, uri),
	.dflt_string_of = check_uri, .dflt_text = "\"/\"; kubernetes: \"/readyz\"",
	.check = check_uri_path, .text = "The request's path."},
    {"version", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, version),
	.dflt_string = "HTTP/1.1", .words = w_version, .text = "The request's version."},
    {"host", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, host),
	.dflt_text = "the server's address", .check = check_header_value,
	.text = "The Host header."},
    {"headers", K_STRINGS, F_SEVERAL | F_SECRET, .readers = R_CHECKER,
	.offset = O(conf_check, headers), .check = check_header,
	.text = "More headers, \"Name: value\" each."},
    {"status", K_CUSTOM, F_SEVERAL, .readers = R_CHECKER, .offset = 0, .read = read_status,
	.print = print_status, .syntax = "number or \"from-to\"",
	.dflt_text = "\"200-399\"; kubernetes: 200", .text = "Statuses that are good."},
    {"verify", K_BOOL, .readers = R_CHECKER, .offset = O(conf_check, verify),
	.dflt_of = check_verify, .dflt_text = "true; kubernetes without ca_file: false",
	.words = w_verify,
	.text = "https, kubernetes: whether the server's certificate must be good. \"none\" and "
		"\"required\" mean the same as false and true."},
    {"ca_file", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, ca_file),
	.check = check_path, .dflt_text = "none",
	.text = "Certificates, PEM, that may have signed the server's; verify needs it."},
    {"sni", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, sni),
	.check = check_header_value,
	.text =
	    "The name that is asked for in TLS, and that the certificate must carry if verify is "
	    "true; without it any name will do. An address is not asked for, but the certificate "
	    "must carry it."},
    {"crt", K_STRING, .readers = R_CHECKER, .offset = O(conf_check, crt), .check = check_path,
	.text = "A certificate and its key, PEM, that the probe shows to the server."},
    {"send_proxy", K_BOOL, .readers = R_CHECKER, .offset = O(conf_check, send_proxy),
	.text = "Probes begin with a PROXY header that says \"not for a client\" (LOCAL, UNKNOWN). "
		"Not needed where the server has send_proxy and the check no port."},
};
const struct conf_scope scope_check = {"check", "Checks",
    "In defaults, a backend, default_server or a server: how servers are probed. Each place adds "
    "to "
    "the one before. A string is the type; false switches probing off. Every server is probed "
    "unless "
    "it says otherwise.",
    ROWS(check_keys)};

static const struct conf_key server_keys[] = {
    {"address", K_CUSTOM, F_MAIN | F_REQUIRED | F_OWN | F_NODIFF, .offset = 0,
	.read = read_server_address, .print = print_server_address, .syntax = "string",
	.text =
	    "\"192.0.2.10:6443\", \"[2001:db8::10]:6443\" or the path of a UNIX socket. Names of "
	    "hosts are not resolved yet."},
    {"id", K_UINT, F_OWN, .offset = O(conf_server, id), .min = 1, .max = 1000000,
	.dflt_text = "its place in the file, from 1", .text = "The number in statistics (sid)."},
    {"weight", K_UINT, .offset = O(conf_server, weight), .max = 256, .dflt = 1,
	.text = "Share of the connections, relative to the other servers. 0: none."},
    {"minconn", K_UINT, .readers = R_WORKER, .offset = O(conf_server, minconn), .max = MAX_CONN,
	.text =
	    "The server's limit while the backend has few sessions. It grows with them, maxconn x "
	    "sessions / fullconn, but is never below minconn nor above maxconn. 0: always "
	    "maxconn."},
    {"maxconn", K_UINT, .offset = O(conf_server, maxconn), .max = MAX_CONN,
	.text =
	    "Most sessions on the server at once; more wait in the backend's queue. 0: no limit."},
    {"maxqueue", K_UINT, .offset = O(conf_server, maxqueue), .max = MAX_CONN,
	.text = "Most sessions that may wait; the sum over a backend's servers bounds its queue, "
		"unless "
		"one of them has 0, which is no limit. Who finds the queue full is reset at once."},
    {"slowstart", K_MS, .offset = O(conf_server, slowstart_ms), .max = DAY,
	.text =
	    "After a server came up its weight and its maxconn grow from little to full in this "
	    "time."},
    {"send_proxy", K_BOOL, .offset = O(conf_server, send_proxy),
	.text =
	    "Each connection to the server begins with a PROXY header, version 1, that says who "
	    "the client is. The server must expect it. So do probes, unless check.port is set."},
    {"send_proxy_v2", K_BOOL, .offset = O(conf_server, send_proxy_v2),
	.text = "The same in version 2, which is binary. It wins over send_proxy."},
    {"source", K_CUSTOM, .offset = 0, .read = read_server_source, .print = print_server_source,
	.syntax = "string", .dflt_text = "the kernel chooses",
	.text =
	    "The address that connections and probes come from, \"192.0.2.1\", or an address and a "
	    "range of ports, \"192.0.2.1:10000-19999\". While this host does not have the address "
	    "no connection succeeds, and probes give no verdict."},
    {"interface", K_STRING, .offset = O(conf_server, from.interface), .check = check_interface,
	.dflt_text = "as routes say",
	.text = "The interface over which connections and probes go out. Needs Linux 5.7."},
    {"tcpka", K_CUSTOM, .readers = R_WORKER, .offset = O(conf_server, keepalive),
	.scope = &scope_keepalive, .read = read_server_keepalive, .print = print_server_keepalive,
	.syntax = "group or boolean", .dflt_text = "the backend's srvtcpka",
	.text = "TCP keepalive towards this server; see TCP keepalive. What is left out has its "
		"default, not the backend's value."},
    {"tcp_user_timeout", K_MS, .readers = R_WORKER, .offset = O(conf_server, tcp_user_timeout_ms),
	.max = DAY, .dflt = -1, .dflt_text = "the backend's",
	.text = "As in the backend, for this server."},
    {"disabled", K_BOOL, .offset = O(conf_server, disabled),
	.text = "The server starts in maintenance: no sessions, no probes."},
    {"backup", K_BOOL, .offset = O(conf_server, backup),
	.text = "The last resort: the server gets sessions only while none without this setting "
		"is usable, and of several backups only the first usable one; see allbackups. It "
		"is probed all the same. With check = false it is never down: as the last of the "
		"backups it answers when all others are gone (another site, an apology)."},
    {"on_marked_down", K_ENUM, .offset = O(conf_server, on_marked_down), .words = w_marked,
	.text =
	    "shutdown-sessions: when the server goes down its sessions are reset at once, so that "
	    "clients come back on another."},
    {"check", K_CUSTOM, .offset = O(conf_server, check), .scope = &scope_check, .read = read_check,
	.print = print_check, .syntax = "group, string or boolean",
	.text = "How this server is probed, over the backend's check; see Checks."},
};
const struct conf_scope scope_server = {"server", "Servers",
    "In a backend the group servers holds a group for each server; default_server holds what all "
    "of "
    "them begin with. A string is the address.",
    ROWS(server_keys)};

static const struct conf_key backend_keys[] = {
    {"mode", K_ENUM, .offset = O(conf_backend, mode), .words = w_mode,
	.text = "Backends relay tcp."},
    {"balance", K_ENUM, F_DEFAULTS, .offset = O(conf_backend, balance), .words = w_balance,
	.text =
	    "roundrobin: each server in turn, as often as its weight says, exact over all workers. "
	    "leastconn: the server that would have the fewest sessions for its weight; among "
	    "equals "
	    "each in turn. A server that comes back empty gets the next ones until it has as many, "
	    "so give servers a slowstart. Above 64 servers the sessions of other workers count as "
	    "they were at most 100 ms ago."},
    {"timeout.connect", K_MS, F_DEFAULTS, .offset = O(conf_backend, timeout_connect_ms), .min = 1,
	.max = DAY, .dflt = 5000, .text = "How long a connection to a server may take."},
    {"timeout.server", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_backend, timeout_server_ms), .min = 1, .max = 30 * DAY, .dflt = 3600000,
	.text = "How long a server may be silent."},
    {"timeout.tunnel", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_backend, timeout_tunnel_ms), .max = 30 * DAY,
	.dflt_text = "none: client and server hold",
	.text =
	    "Once data went both ways, how long both sides may be silent, in place of client and "
	    "server."},
    {"timeout.server_fin", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_backend, timeout_server_fin_ms), .min = 1, .max = 30 * DAY, .dflt = 30000,
	.text = "How long a server may be silent when one direction has been closed."},
    {"timeout.queue", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_backend, timeout_queue_ms), .min = 1, .max = DAY, .dflt_of = queue_timeout,
	.dflt_text = "timeout.connect", .text = "How long a session may wait for a free server."},
    {"timeout.check", K_MS, F_DEFAULTS | F_INPUT,
	.offset = O(backend_input, server.check.timeout_ms), .max = DAY,
	.text = "The same as timeout in check."},
    {"retries", K_UINT, F_DEFAULTS, .readers = R_WORKER, .offset = O(conf_backend, retries),
	.max = 100, .dflt = 3, .text = "Further attempts when a connection to a server fails."},
    {"redispatch", K_BOOL, F_DEFAULTS, .readers = R_WORKER, .offset = O(conf_backend, redispatch),
	.dflt = 1,
	.text = "A further attempt goes to another server at once. false: to the same one, after a "
		"pause."},
    {"fullconn", K_UINT, F_DEFAULTS, .readers = R_WORKER, .offset = O(conf_backend, fullconn),
	.max = MAX_CONN, .dflt_text = "a tenth of the sum of maxconn of the frontends that use it",
	.text = "Sessions of the backend at which servers with a minconn take maxconn. 0: the "
		"default."},
    {"maxqueue", K_UINT, F_DEFAULTS, .readers = R_NONE, .offset = O(conf_backend, maxqueue),
	.max = MAX_CONN, .dflt_text = "the sum of the servers'",
	.text =
	    "Most sessions that may wait for a server, over all workers. The sum of the servers' "
	    "maxqueue holds beside it. 0: only that sum."},
    {"no_server", K_ENUM, F_DEFAULTS, .readers = R_WORKER, .offset = O(conf_backend, no_server),
	.words = w_no_server,
	.text =
	    "What a session meets while no server is usable. refuse: it is reset at once. wait: it "
	    "stands in the queue, at most timeout.queue, and goes on as soon as a server is "
	    "usable. However a session ends that no server took (none usable, queue full, "
	    "timeout.queue, all retries failed), its client is reset: a plain close would look "
	    "like an empty answer."},
    {"quick_rise", K_BOOL, F_DEFAULTS, .readers = R_CHECKER, .offset = O(conf_backend, quick_rise),
	.dflt = 1,
	.text =
	    "Once the last usable server has gone, the first good probe of any server brings that "
	    "one up, whatever its rise; the next bad one takes it down again."},
    {"allbackups", K_BOOL, F_DEFAULTS, .readers = R_CHECKER | R_WORKER,
	.offset = O(conf_backend, allbackups),
	.text = "While only backups are usable: true shares the sessions among all of them, false "
		"gives them to the first one."},
    {"srvtcpka", K_GROUP, F_DEFAULTS, .readers = R_WORKER, .offset = O(conf_backend, keepalive),
	.scope = &scope_keepalive, .text = "TCP keepalive towards servers; see TCP keepalive."},
    {"tcpka", K_GROUP, F_DEFAULTS | F_INPUT, .offset = O(conf_backend, keepalive),
	.scope = &scope_keepalive, .text = "The same; in defaults it means both sides."},
    {"tcp_user_timeout", K_MS, F_DEFAULTS, .readers = R_WORKER,
	.offset = O(conf_backend, tcp_user_timeout_ms), .max = DAY, .dflt = 30000,
	.text = "As in frontends, towards servers."},
    {"check", K_CUSTOM, F_DEFAULTS | F_INPUT, .offset = O(backend_input, server.check),
	.scope = &scope_check, .read = read_check, .syntax = "group, string or boolean",
	.text = "How the servers are probed; see Checks."},
    {"default_server", K_CUSTOM, F_DEFAULTS | F_INPUT, .offset = O(backend_input, server),
	.scope = &scope_server, .read = read_default_server, .syntax = "group",
	.text = "What all servers of the backend begin with; see Servers."},
    {"servers", K_CUSTOM, F_OWN | F_NODIFF, .offset = 0, .scope = &scope_server,
	.read = read_servers, .print = print_servers, .syntax = "groups or strings by name",
	.text = "The servers; see Servers."},
};
const struct conf_scope scope_backend = {"backend", "Backends",
    "The group backends holds a group for each backend: a set of servers that do the same.",
    ROWS(backend_keys)};
