/* SPDX-License-Identifier: ISC */
/* What settings mean together: errors, and warnings about what has no effect. */
#include "conf/check.h"

#include <stdlib.h>
#include <string.h>

/* Keys that stand in the object itself (not in defaults) and do nothing there. */
static void
warn_idle(struct reader *r, const config_setting_t *s, const char *const *keys, const char *why)
{
	for (size_t i = 0; keys[i] != NULL; i++) {
		const config_setting_t *k = rd_find(s, keys[i]);
		size_t mark;

		if (k == NULL)
			continue;
		mark = rd_push(r, keys[i]);
		rd_warn(r, k, "has no effect %s", why);
		rd_pop(r, mark);
	}
}

/* ---- backends ------------------------------------------------------------------------ */

/* What settings do nothing on a server, as bits: each is said once a backend, since thousands of
 * servers may have it from default_server. */
enum {
	IDLE_SLOWSTART = 1,
	IDLE_MARKED_DOWN = 2,
	IDLE_MAXQUEUE = 4,
	IDLE_HTTP = 8,
	IDLE_PORT = 16,
	SHORT_INTER = 32,
	IDLE_SOURCE = 64
};

static const char *const idle_texts[] = {
    "slowstart has no effect: the server is not probed, so it never comes up",
    "on_marked_down has no effect: the server is not probed",
    "maxqueue has no effect: without maxconn nothing waits",
    "a check of type tcp only connects: uri, host, headers, sni, ca_file and crt have no effect",
    "check.port has no effect: the server is a UNIX socket",
    "check.inter bounds the probe too: less than 100ms may fail by itself",
    "source, interface, tcpka and tcp_user_timeout have no effect: the server is a UNIX socket"};

static unsigned
server_idle(const struct conf_server *s)
{
	const struct conf_check *c = &s->check;
	bool http = c->host != NULL || c->headers.n != 0 || strcmp(c->uri, "/") != 0 ||
		    c->sni != NULL || c->ca_file != NULL || c->crt != NULL;
	unsigned idle = 0;

	if (s->slowstart_ms != 0 && !c->on)
		idle |= IDLE_SLOWSTART;
	if (s->on_marked_down != CONF_MARKED_DOWN_NONE && !c->on)
		idle |= IDLE_MARKED_DOWN;
	if (s->maxqueue != 0 && s->maxconn == 0)
		idle |= IDLE_MAXQUEUE;
	if (c->on && c->type == CONF_CHECK_TCP && http)
		idle |= IDLE_HTTP;
	if (c->on && s->addr.family == AF_UNIX && c->port != 0)
		idle |= IDLE_PORT;
	if (c->on && c->timeout_ms == 0 && c->inter_ms < 100)
		idle |= SHORT_INTER;
	if (s->addr.family == AF_UNIX &&
	    (outgoing_set(&s->from) || s->own_keepalive || s->tcp_user_timeout_ms != -1))
		idle |= IDLE_SOURCE;
	return idle;
}

/* Not in canonical text: a worker's has neither verify nor ca_file. */
static bool
lacks_ca(const struct reader *r, const struct conf_check *c)
{
	return !r->canonical && c->on &&
	       (c->type == CONF_CHECK_HTTPS || c->type == CONF_CHECK_KUBERNETES) && c->verify &&
	       c->ca_file == NULL;
}

static void
check_server(struct reader *r, const struct conf_server *s, unsigned *said)
{
	size_t mark = rd_push(r, "servers");
	unsigned idle = server_idle(s) & ~*said;

	rd_push(r, s->name);
	*said |= idle;
	for (size_t i = 0; i < sizeof(idle_texts) / sizeof(idle_texts[0]); i++)
		if ((idle & (1u << i)) != 0)
			rd_at(r, CONF_WARNING, s->where, "%s", idle_texts[i]);
	if (s->from.addr.family != AF_UNSPEC && s->addr.family != AF_UNIX &&
	    s->from.addr.family != s->addr.family)
		rd_at(r, CONF_ERROR, s->where, "source is %s, the server's address %s",
		    s->from.addr.family == AF_INET ? "IPv4" : "IPv6",
		    s->addr.family == AF_INET ? "IPv4" : "IPv6");
	if (lacks_ca(r, &s->check))
		rd_at(r, CONF_ERROR, s->where,
		    "check.verify needs check.ca_file to know whom to trust; or say verify = "
		    "false");
	rd_pop(r, mark);
}

