/* SPDX-License-Identifier: ISC */
/*
 * Counts the starts of vipd on this host, for the replay defence of VRRP's HMAC: a receiver takes
 * only packets of the newest start that it has heard of. Master.
 */
#ifndef MASTER_BOOT_H
#define MASTER_BOOT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The number of this start: the seconds since 1970, or one more than dir/starts holds if that is
 * more; it is written there. So it grows though the clock is wrong, as long as the file is there,
 * and though the file is lost, could not be written or is an old one (a machine that was put back
 * to a snapshot), as long as the clock is right. Logs what it cannot do.
 */
uint32_t boot_next(const char *dir);

/*
 * Whether the clock has been set ahead since the last call by more than a minute beside
 * CLOCK_BOOTTIME. So it is after a running machine was put back to a snapshot, when there may have
 * been later starts than the one that it remembers: then it is counted as one more. *last_us is
 * 0 before the first call.
 */
bool boot_clock_ahead(int64_t *last_us, int64_t wall_us, int64_t boot_ns);

#endif
