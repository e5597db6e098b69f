// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/finite_differences.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea::reference_test {

double gradient_error(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, const Tensor& dy,
                      const Tensor& gradient) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double eps = 0x1p-20;
  if (gradient.shape() != x.shape()) return infinity;

  double worst = 0;
  Tensor moved = x.to(host_memory());
  for (std::size_t i = 0; i < moved.span<double>().size(); ++i) {
    const double here = x.span<double>()[i];
    moved.span<double>()[i] = here + eps;
    const Tensor above = f(moved);
    moved.span<double>()[i] = here - eps;
    const Tensor below = f(moved);
    moved.span<double>()[i] = here;

    // Output by output: those that do not depend on x[i] cancel exactly instead of leaving their rounding errors.
    double numeric = 0;
    for (std::size_t j = 0; j < dy.span<double>().size(); ++j)
      numeric += dy.span<double>()[j] * (above.span<double>()[j] - below.span<double>()[j]) / (2 * eps);
    const double error = std::abs(numeric - gradient.span<double>()[i]) / (1e-8 + 1e-5 * std::abs(numeric));
    worst = std::max(worst, std::isfinite(error) ? error : infinity);
  }
  return worst;
}

}  // namespace fovea::reference_test
