/* SPDX-License-Identifier: ISC */
/*
 * The configuration as a value: what is left when defaults, default_server, short forms, units and
 * the choice of this host's member have been resolved. Made by the reader (conf_read_file,
 * conf_read_text), never changed afterwards, freed whole (one arena). Every setting stands in the
 * table of settings (table.c), from which reader, checker, printer and vipd.conf(5) come.
 *
 * Strings lie in the arena; NULL: not given. Times are milliseconds, sizes bytes. References
 * between objects are indexes; CONF_NONE: none. Identity: frontends and backends by name, servers
 * by backend, name and address, binds by canonical address, routers by name.
 */
#ifndef CONF_MODEL_H
#define CONF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "lib/log.h"
#include "lib/outgoing.h"
#include "lib/sock.h"

struct logformat;

#define CONF_NONE UINT32_MAX

/* Where an object was written, for messages. */
struct conf_where {
	const char *file;
	unsigned line; /* from 1; 0: not from a file */
};

/* A list of strings. */
struct conf_strings {
	size_t n;
	const char **v;
};

enum conf_mode { CONF_MODE_TCP = 0, CONF_MODE_HTTP };

/* ---- global -----------------------------------------------------------------------------------
 */

struct conf_log {
	const char *address;    /* "host:port", "/dev/log", "stderr", "journal" */
	struct sock_addr to;    /* AF_UNSPEC: stderr */
	int facility;           /* 0..23, syslog's numbers; default daemon (3)... local0 is 16 */
	int level;              /* least important level sent: 0 emerg .. 7 debug; default info */
	enum log_format format; /* of the table's words, in its order */
	unsigned len;           /* bytes a line, 80..65535; default 1024, or 4096 with fields */
};

struct conf_control {
	struct conf_where where;
	const char *name;      /* identity: path, "127.0.0.1:9999", "fd@3"; NULL: not given */
	struct sock_addr addr; /* AF_UNIX; TCP on loopback; AF_UNSPEC: inherited */
	const char *inherited; /* NULL, or what stands behind "fd@" */
	unsigned mode;         /* file mode of a UNIX socket; default 0600 */
	const char *user;      /* ... owner; NULL: who starts vipd */
	const char *group;
	int level;          /* 0 user, 1 operator (default), 2 admin */
	int64_t timeout_ms; /* default 10 s */
};

struct conf_global {
	unsigned workers;     /* 0: by CPUs, at most 8; else 1..256 */
	unsigned maxconn;     /* 0: from the descriptor limit (hard-parts.md 11) */
	unsigned maxconnrate; /* sessions a second; 0: no limit */
	const char *user;     /* default "vipd" */
	const char *group;    /* NULL: the user's */
	size_t n_logs;
	struct conf_log *logs;
	const char *log_tag;           /* default "vipd" */
	const char *log_send_hostname; /* in format local too; "": this host's name; NULL: no */
	size_t n_controls;
	struct conf_control *controls;
	const char *stats_file;     /* default "/var/lib/vipd/stats" */
	const char *state_dir;      /* default "/var/lib/vipd": boot counters, marks */
	int64_t hard_stop_after_ms; /* default 5 s */
	const char *node;           /* NULL: the host's name */
	unsigned max_servers;       /* ceilings of the segment, hard-parts.md 5 */
	unsigned max_backends;
	unsigned max_frontends;
	unsigned spread_checks; /* percent of jitter, 0..50; default 0 */
	bool quickstart;        /* user unknown: fall back to nobody with a word */
};

/* The main control socket, the first with a path: beside it lie its lock and the master's own
 * socket. NULL: none. */
static inline const char *
conf_control_main(const struct conf_global *g)
{
	for (size_t i = 0; i < g->n_controls; i++)
		if (g->controls[i].addr.family == AF_UNIX)
			return g->controls[i].name;
	return NULL;
}

