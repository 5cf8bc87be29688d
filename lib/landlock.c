/* SPDX-License-Identifier: ISC */
/* See landlock.h. */
#include "lib/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What its first version (Linux 5.13) knows: execute, write, read, list, remove, make. */
#define ALL_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* The sixth version (Linux 6.12) knows sockets with names that are no files, too: no connection to
 * those of processes outside, and no signal to them. */
#define SCOPED_ABI 6
#define SCOPES     3 /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, LANDLOCK_SCOPE_SIGNAL */

/* As struct landlock_ruleset_attr of that version, which this system's headers may not have. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

int
landlock_no_files(void)
{
#ifndef VIPD_SANITIZE /* whose run-time reads /proc */
	/* No rule follows: nothing is allowed of all this. */
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const struct ruleset attr = {.fs = ALL_RIGHTS, .scoped = abi >= SCOPED_ABI ? SCOPES : 0};
	long fd = syscall(SYS_landlock_create_ruleset, &attr,
	    abi >= SCOPED_ABI ? sizeof(attr) : sizeof(attr.fs), 0);
	int r, err;

	if (fd == -1) /* EPERM: a service manager's filter that does not know it */
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? 0 : -1;
	r = (int)syscall(SYS_landlock_restrict_self, (int)fd, 0);
	err = errno;
	close((int)fd);
	errno = err;
	return r;
#else
	return 0;
#endif
}
