/* SPDX-License-Identifier: ISC */
/*
 * "show sess": sessions of all workers from their records in shared memory, a line each, or one (or
 * all) in full. Runs in workers; reads shared memory only.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/sessrec.h"
#include "shm/target.h"
#include "worker/show.h"

enum { F_ALL = 1, F_ONE = 2, F_SERVER = 4, F_FOUND = 8 };

static const char *
phase_word(uint32_t phase)
{
	static const char *const words[] = {
	    [SHM_PH_FREE] = "free",
	    [SHM_PH_REQUEST] = "request",
	    [SHM_PH_QUEUE] = "queue",
	    [SHM_PH_CONNECT] = "connect",
	    [SHM_PH_DATA] = "data",
	    [SHM_PH_LAST] = "last",
	    [SHM_PH_CLOSED] = "closed",
	};

	return phase < sizeof(words) / sizeof(words[0]) ? words[phase] : "?";
}

static const char *
format_end(const struct shm_end *e, char *to, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	switch (e->family) {
	case AF_INET:
	case AF_INET6:
		inet_ntop(e->family, e->addr, host, sizeof(host));
		snprintf(to, size, "%s:%u", host, e->port);
		break;
	case AF_UNIX:
		snprintf(to, size, "unix");
		break;
	default:
		snprintf(to, size, "-");
	}
	return to;
}

static const char *
proto_word(const struct shm_end *e)
{
	return e->family == AF_UNIX ? "unix_stream" : e->family == AF_INET6 ? "tcpv6" : "tcpv4";
}

/* Names behind a record's slots; another object may have taken the slot meanwhile, which only an
 * operator's table can live with. */
struct names {
	char fe[SHM_NAME];
	char be[SHM_NAME];
	char srv[SHM_NAME];
};

static void
find_names(const struct shm *s, const struct shm_session *r, struct names *n)
{
	uint32_t fe = sw32_get(&r->fe), be = sw32_get(&r->be), srv = sw32_get(&r->srv);

	snprintf(n->fe, sizeof(n->fe), "%.*s", SHM_NAME - 1,
	    fe < s->caps->frontends ? shm_fe_dir(s, fe)->name : "<NONE>");
	snprintf(n->be, sizeof(n->be), "%.*s", SHM_NAME - 1,
	    be < s->caps->backends ? shm_be_dir(s, be)->name : "<NONE>");
	snprintf(n->srv, sizeof(n->srv), "%.*s", SHM_NAME - 1,
	    srv < s->caps->servers ? shm_srv_dir(s, srv)->name : "<none>");
}

static int64_t
age_s(const struct command_run *run, int64_t ns)
{
	return run->src.now.ns > ns ? mono_minus(run->src.now.ns, ns) / 1000000000 : 0;
}

static void
sess_line(struct command_run *run, const struct shm_session *r)
{
	char src[64], dst[64];
	struct names n;

	find_names(run->src.shm, r, &n);
	buf_printf(run->out,
	    "0x%012" PRIx64 ": proto=%s src=%s dst=%s fe=%s be=%s srv=%s ts=%s age=%" PRId64
	    "s idle=%" PRId64 "s in=%" PRIu64 " out=%" PRIu64 " rc=%" PRIu32 " worker=%u\n",
	    r->id, proto_word(&r->client), format_end(&r->client, src, sizeof(src)),
	    format_end(&r->local, dst, sizeof(dst)), n.fe, n.be, n.srv,
	    phase_word(sw32_get(&r->phase)), age_s(run, r->accept_ns),
	    age_s(run, (int64_t)sw64_get(&r->active_ns)), sw64_get(&r->bytes_in),
	    sw64_get(&r->bytes_out), sw32_get(&r->retries) & 0x7fffffffu, run->worker);
}

/* Milliseconds from the accept to at, "-" when that has not come yet. */
static const char *
format_ms(char *to, size_t size, const struct shm_session *r, uint64_t at)
{
	if (at == 0)
		snprintf(to, size, "-");
	else
		snprintf(
		    to, size, "%" PRId64 "ms", mono_minus((int64_t)at, r->accept_ns) / 1000000);
	return to;
}

/* Where it has connected to, or is about to; without that, where a new one would. */
static const char *
server_addr(const struct shm *s, const struct shm_session *r, char to[SHM_ADDR])
{
	uint32_t srv = sw32_get(&r->srv);

	if (srv >= s->caps->servers)
		return "-";
	if (r->server.family == AF_INET || r->server.family == AF_INET6)
		return format_end(&r->server, to, SHM_ADDR);
	return target_text(s, srv, to);
}

