/* SPDX-License-Identifier: ISC */
/* Commands that change something. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "lib/json.h"

int
ctl_do(const struct ctl *ctl, const char *line)
{
	struct buf answer = BUF_INIT;
	int res = CTL_OK;

	client_must_ask(ctl->socket, line, &answer);
	if (answer.len > 0) {
		fprintf(stderr, "vipctl: %s", buf_text(&answer));
		res = CTL_FAILED;
	}
	buf_free(&answer);
	return res;
}

static time_t
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* ---- servers ----------------------------------------------------------------------------------
 */

/*
 * "backend/server" for a name that may be only the server's. Returns 0, or -1 after having said
 * that there is none or that several have it.
 */
static int
find_server(const struct ctl *ctl, const char *name, char *out, size_t size)
{
	struct buf answer = BUF_INIT;
	struct table t;
	size_t found = 0;

	if (strchr(name, '/') != NULL) {
		snprintf(out, size, "%s", name);
		return 0;
	}
	client_must_ask(ctl->socket, "show stat -1 4 -1", &answer);
	if (table_parse(&t, buf_text(&answer)) == -1) {
		fprintf(stderr, "vipctl: %s", buf_text(&answer));
		buf_free(&answer);
		return -1;
	}
	for (size_t i = 0; i < t.n_rows; i++)
		if (strcmp(table_get(&t, i, "svname"), name) == 0 && found++ == 0)
			snprintf(out, size, "%s/%s", table_get(&t, i, "pxname"), name);
	table_free(&t);
	buf_free(&answer);
	if (found == 0)
		fprintf(stderr, "vipctl: no server is called %s; see vipctl servers\n", name);
	else if (found > 1)
		fprintf(stderr, "vipctl: %zu backends have a server %s; say which: %s, ...\n",
		    found, name, out);
	return found == 1 ? 0 : -1;
}

static int
set_state(const struct ctl *ctl, const char *server, const char *state)
{
	char line[256];

	snprintf(line, sizeof(line), "set server %.160s state %s", server, state);
	return ctl_do(ctl, line);
}

/* Sessions on "backend/server" now; -1: it has gone. */
static long
sessions_on(const struct ctl *ctl, const char *server)
{
	struct buf answer = BUF_INIT;
	struct table t;
	long n = -1;

	client_must_ask(ctl->socket, "show stat -1 4 -1", &answer);
	if (table_parse(&t, buf_text(&answer)) == 0) {
		for (size_t i = 0; i < t.n_rows; i++) {
			char name[160];

			snprintf(name, sizeof(name), "%s/%s", table_get(&t, i, "pxname"),
			    table_get(&t, i, "svname"));
			if (strcmp(name, server) == 0)
				n = (long)table_number(&t, i, "scur");
		}
		table_free(&t);
	}
	buf_free(&answer);
	return n;
}

static int
wait_drained(const struct ctl *ctl, const char *server, long timeout_s)
{
	time_t end = seconds_now() + timeout_s;
	long n;

	while ((n = sessions_on(ctl, server)) > 0 && (timeout_s == 0 || seconds_now() < end))
		ctl_pause(100);
	if (n > 0)
		fprintf(stderr,
		    "vipctl: %s still has %ld sessions after %ld s; it stays in drain\n", server, n,
		    timeout_s);
	return n > 0 ? CTL_FAILED : CTL_OK;
}

/* A positive number of seconds; -1: it is none. */
static long
seconds_of(const char *word)
{
	char *end;
	long n = word != NULL ? strtol(word, &end, 10) : 0;

	return n > 0 && *end == '\0' ? n : -1;
}

int
change_drain(const struct ctl *ctl, int argc, char **argv)
{
	static const char usage[] = "drain SERVER [--wait] [--timeout SECONDS]";
	const char *name = NULL;
	char server[160];
	long timeout_s = 0;
	bool wait = false;
	int res;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--wait") == 0) {
			wait = true;
		} else if (strcmp(argv[i], "--timeout") == 0) {
			timeout_s = seconds_of(i + 1 < argc ? argv[++i] : NULL);
			wait = true;
		} else if (argv[i][0] != '-' && name == NULL) {
			name = argv[i];
		} else {
			return ctl_usage(usage);
		}
	}
	if (name == NULL || timeout_s == -1)
		return ctl_usage(usage);
	if (find_server(ctl, name, server, sizeof(server)) == -1)
		return CTL_FAILED;
	res = set_state(ctl, server, "drain");
	return res == CTL_OK && wait ? wait_drained(ctl, server, timeout_s) : res;
}

