/* SPDX-License-Identifier: ISC */
/*
 * Load generator: many sessions through a balancer to vback, each answer looked at for whose it is
 * (tests/lib/vmsg.h). Bounded in number and time, and says what it saw as one line of JSON. A
 * session that fails is counted by what ended it; nothing is tried twice. Independent of vipd's
 * own code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/vmsg.h"

#define TMP_BYTES    (256 * 1024)
#define SWEEP_US     20000 /* how often time limits are looked at */
#define FAILURES_MAX 100   /* listed one by one */
#define SERVERS_MAX  1024
#define TARGETS_MAX  16
#define HTTP_HEAD    4096

enum mode {
	M_SHORT = 0, /* connect, one message, answer, close */
	M_REQ,       /* -k messages on a connection */
	M_HALF,      /* as short, but ends its side after the message and reads to the end */
	M_NAME,      /* connects, reads to the end: "NAME\n" */
	M_HTTP,      /* GET, -k on a connection */
	M_IDLE,      /* one message on each of -c connections, holds them, see hold() */
	M_N,
};
static const char *const mode_names[M_N] = {"short", "req", "half", "name", "http", "idle"};

enum phase { P_CONNECT = 0, P_SEND, P_ANSWER, P_END, P_HOLD, P_N };
static const char *const phase_names[P_N] = {"connect", "send", "answer", "end", "hold"};

/* What may end a session, other than success and an errno. */
enum fate { F_TIMEOUT = 0, F_EARLY_EOF, F_CORRUPT, F_CROSSED, F_ORDER, F_HTTP, F_N };
static const char *const fate_names[F_N] = {
    "timeout", "early_eof", "corrupt", "crossed", "order", "http"};

struct sess {
	int fd; /* -1: free */
	enum phase phase;
	uint32_t seq, left; /* messages done, to do */
	uint32_t events;
	uint64_t id, t_start, t_phase, t_send;
	bool first_seen;
	struct vmsg out, in;
	uint64_t out_off; /* of head and body together */
	size_t in_len;
	uint64_t in_body;
	char *text;
	size_t text_len;
	uint64_t text_body; /* bytes of an HTTP body still to come */
	bool text_head;
};

static struct {
	enum mode mode;
	uint32_t conns, per_conn;
	uint64_t total, size, want;
	double seconds;
	uint64_t every_us, slow_us, timeout_us, think_us, pace_us;
	bool raw, rst, server_closes;
	uint32_t spread;
	int64_t read_rate;
	int rcvbuf;
	const char *path;
} opt = {.conns = 1, .per_conn = 1, .size = 100, .want = 100, .timeout_us = 10000000, .path = "/"};

static struct {
	uint64_t started, ok, failed, requests, bytes_in, bytes_out, status[6];
	uint64_t err[P_N][256], fate[P_N][F_N];
	uint64_t lost; /* starts that no slot was free for (rate too high for -c) */
	struct hist connect, first, request, whole;
} st;

static struct {
	char name[16];
	uint64_t n;
} servers[SERVERS_MAX];
static size_t n_servers;

static struct {
	uint64_t at_us, id, took_us;
	const char *phase, *what;
} failures[FAILURES_MAX];
static size_t n_failures;

static struct sockaddr_storage targets[TARGETS_MAX];
static socklen_t target_len[TARGETS_MAX];
static size_t n_targets;
static struct sess *sessions;
static uint32_t *free_slots, n_free;
static int epfd;
static uint64_t t0, id_base;
static bool stopping;
static uint8_t tmp[TMP_BYTES];

static void sess_pump(struct sess *s);

