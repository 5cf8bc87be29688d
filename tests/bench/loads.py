# SPDX-License-Identifier: ISC
"""Loads of run.py, each {measure: value} of one proxy, and proxies loaded in turn.

A ratio is that of neighbours in one round. Told: median (quartiles; the quiet fifth of the rounds).
"""
import statistics

from proxies import *  # noqa: F403


def measured(proxy, load):
    before = run_ns(proxy.pids())
    r = load()
    us = (run_ns(proxy.pids()) - before) / 1e3
    if r["failed"]:
        note(f"{proxy.label}: {r['failed']} failed: {r['errors']}")
    return r, us


def short(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=64, seconds=seconds,
                                              opts=["-R", "-a", "16"]))
    return {"proxy us/conn": us / max(r["ok"], 1), "conn/s": r["conn_rate"]}


def paced(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=500, every_ms=0.5, seconds=seconds,
                                              opts=["-R", "-a", "16"]))
    return {"proxy us/conn": us / max(r["ok"], 1), "p50 ms": r["total_ms"]["p50"]}


def req(env, proxy, seconds):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, mode="req", conns=64, seconds=seconds,
                                              per_conn=1000000, want="1k", opts=["-R"]))
    return {"proxy us/req": us / max(r["requests"], 1), "req/s": r["request_rate"],
            "p50 ms": r["request_ms"]["p50"], "p99 ms": r["request_ms"]["p99"]}


def rate(env, proxy, seconds):
    """Requests at 8,000/s, whatever became of earlier ones, on 64 connections."""
    r, us = measured(proxy, lambda: env.vload(proxy.addr, mode="req", conns=64, seconds=seconds,
                                              per_conn=1000000, want="1k",
                                              opts=["-R", "-q", "0.125"]))
    return {"proxy us/req": us / max(r["requests"], 1), "p50 ms": r["request_ms"]["p50"],
            "p99 ms": r["request_ms"]["p99"]}


def per_gb(env, proxy, key, **kw):
    r, us = measured(proxy, lambda: env.vload(proxy.addr, conns=4, total=4, timeout_ms=60000,
                                              opts=["-R"], **kw))
    gb = r[key] / 1e9
    return {"proxy s/GB": us / 1e6 / gb, "Gbit/s": gb * 8 / r["seconds"]}


def down(env, proxy, seconds):
    return per_gb(env, proxy, "bytes_in", want="192M")


def up(env, proxy, seconds):
    return per_gb(env, proxy, "bytes_out", size="192M")


LOADS = {"short": short, "paced": paced, "req": req, "rate": rate, "down": down, "up": up}


def quiet(values, costs):
    """Median of those measured in the quieter fifth of the rounds (least cost of all together)."""
    n = max(1, len(values) // 5)
    best = sorted(range(len(values)), key=lambda i: costs[i])[:n]
    return statistics.median(values[i] for i in best)


def in_turn(env, name, load, proxies, base, rounds, seconds, cpus=(LAST_CPU,)):
    """Loads proxies that run in turn; base: the label that the ratios are to. {label: {measure:
    {median, ratio, quartiles, quiet}}}"""
    rows = {p.label: [] for p in proxies}
    with on_cpu(*cpus):
        for _ in range(rounds):
            for p in proxies:
                rows[p.label].append(load(env, p, seconds))
    first = next(iter(rows[base][0]))
    costs = [sum(r[i][first] for r in rows.values()) for i in range(rounds)]
    out = {}
    for k in rows:
        out[k] = {}
        for m in rows[k][0]:
            ratio = [a[m] / b[m] if b[m] else 0 for a, b in zip(rows[k], rows[base])]
            q = statistics.quantiles(ratio, n=4) if rounds > 1 else ratio * 3
            out[k][m] = {"median": statistics.median(r[m] for r in rows[k]), "ratio": q[1],
                         "quartiles": [q[0], q[2]], "quiet": quiet(ratio, costs)}
            tell(name, k, m, base, out[k][m])
    return out


def tell(name, label, measure, base, x):
    print(f"{name:7} {label[-13:]:13} {measure:14} {x['median']:12.2f}   {x['ratio']:5.2f} of "
          f"{base[-13:]} ({x['quartiles'][0]:.2f}-{x['quartiles'][1]:.2f}; {x['quiet']:.2f})",
          flush=True)


def base_of(kinds):
    return "haproxy" if "haproxy" in kinds else kinds[0]


@contextlib.contextmanager
def running(proxies, cpus=(FIRST_CPU,)):
    started = []
    try:
        for p in proxies:
            started.append(p.start(cpus))
        yield started
    finally:
        for p in started:
            p.stop()


def compare(env, name, kinds, backs, rounds, seconds):
    with running([Proxy(env, k, backs) for k in kinds]) as proxies:
        return in_turn(env, name, LOADS[name], proxies, base_of(kinds), rounds, seconds)
