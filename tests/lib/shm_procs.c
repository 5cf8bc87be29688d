/* SPDX-License-Identifier: ISC */
#include "tests/lib/shm_procs.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/must.h"

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

static void
places_look(struct procs_places *p, unsigned n, int limit, const pid_t *pid)
{
	int given = 0;

	for (unsigned i = 0; i < n; i++)
		CHECK(procs_stop(pid[i]));
	for (unsigned i = 0; i < n; i++)
		given += p->admitted[i];
	p->over += given > limit;
	p->full += given == limit;
	for (unsigned i = 0; i < n; i++)
		procs_cont(pid[i]);
}

void
procs_places_kill(struct procs_places *p, const struct shm *m, unsigned n, int limit,
    int (*f)(struct shm *, void *), pid_t *pid)
{
	uint64_t seed = 11;

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		pid[i] = procs_fork(m, SHM_WORKER, i, f, NULL);
	for (unsigned kills = 0; kills < 300 || p->full < 10; kills++) {
		unsigned w = procs_random(&seed) % n;

		usleep(procs_random(&seed) % 1500);
		places_look(p, n, limit, pid);
		procs_kill(pid[w]);
		p->admitted[w] = 0;
		shm_worker_reset(m, shm_dead_worker(m, w));
		pid[w] = procs_fork(m, SHM_WORKER, w, f, NULL);
	}
}
