/* SPDX-License-Identifier: ISC */
/* lib/log: form of lines, levels, losses that are counted and said, descriptors; lib/ratelimit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/ratelimit.h"

static char line[70000];

/* Next datagram or chunk, or NULL when none is there. */
static const char *
next(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, 0) != 1)
		return NULL;
	n = read(fd, line, sizeof(line) - 1);
	if (n < 0)
		return NULL;
	line[n] = '\0';
	return line;
}

static struct log_target
target(enum log_format format, int fd, enum log_level level)
{
	struct log_target t = {
	    .format = format, .fd = fd, .level = level, .facility = 16, .lines = false};

	snprintf(t.name, sizeof(t.name), "here");
	return t;
}

static struct log_target
on_stderr(enum log_format format, int fd, enum log_level level)
{
	struct log_target t = target(format, fd, level);

	t.lines = true;
	return t;
}

static void
names(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("emerg"), LOG_EMERG);
	assert_int_equal(log_level_parse("err"), LOG_ERR);
	assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
	assert_int_equal(log_level_parse("error"), -1);
	assert_int_equal(log_level_parse(""), -1);
	assert_int_equal(log_facility_parse("kern"), 0);
	assert_int_equal(log_facility_parse("auth2"), 10);
	assert_int_equal(log_facility_parse("local7"), 23);
	assert_int_equal(log_facility_parse("local8"), -1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i)), i);
	for (int i = 0; i < 24; i++)
		assert_int_equal(log_facility_parse(log_facility_name((unsigned)i)), i);
}

static void
syslog_form(void **state)
{
	int sp[2], day, hour, min, sec;
	struct log_target t;
	char month[4], want[64];
	time_t before = time(NULL), after;
	struct tm a, b;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	t = target(LOG_LOCAL, sp[0], LOG_INFO);
	log_set_targets(&t, 1);
	log_err("disk %s: %d", "full\n\x7f\x01 \xc3\xa4", 7);
	after = time(NULL);
	assert_non_null(next(sp[1]));
	/* local0.err = 16 * 8 + 3 */
	assert_int_equal(sscanf(line, "<131>%3s %d %d:%d:%d ", month, &day, &hour, &min, &sec), 5);
	snprintf(want, sizeof(want), " vipd[%d]: ", (int)getpid());
	assert_memory_equal(line + 5 + 15, want, strlen(want));
	assert_string_equal(line + 5 + 15 + strlen(want), "disk full#0A#7F#01 \xc3\xa4: 7");
	/* Local time, day padded with a space. */
	localtime_r(&before, &a);
	localtime_r(&after, &b);
	assert_true(
	    (hour == a.tm_hour && min == a.tm_min) || (hour == b.tm_hour && min == b.tm_min));
	strftime(want, sizeof(want), "%b %e", hour == a.tm_hour && min == a.tm_min ? &a : &b);
	assert_memory_equal(line + 5, want, 6);

	/* Levels, and errno in %m. */
	log_debug("no");
	assert_null(next(sp[1]));
	assert_false(log_wanted(LOG_DEBUG));
	assert_true(log_wanted(LOG_INFO));
	errno = ENOENT;
	log_info("%m");
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(next(sp[1]), "]: No such file"));
	assert_memory_equal(line, "<134>", 5);
	log_line(LOG_EMERG, "ready bytes and more", 11);
	assert_non_null(strstr(next(sp[1]), "]: ready bytes"));
	assert_null(strstr(line, "and"));
	assert_memory_equal(line, "<128>", 5);
	close(sp[1]);
}

static void
lengths_and_tags(void **state)
{
	static char big[100000];
	int sp[2];
	struct log_target t[2];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	t[0] = target(LOG_LOCAL, sp[0], LOG_NOTICE);
	t[1] = target(LOG_LOCAL, sp[0], LOG_ERR);
	t[1].len = 20000;
	snprintf(t[1].tag, sizeof(t[1].tag), "other");
	log_set_targets(t, 2);
	log_notice("%s", big);
	assert_int_equal(strlen(next(sp[1])), 1024);
	assert_null(next(sp[1]));
	log_crit("%s", big);
	assert_int_equal(strlen(next(sp[1])), 1024);
	assert_int_equal(strlen(next(sp[1])), 20000);
	assert_non_null(strstr(line, " other["));
	/* Everything to be escaped, longer than any buffer. */
	memset(big, '\n', sizeof(big) - 1);
	log_line(LOG_CRIT, big, sizeof(big) - 1);
	assert_int_equal(strlen(next(sp[1])), 1024);
	assert_non_null(strstr(line, "]: #0A#0A"));
	assert_int_equal(strlen(next(sp[1])), 20000);
	close(sp[1]);
}

