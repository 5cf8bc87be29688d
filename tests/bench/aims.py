# SPDX-License-Identifier: ISC
"""The aims beside what run.py measured, as a table for RESULTS.md."""


def ratio(result, load, kind, measure, aim, stretch=None):
    """Of haproxy; the median and the quieter fifth, as printed, have to be within the aim."""
    x = result.get(load, {}).get(kind, {}).get(measure)
    if x is None:
        return None
    worst = round(max(x["ratio"], x["quiet"]), 2)
    verdict = "met" if worst <= aim else "**missed**"
    if stretch and worst <= stretch:
        verdict = "met, stretch too"
    text = (f"{x['ratio']:.2f} ({x['quartiles'][0]:.2f}-{x['quartiles'][1]:.2f}; "
            f"{x['quiet']:.2f})")
    return text, f"{aim:.2f}", verdict


def against(mine, theirs, aim, form):
    """A figure of ours divided by haproxy's."""
    if mine is None or not theirs:
        return None
    return (f"{mine / theirs:.2f} ({form.format(mine)})", f"{aim:.2f}",
            "met" if mine / theirs <= aim else "**missed**")


def at_most(mine, theirs, aim, form):
    if mine is None:
        return None
    text = form.format(mine) + (f", haproxy {form.format(theirs)}" if theirs is not None else "")
    return text, form.format(aim), "met" if mine <= aim else "**missed**"


def rows(result, vipd):
    def of(name, *keys, kind=vipd):
        x = result.get(name, {}).get(kind)
        for k in keys:
            x = (x or {}).get(k)
        return x

    def both(name, *keys):
        return of(name, *keys), of(name, *keys, kind="haproxy")

    servers = {"servers": result.get("servers", {}).get(vipd, {})}
    return [
        ("CPU of a short connection, saturated", ratio(result, "short", vipd, "proxy us/conn",
                                                       0.90, 0.84)),
        ("the same at 2,000/s", ratio(result, "paced", vipd, "proxy us/conn", 0.87, 0.80)),
        ("CPU of a request on 64 connections, saturated", ratio(result, "req", vipd, "proxy us/req",
                                                                0.95, 0.88)),
        ("p50 of it", ratio(result, "req", vipd, "p50 ms", 1.05)),
        ("the same at 8,000/s: CPU", ratio(result, "rate", vipd, "proxy us/req", 0.95)),
        ("p50 of it", ratio(result, "rate", vipd, "p50 ms", 1.05)),
        ("CPU of a GB, download", ratio(result, "down", vipd, "proxy s/GB", 0.22)),
        ("CPU of a GB, upload", ratio(result, "up", vipd, "proxy s/GB", 0.22)),
        ("PSS of an idle connection (8,000)", against(*both("memory", "idle_bytes"), 0.20,
                                                      "{:.0f} B")),
        ("PSS at start, two workers", against(*both("memory", "start_kb"), 0.6, "{:.0f} kB")),
        ("exec to first answer", at_most(*both("start"), 15, "{:.1f} ms")),
        ("reload signal to effect", at_most(*both("reload"), 20, "{:.1f} ms")),
        ("deviation of 30,000 over 3 servers", at_most(*both("even"), 0, "{:.0f}")),
        ("system calls a short connection, half-close kept",
         at_most(*both("calls", "per connection"), 15.5, "{:.2f}")),
        ("system calls a request (set-up over 100 included)",
         at_most(*both("calls", "per request"), 4.2, "{:.2f}")),
        ("segments a short connection, both sides", at_most(*both("segments", "per connection"),
                                                            18.5, "{:.2f}")),
        ("1,000 servers, of 3", ratio(servers, "servers", f"{vipd} 1000", "proxy us/conn", 1.05)),
        ("two workers, of haproxy with two", ratio(result, "workers", f"{vipd} x2",
                                                   "proxy us/conn", 0.90)),
        ("limits, queue and rate tables on, of off", ratio(result, "limits", "vipd limits",
                                                           "proxy us/conn", 1.03)),
        ("show stat of 1,000 servers", against(*both("views", "stat"), 1.0, "{:.2f} ms")),
        ("/metrics of 1,000 servers", against(*both("views", "metrics"), 1.0, "{:.2f} ms")),
        ("CPU of a log line, dearest format and socket", at_most(*both("log", "dearest"), 6,
                                                                 "{:.1f} us")),
    ]


def table(result, kinds):
    vipd = next((k for k in kinds if k.startswith("vipd")), None)
    lines = [f"| {what} | {x[0]} | {x[1]} | {x[2]} |"
             for what, x in rows(result, vipd) if x is not None]
    if vipd is None or not lines:
        return ""
    return "\n".join(["| what; ratio to haproxy: median (quartiles; quieter fifth) | vipd | aim | |",
                      "|---|---|---|---|", *lines])