void
check_backend(struct reader *r, const struct conf_backend *b, const config_setting_t *s)
{
	bool any_weight = false, backup = false, fixed = true;
	unsigned said = 0;

	if (b->mode == CONF_MODE_HTTP)
		rd_error(r, s,
		    "mode http: backends relay tcp (which carries HTTP as well); a frontend of "
		    "mode http answers by itself");
	for (size_t i = 0; i < b->n_servers; i++) {
		check_server(r, &b->servers[i], &said);
		any_weight = any_weight || b->servers[i].weight != 0;
		backup = backup || b->servers[i].backup;
		fixed = fixed && b->servers[i].minconn == 0;
	}
	if (b->n_servers == 0)
		rd_warn(r, s, "the backend has no servers: every connection to it ends at once");
	else if (!any_weight)
		rd_warn(r, s, "all servers have weight 0: none gets a connection");
	if (r->canonical) /* the parts of a process lack what it does not need */
		return;
	if (b->allbackups && !backup)
		warn_idle(r, s, (const char *const[]){"allbackups", NULL}, "without a backup");
	if (b->fullconn != 0 && fixed)
		warn_idle(r, s, (const char *const[]){"fullconn", NULL}, "without minconn");
}

/* ---- frontends ----------------------------------------------------------------------- */

static void
check_http(struct reader *r, const struct conf_frontend *f, const config_setting_t *s)
{
	static const char *const idle[] = {"default_backend", "tcplog", "log_format", "dontlognull",
	    "dontlog_normal", "timeout.client_fin", "rate_limit", "per_source", "rules",
	    "inspect_delay", NULL};

	warn_idle(r, s, idle, "in mode http: the frontend answers by itself");
	if (f->monitor_uri == NULL && f->stats_uri == NULL && f->metrics_uri == NULL &&
	    f->alive_uri == NULL && f->master_uri == NULL && f->status_uri == NULL &&
	    r->n_msgs == r->n_before)
		rd_warn(r, s,
		    "mode http without monitor_uri, stats_uri and metrics_uri: every request is "
		    "answered 503");
	if (f->n_monitor_fail != 0 && f->monitor_uri == NULL)
		rd_warn(r, s, "monitor_fail has no effect without monitor_uri");
}

static void
check_tcp(struct reader *r, const struct conf_frontend *f, const config_setting_t *s)
{
	static const char *const idle[] = {"monitor_uri", "stats_uri", "metrics_uri", "alive_uri",
	    "master_uri", "status_uri", "monitor_fail", "timeout.http_request",
	    "timeout.http_keep_alive", NULL};

	if (f->default_backend == CONF_NONE && !check_rules_take_all(f) && r->n_msgs == r->n_before)
		rd_error(r, s, "default_backend is missing%s",
		    f->n_rules != 0 ? " for what no rule takes (or let the last rule be { action = "
				      "\"reject\"; })"
				    : "");
	check_rules(r, f, s);
	warn_idle(r, s, idle, "in mode tcp");
	if (!f->tcplog)
		warn_idle(r, s, (const char *const[]){"log_format", NULL}, "without tcplog");
}

static void
check_bind(struct reader *r, const struct conf_bind *b)
{
	bool file = b->mode != 0600 || b->user != NULL || b->group != NULL;
	size_t mark = rd_push(r, "bind");

	if (file && b->addr.family != AF_UNIX)
		rd_at(r, CONF_WARNING, b->where,
		    "mode, user and group have no effect: %s is no UNIX socket", b->name);
	if (b->v4v6 && (b->addr.family != AF_INET6 || !sock_addr_is_any(&b->addr)))
		rd_at(r, CONF_WARNING, b->where, "v4v6 has no effect: it is for \"[::]\"");
	if (b->interface != NULL && (b->addr.family == AF_UNIX || b->inherited != NULL))
		rd_at(r, CONF_WARNING, b->where, "interface has no effect on %s", b->name);
	rd_pop(r, mark);
}

void
check_frontend(struct reader *r, const struct conf_frontend *f, const config_setting_t *s)
{
	bool deny = false;

	if (f->n_binds == 0 &&
	    (config_setting_get_member(s, "bind") == NULL || r->n_msgs == r->n_before))
		rd_error(r, s, "bind is missing: where does it listen?");
	if (f->mode == CONF_MODE_HTTP)
		check_http(r, f, s);
	else
		check_tcp(r, f, s);
	for (size_t i = 0; i < f->n_binds; i++)
		check_bind(r, &f->binds[i]);
	for (size_t i = 0; i < f->n_access; i++)
		deny = deny || f->access[i].action == CONF_DENY;
	if (f->n_access != 0 && !deny)
		rd_warn(r, s,
		    "allow alone has no effect, since a client in no list is let in: add "
		    "deny = \"all\" behind it");
}

