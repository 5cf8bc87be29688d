/* SPDX-License-Identifier: ISC */
/*
 * System call filter: an allow-list, the same for all settings, so that a reload needs no other.
 *
 * What is not listed fails with EPERM and nothing else happens: a call that a library makes on a
 * rare path and that this list forgot is then one failed operation, not a process that dies again
 * and again. Calls that neither this program nor a library makes by mistake (to run, trace or make
 * processes, to mount, to load code, to change ids) end the process at once: whoever makes them has
 * taken it over, and its successor starts clean. Sanitizer builds only log (VIPD_SANITIZE).
 */
#ifndef LIB_SECCOMP_H
#define LIB_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* What a process does beside memory, time, its loop and messages on sockets that it has. */
enum seccomp_use {
	SECCOMP_CONNECT = 1, /* stream sockets of INET, INET6 and UNIX; datagrams of INET, INET6 */
	SECCOMP_ACCEPT = 2,
	SECCOMP_SPLICE = 4, /* and the pipes for it */
	SECCOMP_LINK = 8    /* netlink, raw and packet sockets; names of interfaces; real-time
			       scheduling of itself, locked memory */
};

/* False: this kernel has no filters; nothing can be done then. */
bool seccomp_available(void);

/* A program for seccomp(2), for any process of this program. */
struct seccomp_filter {
	unsigned short n;      /* instructions; 0: no filter */
	uint32_t arch;         /* AUDIT_ARCH_* */
	struct sock_filter *v; /* from malloc; the first is no instruction */
};

/* Makes the filter for these uses (enum seccomp_use ORed), in a process that it forks and waits
 * for. Returns 0, or -1 with errno. */
int seccomp_build(struct seccomp_filter *out, unsigned uses);

/*
 * Installs it for this process, for good. no_new_privs must be set. Call when nothing will be
 * opened any more: libraries that read files at their first use have been used. An empty filter is
 * none. Returns 0, or -1 with errno.
 */
int seccomp_install(const struct seccomp_filter *);

#endif
