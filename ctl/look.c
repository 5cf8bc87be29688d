/* SPDX-License-Identifier: ISC */
/* Commands that only read. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/status.h"

int
ctl_print(const struct buf *text)
{
	if (text->failed || fwrite(buf_text(text), 1, text->len, stdout) != text->len ||
	    fflush(stdout) != 0) {
		fprintf(stderr, "vipctl: cannot write the answer\n");
		return CTL_FAILED;
	}
	return CTL_OK;
}

int
ctl_usage(const char *text)
{
	fprintf(stderr, "usage: vipctl %s\n", text);
	return CTL_USAGE;
}

void
ctl_pause(int ms)
{
	poll(NULL, 0, ms);
}

/* The words from argv[0] on behind prefix, with blanks between them. */
static void
join(struct buf *line, const char *prefix, int argc, char **argv)
{
	buf_puts(line, prefix);
	for (int i = 0; i < argc; i++)
		buf_printf(line, "%s%s", line->len > 0 ? " " : "", argv[i]);
}

int
ctl_ask_table(const struct ctl *ctl, const char *line, struct table *t)
{
	struct buf answer = BUF_INIT;
	int res;

	client_must_ask(ctl->socket, line, &answer);
	res = table_parse(t, buf_text(&answer));
	if (res == -1)
		fprintf(stderr, "vipctl: %s", buf_text(&answer));
	buf_free(&answer);
	return res == -1 ? CTL_FAILED : CTL_OK;
}

static int
print_table_json(const struct table *t)
{
	struct buf out = BUF_INIT;
	struct json j;
	int res;

	json_init(&j, &out, true);
	table_json(t, &j);
	buf_putc(&out, '\n');
	res = ctl_print(&out);
	buf_free(&out);
	return res;
}

int
ctl_print_table(const struct ctl *ctl, const struct table *t)
{
	struct buf out = BUF_INIT;
	struct grid g;
	int res;

	if (ctl->json)
		return print_table_json(t);
	grid_init(&g, (const char *const *)t->cells, t->n_cols);
	for (size_t i = 0; i < t->n_rows * t->n_cols; i++)
		grid_add(&g, "%s", t->cells[t->n_cols + i]);
	grid_write(&g, "", &out);
	grid_free(&g);
	res = ctl_print(&out);
	buf_free(&out);
	return res;
}

/* ---- status -----------------------------------------------------------------------------------
 */

int
look_status(const struct ctl *ctl, int argc, char **argv)
{
	struct status s = {0};
	struct buf info = BUF_INIT, out = BUF_INIT;
	bool quiet = argc == 2 && strcmp(argv[1], "-q") == 0;
	int res = CTL_FAILED;

	if (argc > 2 || (argc == 2 && !quiet))
		return ctl_usage("status [-q]");
	client_must_ask(ctl->socket, "show info", &info);
	s.info = buf_text(&info);
	if (ctl_ask_table(ctl, "show stat", &s.stat) == CTL_OK &&
	    ctl_ask_table(ctl, "show proc csv", &s.proc) == CTL_OK &&
	    ctl_ask_table(ctl, "show vrrp", &s.vrrp) == CTL_OK) {
		if (quiet)
			res = status_attention(&s, &out) > 0 ? CTL_ATTENTION : CTL_OK;
		else if (ctl->json)
			status_write_json(&s, &out);
		else
			status_write(&s, &out);
		if (!quiet)
			res = ctl_print(&out);
	}
	table_free(&s.stat);
	table_free(&s.proc);
	table_free(&s.vrrp);
	buf_free(&info);
	buf_free(&out);
	return res;
}

/* ---- tables -----------------------------------------------------------------------------------
 */

