// SPDX-License-Identifier: Apache-2.0
//
// How people write digits: the pen's path for each way of writing each digit.
#pragma once
#include <cstddef>
#include <span>

namespace fovea {

// A point that the pen passes, x to the right and y down in a box of about 1 x 1, in two extremes of one way of
// writing; a sample lies somewhere between them. A point given twice in a row is a corner.
struct StrokePoint {
  float x0, y0, x1, y1;
  bool lift = false;  // the pen leaves the paper after this point
};

inline constexpr std::size_t digit_style_max_points = 20;

struct WritingStyle {
  int digit;
  float weight;  // how often, relative to the digit's other styles
  std::span<const StrokePoint> points;
};

std::span<const WritingStyle> writing_styles();  // grouped by digit, 0 first

}  // namespace fovea
