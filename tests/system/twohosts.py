# SPDX-License-Identifier: ISC
"""Two balancing hosts, three servers and a client on one switch, each in a namespace of its own; used
by failover.test and demo.test."""
import contextlib

from harness import *

VIP = "10.99.0.100"
HOSTS = ("ha1", "ha2")


def outages(result, period_ms):
    """Runs of failed connects in a vload result, each (from_ms, to_ms); neighbours belong together
    when no connection between them succeeded."""
    runs = []
    for f in sorted(result["failures"], key=lambda x: x["at_ms"]):
        if runs and f["at_ms"] - runs[-1][1] <= 2.5 * period_ms:
            runs[-1][1] = f["at_ms"]
        else:
            runs.append([f["at_ms"], f["at_ms"]])
    return runs


def longest_outage_s(result, period_ms):
    return max((b - a + period_ms for a, b in outages(result, period_ms)), default=0) / 1000


class Site:
    """The LAN with servers; start() starts vipd (or something else) on a host."""

    def __init__(self, env, mode="msg", check=None, instance=None, members=True, **over):
        self.env = env
        self.lan = env.lan(["ha1", "ha2", "m1", "m2", "m3", "client"])
        for ns in self.lan.values():
            if ns.addr:
                ns.sysctl("net.ipv4.conf.all.arp_accept", 0)
        self.servers = {}
        for m in ("m1", "m2", "m3"):
            with self.lan[m]:
                self.servers[m] = env.vback(mode, m, addr=self.lan[m].addr, port=6443,
                                            ns=self.lan[m])
        self.check = check or {"type": "tcp", "inter": "1s", "rise": 2, "fall": 2}
        self.instance = {"virtual_router_id": 71, "virtual_ipaddress": VIP + "/24",
                         "track": {"backend": "be", "workers": True}}
        self.instance.update(instance or {})
        self.members = members
        self.over = over
        self.hosts = {}

    def conf(self, host):
        vrrp = {"instances": {"VI_1": dict(self.instance)}}
        if self.members:
            vrrp["members"] = {"ha1": {"address": self.lan["ha1"].addr, "priority": 100},
                               "ha2": {"address": self.lan["ha2"].addr, "priority": 96}}
        else:
            other = "ha2" if host == "ha1" else "ha1"
            vrrp["instances"]["VI_1"].update(unicast_src_ip=self.lan[host].addr,
                                             unicast_peer=self.lan[other].addr,
                                             interface="eth0")
        c = self.env.conf({n: s.addr for n, s in self.servers.items()}, **{
            "global": {"control": {"path": self.env.path(host + ".sock"), "level": "admin"},
                       "state_dir": self.state_dir(host)},
            "frontends": {"fe": {"bind": "*:6443"}},
            "backends": {"be": {"check": self.check,
                                "default_server": {"on_marked_down": "shutdown-sessions"}}},
            "vrrp": vrrp})
        return merge(c, self.over)

    def state_dir(self, host):
        d = self.env.path("state-" + host)
        os.makedirs(d, exist_ok=True)
        os.chmod(d, 0o777)
        return d

    def start(self, host, conf=None, **kw):
        self.hosts[host] = self.env.balancer("vipd", ns=self.lan[host], name=host,
                                             conf=conf or self.conf(host), **kw)
        return self.hosts[host]

    def has_vip(self, host, vip=VIP):
        return vip in self.lan[host].addresses("eth0")

    def holders(self):
        return [h for h in HOSTS if self.has_vip(h)]

    def wait_holder(self, host, limit=15.0):
        wait_for(lambda: self.holders() == [host], limit, f"{host} alone to hold the address")

    def load(self, seconds, period_ms=10, **kw):
        """Fresh connections each period from the client to the address, 200 ms for everything."""
        kw.setdefault("timeout_ms", 200)
        return self.env.vload_start(f"{VIP}:6443", conns=200, seconds=seconds,
                                    every_ms=period_ms, ns=self.lan["client"], **kw)

    def client_serves(self, limit=10.0):
        """Waits until a fresh connection is served."""
        def ok():
            r = self.env.vload(f"{VIP}:6443", total=1, timeout_ms=500, ns=self.lan["client"])
            return r["failed"] == 0
        wait_for(ok, limit, "a connection to the address to be served", every=0.02)

    def cut(self, host):
        """Pulls the cable of a host: its port and its own interface lose the carrier."""
        self.lan["switch"].run("ip", "link", "set", f"p{HOSTS.index(host)}", "down")

    def mend(self, host):
        self.lan["switch"].run("ip", "link", "set", f"p{HOSTS.index(host)}", "up")

    def silence(self, host, proto="112"):
        """The advertisements of a host are lost on its port of the switch."""
        self.nft(host, f"ip protocol {proto} drop")

    def partition(self, host):
        """Nothing passes the host's port, but the carrier stays."""
        self.nft(host, "drop")

    def nft(self, host, rule):
        port = f"p{HOSTS.index(host)}"
        rules = f"""table bridge {port} {{
            chain i {{ type filter hook forward priority 0; iifname "{port}" {rule}; oifname "{port}" {rule}; }}
            chain j {{ type filter hook input priority 0; iifname "{port}" {rule}; }}
        }}"""
        path = self.env.file(f"{port}.nft", rules)
        self.lan["switch"].run("nft", "-f", path)

    def heal(self, host):
        self.lan["switch"].run("nft", "delete", "table", "bridge", f"p{HOSTS.index(host)}")

    def processes(self, host):
        b = self.hosts[host]
        return [b.pid] + children(b.pid)

    def power_off(self, host):
        """Everything of vipd on the host is killed at once, the cable is dead."""
        self.partition(host)
        for p in [self.hosts[host].pid] + self.processes(host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGKILL)
