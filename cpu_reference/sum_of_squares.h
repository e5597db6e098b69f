// SPDX-License-Identifier: Apache-2.0
//
//   sum = sum over i of x[i]^2
//
// in double and in the one order that core/ops/sum_of_squares.h fixes for all devices: lanes, halves, parts. x is float
// or double.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/ops/sum_of_squares.h"

namespace fovea::reference {

using SumLanes = std::array<double, static_cast<std::size_t>(sum_tree_lanes)>;

// Lane t takes lane t + 128, then t + 64, ..., then t + 1.
inline double sum_by_halves(SumLanes lanes) {
  for (std::size_t half = lanes.size() / 2; half > 0; half /= 2)
    for (std::size_t t = 0; t < half; ++t) lanes[t] += lanes[t + half];
  return lanes[0];
}

template <class T>
double sum_of_squares(std::int64_t elements, const T* x) {
  std::vector<double> parts;
  for (std::int64_t first = 0; first < elements; first += sum_part_elements) {
    SumLanes lanes{};
    const std::int64_t end = std::min(first + sum_part_elements, elements);
    for (std::int64_t row = first; row < end; row += sum_tree_lanes)
      for (std::int64_t t = 0; t < std::min(sum_tree_lanes, end - row); ++t) {
        const double value = x[row + t];
        lanes[static_cast<std::size_t>(t)] += value * value;
      }
    parts.push_back(sum_by_halves(lanes));
  }
  SumLanes lanes{};
  for (std::size_t p = 0; p < parts.size(); ++p) lanes[p % lanes.size()] += parts[p];
  return sum_by_halves(lanes);
}

}  // namespace fovea::reference
