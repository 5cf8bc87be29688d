# SPDX-License-Identifier: ISC
"""Harness of the system tests. Python's standard library only.

    from harness import *

    @test(needs=["vipd"], limit=30)
    def exact_over_three_servers(env):
        backs = [env.vback(name=f"s{i}") for i in range(3)]
        b = env.balancer("vipd", backends={"be": {"servers": backs}})
        r = env.vload(b.addr, mode="short", total=3000)
        equal(r["failed"], 0)

    run()

Each test runs in a child of its own, in a fresh network namespace with loopback up, under a time
limit. Whatever processes it leaves are ended by their ids, and namespaces are anonymous (held by a
descriptor), so nothing remains, also after kill -9. Without root everything happens inside
`unshare -Urn`; where that is forbidden too, only tests marked plain=True run, the others are
skipped. Output: "ok NAME", "not ok NAME", "skip NAME reason"; the rest begins with "#".

Waiting is always for an event (a port that listens, a line in a log, an answer of the control
socket), by polling every few milliseconds until a deadline. Deadlines are written as a machine needs
them that does nothing else, several times over; PATIENCE stretches them all, since one that others
load may not run a process for seconds. A test that wants to show that something comes soon measures
it and says how soon (at_most), far enough from what is expected.
"""
import contextlib
import csv
import ctypes
import fcntl
import inspect
import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
SANITIZED = os.path.basename(BUILD).startswith("build-san")
PATIENCE = float(os.environ.get("PATIENCE", "4"))
SOON = 5 * PATIENCE  # seconds by which what is on its way has come
_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Failed(Exception):
    pass


class Skip(Exception):
    pass


def fail(text):
    raise Failed(text)


def check(cond, text="condition is false"):
    if not cond:
        raise Failed(text() if callable(text) else str(text))


def equal(got, want, text=""):
    if got != want:
        raise Failed(f"{text + ': ' if text else ''}got {got!r}, want {want!r}")


def at_most(got, limit, text=""):
    if got > limit:
        raise Failed(f"{text + ': ' if text else ''}{got} is above {limit}")


def note(text):
    """A line in the test's log that is no result."""
    for line in str(text).splitlines():
        print("# " + line, flush=True)


def wait_for(fn, limit=5.0, what=None, every=0.01):
    """Waits until fn() is true and returns it; exceptions of fn count as not yet."""
    limit *= PATIENCE
    end = time.monotonic() + limit
    last = None
    while True:
        try:
            v = fn()
            if v:
                return v
            last = v
        except (OSError, ValueError, KeyError, IndexError, Failed) as e:
            last = e
        if time.monotonic() >= end:
            name = what or inspect.getsource(fn).strip()
            raise Failed(f"waited {limit} s in vain for: {name} (last: {last!r})")
        time.sleep(every)


# ---- namespaces --------------------------------------------------------------------------------

def _call(result, what):
    if result != 0:
        e = ctypes.get_errno()
        raise OSError(e, f"{what}: {os.strerror(e)}")


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS UP RUNNING


