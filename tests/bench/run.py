#!/usr/bin/python3 -B
# SPDX-License-Identifier: ISC
"""What vipd costs beside haproxy and nginx: `make bench`, or

    tests/bench/run.py [--rounds N] [--seconds S] [--only short,req,bulk,...] [PROXY...]

Not a test: nothing fails. The proxy runs with one worker on CPU 0, load and servers on the last
CPU, everything on 127.0.0.1 of a network namespace with reno (bbr, some hosts' default, paces with
timers). The proxies are loaded in turn, A B C A B C, by short loads; a ratio is that of neighbours.
CPU is the run time of all processes and threads of the proxy (/proc/PID/task/*/schedstat).
Printed: median (quartiles; the quiet fifth of the rounds). Differences below 10 % are noise.
"""
import argparse
import glob
import statistics
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/system")
from harness import *  # noqa: E402
import harness  # noqa: E402

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
LAST_CPU = max(os.sched_getaffinity(0))
FIRST_CPU = min(os.sched_getaffinity(0))


@contextlib.contextmanager
def on_cpu(cpu):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def run_ns(pids):
    """Nanoseconds that these processes have run."""
    total = 0
    for p in pids:
        for f in glob.glob(f"/proc/{p}/task/*/schedstat"):
            with contextlib.suppress(OSError), open(f) as x:
                total += int(x.read().split()[0])
    return total


class Proxy:
    def __init__(self, env, kind, backs, workers=1, maxconn=30000):
        self.kind = kind
        self.port = env.port()
        self.addr = f"127.0.0.1:{self.port}"
        self.env = env
        conf = env.conf(backs, **{"global": {"workers": workers, "maxconn": maxconn}},
                        frontends={"fe": {"bind": self.addr}})
        if kind == "nginx":
            self.argv = ["nginx", "-c", env.file(f"nginx-{self.port}.conf",
                                                 self.nginx(backs, workers))]
        elif kind.startswith("vipd"):
            self.argv = [kind.partition("@")[2] or vipd_path(), "-f", env.file(f"vipd-{self.port}.conf", vipd_text(conf))]
        else:
            conf["global"]["control"] = conf["global"]["control"]["path"]
            conf["global"]["maxconn"] = min(maxconn, 9000)
            self.argv = ["haproxy", "-db", "-f",
                         env.file(f"haproxy-{self.port}.conf", haproxy_text(conf))]
        self.p = None

    def nginx(self, backs, workers):
        lines = "".join(f"    server {v.addr};\n" for v in backs)
        mod = f"load_module {NGINX_STREAM};\n" if os.path.exists(NGINX_STREAM) else ""
        return (f"{mod}daemon off;\nworker_processes {workers};\nworker_rlimit_nofile 20000;\n"
                f"error_log stderr crit;\npid {self.env.tmp}/nginx-{self.port}.pid;\n"
                "events { worker_connections 19000; }\nstream {\n  upstream be {\n"
                f"    zone be 64k;\n{lines}  }}\n  server {{\n    listen {self.addr} backlog=1024;\n"
                "    proxy_pass be;\n    tcp_nodelay on;\n  }\n}\n")

    def start(self):
        with on_cpu(FIRST_CPU):
            self.p = Proc(self.env, self.argv, self.kind.partition("@")[0])
        wait_for(lambda: self.p.running() and listening(self.addr), 10, f"{self.kind} to listen")
        self.first_answer()
        return self

    def first_answer(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            r = self.env.vload(self.addr, total=1)
            if r["ok"]:
                return
        raise Failed(f"{self.kind} does not answer:\n{self.p.output()[-2000:]}")

    def pids(self):
        return [self.p.pid] + descendants(self.p.pid)

    def pss(self):
        return sum(pss_kb(p) for p in self.pids())

    def stop(self):
        self.p.stop(signal.SIGKILL)
        kill_tree(self.pids())


# ---- loads: each returns {measure: value} ----------------------------------------------------------

def measured(proxy, load):
    before = run_ns(proxy.pids())
    r = load()
    us = (run_ns(proxy.pids()) - before) / 1e3
    if r["failed"]:
        note(f"{proxy.kind}: {r['failed']} failed: {r['errors']}")
    return r, us


def short(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=64, seconds=seconds,
                                              opts=["-a", "16"]))
    return {"proxy us/conn": us / max(r["ok"], 1), "conn/s": r["conn_rate"]}


