#!/usr/bin/env bash
# Run an x86-64 Linux program on an emulated AVX-512 processor (F, CD, BW, DQ, VL):
#     emulate_avx512.sh PROGRAM [ARGS...]
# Boots a Debian kernel in Bochs with an initramfs that holds PROGRAM (static, or dynamic with
# the libraries ldd names), shows its output (stdout and stderr together) and exits with its
# status: 128+N for signal N, 124 for a timeout, 125 when the emulator failed, 77 with a reason
# on stderr when something needed is missing.
# Debian packages: bochs bochs-term isolinux syslinux-common genisoimage cpio gcc libc6-dev
# Environment: TIMEOUT  seconds, default 900
#              MEMORY   MiB of the emulated machine, default 512
#              KERNEL   a vmlinuz to boot; without it linux-image-cloud-amd64 is fetched with
#                       apt-get download (26 MB, nothing installed), else /boot/vmlinuz-* taken
set -u
here=$(dirname "$0")
skip() { echo "emulate_avx512.sh: $*" >&2; exit 77; }
[ $# -ge 1 ] || { echo "usage: emulate_avx512.sh PROGRAM [ARGS...]" >&2; exit 2; }
[ -f "$1" ] && [ -x "$1" ] || { echo "emulate_avx512.sh: no program $1" >&2; exit 2; }
for t in bochs-bin:bochs genisoimage:genisoimage cpio:cpio gcc:gcc; do
    command -v ${t%:*} > /dev/null || skip "no ${t%:*} (package ${t#*:})"
done
isolinux=/usr/lib/ISOLINUX/isolinux.bin
ldlinux=/usr/lib/syslinux/modules/bios/ldlinux.c32
[ -r $isolinux ] || skip "no $isolinux (package isolinux)"
[ -r $ldlinux ] || skip "no $ldlinux (package syslinux-common)"
[ -e "$(echo /usr/lib/*/bochs/plugins/libbx_term_gui.so)" ] || skip "no Bochs term display (package bochs-term)"
bochs-bin --help cpu 2>&1 | grep -qx corei7_skylake_x || skip "this Bochs has no AVX-512 processor"

tmp=$(mktemp -d) || exit 125
pid=
trap 'rm -rf "$tmp"' EXIT
trap '[ -z "$pid" ] || { kill $pid; wait $pid; } 2>/dev/null; exit 130' INT TERM HUP
mkdir -p "$tmp"/iso "$tmp"/deb "$tmp"/root/{dev,proc,tmp}

# The kernel.
kernel=${KERNEL:-}
if [ -z "$kernel" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ {print $2; exit}')
    (cd "$tmp/deb" && [ -n "$package" ] && apt-get -q download "$package" && dpkg-deb --fsys-tarfile ./*.deb |
        tar -x --wildcards './boot/vmlinuz*') > "$tmp/apt.log" 2>&1
    for k in "$tmp"/deb/boot/vmlinuz* /boot/vmlinuz-*; do [ -r "$k" ] && kernel=$k && break; done
fi
[ -r "$kernel" ] || skip "no kernel: apt-get download linux-image-cloud-amd64 failed (apt-get update?), none in /boot"

# The initramfs: /init (emulate_init.c), /test (the program), /args.
gcc -O1 -static -o "$tmp/root/init" "$here/emulate_init.c" || skip "gcc cannot link a static program (package libc6-dev)"
cp "$1" "$tmp/root/test"
for l in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do install -D "$l" "$tmp/root$l"; done
printf '%s\0' "$@" > "$tmp/root/args"
(cd "$tmp/root" && find . | cpio -o -H newc --quiet) > "$tmp/iso/initrd"

# The boot medium. The clearcpuid and noxsaves words step round a wrong XSAVES size in Bochs 2.7,
# for which Linux would turn off AVX altogether; the rest only makes the boot shorter.
cp "$kernel" "$tmp/iso/vmlinuz"
cp $isolinux $ldlinux "$tmp/iso"
cat > "$tmp/iso/isolinux.cfg" << E
default t
label t
 kernel vmlinuz
 initrd initrd
 append console=ttyS0 quiet nosmp noxsaves clearcpuid=xsavec clocksource=hpet mitigations=off cryptomgr.notests
E
genisoimage -quiet -R -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    -o "$tmp/iso.img" "$tmp/iso" || exit 125
cat > "$tmp/bochsrc" << E
cpu: model=corei7_skylake_x, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=${MEMORY:-512}, host=${MEMORY:-512}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path="$tmp/iso.img", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev="$tmp/console"
com2: enabled=1, mode=file, dev="$tmp/output"
clock: sync=none
sound: driver=default, waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
plugin_ctrl: unmapped=true, biosdev=true, extfpuirq=true, speaker=false, parallel=false, gameport=false
log: "$tmp/log"
panic: action=fatal
display_library: term
E
echo c > "$tmp/continue" # Debian's Bochs stops in its debugger first
: > "$tmp/output"
(cd "$tmp" && TERM=vt100 exec timeout --foreground -k 1 "${TIMEOUT:-900}" bochs-bin -q -f bochsrc -rc continue < /dev/null >screen 2>&1) &
pid=$!
tail -n +1 -s 0.2 -f --pid=$pid "$tmp/output" &
wait $! # in the background, so that the trap can run
wait $pid
rc=$?
status=$(tr -d '\r' <"$tmp/console" 2>/dev/null | sed -n 's/^EXIT STATUS //p' | tail -1)
[ -n "$status" ] && exit "$status"
{ tail -n 20 "$tmp/console"; tail -n 5 "$tmp/log"; } >&2
[ $rc = 137 ] && { echo "emulate_avx512.sh: no end after ${TIMEOUT:-900} s" >&2; exit 124; }
echo "emulate_avx512.sh: Bochs ended with status $rc and no exit status of the program" >&2
exit 125
