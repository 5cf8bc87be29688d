/* SPDX-License-Identifier: ISC */
/* See kernel.h. What the thread runs is marked. */
#include "vrrp/kernel.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/landlock.h"
#include "lib/proc.h"

#define STACK (256 * 1024)
#define TRIES 5

/* ---- in the thread --------------------------------------------------------- */

static void
on_link(const struct nl_link *l, void *arg)
{
	struct snapshot *s = arg;

	if (s->n_links < s->cap_links)
		s->links[s->n_links] = *l;
	s->n_links++;
}

static void
on_addr(const struct nl_addr *a, void *arg)
{
	struct snapshot *s = arg;

	if (s->n_addrs < s->cap_addrs)
		s->addrs[s->n_addrs] = *a;
	s->n_addrs++;
}

int
kernel_dump(struct nl *nl, struct snapshot *s)
{
	int r = -1;

	for (int i = 0; i < TRIES && r == -1; i++) {
		s->n_links = 0;
		r = nl_link_dump(nl, on_link, s);
		if (r == -1 && errno != EINTR)
			return -1;
	}
	for (int i = 0; i < TRIES && r == 0; i++) {
		s->n_addrs = 0;
		if (nl_addr_dump(nl, AF_UNSPEC, 0, on_addr, s) == 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return -1;
}

static bool
too_late(const struct kernel_job *j)
{
	return mono_before(j->not_after, mono_now_boot());
}

static int
set(struct nl *nl, const struct kernel_job *j, bool *fresh)
{
	if (too_late(j))
		return ECANCELED;
	if (nl_addr_add(nl, &j->a) == 0) {
		*fresh = true;
		return 0;
	}
	if (errno != EEXIST)
		return errno;
	if (too_late(j))
		return ECANCELED;
	/* The kernel keeps IFA_PROTO of an address that is replaced, so a stranger's stays one; and
	 * also one for ever has had a lifetime, before a reload or by a predecessor. */
	if (!j->anew)
		return nl_addr_replace(nl, &j->a) == 0 ? 0 : errno;
	if (nl_addr_del(nl, &j->a) == -1 && errno != EADDRNOTAVAIL)
		return errno;
	return nl_addr_add(nl, &j->a) == 0 || errno == EEXIST ? 0 : errno;
}

static void
do_job(struct kernel *k)
{
	struct kernel_answer a = {0};

	k->nl.error[0] = '\0';
	switch (k->job.what) {
	case KERNEL_SET:
		a.error = set(&k->nl, &k->job, &a.fresh);
		break;
	case KERNEL_REMOVE:
		a.error = nl_addr_del(&k->nl, &k->job.a) == 0 ? 0 : errno;
		break;
	case KERNEL_DUMP:
		a.error = kernel_dump(&k->nl, k->job.snap) == 0 ? 0 : errno;
		break;
	}
	_Static_assert(sizeof(a.words) == sizeof(k->nl.error), "words");
	memcpy(a.words, k->nl.error, sizeof(a.words));
	k->answer = a;
}

/* eventfd's read and write order what stands in the job and in the answer. */
static void *
run(void *arg)
{
	struct kernel *k = arg;
	static const uint64_t one = 1;
	uint64_t n;

	/* The process' own call holds for its own thread only. */
	if (landlock_no_files() == -1)
		_exit(PROC_EXIT_FAILED);
	if (write(k->done.fd, &one, sizeof(one)) == -1)
		return NULL;
	while (read(k->give, &n, sizeof(n)) != -1 || errno == EINTR) {
		do_job(k);
		if (write(k->done.fd, &one, sizeof(one)) == -1)
			break;
	}
	return NULL;
}

/* ---- in the process' own --------------------------------------------------- */

static void
on_done(struct loop_fd *f, uint32_t events)
{
	struct kernel *k = (struct kernel *)(void *)((char *)f - offsetof(struct kernel, done));
	struct kernel_job job;
	struct kernel_answer answer;
	uint64_t n;

	(void)events;
	if (read(f->fd, &n, sizeof(n)) == -1 || !k->busy)
		return;
	job = k->job;
	answer = k->answer;
	k->busy = false;
	k->answered(k, &job, &answer);
}

void
kernel_give(struct kernel *k, const struct kernel_job *j)
{
	static const uint64_t one = 1;

	k->job = *j;
	k->busy = true;
	k->since = loop_now(k->loop);
	if (write(k->give, &one, sizeof(one)) == -1)
		k->busy = false; /* cannot be: it is empty */
}

/* Signals are the process' own thread's. */
static int
start_thread(struct kernel *k)
{
	sigset_t all, old;
	pthread_attr_t at;
	struct sched_param sp = {.sched_priority = 1};
	struct pollfd p = {.fd = k->done.fd, .events = POLLIN};
	uint64_t n;
	int r;

	sigfillset(&all);
	if (pthread_attr_init(&at) != 0)
		return -1;
	pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&at, STACK);
	/* Real-time from its first instruction: the process waits for it. Not inherited
	 * (SCHED_RESET_ON_FORK); where it is not allowed the process has said so. */
	pthread_attr_setinheritsched(&at, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&at, SCHED_RR);
	pthread_attr_setschedparam(&at, &sp);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&k->thread, &at, run, k);
	if (r == EPERM) {
		pthread_attr_setinheritsched(&at, PTHREAD_INHERIT_SCHED);
		r = pthread_create(&k->thread, &at, run, k);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&at);
	errno = r;
	if (r != 0)
		return -1;
	/* It has given up files before the system calls for that are forbidden to all threads. */
	while (poll(&p, 1, -1) == -1 && errno == EINTR)
		;
	return read(k->done.fd, &n, sizeof(n)) == -1 ? -1 : 0;
}

int
kernel_start(struct kernel *k, struct loop *loop)
{
	int done;

	k->loop = loop;
	k->done = (struct loop_fd){.cb = on_done, .fd = -1};
	k->give = eventfd(0, EFD_CLOEXEC);
	done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->give == -1 || done == -1 || nl_open(&k->nl) == -1 ||
	    loop_fd_add(loop, &k->done, done, EPOLLIN) == -1)
		return -1;
	return start_thread(k);
}
