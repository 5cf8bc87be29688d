/* SPDX-License-Identifier: ISC */
/* What a process does about itself. Runs in every process; look-ups of names in the master only. */
#include "lib/proc.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char *title;
static size_t title_size;

void
proc_title_init(int argc, char **argv)
{
	char *end = argv[0];
	char **env;
	int n = 0;

	/* argv and environ stand in one piece: move environ away, use it all. */
	for (int i = 0; i < argc && argv[i] == end; i++)
		end = argv[i] + strlen(argv[i]) + 1;
	while (environ[n] != NULL)
		n++;
	env = malloc(((size_t)n + 1) * sizeof(char *));
	if (env == NULL)
		return;
	for (int i = 0; i < n; i++) {
		if (environ[i] == end)
			end = environ[i] + strlen(environ[i]) + 1;
		env[i] = strdup(environ[i]);
	}
	env[n] = NULL;
	environ = env;
	title = argv[0];
	title_size = (size_t)(end - argv[0]);
}

void
proc_title_set(const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	prctl(PR_SET_NAME, "vipd");
	if (title == NULL || title_size < 2)
		return;
	n = strlen(buf);
	if (n > title_size - 2)
		n = title_size - 2;
	memset(title, 0, title_size);
	memcpy(title, buf, n);
}

static int
int_order(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

void
proc_close_others(const int *keep, size_t n)
{
	int sorted[1024];
	unsigned from = 3;

	if (n > sizeof(sorted) / sizeof(sorted[0]))
		abort();
	if (n > 0) {
		memcpy(sorted, keep, n * sizeof(int));
		qsort(sorted, n, sizeof(int), int_order);
	}
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < 3)
			continue;
		if ((unsigned)sorted[i] > from)
			close_range(from, (unsigned)sorted[i] - 1, 0);
		from = (unsigned)sorted[i] + 1;
	}
	close_range(from, ~0u, 0);
}

void
proc_null_std(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3 && null != -1; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}

void
proc_signals_child(void)
{
	static const int outside[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE,
	    SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		signal(outside[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
proc_user_find(struct proc_user *out, const char *user, const char *group)
{
	const struct passwd *pw = getpwnam(user);
	const struct group *gr;

	if (pw == NULL) {
		errno = ENOENT;
		return -1;
	}
	*out = (struct proc_user){.uid = pw->pw_uid, .gid = pw->pw_gid, .change = true};
	if (group != NULL) {
		gr = getgrnam(group);
		if (gr == NULL) {
			errno = ENOENT;
			return -1;
		}
		out->gid = gr->gr_gid;
	}
	return 0;
}

/* Those of keep that we have. *bounds: may the bounding set be changed too? */
static int
caps_limit(uint64_t keep, bool *bounds)
{
	uint64_t have = 0;

	if (capng_get_caps_process() != 0)
		return -1;
	*bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (unsigned c = 0; c < 64; c++)
		if (keep & (uint64_t)1 << c && capng_have_capability(CAPNG_PERMITTED, c))
			have |= (uint64_t)1 << c;
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned c = 0; c < 64; c++)
		if (have & (uint64_t)1 << c)
			if (capng_update(CAPNG_ADD,
				CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, c) != 0)
				return -1;
	return 0;
}

int
proc_no_more(void)
{
	return setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0});
}

int
proc_confine(const struct proc_user *u, uint64_t keep, int deathsig, pid_t parent)
{
	bool bounds;
	int r;

	if (caps_limit(keep, &bounds) == -1)
		return -1;
	/* Who stays who he is (no root; or root of a user namespace, which may know no other user
	 * and not set groups) still gives up the capabilities. Else: changes ids, drops
	 * supplementary groups, keeps just the selected capabilities. */
	if (!u->change || (u->uid == geteuid() && u->gid == getegid()))
		r = capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS);
	else
		r = capng_change_id((int)u->uid, (int)u->gid,
		    CAPNG_DROP_SUPP_GRP | (bounds ? CAPNG_CLEAR_BOUNDING : 0));
	if (r != 0) {
		errno = EPERM;
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	/* After the change of ids, which clears it. */
	if (deathsig != 0 && prctl(PR_SET_PDEATHSIG, deathsig) == -1)
		return -1;
	if (parent != 0 && getppid() != parent) {
		errno = ESRCH;
		return -1;
	}
	return 0;
}

void
proc_oom_ordinary(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char minus;

	if (fd == -1)
		return;
	if (read(fd, &minus, 1) == 1 && minus == '-')
		(void)!pwrite(fd, "0", 1, 0);
	close(fd);
}

uint64_t
proc_nofile_raise(uint64_t want)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return 1024;
	if (want > r.rlim_max) {
		struct rlimit more = {want, want};

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return want;
	}
	if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
		getrlimit(RLIMIT_NOFILE, &r);
	}
	return r.rlim_cur;
}

int
proc_memfd(const char *name, const void *data, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *p = data;
	size_t left = len;

	if (fd == -1)
		return -1;
	while (left > 0) {
		ssize_t n = write(fd, p, left);

		if (n == -1)
			goto fail;
		p += n;
		left -= (size_t)n;
	}
	if (fchmod(fd, 0400) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1)
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}

const void *
proc_memfd_map(int fd, size_t *len)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1)
		return NULL;
	*len = (size_t)st.st_size;
	if (st.st_size == 0)
		return "";
	p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
proc_memfd_unmap(const void *p, size_t len)
{
	if (p != NULL && len > 0)
		munmap((void *)(uintptr_t)p, len);
}

/* The cgroup v2 quota in CPUs, rounded up; 0: none readable. */
static unsigned
cpu_quota(void)
{
	long long quota, period;
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	int n;

	if (f == NULL)
		return 0;
	n = fscanf(f, "%lld %lld", &quota, &period);
	fclose(f);
	if (n != 2 || quota <= 0 || period <= 0)
		return 0;
	return (unsigned)((quota + period - 1) / period);
}

unsigned
proc_cpus(void)
{
	cpu_set_t set;
	unsigned n = 1, q = cpu_quota();

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		n = (unsigned)CPU_COUNT(&set);
	return q > 0 && q < n ? q : n;
}
