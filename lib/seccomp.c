/* SPDX-License-Identifier: ISC */
/* System call filter: built with libseccomp in the master, installed by children. */
#include "lib/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Memory, time, the loop, messages, logs (lib/log.h), the end. fstat is newfstatat here and there.
 */
static const char *const base_calls[] = {"read", "write", "readv", "writev", "pread64", "pwritev2",
    "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "getsockname", "getpeername",
    "getsockopt", "poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
    "epoll_pwait2", "close", "close_range", "dup", "fstat", "lseek", "brk", "munmap", "mremap",
    "madvise", "futex", "membarrier", "rseq", "set_robust_list", "getrandom", "clock_gettime",
    "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "sched_yield",
    "sched_getaffinity", "getcpu", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid",
    "getegid", "getrusage", "times", "sysinfo", "uname", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group"};

static const char *const accept_calls[] = {"accept", "accept4"};
static const char *const splice_calls[] = {"splice", "pipe2"};
static const char *const link_calls[] = {"mlockall", "munlockall", "mlock", "mlock2", "munlock"};

/* Whoever makes these has taken the process over. The run-time of the sanitizers makes some. */
#ifndef VIPD_SANITIZE
static const char *const deadly_calls[] = {"execve", "execveat", "fork", "vfork", "clone", "clone3",
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
    "pidfd_open", "pidfd_send_signal", "kill", "tkill", "kcmp", "mount", "umount2", "move_mount",
    "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr", "pivot_root", "chroot",
    "unshare", "setns", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "keyctl", "add_key", "request_key", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
    "personality", "open_by_handle_at", "name_to_handle_at", "reboot", "swapon", "swapoff",
    "sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "quotactl", "acct", "syslog",
    "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "vhangup"};
#endif

/* Instructions before the built part. */
#define SELF_CALLS 7
#define ARG0_LOW \
	(offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct build {
	scmp_filter_ctx ctx;
	int error; /* the first, as a positive errno */
};

static void
add(struct build *b, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name), r;

	if (nr == __NR_SCMP_ERROR)
		return; /* newer than this libseccomp: the default holds */
	r = seccomp_rule_add_array(b->ctx, action, nr, n, args);
	/* EDOM: this architecture has no such call. EEXIST: two uses have it. */
	if (r < 0 && r != -EDOM && r != -EEXIST && b->error == 0)
		b->error = -r;
}

static void
allow(struct build *b, const char *name)
{
	add(b, SCMP_ACT_ALLOW, name, 0, NULL);
}

static void
allow_all(struct build *b, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow(b, names[i]);
}

/* Argument `at` & mask == value. */
static void
allow_if(struct build *b, const char *name, unsigned at, uint64_t mask, uint64_t value)
{
	struct scmp_arg_cmp c = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, mask, value);

	add(b, SCMP_ACT_ALLOW, name, 1, &c);
}

/* An int or a 32-bit word. */
#define WORD 0xffffffffu

static void
allow_socket(struct build *b, int family, int type)
{
	/* The type's low bits; the rest are SOCK_CLOEXEC and SOCK_NONBLOCK. */
	struct scmp_arg_cmp c[2] = {SCMP_CMP(0, SCMP_CMP_MASKED_EQ, WORD, (uint64_t)family),
	    SCMP_CMP(1, SCMP_CMP_MASKED_EQ, 0xf, (uint64_t)type)};

	add(b, SCMP_ACT_ALLOW, "socket", 2, c);
}

static void
add_memory(struct build *b)
{
	/* Nothing writable or from a descriptor becomes code. */
	allow_if(b, "mmap", 2, PROT_EXEC, 0);
	allow_if(b, "mmap2", 2, PROT_EXEC, 0);
	allow_if(b, "mprotect", 2, PROT_EXEC, 0);
}

static void
add_self(struct build *b)
{
	static const int fcntls[] = {
	    F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_SETPIPE_SZ};
	static const int levels[] = {SOL_SOCKET, 0 /* IP */, 6 /* TCP */, 41 /* IPV6 */};

	for (size_t i = 0; i < COUNT(fcntls); i++) {
		allow_if(b, "fcntl", 1, WORD, (uint64_t)fcntls[i]);
		allow_if(b, "fcntl64", 1, WORD, (uint64_t)fcntls[i]);
	}
	for (size_t i = 0; i < COUNT(levels); i++)
		allow_if(b, "setsockopt", 1, WORD, (uint64_t)levels[i]);
	allow_if(b, "prctl", 0, WORD, PR_SET_NAME);
	allow_if(b, "prlimit64", 2, UINT64_MAX, 0); /* reading only */
	allow(b, "getrlimit");
	/* fstat in glibc; a path would be followed, but no more than its metadata come out. */
	allow_if(b, "newfstatat", 3, WORD, 0x1000 /* AT_EMPTY_PATH */);
	allow_if(b, "ioctl", 1, WORD, FIONREAD);
}

static void
add_link(struct build *b)
{
	static const int ioctls[] = {
	    0x8910 /* SIOCGIFNAME */, 0x8933 /* SIOCGIFINDEX */, 0x8913 /* SIOCGIFFLAGS */};
	static const int levels[] = {SOL_NETLINK, SOL_PACKET, 255 /* RAW */, 58 /* ICMPV6 */};

	allow_all(b, link_calls, COUNT(link_calls));
	allow_if(b, "sched_setscheduler", 0, WORD, 0); /* of itself */
	allow_if(b, "sched_getscheduler", 0, WORD, 0);
	allow_socket(b, AF_NETLINK, SOCK_RAW);
	allow_socket(b, AF_NETLINK, SOCK_DGRAM);
	allow_socket(b, AF_INET, SOCK_RAW);
	allow_socket(b, AF_INET6, SOCK_RAW);
	allow_socket(b, AF_INET, SOCK_DGRAM);
	allow_socket(b, AF_INET6, SOCK_DGRAM);
	allow_socket(b, AF_PACKET, SOCK_RAW);
	allow_socket(b, AF_PACKET, SOCK_DGRAM);
	allow_socket(b, AF_UNIX, SOCK_DGRAM); /* if_indextoname asks by one */
	for (size_t i = 0; i < COUNT(ioctls); i++)
		allow_if(b, "ioctl", 1, WORD, (uint64_t)ioctls[i]);
	for (size_t i = 0; i < COUNT(levels); i++)
		allow_if(b, "setsockopt", 1, WORD, (uint64_t)levels[i]);
	allow(b, "connect");
	allow(b, "bind");
}

static void
add_rules(struct build *b, unsigned uses)
{
	allow_all(b, base_calls, COUNT(base_calls));
	add_memory(b);
	add_self(b);
#ifndef VIPD_SANITIZE
	for (size_t i = 0; i < COUNT(deadly_calls); i++)
		add(b, SCMP_ACT_KILL_PROCESS, deadly_calls[i], 0, NULL);
#endif
	if (uses & SECCOMP_CONNECT) {
		allow_socket(b, AF_INET, SOCK_STREAM);
		allow_socket(b, AF_INET6, SOCK_STREAM);
		allow_socket(b, AF_UNIX, SOCK_STREAM);
		allow_socket(b, AF_INET, SOCK_DGRAM);
		allow_socket(b, AF_INET6, SOCK_DGRAM);
		allow(b, "connect");
		allow(b, "bind");
	}
	if (uses & SECCOMP_ACCEPT)
		allow_all(b, accept_calls, COUNT(accept_calls));
	if (uses & SECCOMP_SPLICE)
		allow_all(b, splice_calls, COUNT(splice_calls));
	if (uses & SECCOMP_LINK)
		add_link(b);
}

bool
seccomp_available(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

#ifdef VIPD_SANITIZE
/* The run-time of the sanitizers reads /proc, makes threads and more: everything goes, said in the
 * audit log. */
static const uint32_t refuse = SCMP_ACT_LOG;
#else
static const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
#endif

/* In the process that makes it: AUDIT_ARCH_* in the place of one instruction, then the program. */
static int
write_program(int fd, unsigned uses)
{
	struct build b = {.ctx = seccomp_init(refuse), .error = 0};
	struct sock_filter head = {.k = seccomp_arch_native()};

	if (b.ctx == NULL)
		return ENOMEM;
	/* Another ABI's calls (i386, x32) are nothing of ours. */
	seccomp_attr_set(b.ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(b.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree */
	add_rules(&b, uses);
	if (b.error != 0)
		return b.error;
	if (write(fd, &head, sizeof(head)) != (ssize_t)sizeof(head))
		return EIO;
	return -seccomp_export_bpf(b.ctx, fd);
}

static int
read_program(int fd, struct seccomp_filter *out)
{
	off_t len = lseek(fd, 0, SEEK_END);
	off_t n = len / (off_t)sizeof(*out->v);

	if (n < 2 || n > BPF_MAXINSNS - SELF_CALLS) {
		errno = EINVAL;
		return -1;
	}
	out->v = malloc((size_t)len);
	if (out->v == NULL || pread(fd, out->v, (size_t)len, 0) != (ssize_t)len)
		return -1;
	out->arch = out->v[0].k;
	out->n = (unsigned short)(n - 1);
	return 0;
}

int
seccomp_build(struct seccomp_filter *out, unsigned uses)
{
	int fd = memfd_create("vipd-filter", MFD_CLOEXEC), status = 0, r = -1;
	pid_t pid;

	*out = (struct seccomp_filter){0};
	if (fd == -1)
		return -1;
	/* 200 KiB of heap and the library's pages go with this process. */
	pid = fork();
	if (pid == 0)
		_exit(write_program(fd, uses));
	if (pid != -1 && waitpid(pid, &status, 0) == pid) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
		r = status == 0 ? read_program(fd, out) : -1;
	}
	close(fd);
	return r;
}

int
seccomp_install(const struct seccomp_filter *f)
{
	/* abort() signals itself, and nobody else: the others of this user are its fellows. Before
	 * the built part, because that is the same for all. */
	const struct sock_filter self[SELF_CALLS] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, f->arch, 0, 5),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG0_LOW),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog prog;
	int r;

	if (f->n == 0)
		return 0;
	prog.len = (unsigned short)(f->n + SELF_CALLS);
	prog.filter = malloc(prog.len * sizeof(*prog.filter));
	if (prog.filter == NULL)
		return -1;
	memcpy(prog.filter, self, sizeof(self));
	memcpy(prog.filter + SELF_CALLS, f->v + 1, f->n * sizeof(*f->v));
	/* For all threads (vrrp has two; a number > 0 is one that cannot follow). No brake against
	 * speculation: only code of others would need it. */
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC, &prog);
	free(prog.filter);
	if (r > 0) {
		errno = EBUSY;
		r = -1;
	}
	return r;
}
