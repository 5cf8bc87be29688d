/* SPDX-License-Identifier: ISC */
/*
 * Lines about sessions. By hand instead of printf: a line per session is a good part of what a
 * short session costs.
 */
#include "worker/logline.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/json.h"

/* A second's texts; lines of one second follow each other. */
struct date {
	time_t second;
	char local[24]; /* "05/Nov/2026:17:00:00" */
	char utc[24];
	char iso[24]; /* "2026-11-05T17:00:00" */
	char zone[8]; /* "+0100" */
};

static void
date_format(char *out, size_t size, const struct tm *tm)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	snprintf(out, size, "%02u/%.3s/%04u:%02u:%02u:%02u", (unsigned)tm->tm_mday % 100,
	    months + 3 * ((size_t)tm->tm_mon % 12), (unsigned)(tm->tm_year + 1900) % 10000,
	    (unsigned)tm->tm_hour % 100, (unsigned)tm->tm_min % 100, (unsigned)tm->tm_sec % 100);
}

static const struct date *
date_of(int64_t wall_us)
{
	static struct date d = {.second = -1};
	time_t second = (time_t)(wall_us / 1000000);
	struct tm tm = {0};
	long off;

	if (second == d.second)
		return &d;
	gmtime_r(&second, &tm);
	date_format(d.utc, sizeof(d.utc), &tm);
	localtime_r(&second, &tm);
	date_format(d.local, sizeof(d.local), &tm);
	strftime(d.iso, sizeof(d.iso), "%Y-%m-%dT%H:%M:%S", &tm);
	off = tm.tm_gmtoff / 60;
	snprintf(d.zone, sizeof(d.zone), "%c%02u%02u", off < 0 ? '-' : '+',
	    (unsigned)(off < 0 ? -off : off) / 60 % 100, (unsigned)(off < 0 ? -off : off) % 60);
	d.second = second;
	return &d;
}

/* ---- text that is cut ----------------------------------------------------------------------- */

struct out {
	char *p;
	char *end;
};

static void
put(struct out *o, const char *text, size_t len)
{
	size_t room = (size_t)(o->end - o->p);

	if (len > room)
		len = room;
	memcpy(o->p, text, len);
	o->p += len;
}

static void
put_char(struct out *o, char c)
{
	if (o->p < o->end)
		*o->p++ = c;
}

static void
put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void
put_padded(struct out *o, uint64_t v, unsigned base, size_t least)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789ABCDEF"[v % base];
		v /= base;
		least -= least > 0;
	} while (v != 0 || least > 0);
	put(o, p, (size_t)(digits + sizeof(digits) - p));
}

static void
put_uint(struct out *o, uint64_t v)
{
	put_padded(o, v, 10, 1);
}

