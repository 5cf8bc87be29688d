# SPDX-License-Identifier: ISC
"""What run.py measures beside its loads; each (env, kinds, backs, rounds, seconds) -> a result."""
import statistics

from loads import *  # noqa: F403

WORK = (("per connection", {"conns": 64, "total": 3000, "opts": ["-R"]}, "ok"),
        ("per request", {"mode": "req", "conns": 64, "total": 64, "per_conn": 100, "opts": ["-R"]},
         "requests"),
        ("per MB", {"conns": 4, "total": 4, "want": "64M", "opts": ["-R"]}, "bytes_in"))


def units(r, unit):
    return r[unit] / (1e6 if unit == "bytes_in" else 1)


def traced(env, p, kw):
    """System calls of a proxy's processes during a load: {name: number}, the load's result."""
    pids = descendants(p.p.pid) or [p.p.pid]
    log = env.path("strace")
    t = env.start(["strace", "-f", "-c", "-S", "calls", "-o", log,
                   *[a for x in pids for a in ("-p", x)]], "strace")
    t.wait_line("attached")
    r = env.vload(p.addr, **kw)
    t.stop(signal.SIGINT)
    return {m[2]: int(m[1]) for m in re.finditer(
        r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ )? *([a-z]\w*)$", open(log).read(), re.M)
        if m[2] != "total"}, r


def calls(env, kinds, backs, rounds, seconds):
    """System calls per short connection, per request and per MB, counted by strace."""
    out = {k: {} for k in kinds}
    for k in kinds:
        with running([Proxy(env, k, backs)]) as (p,):
            for name, kw, unit in WORK:
                got, r = traced(env, p, kw)
                n = units(r, unit)
                out[k][name] = sum(got.values()) / n
                top = ", ".join(f"{c} {v / n:.2f}" for c, v in
                                sorted(got.items(), key=lambda x: -x[1]) if v / n >= 0.05)
                print(f"calls   {k[-8:]:8} {name:14} {out[k][name]:8.2f}   ({top})", flush=True)
    return out


def segments_out():
    with open("/proc/self/net/snmp") as f:
        names, values = [x.split()[1:] for x in f if x.startswith("Tcp:")]
    return int(values[names.index("OutSegs")])


def segments(env, kinds, backs, rounds, seconds):
    """TCP segments of both connections, whoever sent them."""
    out = {k: {} for k in kinds}
    for k in kinds:
        with running([Proxy(env, k, backs)]) as (p,), on_cpu(LAST_CPU):
            for name, kw, unit in WORK:
                before = segments_out()
                r = env.vload(p.addr, **kw)
                time.sleep(0.1)  # acknowledgements that were put off
                out[k][name] = (segments_out() - before) / units(r, unit)
                print(f"segs    {k[-8:]:8} {name:14} {out[k][name]:8.2f}", flush=True)
    return out


def memory(env, kinds, backs, rounds, seconds):
    out, n = {}, 8000
    for k in kinds:
        with running([Proxy(env, k, backs, workers=2)]) as (p,):
            time.sleep(0.3)
            start = p.pss()
            h = env.vload_start(p.addr, mode="idle", conns=n, timeout_ms=30000, opts=["-a", "16"])
            h.wait_line("^holding", 30)
            each = (p.pss() - start) * 1024 / n
            h.stop()
        out[k] = {"start_kb": start, "idle_bytes": each}
        print(f"memory  {k[-8:]:8} PSS at start {start} kB (two workers), {each:.0f} B per idle "
              f"session of {n}", flush=True)
    return out