static void
sess_full(struct command_run *run, const struct shm_session *r)
{
	char src[64], dst[64], ours[64], at[SHM_ADDR], when[64], assigned[32], connected[32];
	time_t t = (time_t)(r->accept_wall_us / 1000000);
	uint32_t retries = sw32_get(&r->retries);
	const struct shm *s = run->src.shm;
	struct names n;
	struct tm tm;

	find_names(s, r, &n);
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S", &tm);
	buf_printf(run->out,
	    "0x%012" PRIx64 ": [%s.%06d] id=%" PRIu64 " proto=%s source=%s\n"
	    "  state=%s, conn_retries=%" PRIu32 "%s, worker=%u pid=%" PRIu32 "\n"
	    "  frontend=%s addr=%s\n",
	    r->id, when, (int)(r->accept_wall_us % 1000000), r->id, proto_word(&r->client),
	    format_end(&r->client, src, sizeof(src)), phase_word(sw32_get(&r->phase)),
	    retries & 0x7fffffffu, retries >> 31 != 0 ? " redispatched" : "", run->worker,
	    sw32_get(&shm_worker(s, run->worker)->pid), n.fe,
	    format_end(&r->local, dst, sizeof(dst)));
	buf_printf(run->out,
	    "  backend=%s\n  server=%s addr=%s\n  source=%s\n"
	    "  assigned=%s connected=%s age=%" PRId64 "s idle=%" PRId64 "s\n"
	    "  bytes_in=%" PRIu64 " bytes_out=%" PRIu64 "\n",
	    n.be, n.srv, server_addr(s, r, at), format_end(&r->source, ours, sizeof(ours)),
	    format_ms(assigned, sizeof(assigned), r, sw64_get(&r->assigned_ns)),
	    format_ms(connected, sizeof(connected), r, sw64_get(&r->connected_ns)),
	    age_s(run, r->accept_ns), age_s(run, (int64_t)sw64_get(&r->active_ns)),
	    sw64_get(&r->bytes_in), sw64_get(&r->bytes_out));
}

static void
sess_one(struct command_run *run, const struct shm_session *rec)
{
	struct shm_session copy;

	if (!sessrec_read(rec, &copy) || ((run->flags & F_ONE) != 0 && copy.id != run->id) ||
	    ((run->flags & F_SERVER) != 0 && sw32_get(&copy.srv) != run->id))
		return;
	run->flags |= F_FOUND;
	if ((run->flags & (F_ALL | F_ONE)) != 0)
		sess_full(run, &copy);
	else
		sess_line(run, &copy);
}

static bool
sess_more(struct command_run *run)
{
	const struct shm *s = run->src.shm;
	uint32_t n_workers = sw32_get(&s->master->n_workers);

	for (; run->worker < n_workers && run->worker < s->caps->workers;
	     run->worker++, run->at = 0) {
		const struct shm_worker *w = shm_worker(s, run->worker);
		uint32_t n = sw32_get(&w->n_sessions);
		size_t looked = 0;

		for (; run->at < n && run->at < s->caps->sessions; run->at++) {
			/* Free records write nothing: bound the work of a call too. */
			if (run->out->len >= run->limit || ++looked > 8192)
				return true;
			sess_one(run, &shm_sessions(s, w)[run->at]);
		}
	}
	if ((run->flags & (F_ONE | F_FOUND)) == F_ONE)
		buf_puts(run->out, "Session not found.\n");
	return false;
}

bool
show_sess_run(struct command_run *run, int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "all") == 0) {
		run->flags |= F_ALL;
	} else if (argc > 1 && strcmp(argv[0], "server") == 0) {
		uint32_t srv = command_find_server(run, argv[1]);

		if (srv == SHM_NONE)
			return false;
		run->flags |= F_SERVER;
		run->id = srv;
	} else if (argc > 0) {
		char *end;

		run->flags |= F_ONE;
		run->id = strtoull(argv[0], &end, strncmp(argv[0], "0x", 2) == 0 ? 16 : 10);
		if (*end != '\0') {
			buf_puts(run->out, "Session not found.\n");
			return false;
		}
	}
	run->more = sess_more;
	return sess_more(run);
}
