/* Every kernel for every arithmetic type, from the vocabulary of one instruction set; ends with its table. */

#define FLOAT_ADD(a, b) ((a) + (b))

/* What holds for 16 registers, and for 32.  ROWS_MOST: sums of one column that a strip of `rows` holds at most; ROWS_TEMPS: registers that a
 * product takes beside its factors and its sum. */
#if CF_REGISTERS >= 32
#define BY_REGISTERS(sixteen, thirty_two) (thirty_two)
#else
#define BY_REGISTERS(sixteen, thirty_two) (sixteen)
#endif

/* Cutting vectors takes registers. */
#ifdef CF_CUT
#define BY_CUT(loaded, cut) (cut)
#else
#define BY_CUT(loaded, cut) (loaded)
#endif

#define NAME f32
#define WITH_WINOGRAD
#define WITH_PEAK
#define TYPE f32
#define ELEM float
#define PARTS 1
#define ROWS_MOST BY_REGISTERS(4, 9)
#define ROWS_TEMPS 0
#define LINE_VECS BY_CUT(10, 16)
#define LINE_FEW BY_CUT(10, 8)
#define LINE_TAPS 4
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD FLOAT_ADD
#include "kernel_set_tmpl.h"

#define NAME f64
#define WITH_NARROW
#define WITH_WINOGRAD
#define WITH_PEAK
#define TYPE f64
#define ELEM double
#define PARTS 1
#define ROWS_MOST BY_REGISTERS(4, 9)
#define ROWS_TEMPS 0
#define LINE_VECS BY_CUT(10, 16)
#define LINE_FEW BY_CUT(10, 8)
#define LINE_TAPS 4
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD FLOAT_ADD
#include "kernel_set_tmpl.h"

/* Integer products need a register of their own, those of 64 bits more where the processor has no instruction for them. */
#define NAME i16
#define TYPE i16
#define ELEM int16_t
#define PARTS 1
#define ROWS_MOST 4
#define ROWS_TEMPS 1
#define LINE_VECS 8
#define LINE_FEW LINE_VECS
#define LINE_TAPS 4
#define LINE_CUTS 0
#define WRAP_ADD(a, b) ((uint32_t)(uint16_t)(a) + (uint32_t)(uint16_t)(b))
#include "kernel_set_tmpl.h"

#define NAME i32
#define TYPE i32
#define ELEM int32_t
#define PARTS 1
#define ROWS_MOST 4
#define ROWS_TEMPS 1
#define LINE_VECS 8
#define LINE_FEW LINE_VECS
#define LINE_TAPS 4
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD(a, b) ((uint32_t)(a) + (uint32_t)(b))
#include "kernel_set_tmpl.h"

#define NAME i64
#define TYPE i64
#define ELEM int64_t
#define PARTS 1
#define ROWS_MOST BY_REGISTERS(3, 4)
#define ROWS_TEMPS BY_REGISTERS(4, 1)
#define LINE_VECS BY_REGISTERS(4, 8)
#define LINE_FEW LINE_VECS
#define LINE_TAPS 2
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD(a, b) ((uint64_t)(a) + (uint64_t)(b))
#include "kernel_set_tmpl.h"

/* Complex sums hold two accumulators each. */
#define NAME c64
#define TYPE f32
#define ELEM float
#define PARTS 2
#define ROWS_MOST BY_REGISTERS(3, 4)
#define ROWS_TEMPS 0
#define LINE_VECS BY_REGISTERS(4, 6)
#define LINE_FEW LINE_VECS
#define LINE_TAPS 2
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD FLOAT_ADD
#include "kernel_set_tmpl.h"

#define NAME c128
#define TYPE f64
#define ELEM double
#define PARTS 2
#define ROWS_MOST BY_REGISTERS(3, 4)
#define ROWS_TEMPS 0
#define LINE_VECS BY_REGISTERS(4, 6)
#define LINE_FEW LINE_VECS
#define LINE_TAPS 2
#define LINE_CUTS BY_CUT(0, 1)
#define WRAP_ADD FLOAT_ADD
#include "kernel_set_tmpl.h"

#define KERNELS CF_CAT(kernels, CF_SUFFIX)
#define KERNEL(name, type) CF_CAT(CF_CAT(CF_CAT(name, _), type), CF_SUFFIX)
#if MASKS_f32 && MASKS_f64
#define IMAGE(name, type) KERNEL(name, type)
#else
#define IMAGE(name, type) NULL
#endif
#define FFT(type)                                                                                                                        \
    {KERNEL(FFT_UNIT, type), KERNEL(FFT_LEAF, type), KERNEL(fft_open, type), KERNEL(fft_levels, type), KERNEL(fft_close, type),          \
     KERNEL(fft_spread, type)}
#define NO_FFT {0, 0, NULL, NULL, NULL, NULL}
#define ROW(type, name, parts, winograd_, columns_, weave_, unweave_, image_, spread_, image_taps_, ...) \
    {CF_CAT(LANES_, type) / (parts), KERNEL(LINE_TILE, name), KERNEL(rows, name), KERNEL(line, name), KERNEL(dot, name),                 \
     BY_REGISTERS(4, 8) / (parts), 3 * CF_CAT(LANES_, type) / (parts), KERNEL(gemm, name), KERNEL(panel, name), KERNEL(turn, name),     \
     KERNEL(taps, name), KERNEL(finite, name), winograd_, columns_, weave_, unweave_, image_, spread_, image_taps_, __VA_ARGS__}

static const cf_kernels KERNELS = {
    .name = CF_ISA_NAME,
#ifndef CF_PLAIN_C /* where the compiler sees through it */
    .peak_f32 = KERNEL(peak, f32),
    .peak_f64 = KERNEL(peak, f64),
#endif
    .set = {
        [CF_I16] = ROW(i16, i16, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO_FFT),
        [CF_I32] = ROW(i32, i32, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO_FFT),
        [CF_I64] = ROW(i64, i64, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO_FFT),
        [CF_F32] = ROW(f32, f32, 1, KERNEL(winograd, f32), KERNEL(columns, f32), KERNEL(weave, f32), KERNEL(unweave, f32), IMAGE(image, f32),
                      IMAGE(spread, f32), IMAGE(image_taps, f32), FFT(f32)),
        [CF_F64] = ROW(f64, f64, 1, KERNEL(winograd, f64), KERNEL(columns, f64), KERNEL(weave, f64), KERNEL(unweave, f64), IMAGE(image, f64),
                      IMAGE(spread, f64), IMAGE(image_taps, f64), FFT(f64)),
        [CF_C64] = ROW(f32, c64, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO_FFT),
        [CF_C128] = ROW(f64, c128, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NO_FFT),
    },
};
