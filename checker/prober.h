/* SPDX-License-Identifier: ISC */
/* When each server's next probe runs, and running it. */
#ifndef CHECKER_PROBER_H
#define CHECKER_PROBER_H

#include "checker/state.h"

void prober_init(struct server *s);
/* At a commit, after health_adopt: the server was never probed, or its probe is overdue. */
bool prober_is_due(const struct server *s);
/* Then: plans by what shared memory says, or delay_ms from now when it is due; stops when no probes
 * are wanted. */
void prober_plan(struct server *s, int64_t delay_ms);
/* A probe that a reload interrupted starts again at once; its time limits count from its start. */
void prober_resume(struct server *s, struct mono began);
/* After a command: starts, moves or stops the server's probes. */
void prober_update(struct server *s);
/* Workers reported failed connects: probes what is still up without waiting for its interval. */
void prober_read_reports(struct checker *ck);
/* vrrp wants to know now whether the servers are still there (shm_vrrp.want_fresh_ns). */
void prober_read_fresh(struct checker *ck);
/* At start: reports made before are old. */
void prober_skip_reports(struct checker *ck);

#endif