static int
change_state(const struct ctl *ctl, int argc, char **argv, const char *state, const char *usage)
{
	char server[160];

	if (argc != 2)
		return ctl_usage(usage);
	if (find_server(ctl, argv[1], server, sizeof(server)) == -1)
		return CTL_FAILED;
	return set_state(ctl, server, state);
}

int
change_maint(const struct ctl *ctl, int argc, char **argv)
{
	return change_state(ctl, argc, argv, "maint", "maint SERVER");
}

int
change_ready(const struct ctl *ctl, int argc, char **argv)
{
	return change_state(ctl, argc, argv, "ready", "ready SERVER");
}

int
change_weight(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	char server[160], line[256];
	unsigned now, initial;
	int res = CTL_FAILED;

	if (argc != 2 && argc != 3)
		return ctl_usage("weight SERVER [N|N%]");
	if (find_server(ctl, argv[1], server, sizeof(server)) == -1)
		return CTL_FAILED;
	if (argc == 3) {
		snprintf(line, sizeof(line), "set weight %s %.40s", server, argv[2]);
		return ctl_do(ctl, line);
	}
	snprintf(line, sizeof(line), "get weight %s", server);
	client_must_ask(ctl->socket, line, &answer);
	if (sscanf(buf_text(&answer), "%u (initial %u)", &now, &initial) != 2)
		fprintf(stderr, "vipctl: %s", buf_text(&answer));
	else if (ctl->json)
		res = printf("{\"weight\": %u, \"initial\": %u}\n", now, initial) < 0 ? CTL_FAILED
										      : CTL_OK;
	else
		res = ctl_print(&answer);
	buf_free(&answer);
	return res;
}

/* ---- reload, check, raw -----------------------------------------------------------------------
 */

/* The lines of text as elements of an array. */
static void
json_lines(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_array_begin(j);
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\n");

		json_string_n(j, p, n);
		p += n + (p[n] == '\n');
	}
	json_array_end(j);
}

/* Whether it worked, and what was said, as an object. Returns whether it could be written. */
static int
json_outcome(bool done, const char *text)
{
	struct buf out = BUF_INIT;
	struct json j;
	int res;

	json_init(&j, &out, true);
	json_object_begin(&j);
	json_field_bool(&j, "success", done);
	json_lines(&j, "messages", text);
	json_object_end(&j);
	buf_putc(&out, '\n');
	res = ctl_print(&out);
	buf_free(&out);
	return res;
}

/* "Success=1", a line "--", then what is to be told. */
static int
reload_tell(const struct ctl *ctl, const char *answer)
{
	bool done = strncmp(answer, "Success=1\n--\n", 13) == 0;
	const char *text = strstr(answer, "\n--\n");
	int res = CTL_OK;

	text = text != NULL ? text + 4 : answer;
	if (ctl->json)
		res = json_outcome(done, text);
	else
		fputs(text, done ? stdout : stderr);
	return done ? res : CTL_FAILED;
}

int
change_reload(const struct ctl *ctl, int argc, char **argv)
{
	long timeout_s = argc == 1 ? 60 : -1;
	struct buf answer = BUF_INIT;
	int res;

	if (argc == 3 && strcmp(argv[1], "--timeout") == 0)
		timeout_s = seconds_of(argv[2]);
	if (timeout_s == -1 || timeout_s > 86400)
		return ctl_usage("reload [--timeout SECONDS]");
	client_must_ask_master(ctl->socket, "reload", (int)timeout_s * 1000, &answer);
	res = reload_tell(ctl, buf_text(&answer));
	buf_free(&answer);
	return res;
}

int
change_dump(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	bool done;

	(void)argv;
	if (argc != 1)
		return ctl_usage("dump");
	client_must_ask_master(ctl->socket, "dump", CLIENT_TIMEOUT_MS, &answer);
	done = strncmp(buf_text(&answer), "Statistics written", 18) == 0;
	if (!done || !ctl->json)
		fprintf(done ? stdout : stderr, "%s%s", done ? "" : "vipctl: ", buf_text(&answer));
	buf_free(&answer);
	return done ? CTL_OK : CTL_FAILED;
}

