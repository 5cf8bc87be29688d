/* SPDX-License-Identifier: ISC */
/*
 * The statistics of workers, frontends, backends and servers as text for people: what SIGUSR1 makes
 * the master write to stats_file. From shared memory alone, so that it works while a child hangs.
 */
#ifndef SHM_DUMP_H
#define SHM_DUMP_H

#include "lib/buf.h"
#include "lib/mono.h"
#include "shm/segment.h"

/* Appends the text. Failure of the buffer sticks in it. */
void stats_dump_text(const struct shm *s, struct buf *out);
/* The same at given times (now: CLOCK_MONOTONIC, wall: microseconds since 1970), for tests. */
void stats_dump_text_at(const struct shm *s, struct mono now, int64_t wall_us, struct buf *out);

#endif
