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

#include "tests/lib/vload.h"

#define TMP_BYTES (256 * 1024)
#define SWEEP_US  20000 /* how often time limits are looked at */
#define HTTP_HEAD 4096

struct sess {
	int fd; /* -1: free */
	enum vload_phase phase;
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
note(struct sess *s, const char *what)
{
	vload_list(s->phase, s->t_start - t0, tool_now_us() - s->t_start, what);
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
sess_fail(struct sess *s, int err, enum vload_fate fate)
{
	note(s, vload_count_failure(s->phase, err, fate));
	sess_close(s, true);
}

static void
sess_done(struct sess *s)
{
	uint64_t took = tool_now_us() - s->t_start;

	vcount.ok++;
	hist_add(&vcount.whole, took);
	if (vopt.slow_us != 0 && took > vopt.slow_us)
		note(s, "slow");
	sess_close(s, vopt.rst);
}

static void
sess_phase(struct sess *s, enum vload_phase p)
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
	s->out = (struct vmsg){.flags = vopt.raw ? VMSG_RAW : 0,
	    .session = s->id,
	    .seq = s->seq,
	    .len = vopt.size,
	    .want = vopt.want};
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

	in.sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(s->id % vopt.spread));
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(s->fd, (struct sockaddr *)&in, sizeof(in)) == -1)
		die("bind");
}

