/* SPDX-License-Identifier: ISC */
/* More commands that only read: health, queues, explain, the configuration. */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/json.h"

static int
show_table(const struct ctl *ctl, const char *what, int argc, char **argv)
{
	struct table t;
	char line[256];
	int res;

	if (argc > 2) {
		snprintf(line, sizeof(line), "%s [BACKEND]", what);
		return ctl_usage(line);
	}
	snprintf(line, sizeof(line), "show %s %.200s", what, argc == 2 ? argv[1] : "");
	res = ctl_ask_table(ctl, line, &t);
	if (res != CTL_OK)
		return res;
	res = ctl_print_table(ctl, &t);
	table_free(&t);
	return res;
}

int
more_health(const struct ctl *ctl, int argc, char **argv)
{
	return show_table(ctl, "health", argc, argv);
}

int
more_queue(const struct ctl *ctl, int argc, char **argv)
{
	return show_table(ctl, "queue", argc, argv);
}

bool
ctl_refused(const struct buf *answer)
{
	static const char *const begins[] = {"Permission denied", "Unknown command", "No such ",
	    "Can't find ", "Require ", "Session not found", "Variable not found",
	    "usage: ", "Out of memory", "Too many words", "Command line too long",
	    "No configuration is "};
	const char *text = buf_text(answer);

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(text, begins[i], strlen(begins[i])) == 0) {
			fprintf(stderr, "vipctl: %s", text);
			return true;
		}
	return false;
}

int
ctl_print_lines(const struct ctl *ctl, const char *key, const struct buf *text)
{
	struct buf out = BUF_INIT;
	struct json j;
	int res;

	if (!ctl->json)
		return ctl_print(text);
	json_init(&j, &out, true);
	json_object_begin(&j);
	json_key(&j, key);
	json_array_begin(&j);
	for (const char *p = buf_text(text); *p != '\0';) {
		size_t n = strcspn(p, "\n");

		json_string_n(&j, p, n);
		p += n + (p[n] == '\n');
	}
	json_array_end(&j);
	json_object_end(&j);
	buf_putc(&out, '\n');
	res = ctl_print(&out);
	buf_free(&out);
	return res;
}

int
more_explain(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	char line[256];
	int res;

	if (argc != 2 && argc != 3)
		return ctl_usage("explain [router|server|backend|frontend] NAME");
	snprintf(line, sizeof(line), "explain %.100s %.120s", argv[1], argc == 3 ? argv[2] : "");
	client_must_ask(ctl->socket, line, &answer);
	res = ctl_refused(&answer) ? CTL_FAILED : ctl_print_lines(ctl, "explain", &answer);
	buf_free(&answer);
	return res;
}

/* From the master, which alone knows all of it; a worker has its part. */
int
more_config(const struct ctl *ctl, int argc, char **argv)
{
	struct buf answer = BUF_INIT;
	int res;

	(void)argv;
	if (argc != 1)
		return ctl_usage("config");
	client_must_ask_master(ctl->socket, "show config", CLIENT_TIMEOUT_MS, &answer);
	res = ctl_refused(&answer) ? CTL_FAILED : ctl_print_lines(ctl, "config", &answer);
	buf_free(&answer);
	return res;
}
