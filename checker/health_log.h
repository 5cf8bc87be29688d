/* SPDX-License-Identifier: ISC */
/* Log lines of health, in the words that HAProxy's users search their logs for. */
#ifndef CHECKER_HEALTH_LOG_H
#define CHECKER_HEALTH_LOG_H

#include "checker/risefall.h"
#include "checker/state.h"

enum health_log {
	HEALTH_LOG_UP = 0,
	HEALTH_LOG_DOWN,
	HEALTH_LOG_MAINT,
	HEALTH_LOG_LEFT_MAINT,
	HEALTH_LOG_COMMAND_UP, /* by set server health */
	HEALTH_LOG_COMMAND_DOWN
};

/* "Server B/S is DOWN, reason: ..." after usable is set and before oper is, which it does not look
 * at: whoever is killed between leaves it to be said again. */
void health_log_change(const struct server *s, enum health_log what);
/* By command. */
void health_log_stopping(const struct server *s);
/* "Health check for server B/S failed, ..." when the counter moved or the result is another than
 * last, the one before. */
void health_log_probe(const struct server *s, const struct probe_result *r, uint32_t last,
    const struct risefall *before, const struct risefall *after);
/* Drain and its end; maintenance is said by the change it makes, or here when the server was down.
 */
void health_log_admin(const struct server *s, uint32_t old, uint32_t admin);

#endif