static void
die(const char *what)
{
	fprintf(stderr, "vload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
server_count(const char *name)
{
	char n[sizeof(servers[0].name)] = "";

	memcpy(n, name, strnlen(name, sizeof(n) - 1));
	for (size_t i = 0; i < n_servers; i++)
		if (strcmp(servers[i].name, n) == 0) {
			servers[i].n++;
			return;
		}
	if (n_servers == SERVERS_MAX)
		return;
	memcpy(servers[n_servers].name, n, sizeof(n));
	servers[n_servers++].n = 1;
}

static void
note(struct sess *s, const char *what)
{
	uint64_t now = tool_now_us();

	if (n_failures == FAILURES_MAX)
		return;
	failures[n_failures].at_us = s->t_start - t0;
	failures[n_failures].took_us = now - s->t_start;
	failures[n_failures].id = s->id;
	failures[n_failures].phase = phase_names[s->phase];
	failures[n_failures++].what = what;
}

static void
sess_close(struct sess *s, bool reset)
{
	if (reset) {
		struct linger l = {.l_onoff = 1, .l_linger = 0};

		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	close(s->fd);
	s->fd = -1;
	free(s->text);
	s->text = NULL;
	free_slots[n_free++] = (uint32_t)(s - sessions);
}

static void
sess_fail(struct sess *s, int err, enum fate fate)
{
	if (err != 0) {
		st.err[s->phase][err & 255]++;
		note(s, strerrorname_np(err));
	} else {
		st.fate[s->phase][fate]++;
		note(s, fate_names[fate]);
	}
	st.failed++;
	sess_close(s, true);
}

static void
sess_done(struct sess *s)
{
	uint64_t took = tool_now_us() - s->t_start;

	st.ok++;
	hist_add(&st.whole, took);
	if (opt.slow_us != 0 && took > opt.slow_us)
		note(s, "slow");
	sess_close(s, opt.rst);
}

static void
sess_phase(struct sess *s, enum phase p)
{
	s->phase = p;
	s->t_phase = tool_now_us();
}

static void
sess_events(struct sess *s, uint32_t want)
{
	struct epoll_event ev = {.events = want, .data.ptr = s};

	if (want == s->events)
		return;
	if (epoll_ctl(epfd, s->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, s->fd, &ev) == -1)
		die("epoll_ctl");
	s->events = want;
}

static void
message_next(struct sess *s)
{
	s->out = (struct vmsg){.flags = opt.raw ? VMSG_RAW : 0,
	    .session = s->id,
	    .seq = s->seq,
	    .len = opt.size,
	    .want = opt.want};
	vmsg_seal(&s->out);
	s->out_off = 0;
	s->in_len = 0;
	s->in_body = 0;
	sess_phase(s, P_SEND);
	s->t_send = s->t_phase;
}

static void sess_pump(struct sess *s);

static void
source_address(struct sess *s)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int one = 1;

	in.sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(s->id % opt.spread));
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(s->fd, (struct sockaddr *)&in, sizeof(in)) == -1)
		die("bind");
}

static void
sess_start(void)
{
	struct sess *s;
	size_t target = st.started % n_targets;
	int one = 1;

	if (n_free == 0) {
		st.lost++;
		return;
	}
	s = &sessions[free_slots[--n_free]];
	memset(s, 0, sizeof(*s));
	s->id = id_base + ++st.started;
	s->left = opt.per_conn;
	s->fd = socket(targets[target].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd == -1)
		die("socket");
	if (targets[target].ss_family != AF_UNIX && !(opt.raw && opt.mode == M_SHORT))
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (opt.rcvbuf > 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &opt.rcvbuf, sizeof(int));
	if (opt.spread > 0)
		source_address(s);
	s->t_start = tool_now_us();
	sess_phase(s, P_CONNECT);
	if (connect(s->fd, (struct sockaddr *)&targets[target], target_len[target]) == -1 &&
	    errno != EINPROGRESS) {
		sess_fail(s, errno, 0);
		return;
	}
	if (opt.raw && (opt.mode == M_SHORT || opt.mode == M_REQ)) {
		/* Measuring: as few wake-ups as can be, so that it is not us who are measured. */
		message_next(s);
		sess_pump(s);
		return;
	}
	sess_events(s, EPOLLOUT);
}

static void
sess_connected(struct sess *s)
{
	hist_add(&st.connect, tool_now_us() - s->t_start);
	if (opt.mode == M_NAME) {
		sess_phase(s, P_ANSWER);
	} else if (opt.mode == M_HTTP) {
		s->out_off = 0;
		sess_phase(s, P_SEND);
		s->t_send = s->t_phase;
	} else {
		message_next(s);
	}
}

static ssize_t
send_some(struct sess *s, const uint8_t *p, size_t n, bool more)
{
	ssize_t w = send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));

	if (w > 0)
		st.bytes_out += (uint64_t)w;
	return w;
}

