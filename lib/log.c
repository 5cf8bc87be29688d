/* SPDX-License-Identifier: ISC */
/*
 * A line goes through three steps: wanted (levels), clean (control bytes), and per target a form
 * (logform), a cut and one system call. Sending several lines by one call would save an eighth of
 * the call on UDP and less on UNIX sockets (tests/bench/loglines.c): not worth holding lines back.
 */
#include "lib/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/logform.h"
#include "lib/mono.h"

struct target {
	struct log_target t;
	bool socket;         /* fd is a socket: sendmsg */
	bool local;          /* an AF_UNIX one */
	uint32_t lost;       /* lines not yet said to be lost */
	struct mono said_at; /* last try to say so; 0: none since a success */
	struct mono hook_at; /* last call of the hook */
	struct logform form;
};

static struct {
	struct target targets[LOG_TARGETS_MAX];
	size_t n;
	int wanted;        /* the highest level of all targets; -1: none */
	int fields_wanted; /* ... of those that show fields */
	bool inited;
	char ident[LOG_TAG_MAX + 1];
	char prefix[LOG_TAG_MAX + 2]; /* "vipd_" */
	char host[LOG_HOST_MAX + 1];
	struct logform_time now;
	uint64_t lost;
	void (*hook)(const char *);
	char raw[LOG_LEN_MAX + 1];
	char clean[LOG_LEN_MAX + 1];
	char whole[LOG_LEN_MAX + 1];
} lg = {.wanted = -1, .fields_wanted = -1};

