/* Undefines what an isa_*.c file defined, so that several can stand in one translation unit. */
#undef CF_SUFFIX
#undef CF_ISA_NAME
#undef V_
#undef LANES_f32
#undef LANES_f64
#undef LANES_i16
#undef LANES_i32
#undef LANES_i64
#undef FLOAT_ADD
#undef KERNELS
#undef KERNEL
#undef ROW
