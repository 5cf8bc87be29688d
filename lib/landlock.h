/* SPDX-License-Identifier: ISC */
/* Landlock: no file can be opened, made or removed by this process any more, whichever call tries.
 * It stands behind the system call filter, which cannot see that a bind(2) makes a file,
 * or that a connect(2) goes to a UNIX socket with an abstract name. */
#ifndef LIB_LANDLOCK_H
#define LIB_LANDLOCK_H

/*
 * For good, for this process and what it forks. no_new_privs must be set. Sockets that exist and
 * connects to those with a path or an IP address go on (a log's, a server's). Returns 0, also where
 * the kernel has no Landlock or it is switched off or forbidden: the system call filter then stands
 * alone; or -1 with errno.
 */
int landlock_no_files(void);

#endif
