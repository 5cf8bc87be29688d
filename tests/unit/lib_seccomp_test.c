/* SPDX-License-Identifier: ISC */
/* The system call filter: what it refuses, what it kills for, what it must let through. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"
#include "lib/mono.h"
#include "lib/seccomp.h"

#define WORKER  (SECCOMP_CONNECT | SECCOMP_ACCEPT | SECCOMP_SPLICE)
#define CHECKER SECCOMP_CONNECT
#define VRRP    SECCOMP_LINK

#ifdef VIPD_SANITIZE
static const bool only_logs = true;
#else
static const bool only_logs = false;
#endif

static const unsigned all[] = {WORKER, CHECKER, VRRP};

/* Runs try() behind the filter in a process of its own; returns its wait status. */
static int
behind(unsigned uses, int (*try)(void))
{
	struct seccomp_filter f;
	int status;
	pid_t pid;

	assert_int_equal(seccomp_build(&f, uses), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_install(&f) == -1)
			_exit(99);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(f.v);
	return status;
}

/* 0: refused with EPERM. */
static int
refused(long r)
{
	return r == -1 && errno == EPERM ? 0 : 1;
}

/* Every attempt of a process that was taken over and that the filter answers with EPERM. The exit
 * status is the number of the first that went through. */
static int
try_refused(void)
{
	char buf[16];
	int fds[2], n = 0;

#define REFUSED(call)              \
	do {                       \
		n++;               \
		if (refused(call)) \
			return n;  \
	} while (0)
	REFUSED(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0)); /* 1 */
#ifdef SYS_open
	REFUSED(syscall(SYS_open, "/etc/passwd", O_RDONLY));
