# What run.sh and machines.sh share: builds of src_c/ as a vendoring project makes them, and the C tests on them.  Sourced from the
# root of the project.  They are made in $CORRFAST_C_BUILDS if it is set, and kept there, else in a scratch folder.
work=${CORRFAST_C_BUILDS:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
# What this CPU has, from the system and not from the library.
has() { for flag; do grep -qsw "$flag" /proc/cpuinfo || return; done; }
avx512_flags="avx512f avx512bw avx512cd avx512dq avx512vl"
warnings="-Wall -Wextra -Wshadow -Wconversion -Werror"

# library NAME CC FLAG...: every file of the library, as objects in $work/NAME; the instruction sets first, which take longest, and
# with $KERNEL_FLAGS besides
library() {
    local name=$1 cc=$2
    shift 2
    mkdir -p "$work/$name"
    { find src_c -name 'isa_*.c' | sort && find src_c -name '*.c' ! -name 'isa_*'; } |
        xargs -P "$(getconf _NPROCESSORS_ONLN || echo 1)" -I{} sh -c 'out=$1/$(basename "$2" .c).o; shift 2
            case $0 in */isa_*) set -- "$@" $KERNEL_FLAGS ;; esac; "$@" -c "$0" -o "$out"' {} "$work/$name" {} "$cc" "$@"
}

# The library as src_c/README.md builds it, for all who need it: made by the first, waited for by those beside it.
plain_library() {
    until mkdir "$work/gcc.lock" 2> /dev/null; do sleep 0.5; done
    local status=0
    [ -e "$work/gcc.made" ] || { library gcc gcc -O2 $warnings && touch "$work/gcc.made"; } || status=$?
    rmdir "$work/gcc.lock"
    return $status
}

# programs NAME CC FLAG...: the C tests, linked to that library
programs() {
    local name=$1 cc=$2 program
    shift 2
    for program in test_api test_problems check_kernels check_fft; do
        "$cc" $warnings "$@" -Isrc_c "tests/c/$program.c" "$work/$name"/*.o -o "$work/$name/$program" -lm -pthread || return
    done
}

# tests NAME "ISAS" SECONDS CASES [RUNNER...]: all of them on each of the instruction sets, which must all be there
tests() {
    local name=$1 isas=$2 seconds=$3 cases=$4 isa checker
    shift 4
    echo "== $name: $isas"
    for checker in check_kernels check_fft; do
        "$@" "$work/$name/$checker" --cases "$cases" --require "${isas// /,}" || return
    done
    for isa in $isas; do
        CORRFAST_ISA=$isa "$@" "$work/$name/test_api" && CORRFAST_ISA=$isa "$@" "$work/$name/test_problems" "$seconds" || return
    done
    if CORRFAST_ISA=nonsense "$@" "$work/$name/test_api" > /dev/null 2>&1; then
        echo "CORRFAST_ISA=nonsense was accepted"
        return 1
    fi
}
