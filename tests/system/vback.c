/* SPDX-License-Identifier: ISC */
/*
 * Test server: one process, one address, one of many ways to behave. Prints "ready PORT" when it
 * listens, and what it counted as one line of JSON at SIGTERM. Independent of vipd's own code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/vmsg.h"

#define TMP_BYTES  (256 * 1024)
#define HTTP_MAX   8192
#define TICK_MS    5 /* of throttled connections */
#define OUT_CREDIT 65536

enum mode {
	M_MSG = 0,   /* answers messages (tests/lib/vmsg.h) */
	M_ECHO,      /* sends back what comes; at the end of input, closes */
	M_NAME,      /* sends "NAME\n" and closes */
	M_LINE,      /* answers each line with "NAME line\n" */
	M_HTTP,      /* 200 with its name as the first line of the body */
	M_SINK,      /* reads to the end of input, closes */
	M_HALFCLOSE, /* reads to the end of input, then answers "NAME BYTES SUM\n" */
	M_SRVFIN,    /* sends "NAME\n", shuts its side, reads on to the end */
	M_SOURCE,    /* sends -b bytes, shuts its side, reads to the end */
	M_CLOSE,     /* closes after accept */
	M_RST,       /* resets once -b bytes have come (0: at once) */
	M_HOLD,      /* accepts, says nothing, reads nothing */
	M_NEVER,     /* listens, backlog full, never accepts */
	M_N,
};
static const char *const mode_names[M_N] = {"msg", "echo", "name", "line", "http", "sink",
    "halfclose", "srvfin", "source", "close", "rst", "hold", "never"};

struct conn {
	struct conn *next, *prev; /* of all connections */
	int fd;
	uint32_t events;
	bool eof_in;    /* the peer has ended */
	bool fin_out;   /* our side is shut */
	bool closing;   /* close when all is sent */
	bool shut_then; /* shut our side when all is sent, read on */
	bool have_head;
	uint32_t seq;
	uint64_t session;
	uint64_t got;  /* bytes received */
	uint64_t sum;  /* FNV-1a of them, modes sink and halfclose */
	uint64_t body; /* of the message being read: bytes that came */
	struct vmsg head;
	size_t head_len;
	uint8_t *out; /* to be sent before the pattern */
	size_t out_off, out_len, out_cap;
	uint64_t gen_seed, gen_off, gen_end; /* pattern to be sent */
	bool gen_raw;
	char *in; /* HTTP and lines */
	size_t in_len;
	int64_t read_credit, write_credit; /* bytes, when a rate is set */
};

struct listener {
	int fd; /* marks epoll data that is no connection */
};

static struct {
	enum mode mode;
	const char *name;
	uint64_t bytes;
	int64_t read_rate, write_rate; /* bytes/s; 0: no limit */
	int rcvbuf, sndbuf, backlog;
	int ready_status;
	uint64_t max_conns;
} opt = {.name = "s", .backlog = 4096, .ready_status = 200};

static struct {
	uint64_t accepted, closed, active, max_active, eof, resets, errors, requests;
	uint64_t bytes_in, bytes_out, corrupt, crossed, order, max_per_second, last_sum, last_bytes;
	uint64_t accept_errors;
} st;

static int epfd, lfd = -1, cfd = -1;
static bool paused;
static struct conn conns = {.next = &conns, .prev = &conns};
static uint8_t tmp[TMP_BYTES];
static uint64_t second_start, second_count;
static const char *control_path;

static void conn_pump(struct conn *c);

