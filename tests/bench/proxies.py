# SPDX-License-Identifier: ISC
"""The proxies that run.py loads, and what they use up."""
import glob
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/system")
from harness import *  # noqa: E402,F401,F403
import harness  # noqa: E402,F401

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
ALL_CPUS = os.sched_getaffinity(0)
LAST_CPU = max(ALL_CPUS)
FIRST_CPU = min(ALL_CPUS)


@contextlib.contextmanager
def on_cpu(*cpus):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cpus))
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


def installed():
    """The kinds of proxies that this machine has."""
    return [k for k in ("vipd", "haproxy", "nginx") if harness._missing(k) is None and
            (k != "nginx" or os.path.exists(NGINX_STREAM))]


class Proxy:
    """kind: vipd, haproxy, nginx, or vipd@PATH, another build of it. backs: Vbacks or addresses.
    conf: groups merged into the configuration; reloads: haproxy gets a master that can."""

    def __init__(self, env, kind, backs, workers=1, maxconn=30000, conf=None, reloads=False,
                 label=None):
        self.env, self.kind, self.label = env, kind, label or kind
        self.workers, self.maxconn, self.conf, self.reloads = workers, maxconn, conf, reloads
        self.port = env.port()
        self.addr = f"127.0.0.1:{self.port}"
        self.p = None
        self.control = env.path(f"bench{self.port}.sock")
        self.argv = self.make_argv(self.write(backs))

    def write(self, backs):
        """(Re)writes the configuration; its path."""
        backs = {f"s{i}": getattr(v, "addr", v) for i, v in enumerate(backs)}
        text = self.nginx(backs) if self.kind == "nginx" else self.other(backs)
        return self.env.file(f"{self.kind.partition('@')[0]}-{self.port}.conf", text)

    def other(self, backs):
        conf = merge(self.env.conf(backs, **{
            "global": {"workers": self.workers, "maxconn": self.maxconn,
                       "control": {"path": self.control}},
            "frontends": {"fe": {"bind": self.addr}}}), self.conf)
        if self.kind.startswith("vipd"):
            return vipd_text(conf)
        conf["global"]["control"] = self.control
        conf["global"]["maxconn"] = min(self.maxconn, 9000)
        return haproxy_text(conf)

    def nginx(self, backs):
        lines = "".join(f"    server {a};\n" for a in backs.values())
        zone = "64k" if len(backs) < 100 else "4m"
        mod = f"load_module {NGINX_STREAM};\n" if os.path.exists(NGINX_STREAM) else ""
        return (f"{mod}daemon off;\nworker_processes {self.workers};\nworker_rlimit_nofile 20000;\n"
                f"error_log stderr crit;\npid {self.env.tmp}/nginx-{self.port}.pid;\n"
                "events { worker_connections 19000; }\nstream {\n  upstream be {\n"
                f"    zone be {zone};\n{lines}  }}\n  server {{\n"
                f"    listen {self.addr} backlog=1024;\n"
                "    proxy_pass be;\n    tcp_nodelay on;\n  }\n}\n")

    def make_argv(self, path):
        if self.kind == "nginx":
            return ["nginx", "-c", path]
        if self.kind.startswith("vipd"):
            return [self.kind.partition("@")[2] or vipd_path(), "-f", path]
        return ["haproxy", *(["-W"] if self.reloads else []), "-db", "-f", path]

    def exec(self):
        self.p = Proc(self.env, self.argv, self.kind.partition("@")[0])

    def start(self, cpus=(FIRST_CPU,)):
        with on_cpu(*cpus):
            self.exec()
        end = time.monotonic() + 10
        while time.monotonic() < end and self.p.running():
            if listening(self.addr) and self.env.vload(self.addr, total=1)["ok"]:
                return self
            time.sleep(0.01)
        raise Failed(f"{self.label} does not answer:\n{self.p.output()[-2000:]}")

    def reload(self):
        self.p.send(signal.SIGUSR2 if self.kind == "haproxy" else signal.SIGHUP)

    def pids(self):
        return [self.p.pid] + descendants(self.p.pid)

    def pss(self):
        return sum(pss_kb(p) for p in self.pids())

    def stop(self):
        self.p.stop(signal.SIGKILL)
        kill_tree(self.pids())
