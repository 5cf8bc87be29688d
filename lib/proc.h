/* SPDX-License-Identifier: ISC */
/*
 * What a process does about itself: its title, descriptors, signals, privileges, sealed memory
 * files.
 */
#ifndef LIB_PROC_H
#define LIB_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit codes: a contract between children and master. */
enum proc_exit {
	PROC_EXIT_DONE = 0,
	PROC_EXIT_FAILED = 1, /* respawn */
	PROC_EXIT_CONFIG = 2, /* the configuration cannot work: no respawn before another one */
	PROC_EXIT_PERMISSION = 3
};

/* Remembers where argv lies; call first in main. proc_title_set then changes what ps shows. */
void proc_title_init(int argc, char **argv);
void proc_title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Closes every descriptor above 2 except those listed. */
void proc_close_others(const int *keep, size_t n);

/* Descriptors 0, 1 and 2 become /dev/null, where that can be opened. */
void proc_null_std(void);

/* Default action for all signals, nothing blocked; then ignores those that come from outside (TERM,
 * INT, HUP, USR1, USR2, QUIT, PIPE, TSTP ...). For children. */
void proc_signals_child(void);

struct proc_user {
	uid_t uid;
	gid_t gid;
	bool change; /* false: stay who we are (unprivileged start) */
};

/* Looks up user and optional group (NULL: the user's). Returns 0, or -1 (ENOENT: no such user).
 * Master only: reads files. */
int proc_user_find(struct proc_user *out, const char *user, const char *group);

/*
 * Gives up privileges for good: groups, ids, capabilities other than those of keep (bits 1 <<
 * CAP_*) that we have, no_new_privs, then PR_SET_PDEATHSIG(deathsig) with a look whether the parent
 * is already gone. Returns 0, or -1 with errno.
 */
int proc_confine(const struct proc_user *u, uint64_t keep, int deathsig, pid_t parent);

/* No further processes or threads, for good. Returns 0, or -1 with errno. */
int proc_no_more(void);

/* Out of memory the kernel spares who has a negative oom_score_adj: that is for the master and for
 * vrrp. Others give it up, for good (a positive one stays). */
void proc_oom_ordinary(void);

/* Raises RLIMIT_NOFILE's soft limit to the hard one and, with privilege, both to want (0: only
 * soft). Returns the soft limit that holds afterwards. */
uint64_t proc_nofile_raise(uint64_t want);

/* A memfd with these bytes, sealed against any change, offset 0. Returns it, or -1 with errno. */
int proc_memfd(const char *name, const void *data, size_t len);
/* Maps a sealed memfd for reading. *len is set; an empty one gives a valid pointer. NULL with
 * errno. */
const void *proc_memfd_map(int fd, size_t *len);
void proc_memfd_unmap(const void *p, size_t len);

/* CPUs this process may use: affinity and the cgroup's cpu.max, rounded up, at least 1. */
unsigned proc_cpus(void);

#endif