static inline const struct conf_control *
conf_find_control(const struct conf_global *g, const char *name)
{
	for (size_t i = 0; i < g->n_controls; i++)
		if (strcmp(g->controls[i].name, name) == 0)
			return &g->controls[i];
	return NULL;
}

/* ---- frontends --------------------------------------------------------------------------------
 */

struct conf_bind {
	struct conf_where where;
	const char *name; /* the listener's identity: canonical address text, with what else makes
			     its sockets others: "[::]:80 v4v6", "192.0.2.1:80 eth0" */
	struct sock_addr addr; /* AF_UNSPEC: inherited */
	uint16_t last;         /* port of a range, the first is addr's; mostly both are the same */
	const char *inherited; /* NULL, or what stands behind "fd@": a number or a name */
	bool accept_proxy;     /* connections begin with a PROXY header ... */
	size_t n_proxies;      /* ... if they come from one of these; 0: all */
	struct sock_net *proxies;
	bool v4v6;             /* [::] takes IPv4 too */
	const char *interface; /* NULL: any */
	unsigned backlog;      /* 0: the frontend's */
	unsigned mode;         /* of a UNIX socket: file mode; default 0600 */
	const char *user;      /* ... owner; NULL: who starts vipd */
	const char *group;
};

/* The address that whoever comes here has called, if there is only one; NULL: ask the socket. */
static inline const struct sock_addr *
conf_bind_local(const struct conf_bind *b)
{
	if (b->addr.family == AF_UNIX)
		return &b->addr;
	if (b->addr.family == AF_UNSPEC || sock_addr_is_any(&b->addr) ||
	    b->last != sock_addr_port(&b->addr))
		return NULL;
	return &b->addr;
}

enum conf_action { CONF_ALLOW = 0, CONF_DENY };

/* One entry of "allow" and "deny" in the order of the file. Files of networks are read by the
 * master and travel as PROTO_FD_FILE. */
struct conf_access {
	enum conf_action action;
	size_t n_nets;
	struct sock_net *nets;
	const char *file; /* NULL: nets stand here */
};

enum conf_rule_action { CONF_RULE_ACCEPT = 0, CONF_RULE_REJECT, CONF_RULE_USE };

#define CONF_EITHER 2

/* A content rule. What is given must hold, all of it; of a list, one. */
struct conf_rule {
	struct conf_where where;
	size_t n_src; /* client's networks; 0: any */
	struct sock_net *src;
	uint8_t tls;                    /* 1: a TLS hello, 0: none, CONF_EITHER */
	struct conf_strings sni;        /* names, "*.example.com", "*" */
	struct conf_strings alpn;       /* one of them is offered */
	struct conf_strings prefix;     /* first bytes ... */
	struct conf_strings prefix_hex; /* ... and the same in hexadecimal; one of both lists */
	enum conf_rule_action action;
	uint32_t backend; /* CONF_RULE_USE; else CONF_NONE */
};

/* Does the rule look at bytes of the client? */
static inline bool
conf_rule_needs_bytes(const struct conf_rule *r)
{
	return r->tls != CONF_EITHER || r->sni.n != 0 || r->alpn.n != 0 || r->prefix.n != 0 ||
	       r->prefix_hex.n != 0;
}

struct conf_keepalive {
	bool on;
	int idle_s;     /* default 60 */
	int interval_s; /* default 10 */
	int count;      /* default 6 */
};

