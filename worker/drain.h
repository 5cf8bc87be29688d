/* SPDX-License-Identifier: ISC */
/*
 * Addresses that the vrrp process gives away: sessions on them are reset, new ones refused, and
 * that is confirmed before vrrp removes the address. A client whose connection broke tries again
 * and then meets the other host; without the reset it would wait for its own time limits.
 */
#ifndef WORKER_DRAIN_H
#define WORKER_DRAIN_H

#include "lib/sock.h"
#include "worker/worker.h"

#define DRAIN_MS 1000 /* refusing lasts at most so long; vrrp waits for 200 ms */

/* A connection just accepted: is the address that it called being given away? bind may be NULL.
 * Costs a system call only while something drains. */
bool drain_refuses(const struct worker *w, int fd, const struct conf_bind *bind);
/* The bell: begins a drain that was asked for. */
void drain_look(struct worker *w);
/* After a turn's work: confirms when nothing is left to reset. */
void drain_confirm(struct worker *w);

#endif