class Namespace:
    """A network namespace without a name. `with ns:` moves the calling thread (and what it starts)
    into it."""

    def __init__(self, fd, label):
        self.fd, self.label, self._back = fd, label, []
        self.dev = self.addr = None

    @classmethod
    def current(cls, label="main"):
        return cls(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), label)

    @classmethod
    def new(cls, label):
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _call(_libc.unshare(CLONE_NEWNET), "unshare")
        _loopback_up()
        ns = cls.current(label)
        _call(_libc.setns(back, CLONE_NEWNET), "setns")
        os.close(back)
        return ns

    def __enter__(self):
        self._back.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        _call(_libc.setns(self.fd, CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *exc):
        back = self._back.pop()
        _call(_libc.setns(back, CLONE_NEWNET), "setns")
        os.close(back)

    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def run(self, *argv, ok=True):
        """Runs a command inside, returns its output."""
        with self:
            p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        if ok and p.returncode != 0:
            raise Failed(f"{self.label}: {' '.join(map(str, argv))}: {p.stdout}")
        return p.stdout

    def sysctl(self, name, value):
        with self, open("/proc/sys/" + name.replace(".", "/"), "w") as f:
            f.write(str(value))

    def addresses(self, dev=None):
        """The IP addresses of a device (or all) without prefix. Asked of the kernel: tests ask many
        times a second."""
        with self:
            index = socket.if_nametoindex(dev) if dev else 0
            return [a for i, a in _addresses() if not index or i == index]


def _addresses():
    """(index of the device, address) of all IPv4 and IPv6 addresses here, by rtnetlink."""
    out, torn = [], False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as s:
        s.send(struct.pack("=IHHIIBBBBI", 24, 22, 0x301, 1, 0, socket.AF_UNSPEC, 0, 0, 0, 0))
        while True:
            data = s.recv(65536)
            while data:
                size, kind, flags = struct.unpack_from("=IHH", data)
                torn = torn or flags & 0x10  # NLM_F_DUMP_INTR: something changed meanwhile
                if kind == 3:
                    return _addresses() if torn else out
                if kind == 2:
                    fail("rtnetlink does not answer")
                family, index = struct.unpack_from("=B3xI", data, 16)
                found, at = {}, 24
                while at + 4 <= size:
                    n, name = struct.unpack_from("=HH", data, at)
                    found[name] = data[at + 4:at + n]
                    at += (n + 3) & ~3
                a = found.get(2, found.get(1))  # IFA_LOCAL, else IFA_ADDRESS
                if a and family in (socket.AF_INET, socket.AF_INET6):
                    out.append((index, socket.inet_ntop(family, a)))
                data = data[(size + 3) & ~3:]


def veth(a, b, name_a, name_b, addr_a=None, addr_b=None):
    """A cable between two namespaces."""
    a.run("ip", "link", "add", name_a, "type", "veth", "peer", "name", name_b, "netns", b.path())
    for ns, name, addr in ((a, name_a, addr_a), (b, name_b, addr_b)):
        if addr:
            ns.run("ip", "addr", "add", addr, "dev", name)
        ns.run("ip", "link", "set", name, "up")


# ---- processes ---------------------------------------------------------------------------------

def _children_now(pid):
    found = []
    with contextlib.suppress(ProcessLookupError):
        for t in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/task/{t}/children") as f:
                found += map(int, f.read().split())
    return sorted(found)


def children(pid):
    """Process ids of the children of pid. The kernel's list may miss one while another ends, so it is
    read until it says the same twice; where it keeps none all processes are looked through."""
    found = None
    if os.path.exists("/proc/thread-self/children"):
        while os.path.exists(f"/proc/{pid}/task"):
            was, found = found, _children_now(pid)
            if was == found:
                return found
        return []
    found = []
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open(f"/proc/{d}/stat") as f:
                    if int(f.read().rsplit(")", 1)[1].split()[1]) == pid:
                        found.append(int(d))
            except (OSError, IndexError):
                pass
    return sorted(found)


def descendants(pid):
    found = []
    for c in children(pid):
        found += [c] + descendants(c)
    return found


def title(pid):
    """The command line as ps shows it; "" when the process is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def state(pid):
    """R, S, D, T, Z ... or "" when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return ""


def alive(pid):
    return state(pid) not in ("", "Z", "X")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        s = f.read().rsplit(")", 1)[1].split()
    return (int(s[11]) + int(s[12])) / os.sysconf("SC_CLK_TCK")


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"^Pss: +(\d+)", f.read(), re.M)[1])


