/* SPDX-License-Identifier: ISC */
/* What a process does about itself: who is spared when memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/proc.h"

#define OOM "/proc/self/oom_score_adj"

static int
first(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, buf, size - 1);

	if (n >= 0)
		buf[n] = '\0';
	if (fd != -1)
		close(fd);
	return n > 0 ? 0 : -1;
}

/* In a process of its own, whose adjustment is a file (the kernel lets few lower a real one). */
static int
with_file(const char *file)
{
	/* Not of "/", which in a chroot is no mount point. */
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/proc", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount(file, OOM, NULL, MS_BIND, NULL) == -1)
		return 77;
	proc_oom_ordinary();
	return 0;
}

static void
after(const char *before, const char *want)
{
	char path[] = "/tmp/vipd-oom-XXXXXX", got[16] = "";
	int fd = mkstemp(path), status;
	pid_t pid;

	assert_true(fd != -1);
	assert_int_equal(write(fd, before, strlen(before)), (ssize_t)strlen(before));
	close(fd);
	pid = fork();
	if (pid == 0)
		_exit(with_file(path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	first(path, got, sizeof(got));
	unlink(path);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_string_equal(got, want);
}

static void
a_favour_is_given_up(void **state)
{
	(void)state;
	after("-900\n", "0900\n"); /* "0" was written; the kernel takes each write by itself */
	after("-1\n", "01\n");
}

static void
others_keep_theirs(void **state)
{
	char own[16] = "", now[16] = "";

	(void)state;
	after("0\n", "0\n");
	after("300\n", "300\n");
	assert_int_equal(first(OOM, own, sizeof(own)), 0);
	if (own[0] == '-')
		skip();
	proc_oom_ordinary();
	assert_int_equal(first(OOM, now, sizeof(now)), 0);
	assert_string_equal(now, own);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_favour_is_given_up),
	    cmocka_unit_test(others_keep_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
