// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "cli/bench_timing.h"
#include "cli/output.h"

namespace fovea::cli {

// What the device can do at best, measured on the device itself: the fastest of the repeats.
struct Ceilings {
  std::size_t copy_bytes = 0;    // of the source, larger than caches are
  double bytes_per_second = 0;   // read and written
  std::int64_t matrix_size = 0;  // n of the product of two n x n matrices
  double flops_per_second = 0;   // 2 n^3 for a product
};

// The copy goes through the backend's memory, the product through its operation `linear` on values stored as `dtype`.
Ceilings measure_ceilings(Backend& backend, const TimingOptions& options, DType dtype = DType::f32);
// The product by whichever of these is fastest, each with a size that fits it. Throws InputError where all refuse it.
Ceilings measure_ceilings(Backend& backend, const TimingOptions& options, DType dtype, std::span<Ops* const> products);

Json ceilings_json(const Ceilings& ceilings);

}  // namespace fovea::cli