def descriptors(pid):
    """How many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def kill_tree(pids):
    """Ends processes and all their descendants, by id."""
    everything = []
    for p in pids:
        everything += [p] + descendants(p)
    for p in everything:
        with contextlib.suppress(OSError):
            os.kill(p, signal.SIGKILL)


def freeze(*pids):
    """Stops processes, and waits until they stand still: SIGSTOP alone is only on its way."""
    for p in pids:
        os.kill(p, signal.SIGSTOP)
    wait_for(lambda: all(state(p) in "TZX" for p in pids), what=f"{pids} to stand still", every=0.001)


@contextlib.contextmanager
def frozen(*pids):
    """with frozen(pid): it stands still, as one that hangs. Whoever it hangs for may have killed it."""
    freeze(*pids)
    try:
        yield
    finally:
        for p in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGCONT)


def kill_together(*pids):
    """kill -9, none of them a moment before the others."""
    freeze(*pids)
    for p in pids:
        os.kill(p, signal.SIGKILL)


class Proc:
    """A started program; its output (both streams) goes to a file."""

    def __init__(self, env, argv, name, ns=None, stdin=None, extra_env=None):
        self.env, self.name, self.argv = env, name, [str(a) for a in argv]
        self.log = os.path.join(env.tmp, f"{len(env.procs):02d}-{name}.log")
        with contextlib.ExitStack() as stack:
            if ns is not None:
                stack.enter_context(ns)
            out = stack.enter_context(open(self.log, "wb"))
            self.p = subprocess.Popen(self.argv, stdin=stdin or subprocess.DEVNULL, stdout=out,
                                      stderr=subprocess.STDOUT, cwd=env.tmp,
                                      env={**os.environ, **(extra_env or {})})
        self.pid = self.p.pid
        env.procs.append(self)

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def running(self):
        return self.p.poll() is None

    def wait_line(self, pattern, limit=5.0):
        """Waits for a line of output that matches; returns the match."""
        def look():
            m = re.search(pattern, self.output(), re.M)
            if m is None and not self.running():
                m = re.search(pattern, self.output(), re.M)
                if m is None:
                    raise SystemError(f"{self.name} ended with {self.p.returncode} before it said "
                                      f"{pattern!r}:\n{self.output()[-2000:]}")
            return m
        try:
            return wait_for(look, limit, f"{self.name} to say {pattern!r}")
        except SystemError as e:
            raise Failed(str(e)) from None

    def send(self, sig):
        self.p.send_signal(sig)

    def wait(self, limit=10.0):
        """Its exit status (negative: the signal); fails when it does not end."""
        try:
            return self.p.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not end within {limit * PATIENCE} s") from None

    def stop(self, sig=signal.SIGTERM, limit=10.0):
        if self.running():
            self.send(sig)
        return self.wait(limit)


class Vback(Proc):
    """The test server. addr is "host:port"."""

    def __init__(self, env, mode="msg", name="s", addr="127.0.0.1", port=0, ns=None, opts=()):
        self.control_path = os.path.join(env.tmp, f"vback{len(env.procs)}.sock")
        host = f"[{addr}]" if ":" in addr else addr
        super().__init__(env, [tool("vback"), "-m", mode, "-n", name, "-l", f"{host}:{port}",
                               "-C", self.control_path, *opts], f"vback-{name}", ns)
        self.port = int(self.wait_line(r"^ready (\d+)")[1])
        self.addr = f"{host}:{self.port}"

    def control(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(SOON)
            s.connect(self.control_path)
            s.sendall(command.encode() + b"\n")
            return read_all(s).decode()

    def stats(self):
        return json.loads(self.control("stats"))

    def finish(self):
        """Ends it; its counts."""
        self.stop()
        return json.loads(self.output().splitlines()[-1])


class Vload(Proc):
    def result(self, limit=60.0):
        """Waits for its end; what it counted."""
        status = self.wait(limit)
        if status != 0:
            raise Failed(f"vload ended with {status}: {self.output()[-1000:]}")
        return json.loads(self.output().splitlines()[-1])

    def finish(self, limit=20.0):
        """Lets it start nothing more, waits for the sessions that run; what it counted."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGTERM)
        return self.result(limit)


def tool(name):
    path = os.path.join(BUILD, "tests", "system", name)
    if not os.access(path, os.X_OK):
        raise Failed(f"{path} is missing: make tools")
    return path


def clean(result, text="load"):
    """Fails unless every session of a vload run was right."""
    if result["failed"] or result["lost"]:
        raise Failed(f"{text}: {result['failed']} failed, {result['lost']} not started: "
                     f"{result['errors']} {result['failures'][:3]}")


def clean_data(result, text="load"):
    """Fails if data crossed sessions or were changed; sessions that broke are allowed."""
    bad = {k: result[k] for k in ("corrupt", "crossed", "order") if result[k]}
    if bad:
        raise Failed(f"{text}: {bad}: {result['failures'][:5]}")


# ---- sockets -----------------------------------------------------------------------------------

def split_addr(addr):
    host, port = addr.rsplit(":", 1)
    return host.strip("[]"), int(port)


def connect(addr, limit=SOON, source=None, rcvbuf=None):
    """A TCP (or, for a path, UNIX) connection."""
    if addr.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(limit)
        s.connect(addr)
        return s
    host, port = split_addr(addr)
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.settimeout(limit)
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    if source:
        s.bind((source, 0))
    s.connect((host, port))
    return s


def read_all(s, most=1 << 28):
    """Everything to the end of input."""
    got = bytearray()
    while len(got) < most:
        b = s.recv(262144)
        if not b:
            break
        got += b
    return bytes(got)


def read_exact(s, n):
    got = bytearray()
    while len(got) < n:
        b = s.recv(n - len(got))
        if not b:
            raise Failed(f"end of input after {len(got)} of {n} bytes")
        got += b
    return bytes(got)