def named(addr, want, limit=5.0):
    """Connects until a server of that name answers; the seconds that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        with contextlib.suppress(OSError), connect(addr, 1) as s:
            if s.recv(10).strip() == want:
                return time.monotonic() - begun
        time.sleep(0.0002)
    raise Failed(f"no answer from {want} through {addr}")


def told(what, k, took):
    print(f"{what:7} {k[-8:]:8} {statistics.median(took):.1f} ms (median of {len(took)}, "
          f"{min(took):.1f}-{max(took):.1f})", flush=True)
    return statistics.median(took)


def startup(env, kinds, backs, rounds, seconds):
    """From exec to the first answer."""
    out, server = {}, env.vback("name", name="x")
    for k in kinds:
        took = []
        for _ in range(9):
            p = Proxy(env, k, [server], workers=2, maxconn=2000)
            begun = time.monotonic()
            p.exec()
            named(p.addr, b"x")
            took.append((time.monotonic() - begun) * 1e3)
            p.stop()
        out[k] = told("start", k, took)
    return out


def reload(env, kinds, backs, rounds, seconds):
    """From the signal to the first answer of the server that the file names now."""
    out, servers = {}, [env.vback("name", name=n) for n in "xy"]
    for k in kinds:
        p, took = Proxy(env, k, servers[:1], workers=2, maxconn=2000, reloads=True), []
        p.exec()
        named(p.addr, b"x")
        for i in range(1, 10):
            time.sleep(0.3)  # haproxy 2.6 overlooks a signal soon after its start
            p.write([servers[i % 2]])
            p.reload()
            took.append(named(p.addr, b"xy"[i % 2:i % 2 + 1]) * 1e3)
        p.stop()
        out[k] = told("reload", k, took)
    return out


def fairness(env, kinds, backs, rounds, seconds):
    out = {}
    for k in kinds:
        with running([Proxy(env, k, backs, workers=2)]) as (p,):
            before = [v.stats()["accepted"] for v in backs]
            r = env.vload(p.addr, conns=64, total=30000, opts=["-a", "16"])
            got = [v.stats()["accepted"] - b for v, b in zip(backs, before)]
        out[k] = max(abs(g - 30000 / len(backs)) for g in got)
        print(f"even    {k[-8:]:8} 30000 over {len(backs)}: {got}, largest deviation {out[k]:.0f}, "
              f"failed {r['failed']}", flush=True)
    return out


def many_servers(env, kinds, backs, rounds, seconds):
    """Short connections with 1, 100 and 1,000 servers against 3, each kind by itself."""
    out = {}
    with on_cpu(LAST_CPU):
        one = env.vback(name="any", addr="0.0.0.0")

    def servers(n):
        return [f"127.2.{i // 250}.{1 + i % 250}:{one.port}" for i in range(n)]

    for k in kinds:
        with running([Proxy(env, k, servers(n), label=f"{k} {n}")
                      for n in (3, 1, 100, 1000)]) as proxies:
            out[k] = in_turn(env, "servers", LOADS["short"], proxies, f"{k} 3", rounds, seconds)
    return out


def workers(env, kinds, backs, rounds, seconds):
    """One and two workers, proxies, load and servers on all CPUs."""
    out, own = {}, [env.vback(name=f"w{i}") for i in range(3)]
    for n in (1, 2):
        with running([Proxy(env, k, own, workers=n, label=f"{k} x{n}") for k in kinds],
                     ALL_CPUS) as proxies:
            out.update(in_turn(env, "workers", LOADS["short"], proxies, f"{base_of(kinds)} x{n}",
                               rounds, seconds, ALL_CPUS))
    return out


def features(env, kinds, backs, rounds, seconds):
    """vipd with limits, queue and rate tables switched on, none of them reached, against vipd."""
    vipd = next((k for k in kinds if k.startswith("vipd")), None)
    if vipd is None:
        return {}
    on = {"global": {"maxconnrate": 1000000},
          "frontends": {"fe": {"rate_limit": {"sessions": 1000000}, "maxconn": 20000,
                               "per_source": {"maxconn": 10000, "rate": 1000000}}},
          "backends": {"be": {"maxqueue": 1000, "servers": {
              f"s{i}": {"address": v.addr, "maxconn": 5000, "maxqueue": 500}
              for i, v in enumerate(backs)}}}}
    with running([Proxy(env, vipd, backs, label="vipd"),
                  Proxy(env, vipd, backs, label="vipd limits", conf=on)]) as proxies:
        return in_turn(env, "limits", LOADS["short"], proxies, "vipd", rounds, seconds)


def log_lines(env, kinds, backs, rounds, seconds):
    """The CPU of a line about a session, made and sent, by format and socket, in microseconds."""
    status, text = env.run([os.path.join(BUILD, "tests", "bench", "loglines")], limit=120)
    check(status == 0, text)
    out = {}
    for line in text.splitlines():
        what, ns = line.split()
        out[what] = int(ns) / 1000
        print(f"log    {what:<28} {out[what]:6.2f} us of CPU", flush=True)
    out["dearest"] = max(out.values())
    vipd = next((k for k in kinds if k.startswith("vipd")), None)
    if vipd is None:
        return {}
    s = Syslog()
    on = {"global": {"log": {"address": s.addr, "level": "info"}},
          "frontends": {"fe": {"tcplog": True}}}
    with running([Proxy(env, vipd, backs, label="vipd"),
                  Proxy(env, vipd, backs, label="vipd log", conf=on)]) as proxies:
        r = in_turn(env, "log", LOADS["short"], proxies, "vipd", rounds, seconds)
    x, base = r["vipd log"]["proxy us/conn"], r["vipd"]["proxy us/conn"]["median"]
    out["session"], out["session_quiet"] = base * (x["ratio"] - 1), base * (x["quiet"] - 1)
    print(f"log    {'in a session, saturated':<28} {out['session']:6.2f} us of CPU "
          f"(quieter fifth {out['session_quiet']:.2f})", flush=True)
    return {vipd: out}


def answered(ask, what):
    """False, and what waits in whose socket is told, when a busy machine gave no answer in time: that
    ends no run."""
    try:
        ask()
    except TimeoutError:
        sockets = subprocess.run("ss -antpx state connected exclude time-wait".split(), text=True,
                                 stdout=subprocess.PIPE).stdout
        note(f"{what}: no answer in time\n{sockets}")
        return False
    return True


def views(env, kinds, backs, rounds, seconds):
    """show stat and /metrics of 1,000 servers: CPU and time of an answer; and what another session of
    that worker waits meanwhile (its path has real-time priority)."""
    out = {}
    servers = [f"127.0.0.1:{10000 + i}" for i in range(1000)]
    get = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for k in kinds:
        if k == "nginx":
            continue
        m = f"127.0.0.1:{env.port()}"
        key, word = (("metrics_uri", "/metrics") if k.startswith("vipd") else
                     ("http-request", "use-service prometheus-exporter if { path /metrics }"))
        conf = {"frontends": {"mon": {"mode": "http", "bind": m, key: word},
                              "fe": {"default_backend": "one"}},
                "backends": {"one": {"check": False, "servers": {"s0": backs[0].addr}}}}
        with running([Proxy(env, k, servers, conf=conf)]) as (p,), on_cpu(LAST_CPU):
            wait_for(lambda: listening(m))
            out[k] = {}
            for what, ask in (("stat", lambda: cli(p.control, "show stat")),
                              ("metrics", lambda: http(m, get))):
                took, cpu = [], []
                for _ in range(5 * rounds):
                    c, t = run_ns(p.pids()), time.monotonic()
                    if not answered(ask, f"{k}: {what}"):
                        continue
                    took.append((time.monotonic() - t) * 1e3)
                    cpu.append((run_ns(p.pids()) - c) / 1e6)
                check(took, f"{k}: no {what} at all")
                out[k][what] = statistics.median(took)
                out[k][f"{what} cpu"] = statistics.median(cpu)
                print(f"views   {k[-8:]:8} {what:8} {out[k][what]:6.2f} ms, CPU "
                      f"{out[k][f'{what} cpu']:.2f} ms", flush=True)
    return out


EXTRA = {"calls": calls, "segments": segments, "memory": memory, "start": startup, "reload": reload,
         "even": fairness, "servers": many_servers, "workers": workers, "limits": features,
         "log": log_lines, "views": views}
