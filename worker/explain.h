/* SPDX-License-Identifier: ISC */
/* What the parts of "explain" share: sentences about virtual routers, servers, backends. */
#ifndef WORKER_EXPLAIN_H
#define WORKER_EXPLAIN_H

#include "shm/event.h"
#include "worker/show.h"

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
