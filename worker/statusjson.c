/* SPDX-License-Identifier: ISC */
/* {"process": {...}, "routers": [...], "objects": [...]}; see statusjson.h. */
#include "worker/statusjson.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/json.h"
#include "shm/role.h"
#include "shm/total.h"
#include "worker/statlist.h"

struct status {
	struct stat_source src;
	struct stat_list list;
	struct stat_filter filter;
	size_t at;
	size_t rows;
	bool begun;
};

static void
put_process(struct json *j, const struct stat_source *src)
{
	const struct shm_master *m = src->shm->master;
	uint64_t live = 0, started = sw64_get(&m->started_ns);
	struct total_process t;
	char node[SHM_NAME];

	total_of_process(src->shm, src->now, &t);
	snprintf(node, sizeof(node), "%.*s", SHM_NAME - 1, m->node);
	for (uint32_t w = 0; w < sw32_get(&m->n_workers) && w < SHM_MAX_WORKERS; w++)
		live += shm_mask_has(m->live, w);
	json_key(j, "process");
	json_object_begin(j);
	json_field_string(j, "version", VIPD_VERSION);
	json_field_string(j, "node", node);
	json_field_uint(j, "pid", sw32_get(&m->pid));
	json_field_uint(j, "uptime_seconds",
	    src->now.ns > (int64_t)started ? ((uint64_t)src->now.ns - started) / 1000000000u : 0);
	json_field_uint(j, "workers_live", live);
	json_field_uint(j, "generation", sw64_get(&m->generation));
	json_field_uint(j, "reloads", sw64_get(&m->reloads));
	json_field_uint(j, "reloads_failed", sw64_get(&m->reloads_failed));
	json_field_bool(j, "reload_refused", sw32_get(&m->refused) != 0);
	json_field_bool(j, "stopping", sw32_get(&m->stopping) != 0);
	json_field_bool(j, "maintenance", sw32_get(&m->maintenance) != 0);
	json_field_uint(j, "sessions", t.held);
	json_field_uint(j, "sessions_limit", sw32_get(&m->maxconn));
	json_field_uint(j, "sessions_per_second", t.rate);
	json_field_uint(j, "connections", t.cum_conn);
	json_object_end(j);
}

static void
put_routers(struct json *j, const struct stat_source *src)
{
	const struct shm_vrrp *v = src->shm->vrrp;
	uint32_t n = sw32_get(&v->n_routers);

	json_key(j, "routers");
	json_array_begin(j);
	for (uint32_t i = 0; i < n && i < SHM_MAX_ROUTERS; i++) {
		const struct shm_router *r = &v->routers[i];
		int64_t since = (int64_t)sw64_get(&r->since_ns);
		char name[SHM_NAME], reason[sizeof(r->reason)];

		if (sw32_get(&r->used) == 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", SHM_NAME - 1, r->name);
		snprintf(reason, sizeof(reason), "%.*s", (int)sizeof(reason) - 1, r->reason);
		json_object_begin(j);
		json_field_string(j, "instance", name);
		json_field_uint(j, "vrid", sw32_get(&r->vrid));
		json_field_string(j, "role", shm_role_text(sw32_get(&r->role)));
		json_field_int(j, "seconds", since == 0 ? 0 : (src->now.ns - since) / 1000000000);
		json_field_uint(j, "priority", sw32_get(&r->priority));
		json_field_uint(j, "band", sw32_get(&r->band));
		json_field_string(j, "reason", reason);
		json_object_end(j);
	}
	json_array_end(j);
}

/* All but the objects and the end. */
static void
put_head(struct status *st, struct buf *out)
{
	struct buf b = BUF_INIT;
	struct json j;

	json_init(&j, &b, false);
	json_object_begin(&j);
	put_process(&j, &st->src);
	put_routers(&j, &st->src);
	json_object_end(&j);
	if (b.failed || b.len == 0)
		out->failed = true;
	else
		buf_append(out, b.data, b.len - 1); /* goes on */
	buf_puts(out, ",\"objects\":[");
	buf_free(&b);
}

static bool
status_more(void *stream, struct buf *out, size_t limit)
{
	struct status *st = stream;
	struct stat_row row;

	st->src.now = mono_now();
	if (!st->begun)
		put_head(st, out);
	st->begun = true;
	for (; st->at < st->list.n && out->len < limit; st->at++) {
		if (!stat_list_row(&row, &st->src, &st->list.v[st->at], &st->filter))
			continue;
		if (st->rows++ > 0)
			buf_putc(out, ',');
		stat_json_object(out, &row);
	}
	if (st->at < st->list.n)
		return true;
	buf_puts(out, "]}\n");
	return false;
}

static void
status_end(void *stream)
{
	struct status *st = stream;

	stat_list_free(&st->list);
	free(st);
}

void
statusjson_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp)
{
	struct status *st = calloc(1, sizeof(*st));

	if (st == NULL || stat_list_make(&st->list, s) == -1) {
		free(st);
		rp->status = 500;
		return;
	}
	st->src = (struct stat_source){.shm = s, .conf = conf};
	st->filter = (struct stat_filter)STAT_FILTER_ALL;
	rp->content_type = "application/json";
	rp->more = status_more;
	rp->end = status_end;
	rp->stream = st;
}
