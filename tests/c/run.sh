#!/usr/bin/env bash
# Builds src_c/ as a vendoring project would, with no flags but warnings, and runs the C tests on every instruction set that this
# CPU has: with each compiler found, and with gcc's sanitizers.  Exits non-zero on any warning or failure.
#   tests/c/run.sh [seconds for the random problems of each build and instruction set, 3 by default]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wshadow -Wconversion -Werror"

build() { # name, compiler, flags...
    local name=$1 cc=$2 out=$work/$1
    shift 2
    mkdir -p "$out"
    find src_c -name '*.c' | xargs -P "$(nproc)" -I{} sh -c '"$0" -std=c11 '"$warnings $*"' -c "$1" -o "$2/$(basename "$1" .c).o"' "$cc" {} "$out"
    for test in test_problems test_api; do
        "$cc" -std=c11 $warnings "$@" -Isrc_c "tests/c/$test.c" "$out"/*.o -o "$out/$test" -lm
    done
}

# The instruction sets that this CPU must show: one that is there and not run is an error, not a skip.
isas="scalar"
if [ "$(uname -m)" = x86_64 ]; then
    isas="scalar sse2"
    if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then isas="$isas avx2"; fi
fi

run() { # name
    for isa in $isas; do
        echo "== $1, $isa"
        CORRFAST_ISA=$isa "$work/$1/test_api"
        CORRFAST_ISA=$isa "$work/$1/test_problems" "$seconds"
    done
    if CORRFAST_ISA=nonsense "$work/$1/test_api" >/dev/null 2>&1; then
        echo "CORRFAST_ISA=nonsense was accepted"
        exit 1
    fi
}

build gcc gcc -O2
run gcc
build gcc-openmp gcc -O2 -fopenmp
run gcc-openmp
build gcc-sanitized gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
run gcc-sanitized
if command -v clang >/dev/null; then
    build clang clang -O2
    run clang
else
    echo "== clang: NOT RUN, no clang on this machine"
fi
echo "C tests passed: $isas"
