// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/bias.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void bias_gradient_tolerance(Ops& exact, const Uncertain& dy, Uncertain& dbias) {
  if (dbias.value.empty()) return;
  const auto total = [&](const Tensor& t) {  // the reference needs no workspace
    Tensor sum = make_tolerance(dbias.value);
    exact.bias_gradient(t.view(), sum.view(), {});
    return sum;
  };
  const Tensor squares = total(squared(dy.value));
  const Tensor propagated = dy.tolerance.empty() ? Tensor{} : total(squared(dy.tolerance));
  const double addends = static_cast<double>(dy.value.elements() / dbias.value.elements());
  dbias.tolerance = make_tolerance(dbias.value);
  const auto out = dbias.tolerance.span<double>();
  for (std::size_t k = 0; k < out.size(); ++k) {
    const double own = sum_tolerance(addends, dbias.value.span<double>()[k], squares.span<double>()[k]);
    out[k] = std::sqrt(own * own + (propagated.empty() ? 0 : propagated.span<double>()[k]));
  }
}

}  // namespace fovea