struct conf_frontend {
	struct conf_where where;
	const char *name;
	enum conf_mode mode;
	size_t n_binds;
	struct conf_bind *binds;
	uint32_t default_backend; /* index; CONF_NONE in mode http, or rules decide all */
	size_t n_rules;           /* mode tcp: content rules, the first that holds decides */
	struct conf_rule *rules;
	int64_t inspect_delay_ms;           /* how long they may wait for bytes; default 5 s */
	unsigned maxconn;                   /* 0: no limit of its own */
	unsigned source_maxconn;            /* sessions of one client address; 0: no limit */
	unsigned source_rate;               /* ... a second */
	unsigned rate_sessions;             /* a second, over all workers; 0: no limit */
	unsigned backlog;                   /* a queue; default 1024 */
	int64_t timeout_client_ms;          /* default 1 h in mode tcp, 50 s in mode http */
	int64_t timeout_client_fin_ms;      /* default 30 s */
	int64_t timeout_client_hs_ms;       /* for a PROXY header; default 5 s */
	int64_t timeout_http_request_ms;    /* default 10 s */
	int64_t timeout_http_keep_alive_ms; /* default 10 s */
	struct conf_keepalive keepalive;    /* clitcpka, tcpka; on by default */
	int64_t tcp_user_timeout_ms;        /* default 30 s; 0: the kernel's */
	size_t n_access;
	struct conf_access *access;
	const char *monitor_uri; /* NULL: none */
	const char *alive_uri;   /* NULL: none; 200 as long as this process lives */
	const char *master_uri;  /* NULL: none; 200 while this host holds the addresses */
	const char *status_uri;  /* NULL: none; JSON */
	const char *stats_uri;   /* NULL: none; read-only page and CSV */
	const char *metrics_uri; /* NULL: none */
	size_t n_monitor_fail;   /* 0: all backends */
	uint32_t *monitor_fail;  /* backend indexes: 503 when one of them has no usable server */
	bool tcplog;             /* a line per session; default true */
	const char *log_format;  /* NULL: HAProxy's tcplog ... */
	const struct logformat *log_program; /* ... or what it means */
	bool dontlognull;                    /* default true */
	bool dontlog_normal;                 /* default false */
};

/* ---- backends ---------------------------------------------------------------------------------
 */

/* What becomes of a session when no server is usable. */
enum conf_no_server { CONF_NO_SERVER_REFUSE = 0, CONF_NO_SERVER_WAIT };

enum conf_balance { CONF_ROUNDROBIN = 0, CONF_LEASTCONN };

enum conf_check_type {
	CONF_CHECK_TCP = 0,
	CONF_CHECK_HTTP,
	CONF_CHECK_HTTPS,
	CONF_CHECK_KUBERNETES
};
enum conf_init_state { CONF_INIT_UP = 0, CONF_INIT_FULLY_UP, CONF_INIT_DOWN, CONF_INIT_FULLY_DOWN };
enum conf_marked_down { CONF_MARKED_DOWN_NONE = 0, CONF_MARKED_DOWN_SHUTDOWN_SESSIONS };

struct conf_status_range {
	uint16_t from;
	uint16_t to;
};

/* A server's check, resolved: the backend's with the server's own keys over it. */
struct conf_check {
	bool on;                   /* default true */
	enum conf_check_type type; /* default tcp */
	uint16_t port;             /* 0: the server's */
	int64_t inter_ms;          /* default 2 s */
	int64_t fastinter_ms;      /* 0: inter */
	int64_t downinter_ms;      /* 0: inter */
	int64_t timeout_ms;        /* "timeout check"; 0: inter bounds all */
	unsigned rise;             /* 1..100; default 2 */
	unsigned fall;             /* 1..100; default 3 */
	enum conf_init_state init_state;
	const char *method;          /* default GET ("kubernetes": GET) */
	const char *uri;             /* default "/" (kubernetes: "/readyz") */
	const char *version;         /* "HTTP/1.0" or "HTTP/1.1"; default 1.1 */
	const char *host;            /* Host header; NULL: the server's address */
	struct conf_strings headers; /* "Name: value" */
	size_t n_status;             /* expected; default 200..399 (kubernetes: 200) */
	struct conf_status_range *status;
	bool verify; /* TLS certificate; default true for https, false for kubernetes without
			ca_file */
	const char *ca_file; /* travels as PROTO_FD_FILE */
	const char *sni;     /* NULL: none sent when the address is numeric */
	const char *crt;     /* client certificate and key, PEM; PROTO_FD_FILE */
	bool send_proxy;     /* also when port is given */
};

