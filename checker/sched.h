/* SPDX-License-Identifier: ISC */
/* Schedules of backends: rebuilt from the health of their servers, at most ten times a second, at
 * the end of the turn when a server went away. */
#ifndef CHECKER_SCHED_H
#define CHECKER_SCHED_H

#include "checker/state.h"

/* The schedule has to be rebuilt; urgent: in this turn. */
void sched_touch(struct backend *b, bool urgent);
/* At a commit: takes the entry over (or makes it new), builds, publishes. */
void sched_adopt(struct backend *b);
/* At a commit: backends that this generation does not have get no sessions. */
void sched_drop_others(struct checker *ck);
/* At the end of a turn: builds what is due, then rings who must look. */
void sched_turn(struct checker *ck);
void sched_init(struct backend *b);

#endif