static void
stderr_forms(void **state)
{
	int a[2], b[2];
	struct log_target t[2];
	char want[80];

	(void)state;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	t[0] = on_stderr(LOG_PLAIN, a[1], LOG_DEBUG);
	t[1] = on_stderr(LOG_SHORT, b[1], LOG_DEBUG);
	log_set_targets(t, 2);
	log_warning("x=%d", 1);
	assert_non_null(next(a[0]));
	snprintf(want, sizeof(want), " vipd[%d]: warning: x=1\n", (int)getpid());
	assert_string_equal(line + 15, want);
	assert_string_equal(next(b[0]), "<4>x=1\n");
	close(a[0]);
	close(b[0]);
}

static void
child_has_its_pid(void **state)
{
	int a[2], status;
	struct log_target t;
	char want[32];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(a), 0);
	t = on_stderr(LOG_PLAIN, a[1], LOG_DEBUG);
	log_set_targets(&t, 1);
	pid = fork();
	if (pid == 0) {
		log_info("child");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(want, sizeof(want), " vipd[%d]: ", (int)pid);
	assert_non_null(strstr(next(a[0]), want));
	close(a[0]);
}

/* A pipe nobody reads: never blocks, and the loss is said first thing when there is room. */
static void
full_pipe(void **state)
{
	int a[2];
	struct log_target t;
	uint64_t lost = log_lost();
	unsigned said = 0, sent = 10000;
	char *p;

	(void)state;
	assert_int_equal(pipe(a), 0);
	t = on_stderr(LOG_SHORT, a[1], LOG_DEBUG);
	log_set_targets(&t, 1);
	for (unsigned i = 0; i < sent; i++)
		log_info("a line of some length, so that the pipe fills");
	lost = log_lost() - lost;
	assert_in_range(lost, 1, sent - 1);
	while (next(a[0]) != NULL)
		;
	log_info("again");
	assert_non_null(next(a[0]));
	assert_memory_equal(line, "<6>again\n<4>", 12);
	said = (unsigned)strtoul(line + 12, &p, 10);
	assert_string_equal(p, " log lines were lost to here\n");
	assert_int_equal(said, lost);
	log_info("no more");
	assert_string_equal(next(a[0]), "<6>no more\n");
	close(a[0]);
}

static void
full_unix_socket(void **state)
{
	int sp[2];
	struct log_target t;
	uint64_t lost = log_lost();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	t = target(LOG_LOCAL, sp[0], LOG_DEBUG);
	log_set_targets(&t, 1);
	for (int i = 0; i < 5000; i++)
		log_info("line");
	lost = log_lost() - lost;
	assert_in_range(lost, 1, 4999);
	/* Room for two: the line and the word about the loss. */
	assert_non_null(next(sp[1]));
	assert_non_null(next(sp[1]));
	log_info("again");
	while (next(sp[1]) != NULL && strstr(line, "]: again") == NULL)
		;
	assert_non_null(next(sp[1]));
	assert_non_null(strstr(line, " log lines were lost to here"));
	assert_int_equal(strtoul(strstr(line, "]: ") + 3, NULL, 10), lost);
	close(sp[1]);
}

static int
udp_bound(uint16_t port, struct sockaddr_in *sin)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*sin);

	*sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, sizeof(*sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return fd;
}

static void
udp_without_listener(void **state)
{
	struct sockaddr_in sin;
	int rx = udp_bound(0, &sin), tx = socket(AF_INET, SOCK_DGRAM, 0);
	struct log_target t;
	uint64_t base = log_lost();
	int said = -1;

	(void)state;
	assert_int_equal(connect(tx, (struct sockaddr *)&sin, sizeof(sin)), 0);
	close(rx);
	t = target(LOG_LOCAL, tx, LOG_DEBUG);
	log_set_targets(&t, 1);
	for (int i = 0; i < 50; i++)
		log_info("lost %d", i);
	/* The last one's fate may be unknown. */
	assert_in_range(log_lost() - base, 49, 50);
	rx = udp_bound(sin.sin_port, &sin);
	/* The very next line arrives, though the socket still holds a refusal. */
	log_info("first heard");
	assert_non_null(next(rx));
	assert_non_null(strstr(line, "first heard"));
	assert_int_equal(log_lost() - base, 50);
	for (int i = 0; i < 300 && said == -1; i++) {
		struct pollfd p = {.fd = rx, .events = POLLIN};

		log_info("later");
		while (poll(&p, 1, 10) == 1 && next(rx) != NULL)
			if (strstr(line, "were lost to here") != NULL)
				said = atoi(strstr(line, "]: ") + 3);
	}
	assert_int_equal(said, 50);
	assert_int_equal(log_lost() - base, 50);
	close(rx);
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t re;
	bool r;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	r = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	if (!r)
		print_error("%s\nis not\n%s\n", text, pattern);
	return r;
}

