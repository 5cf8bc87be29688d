/* SPDX-License-Identifier: ISC */
/* Commands of the control socket: table, parsing, help. Runs in workers; reads shared memory only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "shm/child.h"
#include "shm/event.h"
#include "worker/command.h"
#include "worker/show.h"

static const char *const level_words[] = {"user", "operator", "admin"};

bool
command_error(struct command_run *run, const char *text)
{
	run->severity = LOG_ERR;
	buf_printf(run->out, "%s\n", text);
	return false;
}

/* ---- commands about the connection itself -----------------------------------------------------
 */

static bool
run_help(struct command_run *run, int argc, char **argv)
{
	char prefix[256] = "";

	for (int i = 0; i < argc; i++) {
		strncat(prefix, argv[i], sizeof(prefix) - strlen(prefix) - 1);
		if (i + 1 < argc)
			strncat(prefix, " ", sizeof(prefix) - strlen(prefix) - 1);
	}
	run->severity = LOG_INFO;
	command_help(run->out, *run->level, prefix[0] == '\0' ? NULL : prefix);
	return false;
}

static bool
run_prompt(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	*run->prompt = !*run->prompt;
	return false;
}

static bool
run_quit(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	*run->quit = true;
	return false;
}

static bool
run_operator(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (*run->level > COMMAND_OPERATOR)
		*run->level = COMMAND_OPERATOR;
	return false;
}

static bool
run_user(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	*run->level = COMMAND_USER;
	return false;
}

static bool
run_show_level(struct command_run *run, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	run->severity = LOG_INFO;
	buf_printf(run->out, "%s\n", level_words[*run->level]);
	return false;
}

/* Seconds, or with one of HAProxy's units; at least a second, at most a day. -1: it is none. */
static int64_t
timeout_ms(const char *word)
{
	static const struct {
		const char *unit;
		int64_t us;
	} units[] = {{"", 1000000}, {"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000},
	    {"h", 3600000000}, {"d", 86400000000}};
	char *end;
	long long n = strtoll(word, &end, 10);

	for (size_t i = 0; end != word && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].unit) == 0)
			return n < 1 || n > 86400000000 / units[i].us ? -1
			       : n * units[i].us < 1000000            ? 1000
								      : n * units[i].us / 1000;
	return -1;
}

static bool
run_set_timeout(struct command_run *run, int argc, char **argv)
{
	int64_t ms;

	if (argc < 1 || strcmp(argv[0], "cli") != 0)
		return command_error(run, "'set timeout' only supports 'cli'.");
	if (argc < 2)
		return command_error(run, "Expects an integer value.");
	ms = timeout_ms(argv[1]);
	if (ms == -1)
		return command_error(run, "Invalid timeout value.");
	*run->timeout_ms = ms;
	return false;
}

static const char *const severity_outputs[] = {"none", "number", "string"};

static bool
run_set_severities(struct command_run *run, int argc, char **argv)
{
	for (int i = 0; argc > 0 && i < 3; i++)
		if (strcmp(argv[0], severity_outputs[i]) == 0) {
			*run->severities = (enum command_severity)i;
			return false;
		}
	return command_error(run, "one of 'none', 'number', 'string' is a required argument");
}