int
change_maintenance(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	char line[32];
	bool asks = argc == 1, on = argc == 2 && strcmp(argv[1], "on") == 0;
	int res = CTL_OK;

	if (!asks && !on && (argc != 2 || strcmp(argv[1], "off") != 0))
		return ctl_usage("maintenance [on|off]");
	snprintf(line, sizeof(line), "maintenance%s", asks ? "" : on ? " on" : " off");
	client_must_ask_master(ctl->socket, line, CLIENT_TIMEOUT_MS, &answer);
	if (asks && ctl->json) {
		printf("{\"maintenance\": %s}\n",
		    strncmp(buf_text(&answer), "on", 2) == 0 ? "true" : "false");
	} else if (asks) {
		res = ctl_print(&answer);
	} else if (answer.len > 0) {
		/* That it holds already is no failure. */
		bool held = strstr(buf_text(&answer), "already") != NULL ||
			    strstr(buf_text(&answer), "is not in") != NULL;

		fprintf(stderr, "vipctl: %s", buf_text(&answer));
		res = held ? CTL_OK : CTL_FAILED;
	}
	buf_free(&answer);
	return res;
}

int
change_release(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	char line[256];
	bool asked;

	if (argc != 2)
		return ctl_usage("release INSTANCE");
	snprintf(line, sizeof(line), "release instance %.200s", argv[1]);
	client_must_ask(ctl->socket, line, &answer);
	asked = strncmp(buf_text(&answer), "Asked", 5) == 0;
	fprintf(asked ? stdout : stderr, "%s%s", asked ? "" : "vipctl: ", buf_text(&answer));
	buf_free(&answer);
	return asked ? CTL_OK : CTL_FAILED;
}

/* Becomes vipd -t: the one beside this vipctl, else the one of the path. */
static _Noreturn void
become_check(const char *file)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("vipd"));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL) {
		strcpy(slash + 1, "vipd");
		execl(path, "vipd", "-t", "-f", file, (char *)NULL);
	}
	execlp("vipd", "vipd", "-t", "-f", file, (char *)NULL);
	fprintf(stderr, "vipctl: cannot run vipd: %s\n", strerror(errno));
	_exit(CTL_FAILED);
}

/* Everything that a child with this end of a pipe writes until it ends; its exit code. */
static int
child_output(pid_t pid, int fd, struct buf *out)
{
	char piece[4096];
	ssize_t n;
	int st;

	while ((n = read(fd, piece, sizeof(piece))) > 0 || (n == -1 && errno == EINTR))
		if (n > 0)
			buf_append(out, piece, (size_t)n);
	while (waitpid(pid, &st, 0) == -1)
		if (errno != EINTR)
			return CTL_FAILED;
	return WIFEXITED(st) ? WEXITSTATUS(st) : CTL_FAILED;
}

int
change_check(const struct ctl *ctl, int argc, char **argv)
{
	struct buf said = BUF_INIT;
	int fds[2], res;
	pid_t pid;

	if (argc != 2)
		return ctl_usage("check FILE");
	if (!ctl->json)
		become_check(argv[1]);
	if (pipe(fds) == -1 || (pid = fork()) == -1) {
		fprintf(stderr, "vipctl: cannot run vipd: %s\n", strerror(errno));
		return CTL_FAILED;
	}
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		become_check(argv[1]);
	}
	close(fds[1]);
	res = child_output(pid, fds[0], &said);
	close(fds[0]);
	if (json_outcome(res == CTL_OK, buf_text(&said)) != CTL_OK)
		res = CTL_FAILED;
	buf_free(&said);
	return res;
}

int
change_raw(const struct ctl *ctl, int argc, char **argv)
{
	struct buf line = BUF_INIT, answer = BUF_INIT;
	int res;

	if (argc < 2)
		return ctl_usage("raw WORDS");
	for (int i = 1; i < argc; i++)
		buf_printf(&line, "%s%s", i > 1 ? " " : "", argv[i]);
	client_must_ask(ctl->socket, buf_text(&line), &answer);
	res = ctl_refused(&answer) ? CTL_FAILED : ctl_print_lines(ctl, "raw", &answer);
	buf_free(&line);
	buf_free(&answer);
	return res;
}
