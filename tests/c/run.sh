#!/usr/bin/env bash
# The C library alone: src_c/ built as a vendoring project would, with each compiler found and with sanitizers, and tested on every
# instruction set that this CPU has.  Exits non-zero on any warning or failure.
#   tests/c/run.sh [seconds for the random problems of each build and instruction set, 2 by default; with more, as .ci/full has it, clang
#                   optimizes the kernels too and runs with sanitizers]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-2}
. tests/c/build.sh

# An instruction set that this CPU has and that is not run is an error, not a skip.
[ -r /proc/cpuinfo ] || echo "== what this CPU has is not known without /proc/cpuinfo: NOT REQUIRED, but for its baseline"
isas="scalar"
case $(uname -m) in
x86_64)
    isas="sse2 scalar"
    ! has avx2 fma || isas="avx2 $isas"
    ! has $avx512_flags || isas="avx512 $isas"
    ;;
aarch64) isas="neon scalar" ;;
esac

# As src_c/README.md says: no flags that change the code.
plain_library
programs gcc gcc -O2
python3 .ci/check_symbols.py "$work"/gcc/*.o
tests gcc "$isas" "$seconds" 500

# What was never checked is not chosen by itself: here, say, all but the portable kernels.
sed -E '/^ +ISA\(/s/"[a-z]+"\)/NULL)/; s/ISA\(scalar, 0, NULL/ISA(scalar, 0, "hardware"/' src_c/runtime/dispatch.c > "$work/dispatch.c"
mkdir "$work/unchecked"
cp "$work"/gcc/*.o "$work/unchecked"
gcc -O2 -Isrc_c/runtime -c "$work/dispatch.c" -o "$work/unchecked/dispatch.o"
gcc -O2 -Isrc_c tests/c/test_api.c "$work"/unchecked/*.o -o "$work/unchecked/test_api" -lm
echo "== unchecked instruction sets"
"$work/unchecked/test_api" | grep "isa scalar"
for isa in $isas; do CORRFAST_ISA=$isa "$work/unchecked/test_api" | grep "isa $isa"; done

# With OpenMP, and all names under another prefix; then both copies in one program.  Kernels have no OpenMP in them: they are built as plain
# calls, in a sixth of the time.
prefix=-DCORRFAST_PREFIX=other_
KERNEL_FLAGS=-DCF_INSTRUMENTED=1 library gcc-openmp gcc -std=c11 -O2 -fopenmp $warnings $prefix
programs gcc-openmp gcc -O2 -fopenmp $prefix
python3 .ci/check_symbols.py --prefix other_ "$work"/gcc-openmp/*.o
tests gcc-openmp "$isas" $((seconds + 1)) 500 # slower ones
gcc $warnings $prefix -Isrc_c -c tests/c/test_two_copies.c -o "$work/renamed.o"
gcc $warnings -fopenmp -Isrc_c tests/c/test_two_copies.c "$work/renamed.o" "$work"/gcc/*.o "$work"/gcc-openmp/*.o -o "$work/two_copies" -lm
"$work/two_copies"

sanitize="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
library gcc-sanitized gcc $sanitize $warnings
programs gcc-sanitized gcc $sanitize
tests gcc-sanitized "$isas" "$seconds" 100

if command -v clang > /dev/null; then
    plain_calls=-DCF_INSTRUMENTED=1
    [ "$seconds" -le 2 ] || plain_calls=
    KERNEL_FLAGS=$plain_calls library clang clang -O2 $warnings
    programs clang clang -O2
    python3 .ci/check_symbols.py "$work"/clang/*.o
    tests clang "$isas" "$seconds" 500
    if [ "$seconds" -le 2 ]; then
        echo "== clang-sanitized: NOT RUN, left to .ci/full"
    elif echo 'int main(void) { return 0; }' | clang $sanitize -x c - -o "$work/probe" 2> /dev/null; then
        library clang-sanitized clang $sanitize $warnings
        programs clang-sanitized clang $sanitize
        tests clang-sanitized "$isas" "$seconds" 100
    else
        echo "== clang-sanitized: NOT RUN, its runtime is not installed (.ci/packages)"
    fi
else
    echo "== clang: NOT RUN, not installed (.ci/packages)"
fi
echo "C tests passed: $isas"
