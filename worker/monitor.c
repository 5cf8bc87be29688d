/* SPDX-License-Identifier: ISC */
/* Answers of monitoring frontends. */
#include "worker/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/child.h"
#include "shm/role.h"
#include "worker/metrics.h"
#include "worker/page.h"
#include "worker/statlist.h"
#include "worker/statusjson.h"

/* ---- what is asked ----------------------------------------------------------------------------
 */

/* Does the request name uri? *rest is what stands behind it in the path: "", "?...", ";...". */
static bool
names(const char *uri, const char *target, const char *path, const char **rest)
{
	size_t len;

	if (uri == NULL)
		return false;
	*rest = "";
	if (strcmp(target, uri) == 0)
		return true;
	len = strlen(uri);
	if (uri[0] != '/' || strncmp(path, uri, len) != 0)
		return false;
	*rest = path + len;
	return **rest == '\0' || **rest == '?' || **rest == ';';
}

/* Is rest ";word", perhaps with more behind it (";csv;norefresh")? */
static bool
option(const char *rest, const char *word)
{
	size_t len = strlen(word);

	return rest[0] == ';' && strncmp(rest + 1, word, len) == 0 &&
	       strchr(";?", rest[1 + len]) != NULL; /* the NUL counts */
}

enum monitor_what
monitor_classify(const struct conf_frontend *fe, const char *target, const char *path)
{
	const char *rest;

	if (names(fe->monitor_uri, target, path, &rest) && rest[0] != ';')
		return MONITOR_HEALTH;
	if (names(fe->alive_uri, target, path, &rest) && rest[0] != ';')
		return MONITOR_ALIVE;
	if (names(fe->master_uri, target, path, &rest))
		return MONITOR_MASTER;
	if (names(fe->status_uri, target, path, &rest) && rest[0] != ';')
		return MONITOR_STATUS;
	if (names(fe->metrics_uri, target, path, &rest) && rest[0] != ';')
		return MONITOR_METRICS;
	if (names(fe->stats_uri, target, path, &rest)) {
		if (option(rest, "csv"))
			return MONITOR_CSV;
		return option(rest, "json") ? MONITOR_JSON : MONITOR_PAGE;
	}
	return MONITOR_OTHER;
}

/* ---- health -----------------------------------------------------------------------------------
 */

static uint32_t
usable_servers(const struct shm *s, const char *backend)
{
	uint32_t be = child_find_backend(s, backend, 0);
	const struct shm_sched *sched;

	if (be == SHM_NONE)
		return 0;
	sched = shm_sched(s, be);
	return sw32_get(&sched->epoch) == sw32_get(&shm_be_dir(s, be)->epoch)
		   ? sw32_get(&sched->usable)
		   : 0;
}

bool
monitor_healthy(const struct shm *s, const struct conf *conf, const struct conf_frontend *fe,
    char *reason, size_t size)
{
	size_t serving = 0;

	if (sw32_get(&s->master->stopping) != 0) {
		snprintf(reason, size, "stopping");
		return false;
	}
	if (sw32_get(&s->master->maintenance) != 0) {
		snprintf(reason, size, "in maintenance");
		return false;
	}
	for (size_t i = 0; i < fe->n_monitor_fail; i++) {
		const char *name = conf->backends[fe->monitor_fail[i]].name;

		if (usable_servers(s, name) == 0) {
			snprintf(reason, size, "backend %s has no usable server", name);
			return false;
		}
	}
	for (size_t i = 0; fe->n_monitor_fail == 0 && i < conf->n_backends; i++)
		serving += usable_servers(s, conf->backends[i].name) > 0;
	if (fe->n_monitor_fail == 0 && conf->n_backends > 0 && serving == 0) {
		snprintf(reason, size, "no backend has a usable server");
		return false;
	}
	snprintf(reason, size, "ok");
	return true;
}

/* ---- tables in pieces -------------------------------------------------------------------------
 */

struct table {
	struct stat_source src;
	struct stat_list list;
	struct stat_filter filter;
	size_t at;
	size_t rows;
	bool json;
};

