/* SPDX-License-Identifier: ISC */
/* tcplog. Formatting is pure but for the time zone; the date's text is kept for a second. */
#include "worker/tcplog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "shm/limit.h"
#include "worker/record.h"
#include "worker/session.h"

static const char *
date_text(int64_t wall_us)
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	static time_t last = -1;
	static char text[96];
	time_t sec = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (sec == last)
		return text;
	if (localtime_r(&sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	snprintf(text, sizeof(text), "%02d/%s/%04d:%02d:%02d:%02d", tm.tm_mday,
	    months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	last = sec;
	return text;
}

size_t
tcplog_format(const struct tcplog *t, char *buf, size_t size)
{
	char host[SOCK_ADDR_TEXT];
	int n;

	n = snprintf(buf, size,
	    "%s:%u [%s.%03u] %s %s/%s %lld/%lld/%lld %llu %c%c %u/%u/%u/%u/%s%u %u/%u",
	    sock_addr_format_host(&t->client, host, sizeof(host)),
	    t->client.family == AF_UNIX ? 0U : sock_addr_port(&t->client),
	    date_text(t->accept_wall_us), (unsigned)(t->accept_wall_us / 1000 % 1000), t->frontend,
	    t->backend, t->server != NULL ? t->server : "<NOSRV>", (long long)t->wait_ms,
	    (long long)t->connect_ms, (long long)t->total_ms, (unsigned long long)t->bytes_out,
	    t->state[0], t->state[1], t->actconn, t->feconn, t->beconn, t->srv_conn,
	    t->redispatched ? "+" : "", t->retries, t->srv_queue, t->be_queue);
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

static int64_t
ms_from(int64_t from_ns, uint64_t to_ns)
{
	return to_ns == 0 ? -1 : ((int64_t)to_ns - from_ns) / 1000000;
}

void
tcplog_session(const struct session *s)
{
	const struct conf_frontend *fe = s->fe->conf;
	const struct shm_session *r = s->rec;
	const struct shm *seg = s->w->seg;
	uint64_t assigned = sw64_get(&r->assigned_ns);
	struct tcplog t;
	char line[512];

	if (!fe->tcplog || !log_wanted(LOG_INFO) || (fe->dontlog_normal && s->who == '-'))
		return;
	if (fe->dontlognull && sw64_get(&r->bytes_in) == 0 && sw64_get(&r->bytes_out) == 0 &&
	    (s->who == '-' || s->who == 'C' || s->who == 'c'))
		return;
	t = (struct tcplog){.accept_wall_us = r->accept_wall_us,
	    .frontend = fe->name,
	    .backend = s->be->conf->name,
	    .server = s->srv != NULL ? s->srv->conf->name : NULL,
	    .wait_ms = ms_from(r->accept_ns, assigned),
	    .connect_ms =
		assigned == 0 ? -1 : ms_from((int64_t)assigned, sw64_get(&r->connected_ns)),
	    .total_ms = mono_diff_ms(loop_now(s->w->loop), (struct mono){r->accept_ns}),
	    .bytes_out = sw64_get(&r->bytes_out),
	    .state = {s->who, s->when},
	    .actconn = limit_sum_global(seg),
	    .feconn = limit_sum_fe(seg, s->fe->slot),
	    .beconn = limit_sum_be(seg, s->be->slot),
	    .srv_conn = s->srv != NULL ? limit_sum_srv(seg, s->srv->slot) : 0,
	    .retries = sw32_get(&r->retries) & INT32_MAX,
	    .redispatched = (s->flags & SESSION_REDISP) != 0,
	    .srv_queue = 0,
	    .be_queue = s->queued_behind};
	record_get_end(&r->client, &t.client);
	log_line(LOG_INFO, line, tcplog_format(&t, line, sizeof(line)));
}