/* 1: sent, 0: later, -1: failed. */
static int
message_send(struct sess *s)
{
	const uint64_t head = sizeof(s->out), all = head + s->out.len;

	while (s->out_off < all) {
		size_t n = all - s->out_off < TMP_BYTES ? (size_t)(all - s->out_off) : TMP_BYTES;
		size_t h = s->out_off < head ? (size_t)(head - s->out_off) : 0;
		ssize_t w;

		if (h > 0)
			memcpy(tmp, (uint8_t *)&s->out + s->out_off, h);
		if (!opt.raw)
			vmsg_fill(vmsg_seed(&s->out), s->out_off + h - head, tmp + h, n - h);
		w = send_some(s, tmp, n, false);
		if (w == -1)
			return errno == EAGAIN ? 0 : -1;
		s->out_off += (uint64_t)w;
	}
	return 1;
}

static int
http_send(struct sess *s)
{
	char req[512];
	int n = snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", opt.path,
	    s->left == 1 ? "Connection: close\r\n" : "");
	ssize_t w = send_some(s, (uint8_t *)req + s->out_off, (size_t)n - s->out_off, false);

	if (w == -1)
		return errno == EAGAIN ? 0 : -1;
	s->out_off += (uint64_t)w;
	return s->out_off == (uint64_t)n;
}

static void
answer_seen(struct sess *s)
{
	if (s->first_seen)
		return;
	s->first_seen = true;
	hist_add(&st.first, tool_now_us() - s->t_start);
}

/* One answer is complete: what now? false: the session is over and freed. */
static bool
answer_complete(struct sess *s, const char *name)
{
	uint64_t now = tool_now_us();

	if (s->seq == 0)
		server_count(name);
	st.requests++;
	if (opt.mode == M_REQ || opt.mode == M_IDLE || opt.mode == M_HTTP)
		hist_add(&st.request, now - s->t_send);
	s->seq++;
	if (s->left > 0)
		s->left--;
	if (opt.mode == M_IDLE) {
		sess_phase(s, P_HOLD);
		return true;
	}
	if (s->left == 0 || (stopping && opt.mode == M_REQ)) {
		if (opt.mode == M_HALF || opt.server_closes) {
			sess_phase(s, P_END);
			return true;
		}
		sess_done(s);
		return false;
	}
	if (opt.think_us > 0 || opt.pace_us > 0) {
		sess_phase(s, P_HOLD);
		return true;
	}
	if (opt.mode == M_HTTP) {
		s->out_off = 0;
		sess_phase(s, P_SEND);
		s->t_send = s->t_phase;
	} else {
		message_next(s);
	}
	return true;
}

/* false: the session is over and freed. */
static bool
message_data(struct sess *s, const uint8_t *p, size_t n)
{
	if (s->phase != P_ANSWER) {
		/* Bytes that nobody asked for, perhaps another session's. */
		sess_fail(s, 0, n >= 4 && memcmp(p, "VMSG", 4) == 0 ? F_CROSSED : F_CORRUPT);
		return false;
	}
	while (n > 0) {
		size_t take = sizeof(s->in) - s->in_len;

		if (take > 0) {
			enum vmsg_fault f;

			take = take < n ? take : n;
			memcpy((uint8_t *)&s->in + s->in_len, p, take);
			s->in_len += take;
			p += take;
			n -= take;
			if (s->in_len < sizeof(s->in))
				return true;
			f = vmsg_check(&s->in, s->id, s->seq, true);
			if (f == VMSG_OK && s->in.len != opt.want)
				f = VMSG_CORRUPT;
			if (f != VMSG_OK) {
				sess_fail(s, 0,
				    f == VMSG_CROSSED ? F_CROSSED
				    : f == VMSG_ORDER ? F_ORDER
						      : F_CORRUPT);
				return false;
			}
		}
		take = s->in.len - s->in_body < n ? (size_t)(s->in.len - s->in_body) : n;
		if (!opt.raw && !vmsg_match(vmsg_seed(&s->in), s->in_body, p, take)) {
			sess_fail(s, 0, F_CORRUPT);
			return false;
		}
		s->in_body += take;
		p += take;
		n -= take;
		if (s->in_body == s->in.len) {
			if (n > 0) {
				sess_fail(s, 0, F_ORDER);
				return false;
			}
			return answer_complete(s, s->in.name);
		}
	}
	return true;
}

