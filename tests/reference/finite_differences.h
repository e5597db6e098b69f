// SPDX-License-Identifier: Apache-2.0
//
// Central differences in float64. For L(x) = sum over j of dy[j] * f(x)[j],
//
//   dL/dx[i] = (L(x + eps e_i) - L(x - eps e_i)) / (2 eps) + O(eps^2)
#pragma once
#include <functional>

#include "core/tensor/tensor.h"

namespace fovea::reference_test {

// The largest |numeric - gradient[i]| / (1e-8 + 1e-5 |numeric|) over all elements i of `x`, with eps = 2^-20; the
// gradient is right when it is at most 1. Infinity when a number is not finite or `gradient` has another shape.
// `x`, `dy` and `gradient` are float64; f is evaluated twice per element of x.
double gradient_error(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, const Tensor& dy,
                      const Tensor& gradient);

}  // namespace fovea::reference_test
