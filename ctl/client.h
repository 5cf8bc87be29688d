/* SPDX-License-Identifier: ISC */
/* The control socket from the operator's side: one line, one answer. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdint.h>

#include "lib/buf.h"

#define CLIENT_DEFAULT_SOCKET "/run/vipd/control.sock"
#define CLIENT_TIMEOUT_MS     10000
#define CLIENT_READ_MS        1000 /* without a byte, for what only reads: then the master */

/* vipctl's exit codes. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,    /* vipd refused, or what was waited for did not come */
	CTL_USAGE = 2,     /* wrong command line */
	CTL_NOBODY = 3,    /* nobody answers on the socket */
	CTL_ATTENTION = 4, /* status -q: something needs attention */
};

/*
 * Sends line (without its end) and appends the answer, without the empty line at its end. Returns
 * 0, or -1 with errno (ETIMEDOUT: nothing came for timeout_ms; EPROTO: the answer is cut).
 */
int client_ask(const char *path, const char *line, int timeout_ms, struct buf *answer);

/* Asks the workers; if none is there, or does not answer a command that only reads, the master on
 * its own socket. On failure says what that means and what to do, and leaves with CTL_NOBODY. */
void client_must_ask(const char *path, const char *line, struct buf *answer);
/* The same for what the master carries out: asks it first, on its socket; where that is not there
 * or not ours, a worker. */
void client_must_ask_master(const char *path, const char *line, int timeout_ms, struct buf *answer);

/* What a failure of client_ask means to the operator, into text. Pure. */
void client_explain(const char *path, int err, char *text, size_t size);

#endif
