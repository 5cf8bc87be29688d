/* SPDX-License-Identifier: ISC */
/* The status screen. */
#include "ctl/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRONTEND = 0, BACKEND, SERVER }; /* column "type" */

const char *
status_info(const char *info, const char *name, char *to, size_t size)
{
	size_t len = strlen(name);

	to[0] = '\0';
	for (const char *p = info; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		if (*p == '\n')
			p++;
		if (strncmp(p, name, len) == 0 && strncmp(p + len, ": ", 2) == 0) {
			p += len + 2;
			snprintf(to, size, "%.*s", (int)strcspn(p, "\n"), p);
			break;
		}
	}
	return to;
}

const char *
status_age(int64_t seconds, char to[32])
{
	if (seconds < 120)
		snprintf(to, 32, "%" PRId64 " s", seconds);
	else if (seconds < 7200)
		snprintf(to, 32, "%" PRId64 " min", seconds / 60);
	else if (seconds < 172800)
		snprintf(
		    to, 32, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds / 60 % 60);
	else
		snprintf(
		    to, 32, "%" PRId64 " d %" PRId64 " h", seconds / 86400, seconds / 3600 % 24);
	return to;
}

/* ---- attention --------------------------------------------------------------------------------
 */

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static size_t
attend_process(const struct status *s, struct buf *out)
{
	char word[64];
	size_t n = 0;

	if (strcmp(status_info(s->info, "Stopping", word, sizeof(word)), "1") == 0)
		n++, buf_puts(out, "vipd is stopping\n");
	if (strcmp(status_info(s->info, "Maintenance", word, sizeof(word)), "1") == 0)
		n++, buf_puts(out, "this node is in maintenance\n");
	if (strcmp(status_info(s->info, "Reload_refused", word, sizeof(word)), "1") == 0)
		n++, buf_puts(out, "the last reload was refused: the file is not what is in force "
				   "(vipctl events says why)\n");
	if (strcmp(status_info(s->info, "Degraded", word, sizeof(word)), "1") == 0)
		n++, buf_puts(out, "a process of vipd dies again and again\n");
	return n;
}

static size_t
attend_processes(const struct status *s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->proc.n_rows; i++) {
		const char *state = table_get(&s->proc, i, "state");
		const char *last = table_get(&s->proc, i, "last");

		/* "none": this configuration has no use for it. "draining": a reload wanted fewer.
		 */
		if (strcmp(state, "ready") == 0 || strcmp(state, "none") == 0 ||
		    strcmp(state, "draining") == 0)
			continue;
		buf_printf(out, "process %s is %s", table_get(&s->proc, i, "type"), state);
		if (strcmp(last, "-") != 0)
			buf_printf(out, ", its predecessor ended with %s", last);
		buf_putc(out, '\n');
		n++;
	}
	return n;
}

static size_t
attend_routers(const struct status *s, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->vrrp.n_rows; i++) {
		const char *role = table_get(&s->vrrp, i, "role");

		if (strcmp(role, "FAULT") == 0 || strcmp(role, "STOPPED") == 0) {
			buf_printf(out, "address of %s: this node is in %s: %s\n",
			    table_get(&s->vrrp, i, "instance"), role,
			    table_get(&s->vrrp, i, "reason"));
			n++;
		}
	}
	return n;
}

static void
attend_server(const struct table *t, size_t i, struct buf *out)
{
	const char *status = table_get(t, i, "status"), *last = table_get(t, i, "last_chk");
	char age[32];

	buf_printf(out, "server %s/%s %s is %s for %s", table_get(t, i, "pxname"),
	    table_get(t, i, "svname"), table_get(t, i, "addr"), status,
	    status_age(table_number(t, i, "lastchg"), age));
	if (*table_get(t, i, "check_status") != '\0')
		buf_printf(out, ": %s%s%s", table_get(t, i, "check_status"),
		    *last != '\0' ? " " : "", last);
	buf_putc(out, '\n');
}

