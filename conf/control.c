/* SPDX-License-Identifier: ISC */
/* Control sockets: how their rows of the table are read and printed. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/print.h"
#include "conf/read.h"

static bool
is_loopback(const struct sock_addr *a)
{
	return a->family == AF_INET ? ntohl(a->in.sin_addr.s_addr) >> 24 == 127
				    : IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

void
read_control_address(
    struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_control *c = obj;
	char buf[SOCK_ADDR_TEXT];
	const char *text = rd_string(r, s, "a path or an address");

	(void)k;
	if (text == NULL)
		return;
	if (c->name != NULL) {
		rd_error(r, s, "address and path are the same setting");
		return;
	}
	c->name = text; /* also of one that is wrong: it is not missing */
	if (strncmp(text, "fd@", 3) == 0) {
		c->inherited = rd_inherited(r, s, text);
	} else if (strchr(text, '/') != NULL || strchr(text, ':') == NULL) {
		if (strlen(text) >= sizeof(c->addr.un.sun_path)) {
			rd_error(
			    r, s, "path longer than %zu bytes", sizeof(c->addr.un.sun_path) - 1);
			return;
		}
		c->addr.un.sun_family = AF_UNIX;
		strcpy(c->addr.un.sun_path, text);
		c->addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					  sock_path_clean(c->addr.un.sun_path) + 1);
		c->name = arena_strdup(r->arena, c->addr.un.sun_path);
	} else if (rd_address(r, s, text, true, "127.0.0.1:9999", &c->addr) == 0) {
		if (!is_loopback(&c->addr))
			rd_error(r, s,
			    "\"%s\": commands need no password, so TCP is for loopback addresses "
			    "only: write \"127.0.0.1:%u\"",
			    text, sock_addr_port(&c->addr));
		c->name = arena_strdup(r->arena, sock_addr_format(&c->addr, buf, sizeof(buf)));
	}
}

void
print_control_address(struct printer *p, const struct conf_key *k, const void *obj)
{
	pr_string(p, k->name, ((const struct conf_control *)obj)->name);
}

void
read_controls(struct reader *r, const struct conf_key *k, void *obj, const config_setting_t *s)
{
	struct conf_global *g = obj;

	(void)k;
	for (size_t i = 0; i < rd_count(s); i++) {
		struct conf_control c = {.where = rd_where(r, rd_elem(s, i))};
		unsigned before = (unsigned)r->n_msgs;

		scope_init(&scope_control, &c);
		rd_group(r, &scope_control, &c, rd_elem(s, i));
		scope_resolve(&scope_control, &c);
		if (c.name == NULL) {
			if (r->n_msgs == before)
				rd_error(r, rd_elem(s, i), "address is missing");
			continue;
		}
		if (conf_find_control(g, c.name) != NULL) {
			struct conf_where first = conf_find_control(g, c.name)->where;

			rd_error(r, rd_elem(s, i), "%s stands twice: also in %s:%u", c.name,
			    first.file != NULL ? first.file : "line", first.line);
			continue;
		}
		if (c.addr.family != AF_UNIX &&
		    (c.mode != 0600 || c.user != NULL || c.group != NULL))
			rd_warn(r, rd_elem(s, i),
			    "mode, user and group have no effect: %s is no UNIX socket", c.name);
		g->controls =
		    arena_grow(r->arena, g->controls, g->n_controls, sizeof(*g->controls));
		g->controls[g->n_controls++] = c;
	}
}

void
print_controls(struct printer *p, const struct conf_key *k, const void *obj)
{
	const struct conf_global *g = obj;

	if (g->n_controls == 0)
		return;
	pr_open(p, k->name, '(');
	for (size_t i = 0; i < g->n_controls; i++) {
		pr_open(p, NULL, '{');
		pr_scope(p, &scope_control, &g->controls[i]);
		pr_close(p);
	}
	pr_close(p);
}