static void
put_int(struct out *o, int64_t v)
{
	if (v < 0)
		put_char(o, '-');
	put_uint(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void
put_hex_or_uint(struct out *o, uint64_t v, uint8_t flags)
{
	if (flags & LOGFORMAT_HEX)
		put_padded(o, v, 16, 4);
	else
		put_uint(o, v);
}

/* ---- kinds of values ------------------------------------------------------------------------ */

static void
put_string(struct out *o, const char *text, uint8_t flags)
{
	if (flags & LOGFORMAT_QUOTE)
		put_char(o, '"');
	if (!(flags & LOGFORMAT_ESCAPE))
		put_text(o, text);
	else
		for (; *text != '\0'; text++) {
			if (*text == '"' || *text == '\\' || *text == ']')
				put_char(o, '\\');
			put_char(o, *text);
		}
	if (flags & LOGFORMAT_QUOTE)
		put_char(o, '"');
}

/* What is not known. */
static void
put_none(struct out *o, uint8_t flags)
{
	put_text(o, flags & LOGFORMAT_QUOTE ? "\"\"" : "-");
}

static const char *
end_host(const struct shm_end *e, char *buf, size_t size)
{
	struct out o = {buf, buf + size - 1};

	if (e->family == AF_INET6 && inet_ntop(AF_INET6, e->addr, buf, (socklen_t)size) != NULL)
		return buf;
	if (e->family == AF_INET)
		for (int i = 0; i < 4; i++) {
			if (i > 0)
				put_char(&o, '.');
			put_uint(&o, e->addr[i]);
		}
	else
		put_text(&o, "unix");
	*o.p = '\0';
	return buf;
}

static void
put_host(struct out *o, const struct shm_end *e, uint8_t flags)
{
	char text[INET6_ADDRSTRLEN];

	if (e->family == 0)
		put_none(o, flags);
	else if ((flags & LOGFORMAT_HEX) && e->family != AF_UNIX)
		for (int i = 0; i < (e->family == AF_INET ? 4 : 16); i++)
			put_padded(o, e->addr[i], 16, 2);
	else
		put_string(o, end_host(e, text, sizeof(text)), flags & ~LOGFORMAT_ESCAPE & 0xff);
}

static void
put_port(struct out *o, const struct shm_end *e, uint8_t flags)
{
	if (e->family == 0)
		put_none(o, flags);
	else
		put_hex_or_uint(o, e->port, flags);
}

static int64_t
data_ms(const struct logline *l)
{
	return l->connect_ms < 0 ? -1 : l->total_ms - l->handshake_ms - l->wait_ms - l->connect_ms;
}

static void
put_date(struct out *o, const struct logline *l, unsigned what)
{
	const struct date *d = date_of(l->accept_wall_us);

	switch (what) {
	case LOGFORMAT_DATE_UTC:
		put_text(o, d->utc);
		put_text(o, " +0000");
		break;
	case LOGFORMAT_DATE_LOCAL:
		put_text(o, d->local);
		put_char(o, ' ');
		put_text(o, d->zone);
		break;
	default:
		put_text(o, d->local);
		put_char(o, '.');
		put_padded(o, (uint64_t)(l->accept_wall_us / 1000 % 1000), 10, 3);
		break;
	}
}

static void
put_end(struct out *o, const struct logline *l, const struct logformat_op *op)
{
	switch (op->what) {
	case LOGFORMAT_CLIENT_IP:
		put_host(o, &l->client, op->flags);
		break;
	case LOGFORMAT_CLIENT_PORT:
		put_port(o, &l->client, op->flags);
		break;
	case LOGFORMAT_FRONTEND_IP:
		put_host(o, &l->local, op->flags);
		break;
	case LOGFORMAT_FRONTEND_PORT:
		put_port(o, &l->local, op->flags);
		break;
	case LOGFORMAT_SOURCE_IP:
		put_host(o, &l->source, op->flags);
		break;
	case LOGFORMAT_SOURCE_PORT:
		put_port(o, &l->source, op->flags);
		break;
	case LOGFORMAT_SERVER_IP:
		put_host(o, &l->server_at, op->flags);
		break;
	case LOGFORMAT_SERVER_PORT:
		put_port(o, &l->server_at, op->flags);
		break;
	default:
		break;
	}
}

static void
put_time(struct out *o, const struct logline *l, const struct logformat_op *op)
{
	switch (op->what) {
	case LOGFORMAT_HANDSHAKE_MS:
		put_uint(o, l->handshake_ms);
		break;
	case LOGFORMAT_WAIT_MS:
		put_int(o, l->wait_ms);
		break;
	case LOGFORMAT_CONNECT_MS:
		put_int(o, l->connect_ms);
		break;
	case LOGFORMAT_DATA_MS:
		put_int(o, data_ms(l));
		break;
	case LOGFORMAT_TOTAL_MS:
	case LOGFORMAT_USER_MS:
		put_int(o, l->total_ms);
		break;
	case LOGFORMAT_TIMESTAMP:
		put_hex_or_uint(o, (uint64_t)(l->accept_wall_us / 1000000), op->flags);
		break;
	case LOGFORMAT_MILLISECONDS:
		put_padded(o, (uint64_t)(l->accept_wall_us / 1000 % 1000), 10, 3);
		break;
	default:
		put_end(o, l, op);
		break;
	}
}

static void
put_number(struct out *o, const struct logline *l, const struct logformat_op *op)
{
	switch (op->what) {
	case LOGFORMAT_BYTES_OUT:
		put_uint(o, l->bytes_out);
		break;
	case LOGFORMAT_BYTES_IN:
		put_uint(o, l->bytes_in);
		break;
	case LOGFORMAT_ACTCONN:
		put_uint(o, l->actconn);
		break;
	case LOGFORMAT_FECONN:
		put_uint(o, l->feconn);
		break;
	case LOGFORMAT_BECONN:
		put_uint(o, l->beconn);
		break;
	case LOGFORMAT_SRV_CONN:
		put_uint(o, l->srv_conn);
		break;
	case LOGFORMAT_RETRIES:
		if (l->redispatched)
			put_char(o, '+');
		put_uint(o, l->retries);
		break;
	case LOGFORMAT_SRV_QUEUE:
		put_uint(o, l->srv_queue);
		break;
	case LOGFORMAT_BE_QUEUE:
		put_uint(o, l->be_queue);
		break;
	case LOGFORMAT_COUNTER:
		put_hex_or_uint(o, l->id, op->flags);
		break;
	case LOGFORMAT_PID:
		put_hex_or_uint(o, l->pid, op->flags);
		break;
	default:
		put_time(o, l, op);
		break;
	}
}

static void
put_op(struct out *o, const struct logline *l, const struct logformat_op *op)
{
	switch (op->what) {
	case LOGFORMAT_TEXT:
		put(o, op->text, op->len);
		break;
	case LOGFORMAT_FRONTEND:
	case LOGFORMAT_FRONTEND_TRANSPORT:
		put_string(o, l->frontend, op->flags);
		break;
	case LOGFORMAT_BACKEND:
		put_string(o, l->backend, op->flags);
		break;
	case LOGFORMAT_SERVER:
		put_string(o, l->server != NULL ? l->server : "<NOSRV>", op->flags);
		break;
	case LOGFORMAT_HOST:
		put_string(o, l->host, op->flags);
		break;
	case LOGFORMAT_STATE:
	case LOGFORMAT_STATE_COOKIE:
		put(o, l->state, sizeof(l->state));
		if (op->what == LOGFORMAT_STATE_COOKIE)
			put_text(o, "--");
		break;
	case LOGFORMAT_DATE:
	case LOGFORMAT_DATE_LOCAL:
	case LOGFORMAT_DATE_UTC:
		put_date(o, l, op->what);
		break;
	default:
		put_number(o, l, op);
		break;
	}
}

static size_t
render_json(const struct logline *l, char *buf, size_t size)
{
	struct log_field f[LOGLINE_FIELDS];
	struct logline_room room;
	struct buf b = BUF_FIXED(buf, size);
	struct json j;

	json_init(&j, &b, false);
	json_object_begin(&j);
	log_fields_json(&j, f, logline_fields(l, f, &room));
	json_object_end(&j);
	return b.len;
}

size_t
logline_render(const struct logformat *p, const struct logline *l, char *buf, size_t size)
{
	struct out o = {buf, buf + size - 1};
	bool blank = true;

	if (p->json)
		return render_json(l, buf, size);
	for (unsigned i = 0; i < p->n; i++) {
		bool space = p->op[i].what == LOGFORMAT_SPACE;

		if (!space)
			put_op(&o, l, &p->op[i]);
		else if (!blank)
			put_char(&o, ' ');
		blank = space;
	}
	*o.p = '\0';
	return (size_t)(o.p - buf);
}

/* ---- fields --------------------------------------------------------------------------------- */

static const char *
time_text(int64_t wall_us, char *buf, size_t size)
{
	const struct date *d = date_of(wall_us);
	struct out o = {buf, buf + size - 1};

	put_text(&o, d->iso);
	put_char(&o, '.');
	put_padded(&o, (uint64_t)(wall_us % 1000000), 10, 6);
	put(&o, d->zone, 3);
	put_char(&o, ':');
	put_text(&o, d->zone + 3);
	*o.p = '\0';
	return buf;
}

size_t
logline_fields(
    const struct logline *l, struct log_field f[LOGLINE_FIELDS], struct logline_room *room)
{
	const struct {
		const char *ip, *port;
		const struct shm_end *end;
	} ends[] = {{"client_ip", "client_port", &l->client},
	    {"frontend_ip", "frontend_port", &l->local}, {"source_ip", "source_port", &l->source},
	    {"server_ip", "server_port", &l->server_at}};
	size_t n = 0;

#define TEXT(k, v) f[n++] = (struct log_field){.name = (k), .text = (v)}
#define NUMBER(k, v)                                \
	f[n++] = (struct log_field)                 \
	{                                           \
		.name = (k), .number = (int64_t)(v) \
	}
	TEXT("accepted", time_text(l->accept_wall_us, room->time, sizeof(room->time)));
	NUMBER("session", l->id);
	TEXT("frontend", l->frontend);
	TEXT("backend", l->backend);
	if (l->server != NULL)
		TEXT("server", l->server);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends[i].end->family == 0)
			continue;
		TEXT(ends[i].ip, end_host(ends[i].end, room->ends[i], sizeof(room->ends[i])));
		if (ends[i].end->family != AF_UNIX)
			NUMBER(ends[i].port, ends[i].end->port);
	}
	snprintf(room->state, sizeof(room->state), "%.2s", l->state);
	TEXT("state", room->state);
	NUMBER("bytes_in", l->bytes_in);
	NUMBER("bytes_out", l->bytes_out);
	NUMBER("handshake_ms", l->handshake_ms);
	NUMBER("wait_ms", l->wait_ms);
	NUMBER("connect_ms", l->connect_ms);
	NUMBER("total_ms", l->total_ms);
	NUMBER("actconn", l->actconn);
	NUMBER("feconn", l->feconn);
	NUMBER("beconn", l->beconn);
	NUMBER("srv_conn", l->srv_conn);
	NUMBER("retries", l->retries);
	NUMBER("redispatched", l->redispatched);
	NUMBER("be_queue", l->be_queue);
#undef TEXT
#undef NUMBER
	return n;
}
