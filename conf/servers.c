/* SPDX-License-Identifier: ISC */
/* Servers and their checks: how they are read and printed. */
#include "conf/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/print.h"

/* ---- checks -------------------------------------------------------------------------- */

/* "200", 200, "200-399". Returns 0, or -1. */
static int
status_parse(const config_setting_t *s, struct conf_status_range *out)
{
	unsigned from, to;
	char end;

	if (config_setting_type(s) == CONFIG_TYPE_INT) {
		from = to = (unsigned)config_setting_get_int(s);
	} else if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		const char *t = config_setting_get_string(s);

		if (strlen(t) > 7 || strspn(t, "0123456789-") != strlen(t))
			return -1;
		if (sscanf(t, "%3u-%3u%c", &from, &to, &end) != 2) {
			if (sscanf(t, "%3u%c", &from, &end) != 1)
				return -1;
			to = from;
		}
	} else {
		return -1;
	}
	if (from < 100 || to > 599 || from > to)
		return -1;
	out->from = (uint16_t)from;
	out->to = (uint16_t)to;
	return 0;
}

void
read_status(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_check *c = obj;

	(void)k;
	c->n_status = 0;
	c->status = NULL;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_status_range range;

		if (status_parse(rd_elem(s, i), &range) == -1) {
			rd_error(r, rd_elem(s, i),
			    "a status is written 200 or \"200-399\", between 100 "
			    "and 599");
			continue;
		}
		c->status = arena_grow(r->arena, c->status, c->n_status, sizeof(*c->status));
		c->status[c->n_status++] = range;
	}
}

static struct conf_status_range
status_default(const struct conf_check *c)
{
	if (c->type == CONF_CHECK_KUBERNETES)
		return (struct conf_status_range){200, 200};
	return (struct conf_status_range){200, 399};
}

void
print_status(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_check *c = obj;
	struct conf_status_range d = status_default(c);
	char text[16];

	if (c->n_status == 1 && c->status[0].from == d.from && c->status[0].to == d.to)
		return;
	pr_open(p, k->name, '(');
	for (size_t i = 0; i < c->n_status; i++) {
		snprintf(text, sizeof(text), "%u-%u", c->status[i].from, c->status[i].to);
		if (c->status[i].from == c->status[i].to)
			text[3] = '\0';
		pr_string(p, NULL, text);
	}
	pr_close(p);
}

void
read_check(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_check *c = (struct conf_check *)(void *)((char *)obj + k->offset);

	if (config_setting_type(s) == CONFIG_TYPE_BOOL) {
		c->on = config_setting_get_bool(s);
		return;
	}
	/* Who writes a check wants one, also after a "check = false" in defaults. */
	c->on = true;
	rd_group(r, &scope_check, c, s);
}

static void
check_resolve(struct reader *r, struct conf_check *c)
{
	if (!c->on) {
		memset(c, 0, sizeof(*c));
		scope_init(&scope_check, c);
		c->on = false;
	}
	scope_resolve(&scope_check, c);
	if (c->n_status == 0) {
		c->status = arena_alloc(r->arena, sizeof(*c->status));
		c->status[0] = status_default(c);
		c->n_status = 1;
	}
}

void
print_check(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_check *c =
	    (const struct conf_check *)(const void *)((const char *)obj + k->offset);

	if (!c->on) {
		pr_line(p, k->name, "false");
		return;
	}
	pr_open(p, k->name, '{');
	pr_scope(p, &scope_check, c);
	pr_close(p);
}

/* ---- servers ------------------------------------------------------------------------- */

void
read_server_address(
    struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_server *srv = obj;
	char buf[SOCK_ADDR_TEXT];
	const char *text = rd_string(r, s, "an address");

	(void)k;
	if (text == NULL || rd_address(r, s, text, true, "192.0.2.10:6443", &srv->addr) == -1)
		return;
	if (srv->addr.family != AF_UNIX && sock_addr_is_any(&srv->addr)) {
		rd_error(r, s, "\"%s\": a server needs an address of its own", text);
		return;
	}
	srv->address = arena_strdup(r->arena, sock_addr_format(&srv->addr, buf, sizeof(buf)));
}

void
print_server_address(struct printer *p, const struct conf_key *k, const void *obj)
{
	pr_string(p, k->name, ((const struct conf_server *)obj)->address);
}

void
read_server_source(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_server *srv = obj;
	const char *text = rd_string(r, s, "an address");

	(void)k;
	if (text == NULL)
		return;
	if (text[0] == '/' || sock_range_parse(&srv->from.addr, &srv->from.last, text, false) == -1)
		rd_error(r, s,
		    "\"%s\" is no source: write it as \"192.0.2.1\" or "
		    "\"192.0.2.1:10000-19999\"",
		    text);
}

void
print_server_source(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct outgoing *from = &((const struct conf_server *)obj)->from;
	char text[SOCK_ADDR_TEXT];

	if (from->addr.family == AF_UNSPEC)
		return;
	if (sock_addr_port(&from->addr) == 0)
		sock_addr_format_host(&from->addr, text, sizeof(text));
	else
		sock_range_format(&from->addr, from->last, text, sizeof(text));
	pr_string(p, k->name, text);
}