static bool
text_data(struct sess *s, const uint8_t *p, size_t n)
{
	if (s->text == NULL && (s->text = malloc(HTTP_HEAD + 1)) == NULL)
		die("memory");
	if (opt.mode == M_HTTP && s->text_head) {
		size_t take = s->text_body < n ? (size_t)s->text_body : n;

		s->text_body -= take;
		if (s->text_len < HTTP_HEAD) {
			size_t room = HTTP_HEAD - s->text_len;

			memcpy(s->text + s->text_len, p, take < room ? take : room);
			s->text_len += take < room ? take : room;
			s->text[s->text_len] = 0;
		}
		if (take < n) {
			sess_fail(s, 0, F_HTTP);
			return false;
		}
	} else {
		char *e, *cl;
		size_t room = HTTP_HEAD - s->text_len, rest;
		int status = 0;

		if (n > room) {
			sess_fail(s, 0, F_HTTP);
			return false;
		}
		memcpy(s->text + s->text_len, p, n);
		s->text_len += n;
		s->text[s->text_len] = 0;
		if (opt.mode == M_NAME)
			return true;
		e = strstr(s->text, "\r\n\r\n");
		if (e == NULL)
			return true;
		e[2] = 0;
		cl = strcasestr(s->text, "\ncontent-length:");
		if (sscanf(s->text, "HTTP/1.%*d %d", &status) != 1 || status < 100 ||
		    status > 599 || cl == NULL) {
			sess_fail(s, 0, F_HTTP);
			return false;
		}
		st.status[status / 100]++;
		s->text_body = strtoull(cl + 16, NULL, 10);
		s->text_head = true;
		rest = s->text_len - (size_t)(e + 4 - s->text);
		memmove(s->text, e + 4, rest + 1);
		s->text_len = rest;
		if (rest > s->text_body) {
			sess_fail(s, 0, F_HTTP);
			return false;
		}
		s->text_body -= rest;
	}
	if (s->text_head && s->text_body == 0) {
		s->text[strcspn(s->text, "\r\n")] = 0;
		s->text_head = false;
		s->text_len = 0;
		return answer_complete(s, s->text);
	}
	return true;
}

static void
sess_eof(struct sess *s)
{
	if (opt.mode == M_NAME && s->phase == P_ANSWER && s->text_len > 0 &&
	    s->text[s->text_len - 1] == '\n') {
		s->text[s->text_len - 1] = 0;
		server_count(s->text);
		sess_done(s);
	} else if (s->phase == P_END) {
		sess_done(s);
	} else {
		sess_fail(s, 0, F_EARLY_EOF);
	}
}

/* Works on a session until nothing more goes; frees it at its end. */
static void
sess_pump(struct sess *s)
{
	for (;;) {
		size_t room = TMP_BYTES;
		ssize_t r;

		if (s->phase == P_CONNECT) {
			int err = 0;
			socklen_t len = sizeof(err);

			getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
			if (err != 0) {
				sess_fail(s, err, 0);
				return;
			}
			sess_connected(s);
		}
		if (s->phase == P_SEND) {
			int sent = opt.mode == M_HTTP ? http_send(s) : message_send(s);

			if (sent == -1) {
				sess_fail(s, errno, 0);
				return;
			}
			if (sent == 0) {
				sess_events(s, EPOLLOUT);
				return;
			}
			if (opt.mode == M_HALF)
				shutdown(s->fd, SHUT_WR);
			sess_phase(s, P_ANSWER);
			sess_events(s, EPOLLIN);
			return; /* the answer cannot be there yet */
		}
		if (opt.read_rate > 0)
			room = (size_t)opt.read_rate / 50 + 1;
		r = recv(s->fd, tmp, room < TMP_BYTES ? room : TMP_BYTES,
		    MSG_DONTWAIT | (opt.raw && s->in_len == sizeof(s->in) ? MSG_TRUNC : 0));
		if (r == -1 && errno == EAGAIN) {
			sess_events(s, EPOLLIN);
			return;
		}
		if (r == -1) {
			sess_fail(s, errno, 0);
			return;
		}
		if (r == 0) {
			sess_eof(s);
			return;
		}
		st.bytes_in += (uint64_t)r;
		answer_seen(s);
		if (!(opt.mode == M_NAME || opt.mode == M_HTTP ? text_data(s, tmp, (size_t)r)
							       : message_data(s, tmp, (size_t)r)))
			return;
		if (opt.read_rate > 0) {
			sess_events(s, EPOLLONESHOT); /* no input until the next sweep */
			return;
		}
		if ((size_t)r < room && s->phase != P_SEND) {
			sess_events(s, EPOLLIN);
			return;
		}
	}
}

