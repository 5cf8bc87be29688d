/* SPDX-License-Identifier: ISC */
#include "tests/lib/shm_procs.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void *
procs_share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

pid_t
procs_fork(const struct shm *m, enum shm_kind kind, unsigned index, int (*f)(struct shm *, void *),
    void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		struct shm s;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || shm_attach(&s, m, kind, index) == -1)
			_exit(126);
		_exit(f(&s, arg));
	}
	return pid;
}

int
procs_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool
procs_stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	while (waitpid(pid, &status, WUNTRACED) == -1)
		if (errno != EINTR)
			return false;
	return WIFSTOPPED(status);
}

void
procs_cont(pid_t pid)
{
	kill(pid, SIGCONT);
}

void
procs_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	procs_wait(pid);
}

uint32_t
procs_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}
