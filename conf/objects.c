/* SPDX-License-Identifier: ISC */
/* Rows of the table that no simple kind describes: how they are read and printed. */
#include "conf/read.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/logformat.h"
#include "conf/print.h"

/* ---- log targets --------------------------------------------------------------------- */

#define JOURNAL_SOCKET "/run/systemd/journal/socket" /* systemd-journald.service(8) */

void
read_log_address(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_log *l = obj;
	const char *text = rd_string(r, s, "an address");

	(void)k;
	if (text == NULL)
		return;
	memset(&l->to, 0, sizeof(l->to));
	if (strcmp(text, "journal") == 0) {
		if (sock_addr_parse(&l->to, JOURNAL_SOCKET, false) == -1)
			return;
	} else if (strcmp(text, "stderr") != 0) {
		if (rd_address(r, s, text, false, "127.0.0.1:514", &l->to) == -1)
			return;
		if (l->to.family != AF_UNIX && sock_addr_port(&l->to) == 0)
			sock_addr_set_port(&l->to, 514);
	}
	l->address = text;
}

void
print_log_address(struct printer *p, const struct conf_key *k, const void *obj)
{
	pr_string(p, k->name, ((const struct conf_log *)obj)->address);
}

void
read_logs(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_global *g = obj;

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_log l = {0};

		scope_init(&scope_log, &l);
		rd_group(r, &scope_log, &l, rd_elem(s, i));
		scope_resolve(&scope_log, &l);
		if (l.address == NULL && config_setting_is_group(rd_elem(s, i)) &&
		    config_setting_get_member(rd_elem(s, i), "address") == NULL)
			rd_error(r, rd_elem(s, i), "address is missing");
		if (l.format == LOG_JOURNAL && l.address != NULL &&
		    (l.to.family == AF_INET || l.to.family == AF_INET6))
			rd_error(r, rd_elem(s, i),
			    "format journal is for the journal: write address = \"journal\"");
		else if (l.format == LOG_JOURNAL && l.address != NULL &&
			 strcmp(l.address, "/dev/log") == 0)
			rd_warn(r, rd_elem(s, i),
			    "/dev/log does not understand format journal: write address = "
			    "\"journal\"");
		g->logs = arena_grow(r->arena, g->logs, g->n_logs, sizeof(*g->logs));
		g->logs[g->n_logs++] = l;
	}
}

void
print_logs(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_global *g = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < g->n_logs; i++) {
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_log, &g->logs[i]);
		pr_close(p);
	}
	pr_close(p);
}

void
read_send_hostname(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	const char **name = &((struct conf_global *)obj)->log_send_hostname;
	const char *text;

	(void)k;
	if (config_setting_type(s) == CONFIG_TYPE_BOOL) {
		*name = config_setting_get_bool(s) ? "" : NULL;
		return;
	}
	text = rd_string(r, s, "true, false or a name");
	if (text == NULL)
		return;
	for (size_t i = 0; text[i] != '\0' || i == 0; i++)
		if (text[i] <= ' ' || text[i] > '~' || i >= LOG_HOST_MAX) {
			rd_error(r, s, "a host name has 1 to %d printable characters, no blanks",
			    LOG_HOST_MAX);
			return;
		}
	*name = text;
}

void
print_send_hostname(struct printer *p, const struct conf_key *k, const void *obj)
{
	const char *name = ((const struct conf_global *)obj)->log_send_hostname;

	if (name != NULL && name[0] != '\0')
		pr_string(p, k->name, name);
	else if (name != NULL)
		pr_line(p, k->name, "true");
}

/* ---- binds --------------------------------------------------------------------------- */

const char *
rd_inherited(struct reader *r, const config_setting_t *s, const char *text)
{
	static const char *const ok =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	const char *what = text + 3;
	size_t digits = strspn(what, "0123456789"), len = strlen(what);

	if (len == 0 || len > 63 || strspn(what, ok) != len ||
	    (digits == len && (len > 6 || what[0] == '0' || strtoul(what, NULL, 10) < 3))) {
		rd_error(r, s,
		    "\"%s\": write \"fd@3\" (or a higher number), or \"fd@NAME\" with the name "
		    "that "
		    "the service manager gives",
		    text);
		return NULL;
	}
	return what;
}

