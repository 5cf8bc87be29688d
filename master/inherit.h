/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets that vipd is started with: descriptors by number, and those that a service
 * manager passes by name (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; sd_listen_fds(3)). Runs in the
 * master. They stay open for its life, so that a bind may go and come back, and are never closed
 * on the way: what waits in them is for whoever holds them next.
 */
#ifndef MASTER_INHERIT_H
#define MASTER_INHERIT_H

/* Looks for them. First thing in the process: later any number may be taken. */
void inherit_look(void);

/* How many a bind "fd@WHAT" means: one for a number, those of the name else; 0: none. */
unsigned inherit_count(const char *what);
/* A copy of the i-th, non-blocking, or -1 with errno. */
int inherit_open(const char *what, unsigned i);
/* What there is, for messages. */
const char *inherit_list(void);

#endif