/* ---- the whole ----------------------------------------------------------------------- */

struct place {
	const struct conf_frontend *f;
	struct conf_bind *b;
};

static int
place_compare_addr(const struct conf_bind *x, const struct conf_bind *y)
{
	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	switch (x->addr.family) {
	case AF_INET:
		return memcmp(&x->addr.in.sin_addr, &y->addr.in.sin_addr, 4);
	case AF_INET6:
		return memcmp(&x->addr.in6.sin6_addr, &y->addr.in6.sin6_addr, 16);
	default:
		return strcmp(x->name, y->name);
	}
}

/* Everything about a bind that must differ when its ports do not: inherited ones by their name,
 * others by address and interface. */
static int
place_compare_base(const struct conf_bind *x, const struct conf_bind *y)
{
	int c = place_compare_addr(x, y);

	if (c != 0 || (x->addr.family != AF_INET && x->addr.family != AF_INET6))
		return c;
	return strcmp(
	    x->interface != NULL ? x->interface : "", y->interface != NULL ? y->interface : "");
}

static int
place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = place_compare_base(x->b, y->b);
	int p = sock_addr_port(&x->b->addr), q = sock_addr_port(&y->b->addr);

	if (c != 0 || p != q)
		return c != 0 ? c : p - q;
	/* In the order of the file. */
	return x->f != y->f ? (x->f < y->f ? -1 : 1) : x->b < y->b ? -1 : x->b > y->b;
}

static const char *
where_file(const struct conf_bind *b)
{
	return b->where.file != NULL ? b->where.file : "line";
}

static void
bound_twice(struct reader *r, const struct place *a, const struct place *b)
{
	size_t mark = rd_push(r, "frontends");

	rd_push(r, b->f->name);
	rd_push(r, "bind");
	rd_at(r, CONF_ERROR, b->b->where, "%s is bound twice: also by frontend %s, %s:%u",
	    b->b->name, a->f->name, where_file(a->b), a->b->where.line);
	rd_pop(r, mark);
}

/* A descriptor may serve several binds: each gets connections, which the kernel decides. They need
 * names of their own. */
static void
share(struct reader *r, struct conf_bind *b, unsigned which)
{
	char name[96];

	snprintf(name, sizeof(name), "fd@%s %u", b->inherited, which);
	b->name = arena_strdup(r->arena, name);
}

static bool
same_place(const struct conf_control *k, const struct conf_bind *b)
{
	const struct conf_bind as_bind = {.addr = k->addr, .name = k->name};
	int port = sock_addr_port(&k->addr);

	if (k->inherited != NULL || (k->addr.family != AF_INET && k->addr.family != AF_INET6))
		return strcmp(k->name, b->name) == 0;
	return b->inherited == NULL && place_compare_addr(&as_bind, b) == 0 &&
	       port >= sock_addr_port(&b->addr) && port <= b->last;
}

/* Clients of a frontend must not meet a control socket: as all sockets are bound before any
 * listens, the kernel would take both and give connections to either. */
static void
check_controls(struct reader *r)
{
	const struct conf *c = r->conf;

	for (size_t k = 0; k < c->global.n_controls; k++)
		for (size_t i = 0; i < c->n_frontends; i++)
			for (size_t j = 0; j < c->frontends[i].n_binds; j++)
				if (same_place(&c->global.controls[k], &c->frontends[i].binds[j]))
					rd_at(r, CONF_ERROR, c->global.controls[k].where,
					    "%s is bound twice: also by frontend %s, %s:%u",
					    c->global.controls[k].name, c->frontends[i].name,
					    where_file(&c->frontends[i].binds[j]),
					    c->frontends[i].binds[j].where.line);
}

/* One address may be bound once; a wildcard and an address of it are two. */
static void
check_binds(struct reader *r)
{
	const struct conf *c = r->conf;
	struct place *v, *top;
	unsigned which = 1;
	size_t n = 0;

	for (size_t i = 0; i < c->n_frontends; i++)
		n += c->frontends[i].n_binds;
	v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	n = 0;
	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t j = 0; j < c->frontends[i].n_binds; j++)
			v[n++] = (struct place){&c->frontends[i], &c->frontends[i].binds[j]};
	qsort(v, n, sizeof(*v), place_compare);
	top = v; /* the one of its address that reaches highest */
	for (size_t i = 1; i < n; i++) {
		if (place_compare_base(top->b, v[i].b) != 0) {
			top = &v[i];
			which = 1;
			continue;
		}
		if (v[i].b->inherited != NULL)
			share(r, v[i].b, ++which);
		else if (v[i].b->addr.family == AF_UNIX ||
			 sock_addr_port(&v[i].b->addr) <= top->b->last)
			bound_twice(r, top, &v[i]);
		if (v[i].b->last > top->b->last)
			top = &v[i];
	}
}

