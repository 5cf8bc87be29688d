#!/bin/sh
# SPDX-License-Identifier: ISC
# promtool.sh DIR: puts Debian's promtool into DIR, for tests. Nothing is installed: the one program
# is taken out of its package. Where that cannot be had it says so, and the test is skipped; in CI
# (CI is set) that is an error.
set -eu
dir=$1
command -v promtool >/dev/null 2>&1 && exit 0
[ ! -x "$dir/promtool" ] || exit 0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
chmod 755 "$tmp"
fetch() { (cd "$tmp" && apt-get -qq download prometheus) >/dev/null 2>&1; }
if command -v apt-get >/dev/null 2>&1 && { fetch || { apt-get -qq update >/dev/null 2>&1 && fetch; }; } &&
	mkdir -p "$dir" && dpkg-deb --fsys-tarfile "$tmp"/prometheus_*.deb | tar -x -C "$tmp" ./usr/bin/promtool; then
	mv "$tmp/usr/bin/promtool" "$dir/promtool.new"
	mv "$dir/promtool.new" "$dir/promtool"
	exit 0
fi
echo "vipd: promtool cannot be had: its test is skipped" >&2
[ -z "${CI:-}" ]
