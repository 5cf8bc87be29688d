/* SPDX-License-Identifier: ISC */
/*
 * The text of a configuration: one file with all that it includes, and where each line came from.
 * Included here and not by libconfig, which knows one folder only; checked here first, since
 * libconfig says no more than "syntax error", and 1.5 and 1.7 differ in what they let pass.
 */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/conf.h"

/* libconfig gives the last string of an array or list the line of the bracket behind it. */
struct source_late {
	unsigned bracket;
	unsigned string;
};

struct source_key {
	const char *at; /* in text, len bytes */
	unsigned len;
	unsigned line;
	unsigned group; /* number of the group that it stands in */
};

struct source {
	struct conf_arena *arena;   /* owns the names of files */
	struct conf_arena *scratch; /* owns all below */
	char *text;                 /* ends with NUL */
	size_t len;
	size_t n_lines;
	struct conf_where *lines; /* of line i + 1 of text */
	size_t n_late;
	struct source_late *late;
	size_t n_joined;
	const char **joined; /* strings, as written, that libconfig joins to the one before */
	size_t n_keys;
	struct source_key *keys; /* in the order of the text */
};

/* Reads a file and what it includes. Returns 0, or -1 with messages. */
int source_read_file(struct source *, struct conf_arena *, const char *path, struct conf_msgs *);
/* Takes a text; includes are refused. */
int source_read_text(struct source *, struct conf_arena *, const char *text, size_t len,
    const char *name, struct conf_msgs *);
/* Frees all but the names of files. */
void source_free(struct source *);
/* Where line n (from 1) of the text was written. */
struct conf_where source_where(const struct source *, unsigned line);
/* The true line of a last string for which libconfig says line. */
unsigned source_string_line(const struct source *, unsigned line);
/* Checks the syntax and says what is wrong. Returns the number of errors. */
unsigned source_check(struct source *, struct conf_msgs *);
/* The key in this line that stands earlier in the same group, into name; its first line, or 0. */
unsigned source_twin(const struct source *, unsigned line, char *name, size_t size);
/* Was this string put together from two, perhaps for want of a comma? */
bool source_is_joined(const struct source *, const char *text);

#endif
