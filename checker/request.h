/* SPDX-License-Identifier: ISC */
/* Commands from workers (shm/request.h): carried out in order, answered by number. */
#ifndef CHECKER_REQUEST_H
#define CHECKER_REQUEST_H

#include "checker/state.h"

/* Carries out what has come since the last look. A command that was carried out when the checker
 * died before saying so is carried out again: all set absolute values. */
void request_read_all(struct checker *ck);

#endif
