// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/mean_loss.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void mean_loss_tolerance(const Uncertain& losses, double total, double total_tolerance, Uncertain& loss) {
  double squares = 0, errors = 0;
  for (std::int64_t n = 0; n < losses.value.elements(); ++n) {
    squares += std::pow(values(losses.value)[static_cast<std::size_t>(n)], 2);
    errors += std::pow(tolerance_at(losses, n), 2);
  }
  const double count = static_cast<double>(losses.value.elements()), mean = values(loss.value)[0];
  const double own = sum_tolerance(count, mean, squares / (total * total)) +
                     std::abs(mean) * (operation_bound + total_tolerance / total);
  loss.tolerance = make_tolerance(loss.value);
  loss.tolerance.span<double>()[0] = std::hypot(own, std::sqrt(errors) / total);
}

void mean_loss_tolerance(const Uncertain& losses, Uncertain& loss) {
  mean_loss_tolerance(losses, static_cast<double>(losses.value.elements()), 0, loss);
}

}  // namespace fovea