struct conf_server {
	struct conf_where where;
	const char *name;
	const char *address; /* canonical "host:port": part of the identity */
	struct sock_addr addr;
	unsigned id;          /* numeric sid, from 1 in file order unless set */
	unsigned weight;      /* 0..256; default 1, as in HAProxy */
	unsigned maxconn;     /* 0: no limit */
	unsigned maxqueue;    /* 0: no limit */
	int64_t slowstart_ms; /* 0: none */
	bool send_proxy;      /* PROXY header, version 1 ... */
	bool send_proxy_v2;   /* ... or 2, if both are set */
	struct outgoing from; /* source, interface */
	bool own_keepalive;   /* keepalive was given here; else it is the backend's */
	struct conf_keepalive keepalive;
	int64_t tcp_user_timeout_ms; /* -1: the backend's */
	bool disabled;               /* starts in maintenance */
	bool backup;                 /* used while no other server is usable */
	unsigned minconn;            /* 0: maxconn whatever the load; never above maxconn */
	enum conf_marked_down on_marked_down;
	struct conf_check check;
};

struct conf_backend {
	struct conf_where where;
	const char *name;
	enum conf_mode mode;
	enum conf_balance balance;
	size_t n_servers;
	struct conf_server *servers;
	int64_t timeout_connect_ms;    /* default 5 s */
	int64_t timeout_server_ms;     /* default 1 h in mode tcp */
	int64_t timeout_tunnel_ms;     /* 0: client and server hold */
	int64_t timeout_server_fin_ms; /* default 30 s */
	int64_t timeout_queue_ms;      /* default: connect */
	unsigned retries;              /* default 3 */
	bool redispatch;               /* default true */
	unsigned fullconn;             /* 0: a tenth of what its frontends admit */
	unsigned maxqueue;             /* 0: only the servers' in sum */
	bool allbackups;               /* all backups at once, not the first usable one */
	enum conf_no_server no_server;
	bool quick_rise;                 /* default true */
	struct conf_keepalive keepalive; /* srvtcpka, tcpka */
	int64_t tcp_user_timeout_ms;     /* default 30 s */
};

/* ---- vrrp -------------------------------------------------------------------------------------
 */

enum conf_priority_mode { CONF_PRIORITY_BANDS = 0, CONF_PRIORITY_WEIGHTS };
enum conf_preempt { CONF_PREEMPT_WHEN_BETTER = 0, CONF_PREEMPT_ALWAYS, CONF_PREEMPT_NEVER };
enum conf_auth { CONF_AUTH_NONE = 0, CONF_AUTH_PASS, CONF_AUTH_HMAC };
enum conf_auth_mode {
	CONF_AUTH_ENFORCE = 0,
	CONF_AUTH_PERMISSIVE,
	CONF_AUTH_RECEIVE_ONLY,
	CONF_AUTH_OFF
};

/* The most interfaces that all instances may name (interface, dev, track). */
#define CONF_NAMED_IFACES 128

struct conf_address { /* a virtual address */
	struct conf_where where;
	struct sock_addr addr; /* port 0 */
	unsigned prefix;       /* default 32 or 128 */
	const char *dev;       /* NULL: the router's interface */
	const char *label;
	const char *scope;          /* "global" (default), "link", "host" or a number */
	struct sock_addr broadcast; /* AF_UNSPEC: none */
	bool excluded;              /* virtual_ipaddress_excluded: not in advertisements */
};

struct conf_peer {
	struct sock_addr addr;
	const char *name;  /* member's name; NULL */
	unsigned priority; /* base of a vipd member; 0: unknown (keepalived) */
	unsigned min_ttl;  /* default 255 */
};

enum conf_track_kind {
	CONF_TRACK_BACKEND = 0,
	CONF_TRACK_WORKERS,
	CONF_TRACK_INTERFACE,
	CONF_TRACK_SCRIPT
};