int
look_stat(const struct ctl *ctl, int argc, char **argv)
{
	struct buf line = BUF_INIT, answer = BUF_INIT;
	struct table t;
	int res;

	join(&line, "show stat", argc - 1, argv + 1);
	if (ctl->json) {
		res = ctl_ask_table(ctl, buf_text(&line), &t);
		if (res == CTL_OK) {
			res = print_table_json(&t);
			table_free(&t);
		}
	} else {
		client_must_ask(ctl->socket, buf_text(&line), &answer);
		res = ctl_refused(&answer) ? CTL_FAILED : ctl_print(&answer);
	}
	buf_free(&line);
	buf_free(&answer);
	return res;
}

static void
server_row(struct grid *g, const struct table *t, size_t i)
{
	char age[32];

	grid_add(g, "%s/%s", table_get(t, i, "pxname"), table_get(t, i, "svname"));
	grid_add(g, "%s", table_get(t, i, "addr"));
	grid_add(g, "%s%s", table_get(t, i, "status"), status_backup(t, i));
	grid_add(g, "%s", status_age(table_number(t, i, "lastchg"), age));
	grid_add(g, "%s", table_get(t, i, "scur"));
	grid_add(g, "%s", table_get(t, i, "slim"));
	grid_add(g, "%s", table_get(t, i, "weight"));
	grid_add(g, "%s%s%s", table_get(t, i, "check_status"),
	    *table_get(t, i, "last_chk") != '\0' ? " " : "", table_get(t, i, "last_chk"));
}

int
look_servers(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const heads[] = {
	    "server", "address", "status", "since", ">sessions", ">limit", ">weight", "last check"};
	struct buf line = BUF_INIT, out = BUF_INIT;
	struct table t;
	struct grid g;
	int res;

	if (argc > 2)
		return ctl_usage("servers [BACKEND]");
	buf_printf(&line, "show stat %s 4 -1", argc == 2 ? argv[1] : "-1");
	res = ctl_ask_table(ctl, buf_text(&line), &t);
	buf_free(&line);
	if (res != CTL_OK)
		return res;
	if (ctl->json) {
		res = print_table_json(&t);
	} else {
		grid_init(&g, heads, 8);
		for (size_t i = 0; i < t.n_rows; i++)
			server_row(&g, &t, i);
		grid_write(&g, "", &out);
		grid_free(&g);
		res = ctl_print(&out);
	}
	buf_free(&out);
	table_free(&t);
	return res;
}

int
look_vrrp(const struct ctl *ctl, int argc, char **argv)
{
	struct buf out = BUF_INIT;
	struct table t;
	int res;

	(void)argv;
	if (argc != 1)
		return ctl_usage("vrrp");
	res = ctl_ask_table(ctl, "show vrrp", &t);
	if (res != CTL_OK)
		return res;
	if (ctl->json) {
		res = print_table_json(&t);
	} else if (t.n_rows == 0) {
		buf_puts(&out, "This configuration has no virtual routers.\n");
		res = ctl_print(&out);
	} else {
		res = ctl_print_table(ctl, &t);
	}
	buf_free(&out);
	table_free(&t);
	return res;
}

/* ---- sessions ---------------------------------------------------------------------------------
 */

/* "name=value" as a member. In the long form addr stands for a frontend's and for a server's,
 * source for the client's end and for the one towards the server: of is what stood before it. */
static void
session_field(struct json *j, char *word, char of[16])
{
	char *value = strchr(word, '='), name[64];
	size_t len;

	*value++ = '\0';
	len = strlen(value);
	if (len > 0 && value[len - 1] == ',')
		value[len - 1] = '\0';
	if (strcmp(word, "frontend") == 0 || strcmp(word, "server") == 0)
		snprintf(of, 16, "%.14s_", word);
	snprintf(name, sizeof(name), "%s%.40s",
	    strcmp(word, "addr") == 0 || strcmp(word, "source") == 0 ? of : "", word);
	json_field_string(j, name, value);
}

/* A session as an object: "0x1: proto=tcpv4 src=...", or in long form "0x1: [TIME] id=..." and more
 * lines, which begin with blanks. Returns where the next one begins. */
