#!/usr/bin/python3 -B
# SPDX-License-Identifier: ISC
"""make demo: two balancing hosts, three servers and a client in network namespaces of their own.
Tells who holds the address and what a client sees while a worker, the vrrp process, a server and a
host are killed. Needs root; ends by itself and leaves nothing behind."""
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from twohosts import *

T0 = time.monotonic()


def say(text):
    print(f"{time.monotonic() - T0:6.2f} s  {text}", flush=True)


class Step:
    """A new connection each 10 ms from the client, 200 ms for everything, around what happens."""

    def __init__(self, site, seconds, what):
        self.site, self.what = site, what
        say("")
        say(what)
        self.load = site.load(seconds)
        time.sleep(0.3)

    def end(self):
        r = self.load.result()
        servers = ", ".join(f"{k} {v}" for k, v in sorted(r["servers"].items()))
        say(f"  address held by: {' and '.join(self.site.holders()) or 'nobody'}")
        say(f"  client: {r['ok']} of {r['started']} connections served ({servers}); longest gap "
            f"{longest_outage_s(r, 10):.2f} s")


@test(needs=["root", "vipd", "nft"], limit=120)
def demo(env):
    s = Site(env)
    say("two hosts ha1, ha2 with one identical configuration; servers m1, m2, m3; address " + VIP)
    for h in HOSTS:
        s.start(h, wait=False)
    for h in HOSTS:
        s.hosts[h].ready()
    wait_for(lambda: len(s.holders()) == 1, 20, "one host to hold the address")
    say(f"{s.holders()[0]} holds the address")

    m = s.holders()[0]
    step = Step(s, 2, f"a worker of {m} is killed (kill -9)")
    os.kill(s.hosts[m].workers()[0], signal.SIGKILL)
    step.end()

    step = Step(s, 2, f"the vrrp process of {m} is killed (kill -9): it comes back inside its lease")
    os.kill(s.hosts[m].child("vrrp"), signal.SIGKILL)
    step.end()

    step = Step(s, 4, "server m1 is killed: others take its connections at once, then it is out")
    s.servers["m1"].send(signal.SIGKILL)
    step.end()

    step = Step(s, 3, f"{m} is switched off: everything on it dies, its cable is dead")
    s.power_off(m)
    wait_for(lambda: s.has_vip("ha2" if m == "ha1" else "ha1"), 10, "the other host to take over")
    step.end()

    say("")
    for line in s.hosts["ha2" if m == "ha1" else "ha1"].output().splitlines():
        if "router VI_1" in line and "->" in line:
            say("  log: " + line)
    say("done; everything is cleaned up")


run()
