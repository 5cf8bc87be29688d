/* SPDX-License-Identifier: ISC */
/*
 * What a line about a session costs the process that writes it, in CPU: made alone, and made and
 * sent to a receiver that keeps up, by format and socket; and what sending in batches would save.
 * Part of tests/bench/run.py (--only log). Prints "WHAT NANOSECONDS" a line, the median of rounds.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf/logformat.h"
#include "lib/log.h"
#include "worker/logline.h"
#include "worker/tcplog.h"

enum { ROUNDS = 9, LINES = 4000, BATCH = 8 };

static struct logline l;
static struct conf_frontend fe;
static char text[LOGLINE_MOST];
static size_t text_len;
static int fd, watched = -1;

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Until the receiver has read all, or for good when there is none. */
static void
drained(void)
{
	struct timespec t = {.tv_nsec = 20000};
	int n = 0;

	while (watched != -1 && ioctl(watched, SIOCOUTQ, &n) == 0 && n > 0)
		nanosleep(&t, NULL);
}

/* Eight lines at once: the queue of a UNIX socket holds ten. */
static void
measure(const char *what, void (*fn)(void), int per_call)
{
	int64_t v[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		v[r] = 0;
		for (int i = 0; i < LINES; i += BATCH) {
			int64_t from;

			drained();
			from = cpu_ns();
			for (int k = 0; k < BATCH; k += per_call) {
				l.accept_wall_us += 100;
				l.id++;
				fn();
			}
			v[r] += cpu_ns() - from;
		}
		v[r] /= LINES;
	}
	qsort(v, ROUNDS, sizeof(v[0]), compare);
	printf("%s %lld\n", what, (long long)v[ROUNDS / 2]);
	fflush(stdout);
}

static void
use(const char *format)
{
	static struct logformat_op op[LOGFORMAT_OPS];
	static struct logformat f;
	struct logformat_error error;

	if (logformat_parse(format, op, &f, &error) == -1)
		errx(1, "%s: column %u: %s", format, error.column, error.text);
	fe.log_program = &f;
	text_len = logline_render(&f, &l, text, sizeof(text));
}

static void
render(void)
{
	text_len = logline_render(fe.log_program, &l, text, sizeof(text));
}

static void
whole(void)
{
	tcplog_write(&fe, &l);
}

static void
send_one(void)
{
	struct iovec iov = {text, text_len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
send_batch(void)
{
	struct mmsghdr m[BATCH] = {0};
	struct iovec iov = {text, text_len};

	for (int i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	sendmmsg(fd, m, BATCH, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A process that reads from rx on the last CPU; the measured one has the first. */
static pid_t
receiver(int rx)
{
	pid_t pid = fork();
	cpu_set_t set;
	char buf[65536];

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;)
		recv(rx, buf, sizeof(buf), 0);
}

static void
sockets(bool udp, int sp[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int big = 8 << 20;

	if (!udp) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sp) == -1)
			err(1, "socketpair");
		return;
	}
	sp[0] = socket(AF_INET, SOCK_DGRAM, 0);
	sp[1] = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(sp[1], SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (bind(sp[1], (struct sockaddr *)&a, len) == -1 ||
	    getsockname(sp[1], (struct sockaddr *)&a, &len) == -1 ||
	    connect(sp[0], (struct sockaddr *)&a, len) == -1)
		err(1, "udp");
}

static void
sent(const char *what, bool udp, enum log_format form, const char *format)
{
	struct log_target t = {.format = form, .level = LOG_INFO, .facility = 16, .len = 4096};
	uint64_t lost = log_lost();
	int sp[2];
	pid_t pid;

	sockets(udp, sp);
	pid = receiver(sp[1]);
	use(format);
	t.fd = dup(sp[0]);
	watched = udp ? -1 : sp[0]; /* UDP: counted at the receiver, whose buffer is large */
	log_set_targets(&t, 1);
	measure(what, whole, 1);
	lost = log_lost() - lost;
	if (lost > ROUNDS * LINES / 100) /* a send that fails is cheaper */
		errx(1, "%s: %llu lines did not fit", what, (unsigned long long)lost);
	log_set_targets(NULL, 0);
	if (form == LOG_RAW) {
		fd = sp[0];
		measure(udp ? "udp_sendmsg" : "unix_sendmsg", send_one, 1);
		measure(udp ? "udp_sendmmsg" : "unix_sendmmsg", send_batch, BATCH);
	}
	close(sp[0]);
	close(sp[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	static const char many[] =
	    "%{+Q}o %ci %cp %fi %fp %bi %bp %si %sp %f %b %s %T %Tl %Ts %ms %Th %Tw %Tc %Td %Tt "
	    "%B %U %ts %ac %fc %bc %sc %rc %sq %bq %rt %pid %H";
	struct shm_end end = {.family = AF_INET, .port = 50000, .addr = {192, 0, 2, 100}};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	log_init("vipd");
	l = (struct logline){.client = end,
	    .local = end,
	    .source = end,
	    .server_at = end,
	    .accept_wall_us = 1700000000000000,
	    .frontend = "k8s-api",
	    .backend = "k8s-master",
	    .server = "k8s-master1",
	    .host = log_host(),
	    .pid = (unsigned)getpid(),
	    .wait_ms = 0,
	    .connect_ms = 1,
	    .total_ms = 1234,
	    .bytes_in = 1000,
	    .bytes_out = 123456,
	    .state = {'-', '-'},
	    .actconn = 100,
	    .feconn = 90,
	    .beconn = 80,
	    .srv_conn = 30};
	use(LOGFORMAT_TCPLOG);
	measure("render_tcplog", render, 1);
	use(many);
	measure("render_all_variables", render, 1);
	use("json");
	measure("render_json", render, 1);
	sent("unix_local", false, LOG_LOCAL, LOGFORMAT_TCPLOG);
	sent("unix_rfc5424", false, LOG_RFC5424, LOGFORMAT_TCPLOG);
	sent("unix_rfc5424_all_variables", false, LOG_RFC5424, many);
	sent("unix_local_log_format_json", false, LOG_LOCAL, "json");
	sent("unix_json", false, LOG_JSON, LOGFORMAT_TCPLOG);
	sent("unix_journal", false, LOG_JOURNAL, LOGFORMAT_TCPLOG);
	sent("unix_raw", false, LOG_RAW, LOGFORMAT_TCPLOG);
	sent("udp_local", true, LOG_LOCAL, LOGFORMAT_TCPLOG);
	sent("udp_rfc5424", true, LOG_RFC5424, LOGFORMAT_TCPLOG);
	sent("udp_json", true, LOG_JSON, LOGFORMAT_TCPLOG);
	sent("udp_raw", true, LOG_RAW, LOGFORMAT_TCPLOG);
	return 0;
}