static const char *const facility_names[] = {"kern", "user", "mail", "daemon", "auth", "syslog",
    "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit", "alert", "cron2", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

#define N_LEVELS     8
#define N_FACILITIES (sizeof(facility_names) / sizeof(facility_names[0]))

int
log_level_parse(const char *text)
{
	for (int i = 0; i < N_LEVELS; i++)
		if (strcmp(logform_level((enum log_level)i), text) == 0)
			return i;
	return -1;
}

const char *
log_level_name(enum log_level level)
{
	return logform_level(level);
}

int
log_facility_parse(const char *text)
{
	for (size_t i = 0; i < N_FACILITIES; i++)
		if (strcmp(facility_names[i], text) == 0)
			return (int)i;
	return -1;
}

const char *
log_facility_name(unsigned facility)
{
	return facility < N_FACILITIES ? facility_names[facility] : "?";
}

/* Syslog's words are printable and have no blanks. */
static void
word_clean(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			*text = '_';
}

static void
form_init(struct target *t)
{
	bool bare = t->form.bare;

	word_clean(t->t.tag);
	word_clean(t->t.host);
	t->form = (struct logform){.format = t->t.format,
	    .bare = bare,
	    .facility = t->t.facility,
	    .host = t->t.host[0] != '\0' ? t->t.host : lg.host,
	    .tag = t->t.tag[0] != '\0' ? t->t.tag : lg.ident,
	    .prefix = lg.prefix,
	    .pid = (unsigned)getpid()};
}

static void
after_fork(void)
{
	for (size_t i = 0; i < lg.n; i++)
		lg.targets[i].form.pid = (unsigned)getpid();
}

static bool
shows_fields(const struct target *t)
{
	return t->t.format == LOG_JSON || t->t.format == LOG_JOURNAL;
}

/* Fills in what is derived from the public part. */
static void
target_init(struct target *t)
{
	struct stat st;
	int domain = 0;
	socklen_t len = sizeof(domain);

	t->socket = fstat(t->t.fd, &st) == 0 && S_ISSOCK(st.st_mode);
	t->local = t->socket && getsockopt(t->t.fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		   domain == AF_UNIX;
	if (t->t.len == 0)
		t->t.len = LOG_LEN_DEFAULT;
	if (shows_fields(t) && t->t.len < 2 * LOG_LEN_WHOLE)
		t->t.len = 2 * LOG_LEN_WHOLE;
	if (t->t.lines && t->t.len > PIPE_BUF)
		t->t.len = PIPE_BUF;
	if (t->t.len > LOG_LEN_MAX)
		t->t.len = LOG_LEN_MAX;
	if (t->t.facility >= N_FACILITIES)
		t->t.facility = 0;
	t->t.name[LOG_NAME_MAX] = '\0';
	t->t.tag[LOG_TAG_MAX] = '\0';
	t->t.host[LOG_HOST_MAX] = '\0';
	form_init(t);
}

bool
log_stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, inode;
	struct stat st;

	return text != NULL && sscanf(text, "%llu:%llu", &dev, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == inode;
}

void
log_init(const char *ident)
{
	if (!lg.inited) {
		tzset();
		pthread_atfork(NULL, NULL, after_fork);
	}
	lg.inited = true;
	lg.lost = 0;
	snprintf(lg.ident, sizeof(lg.ident), "%s", ident);
	snprintf(lg.prefix, sizeof(lg.prefix), "%s_", ident);
	if (gethostname(lg.host, sizeof(lg.host)) == -1 || lg.host[0] == '\0')
		snprintf(lg.host, sizeof(lg.host), "localhost");
	lg.host[LOG_HOST_MAX] = '\0';
	word_clean(lg.host);
	log_set_targets(
	    &(struct log_target){.format = log_stderr_is_journal() ? LOG_SHORT : LOG_PLAIN,
		.level = LOG_INFO,
		.fd = 2,
		.lines = true},
	    1);
	lg.targets[0].form.bare = true;
	lg.targets[0].t.len = PIPE_BUF;
}

void
log_after_fork(void)
{
	char ident[sizeof(lg.ident)]; /* log_init writes over its own */

	lg.n = 0;
	memcpy(ident, lg.ident, sizeof(ident));
	log_init(ident);
}

static bool
fd_used(const struct log_target *targets, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (targets[i].fd == fd)
			return true;
	return false;
}

int
log_set_targets(const struct log_target *targets, size_t n)
{
	struct target old[LOG_TARGETS_MAX];
	size_t n_old = lg.n;

	if (n > LOG_TARGETS_MAX) {
		errno = E2BIG;
		return -1;
	}
	memcpy(old, lg.targets, n_old * sizeof(old[0]));
	lg.wanted = lg.fields_wanted = -1;
	for (size_t i = 0; i < n; i++) {
		struct target *t = &lg.targets[i];

		*t = (struct target){.t = targets[i]};
		target_init(t);
		if ((int)t->t.level > lg.wanted)
			lg.wanted = (int)t->t.level;
		if (shows_fields(t) && (int)t->t.level > lg.fields_wanted)
			lg.fields_wanted = (int)t->t.level;
		for (size_t j = 0; j < n_old; j++)
			if (old[j].t.format == t->t.format && strcmp(old[j].t.name, t->t.name) == 0)
				t->lost = old[j].lost;
	}
	lg.n = n;
	for (size_t i = 0; i < n_old; i++) {
		int fd = old[i].t.fd;
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again = again || old[j].t.fd == fd;
		if (fd > 2 && !again && !fd_used(targets, n, fd))
			close(fd);
	}
	return 0;
}

static void
fd_drop(int fd)
{
	for (size_t i = 0; i < lg.n; i++)
		if (lg.targets[i].t.fd == fd)
			return;
	if (fd > 2)
		close(fd);
}

bool
log_reopen(const char *name, int fd)
{
	bool taken = false;

	for (size_t i = 0; i < lg.n; i++) {
		struct target *t = &lg.targets[i];
		int old = t->t.fd;

		if (t->t.lines || strcmp(t->t.name, name) != 0)
			continue;
		taken = true;
		t->t.fd = fd;
		target_init(t);
		fd_drop(old);
	}
	if (!taken)
		close(fd);
	return taken;
}

void
log_set_lost_hook(void (*hook)(const char *name))
{
	lg.hook = hook;
}

bool
log_wanted(enum log_level level)
{
	return (int)level <= lg.wanted;
}

bool
log_fields_wanted(enum log_level level)
{
	return (int)level <= lg.fields_wanted;
}

const char *
log_host(void)
{
	return lg.host;
}

uint64_t
log_lost(void)
{
	return lg.lost;
}

/* Not a socket: a pipe, a terminal, a file. Old kernels know no RWF_NOWAIT on pipes: ask first. */
static ssize_t
write_now(int fd, struct iovec *iov, int n)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t r = pwritev2(fd, iov, n, -1, RWF_NOWAIT);

	if (r != -1 ||
	    (errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM && errno != EINVAL))
		return r;
	if (poll(&p, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return writev(fd, iov, n);
}

static int
send_iov(struct target *t, struct iovec *iov, size_t n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t r;

	do {
		if (t->socket)
			r = sendmsg(t->t.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			r = write_now(t->t.fd, iov, (int)n);
	} while (r == -1 && errno == EINTR);
	return r == -1 ? -1 : 0;
}

/* One line to one target. Returns 0, or -1 with errno. */
static int
target_send(struct target *t, const struct logform_line *l)
{
	char head[LOGFORM_HEAD];
	size_t n = 1, used, room = t->t.len - t->t.lines;
	struct iovec iov[3] = {{.iov_base = head}};

	if (shows_fields(t)) {
		iov[0].iov_base = lg.whole;
		iov[0].iov_len = logform_whole(&t->form, &lg.now, l, lg.whole, room + 1);
	} else {
		used = iov[0].iov_len = logform_head(&t->form, &lg.now, l->level, head);
		iov[n++] = (struct iovec){.iov_base = (void *)(uintptr_t)l->text,
		    .iov_len = used >= room           ? 0
			       : l->len > room - used ? room - used
						      : l->len};
	}
	if (t->t.lines)
		iov[n++] = (struct iovec){.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1};
	return send_iov(t, iov, n);
}

static void
lost_count(struct target *t)
{
	t->lost += t->lost < UINT32_MAX;
	lg.lost++;
}

static bool
is_gone(int error)
{
	return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN ||
	       error == EPIPE || error == EDESTADDRREQ || error == ENOENT || error == EBADF;
}

/*
 * Says on the target how many lines it lost. After a refusal at most once a second: on UDP a
 * success means nothing yet, the answer to the line just sent comes with the next call.
 */
static void
lost_say(struct target *t, struct mono now)
{
	char text[LOG_NAME_MAX + 64];
	int n;

	if (t->said_at.ns != 0 && now.ns - t->said_at.ns < 1000000000)
		return;
	n = snprintf(text, sizeof(text), "%u log line%s lost to %s", t->lost,
	    t->lost == 1 ? " was" : "s were", t->t.name[0] != '\0' ? t->t.name : "stderr");
	if (target_send(t, &(struct logform_line){
			       .level = LOG_WARNING, .text = text, .len = (size_t)n}) == 0) {
		t->lost = 0;
		t->said_at.ns = 0;
	} else if (errno == ECONNREFUSED && !t->local) {
		lost_count(t);
		t->said_at = now;
	}
}

/* Returns true when the hook is due. */
static bool
target_line(struct target *t, const struct logform_line *l)
{
	int r = target_send(t, l);

	/* On UDP the refusal is the answer to the line before: that one is lost, this one may
	 * arrive. */
	if (r == -1 && errno == ECONNREFUSED && t->socket && !t->local) {
		lost_count(t);
		r = target_send(t, l);
	}
	if (r == 0) {
		if (t->lost > 0)
			lost_say(t, mono_now());
		return false;
	}
	lost_count(t);
	if (lg.hook == NULL || t->t.lines || !(t->local || !t->socket) || !is_gone(errno))
		return false;
	if (t->hook_at.ns != 0 && mono_diff_ms(mono_now(), t->hook_at) < 1000)
		return false;
	t->hook_at = mono_now();
	return true;
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* Has one of eight bytes a control's value? A borrow comes from a byte that has it alone. */
static bool
any_control(const char *text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x, del;

	memcpy(&x, text, sizeof(x));
	del = x ^ (ones * 0x7f);
	return ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & (ones * 0x80)) != 0;
}

/* The text itself if it is clean, or lg.clean. */
static const char *
text_clean(const char *text, size_t *len)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i = 0, o;

	while (i + 8 <= *len && !any_control(text + i))
		i += 8;
	while (i < *len && !is_control((unsigned char)text[i]))
		i++;
	if (i == *len)
		return text;
	if (i > LOG_LEN_MAX)
		i = LOG_LEN_MAX;
	memcpy(lg.clean, text, i);
	for (o = i; i < *len && o + 3 <= LOG_LEN_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_control(c)) {
			lg.clean[o++] = '#';
			lg.clean[o++] = hex[c >> 4];
			lg.clean[o++] = hex[c & 15];
		} else {
			lg.clean[o++] = (char)c;
		}
	}
	*len = o;
	return lg.clean;
}

void
log_line(enum log_level level, const char *text, size_t len)
{
	log_line_fields(level, text, len, NULL, 0);
}

void
log_line_fields(
    enum log_level level, const char *text, size_t len, const struct log_field *fields, size_t n)
{
	struct logform_line raw = {level, text, len, fields, n}, clean = raw;
	int saved = errno;
	uint32_t due = 0; /* targets whose hook is due, after the loop: it may change the targets */
	struct timespec now;

	if (!log_wanted(level) || (int)level < 0)
		return;
	clean.text = text_clean(text, &clean.len);
	clock_gettime(CLOCK_REALTIME, &now);
	logform_time_set(&lg.now, &now);
	for (size_t i = 0; i < lg.n; i++) {
		struct target *t = &lg.targets[i];

		if (level <= t->t.level && target_line(t, t->t.format == LOG_JSON ? &raw : &clean))
			due |= 1u << i;
	}
	for (size_t i = 0; due != 0; i++, due >>= 1)
		if (due & 1)
			lg.hook(lg.targets[i].t.name);
	errno = saved;
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	int n;

	if (!log_wanted(level))
		return;
	va_start(ap, fmt);
	errno = saved;
	n = vsnprintf(lg.raw, sizeof(lg.raw), fmt, ap);
	va_end(ap);
	if (n > 0)
		log_line(
		    level, lg.raw, (size_t)n < sizeof(lg.raw) ? (size_t)n : sizeof(lg.raw) - 1);
	errno = saved;
}
