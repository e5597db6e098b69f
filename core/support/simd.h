// SPDX-License-Identifier: Apache-2.0
#pragma once

// In front of a function: compiles it for AVX-512, for AVX2 and for any x86-64; the processor that runs it picks one.
// For plain loops over [begin, end) that the compiler vectorises. The body of a parallel loop is a function of its own to
// the compiler, and a lambda too: put the loop into a function that they call.
//
// Empty where there is no such thing: clang 14 has it, but not for templates, and gives the functions that choose global
// names even where the loops are local to a file. FOVEA_NO_SIMD_CLONES leaves them out to compile faster.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(FOVEA_NO_SIMD_CLONES)
#define FOVEA_SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOVEA_SIMD_CLONES
#endif