void
command_mark(struct command_run *run)
{
	static const char *const words[] = {
	    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
	char text[16];
	int len;

	if (run->severity == 0 || run->severity > LOG_DEBUG || run->out->len == 0 ||
	    run->severities == NULL || *run->severities == COMMAND_SEVERITY_NONE)
		return;
	if (*run->severities == COMMAND_SEVERITY_NUMBER)
		len = snprintf(text, sizeof(text), "[%d]: ", run->severity);
	else
		len = snprintf(text, sizeof(text), "[%s]: ", words[run->severity]);
	if (buf_reserve(run->out, (size_t)len) == -1)
		return;
	memmove(run->out->data + len, run->out->data, run->out->len);
	memcpy(run->out->data, text, (size_t)len);
	run->out->len += (size_t)len;
}

static const struct command own_commands[] = {
    {"help", " [<command>]", "this list, or the commands that begin so", COMMAND_USER, run_help},
    {"operator", "", "give up the level admin on this connection", COMMAND_USER, run_operator},
    {"prompt", "", "stay connected, with a prompt; again: no longer", COMMAND_USER, run_prompt},
    {"quit", "", "close the connection", COMMAND_USER, run_quit},
    {"set severity-output", " none|number|string", "what texts of answers begin with", COMMAND_USER,
	run_set_severities},
    {"set timeout", " cli <delay>", "time that this connection may be idle", COMMAND_USER,
	run_set_timeout},
    {"show cli level", "", "the level of this connection", COMMAND_USER, run_show_level},
    {"user", "", "give up the levels admin and operator on this connection", COMMAND_USER,
	run_user},
    {0},
};

static const struct command *const tables[] = {
    show_commands, act_commands, master_commands, own_commands};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

/* ---- finding ----------------------------------------------------------------------------------
 */

/* Number of words of a command's name that argv begins with, all of them; 0 if it differs. */
static int
matches(const struct command *c, int argc, char **argv)
{
	const char *p = c->words;
	int n = 0;

	while (*p != '\0') {
		size_t len = strcspn(p, " ");

		if (n >= argc || strncmp(argv[n], p, len) != 0 || argv[n][len] != '\0')
			return 0;
		n++;
		p += len;
		p += strspn(p, " ");
	}
	return n;
}

/* The longest command that argv begins with; *words is its length. NULL: none. */
static const struct command *
find(int argc, char **argv, int *words)
{
	const struct command *best = NULL;

	*words = 0;
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct command *c = tables[t]; c->words != NULL; c++) {
			int n = matches(c, argc, argv);

			if (n > *words) {
				*words = n;
				best = c;
			}
		}
	return best;
}

static bool
acts(const struct command *c)
{
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct command *k = tables[t]; k->words != NULL; k++)
			if (k == c)
				return tables[t] == act_commands || tables[t] == master_commands;
	return false;
}

/* ---- help -------------------------------------------------------------------------------------
 */

static int
by_words(const void *a, const void *b)
{
	const struct command *const *x = a, *const *y = b;

	return strcmp((*x)->words, (*y)->words);
}

static void
help_line(struct buf *out, const struct command *c)
{
	size_t len = strlen(c->words) + strlen(c->usage);

	buf_printf(out, "  %s%s%*s : %s\n", c->words, c->usage, len < 45 ? (int)(45 - len) : 0, "",
	    c->text);
}

/* What every list ends with, as in HAProxy. */
static bool
always_listed(const struct command *c)
{
	return strcmp(c->words, "help") == 0 || strcmp(c->words, "prompt") == 0 ||
	       strcmp(c->words, "quit") == 0;
}

/* Commands that begin with prefix and that level may run, sorted; with an empty prefix all, else
 * what every list ends with behind them. Returns how many begin so. */
static size_t
help_list(struct buf *out, enum command_level level, const char *prefix)
{
	const struct command *list[128] = {NULL}, *last[4] = {NULL};
	size_t n = 0, n_last = 0;

	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct command *c = tables[t]; c->words != NULL; c++) {
			if (c->level > level)
				continue;
			if (strncmp(c->words, prefix, strlen(prefix)) == 0) {
				if (n < sizeof(list) / sizeof(list[0]))
					list[n++] = c;
			} else if (always_listed(c) && n_last < 4) {
				last[n_last++] = c;
			}
		}
	/* An array of pointers is what is meant. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	qsort(list, n, sizeof(list[0]), by_words);
	for (size_t i = 0; i < n; i++)
		help_line(out, list[i]);
	for (size_t i = 0; i < n_last; i++)
		help_line(out, last[i]);
	return n;
}

void
command_help(struct buf *out, enum command_level level, const char *prefix)
{
	buf_puts(out, "The following commands are valid at this level:\n");
	help_list(out, level, prefix != NULL ? prefix : "");
}

/* Commands that begin with as many of the words as any do. */
static void
answer_unknown(struct command_run *run, int argc, char **argv)
{
	for (int words = argc < 4 ? argc : 4; words > 0; words--) {
		struct buf near = BUF_INIT;
		char prefix[128] = "";
		size_t len = 0;

		for (int i = 0; i < words && len < sizeof(prefix); i++)
			len += (size_t)snprintf(
			    prefix + len, sizeof(prefix) - len, "%s%s", i > 0 ? " " : "", argv[i]);
		if (len < sizeof(prefix) && help_list(&near, *run->level, prefix) > 0) {
			buf_puts(run->out, "Unknown command, but maybe one of the following ones "
					   "is a better match:\n");
			buf_append(run->out, near.data, near.len);
			buf_free(&near);
			return;
		}
		buf_free(&near);
	}
	buf_puts(run->out, "Unknown command. Please enter one of the following commands only:\n");
	help_list(run->out, *run->level, "");
}

