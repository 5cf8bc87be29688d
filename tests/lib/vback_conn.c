/* SPDX-License-Identifier: ISC */
/*
 * The test server's connections: what each mode does with what comes, and what is counted. See
 * vback.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/vback.h"
#include "tests/lib/vmsg.h"

#define TMP_BYTES (256 * 1024)
#define HTTP_MAX  8192

struct conn {
	struct conn *next, *prev; /* of all connections */
	int fd, epfd;
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

struct vback_count vback_count;

static struct conn conns = {.next = &conns, .prev = &conns};
static uint8_t tmp[TMP_BYTES];

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
	epoll_ctl(c->epfd, EPOLL_CTL_MOD, c->fd, &ev);
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
	vback_count.active--;
	vback_count.closed++;
	vback_count.last_bytes = c->got;
	vback_count.last_sum = c->sum;
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
		n = limit(n, vback_opt.write_rate, c->write_credit);
		if (n == 0)
			return 0;
		if (!first && !c->gen_raw)
			vmsg_fill(c->gen_seed, c->gen_off, tmp, n);
		w = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
		if (w == -1)
			return errno == EAGAIN ? 0 : -1;
		vback_count.bytes_out += (uint64_t)w;
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

	memcpy(a.name, vback_opt.name, strnlen(vback_opt.name, sizeof(a.name) - 1));
	vmsg_seal(&a);
	/* What is small goes in one call. */
	if (a.len > 0 && a.len <= TMP_BYTES / 4 && vback_opt.write_rate == 0) {
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
	vback_count.requests++;
	c->have_head = false;
	c->head_len = 0;
	c->seq++;
}

static void
msg_fault(enum vmsg_fault f)
{
	if (f == VMSG_CORRUPT)
		vback_count.corrupt++;
	else if (f == VMSG_CROSSED)
		vback_count.crossed++;
	else if (f == VMSG_ORDER)
		vback_count.order++;
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
			vback_count.corrupt++;
			return false;
		}
		c->body += take;
		p += take;
		n -= take;
		if (c->body == c->head.len)
			msg_answer(c);
		if (c->body == c->head.len && n > 0) {
			vback_count.order++; /* nobody sends the next message before the answer */
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
	status = probe ? vback_opt.ready_status : 200;
	n = snprintf(body, sizeof(body), "%s\n%s %s\n", vback_opt.name, method, path);
	out_printf(c,
	    "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n"
	    "Connection: %s\r\n\r\n%s",
	    status, status < 400 ? "OK" : "Not OK", (unsigned long long)n + vback_opt.bytes,
	    keep ? "keep-alive" : "close", body);
	if (vback_opt.bytes > 0) {
		c->gen_off = 0;
		c->gen_end = vback_opt.bytes;
	}
	vback_count.requests++;
	if (!keep)
		c->closing = true;
}