/* Time limits, throttled readers, pauses between requests. */
static void
sweep(void)
{
	uint64_t now = tool_now_us();

	for (uint32_t i = 0; i < opt.conns; i++) {
		struct sess *s = &sessions[i];

		if (s->fd == -1)
			continue;
		if (s->phase == P_HOLD && opt.pace_us > 0) {
			if (stopping)
				sess_done(s);
		} else if (s->phase == P_HOLD && opt.mode != M_IDLE &&
			   now - s->t_phase >= opt.think_us) {
			message_next(s);
			sess_pump(s);
		} else if (s->phase != P_HOLD && now - s->t_phase > opt.timeout_us) {
			sess_fail(s, 0, F_TIMEOUT);
		} else if (opt.read_rate > 0 && (s->phase == P_ANSWER || s->phase == P_END)) {
			s->t_phase = now; /* slow on purpose */
			sess_pump(s);
		}
	}
}

static void
result(FILE *f)
{
	double secs = (double)(tool_now_us() - t0) / 1e6;
	const char *sep = "";
	uint64_t resets = 0, fates[F_N] = {0};

	for (int p = 0; p < P_N; p++) {
		resets += st.err[p][ECONNRESET] + st.err[p][EPIPE];
		for (int i = 0; i < F_N; i++)
			fates[i] += st.fate[p][i];
	}
#define N(x) (unsigned long long)(x)
	fprintf(f,
	    "{\"mode\": \"%s\", \"started\": %llu, \"ok\": %llu, \"failed\": %llu, \"lost\": %llu, "
	    "\"requests\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu, \"seconds\": %.3f, "
	    "\"conn_rate\": %.1f, \"request_rate\": %.1f, \"resets\": %llu, \"open\": %u",
	    mode_names[opt.mode], N(st.started), N(st.ok), N(st.failed), N(st.lost), N(st.requests),
	    N(st.bytes_in), N(st.bytes_out), secs, (double)st.ok / secs, (double)st.requests / secs,
	    N(resets), opt.conns - n_free);
	for (int i = 0; i < F_N; i++)
		fprintf(f, ", \"%s\": %llu", fate_names[i], N(fates[i]));
	fprintf(f, ", \"status\": {");
	for (int i = 1; i < 6; i++)
		fprintf(f, "%s\"%dxx\": %llu", i == 1 ? "" : ", ", i, N(st.status[i]));
	fprintf(f, "}, \"errors\": {");
	for (int p = 0; p < P_N; p++) {
		for (int e = 0; e < 256; e++)
			if (st.err[p][e] > 0) {
				fprintf(f, "%s\"%s %s\": %llu", sep, phase_names[p],
				    strerrorname_np(e), N(st.err[p][e]));
				sep = ", ";
			}
		for (int i = 0; i < F_N; i++)
			if (st.fate[p][i] > 0) {
				fprintf(f, "%s\"%s %s\": %llu", sep, phase_names[p], fate_names[i],
				    N(st.fate[p][i]));
				sep = ", ";
			}
	}
	fprintf(f, "}, \"servers\": {");
	for (size_t i = 0; i < n_servers; i++)
		fprintf(f, "%s\"%s\": %llu", i == 0 ? "" : ", ", servers[i].name, N(servers[i].n));
	fprintf(f, "}, \"failures\": [");
	for (size_t i = 0; i < n_failures; i++)
		fprintf(f,
		    "%s{\"at_ms\": %.1f, \"took_ms\": %.1f, \"phase\": \"%s\", \"what\": \"%s\"}",
		    i == 0 ? "" : ", ", (double)failures[i].at_us / 1e3,
		    (double)failures[i].took_us / 1e3, failures[i].phase, failures[i].what);
	fprintf(f, "], ");
#undef N
	hist_json(&st.connect, "connect_ms", f);
	fprintf(f, ", ");
	hist_json(&st.first, "first_byte_ms", f);
	fprintf(f, ", ");
	hist_json(&st.request, "request_ms", f);
	fprintf(f, ", ");
	hist_json(&st.whole, "total_ms", f);
	fprintf(f, "}\n");
	fflush(f);
}