static void
sess_start(void)
{
	struct sess *s;
	size_t target = vcount.started % vopt.n_targets;
	int one = 1;

	if (n_free == 0) {
		vcount.lost++;
		return;
	}
	s = &sessions[free_slots[--n_free]];
	memset(s, 0, sizeof(*s));
	s->id = id_base + ++vcount.started;
	s->left = vopt.per_conn;
	s->fd =
	    socket(vopt.targets[target].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd == -1)
		die("socket");
	if (vopt.targets[target].ss_family != AF_UNIX && !(vopt.raw && vopt.mode == M_SHORT))
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (vopt.rcvbuf > 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &vopt.rcvbuf, sizeof(int));
	if (vopt.spread > 0)
		source_address(s);
	s->t_start = tool_now_us();
	sess_phase(s, P_CONNECT);
	if (connect(s->fd, (struct sockaddr *)&vopt.targets[target], vopt.target_len[target]) ==
		-1 &&
	    errno != EINPROGRESS) {
		sess_fail(s, errno, 0);
		return;
	}
	if (vopt.raw && (vopt.mode == M_SHORT || vopt.mode == M_REQ)) {
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
	hist_add(&vcount.connect, tool_now_us() - s->t_start);
	if (vopt.mode == M_NAME) {
		sess_phase(s, P_ANSWER);
	} else if (vopt.mode == M_HTTP) {
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
		vcount.bytes_out += (uint64_t)w;
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
		if (!vopt.raw)
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
	int n = snprintf(req, sizeof(req), "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", vopt.path,
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
	hist_add(&vcount.first, tool_now_us() - s->t_start);
}

/* One answer is complete: what now? false: the session is over and freed. */
static bool
answer_complete(struct sess *s, const char *name)
{
	uint64_t now = tool_now_us();

	if (s->seq == 0)
		vload_count_server(name);
	vcount.requests++;
	if (vopt.mode == M_REQ || vopt.mode == M_IDLE || vopt.mode == M_HTTP)
		hist_add(&vcount.request, now - s->t_send);
	s->seq++;
	if (s->left > 0)
		s->left--;
	if (vopt.mode == M_IDLE) {
		sess_phase(s, P_HOLD);
		return true;
	}
	if (s->left == 0 || (stopping && vopt.mode == M_REQ)) {
		if (vopt.mode == M_HALF || vopt.server_closes) {
			sess_phase(s, P_END);
			return true;
		}
		sess_done(s);
		return false;
	}
	if (vopt.think_us > 0 || vopt.pace_us > 0) {
		sess_phase(s, P_HOLD);
		return true;
	}
	if (vopt.mode == M_HTTP) {
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
			if (f == VMSG_OK && s->in.len != vopt.want)
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
		if (!vopt.raw && !vmsg_match(vmsg_seed(&s->in), s->in_body, p, take)) {
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
	if (vopt.mode == M_HTTP && s->text_head) {
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
		if (vopt.mode == M_NAME)
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
		vcount.status[status / 100]++;
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
	if (vopt.mode == M_NAME && s->phase == P_ANSWER && s->text_len > 0 &&
	    s->text[s->text_len - 1] == '\n') {
		s->text[s->text_len - 1] = 0;
		vload_count_server(s->text);
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
			int sent = vopt.mode == M_HTTP ? http_send(s) : message_send(s);

			if (sent == -1) {
				sess_fail(s, errno, 0);
				return;
			}
			if (sent == 0) {
				sess_events(s, EPOLLOUT);
				return;
			}
			if (vopt.mode == M_HALF)
				shutdown(s->fd, SHUT_WR);
			sess_phase(s, P_ANSWER);
			sess_events(s, EPOLLIN);
			return; /* the answer cannot be there yet */
		}
		if (vopt.read_rate > 0)
			room = (size_t)vopt.read_rate / 50 + 1;
		r = recv(s->fd, tmp, room < TMP_BYTES ? room : TMP_BYTES,
		    MSG_DONTWAIT | (vopt.raw && s->in_len == sizeof(s->in) ? MSG_TRUNC : 0));
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
		vcount.bytes_in += (uint64_t)r;
		answer_seen(s);
		if (!(vopt.mode == M_NAME || vopt.mode == M_HTTP ? text_data(s, tmp, (size_t)r)
								 : message_data(s, tmp, (size_t)r)))
			return;
		if (vopt.read_rate > 0) {
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

	for (uint32_t i = 0; i < vopt.conns; i++) {
		struct sess *s = &sessions[i];

		if (s->fd == -1)
			continue;
		if (s->phase == P_HOLD && vopt.pace_us > 0) {
			if (stopping)
				sess_done(s);
		} else if (s->phase == P_HOLD && vopt.mode != M_IDLE &&
			   now - s->t_phase >= vopt.think_us) {
			message_next(s);
			sess_pump(s);
		} else if (s->phase != P_HOLD && now - s->t_phase > vopt.timeout_us) {
			sess_fail(s, 0, F_TIMEOUT);
		} else if (vopt.read_rate > 0 && (s->phase == P_ANSWER || s->phase == P_END)) {
			s->t_phase = now; /* slow on purpose */
			sess_pump(s);
		}
	}
}

/* Mode idle: once all connections had their answer, "holding N" is printed. SIGUSR1: one message
 * on each, then "checked N" (those that answered). SIGTERM or -t: the end. */
static void
hold(bool check)
{
	static bool said, checking;
	uint32_t busy = 0, held = 0;

	for (uint32_t i = 0; i < vopt.conns; i++) {
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
	if (busy > 0 || (!said && vcount.started < vopt.total))
		return;
	if (!said)
		printf("holding %u\n", held);
	else if (checking)
		printf("checked %u\n", held);
	said = true;
	checking = false;
	fflush(stdout);
}

/* Begins what is due; returns how long the loop may sleep, in us. */
static int64_t
start_due(uint64_t now)
{
	static uint64_t next;
	uint64_t burst = vopt.mode == M_IDLE ? 256 : UINT64_MAX;

	if (stopping || (vopt.total != 0 && vcount.started + vcount.lost >= vopt.total))
		return 10000;
	if (vopt.every_us == 0) {
		while (
		    n_free > 0 && burst-- > 0 && (vopt.total == 0 || vcount.started < vopt.total))
			sess_start();
		return vopt.mode == M_IDLE && vcount.started < vopt.total ? 0 : 10000;
	}
	if (next == 0)
		next = now;
	while (now >= next && (vopt.total == 0 || vcount.started + vcount.lost < vopt.total)) {
		sess_start();
		next += vopt.every_us;
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
	if (vopt.conns == 0)
		return most;
	for (; now >= next; next += vopt.pace_us) {
		struct sess *s = &sessions[turn++ % vopt.conns];

		if (s->fd == -1 || s->phase != P_HOLD) {
			vcount.lost++;
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

	vload_options(argc, argv);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tool_raise_nofile();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	sessions = calloc(vopt.conns, sizeof(*sessions));
	free_slots = calloc(vopt.conns, sizeof(*free_slots));
	if (sfd == -1 || epfd == -1 || sessions == NULL || free_slots == NULL)
		die("start");
	for (uint32_t i = vopt.conns; i-- > 0;) {
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

		if (vopt.seconds > 0 && (double)(now - t0) >= vopt.seconds * 1e6)
			stopping = true;
		wait_us = start_due(now);
		if (vopt.mode == M_IDLE) {
			if (stopping)
				break;
		} else if (n_free == vopt.conns &&
			   (stopping ||
			       (vopt.total != 0 && vcount.started + vcount.lost >= vopt.total))) {
			break;
		}
		if (vopt.pace_us > 0 && !stopping)
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
		if (vopt.mode == M_IDLE)
			hold(check);
	}
	vload_result(stdout, (double)(tool_now_us() - t0) / 1e6, vopt.conns - n_free);
	return 0;
}
