/* SPDX-License-Identifier: ISC */
/*
 * Secrets that were in memory which has been given back. A process that forks without exec hands
 * its whole heap to the child, freed pieces included; libconfig and stdio leave pieces of the
 * configuration there. So the master overwrites what it frees.
 */
#ifndef LIB_WIPE_H
#define LIB_WIPE_H

#include <stdbool.h>

/* From now on free and realloc of this process overwrite what they give back, in libraries too (no
 * effect in sanitizer builds). Off at first. */
void wipe_frees(bool on);

/* Overwrites what returned functions left below the caller's frame, 64 KiB. */
void wipe_stack(void);

#endif