void
read_bind_address(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_bind *b = obj;
	char buf[SOCK_ADDR_TEXT];
	const char *text = rd_string(r, s, "an address");
	const char *colon = text != NULL && text[0] != '/' ? strrchr(text, ':') : NULL;

	(void)k;
	if (text == NULL)
		return;
	if (strncmp(text, "fd@", 3) == 0) {
		b->inherited = rd_inherited(r, s, text);
		b->name = b->inherited != NULL ? text : NULL;
		return;
	}
	if (colon != NULL && strchr(colon, '-') != NULL) {
		if (sock_range_parse(&b->addr, &b->last, text, true) == -1) {
			rd_error(r, s,
			    "\"%s\" is no address with a range of ports; write it as "
			    "\"192.0.2.1:8000-8010\"",
			    text);
			return;
		}
	} else {
		if (rd_address(r, s, text, true, "192.0.2.1:6443", &b->addr) == -1)
			return;
		b->last = sock_addr_port(&b->addr);
	}
	b->name = arena_strdup(r->arena, sock_range_format(&b->addr, b->last, buf, sizeof(buf)));
}

void
print_bind_address(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_bind *b = obj;
	char text[SOCK_ADDR_TEXT];

	if (b->inherited != NULL)
		snprintf(text, sizeof(text), "fd@%s", b->inherited);
	else
		sock_range_format(&b->addr, b->last, text, sizeof(text));
	pr_string(p, k->name, text);
}

void
read_v6only(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	const config_setting_t *both = config_setting_get_member(config_setting_parent(s), "v4v6");

	(void)k;
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		rd_error(r, s, "%s where true or false should stand", rd_type(s));
	else if (both != NULL && config_setting_type(both) == CONFIG_TYPE_BOOL &&
		 !config_setting_get_bool(both) == !config_setting_get_bool(s))
		rd_error(r, s, "v4v6 and v6only say the opposite of each other: leave one out");
	else
		((struct conf_bind *)obj)->v4v6 = !config_setting_get_bool(s);
}

static const char *
net_format(const struct sock_net *n, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(n->family, n->addr, host, sizeof(host));
	snprintf(buf, size, "%s/%u", host, n->prefix);
	return buf;
}

void
rd_nets(struct reader *r, const config_setting_t *s, struct sock_net **nets, size_t *n,
    const char *nobody)
{
	for (size_t i = 0; i < rd_count(s); i++) {
		const char *text = rd_string(r, rd_elem(s, i), "a network");
		struct sock_net net;

		if (text == NULL)
			continue;
		if (sock_net_parse(&net, text) == -1) {
			rd_error(r, rd_elem(s, i),
			    "\"%s\" is no network: write it as \"192.0.2.0/24\" (bits behind the "
			    "prefix are 0), or an address",
			    text);
			continue;
		}
		*nets = arena_grow(r->arena, *nets, *n, sizeof(**nets));
		(*nets)[(*n)++] = net;
	}
	if (rd_count(s) == 0)
		rd_error(r, s, "%s", nobody);
}

void
pr_nets(struct printer *p, const char *key, const struct sock_net *nets, size_t n)
{
	char text[INET6_ADDRSTRLEN + 8];

	if (n == 0)
		return;
	pr_open(p, key, '(');
	for (size_t i = 0; i < n; i++)
		pr_string(p, NULL, net_format(&nets[i], text, sizeof(text)));
	pr_close(p);
}

void
read_proxies(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_bind *b = obj;

	(void)k;
	rd_nets(r, s, &b->proxies, &b->n_proxies,
	    "nobody: leave it out, or name the networks of the proxies");
}

void
print_proxies(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_bind *b = obj;

	pr_nets(p, k->name, b->proxies, b->n_proxies);
}