static bool
table_more(void *stream, struct buf *out, size_t limit)
{
	struct table *t = stream;
	struct stat_row row;

	if (t->at == 0 && t->json)
		buf_putc(out, '[');
	else if (t->at == 0)
		stat_csv_head(out);
	t->src.now = mono_now();
	for (; t->at < t->list.n && out->len < limit; t->at++) {
		if (!stat_list_row(&row, &t->src, &t->list.v[t->at], &t->filter))
			continue;
		if (!t->json) {
			stat_csv_row(out, &row);
			continue;
		}
		if (t->rows++ > 0)
			buf_putc(out, ',');
		stat_json_row(out, &row);
	}
	if (t->at < t->list.n)
		return true;
	if (t->json)
		buf_puts(out, "]\n");
	return false;
}

static void
table_end(void *stream)
{
	struct table *t = stream;

	stat_list_free(&t->list);
	free(t);
}

static void
answer_table(const struct shm *s, const struct conf *conf, bool json, struct http_reply *rp)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL || stat_list_make(&t->list, s) == -1) {
		free(t);
		rp->status = 500;
		return;
	}
	t->src = (struct stat_source){.shm = s, .conf = conf};
	t->filter = (struct stat_filter)STAT_FILTER_ALL;
	t->json = json;
	rp->content_type = json ? "application/json" : "text/plain; charset=utf-8";
	rp->more = table_more;
	rp->end = table_end;
	rp->stream = t;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static void
answer_health(const struct shm *s, const struct conf *conf, const struct conf_frontend *fe,
    struct http_reply *rp)
{
	char reason[160];

	rp->status = monitor_healthy(s, conf, fe, reason, sizeof(reason)) ? 200 : 503;
	buf_printf(&rp->body, "%s\n", reason);
}

/* Who holds the addresses: of one router, if the path ends with ";NAME", or of all. */
static void
answer_master(const struct shm *s, const struct conf_frontend *fe, const struct http_request *rq,
    struct http_reply *rp)
{
	const struct shm_vrrp *v = s->vrrp;
	uint32_t n = sw32_get(&v->n_routers), routers = 0, held = 0;
	const char *rest = "", *name = NULL;
	size_t len = 0;

	if (names(fe->master_uri, rq->target, rq->path, &rest) && rest[0] == ';') {
		name = rest + 1;
		len = strcspn(name, "?");
	}
	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++) {
		const struct shm_router *r = &v->routers[i];
		char own[SHM_NAME];

		snprintf(own, sizeof(own), "%.*s", SHM_NAME - 1, r->name);
		if (sw32_get(&r->used) == 0 ||
		    (name != NULL && (strlen(own) != len || strncmp(own, name, len) != 0)))
			continue;
		routers++;
		held += sw32_get(&r->role) == SHM_ROLE_MASTER;
		buf_printf(&rp->body, "%s %s\n", own, shm_role_text(sw32_get(&r->role)));
	}
	rp->status = routers > 0 && held == routers ? 200 : 503;
	if (routers == 0)
		buf_puts(&rp->body, "no virtual router\n");
}

enum monitor_what
monitor_answer(const struct shm *s, const struct conf *conf, const struct conf_frontend *fe,
    const struct http_request *rq, struct http_reply *rp)
{
	enum monitor_what what = monitor_classify(fe, rq->target, rq->path);

	rp->extra = "Cache-Control: no-cache\r\n";
	/* Nothing here can be changed by a request: only what says well or not takes any method. */
	if (what != MONITOR_HEALTH && what != MONITOR_ALIVE && what != MONITOR_MASTER &&
	    what != MONITOR_OTHER && !rq->get) {
		rp->status = 405;
		rp->extra = "Allow: GET, HEAD\r\n";
		return what;
	}
	switch (what) {
	case MONITOR_HEALTH:
		answer_health(s, conf, fe, rp);
		break;
	case MONITOR_ALIVE:
		buf_puts(&rp->body, "alive\n");
		break;
	case MONITOR_MASTER:
		answer_master(s, fe, rq, rp);
		break;
	case MONITOR_STATUS:
		statusjson_answer(s, conf, rp);
		break;
	case MONITOR_PAGE:
		page_answer(s, conf, rp);
		break;
	case MONITOR_CSV:
	case MONITOR_JSON:
		answer_table(s, conf, what == MONITOR_JSON, rp);
		break;
	case MONITOR_METRICS:
		metrics_answer(s, conf, rp);
		break;
	case MONITOR_OTHER:
		rp->status = 503;
		buf_puts(&rp->body, "no server handles this request\n");
		break;
	}
	return what;
}