static const char *
session_json(struct json *j, const char *text)
{
	char word[512], of[16] = "";
	const char *p = text;

	json_object_begin(j);
	while (*p != '\0') {
		size_t n = strcspn(p, " \n");

		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (p == text) {
			word[strcspn(word, ":")] = '\0';
			json_field_string(j, "id", word);
		} else if (word[0] == '[') {
			word[strcspn(word, "]")] = '\0';
			json_field_string(j, "accepted", word + 1);
		} else if (strchr(word, '=') != NULL && strncmp(word, "id=", 3) != 0) {
			session_field(j, word, of);
		}
		p += n;
		if (*p == '\n' && strncmp(p, "\n  ", 3) != 0)
			break;
		p += strspn(p, " \n");
	}
	json_object_end(j);
	return p + (*p == '\n');
}

int
look_sessions(const struct ctl *ctl, int argc, char **argv)
{
	struct buf line = BUF_INIT, answer = BUF_INIT, out = BUF_INIT;
	struct json j;
	int res;

	join(&line, "show sess", argc - 1, argv + 1);
	client_must_ask(ctl->socket, buf_text(&line), &answer);
	if (ctl_refused(&answer)) {
		res = CTL_FAILED;
	} else if (!ctl->json) {
		res = ctl_print(&answer);
	} else {
		json_init(&j, &out, true);
		json_array_begin(&j);
		for (const char *p = buf_text(&answer); *p != '\0';)
			p = session_json(&j, p);
		json_array_end(&j);
		buf_putc(&out, '\n');
		res = ctl_print(&out);
	}
	buf_free(&line);
	buf_free(&answer);
	buf_free(&out);
	return res;
}

#define TIME_FORM "%Y-%m-%dT%H:%M:%S" /* of events */

/* ---- events -----------------------------------------------------------------------------------
 */

/* "7 2026-11-25T15:00:12.123 [903.004512] checker server text" as an object. */
static void
event_json(struct json *j, const char *line, size_t len)
{
	char text[512], *p = text, *word[5];

	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	for (int i = 0; i < 5; i++) {
		word[i] = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
	}
	json_object_begin(j);
	json_field_uint(j, "number", strtoull(word[0], NULL, 10));
	json_field_string(j, "time", word[1]);
	json_field_double(j, "monotonic", strtod(word[2] + (*word[2] == '['), NULL));
	json_field_string(j, "process", word[3]);
	json_field_string(j, "kind", word[4]);
	json_field_string(j, "text", p);
	json_object_end(j);
}

/* Prints those of an answer that are not before from and before until (as their time is written;
 * "": all); *last becomes the last number. With JSON an object a line. */
static int
print_events(const struct ctl *ctl, const struct buf *answer, const char *from, const char *until,
    uint64_t *last)
{
	struct buf out = BUF_INIT;
	int res;

	for (const char *p = buf_text(answer); *p != '\0';) {
		size_t len = strcspn(p, "\n"), word = strcspn(p, " ");
		uint64_t n = strtoull(p, NULL, 10);

		if (n > 0)
			*last = n;
		if (n > 0 && word < len && strncmp(p + word + 1, from, strlen(from)) < 0) {
			/* too old */
		} else if (n > 0 && *until != '\0' && word < len &&
			   strncmp(p + word + 1, until, strlen(until)) >= 0) {
			/* too new */
		} else if (!ctl->json) {
			buf_append(&out, p, len);
			buf_putc(&out, '\n');
		} else if (n > 0) {
			struct json j;

			json_init(&j, &out, false);
			event_json(&j, p, len);
			buf_putc(&out, '\n');
		}
		p += len + (p[len] == '\n');
	}
	res = ctl_print(&out);
	buf_free(&out);
	return res;
}

/*
 * "--since": a span back from now (10s, 5m, 2h, 1d), the last time that it was 03:12, or a date
 * and time (2026-11-25T03:12, or with a blank); as event times are written. False: none of them.
 */
