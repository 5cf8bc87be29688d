#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs what is missing: deps.sh build|demo|check|outside|lint|bench|deb. As root, or by sudo without
# a password prompt, it prints and runs apt-get; otherwise, or not on Debian, it prints the line and exits 2.
# It never asks. Services of test peers are held back by a policy-rc.d for the time of apt-get only.
set -eu
build="gcc make pkg-config libc6-dev libconfig-dev libssl-dev libmnl-dev libcap-ng-dev libseccomp-dev libc-ares-dev libpcre2-dev"
demo="libcmocka-dev iproute2 nftables procps python3"
check="libcmocka-dev clang libclang-rt-14-dev iproute2 nftables procps python3 socat curl openssl haproxy keepalived nginx-light libnginx-mod-stream tshark etcd-server etcd-client iperf3 strace systemd"
lint="clang-format clang-tidy cppcheck"
outside="build-essential debhelper dpkg-dev fakeroot lintian hatop prometheus-haproxy-exporter monitoring-plugins-contrib prometheus ansible"
deb="build-essential debhelper dpkg-dev fakeroot lintian"
bench="haproxy nginx-light libnginx-mod-stream strace linux-perf"
case ${1:-build} in
build) want=$build ;;
demo) want="$build $demo" ;;
check) want="$build $check" ;;
outside) want="$build $check $outside" ;;
lint) want="$build libcmocka-dev $lint" ;;
bench) want="$build $bench" ;;
deb) want="$build $deb" ;;
*)
	echo "usage: deps.sh build|demo|check|outside|lint|bench|deb" >&2
	exit 2
	;;
esac

missing=
if command -v dpkg-query >/dev/null 2>&1; then
	for p in $want; do
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || :)
		[ "$s" = installed ] || missing="$missing $p"
	done
else
	command -v pkg-config >/dev/null 2>&1 && pkg-config --exists libconfig libssl libmnl && exit 0
	echo "vipd: not a Debian system; install what stands for: $want" >&2
	exit 2
fi
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	echo "vipd: missing packages; as root run: $line" >&2
	exit 2
fi
echo "vipd: $line"

policy=/usr/sbin/policy-rc.d
made=
undo() { [ -z "$made" ] || $sudo rm -f "$policy"; }
trap undo EXIT
trap 'exit 130' INT TERM HUP
if [ ! -e "$policy" ] && [ "${1:-build}" != build ]; then
	made=yes
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
fi
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
	--no-install-recommends $missing >/dev/null