static void
die(const char *what)
{
	fprintf(stderr, "vback: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
conn_events(struct conn *c, uint32_t want)
{
	struct epoll_event ev = {.events = want, .data.ptr = c};

	if (want == c->events)
		return;
	c->events = want;
	epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void
conn_free(struct conn *c, bool reset)
{
	if (reset) {
		struct linger l = {.l_onoff = 1, .l_linger = 0};

		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	close(c->fd);
	c->next->prev = c->prev;
	c->prev->next = c->next;
	st.active--;
	st.closed++;
	st.last_bytes = c->got;
	st.last_sum = c->sum;
	free(c->out);
	free(c->in);
	free(c);
}

static bool
out_empty(const struct conn *c)
{
	return c->out_off == c->out_len && c->gen_off == c->gen_end;
}

static void
out_add(struct conn *c, const void *p, size_t n)
{
	if (c->out_off == c->out_len)
		c->out_off = c->out_len = 0;
	if (c->out_len + n > c->out_cap) {
		c->out_cap = (c->out_len + n) * 2;
		c->out = realloc(c->out, c->out_cap);
		if (c->out == NULL)
			die("memory");
	}
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

__attribute__((format(printf, 2, 3))) static void
out_printf(struct conn *c, const char *fmt, ...)
{
	char b[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof(b), fmt, ap);
	va_end(ap);
	out_add(c, b, n < (int)sizeof(b) ? (size_t)n : sizeof(b) - 1);
}

static size_t
limit(size_t n, int64_t rate, int64_t credit)
{
	if (rate == 0)
		return n;
	return credit <= 0 ? 0 : (size_t)credit < n ? (size_t)credit : n;
}

/* Sends what it can. -1: the connection failed. */
static int
out_flush(struct conn *c)
{
	while (!out_empty(c)) {
		bool first = c->out_off < c->out_len;
		const uint8_t *p = c->out + c->out_off;
		size_t n = c->out_len - c->out_off;
		bool more = first && c->gen_off < c->gen_end;
		ssize_t w;

		if (!first) {
			uint64_t left = c->gen_end - c->gen_off;

			p = tmp;
			n = left < TMP_BYTES ? (size_t)left : TMP_BYTES;
		}
		n = limit(n, opt.write_rate, c->write_credit);
		if (n == 0)
			return 0;
		if (!first && !c->gen_raw)
			vmsg_fill(c->gen_seed, c->gen_off, tmp, n);
		w = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
		if (w == -1)
			return errno == EAGAIN ? 0 : -1;
		st.bytes_out += (uint64_t)w;
		c->write_credit -= w;
		if (first)
			c->out_off += (size_t)w;
		else
			c->gen_off += (uint64_t)w;
	}
	return 0;
}

static void
msg_answer(struct conn *c)
{
	struct vmsg a = {.flags = VMSG_ANSWER | (c->head.flags & VMSG_RAW),
	    .session = c->head.session,
	    .seq = c->head.seq,
	    .len = c->head.want};

	memcpy(a.name, opt.name, strnlen(opt.name, sizeof(a.name) - 1));
	vmsg_seal(&a);
	/* What is small goes in one call. */
	if (a.len > 0 && a.len <= TMP_BYTES / 4 && opt.write_rate == 0) {
		memcpy(tmp, &a, sizeof(a));
		if ((a.flags & VMSG_RAW) == 0)
			vmsg_fill(vmsg_seed(&a), 0, tmp + sizeof(a), a.len);
		out_add(c, tmp, sizeof(a) + a.len);
	} else {
		out_add(c, &a, sizeof(a));
		c->gen_seed = vmsg_seed(&a);
		c->gen_off = 0;
		c->gen_end = a.len;
		c->gen_raw = (a.flags & VMSG_RAW) != 0;
	}
	st.requests++;
	c->have_head = false;
	c->head_len = 0;
	c->seq++;
}

static void
msg_fault(enum vmsg_fault f)
{
	if (f == VMSG_CORRUPT)
		st.corrupt++;
	else if (f == VMSG_CROSSED)
		st.crossed++;
	else if (f == VMSG_ORDER)
		st.order++;
}

/* false: what came is wrong, the connection is to be reset. */
static bool
msg_data(struct conn *c, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t take;

		if (!c->have_head) {
			enum vmsg_fault f;

			take =
			    sizeof(c->head) - c->head_len < n ? sizeof(c->head) - c->head_len : n;
			memcpy((uint8_t *)&c->head + c->head_len, p, take);
			c->head_len += take;
			p += take;
			n -= take;
			if (c->head_len < sizeof(c->head))
				return true;
			if (c->seq == 0)
				c->session = c->head.session;
			f = vmsg_check(&c->head, c->session, c->seq, false);
			if (f != VMSG_OK) {
				msg_fault(f);
				return false;
			}
			c->have_head = true;
			c->body = 0;
		}
		take = c->head.len - c->body < n ? (size_t)(c->head.len - c->body) : n;
		if ((c->head.flags & VMSG_RAW) == 0 &&
		    !vmsg_match(vmsg_seed(&c->head), c->body, p, take)) {
			st.corrupt++;
			return false;
		}
		c->body += take;
		p += take;
		n -= take;
		if (c->body == c->head.len)
			msg_answer(c);
		if (c->body == c->head.len && n > 0) {
			st.order++; /* nobody sends the next message before the answer */
			return false;
		}
	}
	return true;
}

static void
http_answer(struct conn *c, const char *req)
{
	char path[256] = "", method[16] = "", version[16] = "";
	char body[512];
	bool keep, probe;
	int status, n;

	sscanf(req, "%15s %255s %15s", method, path, version);
	keep = strcmp(version, "HTTP/1.1") == 0
		   ? strcasestr(req, "\nconnection: close") == NULL
		   : strcasestr(req, "\nconnection: keep-alive") != NULL;
	probe = strncmp(path, "/readyz", 7) == 0 || strncmp(path, "/livez", 6) == 0 ||
		strncmp(path, "/healthz", 8) == 0;
	status = probe ? opt.ready_status : 200;
	n = snprintf(body, sizeof(body), "%s\n%s %s\n", opt.name, method, path);
	out_printf(c,
	    "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n"
	    "Connection: %s\r\n\r\n%s",
	    status, status < 400 ? "OK" : "Not OK", (unsigned long long)n + opt.bytes,
	    keep ? "keep-alive" : "close", body);
	if (opt.bytes > 0) {
		c->gen_off = 0;
		c->gen_end = opt.bytes;
	}
	st.requests++;
	if (!keep)
		c->closing = true;
}

static void
text_data(struct conn *c, const uint8_t *p, size_t n)
{
	const char *end = opt.mode == M_HTTP ? "\r\n\r\n" : "\n";
	char *e;

	if (c->in == NULL && (c->in = malloc(HTTP_MAX + 1)) == NULL)
		die("memory");
	if (c->in_len + n > HTTP_MAX)
		n = HTTP_MAX - c->in_len;
	memcpy(c->in + c->in_len, p, n);
	c->in_len += n;
	c->in[c->in_len] = 0;
	while ((e = strstr(c->in, end)) != NULL && !c->closing) {
		size_t used = (size_t)(e - c->in) + strlen(end);

		*e = 0;
		if (opt.mode == M_HTTP) {
			http_answer(c, c->in);
		} else {
			out_printf(c, "%s %s\n", opt.name, c->in);
			st.requests++;
		}
		memmove(c->in, c->in + used, c->in_len - used + 1);
		c->in_len -= used;
	}
	if (c->in_len == 0) {
		free(c->in);
		c->in = NULL;
	}
}

/* false: reset the connection. */
static bool
conn_data(struct conn *c, const uint8_t *p, size_t n)
{
	c->got += n;
	st.bytes_in += n;
	switch (opt.mode) {
	case M_MSG:
		return msg_data(c, p, n);
	case M_ECHO:
		out_add(c, p, n);
		break;
	case M_LINE:
	case M_HTTP:
		text_data(c, p, n);
		break;
	case M_SINK:
	case M_HALFCLOSE:
	case M_SRVFIN:
		for (size_t i = 0; i < n; i++)
			c->sum = (c->sum ^ p[i]) * 0x100000001b3u;
		break;
	case M_RST:
		return c->got < opt.bytes;
	default:
		break;
	}
	return true;
}

static void
conn_eof(struct conn *c)
{
	st.eof++;
	c->eof_in = true;
	if (opt.mode == M_HALFCLOSE)
		out_printf(c, "%s %llu %016llx\n", opt.name, (unsigned long long)c->got,
		    (unsigned long long)c->sum);
	c->closing = true;
}

static void
conn_start(struct conn *c)
{
	switch (opt.mode) {
	case M_NAME:
		out_printf(c, "%s\n", opt.name);
		c->closing = true;
		break;
	case M_SRVFIN:
		out_printf(c, "%s\n", opt.name);
		c->shut_then = true;
		break;
	case M_SOURCE:
		c->gen_end = opt.bytes;
		c->shut_then = true;
		break;
	default:
		break;
	}
}

/* Reads, works and writes until nothing more goes; then waits for what it needs. Frees c at the
 * end of the connection. */
static void
conn_pump(struct conn *c)
{
	bool drained = false; /* all is read that was there */

	for (;;) {
		size_t n;
		ssize_t r;

		if (out_flush(c) == -1)
			goto failed;
		if (!out_empty(c)) {
			bool throttled = opt.write_rate != 0 && c->write_credit <= 0;

			conn_events(c, throttled ? 0 : (uint32_t)EPOLLOUT);
			return;
		}
		if (c->closing) {
			conn_free(c, false);
			return;
		}
		if (c->shut_then && !c->fin_out) {
			c->fin_out = true;
			shutdown(c->fd, SHUT_WR);
		}
		if (drained) {
			conn_events(c, EPOLLIN);
			return;
		}
		n = limit(TMP_BYTES, opt.read_rate, c->read_credit);
		if (n == 0 || opt.mode == M_HOLD) {
			conn_events(c, 0);
			return;
		}
		r = recv(c->fd, tmp, n, MSG_DONTWAIT);
		if (r == -1 && errno == EAGAIN) {
			conn_events(c, EPOLLIN);
			return;
		}
		if (r == -1)
			goto failed;
		c->read_credit -= r;
		if (r == 0) {
			conn_eof(c);
		} else if (!conn_data(c, tmp, (size_t)r)) {
			conn_free(c, true);
			return;
		}
		drained = r > 0 && (size_t)r < n;
	}
failed:
	if (errno == ECONNRESET || errno == EPIPE)
		st.resets++;
	else
		st.errors++;
	conn_free(c, false);
}

static void
count_second(void)
{
	uint64_t now = tool_now_us();

	if (now - second_start >= 1000000) {
		second_start = now;
		second_count = 0;
	}
	if (++second_count > st.max_per_second)
		st.max_per_second = second_count;
}

static void
accept_all(void)
{
	for (int i = 0; i < 64 && !paused; i++) {
		struct conn *c;
		struct epoll_event ev = {.events = EPOLLIN};
		int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno != EAGAIN && errno != ECONNABORTED)
				st.accept_errors++;
			return;
		}
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			die("memory");
		*c = (struct conn){.fd = fd, .next = conns.next, .prev = &conns, .events = EPOLLIN};
		c->sum = 0xcbf29ce484222325u;
		conns.next->prev = c;
		conns.next = c;
		st.accepted++;
		if (++st.active > st.max_active)
			st.max_active = st.active;
		count_second();
		if (opt.mode == M_CLOSE || (opt.mode == M_RST && opt.bytes == 0)) {
			conn_free(c, opt.mode == M_RST);
			continue;
		}
		ev.data.ptr = c;
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
			die("epoll_ctl");
		conn_start(c);
		conn_pump(c);
	}
}

static void
stats_json(FILE *f)
{
#define N(x) (unsigned long long)st.x
	fprintf(f,
	    "{\"name\": \"%s\", \"mode\": \"%s\", \"accepted\": %llu, \"closed\": %llu, "
	    "\"active\": %llu, \"max_active\": %llu, \"eof\": %llu, \"resets\": %llu, "
	    "\"errors\": %llu, \"requests\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu, "
	    "\"corrupt\": %llu, \"crossed\": %llu, \"order\": %llu, \"max_per_second\": %llu, "
	    "\"accept_errors\": %llu, \"last_bytes\": %llu, \"last_sum\": \"%016llx\"}\n",
	    opt.name, mode_names[opt.mode], N(accepted), N(closed), N(active), N(max_active),
	    N(eof), N(resets), N(errors), N(requests), N(bytes_in), N(bytes_out), N(corrupt),
	    N(crossed), N(order), N(max_per_second), N(accept_errors), N(last_bytes), N(last_sum));
#undef N
	fflush(f);
}

static bool
mode_parse(const char *s)
{
	for (int i = 0; i < M_N; i++)
		if (strcmp(s, mode_names[i]) == 0) {
			opt.mode = (enum mode)i;
			return true;
		}
	return false;
}

static void
end_all(bool reset)
{
	for (struct conn *c = conns.next, *next; c != &conns; c = next) {
		next = c->next;
		conn_free(c, reset);
	}
}

/* One command per connection: "stats", "ready 503", "pause", "resume", "reset", "close",
 * "mode MODE" (for new connections), "rate READ WRITE" (bytes/s). */
static void
control(void)
{
	char b[128];
	struct timeval tv = {.tv_sec = 1};
	int fd = accept4(cfd, NULL, NULL, SOCK_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &lfd};
	ssize_t n;
	FILE *f;
	long long rr, wr;

	if (fd == -1)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	n = recv(fd, b, sizeof(b) - 1, 0);
	b[n < 0 ? 0 : n] = 0;
	b[strcspn(b, "\r\n")] = 0;
	f = fdopen(fd, "w");
	if (f == NULL)
		die("fdopen");
	if (strcmp(b, "stats") == 0) {
		stats_json(f);
	} else if (strncmp(b, "ready ", 6) == 0) {
		opt.ready_status = atoi(b + 6);
		fputs("ok\n", f);
	} else if (strcmp(b, "pause") == 0 || strcmp(b, "resume") == 0) {
		bool want = b[0] == 'p';

		if (want != paused)
			epoll_ctl(epfd, want ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, lfd, &ev);
		paused = want;
		fputs("ok\n", f);
	} else if (strcmp(b, "reset") == 0 || strcmp(b, "close") == 0) {
		end_all(b[0] == 'r');
		fputs("ok\n", f);
	} else if (strncmp(b, "mode ", 5) == 0 && mode_parse(b + 5)) {
		fputs("ok\n", f);
	} else if (sscanf(b, "rate %lld %lld", &rr, &wr) == 2) {
		opt.read_rate = rr;
		opt.write_rate = wr;
		for (struct conn *c = conns.next; c != &conns; c = c->next)
			conn_events(c, EPOLLIN | EPOLLOUT);
		fputs("ok\n", f);
	} else {
		fputs("unknown command\n", f);
	}
	fclose(f);
}

static void
credit_all(void)
{
	static uint64_t last;
	uint64_t now = tool_now_us();
	double dt = last == 0 ? 0.0 : (double)(now - last) / 1e6;
	struct conn *next;

	if (last != 0 && now - last < TICK_MS * 1000)
		return;
	last = now;
	for (struct conn *c = conns.next; c != &conns; c = next) {
		next = c->next;
		c->read_credit += (int64_t)(dt * (double)opt.read_rate);
		c->write_credit += (int64_t)(dt * (double)opt.write_rate);
		if (c->read_credit > opt.read_rate / 4 + 1)
			c->read_credit = opt.read_rate / 4 + 1;
		if (c->write_credit > opt.write_rate / 4 + 1)
			c->write_credit = opt.write_rate / 4 + 1;
		if (c->events == 0)
			conn_pump(c);
	}
}

static int
listen_on(const char *addr, int backlog, unsigned int *port)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, one = 1;

	if (tool_address(addr, &ss, &len) == -1) {
		fprintf(stderr, "vback: bad address %s\n", addr);
		exit(2);
	}
	if (ss.ss_family == AF_UNIX)
		unlink(((struct sockaddr_un *)&ss)->sun_path);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (opt.rcvbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &opt.rcvbuf, sizeof(int));
	if (opt.sndbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &opt.sndbuf, sizeof(int));
	if (bind(fd, (struct sockaddr *)&ss, len) == -1)
		die(addr);
	if (listen(fd, backlog) == -1)
		die("listen");
	getsockname(fd, (struct sockaddr *)&ss, &len);
	if (port != NULL)
		*port = ss.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&ss)->sin_port)
			: ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port)
						   : 0;
	return fd;
}