def paced(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=500, every_ms=0.5, seconds=seconds,
                                              opts=["-a", "16"]))
    return {"proxy us/conn": us / max(r["ok"], 1), "p50 ms": r["total_ms"]["p50"]}


def req(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, mode="req", conns=64, seconds=seconds,
                                              per_conn=1000000, want="1k"))
    return {"proxy us/req": us / max(r["requests"], 1), "req/s": r["request_rate"],
            "p50 ms": r["request_ms"]["p50"]}


def bulk(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=4, total=4, want="192M",
                                              timeout_ms=60000, opts=["-R"]))
    gb = r["bytes_in"] / 1e9
    return {"proxy s/GB": us / 1e6 / gb, "Gbit/s": gb * 8 / r["seconds"]}


LOADS = {"short": short, "paced": paced, "req": req, "bulk": bulk}


def quiet(values, rates):
    """Median of those measured in the quieter fifth of the rounds (highest rate of all proxies)."""
    n = max(1, len(values) // 5)
    best = sorted(range(len(values)), key=lambda i: -rates[i])[:n]
    return statistics.median(values[i] for i in best)


def compare(env, name, kinds, backs, rounds, seconds):
    proxies = [Proxy(env, k, backs).start() for k in kinds]
    rows = {k: [] for k in kinds}
    with on_cpu(LAST_CPU):
        for _ in range(rounds):
            for p in proxies:
                rows[p.kind].append(LOADS[name](env, p, seconds))
    for p in proxies:
        p.stop()
    base = "haproxy" if "haproxy" in kinds else kinds[0]
    out = {}
    for k in kinds:
        out[k] = {}
        for m in rows[k][0]:
            ratio = [a[m] / b[m] if b[m] else 0 for a, b in zip(rows[k], rows[base])]
            load = [1 / max(sum(rows[x][i][next(iter(rows[x][i]))] for x in kinds), 1e-9)
                    for i in range(rounds)]
            q = statistics.quantiles(ratio, n=4) if rounds > 1 else [ratio[0]] * 3
            value = statistics.median(r[m] for r in rows[k])
            out[k][m] = {"median": value, "ratio": q[1], "quartiles": [q[0], q[2]],
                         "quiet": quiet(ratio, load)}
            print(f"{name:6} {k[-8:]:8} {m:14} {value:12.2f}   {q[1]:5.2f} of {base} "
                  f"({q[0]:.2f}-{q[2]:.2f}; {out[k][m]['quiet']:.2f})", flush=True)
    return out


def syscalls(env, kinds, backs):
    """System calls per short connection, per request and per MB, counted by strace."""
    out = {}
    for k in kinds:
        p = Proxy(env, k, backs).start()
        out[k] = {}
        for name, kw, unit in (("per connection", {"conns": 64, "total": 3000}, "ok"),
                               ("per request", {"mode": "req", "conns": 64, "total": 64,
                                                "per_conn": 100}, "requests"),
                               ("per MB", {"conns": 4, "total": 4, "want": "64M",
                                           "opts": ["-R"]}, "bytes_in")):
            pids = descendants(p.p.pid) or [p.p.pid]
            log = env.path(f"strace-{k}")
            t = env.start(["strace", "-f", "-c", "-S", "calls", "-o", log,
                           *[a for x in pids for a in ("-p", x)]], "strace")
            t.wait_line("attached")
            r = env.vload(p.addr, **kw)
            t.stop(signal.SIGINT)
            text = open(log).read()
            calls = {m[2]: int(m[1]) for m in re.finditer(
                r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ )? *([a-z]\w*)$", text, re.M)
                if m[2] != "total"}
            n = r[unit] / (1e6 if unit == "bytes_in" else 1)
            out[k][name] = sum(calls.values()) / n
            top = ", ".join(f"{c} {v / n:.2f}" for c, v in
                            sorted(calls.items(), key=lambda x: -x[1]) if v / n >= 0.05)
            print(f"calls  {k[-8:]:8} {name:14} {out[k][name]:12.2f}   ({top})", flush=True)
        p.stop()
    return out


def memory(env, kinds, backs):
    out = {}
    for k in kinds:
        p = Proxy(env, k, backs, workers=2).start()
        time.sleep(0.3)
        start = p.pss()
        n = 8000
        h = env.vload_start(p.addr, mode="idle", conns=n, timeout_ms=30000, opts=["-a", "16"])
        h.wait_line("^holding", 30)
        each = (p.pss() - start) * 1024 / n
        h.stop()
        p.stop()
        out[k] = {"start_kb": start, "idle_bytes": each}
        print(f"memory {k[-8:]:8} PSS at start {start} kB (two workers), {each:.0f} B per idle session "
              f"of {n}", flush=True)
    return out


def startup(env, kinds, backs):
    out = {}
    name = env.vback("name", name="x")
    for k in kinds:
        took = []
        for _ in range(9):
            p = Proxy(env, k, [name], workers=2, maxconn=2000)
            t = time.monotonic()
            p.p = Proc(env, p.argv, k)
            while time.monotonic() - t < 5:
                with contextlib.suppress(OSError), connect(p.addr, 1) as s:
                    if s.recv(10):
                        break
                time.sleep(0.0002)
            took.append((time.monotonic() - t) * 1e3)
            p.stop()
        out[k] = statistics.median(took)
        print(f"start  {k[-8:]:8} exec to first answer {out[k]:.1f} ms (median of 9, "
              f"{min(took):.1f}-{max(took):.1f})", flush=True)
    return out


def fairness(env, kinds, backs):
    out = {}
    for k in kinds:
        p = Proxy(env, k, backs, workers=2).start()
        before = [v.stats()["accepted"] for v in backs]
        r = env.vload(p.addr, conns=64, total=30000, opts=["-a", "16"])
        got = [v.stats()["accepted"] - b for v, b in zip(backs, before)]
        out[k] = max(abs(g - 30000 / len(backs)) for g in got)
        print(f"even   {k[-8:]:8} 30000 over {len(backs)}: {got}, largest deviation {out[k]:.0f}, "
              f"failed {r['failed']}", flush=True)
        p.stop()
    return out


EXTRA = {"calls": syscalls, "memory": memory, "start": startup, "even": fairness}


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--rounds", type=int, default=8)
    a.add_argument("--seconds", type=float, default=0.5, help="of one load")
    a.add_argument("--only", default=",".join([*LOADS, *EXTRA]))
    a.add_argument("proxies", nargs="*", default=[],
                   help="haproxy, nginx, vipd; vipd@PATH: another build of it in the same rounds")
    o = a.parse_args()
    if os.geteuid() != 0:
        sys.exit("run.py: needs root (a network namespace of its own)")
    os.environ["PATH"] = SBIN
    harness._libc.prctl(harness.PR_SET_CHILD_SUBREAPER, 1)
    harness._call(harness._libc.unshare(CLONE_NEWNET), "unshare")
    harness._loopback_up()
    os.environ["HARNESS_TMP"] = tempfile.mkdtemp(prefix="vipd-bench-")
    os.chmod(os.environ["HARNESS_TMP"], 0o755)
    with contextlib.suppress(OSError), open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as f:
        f.write("reno")
    kinds = o.proxies or [k for k in ("vipd", "haproxy", "nginx") if harness._missing(k) is None and
                          (k != "nginx" or os.path.exists(NGINX_STREAM))]
    print(f"{', '.join(kinds)} on {os.cpu_count()} CPUs, kernel {os.uname().release}, load "
          f"{os.getloadavg()[0]:.1f}", flush=True)
    env = Env("bench", True)
    result = {}
    try:
        with on_cpu(LAST_CPU):
            backs = [env.vback(name=f"s{i}") for i in range(3)]
        for name in o.only.split(","):
            if name in LOADS:
                result[name] = compare(env, name, kinds, backs, o.rounds, o.seconds)
            else:
                result[name] = EXTRA[name](env, kinds, backs)
        with open(os.path.join(BUILD, "bench.json"), "w") as f:
            json.dump(result, f, indent=1)
    finally:
        env.close(False)
        harness._reap_all()
        shutil.rmtree(os.environ["HARNESS_TMP"], ignore_errors=True)


main()