void
read_server_keepalive(
    struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_server *srv = obj;

	(void)k;
	if (!srv->own_keepalive)
		scope_init(&scope_keepalive, &srv->keepalive);
	srv->own_keepalive = true;
	rd_group(r, &scope_keepalive, &srv->keepalive, s);
}

void
print_server_keepalive(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_server *srv = obj;

	if (!srv->own_keepalive)
		return;
	pr_open(p, k->name, '{');
	pr_force(p);
	pr_scope(p, &scope_keepalive, &srv->keepalive);
	pr_close(p);
}

void
read_default_server(
    struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	if (!config_setting_is_group(s)) {
		rd_error(r, s, "default_server is a group { }");
		return;
	}
	r->forbid = F_OWN;
	r->here = "default_server";
	rd_group(r, &scope_server, (char *)obj + k->offset, s);
	r->forbid = 0;
}

static void
read_server(struct reader *r, void *arg, const char *name, const config_setting_t *s)
{
	struct backend_input *in = arg;
	struct conf_server srv = in->server;
	struct conf_backend *b = &in->backend;
	size_t n = r->n_msgs;

	srv.name = name;
	srv.where = rd_where(r, s);
	rd_group(r, &scope_server, &srv, s);
	if (srv.address == NULL) {
		if (r->n_msgs == n)
			rd_error(r, s, "address is missing");
		return;
	}
	check_resolve(r, &srv.check);
	if (srv.minconn > srv.maxconn)
		srv.maxconn = srv.minconn; /* as HAProxy reads it */
	if (!srv.own_keepalive)
		srv.keepalive = b->keepalive;
	b->servers = arena_grow(r->arena, b->servers, b->n_servers, sizeof(*b->servers));
	b->servers[b->n_servers++] = srv;
}

static int
id_compare(const void *a, const void *b)
{
	const struct conf_server *x = *(const struct conf_server *const *)a;
	const struct conf_server *y = *(const struct conf_server *const *)b;

	return x->id != y->id ? (x->id < y->id ? -1 : 1) : x < y ? -1 : x > y;
}

/* Servers without an id get their place; if that is taken, the next number that is free. */
static void
give_ids(struct reader *r, struct conf_backend *b, const config_setting_t *s)
{
	struct conf_server **v =
	    arena_alloc(r->arena, (b->n_servers + 1) * sizeof(struct conf_server *));
	unsigned top = (unsigned)b->n_servers;
	size_t n = 0;

	for (size_t i = 0; i < b->n_servers; i++)
		if (b->servers[i].id != 0)
			v[n++] = &b->servers[i];
	qsort(v, n, sizeof(struct conf_server *), id_compare);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->id > top)
			top = v[i]->id;
		if (i > 0 && v[i]->id == v[i - 1]->id)
			rd_error(r, s, "the servers %s and %s have the same id %u", v[i - 1]->name,
			    v[i]->name, v[i]->id);
	}
	for (size_t i = 0; i < b->n_servers; i++) {
		struct conf_server key = {.id = (unsigned)i + 1}, *want = &key;
		bool taken = false;

		if (b->servers[i].id != 0)
			continue;
		for (size_t lo = 0, hi = n; lo < hi && !taken;) {
			size_t mid = (lo + hi) / 2;

			taken = v[mid]->id == want->id;
			if (v[mid]->id < want->id)
				lo = mid + 1;
			else
				hi = mid;
		}
		b->servers[i].id = taken ? ++top : want->id;
	}
}

void
read_servers(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	(void)k;
	(void)obj;
	r->servers = s;
}

/* The servers come last, whatever the order of the backend's keys: they begin with what
 * default_server and check say. */
void
servers_read(struct reader *r, struct backend_input *in)
{
	const config_setting_t *s = r->servers;
	size_t mark;

	r->servers = NULL;
	if (s == NULL)
		return;
	mark = rd_push(r, "servers");
	rd_objects(r, s, "server", read_server, in);
	give_ids(r, &in->backend, s);
	rd_pop(r, mark);
}

static const char *
server_name(const void *array, size_t i)
{
	return ((const struct conf_server *)array)[i].name;
}

static void
print_server(struct printer *p, const struct conf_backend *b, size_t i)
{
	struct conf_server srv = b->servers[i];

	if (srv.id == i + 1)
		srv.id = 0; /* its place */
	pr_scope(p, &scope_server, &srv);
}

/* Has the server settings besides its address? Found by printing them. */
static bool
server_is_short(const struct printer *p, const struct conf_backend *b, size_t i)
{
	struct printer q = {.reader = p->reader, .conf = p->conf};
	char *text = NULL;
	size_t n = 0;
	bool is_short;

	q.f = open_memstream(&text, &n);
	if (q.f == NULL)
		return false;
	print_server(&q, b, i);
	fclose(q.f);
	is_short = memchr(text, '\n', n) == text + n - 1;
	free(text);
	return is_short;
}

void
print_servers(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_backend *b = obj;
	bool list = pr_objects_open(p, k->name, b->servers, b->n_servers, server_name);

	for (size_t i = 0; i < b->n_servers; i++) {
		if (!list && server_is_short(p, b, i)) {
			pr_string(p, b->servers[i].name, b->servers[i].address);
			continue;
		}
		pr_object_open(p, list, b->servers[i].name);
		print_server(p, b, i);
		pr_close(p);
	}
	pr_close(p);
}
