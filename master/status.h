/* SPDX-License-Identifier: ISC */
/* The one line that the service manager shows (systemctl status): roles, health, generation. */
#ifndef MASTER_STATUS_H
#define MASTER_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/segment.h"

#define STATUS_TEXT 256

/*
 * Writes that line from what stands in the segment, e.g. "MASTER of 1 of 2 virtual routers; 2 of 3
 * servers up; generation 4". Loops over backends, not servers. Pure.
 */
void status_text(const struct shm *s, char *buf, size_t size);

struct master;
/* READY=1 with the status: at the end of the start, and of each reload. */
void status_ready(const struct master *m);
/* Once a tick: tells the status if it has changed, and looks once a second only. */
void status_tick(const struct master *m);

#endif