def reset(s):
    """Closes with RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def ending(s, limit=SOON):
    """How the peer ends a connection on which nothing more is due: "fin", "rst", "data", "open"."""
    s.settimeout(limit)
    try:
        b = s.recv(65536)
        return "data" if b else "fin"
    except ConnectionResetError:
        return "rst"
    except TimeoutError:
        return "open"


def _listening_ports(family):
    """Local ports in state LISTEN, by sock_diag: /proc/net/tcp walks all connections of the machine,
    which takes a second on a busy one."""
    out = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 4) as s:
        req = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, 1 << 10)
        s.send(struct.pack("=IHHII", 16 + len(req), 20, 0x301, 1, 0) + req)
        while True:
            data = s.recv(65536)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == 3:
                    return out
                if kind == 2:
                    fail("sock_diag does not answer")
                out.add(struct.unpack_from(">H", data, 20)[0])
                data = data[(size + 3) & ~3:]


def listening(addr, ns=None):
    """Is there a listener? Asks the kernel, so that no connection is made."""
    port = split_addr(addr)[1]
    with ns or contextlib.nullcontext():
        return any(port in _listening_ports(f) for f in (socket.AF_INET, socket.AF_INET6))


def tcp_sockets(port, st=None):
    """How many IPv4 sockets have this local port (in the state, hex, "01" established)."""
    n = 0
    with open("/proc/thread-self/net/tcp") as f:
        for line in f.readlines()[1:]:
            c = line.split()
            if int(c[1].rsplit(":", 1)[1], 16) == port and (st is None or c[3] == st):
                n += 1
    return n


def cli(path, command, limit=5.0):
    """One command line to a control socket in HAProxy's language; the answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(limit * PATIENCE)
        s.connect(path)
        s.sendall(command.encode() + b"\n")
        return read_all(s).decode(errors="replace")


def http(addr, request, limit=SOON):
    """Sends bytes, reads to the end; (status, head, body). status 0: no HTTP answer."""
    if isinstance(request, str):
        request = request.encode()
    with connect(addr, limit) as s:
        s.sendall(request)
        return http_parse(read_all(s))


