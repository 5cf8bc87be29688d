/* SPDX-License-Identifier: ISC */
/*
 * Slow start (semantics.md D.2; HAProxy's manual on slowstart): linear from almost nothing to all
 * over the period, for the weight and for the connection limit. Pure.
 */
#ifndef CHECKER_SLOWSTART_H
#define CHECKER_SLOWSTART_H

#include <stdint.h>

#define SLOWSTART_FULL 65536u /* a share of 1 */

/* Share in 1/65536 after elapsed_ms of period_ms: 1 .. 65536; without a period, 65536. */
uint32_t slowstart_share(int64_t elapsed_ms, int64_t period_ms);

/*
 * Effective weight in 1/256 of a weight unit, in steps of 1/16 of a unit (HAProxy's, which keep
 * schedules short), rounded up: 0 only for weight 0, weight * 256 at full share.
 */
uint32_t slowstart_weight(uint32_t weight, uint32_t share);

/* Connection limit: at least 1; 0 (no limit) stays 0. */
uint32_t slowstart_maxconn(uint32_t maxconn, uint32_t share);

/* Milliseconds after the start at which the next step comes: multiples of a twentieth of the
 * period, at least 100 ms apart, the last one at the period's end. */
int64_t slowstart_next_ms(int64_t elapsed_ms, int64_t period_ms);

#endif
