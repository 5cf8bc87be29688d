/* SPDX-License-Identifier: ISC */
/*
 * What the service manager is told (sd_notify(3)'s protocol): a datagram to $NOTIFY_SOCKET. Master.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdbool.h>

/* Remembers the socket and takes the variable out of the environment. */
void notify_init(void);
/* Lines "KEY=value\n..."; nothing happens when no manager asked for it. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Does a manager listen? */
bool notify_wanted(void);
/* RELOADING=1 with MONOTONIC_USEC. */
void notify_reloading(void);
/* Microseconds between keep-alives that the manager wants; 0: none. */
long long notify_watchdog_us(void);

#endif
