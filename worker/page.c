/* SPDX-License-Identifier: ISC */
/* The status page. */
#include "worker/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/total.h"
#include "worker/statlist.h"

struct page {
	struct stat_source src;
	struct stat_list list;
	struct stat_filter filter;
	size_t at;
	bool begun;
	bool open; /* a table is open */
};

void
page_escape(struct buf *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		switch (*p) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		case '\'':
			buf_puts(out, "&#39;");
			break;
		default:
			buf_putc(out, *p);
		}
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>vipd</title>\n"
    "<meta http-equiv=\"refresh\" content=\"10\">\n<style>\n"
    "body{font:14px/1.4 sans-serif;margin:1.5em;color:#222;background:#fff}\n"
    "table{border-collapse:collapse;margin:0 0 1.5em}\n"
    "th,td{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right}\n"
    "th{font-weight:600;background:#f3f3f3}\n"
    "th:first-child,td:first-child,.l{text-align:left}\n"
    ".up{background:#dff2df}.down{background:#f8d7d7}.warn{background:#fbf0cf}\n"
    ".maint{background:#e4e4f4}.sum{font-weight:600}\n"
    "</style></head><body>\n";

static const char columns[] =
    "<tr><th>name</th><th class=\"l\">status</th><th>sessions</th><th>most</th><th>limit</th>"
    "<th>total</th><th>rate</th><th>waiting</th><th>bytes in</th><th>bytes out</th>"
    "<th>errors</th><th>retries</th><th>weight</th><th class=\"l\">last check</th></tr>\n";

static void
page_head(struct page *p, struct buf *out)
{
	const struct shm_master *m = p->src.shm->master;
	uint64_t started = sw64_get(&m->started_ns);
	struct total_process t;
	char up[32];

	total_of_process(p->src.shm, p->src.now, &t);
	buf_puts(out, head);
	buf_puts(out, "<h1>vipd on ");
	page_escape(out, m->node);
	buf_printf(out,
	    "</h1>\n<p>version %s, up %s, %" PRIu32 " workers, configuration %" PRIu64
	    "%s%s<br>\nsessions %" PRIu32 " of %" PRIu32 ", most %" PRIu32 ", accepted %" PRIu64
	    ", %" PRIu32 " a second</p>\n",
	    VIPD_VERSION,
	    total_format_uptime(up, p->src.now.ns > (int64_t)started
					? ((uint64_t)p->src.now.ns - started) / 1000000000u
					: 0),
	    sw32_get(&m->wanted), sw64_get(&m->generation),
	    sw32_get(&m->stopping) != 0 ? ", <b>stopping</b>" : "",
	    sw32_get(&m->maintenance) != 0 ? ", <b>in maintenance</b>" : "", t.held,
	    sw32_get(&m->maxconn), t.held_max, t.cum_conn, t.rate);
}

static const char *
class_of(const struct stat_row *row)
{
	const char *status = row->cell[STAT_STATUS].s;

	if (row->maint)
		return "maint";
	if (!row->up)
		return "down";
	if (strcmp(status, "UP") == 0 || strcmp(status, "OPEN") == 0)
		return "up";
	return strcmp(status, "no check") == 0 ? "" : "warn";
}

static void
number(struct buf *out, const struct stat_row *row, enum stat_column c)
{
	if (row->cell[c].set)
		buf_printf(out, "<td>%" PRIu64 "</td>", row->cell[c].n);
	else
		buf_puts(out, "<td></td>");
}

static void
last_check(struct buf *out, const struct stat_row *row)
{
	buf_puts(out, "<td class=\"l\">");
	if (row->cell[STAT_CHECK_STATUS].set) {
		page_escape(out, row->cell[STAT_CHECK_STATUS].s);
		if (row->cell[STAT_CHECK_DURATION].set)
			buf_printf(out, " in %" PRIu64 " ms", row->cell[STAT_CHECK_DURATION].n);
		if (row->cell[STAT_LAST_CHK].set && row->cell[STAT_LAST_CHK].s[0] != '\0') {
			buf_puts(out, ": ");
			page_escape(out, row->cell[STAT_LAST_CHK].s);
		}
	}
	buf_puts(out, "</td></tr>\n");
}

static void
page_row(struct buf *out, const struct stat_row *row)
{
	static const enum stat_column shown[] = {STAT_SCUR, STAT_SMAX, STAT_SLIM, STAT_STOT,
	    STAT_RATE, STAT_QCUR, STAT_BIN, STAT_BOUT, STAT_ECON, STAT_WRETR, STAT_WEIGHT};

	buf_printf(
	    out, "<tr class=\"%s%s\"><td>", class_of(row), row->type == STAT_SERVER ? "" : " sum");
	page_escape(out, row->cell[STAT_SVNAME].s);
	if (row->cell[STAT_ADDR].set) {
		buf_puts(out, " <small>");
		page_escape(out, row->cell[STAT_ADDR].s);
		buf_puts(out, "</small>");
	}
	buf_puts(out, "</td><td class=\"l\">");
	page_escape(out, row->cell[STAT_STATUS].s);
	if (row->cell[STAT_LASTCHG].set) {
		char age[32];

		buf_printf(
		    out, " <small>%s</small>", total_format_uptime(age, row->cell[STAT_LASTCHG].n));
	}
	buf_puts(out, "</td>");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		number(out, row, shown[i]);
	last_check(out, row);
}

/* One heading and table for each frontend, and for each backend with its servers. */
static void
page_item(struct page *p, struct buf *out, const struct stat_row *row)
{
	if (!p->open) {
		buf_printf(out, "<h2>%s ", row->type == STAT_FRONTEND ? "frontend" : "backend");
		page_escape(out, row->cell[STAT_PXNAME].s);
		buf_puts(out, "</h2>\n<table>\n");
		buf_puts(out, columns);
		p->open = true;
	}
	page_row(out, row);
	if (row->type != STAT_SERVER) {
		buf_puts(out, "</table>\n");
		p->open = false;
	}
}

static bool
page_more(void *stream, struct buf *out, size_t limit)
{
	struct page *p = stream;
	struct stat_row row;

	p->src.now = mono_now();
	if (!p->begun)
		page_head(p, out);
	p->begun = true;
	for (; p->at < p->list.n && out->len < limit; p->at++)
		if (stat_list_row(&row, &p->src, &p->list.v[p->at], &p->filter))
			page_item(p, out, &row);
	if (p->at < p->list.n)
		return true;
	buf_puts(out, p->open ? "</table>\n</body></html>\n" : "</body></html>\n");
	return false;
}

static void
page_end(void *stream)
{
	struct page *p = stream;

	stat_list_free(&p->list);
	free(p);
}

void
page_answer(const struct shm *s, const struct conf *conf, struct http_reply *rp)
{
	struct page *p = calloc(1, sizeof(*p));

	if (p == NULL || stat_list_make(&p->list, s) == -1) {
		free(p);
		rp->status = 500;
		return;
	}
	p->src = (struct stat_source){.shm = s, .conf = conf};
	p->filter = (struct stat_filter)STAT_FILTER_ALL;
	rp->content_type = "text/html; charset=utf-8";
	/* Nothing is loaded from anywhere, whatever a name may contain. */
	rp->extra = "Cache-Control: no-cache\r\nContent-Security-Policy: default-src 'none'; "
		    "style-src 'unsafe-inline'\r\n";
	rp->more = page_more;
	rp->end = page_end;
	rp->stream = p;
}