/* What makes its sockets others than those of the same address without it. */
static void
bind_identity(struct reader *r, struct conf_bind *b)
{
	char name[SOCK_ADDR_TEXT + 32];

	if (!b->v4v6 && b->interface == NULL)
		return;
	snprintf(name, sizeof(name), "%s%s%s%s", b->name, b->v4v6 ? " v4v6" : "",
	    b->interface != NULL ? " " : "", b->interface != NULL ? b->interface : "");
	b->name = arena_strdup(r->arena, name);
}

void
read_binds(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_frontend *f = obj;

	(void)k;
	f->n_binds = 0;
	f->binds = NULL;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_bind b = {.where = rd_where(r, rd_elem(s, i))};
		size_t n = r->n_msgs;

		scope_init(&scope_bind, &b);
		rd_group(r, &scope_bind, &b, rd_elem(s, i));
		if (b.name == NULL && r->n_msgs == n)
			rd_error(r, rd_elem(s, i), "address is missing");
		if (b.name == NULL)
			continue;
		b.accept_proxy |= b.n_proxies != 0;
		bind_identity(r, &b);
		f->binds = arena_grow(r->arena, f->binds, f->n_binds, sizeof(*f->binds));
		f->binds[f->n_binds++] = b;
	}
}

/* Are there settings besides the address? */
static bool
bind_is_short(const struct conf_bind *b)
{
	return !b->accept_proxy && b->backlog == 0 && !b->v4v6 && b->interface == NULL &&
	       b->mode == 0600 && b->user == NULL && b->group == NULL;
}

/* The usual form, strings alone. */
static void
print_plain(struct printer *p, const struct conf_key *k, const struct conf_frontend *f)
{
	const char **v = calloc(f->n_binds + 1, sizeof(*v));

	if (v == NULL)
		abort();
	for (size_t i = 0; i < f->n_binds; i++)
		v[i] = f->binds[i].name;
	if (f->n_binds > 0)
		pr_strings(p, k->name, v, f->n_binds);
	free(v);
}

void
print_binds(struct printer *p, const struct conf_key *k, const void *obj)
{
	static const struct conf_key address = {.name = NULL};
	const struct conf_frontend *f = obj;
	bool all = true;

	for (size_t i = 0; i < f->n_binds; i++)
		all = all && bind_is_short(&f->binds[i]) && f->binds[i].inherited == NULL;
	if (all) {
		print_plain(p, k, f);
		return;
	}
	pr_open(p, k->name, '(');
	for (size_t i = 0; i < f->n_binds; i++) {
		if (bind_is_short(&f->binds[i])) {
			print_bind_address(p, &address, &f->binds[i]);
			continue;
		}
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_bind, &f->binds[i]);
		pr_close(p);
	}
	pr_close(p);
}

/* ---- log_format ---------------------------------------------------------------------- */

void
read_log_format(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_frontend *f = obj;
	struct logformat_op op[LOGFORMAT_OPS];
	struct logformat_error error;
	struct logformat *program;
	const char *text = rd_string(r, s, "a format");
	size_t size;

	(void)k;
	if (text == NULL)
		return;
	program = arena_alloc(r->arena, sizeof(*program));
	if (logformat_parse(text, op, program, &error) == -1) {
		rd_error(r, s, "column %u: %s", error.column, error.text);
		return;
	}
	size = program->n * sizeof(op[0]);
	program->op = memcpy(arena_alloc(r->arena, size + 1), op, size);
	f->log_format = text;
	f->log_program = program;
}

void
print_log_format(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_frontend *f = obj;

	if (f->log_format != NULL)
		pr_string(p, k->name, f->log_format);
}

/* ---- allow, deny --------------------------------------------------------------------- */

static struct conf_access *
access_add(struct reader *r, struct conf_frontend *f, enum conf_action action, bool file)
{
	struct conf_access *a = f->n_access > 0 ? &f->access[f->n_access - 1] : NULL;

	if (a != NULL && a->action == action && a->file == NULL && !file)
		return a;
	f->access = arena_grow(r->arena, f->access, f->n_access, sizeof(*f->access));
	a = &f->access[f->n_access++];
	memset(a, 0, sizeof(*a));
	a->action = action;
	return a;
}

