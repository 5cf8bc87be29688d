/* SPDX-License-Identifier: ISC */
/* Slow start; see slowstart.h. */
#include "checker/slowstart.h"

#define STEP_UNITS  16u /* of 256 to a weight unit */
#define STEPS       20
#define STEP_MIN_MS 100

uint32_t
slowstart_share(int64_t elapsed_ms, int64_t period_ms)
{
	uint32_t share;

	if (period_ms <= 0 || elapsed_ms >= period_ms)
		return SLOWSTART_FULL;
	if (elapsed_ms <= 0)
		return 1;
	share = (uint32_t)((double)elapsed_ms * SLOWSTART_FULL / (double)period_ms);
	return share == 0 ? 1 : share;
}

uint32_t
slowstart_weight(uint32_t weight, uint32_t share)
{
	uint64_t sixteenths = (uint64_t)weight * (256 / STEP_UNITS) * share;

	return (uint32_t)((sixteenths + SLOWSTART_FULL - 1) / SLOWSTART_FULL) * STEP_UNITS;
}

uint32_t
slowstart_maxconn(uint32_t maxconn, uint32_t share)
{
	uint32_t n = (uint32_t)(((uint64_t)maxconn * share + SLOWSTART_FULL / 2) / SLOWSTART_FULL);

	return n == 0 && maxconn != 0 ? 1 : n;
}

int64_t
slowstart_next_ms(int64_t elapsed_ms, int64_t period_ms)
{
	int64_t step = period_ms / STEPS, next;

	if (step < STEP_MIN_MS)
		step = STEP_MIN_MS;
	if (elapsed_ms < 0)
		elapsed_ms = 0;
	next = (elapsed_ms / step + 1) * step;
	return next < period_ms ? next : period_ms;
}
