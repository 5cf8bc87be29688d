# SPDX-License-Identifier: ISC
"""What `make install` and `make uninstall` make of an empty folder."""
import fcntl
import os

from harness import *


def make(env, target, dest, **more):
    # Without the flags of the make that runs this test.
    clean_env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "SAN")}
    with open(os.path.join(ROOT, "GNUmakefile")) as f:
        fcntl.flock(f, fcntl.LOCK_EX)  # if something has to be built, one at a time does it
        return env.run(["make", "-C", ROOT, f"B={os.path.relpath(BUILD, ROOT)}", f"DESTDIR={dest}",
                        *(f"{k}={v}" for k, v in more.items()),
                        *(["SAN=1"] if SANITIZED else []), target], env=clean_env, limit=100)


def install(env):
    """`make install` of what is built: the folder, of this test's own."""
    dest = env.path("dest")
    rc, out = make(env, "install", dest)
    equal(rc, 0, out)
    return dest
