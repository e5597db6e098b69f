// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/tolerance/uncertain.h"

namespace fovea {

// How far a computed tensor is from the truth, in units of its bound.
struct Deviation {
  double worst_ratio = 0;         // |actual - truth| / tolerance; infinity for an error where none is allowed
  std::int64_t worst_index = -1;  // flat; -1 when every element is exact
  bool ok() const { return worst_ratio <= 1; }
};

// `actual`: a host tensor of any dtype in the truth's shape; to the tolerance is added what storing in 16 bits rounds
// (core/tolerance/bound.h). NaN and infinity must match in kind and sign, whatever
// the tolerance. Throws InputError when the shapes differ.
Deviation measure(const Tensor& actual, const Uncertain& truth);

// Largest differences between two tensors of one shape; equal non-finite values count as 0, others as infinity.
struct Difference {
  double max_abs = 0;
  double max_rel = 0;  // |a - b| / max(|a|, |b|)
};
Difference difference(const Tensor& a, const Tensor& b);

}  // namespace fovea