static size_t
attend_objects(const struct status *s, struct buf *out)
{
	const struct table *t = &s->stat;
	char word[64];
	bool stops = strcmp(status_info(s->info, "Stopping", word, sizeof(word)), "1") == 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n_rows; i++) {
		const char *status = table_get(t, i, "status"), *name = table_get(t, i, "pxname");
		int64_t type = table_number(t, i, "type"), queue = table_number(t, i, "qcur");
		char age[32];

		if (type == BACKEND && begins(status, "DOWN"))
			n++, buf_printf(out, "backend %s has no usable server for %s\n", name,
				 status_age(table_number(t, i, "lastchg"), age));
		if (type == BACKEND && queue > 0)
			n++, buf_printf(out, "backend %s: %" PRId64 " sessions wait for a place\n",
				 name, queue);
		if (type == FRONTEND && strcmp(status, "FULL") == 0)
			n++, buf_printf(out, "frontend %s has reached its limit of %s sessions\n",
				 name, table_get(t, i, "slim"));
		if (type == FRONTEND && strcmp(status, "STOP") == 0 && !stops)
			n++, buf_printf(out, "frontend %s is stopped by a command\n", name);
		if (type == SERVER && strcmp(status, "UP") != 0 && strcmp(status, "no check") != 0)
			n++, attend_server(t, i, out);
	}
	return n;
}

size_t
status_attention(const struct status *s, struct buf *out)
{
	size_t n = attend_process(s, out);

	n += attend_processes(s, out);
	n += attend_routers(s, out);
	return n + attend_objects(s, out);
}

/* ---- the screen -------------------------------------------------------------------------------
 */

static void
write_head(const struct status *s, struct buf *out)
{
	char version[64], node[80], up[32], a[32], b[32], c[32];

	buf_printf(out, "vipd %s on %s, up %s, %s workers, configuration %s\n",
	    status_info(s->info, "Vipd_version", version, sizeof(version)),
	    status_info(s->info, "node", node, sizeof(node)),
	    status_info(s->info, "Uptime", up, sizeof(up)),
	    status_info(s->info, "Workers_live", a, sizeof(a)),
	    status_info(s->info, "Generation", b, sizeof(b)));
	buf_printf(out, "sessions %s of %s, ", status_info(s->info, "CurrConns", a, sizeof(a)),
	    status_info(s->info, "Maxconn", b, sizeof(b)));
	buf_printf(out, "%s a second, %s accepted\n",
	    status_info(s->info, "ConnRate", a, sizeof(a)),
	    status_info(s->info, "CumConns", c, sizeof(c)));
}

static void
write_attention(const struct status *s, struct buf *out)
{
	struct buf lines = BUF_INIT;

	if (status_attention(s, &lines) == 0) {
		buf_puts(out, "\nNothing needs attention.\n");
	} else {
		buf_puts(out, "\nNeeds attention\n");
		for (const char *p = buf_text(&lines); *p != '\0';) {
			size_t len = strcspn(p, "\n");

			buf_printf(out, "  %.*s\n", (int)len, p);
			p += len + 1;
		}
	}
	buf_free(&lines);
}

static void
write_routers(const struct status *s, struct buf *out)
{
	static const char *const heads[] = {
	    "instance", ">vrid", "role", "since", ">priority", "why"};
	struct grid g;
	char age[32];

	if (s->vrrp.n_rows == 0)
		return;
	grid_init(&g, heads, 6);
	for (size_t i = 0; i < s->vrrp.n_rows; i++) {
		grid_add(&g, "%s", table_get(&s->vrrp, i, "instance"));
		grid_add(&g, "%s", table_get(&s->vrrp, i, "vrid"));
		grid_add(&g, "%s", table_get(&s->vrrp, i, "role"));
		grid_add(&g, "%s", status_age(table_number(&s->vrrp, i, "since"), age));
		grid_add(&g, "%s", table_get(&s->vrrp, i, "priority"));
		grid_add(&g, "%s", table_get(&s->vrrp, i, "reason"));
	}
	buf_puts(out, "\nAddresses\n");
	grid_write(&g, "  ", out);
	grid_free(&g);
}

