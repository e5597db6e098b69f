// SPDX-License-Identifier: Apache-2.0
#include "core/ops/lrn.h"

#include <fmt/core.h>

#include <cmath>

#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::array<std::pair<LrnRegion, std::string_view>, 2> region_words{
    {{LrnRegion::across, "across"}, {LrnRegion::within, "within"}}};

}  // namespace

void fields(FieldVisitor& visitor, LrnOptions& options) {
  visitor.field("size", options.size, Presence::optional, at_least(1));
  visitor.field("alpha", options.alpha, Presence::optional, non_negative_real);
  visitor.field("beta", options.beta, Presence::optional, non_negative_real);
  visitor.field("k", options.k, Presence::optional, positive_real);
  field(visitor, "region", options.region, Presence::optional, region_words);
  visitor.field("divide_by_size", options.divide_by_size, Presence::optional);
}

LrnGeometry lrn_geometry(const LrnOptions& options, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(options.size >= 1, [&] { return fmt::format("size: expected at least 1, got {}", options.size); });
  const auto finite = [](double value) { return std::isfinite(static_cast<float>(value)); };
  require(options.alpha >= 0 && finite(options.alpha),
          [&] { return fmt::format("alpha: expected a number of at least 0, got {}", options.alpha); });
  require(options.beta >= 0 && finite(options.beta),
          [&] { return fmt::format("beta: expected a number of at least 0, got {}", options.beta); });
  // At k = 0 a neighbourhood of zeros would be divided by zero.
  require(static_cast<float>(options.k) > 0 && finite(options.k),
          [&] { return fmt::format("k: expected a number above 0, got {}", options.k); });

  const bool across = options.region == LrnRegion::across;
  const double size = static_cast<double>(options.size);
  LrnGeometry g{};
  g.N = x[0], g.C = x[1], g.H = x[2], g.W = x[3];
  g.before = across ? options.size / 2 : (options.size - 1) / 2;
  g.after = options.size - 1 - g.before;
  const double divisor = !options.divide_by_size ? 1 : across ? size : size * size;
  g.a = static_cast<float>(options.alpha / divisor);
  g.beta = static_cast<float>(options.beta);
  g.k = static_cast<float>(options.k);
  g.region = options.region;
  return g;
}

}  // namespace fovea
