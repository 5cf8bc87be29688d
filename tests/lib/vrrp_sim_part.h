/* SPDX-License-Identifier: ISC */
/* What the files of the simulation share. Private to them. */
#ifndef TESTS_LIB_VRRP_SIM_PART_H
#define TESTS_LIB_VRRP_SIM_PART_H

#include "tests/lib/vrrp_sim.h"

/* Into the trace, if there is one. */
void sim_note(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_event_push(struct sim *s, struct sim_event e);
/* One input to the decision of host i, its actions, and the checks after it. */
void sim_step(struct sim *s, unsigned i, struct decide_in in);
/* The holds, and the decision if its band is another. */
void sim_health_step(struct sim *s, unsigned i);
void sim_process_start(struct sim *s, unsigned i, bool resumed);
bool sim_awake(const struct sim *s, unsigned i);

#endif