def http_parse(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    m = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    return (int(m[1]) if m else 0), head.decode(errors="replace"), body


class Syslog:
    """A UDP (or UNIX datagram) syslog receiver."""

    def __init__(self, path=None):
        if path:
            self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.s.bind(path)
            os.chmod(path, 0o666)
            self.addr = path
        else:
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.s.bind(("127.0.0.1", 0))
            self.addr = "127.0.0.1:%d" % self.s.getsockname()[1]
        self.s.settimeout(0.2)
        self.lines = []
        self.done = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.done:
            with contextlib.suppress(TimeoutError, OSError):
                self.lines.append(self.s.recv(65536).decode(errors="replace"))

    def matching(self, pattern):
        return [x for x in list(self.lines) if re.search(pattern, x)]

    def wait(self, pattern, n=1, limit=5.0):
        wait_for(lambda: len(self.matching(pattern)) >= n, limit,
                 f"{n} log lines like {pattern!r}")
        return self.matching(pattern)


# ---- balancers ---------------------------------------------------------------------------------

def libconfig(value, indent=0):
    """A Python value in libconfig's language."""
    pad = "  " * indent
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r") \
            .replace("\n", "\\n") + '"'
    if isinstance(value, dict):
        body = "".join(f"{pad}  {k} = {libconfig(v, indent + 1)};\n" for k, v in value.items())
        return "{\n" + body + pad + "}"
    if all(isinstance(v, (str, int)) for v in value):
        return "[ " + ", ".join(libconfig(v) for v in value) + " ]"
    return "( " + ", ".join(libconfig(v, indent + 1) for v in value) + " )"


def merge(base, over):
    """Groups merged, everything else replaced; None removes."""
    out = dict(base)
    for k, v in (over or {}).items():
        if v is None:
            out.pop(k, None)
        elif isinstance(v, dict) and isinstance(out.get(k), dict):
            out[k] = merge(out[k], v)
        else:
            out[k] = v
    return out


def vipd_text(conf):
    return "".join(f"{k} = {libconfig(v)};\n" for k, v in conf.items())


def haproxy_text(conf):
    """The same for HAProxy, as far as tests that run with both need it."""
    g = conf["global"]
    out = ["global", f"  nbthread {g.get('workers', 2)}", f"  stats socket {g['control']} level admin"]
    if g.get("maxconn"):
        out.append(f"  maxconn {g['maxconn']}")
    logs = [x for x in (g["log"] if isinstance(g.get("log"), list) else [g.get("log")])
            if isinstance(x, dict) and x["address"] != "stderr"]
    for x in logs:
        out.append(f"  log {x['address']} format {x.get('format', 'local')} "
                   f"{x.get('facility', 'daemon')} {x.get('level', 'info')}")

    def body(d):
        for k, v in d.items():
            if k == "timeout":
                for name, t in v.items():
                    out.append(f"  timeout {name.replace('_', '-')} {t}")
            elif k == "bind":
                for a in [v] if isinstance(v, str) else v:
                    out.append(f"  bind {a}")
            elif k == "servers":
                for name, a in v.items():
                    s = a if isinstance(a, dict) else {"address": a}
                    out.append(f"  server {name} {s['address']}" +
                               "".join(f" {n} {s[n]}" for n in ("weight", "maxconn") if n in s))
            elif k == "redispatch":
                out.append("  option redispatch 1" if v else "  no option redispatch")
            elif k == "monitor_uri":
                out.append(f"  monitor-uri {v}")
            elif k == "log_format":
                out.append(f"  log-format '{v}'")
            elif k in ("check", "tcplog"):
                pass
            else:
                out.append(f"  {k} {v}")

    out.append("defaults")
    body(merge({"mode": "tcp"}, conf.get("defaults")))
    if logs:
        out.append("  log global")
    for kind in ("frontend", "backend"):
        for name, d in conf.get(kind + "s", {}).items():
            out.append(f"{kind} {name}")
            body(d)
    return "\n".join(out) + "\n"


class Balancer(Proc):
    """vipd or haproxy on a configuration in vipd's terms (a dict, see Env.balancer)."""

    def __init__(self, env, kind, conf, ns=None, argv=(), wait=True, name=None, nofile=None,
                 extra_env=None):
        self.kind, self.conf = kind, conf
        self.control = conf["global"]["control"]
        if isinstance(self.control, dict):
            self.control = self.control["path"]
        self.file = env.file(f"{name or kind}-{len(env.procs)}.conf",
                             vipd_text(conf) if kind == "vipd" else haproxy_text(conf))
        binds = []
        for f in conf.get("frontends", {}).values():
            b = f["bind"]
            for x in [b] if isinstance(b, (str, dict)) else b:
                x = x["address"] if isinstance(x, dict) else x
                if x[0] != "/" and not x.startswith("fd@"):  # of a range the first port
                    binds.append(re.sub(r"(:\d+)-\d+$", r"\1", x))
        self.binds, self.ns = binds, ns
        self.addr = binds[0] if binds else None
        program = vipd_path() if kind == "vipd" else shutil.which("haproxy", path=SBIN)
        args = [program, *argv, "-f", self.file] if kind == "vipd" else [
            program, "-db", *argv, "-f", self.file]
        if nofile:
            args = ["prlimit", f"--nofile={nofile}:{nofile}", *args]
        super().__init__(env, args, name or kind, ns, extra_env=extra_env)
        if wait:
            self.ready()

    def ready(self, limit=10.0):
        def up():
            if not self.running():
                raise SystemError(f"{self.name} ended with {self.p.returncode}:\n"
                                  f"{self.output()[-3000:]}")
            return (all(listening(b, self.ns) for b in self.binds) and
                    "Name" in self.cli("show info") and
                    (not tells or "ready: generation" in self.output()))
        # The first worker answers before the start is over: what comes then belongs to the start still.
        tells = self.kind == "vipd" and self.log_at_stderr()
        try:
            wait_for(up, limit, f"{self.name} to listen and answer")
        except SystemError as e:
            raise Failed(str(e)) from None

    def log_at_stderr(self):
        """Notices and what is above them can be read in output()."""
        log = self.conf["global"].get("log")
        return any(x.get("address") == "stderr" and x.get("level") in ("notice", "info", "debug")
                   for x in (log if isinstance(log, list) else [log]) if isinstance(x, dict))

    def cli(self, command, limit=5.0):
        return cli(self.control, command, limit)

    def info(self):
        return dict(x.split(": ", 1) for x in self.cli("show info").splitlines() if ": " in x)

    def stat(self):
        """{(proxy, "FRONTEND" | "BACKEND" | server): {column: value}}"""
        rows = csv.DictReader(io.StringIO(self.cli("show stat").lstrip("# ")))
        return {(r["pxname"], r["svname"]): r for r in rows if r.get("svname")}

    def rewrite(self, conf):
        """Another configuration (a dict, or text) in place of the file, at once."""
        tmp = self.file + ".new"
        with open(tmp, "w") as f:
            f.write(conf if isinstance(conf, str) else vipd_text(conf))
        os.rename(tmp, self.file)

    def outcomes(self):
        """What vipd said about the reloads so far: "" for one in force, else why it was refused."""
        return [m[1] or "" for m in re.finditer(
            r"^.*?(?:reloaded: |reload refused, the configuration in force stays: (.*))",
            self.output(), re.M)]

    def reload(self, conf=None, limit=5.0, refused=False):
        """SIGHUP, with another configuration first; waits until it is in force, or refused (returns
        the reason). Returns the milliseconds that it took."""
        before = len(self.outcomes())
        if conf is not None:
            self.rewrite(conf)
        t = time.monotonic()
        self.send(signal.SIGHUP)
        wait_for(lambda: len(self.outcomes()) > before, limit, "the reload to end", every=0.001)
        took = (time.monotonic() - t) * 1000
        reason = self.outcomes()[before]
        if refused:
            check(reason, "the reload was not refused")
            return reason
        check(not reason, f"the reload was refused: {reason}")
        if isinstance(conf, dict):
            self.conf = conf
        return took

    def number(self, proxy, name, column):
        return int(self.stat()[(proxy, name)][column] or 0)

    def workers(self):
        return [p for p in children(self.pid) if "worker" in title(p) and alive(p)]

    def replaced(self, *gone, n=2):
        """There are n workers, these not among them; by one look, since between two of them the one
        that was killed ends, and its successor is not there yet."""
        now = self.workers()
        return len(now) == n and not set(gone) & set(now)

    def child(self, word):
        """The process id of the child whose title has the word."""
        found = [p for p in children(self.pid) if word in title(p) and alive(p)]
        return found[0] if found else None

    def idle(self, limit=5.0):
        """Waits until every count of current sessions is zero (control sessions left out)."""
        def zero():
            busy = {k: r["scur"] for k, r in self.stat().items()
                    if r["scur"] not in ("", "0") and k[0] != "GLOBAL"}
            if busy:
                raise Failed(f"sessions left: {busy}")
            return True
        wait_for(zero, limit, "all counts of current sessions to be 0")


SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def vipd_path():
    return os.path.join(BUILD, "vipd")


# ---- a test's surroundings ---------------------------------------------------------------------

class Env:
    def __init__(self, name, has_ns):
        self.name, self.has_ns = name, has_ns
        self.tmp = tempfile.mkdtemp(prefix="t-", dir=os.environ["HARNESS_TMP"])
        os.chmod(self.tmp, 0o755)
        self.procs = []
        self.namespaces = []
        self._port = 5000
        # The user that children of vipd shall run as: only real root can change to it.
        self.user = "nobody" if _real_root() else "root"

    def file(self, name, text, mode=0o644):
        path = os.path.join(self.tmp, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def path(self, name):
        return os.path.join(self.tmp, name)

    def port(self):
        """A port that is free (in the test's own namespace: for certain)."""
        if self.has_ns:
            self._port += 1
            return self._port
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def namespace(self, label):
        ns = Namespace.new(label)
        self.namespaces.append(ns)
        return ns

    def lan(self, hosts, net="10.99.0", dev="eth0"):
        """Hosts (names) on one switch: {name: Namespace} with .addr net.1, net.2 ... and .dev, and
        "switch", whose ports are called p0, p1 ..."""
        switch = self.namespace("switch")
        switch.run("ip", "link", "add", "br0", "type", "bridge")
        switch.run("ip", "link", "set", "br0", "up")
        out = {"switch": switch}
        for i, h in enumerate(hosts):
            ns = self.namespace(h)
            ns.addr, ns.dev = f"{net}.{i + 1}", dev
            veth(ns, switch, dev, f"p{i}", f"{ns.addr}/24")
            switch.run("ip", "link", "set", f"p{i}", "master", "br0")
            out[h] = ns
        return out

    def start(self, argv, name=None, ns=None, **kw):
        return Proc(self, argv, name or os.path.basename(str(argv[0])), ns, **kw)

    def run(self, argv, limit=30, **kw):
        """Runs to the end: (status, output)."""
        p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, text=True, timeout=limit * PATIENCE,
                           cwd=self.tmp, **kw)
        return p.returncode, p.stdout

    def vback(self, mode="msg", name=None, **kw):
        return Vback(self, mode, name or f"s{sum(isinstance(p, Vback) for p in self.procs) + 1}",
                     **kw)

    def vload_start(self, *targets, mode="short", conns=1, total=0, seconds=0, every_ms=0,
                    per_conn=1, size="100", want="100", timeout_ms=20000, ns=None, opts=()):
        argv = [tool("vload"), "-m", mode, "-c", conns, "-k", per_conn, "-s", size, "-S", want,
                "-T", timeout_ms, *opts]
        if total:
            argv += ["-n", total]
        if seconds:
            argv += ["-t", seconds]
        if every_ms:
            argv += ["-i", every_ms]
        return Vload(self, argv + list(targets), "vload", ns)

    def vload(self, *targets, limit=60.0, **kw):
        return self.vload_start(*targets, **kw).result(limit)

    def conf(self, servers=None, **over):
        """A configuration in vipd's terms: one frontend "fe" on a free port, one backend "be" over
        servers (Vback, "host:port" or groups; a list or by name), short timeouts, no lines about
        sessions, control socket in the test's folder. over: groups that are merged into it (None
        removes)."""
        if not isinstance(servers, dict):
            servers = {getattr(s, "name", "").replace("vback-", "") or f"s{i + 1}": s
                       for i, s in enumerate(servers or [])}
        servers = {n: s.addr if isinstance(s, Vback) else s for n, s in servers.items()}
        g = {"workers": 2, "control": {"path": self.path(f"control{len(self.procs)}.sock"),
                                       "level": "admin"},
             "stats_file": self.path("stats"), "state_dir": self.tmp,
             "log": {"address": "stderr", "level": "notice"}}
        if self.user:
            g["user"] = self.user
        base = {
            "global": g,
            "defaults": {"timeout": {"connect": "2s", "client": "20s", "server": "20s"},
                         "tcplog": False},
            "frontends": {"fe": {"bind": f"127.0.0.1:{self.port()}", "default_backend": "be"}},
            "backends": {"be": {"balance": "roundrobin", "check": False, "servers": servers}},
        }
        return merge(base, over)

    def balancer(self, kind="vipd", servers=None, ns=None, argv=(), wait=True, name=None, conf=None,
                 nofile=None, extra_env=None, **over):
        """Starts vipd or haproxy; see conf(). nofile: its hard limit of descriptors."""
        conf = conf or self.conf(servers, **over)
        if kind == "haproxy":
            c = conf["global"]["control"]
            conf = merge(conf, {"global": {"control": None}})
            conf["global"]["control"] = c if isinstance(c, str) else c["path"]
        return Balancer(self, kind, conf, ns, argv, wait, name, nofile, extra_env)

    def close(self, failed):
        if failed:
            for p in self.procs:
                text = p.output()
                if text:
                    note(f"--- {p.name} (pid {p.pid}), end of output:")
                    note(text[-3000:])
                if isinstance(p, Balancer):
                    with contextlib.suppress(OSError):
                        note(f"--- {p.file}:\n" + open(p.file).read()[:1500])
        kill_tree([p.pid for p in self.procs if p.p.poll() is None])
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.tmp, ignore_errors=True)


