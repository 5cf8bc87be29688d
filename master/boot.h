/* SPDX-License-Identifier: ISC */
/*
 * Counts the starts of vipd on this host, for the replay defence of VRRP's HMAC: a receiver takes
 * only packets of the newest start that it has heard of. Master.
 */
#ifndef MASTER_BOOT_H
#define MASTER_BOOT_H

#include <stdint.h>

/*
 * The number of this start: one more than dir/starts holds, which is written. Without that file the
 * seconds since 1970: more than any count, so losing the file does no harm while the clock is
 * right. Logs what it cannot do.
 */
uint32_t boot_next(const char *dir);

#endif
