/* SPDX-License-Identifier: ISC */
/* The checker process: probes servers, is the one writer of their state and of the schedules. */
#ifndef CHECKER_CHECKER_H
#define CHECKER_CHECKER_H

#include "shm/child.h"

/* Runs until the master says stop or is gone. Returns the exit code (enum proc_exit). */
int checker_main(const struct child_start *st);

#endif
