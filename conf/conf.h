/* SPDX-License-Identifier: ISC */
/*
 * Reading, checking, printing and comparing configurations. Runs in the master (files) and in every
 * child (canonical text). Never opens anything but the configuration file and what it includes.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/model.h"

/* Messages of one reading, in the order of the file. */
enum conf_severity { CONF_ERROR = 0, CONF_WARNING };

struct conf_msg {
	enum conf_severity severity;
	struct conf_where where;
	const char *text; /* one line: path, what is wrong, what would be right */
};

struct conf_msgs {
	size_t n;
	struct conf_msg *v;
	size_t n_errors;
	size_t cap;
};

void conf_msgs_free(struct conf_msgs *);
/* "FILE:LINE: error: TEXT\n" each. */
void conf_msgs_print(const struct conf_msgs *, FILE *);

/* For whom: what this host is, and for tests of other hosts. */
struct conf_host {
	const char *member;            /* --host: name of the member; NULL: by address */
	size_t n_addrs;                /* addresses of this host, for choosing the member */
	const struct sock_addr *addrs; /* port ignored */
	unsigned cpus;                 /* not used: workers = 0 stays 0, the master decides */
};

/*
 * Reads a file. Returns the configuration, or NULL when there are errors (all of them in msgs;
 * warnings too). host may be NULL: no member is chosen then; where the file has members they are
 * listed, but no router is resolved (for `-t --all-hosts`: read once so, then for each member).
 */
struct conf *conf_read_file(const char *path, const struct conf_host *host, struct conf_msgs *msgs);
/* The same from canonical text as conf_print writes it (member chosen and resolved already). */
struct conf *conf_read_text(const char *text, size_t len, const char *name, struct conf_msgs *msgs);
void conf_free(struct conf *);

/* Who reads a printed configuration: each gets only what it needs (hard-parts.md 7). */
enum conf_reader {
	CONF_FOR_ALL = 0, /* everything, secrets included: the master's own */
	CONF_FOR_WORKER,  /* no vrrp, no probe keys */
	CONF_FOR_CHECKER,
	CONF_FOR_VRRP,
	CONF_FOR_HUMAN /* secrets as "***" */
};

/* Canonical text: every setting that differs from its built-in default, in the table's order.
 * Reading it gives the same configuration. Returns 0, or -1 when the stream failed. */
int conf_print(const struct conf *, FILE *, enum conf_reader);

uint32_t conf_find_frontend(const struct conf *, const char *name);
uint32_t conf_find_backend(const struct conf *, const char *name);
/* Can sessions of the frontend come to this backend (index): by default or by a rule? */
bool conf_frontend_uses(const struct conf_frontend *, size_t backend);

#endif
