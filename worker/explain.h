/* SPDX-License-Identifier: ISC */
/* What the parts of "explain" share: sentences about virtual routers, servers, backends. */
#ifndef WORKER_EXPLAIN_H
#define WORKER_EXPLAIN_H

#include "shm/event.h"
#include "worker/show.h"

/* "1 server", "2 servers". */
const char *explain_many(char to[64], uint64_t n, const char *what);
/* A backend's configuration; NULL: not known here. */
const struct conf_backend *explain_conf(const struct command_run *run, const char *name);
/* Which servers of a backend may get sessions: looked for once a command, since there may be
 * 16,384.
 */
struct explain_usable {
	uint32_t servers;      /* all there are, usable or not */
	uint32_t others;       /* that are no backups */
	uint32_t first_backup; /* by number; SHM_NONE: none */
};
struct explain_usable explain_usable(const struct shm *s, uint32_t be);
/* Why a server gets no new sessions; "": it gets some. u: of its backend; conf: its backend's, may
 * be NULL. */
void explain_why(const struct shm *s, uint32_t srv, const struct explain_usable *u,
    const struct conf_backend *conf, char *to, size_t size);
void explain_server(struct command_run *run, uint32_t srv);
/* What hangs, in sentences; silent: whoever writes what is explained. */
void explain_silent(struct command_run *run, bool silent, const char *who);
/* A line, without control characters, whatever other processes have written. */
void explain_line(struct command_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "120 ms", "3.5 s", "4 min", "3 h", "2 d". Returns to. */
const char *explain_span(char to[32], int64_t ns);
/* Local date and time. */
void explain_wall(char *to, size_t size, uint64_t wall_us);
/* The last events about one object, oldest first. */
void explain_events(struct command_run *run, enum event_kind kind, uint32_t object);

/* All about the virtual router of this name; false: there is none. */
bool explain_router(struct command_run *run, const char *name);

#endif