struct conf_track {
	struct conf_where where;
	enum conf_track_kind kind;
	const char *name; /* backend, interface, script */
	uint32_t index;   /* backend or script index */
	int weight;       /* -253..253; 0: FAULT (script, interface), band (backend) */
};

struct conf_script {
	struct conf_where where;
	const char *name;
	struct conf_strings argv;
	int64_t interval_ms; /* default 1 s */
	int64_t timeout_ms;  /* default: interval */
	unsigned rise;       /* default 1 */
	unsigned fall;       /* default 1 */
	const char *user;    /* NULL: global user */
	bool init_fail;
};

struct conf_router {
	struct conf_where where;
	const char *name;
	unsigned vrid;               /* 1..255 */
	unsigned version;            /* 2 or 3 */
	int family;                  /* AF_INET or AF_INET6, of the advertisements */
	const char *interface;       /* NULL: the one that carries source */
	unsigned priority;           /* 1..255; default 100 */
	int64_t advert_int_ms;       /* default 250 (all peers vipd, v3) or 1000 */
	unsigned down_timer_adverts; /* default 3 */
	enum conf_priority_mode priority_mode;
	enum conf_preempt preempt;
	int64_t preempt_delay_ms;
	int64_t startup_delay_ms; /* default 5 s */
	bool unicast;             /* peers are listed */
	struct sock_addr source;  /* AF_UNSPEC: the interface's primary address */
	size_t n_peers;
	struct conf_peer *peers;
	bool all_vipd; /* all peers are vipd members */
	size_t n_addresses;
	struct conf_address *addresses;
	enum conf_auth auth;
	const char *auth_pass;     /* secret, at most 8 bytes */
	const char *auth_key_file; /* PROTO_FD_FILE */
	unsigned auth_key_id;
	enum conf_auth_mode auth_mode;
	bool strict;                    /* drop what disagrees, as keepalived */
	bool checksum_v2;               /* v3 over IPv4: checksum without the pseudo-header */
	int64_t address_lease_ms;       /* kernel lifetime; default 10 s; 0: for ever */
	int64_t conflict_hold_ms;       /* default 3 s */
	int64_t rise_hold_ms;           /* default 5 s */
	int64_t degrade_hold_ms;        /* default 0: 2 x inter, at least 2 s */
	int64_t garp_master_delay_ms;   /* -1: not given */
	unsigned garp_master_repeat;    /* 0: not given */
	int64_t garp_master_refresh_ms; /* default 30 s; 0: none */
	size_t n_tracks;
	struct conf_track *tracks;
	const char *sync_group;    /* instances of the same one move together; NULL: none */
	const char *notify_master; /* commands; NULL: none */
	const char *notify_backup;
	const char *notify_fault;
	const char *notify_stop;
	const char *notify;
};

struct conf_member {
	struct conf_where where;
	const char *name;
	struct sock_addr address;
	unsigned priority;
};

struct conf_vrrp {
	size_t n_members;
	struct conf_member *members;
	uint32_t self; /* index of this host's member; CONF_NONE */
	const char *router_id;
	size_t n_scripts;
	struct conf_script *scripts;
	size_t n_routers;
	struct conf_router *routers; /* resolved for this host */
};

/* ---- the whole --------------------------------------------------------------------------------
 */

/* A file that the configuration names and the master reads for the children. */
enum conf_file_kind { CONF_FILE_CA = 0, CONF_FILE_CRT, CONF_FILE_NETS, CONF_FILE_KEY };

struct conf_file {
	enum conf_file_kind kind;
	const char *path; /* as written: the name under which it travels */
	unsigned readers; /* 1 << enum conf_reader */
};

struct conf {
	struct conf_global global;
	size_t n_frontends;
	struct conf_frontend *frontends;
	size_t n_backends;
	struct conf_backend *backends;
	struct conf_vrrp vrrp;
	size_t n_files;
	struct conf_file *files;
	size_t n_secrets;
	struct conf_where *secrets; /* the first secret of each file; none in canonical text */
	void *arena;                /* the reader's own */
};

#endif
