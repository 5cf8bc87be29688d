#!/bin/bash
# SPDX-License-Identifier: ISC
# Runs tests and counts them: tests/run.sh unit|system|outside|all [NAME...]. Each cmocka binary is run under
# a time limit; each tests/system/*.test is a script or program that prints TAP-like lines
# "ok NAME", "not ok NAME", "skip NAME reason". Ends with the time taken and the five
# slowest, then "N passed, N failed, N skipped". In CI as root a skip is a failure, but for one whose
# reason begins with "machine:" (its kernel or container forbids what the test is made of).
set -u
cd "$(dirname "$0")/.." || exit 2
B=${B:-build}
what=${1:-all}
shift || true
passed=0 failed=0 skipped=0
why=() # each failure in one line, printed again at the end
folder=system
SAN_SYSTEM=${SAN_SYSTEM:-relay.test http.test signals.test control.test vipctl.test}
log=$B/test-logs
mkdir -p "$log"
export TOOK=$log/took
: >"$TOOK"

# Notes how long what began at $2 (EPOCHREALTIME) has taken, in ms.
took() { echo "$(((${EPOCHREALTIME/[.,]/} - ${2/[.,]/}) / 1000)) $1" >>"$TOOK"; }
export -f took

# One binary into its log; the exit code beside it. Most of them wait more than they compute.
one_unit() {
	local begun=$EPOCHREALTIME
	timeout -k 5 "${UNIT_TIMEOUT:-180}" "$1" >"$2" 2>&1
	echo $? >"$2.rc"
	took "$1" "$begun"
}
export -f one_unit