def _real_root():
    """Not merely root of a user namespace with one user."""
    try:
        with open("/proc/self/uid_map") as f:
            return int(f.read().split()[2]) > 65534
    except (OSError, IndexError):
        return True


# ---- the registry ------------------------------------------------------------------------------

class _Test:
    def __init__(self, fn, name, needs, limit, plain, kind):
        self.fn, self.name, self.needs = fn, name, needs
        self.limit = int(limit * PATIENCE * (3 if SANITIZED else 1))
        self.plain, self.kind = plain, kind


_tests = []


def test(needs=(), limit=30, plain=False, kinds=None):
    """Registers fn(env), or, with kinds (["vipd", "haproxy"]), fn(env, kind) once for each; beside
    vipd others only with PEERS=1: they prove the test, not vipd.
    needs: programs; "vipd" is ours, "root" real root. limit: seconds, before PATIENCE. plain: may
    run on the host's own loopback."""
    def register(fn):
        for k in kinds or [None]:
            peer = kinds and "vipd" in kinds and k != "vipd"
            if peer and not os.environ.get("PEERS"):
                continue
            name = fn.__name__ + (f"_{k}" if peer else "")
            n = list(needs) + ([k] if k else [])
            _tests.append(_Test(fn, name, n, limit, plain, k))
        return fn
    return register


