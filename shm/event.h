/* SPDX-License-Identifier: ISC */
/*
 * Events for people: each process writes its own ring, readers merge all rings by number. The
 * number is one fetch-add; a number that is not in any ring belongs to a writer that died while
 * writing, or to an entry that was overwritten, and is shown as missing. Any process reads.
 */
#ifndef SHM_EVENT_H
#define SHM_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/log.h"
#include "lib/mono.h"
#include "shm/segment.h"

/* Kind, and what object is. */
#define EVENT_KINDS(X)                                            \
	X(NONE, "none")                                           \
	X(SERVER, "server")     /* server slot */                 \
	X(BACKEND, "backend")   /* backend slot */                \
	X(FRONTEND, "frontend") /* frontend slot */               \
	X(ROUTER, "router")     /* index of the virtual router */ \
	X(PROCESS, "process")   /* pid */                         \
	X(CONFIG, "config")     /* generation */                  \
	X(COMMAND, "command")   /* 0 */                           \
	X(LIMIT, "limit")       /* by text */

#define EVENT_ENUM(id, name) EVENT_##id,
enum event_kind { EVENT_KINDS(EVENT_ENUM) EVENT_KINDS_N };
#undef EVENT_ENUM

/* "server" ...; "unknown" for what is none. */
const char *event_kind_name(uint32_t kind);

/* Adds an event to the ring of this process; the text is cut at 223 bytes. Returns its number. */
uint64_t event_add(const struct shm *s, enum event_kind kind, uint32_t object, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds it and writes it to the log with its number behind: "TEXT [event 17]", so that a line of the
 * log is found among the events and the other way round. Number, kind and the object's names are
 * fields of the line: event, kind, server with backend, backend, frontend, router. Returns the
 * number. */
uint64_t event_log(const struct shm *s, enum log_level level, enum event_kind kind, uint32_t object,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

struct event {
	uint64_t seq;
	uint64_t missing; /* numbers just before it that are not there */
	int64_t mono_ns;
	int64_t wall_us;
	uint32_t kind;
	uint32_t object;
	uint32_t process; /* enum shm_kind */
	uint32_t index;   /* worker slot, else 0 */
	char text[224];
};

/*
 * Copies up to max events with numbers above after, in order. missing of the first counts from
 * after. A gap younger than 100 ms may be filled yet: reading stops before it. Call again with the
 * last seq for what follows; 0: nothing (yet).
 */
size_t event_read(
    const struct shm *s, uint64_t after, struct mono now, struct event *out, size_t max);

/* The last number drawn; start at event_last(s) - n for the last n events. */
uint64_t event_last(const struct shm *s);

#endif