/* Connects to our own listener until a connection stays in the air: from then on the kernel drops
 * every SYN. */
static void
fill_backlog(void)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);

	if (getsockname(lfd, (struct sockaddr *)&ss, &len) == -1)
		die("getsockname");
	for (int i = 0; i < 64; i++) {
		struct epoll_event ev = {.events = EPOLLOUT}, got;
		int ep = epoll_create1(EPOLL_CLOEXEC);
		int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		int n;

		if (fd == -1 || ep == -1)
			die("socket");
		(void)connect(fd, (struct sockaddr *)&ss, len);
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
		n = epoll_wait(ep, &got, 1, 100);
		close(ep);
		if (n == 0)
			return;
	}
	fprintf(stderr, "vback: the backlog cannot be filled\n");
	exit(1);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: vback [-m MODE] [-l ADDRESS:PORT] [-n NAME] [-b BYTES] [-r READ_RATE]\n"
	    "    [-w WRITE_RATE] [-R RCVBUF] [-S SNDBUF] [-B BACKLOG] [-s READYZ_STATUS]\n"
	    "    [-C CONTROL_SOCKET]\n"
	    "modes:");
	for (int i = 0; i < M_N; i++)
		fprintf(stderr, " %s", mode_names[i]);
	fprintf(stderr, "\nSIGUSR1 flips /readyz between 200 and 503. SIGTERM: counts as JSON.\n");
	exit(2);
}