const char *
status_backup(const struct table *t, size_t i)
{
	return table_number(t, i, "type") == SERVER && table_number(t, i, "bck") == 1 ? ", backup"
										      : "";
}

/* Lines of one kind of object: frontends, or backends with their servers. */
static void
write_objects(const struct status *s, bool frontends, struct buf *out)
{
	static const char *const heads[] = {"name", "status", ">sessions", ">limit", ">rate",
	    ">total", ">waiting", ">failed", ">weight", "last check"};
	const struct table *t = &s->stat;
	struct grid g;

	grid_init(&g, heads, 10);
	for (size_t i = 0; i < t->n_rows; i++) {
		int64_t type = table_number(t, i, "type");

		if ((type == FRONTEND) != frontends)
			continue;
		if (type == SERVER)
			grid_add(&g, "%s/%s", table_get(t, i, "pxname"), table_get(t, i, "svname"));
		else
			grid_add(&g, "%s", table_get(t, i, "pxname"));
		grid_add(&g, "%s%s", table_get(t, i, "status"), status_backup(t, i));
		grid_add(&g, "%s", table_get(t, i, "scur"));
		grid_add(&g, "%s", table_get(t, i, "slim"));
		grid_add(&g, "%s", table_get(t, i, "rate"));
		grid_add(&g, "%s", table_get(t, i, "stot"));
		grid_add(&g, "%s", table_get(t, i, "qcur"));
		grid_add(&g, "%s", table_get(t, i, "econ"));
		grid_add(&g, "%s", table_get(t, i, "weight"));
		grid_add(&g, "%s%s%s", table_get(t, i, "check_status"),
		    *table_get(t, i, "last_chk") != '\0' ? " " : "", table_get(t, i, "last_chk"));
	}
	if (g.n > 0) {
		buf_puts(out, frontends ? "\nFrontends\n" : "\nBackends and servers\n");
		grid_write(&g, "  ", out);
	}
	grid_free(&g);
}

void
status_write(const struct status *s, struct buf *out)
{
	write_head(s, out);
	write_attention(s, out);
	write_routers(s, out);
	write_objects(s, true, out);
	write_objects(s, false, out);
}

static void
json_info(struct json *j, const char *info)
{
	json_object_begin(j);
	for (const char *p = info; *p != '\0';) {
		size_t len = strcspn(p, "\n");
		const char *colon = memchr(p, ':', len);
		char name[64], value[256];

		if (colon != NULL && colon[1] == ' ') {
			snprintf(name, sizeof(name), "%.*s", (int)(colon - p), p);
			snprintf(
			    value, sizeof(value), "%.*s", (int)(p + len - colon - 2), colon + 2);
			json_field_string(j, name, value);
		}
		p += len + (p[len] == '\n');
	}
	json_object_end(j);
}

void
status_write_json(const struct status *s, struct buf *out)
{
	struct buf lines = BUF_INIT;
	struct json j;

	status_attention(s, &lines);
	json_init(&j, out, true);
	json_object_begin(&j);
	json_key(&j, "attention");
	json_array_begin(&j);
	for (const char *p = buf_text(&lines); *p != '\0';) {
		size_t len = strcspn(p, "\n");

		json_string_n(&j, p, len);
		p += len + 1;
	}
	json_array_end(&j);
	json_key(&j, "info");
	json_info(&j, s->info);
	json_key(&j, "processes");
	table_json(&s->proc, &j);
	json_key(&j, "vrrp");
	table_json(&s->vrrp, &j);
	json_key(&j, "stat");
	table_json(&s->stat, &j);
	json_object_end(&j);
	buf_putc(out, '\n');
	buf_free(&lines);
}
