/* SPDX-License-Identifier: ISC */
/* vipctl: what its commands share. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/table.h"

struct ctl {
	const char *socket;
	bool json;
};

/* A command; argv[0] is its own name. Returns an exit code. */
struct ctl_command {
	const char *name;
	const char *args;
	const char *text;
	int (*run)(const struct ctl *, int argc, char **argv);
};

/* look.c */
int look_status(const struct ctl *, int argc, char **argv);
int look_stat(const struct ctl *, int argc, char **argv);
int look_servers(const struct ctl *, int argc, char **argv);
int look_vrrp(const struct ctl *, int argc, char **argv);
int look_sessions(const struct ctl *, int argc, char **argv);
int look_events(const struct ctl *, int argc, char **argv);
/* Point in time of "--since" in the form of event times; pure. */
bool look_since(const char *word, time_t now, char *to, size_t size);
int look_show(const struct ctl *, int argc, char **argv);

/* more.c */
int more_health(const struct ctl *, int argc, char **argv);
int more_queue(const struct ctl *, int argc, char **argv);
int more_explain(const struct ctl *, int argc, char **argv);
int more_config(const struct ctl *, int argc, char **argv);

/* change.c */
int change_drain(const struct ctl *, int argc, char **argv);
int change_maint(const struct ctl *, int argc, char **argv);
int change_ready(const struct ctl *, int argc, char **argv);
int change_weight(const struct ctl *, int argc, char **argv);
int change_reload(const struct ctl *, int argc, char **argv);
int change_dump(const struct ctl *, int argc, char **argv);
int change_maintenance(const struct ctl *, int argc, char **argv);
int change_release(const struct ctl *, int argc, char **argv);
int change_check(const struct ctl *, int argc, char **argv);
int change_raw(const struct ctl *, int argc, char **argv);

/* The answer to line as a table; one that is none is shown as it is, with CTL_FAILED. */
int ctl_ask_table(const struct ctl *, const char *line, struct table *t);
/* The table as JSON, or with its own columns aligned. */
int ctl_print_table(const struct ctl *, const struct table *t);
/* Sends a command that answers nothing when it has worked; else its words go to stderr. */
int ctl_do(const struct ctl *, const char *line);
/* Is it a refusal? Then it has been said on stderr. */
bool ctl_refused(const struct buf *answer);
/* Writes text to stdout. Returns CTL_OK, or CTL_FAILED when that does not work. */
int ctl_print(const struct buf *text);
/* Text as it is, or with --json an object with its lines as the member key. */
int ctl_print_lines(const struct ctl *, const char *key, const struct buf *text);
/* Says how a command is used. Returns CTL_USAGE. */
int ctl_usage(const char *text);
/* Waits ms. */
void ctl_pause(int ms);

#endif