#define ISO \
	"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{6}[+-][0-9:]{5}"

static const struct log_field fields[] = {
    {"frontend", "f\n\"\\\xff", 0}, {"bytes_out", NULL, -5}, {"server", NULL, INT64_MAX}};

static void
formats(void **state)
{
	static const struct {
		enum log_format format;
		const char *pattern;
	} t[] = {
	    {LOG_LOCAL, "^<131>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} vipd\\[[0-9]+\\]: a#0Ab$"},
	    {LOG_RFC3164,
		"^<131>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} node_1 vipd\\[[0-9]+\\]: a#0Ab$"},
	    {LOG_RFC5424, "^<131>1 " ISO " node_1 vipd [0-9]+ - - a#0Ab$"},
	    {LOG_PRIORITY, "^<131>a#0Ab$"},
	    {LOG_SHORT, "^<3>a#0Ab$"},
	    {LOG_TIMED, "^<3>" ISO " a#0Ab$"},
	    {LOG_ISO, "^" ISO " a#0Ab$"},
	    {LOG_RAW, "^a#0Ab$"},
	    {LOG_PLAIN, "^[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} vipd\\[[0-9]+\\]: err: a#0Ab$"},
	    {LOG_JSON, "^[{]\"time\":\"" ISO "\",\"level\":\"err\",\"host\":\"node_1\",\"program\":"
		       "\"vipd\",\"pid\":[0-9]+,\"message\":\"a\\\\nb\",\"frontend\":"
		       "\"f\\\\n\\\\\"\\\\\\\\\xef\xbf\xbd\",\"bytes_out\":-5,"
		       "\"server\":9223372036854775807[}]$"},
	    {LOG_JOURNAL, "^MESSAGE=a#0Ab\nPRIORITY=3\nSYSLOG_FACILITY=16\nSYSLOG_IDENTIFIER=vipd\n"
			  "SYSLOG_PID=[0-9]+\nVIPD_FRONTEND=f \"[\\]\xff\nVIPD_BYTES_OUT=-5\n"
			  "VIPD_SERVER=9223372036854775807\n$"},
	};
	int sp[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct log_target v = target(t[i].format, dup(sp[0]), LOG_INFO);

		snprintf(v.host, sizeof(v.host), "node 1");
		log_set_targets(&v, 1);
		assert_int_equal(log_fields_wanted(LOG_INFO),
		    t[i].format == LOG_JSON || t[i].format == LOG_JOURNAL);
		assert_false(log_fields_wanted(LOG_DEBUG));
		log_line_fields(LOG_ERR, "a\nb", 3, fields, 3);
		assert_non_null(next(sp[1]));
		assert_true(matches(line, t[i].pattern));
	}
	log_set_targets(NULL, 0);
	close(sp[0]);
	close(sp[1]);
}

