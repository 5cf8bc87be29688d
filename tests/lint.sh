#!/bin/bash
# SPDX-License-Identifier: ISC
# clang-format, clang-tidy and cppcheck over all C files. Exit 1 when one of them finds something.
# LINT_ONLY="FILE..." looks at these alone.
set -u
cd "$(dirname "$0")/.." || exit 2
mapfile -t files < <(git ls-files '*.c' '*.h')
mapfile -t srcs < <(git ls-files '*.c')
if [ -n "${LINT_ONLY:-}" ]; then
	read -r -a files <<<"$LINT_ONLY"
	srcs=()
	for f in "${files[@]}"; do [[ $f == *.c ]] && srcs+=("$f"); done
fi
bad=0

clang-format --dry-run -Werror "${files[@]}" || bad=1

make -s -j"$(nproc)" all >/dev/null || exit 1 # headers' links under build/inc, generated files
tidy() {
	clang-tidy --quiet "$1" -- -std=gnu11 -D_GNU_SOURCE -DVIPD_VERSION='"lint"' -DVIPD_DATE='"lint"' \
		-Ibuild/inc/tests $(pkg-config --cflags libconfig libmnl libcares) 2>/dev/null
}
export -f tidy
printf '%s\0' "${srcs[@]}" | xargs -0 -P"$(nproc)" -I{} bash -c 'tidy "$1"' _ {} || bad=1

cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j"$(nproc)" -D_GNU_SOURCE -D__linux__ \
	--enable=warning,portability --suppress=missingIncludeSystem -I. "${srcs[@]}" || bad=1

[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
