#!/usr/bin/env bash
# Processors that this machine does not have: cross-compiled and emulated.  A job that cannot be done here is reported NOT RUN with its
# reason; one that fails makes the exit status 1.
#   tests/c/machines.sh [seconds for the random problems, 3 by default; with more, as .ci/full has it, NEON's kernels are optimized]
set -uo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3}
. tests/c/build.sh

need() {
    local tool
    for tool; do command -v "$tool" > /dev/null || { echo "$tool is not installed (.ci/packages)" > "$work/reason"; return 77; }; done
}

# cross MACHINE "ISAS" KERNEL_FLAGS: its compiler, and qemu for its programs
cross() {
    local cc=$1-linux-gnu-gcc emulator=qemu-$1
    need "$cc" "$emulator" || return
    local KERNEL_FLAGS=${3:-}
    library "$1" "$cc" -O2 $warnings && programs "$1" "$cc" -O2 -static && tests "$1" "$2" "$seconds" 100 "$emulator"
}

# little-endian, weakly ordered, no x86: NEON
aarch64() { cross aarch64 "neon scalar" "$([ "$seconds" -gt 3 ] || echo -DCF_INSTRUMENTED=1)"; }

# big-endian: the portable kernels
s390x() { cross s390x scalar; }

x86_only() { [ "$(uname -m)" = x86_64 ] || { echo "not an x86-64 machine" > "$work/reason"; return 77; }; }

# one build without flags for all x86-64 processors
x86_programs() {
    [ ! -e "$work/static/check_kernels" ] || return 0
    plain_library && mkdir -p "$work/static" && cp "$work"/gcc/*.o "$work/static" && programs static gcc -O2 -static
}

# The oldest x86-64 processors.  (AVX2 is left to hardware: qemu 7.2's masked loads touch what the mask leaves out, and crash into
# the pages that guard the arrays.)
old="qemu-x86_64 -cpu qemu64,-sse3,-ssse3,-sse4.1,-sse4.2,-sse4a,-popcnt,-cx16,-abm"
sse2() { x86_only && need qemu-x86_64 && x86_programs && tests static "sse2 scalar" "$seconds" 100 $old; }

# The newest: Bochs emulates AVX-512, which qemu 7.2 does not.  It boots a kernel for each program; a second of the problems is one of
# the emulated processor, some 20 here.  In a short run a processor that has it is enough.
avx512() {
    x86_only || return
    if [ "$seconds" -le 3 ] && has $avx512_flags; then
        echo "this processor has it, and run.sh requires it" > "$work/reason"
        return 77
    fi
    x86_programs || return
    echo "== emulated: avx512"
    bash tests/c/emulate_avx512.sh "$work/static/check_kernels" --isa avx512 --require avx512 --cases 20 2> "$work/reason" &&
        bash tests/c/emulate_avx512.sh "$work/static/check_fft" --isa avx512 --require avx512 --cases 20 2> "$work/reason" &&
        bash tests/c/emulate_avx512.sh "$work/static/test_problems" 1 2> "$work/reason"
    local status=$?
    [ $status = 0 ] || [ $status = 77 ] || cat "$work/reason"
    return $status
}

# A build for newer processors says so on an old one, instead of an illegal instruction.  It is the code around the kernels that is asked:
# they are built as plain calls and not optimized, in seconds.
smeared() {
    x86_only && need qemu-x86_64 || return
    local built cc
    for built in "gcc -O2 -mavx2" "gcc -O3 -march=x86-64-v4" "clang -O2 -mavx2"; do
        cc=${built%% *}
        command -v "$cc" > /dev/null || { echo "== $built: NOT RUN, no $cc"; continue; }
        KERNEL_FLAGS="-DCF_INSTRUMENTED=1 -O0" library "$built" $built &&
            "$cc" -O2 -static $warnings -Isrc_c tests/c/test_too_old.c "$work/$built"/*.o -o "$work/$built/too_old" -lm &&
            echo "== $built, on a processor with SSE2 alone" && $old "$work/$built/too_old" || return
    done
}

failed=0
report=()
for job in aarch64 s390x sse2 avx512 smeared; do
    began=$SECONDS
    ("$job")
    case $? in
    0) verdict=passed ;;
    77) verdict="NOT RUN: $(cat "$work/reason")" ;;
    *) verdict=FAILED failed=1 ;;
    esac
    report+=("$(printf 'machine %-8s %4d s  %s' "$job" $((SECONDS - began)) "$verdict")")
done
printf '%s\n' "${report[@]}"
exit $failed