/* Mode idle: once all connections had their answer, "holding N" is printed. SIGUSR1: one message
 * on each, then "checked N" (those that answered). SIGTERM or -t: the end. */
static void
hold(bool check)
{
	static bool said, checking;
	uint32_t busy = 0, held = 0;

	for (uint32_t i = 0; i < opt.conns; i++) {
		struct sess *s = &sessions[i];

		if (s->fd == -1)
			continue;
		if (check && s->phase == P_HOLD) {
			message_next(s);
			sess_pump(s);
		}
		if (s->fd != -1)
			*(s->phase == P_HOLD ? &held : &busy) += 1;
	}
	if (check)
		checking = true;
	if (busy > 0 || (!said && st.started < opt.total))
		return;
	if (!said)
		printf("holding %u\n", held);
	else if (checking)
		printf("checked %u\n", held);
	said = true;
	checking = false;
	fflush(stdout);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: vload [-m MODE] [-c CONNS] [-n TOTAL] [-t SECONDS] [-i EVERY_MS] [-k "
	    "PER_CONN]\n"
	    "    [-s SEND_BYTES] [-S ANSWER_BYTES] [-T TIMEOUT_MS] [-l SLOW_MS] [-p THINK_MS]\n"
	    "    [-q EVERY_MS] [-r READ_RATE] [-B RCVBUF] [-a SOURCES] [-u PATH] [-x] [-e] [-R] "
	    "TARGET...\n"
	    "  -i  a fresh connection each so many ms, whatever the others do (at most -c at "
	    "once)\n"
	    "  -q  a message each so many ms on one of the connections (mode req)\n"
	    "  -a  spread over so many source addresses 127.1.0.x    -x  close by RST\n"
	    "  -e  the server closes    -R  do not make and look at bodies, do not await the "
	    "connect (measuring)\n"
	    "  -l  list sessions slower than that    TARGET  ADDRESS:PORT or path, taken in turn\n"
	    "modes:");
	for (int i = 0; i < M_N; i++)
		fprintf(stderr, " %s", mode_names[i]);
	fprintf(stderr, "\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "m:c:n:t:i:k:q:s:S:T:l:p:r:B:a:u:xeR")) != -1) {
		switch (o) {
		case 'm':
			for (opt.mode = 0; opt.mode < M_N; opt.mode++)
				if (strcmp(optarg, mode_names[opt.mode]) == 0)
					break;
			if (opt.mode == M_N)
				usage();
			break;
		case 'c':
			opt.conns = (uint32_t)atoi(optarg);
			break;
		case 'n':
			opt.total = strtoull(optarg, NULL, 10);
			break;
		case 't':
			opt.seconds = atof(optarg);
			break;
		case 'i':
			opt.every_us = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'k':
			opt.per_conn = (uint32_t)atoi(optarg);
			break;
		case 's':
			opt.size = (uint64_t)tool_size(optarg);
			break;
		case 'S':
			opt.want = (uint64_t)tool_size(optarg);
			break;
		case 'T':
			opt.timeout_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'l':
			opt.slow_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'q':
			opt.pace_us = (uint64_t)(atof(optarg) * 1e3);
			break;
		case 'p':
			opt.think_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'r':
			opt.read_rate = tool_size(optarg);
			break;
		case 'B':
			opt.rcvbuf = (int)tool_size(optarg);
			break;
		case 'a':
			opt.spread = (uint32_t)atoi(optarg);
			break;
		case 'u':
			opt.path = optarg;
			break;
		case 'x':
			opt.rst = true;
			break;
		case 'e':
			opt.server_closes = true;
			break;
		case 'R':
			opt.raw = true;
			break;
		default:
			usage();
		}
	}
	if (optind == argc || opt.conns == 0 || argc - optind > TARGETS_MAX ||
	    (opt.total == 0 && opt.seconds <= 0 && opt.mode != M_IDLE))
		usage();
	for (; optind < argc; optind++, n_targets++)
		if (tool_address(argv[optind], &targets[n_targets], &target_len[n_targets]) == -1)
			usage();
	if (opt.mode == M_IDLE)
		opt.total = opt.conns;
	if (opt.mode != M_REQ && opt.mode != M_HTTP)
		opt.per_conn = 1;
}

