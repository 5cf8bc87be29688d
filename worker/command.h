/* SPDX-License-Identifier: ISC */
/*
 * Commands of the control socket, apart from the connection on which they come: the table, parsing
 * of one command, and its run. A run writes text into a buffer in pieces: run() begins, more()
 * continues while the client takes the text, and a command that another process carries out is
 * polled until that process has answered.
 *
 * The language, levels and texts are those of HAProxy's management guide (9.3).
 */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

#include "worker/ask.h"
#include "worker/statlist.h"

enum command_level { COMMAND_USER = 0, COMMAND_OPERATOR, COMMAND_ADMIN };

/* "[3]: ", "[err]: " before a text, as "set severity-output" has it. */
enum command_severity {
	COMMAND_SEVERITY_NONE = 0,
	COMMAND_SEVERITY_NUMBER,
	COMMAND_SEVERITY_STRING
};

#define COMMAND_WORDS 64 /* words of a command; more are an error */

struct command_run;

struct command {
	const char *words; /* "show servers state" */
	const char *usage; /* what stands behind the words in the help, "" if nothing */
	const char *text;
	enum command_level level;
	/* argc, argv: the words behind those of the command. Returns true when there is more to do.
	 */
	bool (*run)(struct command_run *, int argc, char **argv);
};

/* What a run may use and must keep until its end. */
struct command_run {
	/* set by the caller */
	struct stat_source src; /* now: refreshed before every call */
	int64_t wall_us;
	int human_fd;              /* see struct cli; 0, -1: none */
	const char *socket;        /* name of the connection's; NULL: not known */
	enum command_level *level; /* of the connection; may be lowered */
	bool *prompt;              /* interactive mode of the connection */
	bool *quit;
	enum command_severity *severities; /* of the connection: what texts begin with */
	int64_t *timeout_ms;               /* of the connection */
	struct ask *ask;                   /* NULL: nothing can be changed here */
	struct buf *out;
	size_t limit; /* more() stops when out has as many bytes */
	/* the command's own */
	bool (*more)(struct command_run *); /* true: call again */
	int severity; /* of the answer, LOG_*; LOG_EMERG: it is a table, not a text */
	bool waits;   /* true: call again when the bell rings or 10 ms have passed */
	struct stat_list list;
	struct stat_filter filter;
	size_t at;
	unsigned worker;
	unsigned flags;
	struct {
		char *text;
		size_t len;
		bool mapped; /* a memfd, else of the heap */
	} doc;               /* show config: what is being answered */
	uint64_t id;
	/* asking others: act.c */
	struct mono since;
	int64_t answer_ms; /* waits so long for it; 1,000 */
	uint32_t kind;
	uint32_t object;
	uint64_t value;
	char text[104];  /* of the request */
	char said[400];  /* the answer when it has been carried out */
	uint64_t number; /* 0: not sent yet */
	bool (*done)(struct command_run *, uint32_t result);
};

/*
 * Runs one command (NUL-terminated; changed). Unknown commands and missing rights are answered with
 * HAProxy's texts. Returns true when run->more has to be called until it returns false. In either
 * case command_end has to be called at last.
 */
bool command_start(struct command_run *run, char *line);
void command_end(struct command_run *run);

/* Tables of show.c, act.c and actmaster.c, ended by words == NULL. */
extern const struct command show_commands[];
extern const struct command act_commands[];
extern const struct command master_commands[];

/*
 * The server that "backend/server" names. SHM_NONE after HAProxy's text of error has been written.
 */
uint32_t command_find_server(struct command_run *run, const char *word);

/* Asks the owner of run->kind, object and value, and waits; then run->done(). act.c. */
bool act_ask_owner(struct command_run *run);
/* Lets go of what was asked of others (act.c). */
void act_end(struct command_run *run);

/* Writes a line that says what is wrong. Returns false: the command has ended. */
bool command_error(struct command_run *run, const char *text);
/* When all of the answer is in run->out: puts its severity before it, if the connection wants it.
 */
void command_mark(struct command_run *run);

/* The help text: all commands that level may run; prefix NULL or the words to begin with. */
void command_help(struct buf *out, enum command_level level, const char *prefix);

#endif