def _missing(need):
    if need == "vipd":
        return None if os.access(vipd_path(), os.X_OK) else "build/vipd is not there"
    if need == "root":
        return None if os.geteuid() == 0 and _real_root() else "needs root"
    return None if shutil.which(need, path=SBIN) else f"{need} is not installed"


def _child(t, has_ns):
    """Runs one test and leaves; status 0 passed, 1 failed, 2 skipped (reason printed)."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def alarm(*_):
        raise Failed(f"took longer than {t.limit} s")
    signal.signal(signal.SIGALRM, alarm)
    env = None
    status = 1
    try:
        if has_ns:
            _call(_libc.unshare(CLONE_NEWNET), "unshare")
            _loopback_up()
        env = Env(t.name, has_ns)
        signal.alarm(t.limit)
        t.fn(env, t.kind) if t.kind else t.fn(env)
        status = 0
    except Skip as e:
        note(f"skip: {e}")
        with open(os.path.join(os.environ["HARNESS_TMP"], "skip"), "w") as f:
            f.write(str(e))
        status = 2
    except Failed as e:
        at = [x for x in traceback.extract_tb(e.__traceback__)
              if not x.filename.endswith("harness.py")]
        where = f"{os.path.basename(at[-1].filename)}:{at[-1].lineno}: " if at else ""
        note(f"FAILED {where}{e}")
    except BaseException:
        note(traceback.format_exc())
    signal.alarm(0)
    try:
        if env:
            env.close(status == 1)
    except BaseException:
        note(traceback.format_exc())
        status = 1
    sys.stdout.flush()
    os._exit(status)


def _reap_all():
    """Ends and reaps every process that a test left behind."""
    for _ in range(200):
        left = children(os.getpid())
        kill_tree(left)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] > 0:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def _run_one(t, has_ns):
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(t, has_ns)
    end = started + t.limit + float(os.environ.get("HARNESS_GRACE", "10"))
    status = None
    while time.monotonic() < end:
        p, s = os.waitpid(pid, os.WNOHANG)
        if p == pid:
            status = os.waitstatus_to_exitcode(s)
            break
        time.sleep(0.005)
    if status is None:
        note(f"{t.name}: still there after its limit of {t.limit} s, killed")
    _reap_all()
    return status, time.monotonic() - started


def _may_unshare():
    try:
        return subprocess.run(["unshare", "-Urn", "true"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def run():
    """Runs the tests (those named on the command line, or all) and ends the program."""
    os.environ["PATH"] = SBIN
    only = sys.argv[1:]
    root = os.geteuid() == 0
    if not root and not os.environ.get("HARNESS_NS") and _may_unshare():
        os.environ["HARNESS_NS"] = "user"
        os.execvp("unshare", ["unshare", "-Urn", sys.executable] + sys.argv)
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)

    def ended(*_):
        _reap_all()
        shutil.rmtree(os.environ["HARNESS_TMP"], ignore_errors=True)
        os._exit(3)
    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGINT, ended)
    failed = 0
    os.environ["HARNESS_TMP"] = tempfile.mkdtemp(prefix="vipd-test-")
    os.chmod(os.environ["HARNESS_TMP"], 0o755)
    skip_file = os.path.join(os.environ["HARNESS_TMP"], "skip")
    try:
        for t in _tests:
            if only and t.name not in only:
                continue
            reason = next(filter(None, map(_missing, t.needs)), None)
            if not reason and not root and not t.plain:
                reason = "needs root or unshare -Urn"
            if reason:
                print(f"skip {t.name} {reason}", flush=True)
                continue
            status, took = _run_one(t, root)
            if status == 0:
                print(f"ok {t.name}", flush=True)
                note(f"{t.name}: {took:.1f} s")
            elif status == 2:
                with open(skip_file) as f:
                    print(f"skip {t.name} {f.read()}", flush=True)
            else:
                failed += 1
                print(f"not ok {t.name}", flush=True)
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(os.environ["HARNESS_TMP"], ignore_errors=True)
    sys.exit(1 if failed else 0)


def run_together(slots=4):
    """These tests wait most of the time: runs so many side by side, each in a program of its own,
    those with the longest limit first, and shows a test's output when it has ended."""
    if sys.argv[1:] or SANITIZED:
        run()
    todo = [t.name for t in sorted(_tests, key=lambda t: -t.limit)]
    running, failed, lock = set(), [], threading.Lock()

    def ended(*_):
        todo.clear()
        for p in list(running):
            p.terminate()
        os._exit(3)
    signal.signal(signal.SIGTERM, ended)

    def work():
        while True:
            with lock:
                if not todo:
                    return
                p = subprocess.Popen([sys.executable, "-B", sys.argv[0], todo.pop(0)],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                running.add(p)
            text = p.communicate()[0]
            with lock:
                running.discard(p)
                sys.stdout.write(text)
                sys.stdout.flush()
                failed.extend([p] * (p.returncode != 0))
    threads = [threading.Thread(target=work) for _ in range(slots)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    sys.exit(1 if failed else 0)