static void
text_data(struct conn *c, const uint8_t *p, size_t n)
{
	const char *end = vback_opt.mode == M_HTTP ? "\r\n\r\n" : "\n";
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
		if (vback_opt.mode == M_HTTP) {
			http_answer(c, c->in);
		} else {
			out_printf(c, "%s %s\n", vback_opt.name, c->in);
			vback_count.requests++;
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
	vback_count.bytes_in += n;
	switch (vback_opt.mode) {
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
		return c->got < vback_opt.bytes;
	default:
		break;
	}
	return true;
}

static void
conn_eof(struct conn *c)
{
	vback_count.eof++;
	c->eof_in = true;
	if (vback_opt.mode == M_HALFCLOSE)
		out_printf(c, "%s %llu %016llx\n", vback_opt.name, (unsigned long long)c->got,
		    (unsigned long long)c->sum);
	c->closing = true;
}

static void
conn_start(struct conn *c)
{
	switch (vback_opt.mode) {
	case M_NAME:
		out_printf(c, "%s\n", vback_opt.name);
		c->closing = true;
		break;
	case M_SRVFIN:
		out_printf(c, "%s\n", vback_opt.name);
		c->shut_then = true;
		break;
	case M_SOURCE:
		c->gen_end = vback_opt.bytes;
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
			bool throttled = vback_opt.write_rate != 0 && c->write_credit <= 0;

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
		n = limit(TMP_BYTES, vback_opt.read_rate, c->read_credit);
		if (n == 0 || vback_opt.mode == M_HOLD) {
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
		vback_count.resets++;
	else
		vback_count.errors++;
	conn_free(c, false);
}

static void
count_second(void)
{
	static uint64_t second_start, second_count;
	uint64_t now = tool_now_us();

	if (now - second_start >= 1000000) {
		second_start = now;
		second_count = 0;
	}
	if (++second_count > vback_count.max_per_second)
		vback_count.max_per_second = second_count;
}

void
vback_conn_add(int epfd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		die("memory");
	*c = (struct conn){.fd = fd,
	    .epfd = epfd,
	    .next = conns.next,
	    .prev = &conns,
	    .events = EPOLLIN,
	    .sum = 0xcbf29ce484222325u};
	conns.next->prev = c;
	conns.next = c;
	vback_count.accepted++;
	if (++vback_count.active > vback_count.max_active)
		vback_count.max_active = vback_count.active;
	count_second();
	if (vback_opt.mode == M_CLOSE || (vback_opt.mode == M_RST && vback_opt.bytes == 0)) {
		conn_free(c, vback_opt.mode == M_RST);
		return;
	}
	ev.data.ptr = c;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll_ctl");
	conn_start(c);
	conn_pump(c);
}

void
vback_conn_event(struct conn *c, uint32_t events)
{
	/* Not waited for, yet reported: reset by the peer. */
	if (c->events == 0 && (events & (EPOLLERR | EPOLLHUP)) != 0) {
		if ((events & EPOLLERR) != 0)
			vback_count.resets++;
		conn_free(c, false);
	} else {
		conn_pump(c);
	}
}

void
vback_conns_end(bool reset)
{
	for (struct conn *c = conns.next, *next; c != &conns; c = next) {
		next = c->next;
		conn_free(c, reset);
	}
}

void
vback_conns_credit(void)
{
	static uint64_t last;
	uint64_t now = tool_now_us();
	double dt = last == 0 ? 0.0 : (double)(now - last) / 1e6;
	struct conn *next;

	if (last != 0 && now - last < VBACK_TICK_MS * 1000)
		return;
	last = now;
	for (struct conn *c = conns.next; c != &conns; c = next) {
		next = c->next;
		c->read_credit += (int64_t)(dt * (double)vback_opt.read_rate);
		c->write_credit += (int64_t)(dt * (double)vback_opt.write_rate);
		if (c->read_credit > vback_opt.read_rate / 4 + 1)
			c->read_credit = vback_opt.read_rate / 4 + 1;
		if (c->write_credit > vback_opt.write_rate / 4 + 1)
			c->write_credit = vback_opt.write_rate / 4 + 1;
		if (c->events == 0)
			conn_pump(c);
	}
}

void
vback_conns_wake(void)
{
	for (struct conn *c = conns.next; c != &conns; c = c->next)
		conn_events(c, EPOLLIN | EPOLLOUT);
}

void
vback_result(FILE *f)
{
#define N(x) (unsigned long long)vback_count.x
	fprintf(f,
	    "{\"name\": \"%s\", \"mode\": \"%s\", \"accepted\": %llu, \"closed\": %llu, "
	    "\"active\": %llu, \"max_active\": %llu, \"eof\": %llu, \"resets\": %llu, "
	    "\"errors\": %llu, \"requests\": %llu, \"bytes_in\": %llu, \"bytes_out\": %llu, "
	    "\"corrupt\": %llu, \"crossed\": %llu, \"order\": %llu, \"max_per_second\": %llu, "
	    "\"accept_errors\": %llu, \"last_bytes\": %llu, \"last_sum\": \"%016llx\"}\n",
	    vback_opt.name, vback_mode_names[vback_opt.mode], N(accepted), N(closed), N(active),
	    N(max_active), N(eof), N(resets), N(errors), N(requests), N(bytes_in), N(bytes_out),
	    N(corrupt), N(crossed), N(order), N(max_per_second), N(accept_errors), N(last_bytes),
	    N(last_sum));
#undef N
	fflush(f);
}
