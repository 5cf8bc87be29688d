/* SPDX-License-Identifier: ISC */
/*
 * Connections to the control socket: lines in, answers out. A line holds commands joined by ';';
 * every answer ends with an empty line; after one line the connection closes unless "prompt" was
 * given. A client that has ended its side is answered all the same. Runs in workers; never blocks:
 * an answer is made in pieces as the client takes them.
 */
#ifndef WORKER_CLI_H
#define WORKER_CLI_H

#include "lib/loop.h"
#include "worker/command.h"

#define CLI_LINE  16384 /* bytes of a line with its end */
#define CLI_PIECE 16384 /* bytes of an answer made at a time, about */

struct cli_conn;

/* All connections of a process, and what they work with. */
struct cli {
	struct loop *loop;
	const struct shm *shm;
	/* The configuration in force; called for each piece. May be NULL. */
	const struct conf *(*conf)(void *ctx);
	/* A memfd with the whole configuration for people, -1: conf is the whole. May be NULL. */
	int (*human)(void *ctx);
	/* A connection has been closed. May be NULL. */
	void (*closed)(void *ctx);
	void *ctx;
	struct ask *ask; /* NULL: reading commands only */
	struct cli_conn *conns;
};

/*
 * Takes fd (non-blocking), a connection to the socket of this name, with this level and this time
 * without progress after which it is closed. Returns 0, or -1 with errno; fd is then closed.
 */
int cli_open(
    struct cli *cli, int fd, const char *name, enum command_level level, int64_t timeout_ms);

/* Something has changed in shared memory: commands that wait look again. */
void cli_bell(struct cli *cli);
/* Closes the connection that has been waiting for its client for longest, if that is at least
 * min_ms: for the next line, or (stalled) for taking an answer. Returns false when there is none.
 */
bool cli_evict(struct cli *cli, bool stalled, int64_t min_ms);
/* Closes all, at once. */
void cli_close_all(struct cli *cli);
/* Closes those that are idle. */
void cli_drain(struct cli *cli);

#endif
