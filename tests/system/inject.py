# SPDX-License-Identifier: ISC
"""A system call made in another process (by ptrace), as one that was taken over would make it: what
its filter, its user, its capabilities and its mappings answer. x86-64."""
import contextlib
import ctypes
import os
import platform
import time

from harness import *

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, DETACH, GETREGS, SETREGS, SINGLESTEP = 0x4206, 0x4207, 17, 12, 13, 9
__WALL = 0x40000000

NUMBERS = {"mprotect": 10, "mmap": 9, "kill": 62, "execve": 59, "clone": 56, "ptrace": 101,
           "socket": 41, "rename": 82, "mkdir": 83, "creat": 85, "unlink": 87, "symlink": 88,
           "chmod": 90, "chown": 92, "setuid": 105, "mount": 165, "clock_gettime": 228,
           "openat": 257, "memfd_create": 319, "process_vm_readv": 310, "listen": 50, "open": 2,
           "truncate": 76, "getppid": 110, "prctl": 157, "sendto": 44, "connect": 42,
           "bind": 49, "close": 3}


class Regs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


def possible():
    return platform.machine() == "x86_64"


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) == -1:
        raise OSError(ctypes.get_errno(), "ptrace")


def _stopped(pid):
    p, status = os.waitpid(pid, __WALL)
    return os.WIFSTOPPED(status), status


@contextlib.contextmanager
def held(pid):
    """It does nothing meanwhile, as under a debugger: slow, but no hang."""
    _ptrace(SEIZE, pid)
    _ptrace(INTERRUPT, pid)
    ok, status = _stopped(pid)
    check(ok, f"pid {pid} did not stop: {status}")
    try:
        yield
    finally:
        if alive(pid):
            _ptrace(DETACH, pid)


def _stop_in_call(pid):
    """Stops it where it waits in a system call, as it does most of the time; its registers."""
    old = Regs()
    for _ in range(500):
        _ptrace(SEIZE, pid)
        _ptrace(INTERRUPT, pid)
        ok, status = _stopped(pid)
        check(ok, f"pid {pid} did not stop: {status}")
        _ptrace(GETREGS, pid, ctypes.addressof(old))
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            mem.seek(old.rip - 2)
            if mem.read(2) == b"\x0f\x05":
                return old
        _ptrace(DETACH, pid)
        time.sleep(0.01)
    fail(f"pid {pid} is never seen to wait in a system call")


def inject(pid, name, *args):
    """Its result: a number, negative errno included; or -signal - 1000 when it died of it. A bytes
    argument is put into its stack, and the address handed over."""
    old = _stop_in_call(pid)
    new = Regs.from_buffer_copy(old)
    with open(f"/proc/{pid}/mem", "r+b", 0) as mem:
        at = old.rsp - 65536 & ~15
        words = []
        for a in args:
            if isinstance(a, bytes):
                mem.seek(at)
                mem.write(a + b"\0")
                words.append(at)
                at += len(a) + 16 & ~15
            else:
                words.append(a & 0xffffffffffffffff)
    for reg, word in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), words + [0] * 6):
        setattr(new, reg, word)
    new.rip, new.rax, new.orig_rax = old.rip - 2, NUMBERS[name], 0xffffffffffffffff
    _ptrace(SETREGS, pid, ctypes.addressof(new))
    _ptrace(SINGLESTEP, pid)
    ok, status = _stopped(pid)
    if not ok:
        return -1000 - os.WTERMSIG(status)
    _ptrace(GETREGS, pid, ctypes.addressof(new))
    # What it waited in ends as by a signal.
    if -516 <= ctypes.c_longlong(old.rax).value <= -512:
        old.rax = 0xfffffffffffffffc
    old.orig_rax = 0xffffffffffffffff
    _ptrace(SETREGS, pid, ctypes.addressof(old))
    _ptrace(DETACH, pid)
    return ctypes.c_longlong(new.rax).value