static const char *
options(int argc, char **argv)
{
	const char *addr = "127.0.0.1:0";
	int o;

	while ((o = getopt(argc, argv, "m:l:n:b:r:w:R:S:B:s:C:")) != -1) {
		switch (o) {
		case 'm':
			if (!mode_parse(optarg))
				usage();
			break;
		case 'l':
			addr = optarg;
			break;
		case 'n':
			opt.name = optarg;
			break;
		case 'b':
			opt.bytes = (uint64_t)tool_size(optarg);
			break;
		case 'r':
			opt.read_rate = tool_size(optarg);
			break;
		case 'w':
			opt.write_rate = tool_size(optarg);
			break;
		case 'R':
			opt.rcvbuf = (int)tool_size(optarg);
			break;
		case 'S':
			opt.sndbuf = (int)tool_size(optarg);
			break;
		case 'B':
			opt.backlog = atoi(optarg);
			break;
		case 's':
			opt.ready_status = atoi(optarg);
			break;
		case 'C':
			control_path = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || opt.read_rate < 0 || opt.write_rate < 0)
		usage();
	return addr;
}

static void
add_fd(int fd, void *mark)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = mark};

	if (fd != -1 && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
}

/* false: the end. */
static bool
signal_in(int sfd)
{
	struct signalfd_siginfo si;

	if (read(sfd, &si, sizeof(si)) != sizeof(si))
		return true;
	if (si.ssi_signo == SIGUSR1) {
		opt.ready_status = opt.ready_status == 200 ? 503 : 200;
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	const char *addr = options(argc, argv);
	unsigned int port = 0;
	sigset_t set;
	int sfd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tool_raise_nofile();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	sfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	lfd = listen_on(addr, opt.mode == M_NEVER ? 0 : opt.backlog, &port);
	if (control_path != NULL)
		cfd = listen_on(control_path, 16, NULL);
	add_fd(sfd, &epfd);
	add_fd(cfd, &cfd);
	if (opt.mode == M_NEVER)
		fill_backlog();
	else
		add_fd(lfd, &lfd);
	printf("ready %u\n", port);
	fflush(stdout);
	for (;;) {
		struct epoll_event ev[256];
		bool rates = opt.read_rate != 0 || opt.write_rate != 0;
		int n = epoll_wait(epfd, ev, 256, rates ? TICK_MS : -1);
		bool listening = false, commands = false;

		/* Connections first: a command may free those of this batch. */
		for (int i = 0; i < n; i++) {
			void *p = ev[i].data.ptr;

			if (p == &lfd) {
				listening = true;
			} else if (p == &cfd) {
				commands = true;
			} else if (p == &epfd) {
				if (!signal_in(sfd)) {
					stats_json(stdout);
					return 0;
				}
			} else {
				struct conn *c = p;

				/* Not waited for, yet reported: reset by the peer. */
				if (c->events == 0 && (ev[i].events & (EPOLLERR | EPOLLHUP)) != 0) {
					if ((ev[i].events & EPOLLERR) != 0)
						st.resets++;
					conn_free(c, false);
				} else {
					conn_pump(c);
				}
			}
		}
		if (listening)
			accept_all();
		if (rates)
			credit_all();
		if (commands)
			control();
	}
}