run_unit() {
	local bin name out rc bins=()
	for bin in "$B"/tests/{unit,sim,conf,fuzz}/*_test; do
		[ -x "$bin" ] || continue
		name=${bin#"$B"/tests/}
		[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
		bins+=("$bin")
	done
	for bin in "${bins[@]}"; do
		name=${bin#"$B"/tests/}
		printf '%s\0%s\0' "$bin" "$log/${name//\//-}.log"
	done | xargs -0 -r -n2 -P"${UNIT_JOBS:-4}" bash -c 'one_unit "$1" "$2"' _
	for bin in "${bins[@]}"; do # a second run alone, as of system tests
		name=${bin#"$B"/tests/}
		out=$log/${name//\//-}.log
		[ "$(cat "$out.rc")" -ne 0 ] || continue
		echo "again $name: exit $(cat "$out.rc")"
		cp "$out" "$out.first"
		one_unit "$bin" "$out"
	done
	for bin in "${bins[@]}"; do
		name=${bin#"$B"/tests/}
		out=$log/${name//\//-}.log
		rc=$(cat "$out.rc")
		local p f s
		p=$(grep -c '^\[       OK \]' "$out")
		f=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S)$/\1/p' "$out" | tail -1)
		s=$(sed -n 's/^ *\([0-9]*\) SKIPPED TEST(S)$/\1/p' "$out" | tail -1)
		f=${f:-0} s=${s:-0}
		passed=$((passed + p)) skipped=$((skipped + s))
		# The sanitizer build leaves out what the plain build has shown before it.
		if [ -n "${CI:-}" ] && [ "$(id -u)" -eq 0 ] && [ "$B" = build ]; then
			failed=$((failed + s))
		fi
		[ "$s" -eq 0 ] || echo "skip $name ($s)"
		if [ "$rc" -ne 0 ]; then
			[ "$f" -gt 0 ] || f=1
			failed=$((failed + f))
			echo "not ok $name (exit $rc)"
			why+=("FAILED $name: $(grep -m1 -E 'error:|ERROR|FAILED' "$out")")
			grep -vE '^\[ +(RUN|OK) +\]' "$out" | tail -40 | sed 's/^/    /'
		elif [ "$p" -eq 0 ] && [ "$s" -eq 0 ]; then # who may nothing skips all of some
			failed=$((failed + 1))
			echo "not ok $name (no test ran)"
			why+=("FAILED $name: no test ran")
		elif [ "$p" -gt 0 ]; then
			echo "ok $name ($p)"
		fi
	done
}

# System tests that wait most of the time run in two lanes beside the others, which want the machine:
# the long ones first; a lane that finds nothing more to wait for takes from the others.
WAITING=" vrrpka systemd vrrpmore service vrrp checks vrrpedge demo tutorial keepalive wire failover
	noserver vrrpsign maintenance vrrpcause rtnl "
# The others wait as well (kill.test took 17 s of a CPU in 120 s): two lanes, the long
# ones first.
LONG=" kill reload limits relay chaos control edges selftest "

# Runs a lane of tests one after the other; the exit code beside each log.
lane() {
	local t out begun
	for t in "$@"; do
		out=$log/$folder-${t#tests/"$folder"/}.log
		begun=$EPOCHREALTIME
		B=$B timeout -k 10 "${SYSTEM_TIMEOUT:-480}" "$t" >"$out" 2>&1 </dev/null
		echo $? >"$out.rc"
		took "$B/$t" "$begun"
	done
}

# Prints the next test of the first of these queues that has one.
take() {
	local q t
	flock 9
	for q in "$@"; do
		t=$(head -n 1 "$q")
		[ -n "$t" ] || continue
		sed -i 1d "$q"
		echo "$t"
		return
	done
	return 1
} 9>"$log/queue.lock"

lane_of() {
	local t
	while t=$(take "$@"); do
		lane "$t"
	done
}

run_system() {
	local t name out rc all=() waiting=$log/queue.waiting busy=$log/queue.busy lanes
	: >"$waiting"
	for name in $LONG; do
		t=tests/$folder/$name.test
		[ $# -gt 0 ] && [[ " $* " != *" $name.test "* ]] || [ ! -x "$t" ] || echo "$t"
	done >"$busy"
	for t in tests/"$folder"/*.test; do
		[ -x "$t" ] || continue
		name=${t#tests/"$folder"/}
		[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
		all+=("$t")
		[[ " ${WAITING//[[:space:]]/ }$LONG" == *" ${name%.test} "* ]] || echo "$t" >>"$busy"
	done
	for name in $WAITING; do
		t=tests/$folder/$name.test
		[[ " ${all[*]} " != *" $t "* ]] || echo "$t" >>"$waiting"
	done
	lane_of "$waiting" "$busy" &
	lanes=$!
	lane_of "$waiting" &
	lanes="$lanes $!"
	lane_of "$busy" &
	lanes="$lanes $!"
	lane_of "$busy"
	# shellcheck disable=SC2086
	wait $lanes
	# Bounds are wide, machines are noisier: what failed gets a second run, alone, and the first
	# failure is shown all the same.
	for t in "${all[@]}"; do
		name=${t#tests/"$folder"/}
		out=$log/$folder-$name.log
		[ "$(cat "$out.rc")" -ne 0 ] || continue
		echo "again $name: exit $(cat "$out.rc"), $(grep -E '^(not ok|# FAILED)' "$out" | head -4 | tr '\n' ' ')"
		cp "$out" "$out.first"
		lane "$t"
	done
	for t in "${all[@]}"; do
		name=${t#tests/"$folder"/}
		out=$log/$folder-$name.log
		rc=$(cat "$out.rc")
		local p f s
		p=$(grep -c '^ok ' "$out") f=$(grep -c '^not ok ' "$out") s=$(grep -c '^skip ' "$out")
		if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
		if [ $((p + f + s)) -eq 0 ]; then f=1; fi
		passed=$((passed + p)) failed=$((failed + f))
		if [ -n "${CI:-}" ] && [ "$(id -u)" -eq 0 ]; then
			failed=$((failed + s - $(grep -c '^skip [^ ]* machine: ' "$out")))
		fi
		skipped=$((skipped + s))
		grep -E '^(ok|not ok|skip) ' "$out" | sed "s|^|$name: |"
		if [ "$f" -gt 0 ]; then
			echo "$name: exit $rc; the end of its output:"
			tail -60 "$out" | sed 's/^/    /'
			while IFS= read -r line; do
				why+=("FAILED $name: $line")
			done < <(grep -E '^(not ok |# FAILED)' "$out" || echo "exit $rc")
		fi
	done
}

case $what in
unit) run_unit "$@" ;;
system) run_system "$@" ;;
outside)
	folder=outside
	SYSTEM_TIMEOUT=${SYSTEM_TIMEOUT:-600} # one of them builds a package
	run_system "$@"
	;;
all)
	run_unit
	run_system
	# Once more under AddressSanitizer and UBSan: all units, and the short system tests.
	B=build-san
	log=$B/test-logs
	mkdir -p "$log"
	export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
	run_unit
	run_system $SAN_SYSTEM
	;;
*)
	echo "usage: tests/run.sh unit|system|outside|all [NAME...]" >&2
	exit 2
	;;
esac
sort -rn "$TOOK" | head -5 | awk -v all=$SECONDS '
	{ line = line sprintf("%s %s (%.1f s)", NR > 1 ? "," : "", $2, $1 / 1000) }
	END { printf "%d s; slowest:%s\n", all, line }'
[ ${#why[@]} -eq 0 ] || printf '%s\n' "${why[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