static void
access_add_net(struct reader *r, struct conf_access *a, struct sock_net net)
{
	a->nets = arena_grow(r->arena, a->nets, a->n_nets, sizeof(*a->nets));
	a->nets[a->n_nets++] = net;
}

void
read_access(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_frontend *f = obj;
	enum conf_action action = (enum conf_action)k->offset;

	for (size_t i = 0; i < rd_count(s); i++) {
		const config_setting_t *e = rd_elem(s, i);
		const char *text = rd_string(r, e, "a network, \"all\" or the path of a file");
		struct sock_net net = {0};

		if (text == NULL)
			continue;
		if (text[0] == '/') {
			access_add(r, f, action, true)->file = text;
		} else if (strcmp(text, "all") == 0) {
			net.family = AF_INET;
			access_add_net(r, access_add(r, f, action, false), net);
			net.family = AF_INET6;
			access_add_net(r, access_add(r, f, action, false), net);
		} else if (sock_net_parse(&net, text) == 0) {
			access_add_net(r, access_add(r, f, action, false), net);
		} else {
			rd_error(r, e,
			    "\"%s\" is no network: write it as \"192.0.2.0/24\" (bits behind "
			    "the prefix are 0), \"all\", or the path of a file",
			    text);
		}
	}
}

static void
print_access_run(struct printer *p, const struct conf_access *a, size_t n)
{
	char text[INET6_ADDRSTRLEN + 8];

	pr_open(p, a->action == CONF_ALLOW ? "allow" : "deny", '(');
	for (size_t i = 0; i < n; i++) {
		if (a[i].file != NULL)
			pr_string(p, NULL, a[i].file);
		for (size_t j = 0; j < a[i].n_nets; j++)
			pr_string(p, NULL, net_format(&a[i].nets[j], text, sizeof(text)));
	}
	pr_close(p);
}

void
print_access(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_frontend *f = obj;

	(void)k;
	for (size_t i = 0, n; i < f->n_access; i += n) {
		for (n = 1; i + n < f->n_access && f->access[i + n].action == f->access[i].action;)
			n++;
		print_access_run(p, &f->access[i], n);
	}
}

/* ---- names of backends --------------------------------------------------------------- */

static uint32_t
backend_ref(struct reader *r, const config_setting_t *s)
{
	const char *text = rd_string(r, s, "the name of a backend");
	uint32_t b;

	if (text == NULL)
		return CONF_NONE;
	b = conf_find_backend(r->conf, text);
	if (b == CONF_NONE)
		rd_no_backend(r, s, text);
	return b;
}

void
read_backend_name(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	*(uint32_t *)(void *)((char *)obj + k->offset) = backend_ref(r, s);
}

void
print_backend_name(struct printer *p, const struct conf_key *k, const void *obj)
{
	uint32_t b = *(const uint32_t *)(const void *)((const char *)obj + k->offset);

	if (b != CONF_NONE)
		pr_string(p, k->name, p->conf->backends[b].name);
}

void
read_backend_names(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_frontend *f = obj;

	(void)k;
	f->n_monitor_fail = 0;
	f->monitor_fail = NULL;
	for (size_t i = 0; i < rd_count(s); i++) {
		uint32_t b = backend_ref(r, rd_elem(s, i));

		if (b == CONF_NONE)
			continue;
		f->monitor_fail = arena_grow(
		    r->arena, f->monitor_fail, f->n_monitor_fail, sizeof(*f->monitor_fail));
		f->monitor_fail[f->n_monitor_fail++] = b;
	}
}

void
print_backend_names(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_frontend *f = obj;

	pr_open(p, k->name, '(');
	for (size_t i = 0; i < f->n_monitor_fail; i++)
		pr_string(p, NULL, p->conf->backends[f->monitor_fail[i]].name);
	pr_close(p);
}