#endif
	REFUSED(open("/tmp/vipd-must-not-exist", O_CREAT | O_WRONLY, 0600));
	REFUSED(unlink("/tmp/vipd-must-not-exist"));
	REFUSED(rename("/tmp/vipd-must-not-exist", "/tmp/vipd-nor-this"));
	REFUSED(mkdir("/tmp/vipd-must-not-exist", 0700));
	REFUSED(chmod("/tmp", 0777));
	REFUSED(readlink("/proc/self/exe", buf, sizeof(buf)));
	REFUSED(chdir("/"));
	REFUSED(socket(AF_BLUETOOTH, SOCK_RAW, 0)); /* 10 */
	REFUSED(socket(AF_ALG, SOCK_SEQPACKET, 0));
	REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0));
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	REFUSED(memfd_create("x", 0));
	REFUSED((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REFUSED(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	REFUSED(ioctl(0, TIOCSTI, "x"));
	REFUSED(prctl(PR_SET_DUMPABLE, 1));
	REFUSED(setrlimit(RLIMIT_NPROC, &(struct rlimit){100, 100}));
	REFUSED(syscall(SYS_tgkill, getppid(), getppid(), 0)); /* 20 */
	REFUSED(listen(0, 1));
	REFUSED(syscall(SYS_shmget, 1, 4096, 01600));
	REFUSED(sched_setscheduler(getppid(), SCHED_OTHER, &(struct sched_param){0}));
	REFUSED(setpriority(PRIO_PROCESS, (id_t)getppid(), 5));
	REFUSED(fcntl(0, F_SETOWN, getppid()));
	REFUSED(link("/etc/passwd", "/tmp/vipd-must-not-exist"));
	REFUSED(symlink("/etc/passwd", "/tmp/vipd-must-not-exist"));
	REFUSED(truncate("/etc/passwd", 0));
	REFUSED(chown("/etc/passwd", 0, 0));
	REFUSED(mknod("/tmp/vipd-must-not-exist", S_IFIFO | 0600, 0)); /* 30 */
	REFUSED(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0));
	REFUSED(syscall(SYS_inotify_init1, 0));
	REFUSED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	return 0;
}

static int
try_ping_sockets(void)
{
	int n = 0;

	REFUSED(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	REFUSED(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
	REFUSED(socket(AF_PACKET, SOCK_DGRAM, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	REFUSED(mlockall(MCL_CURRENT));
	return 0;
}

static int
try_stream(void)
{
	int n = 0;

	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socket(AF_INET6, SOCK_STREAM, 0));
	REFUSED(accept4(0, NULL, NULL, 0));
	REFUSED(syscall(SYS_splice, 0, NULL, 1, NULL, 1, 0));
	return 0;
}

static int
exec_it(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int
fork_it(void)
{
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
		_exit(0);
	return 1;
}

static int
fork_by_libc(void)
{
	if (fork() == 0)
		_exit(0);
	return 1;
}

static int
ptrace_it(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return 1;
}

static int
kill_it(void)
{
	kill(getppid(), 0);
	return 1;
}

static int
mount_it(void)
{
	syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
	return 1;
}

static int
unshare_it(void)
{
	syscall(SYS_unshare, CLONE_NEWUSER);
	return 1;
}

static int
read_fellow(void)
{
	syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
	return 1;
}

static int
setuid_it(void)
{
	syscall(SYS_setuid, 0);
	return 1;
}

/* Calls by which a process gets out of what it is confined to, or into another one. */
static const int deadly[] = {SYS_execveat, SYS_clone3, SYS_process_vm_writev, SYS_pidfd_getfd,
    SYS_pidfd_send_signal, SYS_setns, SYS_chroot, SYS_pivot_root, SYS_umount2, SYS_capset,
    SYS_setgid, SYS_setgroups, SYS_setresuid, SYS_bpf, SYS_perf_event_open, SYS_init_module,
    SYS_finit_module, SYS_kexec_load, SYS_reboot, SYS_tkill, SYS_io_uring_setup, SYS_userfaultfd,
    SYS_keyctl, SYS_personality, SYS_pidfd_open};
static int number;

static int
call_number(void)
{
	syscall(number, 0, 0, 0, 0, 0, 0);
	return 1;
}

#ifdef __x86_64__
static int
old_abi(void)
{
	long r;

	/* getpid of i386. */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
	return 1;
}
#endif

static int
abort_it(void)
{
	abort();
}

/* What every process does all day; the exit status is the number of the first that failed. */
static int
works_everywhere(void)
{
	struct epoll_event ev;
	struct timespec ts;
	struct stat st;
	struct tm tm;
	time_t now = time(NULL);
	char *p = malloc(3 << 20);
	int ep = epoll_create1(EPOLL_CLOEXEC), n = 0;

#define WORKS(cond)               \
	do {                      \
		n++;              \
		if (!(cond))      \
			return n; \
	} while (0)
	WORKS(p != NULL && ep != -1); /* 1 */
	memset(p, 1, 3 << 20);
	p = realloc(p, 9 << 20); /* cppcheck-suppress memleakOnRealloc */
	WORKS(p != NULL);
	free(p);
	WORKS(madvise(NULL, 0, MADV_DONTNEED) == 0);
	WORKS(mprotect(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096,
		  PROT_READ | PROT_WRITE) == 0);
	WORKS(epoll_wait(ep, &ev, 1, 0) == 0); /* 5 */
	WORKS(fstat(ep, &st) == 0);
	WORKS(clock_gettime(CLOCK_MONOTONIC, &ts) == 0 && mono_now().ns > 0);
	WORKS(localtime_r(&now, &tm) != NULL);
	WORKS(fcntl(ep, F_GETFL) != -1 && fcntl(ep, F_SETFD, FD_CLOEXEC) == 0);
	WORKS(prctl(PR_SET_NAME, "vipd") == 0); /* 10 */
	WORKS(syscall(SYS_getrandom, &st, 8, 0) == 8);
	WORKS(write(2, "", 0) == 0);
	WORKS(close(ep) == 0);
	errno = 0;
	log_info("a line behind the filter");
	WORKS(errno == 0);
	return 0;
}

static struct sockaddr_in
listener(int *fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(*fd, 8), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return a;
}

static int listen_fd;
static struct sockaddr_in listen_addr;

static int
works_connect(void)
{
	int one = 1, c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), n = 0;
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t len = sizeof(one);

	WORKS(c != -1); /* 1 */
	WORKS(setsockopt(c, IPPROTO_TCP, 1 /* NODELAY */, &one, len) == 0);
	WORKS(setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &one, len) == 0);
	WORKS(setsockopt(c, IPPROTO_IP, 24 /* BIND_ADDRESS_NO_PORT */, &one, len) == 0);
	WORKS(bind(c, (struct sockaddr *)&any, sizeof(any)) == 0); /* 5 */
	WORKS(connect(c, (struct sockaddr *)&listen_addr, sizeof(listen_addr)) == 0 ||
	      errno == EINPROGRESS);
	WORKS(getsockopt(c, SOL_SOCKET, SO_ERROR, &one, &len) == 0);
	WORKS(shutdown(c, SHUT_WR) == 0);
	WORKS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) != -1);
	WORKS(socket(AF_INET6, SOCK_STREAM, 0) != -1 || errno == EAFNOSUPPORT); /* 10 */
	WORKS(socket(AF_INET, SOCK_DGRAM, 0) != -1);
	return 0;
}

static int
works_worker(void)
{
	int c = socket(AF_INET, SOCK_STREAM, 0), a, p[2], n = 20;

	WORKS(connect(c, (struct sockaddr *)&listen_addr, sizeof(listen_addr)) == 0);
	a = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	WORKS(a != -1);
	WORKS(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0);
	WORKS(fcntl(p[0], F_SETPIPE_SZ, 65536) >= 65536);
	WORKS(send(c, "abc", 3, MSG_NOSIGNAL) == 3); /* 25 */
	WORKS(splice(a, NULL, p[1], NULL, 4096, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) == 3);
	return works_connect();
}

static int
works_link(void)
{
	char name[IF_NAMESIZE];
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, n = 0;

	WORKS(s != -1); /* 1 */
	WORKS(setsockopt(s, 270 /* SOL_NETLINK */, 11 /* EXT_ACK */, &one, sizeof(one)) == 0);
	WORKS(if_indextoname(1, name) != NULL);
	WORKS(socket(AF_INET, SOCK_RAW, 112) != -1 || errno == EPERM || errno == EACCES);
	/* Where we may at all: the filter has said nothing against it. */
	if (geteuid() == 0) {
		WORKS(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 112) != -1); /* 5 */
		WORKS(socket(AF_INET6, SOCK_RAW, 112) != -1 || errno == EAFNOSUPPORT);
		WORKS(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) != -1);
		WORKS(mlockall(MCL_CURRENT | MCL_ONFAULT) == 0);
	}
	WORKS(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}) == 0);
	return 0;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void
