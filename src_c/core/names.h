/* Names of what the library's own files share: one prefix for all of them, so that nothing else leaves the library. */
#ifndef CF_NAMES_H
#define CF_NAMES_H

#include "../corrfast.h"

#define CF_CAT_(a, b) a##b
#define CF_CAT(a, b) CF_CAT_(a, b)
#ifdef CORRFAST_PREFIX
#define CF_NAME(x) CF_CAT(CORRFAST_PREFIX, x)
#else
#define CF_NAME(x) corrfast_##x
#endif

#define cf_shape_make CF_NAME(_shape_make)
#define cf_input_roles CF_NAME(_input_roles)
#define cf_input_phase CF_NAME(_input_phase)
#define cf_choose_parts CF_NAME(_choose_parts)
#define cf_choose_channels CF_NAME(_choose_channels)
#define cf_dtype_of CF_NAME(_dtype_of)
#define cf_all_finite CF_NAME(_all_finite)
#define cf_is_zero CF_NAME(_is_zero)
#define cf_widen CF_NAME(_widen)
#define cf_narrow CF_NAME(_narrow)
#define cf_fold_add CF_NAME(_fold_add)
#define cf_border_index CF_NAME(_border_index)
#define cf_copy_strided CF_NAME(_copy_strided)
#define cf_fill CF_NAME(_fill)
#define cf_pack_line CF_NAME(_pack_line)
#define cf_pack_lines CF_NAME(_pack_lines)
#define cf_slab_make CF_NAME(_slab_make)
#define cf_slab_channel CF_NAME(_slab_channel)
#define cf_slab_lines_bytes CF_NAME(_slab_lines_bytes)
#define cf_slab_fill CF_NAME(_slab_fill)
#define cf_slab_in_place CF_NAME(_slab_in_place)
#define cf_slab_tap CF_NAME(_slab_tap)
#define cf_slab_terms CF_NAME(_slab_terms)
#define cf_slab_parts CF_NAME(_slab_parts)
#define cf_transform_tiles CF_NAME(_transform_tiles)
#define cf_tile_axis CF_NAME(_tile_axis)
#define cf_choose_tiles CF_NAME(_choose_tiles)
#define cf_choose_block CF_NAME(_choose_block)
#define cf_planes_put CF_NAME(_planes_put)
#define cf_planes_take CF_NAME(_planes_take)
#define cf_roots CF_NAME(_roots)
#define cf_blocks_choose CF_NAME(_blocks_choose)
#define cf_blocks_least CF_NAME(_blocks_least)
#define cf_factors_find CF_NAME(_factors_find)
#define cf_factors_write CF_NAME(_factors_write)
#define cf_plan_make CF_NAME(_plan_make)
#define cf_plan_child CF_NAME(_plan_child)
#define cf_plan_report CF_NAME(_plan_report)
#define cf_run_short CF_NAME(_run_short)
#define cf_plan_run CF_NAME(_plan_run)
#define cf_plan_packed CF_NAME(_plan_packed)
#define cf_method_direct CF_NAME(_method_direct)
#define cf_padding_needs_care CF_NAME(_padding_needs_care)
#define cf_kernel_is_finite CF_NAME(_kernel_is_finite)
#define cf_run_with_care CF_NAME(_run_with_care)
#define cf_method_gemm CF_NAME(_method_gemm)
#define cf_method_gemm_gradient CF_NAME(_method_gemm_gradient)
#define cf_method_winograd CF_NAME(_method_winograd)
#define cf_method_winograd_gradient CF_NAME(_method_winograd_gradient)
#define cf_method_depthwise CF_NAME(_method_depthwise)
#define cf_method_depthwise_input CF_NAME(_method_depthwise_input)
#define cf_method_depthwise_gradient CF_NAME(_method_depthwise_gradient)
#define cf_method_dots CF_NAME(_method_dots)
#define cf_method_adjoint CF_NAME(_method_adjoint)
#define cf_method_swapped CF_NAME(_method_swapped)
#define cf_method_separable CF_NAME(_method_separable)
#define cf_method_fft CF_NAME(_method_fft)
#define cf_method_reference CF_NAME(_method_reference)
#define cf_cpu_features CF_NAME(_cpu_features)
#define cf_cpu_meets_baseline CF_NAME(_cpu_meets_baseline)
#define cf_kernels_get CF_NAME(_kernels_get)
#define cf_kernels_of CF_NAME(_kernels_of)
#define cf_threads_start CF_NAME(_threads_start)
#define cf_threads_for CF_NAME(_threads_for)
#define cf_run_pieces CF_NAME(_run_pieces)
#define cf_poll CF_NAME(_poll)
#define cf_inner_begin CF_NAME(_inner_begin)
#define cf_inner_end CF_NAME(_inner_end)
#define cf_memory_take CF_NAME(_memory_take)
#define cf_memory_give CF_NAME(_memory_give)
#define cf_memory_reserve CF_NAME(_memory_reserve)
#define cf_memory_unreserve CF_NAME(_memory_unreserve)

#if defined(__GNUC__) && !defined(_WIN32)
#define CF_HIDDEN __attribute__((visibility("hidden")))
#else
#define CF_HIDDEN
#endif

#endif
