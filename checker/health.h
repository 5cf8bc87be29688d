/* SPDX-License-Identifier: ISC */
/*
 * The one writer of shm_health. Facts (health counter, administrative bits, weight) are stored
 * first; health_settle then brings what follows from them (oper, usable, slow start, counters, log
 * line) in line, oper last. A checker killed anywhere in between is followed by one that settles
 * again.
 */
#ifndef CHECKER_HEALTH_H
#define CHECKER_HEALTH_H

#include "checker/state.h"

/* At a commit: a new slot gets its first state, a known one goes on under the new settings. */
void health_adopt(struct server *s);
/* At a commit: servers that this generation does not have get no sessions. */
void health_drop_others(struct checker *ck);

/* Counts a probe. */
void health_result(struct server *s, const struct probe_result *r);

/* Probes run now: checked, not paused, not in maintenance. */
bool health_wants_probes(const struct server *s);
bool health_is_up(const struct server *s);
struct risefall health_counter(const struct server *s);

/* Commands; the caller has checked the values. */
void health_set_admin(struct server *s, uint32_t set, uint32_t clear);
void health_set_counter(struct server *s, uint32_t counter);
void health_set_stopping(struct server *s);
void health_set_weight(struct server *s, uint32_t weight);
void health_set_maxconn(struct server *s, uint32_t maxconn);
void health_set_checked(struct server *s, bool on);
/* Workers close all sessions on it; reason is the first letter of the termination state. */
void health_shut_sessions(struct server *s, char reason);

/* Weight and limit by the progress of slow start; arms the timer of its next step. */
void health_weigh(struct server *s);

/* Counts the servers whose first probe has not ended. */
void health_count_waiting(struct checker *ck);

#endif
