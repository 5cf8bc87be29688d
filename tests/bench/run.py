#!/usr/bin/python3 -B
# SPDX-License-Identifier: ISC
"""What vipd costs beside haproxy and nginx: `make bench`, or

    tests/bench/run.py [--rounds N] [--seconds S] [--only short,req,down,...] [PROXY...]

Not a test: nothing fails. The proxy runs with one worker on CPU 0, load and servers on the last
CPU, everything on 127.0.0.1 of a network namespace with reno (bbr, some hosts' default, paces with
timers). The proxies are loaded in turn, A B C A B C, by short loads; a ratio is that of neighbours.
CPU is the run time of all processes and threads of the proxy (/proc/PID/task/*/schedstat).
Printed: median (quartiles; the quiet fifth of the rounds), and a table of the aims at the end.
Differences below 10 % between two runs are noise. On a busy machine: --nice -20.
"""
import argparse

from aims import table
from extras import *  # noqa: F403


def arguments():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--rounds", type=int, default=8)
    a.add_argument("--seconds", type=float, default=0.5, help="of one load")
    a.add_argument("--nice", type=int, default=0, help="of everything, below 0 on a busy machine")
    a.add_argument("--only", default=",".join([*LOADS, *EXTRA]))
    a.add_argument("proxies", nargs="*", default=[],
                   help="haproxy, nginx, vipd; vipd@PATH: another build of it in the same rounds")
    return a.parse_args()


def surroundings(o):
    """A network namespace and a folder of our own."""
    if os.geteuid() != 0:
        sys.exit("run.py: needs root (a network namespace of its own)")
    os.nice(o.nice)
    os.environ["PATH"] = SBIN
    harness._libc.prctl(harness.PR_SET_CHILD_SUBREAPER, 1)
    harness._call(harness._libc.unshare(CLONE_NEWNET), "unshare")
    harness._loopback_up()
    os.environ["HARNESS_TMP"] = tempfile.mkdtemp(prefix="vipd-bench-")
    os.chmod(os.environ["HARNESS_TMP"], 0o755)
    with contextlib.suppress(OSError), open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as f:
        f.write("reno")


def measure(env, o, kinds, result):
    with on_cpu(LAST_CPU):
        backs = [env.vback(name=f"s{i}") for i in range(3)]
        one = env.vback(name="one", addr="0.0.0.0")
    # Three servers in one process: three on the load's CPU make the load what is saturated.
    loaded = [f"127.3.0.{i + 1}:{one.port}" for i in range(3)]
    for name in o.only.split(","):
        if name in LOADS:
            result[name] = compare(env, name, kinds, loaded, o.rounds, o.seconds)
        else:
            result[name] = EXTRA[name](env, kinds, backs, o.rounds, o.seconds)


def main():
    o = arguments()
    surroundings(o)
    kinds, result = o.proxies or installed(), {}
    print(f"{time.strftime('%Y-%m-%d')}: {', '.join(kinds)} on {os.cpu_count()} CPUs, kernel "
          f"{os.uname().release}, load {os.getloadavg()[0]:.1f}", flush=True)
    env = Env("bench", True)
    try:
        measure(env, o, kinds, result)
        with open(os.path.join(BUILD, "bench.json"), "w") as f:
            json.dump(result, f, indent=1)
    finally:
        env.close(False)
        harness._reap_all()
        shutil.rmtree(os.environ["HARNESS_TMP"], ignore_errors=True)
    print(f"load at the end {os.getloadavg()[0]:.1f}\n\n{table(result, kinds)}")


main()
