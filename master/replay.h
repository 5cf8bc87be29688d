/* SPDX-License-Identifier: ISC */
/*
 * Keeps the memory of VRRP's replay defence (shm/replay.h) over a restart, in the file "replay" of
 * the state directory. Written each REPLAY_EVERY_TICKS if something changed, and at the end; so a
 * host whose power failed may take what was recorded in the last moments once more, until it hears
 * the peer itself. Master.
 */
#ifndef MASTER_REPLAY_H
#define MASTER_REPLAY_H

#include <stdbool.h>

#include "shm/layout.h"

#define REPLAY_EVERY_TICKS 100 /* 10 s */

/* Before vrrp is there. A file that is missing is empty; a damaged one is said and not used. */
void replay_load(const char *dir, struct shm_vrrp *v);
/* whole: wait until it is on the disk. Nothing is written when nothing changed. */
void replay_store(const char *dir, const struct shm_vrrp *v, bool whole);

#endif