dies(unsigned uses, int (*try)(void))
{
	int status = behind(uses, try);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
passes(unsigned uses, int (*try)(void))
{
	int status = behind(uses, try);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
what_is_not_listed_is_refused(void **state)
{
	(void)state;
	if (only_logs)
		skip();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		passes(all[i], try_refused);
	passes(WORKER, try_ping_sockets);
	passes(CHECKER, try_ping_sockets);
	passes(VRRP, try_stream);
}

static void
taking_over_kills(void **state)
{
	static int (*const tries[])(void) = {exec_it, fork_it, fork_by_libc, ptrace_it, kill_it,
	    mount_it, unshare_it, read_fellow, setuid_it};

	(void)state;
	if (only_logs)
		skip();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t k = 0; k < sizeof(tries) / sizeof(tries[0]); k++)
			dies(all[i], tries[k]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t k = 0; k < sizeof(deadly) / sizeof(deadly[0]); k++) {
			number = deadly[k];
			dies(all[i], call_number);
		}
	}
}

static void
another_abi_kills(void **state)
{
	(void)state;
	if (only_logs)
		skip();
#ifdef __x86_64__
	int status;
	pid_t pid = fork();

	/* Only where this kernel runs such calls at all. */
	if (pid == 0)
		_exit(old_abi() == 1 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		skip();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		dies(all[i], old_abi);
#else
	skip();
#endif
}

static void
abort_still_says_abort(void **state)
{
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		status = behind(all[i], abort_it);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

static void
what_is_needed_works(void **state)
{
	(void)state;
	listen_addr = listener(&listen_fd);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		passes(all[i], works_everywhere);
	passes(WORKER, works_worker);
	passes(CHECKER, works_connect);
	passes(VRRP, works_link);
	close(listen_fd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_needed_works),
	    cmocka_unit_test(abort_still_says_abort),
	    cmocka_unit_test(what_is_not_listed_is_refused),
	    cmocka_unit_test(taking_over_kills),
	    cmocka_unit_test(another_abi_kills),
	};

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	log_init("test");
	if (!seccomp_available()) {
		puts("no seccomp in this kernel");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