static void
check_ceiling(struct reader *r, const char *what, size_t n, unsigned max)
{
	if (n > max)
		rd_complain(
		    r, CONF_ERROR, 0, "%zu %s, but global.max_%s is %u", n, what, what, max);
}

/* The level of a target is above info: it receives no lines about sessions. */
static void
check_log_level(struct reader *r, const config_setting_t *global)
{
	const struct conf *c = r->conf;
	bool traffic = false;

	for (size_t i = 0; i < c->n_frontends; i++)
		traffic =
		    traffic || (c->frontends[i].mode == CONF_MODE_TCP && c->frontends[i].tcplog);
	for (size_t i = 0; i < c->global.n_logs; i++)
		if (c->global.logs[i].level >= 6)
			return;
	if (traffic && c->global.n_logs != 0)
		rd_complain(r, CONF_WARNING, rd_line(global),
		    "tcplog has no effect: lines about sessions "
		    "have level info, and no log target takes it; set tcplog = false or a level = "
		    "\"info\"");
}

/* A backend that nobody uses, or whose health decides and is not measured. */
static void
check_use(struct reader *r, size_t i)
{
	const struct conf *c = r->conf;
	const struct conf_backend *b = &c->backends[i];
	bool used = false, tracked = false, probed = false;

	for (size_t j = 0; j < c->n_frontends; j++)
		used = used || conf_frontend_uses(&c->frontends[j], i);
	for (size_t j = 0; j < c->vrrp.n_routers; j++)
		for (size_t k = 0; k < c->vrrp.routers[j].n_tracks; k++)
			tracked =
			    tracked || (c->vrrp.routers[j].tracks[k].kind == CONF_TRACK_BACKEND &&
					   c->vrrp.routers[j].tracks[k].index == i);
	for (size_t j = 0; j < b->n_servers; j++)
		probed = probed || b->servers[j].check.on;
	if (!used && !tracked && c->n_frontends != 0 && r->n_errors == 0)
		rd_at(r, CONF_WARNING, b->where, "backends.%s: no frontend uses it", b->name);
	if (tracked && !probed)
		rd_at(r, CONF_WARNING, b->where,
		    "backends.%s: it is tracked, but none of its servers is probed", b->name);
}

static void
add_file(struct reader *r, enum conf_file_kind kind, const char *path, enum conf_reader reader)
{
	struct conf *c = r->conf;

	if (path == NULL)
		return;
	for (size_t i = 0; i < c->n_files; i++)
		if (c->files[i].kind == kind && strcmp(c->files[i].path, path) == 0) {
			c->files[i].readers |= 1u << reader;
			return;
		}
	c->files = arena_grow(r->arena, c->files, c->n_files, sizeof(*c->files));
	c->files[c->n_files++] = (struct conf_file){kind, path, 1u << reader};
}

static void
collect_files(struct reader *r)
{
	const struct conf *c = r->conf;

	for (size_t i = 0; i < c->n_frontends; i++)
		for (size_t j = 0; j < c->frontends[i].n_access; j++)
			add_file(
			    r, CONF_FILE_NETS, c->frontends[i].access[j].file, CONF_FOR_WORKER);
	for (size_t i = 0; i < c->n_backends; i++)
		for (size_t j = 0; j < c->backends[i].n_servers; j++) {
			const struct conf_check *k = &c->backends[i].servers[j].check;

			add_file(r, CONF_FILE_CA, k->ca_file, CONF_FOR_CHECKER);
			add_file(r, CONF_FILE_CRT, k->crt, CONF_FOR_CHECKER);
		}
	for (size_t i = 0; i < c->vrrp.n_routers; i++)
		add_file(r, CONF_FILE_KEY, c->vrrp.routers[i].auth_key_file, CONF_FOR_VRRP);
}

void
check_conf(struct reader *r, const config_setting_t *global)
{
	const struct conf *c = r->conf;
	size_t servers = 0;

	for (size_t i = 0; i < c->n_backends; i++)
		servers += c->backends[i].n_servers;
	check_ceiling(r, "servers", servers, c->global.max_servers);
	check_ceiling(r, "backends", c->n_backends, c->global.max_backends);
	check_ceiling(r, "frontends", c->n_frontends, c->global.max_frontends);
	check_binds(r);
	check_controls(r);
	check_log_level(r, global);
	for (size_t i = 0; i < c->n_backends; i++)
		check_use(r, i);
	collect_files(r);
}