bool
look_since(const char *word, time_t now, char *to, size_t size)
{
	static const char *const forms[] = {TIME_FORM, "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
	    "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
	static const char units[] = "smhd";
	static const long seconds[] = {1, 60, 3600, 86400};
	char *end;
	long n = strtol(word, &end, 10);
	struct tm tm;

	if (end != word && n >= 0 && n < 1000000 && *end != '\0' && end[1] == '\0' &&
	    strchr(units, *end) != NULL) {
		now -= n * seconds[strchr(units, *end) - units];
		localtime_r(&now, &tm);
		return strftime(to, size, TIME_FORM, &tm) > 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *rest;

		localtime_r(&now, &tm);
		tm.tm_sec = 0;
		if (forms[i][1] == 'Y')
			tm.tm_hour = tm.tm_min = 0;
		rest = strptime(word, forms[i], &tm);
		if (rest == NULL || *rest != '\0')
			continue;
		tm.tm_isdst = -1;
		if (forms[i][1] == 'H' && mktime(&tm) > now) { /* it was yesterday */
			tm.tm_mday--;
			tm.tm_isdst = -1;
			mktime(&tm);
		}
		return strftime(to, size, TIME_FORM, &tm) > 0;
	}
	return false;
}

int
look_events(const struct ctl *ctl, int argc, char **argv)
{
	static const char usage[] =
	    "events [-f|--follow] [--since NUMBER|TIME|SPAN] [--until TIME|SPAN] "
	    "or events COUNT";
	const char *count = NULL, *since = NULL, *until = NULL;
	struct buf answer = BUF_INIT;
	char line[64], from[32] = "", to[32] = "";
	bool follow = false;
	uint64_t last = 0;
	int res;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--follow") == 0)
			follow = true;
		else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc && since == NULL)
			since = argv[++i];
		else if (strcmp(argv[i], "--until") == 0 && i + 1 < argc && until == NULL)
			until = argv[++i];
		else if (count == NULL && strspn(argv[i], "0123456789") == strlen(argv[i]))
			count = argv[i];
		else
			return ctl_usage(usage);
	}
	if (since != NULL && (count != NULL || *since == '\0'))
		return ctl_usage(usage);
	if (until != NULL &&
	    (count != NULL || follow || !look_since(until, time(NULL), to, sizeof(to))))
		return ctl_usage(usage);
	if (until != NULL && since == NULL)
		since = "0";
	if (since != NULL && strspn(since, "0123456789") == strlen(since))
		snprintf(line, sizeof(line), "show events since %.20s", since);
	else if (since != NULL && look_since(since, time(NULL), from, sizeof(from)))
		snprintf(line, sizeof(line), "show events since 0");
	else if (since != NULL)
		return ctl_usage(usage);
	else
		snprintf(line, sizeof(line), "show events %.20s", count != NULL ? count : "");
	if (*from != '\0' && *to != '\0' && strcmp(from, to) >= 0) {
		fprintf(stderr, "vipctl: nothing is between --since %s and --until %s\n", from, to);
		return CTL_USAGE;
	}
	client_must_ask(ctl->socket, line, &answer);
	res = ctl_refused(&answer) ? CTL_FAILED : print_events(ctl, &answer, from, to, &last);
	while (follow && res == CTL_OK) {
		ctl_pause(200);
		buf_reset(&answer);
		snprintf(line, sizeof(line), "show events since %" PRIu64, last);
		client_must_ask(ctl->socket, line, &answer);
		res = print_events(ctl, &answer, "", "", &last);
	}
	buf_free(&answer);
	return res;
}

int
look_show(const struct ctl *ctl, int argc, char **argv)
{
	struct buf line = BUF_INIT, answer = BUF_INIT;
	int res;

	join(&line, "show", argc - 1, argv + 1);
	client_must_ask(ctl->socket, buf_text(&line), &answer);
	res = ctl_refused(&answer) ? CTL_FAILED : ctl_print_lines(ctl, "show", &answer);
	buf_free(&line);
	buf_free(&answer);
	return res;
}