/* What is too long loses its fields, then its end, and is whole all the same. */
static void
whole_lines(void **state)
{
	static char big[3000], field[2000];
	const struct log_field one = {"f", field, 0};
	int sp[2];

	(void)state;
	memset(big, '\"', sizeof(big) - 1);
	memset(field, 'x', sizeof(field) - 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	for (int i = 0; i < 2; i++) {
		struct log_target v = target(i == 0 ? LOG_JSON : LOG_JOURNAL, dup(sp[0]), LOG_INFO);

		v.len = 2000;
		log_set_targets(&v, 1);
		log_line_fields(LOG_INFO, big, 100, &one, 1);
		assert_non_null(next(sp[1]));
		assert_null(strchr(line, 'x'));
		assert_true(strlen(line) > 150);
		log_line_fields(LOG_INFO, big, sizeof(big) - 1, &one, 1);
		assert_non_null(next(sp[1]));
		assert_true(strlen(line) > 600 && strlen(line) <= 2000);
		assert_int_equal(line[strlen(line) - 1], i == 0 ? '}' : '\n');
		v = target(v.format, dup(sp[0]), LOG_INFO);
		v.len = 80; /* at least 640 */
		log_set_targets(&v, 1);
		log_line_fields(LOG_INFO, big, sizeof(big) - 1, &one, 1);
		assert_non_null(next(sp[1]));
		assert_in_range(strlen(line), 200, 640);
	}
	log_set_targets(NULL, 0);
	close(sp[0]);
	close(sp[1]);
}

/* Every byte in a message of a JSON line comes out as JSON has it. */
static void
json_bytes(void **state)
{
	char text[3], want[16];
	struct log_target v;
	int sp[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	v = target(LOG_JSON, sp[0], LOG_INFO);
	log_set_targets(&v, 1);
	for (int c = 0; c < 256; c++) {
		static const char names[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
		const char *p = c != 0 ? strchr(names, c) : NULL;

		text[0] = 'a';
		text[1] = (char)c;
		text[2] = 'z';
		log_line(LOG_INFO, text, 3);
		if (p != NULL)
			snprintf(want, sizeof(want), "\"a\\%cz\"}", letters[p - names]);
		else if (c < 0x20)
			snprintf(want, sizeof(want), "\"a\\u%04xz\"}", c);
		else if (c < 0x80)
			snprintf(want, sizeof(want), "\"a%cz\"}", c);
		else
			snprintf(want, sizeof(want), "\"a\xef\xbf\xbdz\"}");
		assert_non_null(next(sp[1]));
		assert_non_null(strstr(line, want));
	}
	log_set_targets(NULL, 0);
	close(sp[1]);
}

/* Wherever a byte stands in a line, it is found, and no other is taken for it. */
static void
control_bytes(void **state)
{
	char text[19], want[24];
	struct log_target v;
	int sp[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	v = target(LOG_RAW, sp[0], LOG_INFO);
	log_set_targets(&v, 1);
	for (int at = 0; at < 19; at++)
		for (int c = 0; c < 256; c++) {
			memset(text, at % 2 == 0 ? ' ' : '\xff', sizeof(text));
			text[at] = (char)c;
			log_line(LOG_INFO, text, sizeof(text));
			assert_non_null(next(sp[1]));
			memset(want, at % 2 == 0 ? ' ' : '\xff', sizeof(want));
			if (c < 0x20 || c == 0x7f) {
				char hex[4];

				snprintf(hex, sizeof(hex), "#%02X", (unsigned)c);
				memcpy(want + at, hex, 3);
				want[21] = '\0';
			} else {
				want[at] = (char)c;
				want[19] = '\0';
			}
			assert_string_equal(line, want);
		}
	log_set_targets(NULL, 0);
	close(sp[1]);
}

/* systemd names the socket that is its journal. */
static void
stderr_is_the_journal(void **state)
{
	int p[2], status;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (pid == 0) {
			struct stat st;
			char name[64];

			dup2(p[1], 2);
			if (fstat(2, &st) == -1)
				_exit(1);
			snprintf(name, sizeof(name), i == 2 ? "%llu;%llu" : "%llu:%llu",
			    (unsigned long long)st.st_dev,
			    (unsigned long long)st.st_ino + (i == 1));
			setenv("JOURNAL_STREAM", name, 1);
			log_init("vipd");
			log_warning("early");
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_non_null(next(p[0]));
		if (i == 0)
			assert_string_equal(line, "<4>early\n");
		else
			assert_non_null(strstr(line, "]: warning: early\n"));
		close(p[0]);
		close(p[1]);
	}
}

static size_t hook_calls;
static char hook_name[64];
static int hook_fd = -1;

static void
hook(const char *name)
{
	hook_calls++;
	snprintf(hook_name, sizeof(hook_name), "%s", name);
	log_err("from the hook"); /* must neither recurse without end nor spoil the line */
	if (hook_fd != -1)
		log_reopen(hook_name, hook_fd);
}

static void
unix_receiver_gone(void **state)
{
	int sp[2], other[2];
	struct log_target t[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, other), 0);
	t[0] = target(LOG_LOCAL, dup(other[0]), LOG_EMERG);
	snprintf(t[0].name, sizeof(t[0].name), "other");
	t[1] = target(LOG_LOCAL, sp[0], LOG_DEBUG);
	log_set_targets(t, 2);
	log_set_lost_hook(hook);
	close(sp[1]);
	hook_calls = 0;
	for (int i = 0; i < 20; i++)
		log_info("x");
	assert_int_equal(hook_calls, 1);
	assert_string_equal(hook_name, "here");
	log_set_lost_hook(NULL);

	/* Reopened: goes on, says the loss. */
	assert_true(log_reopen("here", other[0]));
	assert_false(log_reopen("nowhere", dup(other[0])));
	assert_int_equal(fcntl(sp[0], F_GETFD), -1);
	log_info("back");
	assert_non_null(strstr(next(other[1]), "]: back"));
	assert_non_null(strstr(next(other[1]), "]: 21 log lines were lost to here"));

	/* Reopened by the hook itself. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sp), 0);
	hook_fd = sp[0];
	hook_calls = 0;
	t[0].fd = -1; /* could not be opened */
	log_set_targets(t, 1);
	log_set_lost_hook(hook);
	log_emerg("lost");
	assert_int_equal(hook_calls, 1);
	log_emerg("heard");
	assert_non_null(strstr(next(sp[1]), "]: heard"));
	log_set_lost_hook(NULL);
	close(other[1]);
	close(sp[1]);
}

static void
descriptors(void **state)
{
	int a[2], b[2];
	struct log_target t[3];

	(void)state;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	t[0] = on_stderr(LOG_PLAIN, a[1], LOG_DEBUG);
	t[1] = on_stderr(LOG_PLAIN, b[1], LOG_DEBUG);
	t[2] = on_stderr(LOG_PLAIN, b[1], LOG_DEBUG);
	assert_int_equal(log_set_targets(t, 3), 0);
	assert_int_equal(log_set_targets(t, 1), 0); /* b goes, a stays */
	assert_int_not_equal(fcntl(a[1], F_GETFD), -1);
	assert_int_equal(fcntl(b[1], F_GETFD), -1);
	assert_int_equal(log_set_targets(t, LOG_TARGETS_MAX + 1), -1);
	assert_int_equal(errno, E2BIG);
	log_info("still");
	assert_non_null(strstr(next(a[0]), "still"));
	assert_int_equal(log_set_targets(NULL, 0), 0);
	assert_int_equal(fcntl(a[1], F_GETFD), -1);
	assert_false(log_wanted(LOG_EMERG));
	log_emerg("nowhere");
	t[0].fd = 2;
	log_set_targets(t, 1);
	log_set_targets(NULL, 0);
	assert_int_not_equal(fcntl(2, F_GETFD), -1);
	close(a[0]);
	close(b[0]);
}

static void
before_targets(void **state)
{
	int a[2], saved = dup(2);
	char want[64];

	(void)state;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(dup2(a[1], 2), 2);
	log_init("vipd");
	log_debug("no");
	log_info("early");
	dup2(saved, 2);
	snprintf(want, sizeof(want), "vipd[%d]: info: early\n", (int)getpid());
	assert_string_equal(next(a[0]), want);
	close(saved);
	close(a[0]);
	close(a[1]);
}

static void
bucket(void **state)
{
	struct ratelimit r = RATELIMIT_INIT(3, 1000);
	struct mono now = {1};
	uint32_t held = 99;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(ratelimit_step(&r, now, &held));
		assert_int_equal(held, 0);
	}
	for (int i = 0; i < 5; i++)
		assert_false(ratelimit_step(&r, now, &held));
	assert_false(ratelimit_step(&r, mono_add_ms(now, 333), &held)); /* a third is 333.3 ms */
	assert_true(ratelimit_step(&r, mono_add_ms(now, 334), &held));
	assert_int_equal(held, 6);
	/* Back in time gives nothing; a long pause no more than the burst. */
	assert_false(ratelimit_step(&r, now, NULL));
	now = mono_add_ms(now, 3600000);
	for (int i = 0; i < 3; i++)
		assert_true(ratelimit_step(&r, now, NULL));
	assert_false(ratelimit_step(&r, now, NULL));
	/* In the long run burst per interval, whatever the rhythm of asking. */
	held = 0;
	for (int i = 1; i <= 100000; i++)
		held += ratelimit_step(&r, mono_add_ms(now, i), NULL);
	assert_in_range(held, 299, 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats),
	    cmocka_unit_test(whole_lines),
	    cmocka_unit_test(json_bytes),
	    cmocka_unit_test(stderr_is_the_journal),
	    cmocka_unit_test(control_bytes),
	    cmocka_unit_test(before_targets),
	    cmocka_unit_test(names),
	    cmocka_unit_test(syslog_form),
	    cmocka_unit_test(lengths_and_tags),
	    cmocka_unit_test(stderr_forms),
	    cmocka_unit_test(child_has_its_pid),
	    cmocka_unit_test(full_pipe),
	    cmocka_unit_test(full_unix_socket),
	    cmocka_unit_test(udp_without_listener),
	    cmocka_unit_test(unix_receiver_gone),
	    cmocka_unit_test(descriptors),
	    cmocka_unit_test(bucket),
	};

	setenv("TZ", "XXX-05:30", 1);
	log_init("vipd");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
