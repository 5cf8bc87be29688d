/* SPDX-License-Identifier: ISC */
/*
 * Test server: one process, one address, one of many ways to behave. Prints "ready PORT" when it
 * listens, and what it counted as one line of JSON at SIGTERM. Independent of vipd's own code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/vback.h"
#include "tests/lib/vmsg.h"

static int epfd, lfd = -1, cfd = -1; /* their addresses mark epoll data that is no connection */
static bool paused;

static void
die(const char *what)
{
	fprintf(stderr, "vback: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
accept_all(void)
{
	for (int i = 0; i < 64 && !paused; i++) {
		int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1) {
			if (errno != EAGAIN && errno != ECONNABORTED)
				vback_count.accept_errors++;
			return;
		}
		vback_conn_add(epfd, fd);
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
		vback_result(f);
	} else if (strncmp(b, "ready ", 6) == 0) {
		vback_opt.ready_status = atoi(b + 6);
		fputs("ok\n", f);
	} else if (strcmp(b, "pause") == 0 || strcmp(b, "resume") == 0) {
		bool want = b[0] == 'p';

		if (want != paused)
			epoll_ctl(epfd, want ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, lfd, &ev);
		paused = want;
		fputs("ok\n", f);
	} else if (strcmp(b, "reset") == 0 || strcmp(b, "close") == 0) {
		vback_conns_end(b[0] == 'r');
		fputs("ok\n", f);
	} else if (strncmp(b, "mode ", 5) == 0 && vback_mode_parse(b + 5)) {
		fputs("ok\n", f);
	} else if (sscanf(b, "rate %lld %lld", &rr, &wr) == 2) {
		vback_opt.read_rate = rr;
		vback_opt.write_rate = wr;
		vback_conns_wake();
		fputs("ok\n", f);
	} else {
		fputs("unknown command\n", f);
	}
	fclose(f);
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
	if (vback_opt.rcvbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &vback_opt.rcvbuf, sizeof(int));
	if (vback_opt.sndbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &vback_opt.sndbuf, sizeof(int));
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
		vback_opt.ready_status = vback_opt.ready_status == 200 ? 503 : 200;
		return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	unsigned int port = 0;
	sigset_t set;
	int sfd;

	vback_options(argc, argv);
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
	lfd = listen_on(vback_opt.addr, vback_opt.mode == M_NEVER ? 0 : vback_opt.backlog, &port);
	if (vback_opt.control != NULL)
		cfd = listen_on(vback_opt.control, 16, NULL);
	add_fd(sfd, &epfd);
	add_fd(cfd, &cfd);
	if (vback_opt.mode == M_NEVER)
		fill_backlog();
	else
		add_fd(lfd, &lfd);
	printf("ready %u\n", port);
	fflush(stdout);
	for (;;) {
		struct epoll_event ev[256];
		bool rates = vback_opt.read_rate != 0 || vback_opt.write_rate != 0;
		int n = epoll_wait(epfd, ev, 256, rates ? VBACK_TICK_MS : -1);
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
					vback_result(stdout);
					return 0;
				}
			} else {
				vback_conn_event(p, ev[i].events);
			}
		}
		if (listening)
			accept_all();
		if (rates)
			vback_conns_credit();
		if (commands)
			control();
	}
}
