# SPDX-License-Identifier: ISC
"""A copy of the host that systemd has booted: an overlay as root, own process, mount, IPC and cgroup
namespaces, the network of the test. What happens inside stays there."""
import os
import signal
import subprocess

from harness import *

SYSTEMD = "/lib/systemd/systemd"

# The cgroup is made by a shell that stays outside of it, to take it away at the end.
OUTER = r"""
mount --make-rprivate / && mount -t tmpfs tmpfs "$1" && mkdir "$1"/cg "$1"/up "$1"/work "$1"/root "$1"/dest &&
	cp -a "$4"/. "$1"/dest && mount -t cgroup2 cgroup2 "$1"/cg && mkdir "$1/cg/$3" || exit 9
(
	echo "$BASHPID" >"$1/cg/$3/cgroup.procs" || exit 9
	exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup bash -c "$2" - "$1"
) &
trap 'kill -9 $! $(cat /proc/$!/task/$!/children)' TERM
wait
wait
for _ in {1..50}; do
	find "$1/cg/$3" -depth -type d -exec rmdir {} + 2>/dev/null
	[ -d "$1/cg/$3" ] || exit 0
	sleep 0.1
done
exit 8
"""

# Nothing of the host's kernel is written: /proc/sys and /sys are read-only, what would load
# modules, mount file systems of the kernel or set its variables is masked.
INNER = r"""
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1"/root
cd "$1"/root
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/systemd/system/vipd* \
	var/log/journal etc/vipd var/lib/vipd
echo 0123456789abcdef0123456789abcdef >etc/machine-id
for u in systemd-sysctl systemd-modules-load systemd-remount-fs systemd-random-seed modprobe@ \
	systemd-update-utmp systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved; do
	ln -s /dev/null etc/systemd/system/$u.service
done
for u in sys-kernel-debug sys-kernel-tracing sys-kernel-config sys-fs-fuse-connections \
	dev-hugepages dev-mqueue proc-sys-fs-binfmt_misc; do
	ln -s /dev/null etc/systemd/system/$u.mount
done
cp -a --no-preserve=ownership "$1"/dest/. .
mount -t proc proc proc
mount -o bind,ro proc/sys proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for d in null zero full random urandom tty; do
	touch dev/$d
	mount --bind /dev/$d dev/$d
done
mkdir dev/shm dev/pts dev/mqueue
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=vipd-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
	--unit=basic.target --log-target=journal --show-status=no
"""

# What the host must allow; its first complaint is why the tests are skipped.
TRY = r"""
mount --make-rprivate / && mount -t tmpfs tmpfs "$1" && mkdir "$1"/up "$1"/work "$1"/root "$1"/cg &&
	mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1"/root &&
	mount -t cgroup2 cgroup2 "$1"/cg && mkdir "$1/cg/$2" && rmdir "$1/cg/$2"
"""


class Box:
    """`with Box(env, dest) as box`: booted, what lies in dest installed in it."""

    def __init__(self, env, dest):
        self.env = env
        self.top = env.path("box")
        os.mkdir(self.top)
        group = f"vipd-test-{os.getpid()}"
        if not os.access(SYSTEMD, os.X_OK):
            raise Skip(f"no {SYSTEMD}")
        rc, out = env.run(["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup",
                           "bash", "-c", TRY, "-", self.top, group])
        if rc != 0:
            raise Skip(f"machine: no container can be made here: {out.strip()}")
        self.holder = env.start(["unshare", "--mount", "bash", "-c", OUTER, "-", self.top, INNER,
                                 group, dest], name="box")

    def __enter__(self):
        try:
            wait_for(self._booted, 30, "systemd to boot")
        except SystemError as e:
            self.close()
            raise Failed(str(e)) from None
        except BaseException:
            self.close()
            raise
        return self

    def _booted(self):
        if not self.holder.running():
            raise SystemError(f"the box ended: {self.holder.output()}")
        init = [c for p in children(self.holder.pid) for c in children(p)
                if title(c).startswith(SYSTEMD)]
        self.init = init[0] if init else None
        return init and self.run("systemctl", "is-system-running", want=None).strip() in (
            "running", "degraded")

    def __exit__(self, *exc):
        if exc[0] is not None and exc[0] is not Skip:
            note(self.run("systemctl", "status", "--no-pager", "-l", "vipd", want=None))
            note(self.journal()[-4000:])
        self.close()

    def close(self):
        if self.holder.running():
            self.holder.send(signal.SIGTERM)
            equal(self.holder.wait(20), 0, f"the box's end: {self.holder.output()}")

    def run(self, *argv, want=0, limit=40):
        """Runs a command inside: its output."""
        p = subprocess.run(["nsenter", "-t", str(self.init), "-p", "-m", "-u", "-i", "-C",
                            *map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=limit,
                           env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        if want is not None:
            equal(p.returncode, want, f"{' '.join(map(str, argv))}: {p.stdout}")
        self.status = p.returncode
        return p.stdout

    def path(self, name):
        """A file of the box, seen from outside."""
        return f"/proc/{self.init}/root{name}"

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        tmp = self.path(name) + ".new"
        with open(tmp, "w") as f:
            f.write(text)
        os.chmod(tmp, mode)
        os.rename(tmp, self.path(name))

    def show(self, name, unit="vipd"):
        return self.run("systemctl", "show", "-P", name, unit).strip()

    def journal(self, *opts):
        return self.run("journalctl", "-u", "vipd", "-o", "cat", "--no-pager", *opts)

    def processes(self):
        """[pid, user, command] of all vipd processes of the box, by its own numbers."""
        out = self.run("ps", "-eo", "pid=,user=,args=").splitlines()
        return [x.split(None, 2) for x in out if "vipd:" in x or "/sbin/vipd" in x]