/* Begins what is due; returns how long the loop may sleep, in us. */
static int64_t
start_due(uint64_t now)
{
	static uint64_t next;
	uint64_t burst = opt.mode == M_IDLE ? 256 : UINT64_MAX;

	if (stopping || (opt.total != 0 && st.started + st.lost >= opt.total))
		return 10000;
	if (opt.every_us == 0) {
		while (n_free > 0 && burst-- > 0 && (opt.total == 0 || st.started < opt.total))
			sess_start();
		return opt.mode == M_IDLE && st.started < opt.total ? 0 : 10000;
	}
	if (next == 0)
		next = now;
	while (now >= next && (opt.total == 0 || st.started + st.lost < opt.total)) {
		sess_start();
		next += opt.every_us;
	}
	return next - now < 10000 ? (int64_t)(next - now) : 10000;
}

/* Messages at a fixed rate, whatever became of earlier ones, each on the connection that is idle
 * the longest; they count from when they were due. Returns for how long the loop may sleep, most at
 * most. */
static int64_t
messages_due(uint64_t now, int64_t most)
{
	static uint64_t next;
	static uint32_t turn;

	if (next == 0)
		next = now;
	if (opt.conns == 0)
		return most;
	for (; now >= next; next += opt.pace_us) {
		struct sess *s = &sessions[turn++ % opt.conns];

		if (s->fd == -1 || s->phase != P_HOLD) {
			st.lost++;
			continue;
		}
		message_next(s);
		s->t_send = next;
		sess_pump(s);
	}
	return (int64_t)(next - now) < most ? (int64_t)(next - now) : most;
}

int
main(int argc, char **argv)
{
	struct epoll_event ev[256];
	struct timespec sleep_for;
	int64_t wait_us;
	struct signalfd_siginfo si;
	uint64_t swept = 0;
	sigset_t set;
	int sfd;

	options(argc, argv);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tool_raise_nofile();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	sessions = calloc(opt.conns, sizeof(*sessions));
	free_slots = calloc(opt.conns, sizeof(*free_slots));
	if (sfd == -1 || epfd == -1 || sessions == NULL || free_slots == NULL)
		die("start");
	for (uint32_t i = opt.conns; i-- > 0;) {
		sessions[i].fd = -1;
		free_slots[n_free++] = i;
	}
	ev[0] = (struct epoll_event){.events = EPOLLIN, .data.ptr = NULL};
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, sfd, &ev[0]) == -1)
		die("epoll_ctl");
	t0 = tool_now_us();
	id_base = (uint64_t)getpid() << 40 | (t0 & 0xff) << 32;
	for (;;) {
		uint64_t now = tool_now_us();
		bool check = false;
		int n;

		if (opt.seconds > 0 && (double)(now - t0) >= opt.seconds * 1e6)
			stopping = true;
		wait_us = start_due(now);
		if (opt.mode == M_IDLE) {
			if (stopping)
				break;
		} else if (n_free == opt.conns &&
			   (stopping || (opt.total != 0 && st.started + st.lost >= opt.total))) {
			break;
		}
		if (opt.pace_us > 0 && !stopping)
			wait_us = messages_due(now, wait_us);
		sleep_for = (struct timespec){.tv_nsec = wait_us * 1000};
		n = epoll_pwait2(epfd, ev, 256, &sleep_for, NULL);
		for (int i = 0; i < n; i++) {
			struct sess *s = ev[i].data.ptr;

			if (s != NULL) {
				sess_pump(s);
				continue;
			}
			while (read(sfd, &si, sizeof(si)) == sizeof(si)) {
				if (si.ssi_signo == SIGUSR1)
					check = true;
				else
					stopping = true;
			}
		}
		now = tool_now_us();
		if (now - swept >= SWEEP_US) {
			swept = now;
			sweep();
		}
		if (opt.mode == M_IDLE)
			hold(check);
	}
	result(stdout);
	return 0;
}