/* ---- what commands share ----------------------------------------------------------------------
 */

uint32_t
command_find_server(struct command_run *run, const char *word)
{
	const struct shm *s = run->src.shm;
	const char *slash = strchr(word, '/');
	char name[SHM_NAME];
	uint32_t be;

	if (slash == NULL || slash == word || slash[1] == '\0') {
		command_error(run, "Require 'backend/server'.");
		return SHM_NONE;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(slash - word), word);
	be = child_find_backend(s, name, 0);
	if (be == SHM_NONE) {
		command_error(run, "No such backend.");
		return SHM_NONE;
	}
	for (uint32_t i = 0; i < sw32_get(&s->master->n_servers) && i < s->caps->servers; i++) {
		const struct shm_srv_dir *d = shm_srv_dir(s, i);

		if (sw32_get(&d->state) == SHM_DIR_USED && sw32_get(&d->backend) == be &&
		    strncmp(d->name, slash + 1, SHM_NAME) == 0)
			return i;
	}
	command_error(run, "No such server.");
	return SHM_NONE;
}

/* ---- running ----------------------------------------------------------------------------------
 */

/* Splits a line in place into words: blanks separate, a backslash takes the next byte as it is.
 * Returns their number, -1 if there are more than COMMAND_WORDS. */
static int
split(char *line, char **argv)
{
	int n = 0;
	char *from = line;

	for (;;) {
		char *to;

		while (*from == ' ' || *from == '\t')
			from++;
		if (*from == '\0')
			return n;
		if (n == COMMAND_WORDS)
			return -1;
		argv[n++] = to = from;
		while (*from != '\0' && *from != ' ' && *from != '\t') {
			if (*from == '\\' && from[1] != '\0')
				from++;
			*to++ = *from++;
		}
		if (*from != '\0')
			from++;
		*to = '\0';
	}
}

/* What an operator changes can be seen afterwards: in the log and among the events. */
static void
note_change(const struct command_run *run, int argc, char **argv)
{
	const char *from = run->ask->local != NULL ? "master's control socket" : "control socket";
	const char *socket = run->socket != NULL ? run->socket : "";
	char text[160] = "";
	size_t len = 0;

	for (int i = 0; i < argc && len < sizeof(text); i++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, i == 0 ? "%s" : " %s", argv[i]);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	event_log(run->src.shm, LOG_NOTICE, EVENT_COMMAND, 0, "%s%s%s: %s", from,
	    socket[0] != '\0' ? " " : "", socket, text);
}

bool
command_start(struct command_run *run, char *line)
{
	const struct command *c;
	char *argv[COMMAND_WORDS];
	int argc = split(line, argv), words;

	run->more = NULL;
	run->waits = false;
	run->severity = 0;
	run->list = (struct stat_list){0};
	run->filter = (struct stat_filter)STAT_FILTER_ALL;
	run->at = 0;
	run->worker = 0;
	run->flags = 0;
	run->number = 0;
	run->text[0] = '\0';
	run->since = run->src.now;
	run->answer_ms = 1000;
	run->done = NULL;
	if (argc == -1)
		return command_error(run, "Too many words.");
	if (argc == 0)
		return false;
	c = find(argc, argv, &words);
	if (c == NULL) {
		run->severity = LOG_INFO;
		answer_unknown(run, argc, argv);
		return false;
	}
	if (c->level > *run->level) {
		run->severity = LOG_ERR;
		buf_printf(run->out,
		    "Permission denied: '%s' needs level %s, this connection has %s.\n", c->words,
		    level_words[c->level], level_words[*run->level]);
		return false;
	}
	/* What these say is why they were not carried out, where they do not say otherwise. */
	if (acts(c))
		run->severity = LOG_ERR;
	if (c->level == COMMAND_ADMIN && run->ask != NULL)
		note_change(run, argc, argv);
	return c->run(run, argc - words, argv + words);
}

void
command_end(struct command_run *run)
{
	stat_list_free(&run->list);
	act_end(run);
	wait_end(run);
	show_config_end(run);
	run->more = NULL;
}
