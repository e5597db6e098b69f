// SPDX-License-Identifier: Apache-2.0
//
// Batches of images for the passes of augmentation. Sizes matter to their kernels: 256 pixels make a block, 8 elements
// share a random block, and a neighbour may lie beyond each edge.
#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct AugmentCase {
  const char* name;
  const char* why;
  Shape images;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const AugmentCase& c) {
  return out << c.name << " (" << c.why << "), " << c.images.to_string();
}

inline const std::vector<AugmentCase>& augment_cases() {
  static const std::vector<AugmentCase> cases{
      {"OnePixel", "every neighbour is beyond the edge", {3, 3, 1, 1}, true},
      {"OneRow", "nothing above or below", {2, 3, 1, 19}, true},
      {"OneColumn", "nothing left or right", {2, 1, 23, 1}, true},
      {"Grey", "one channel, odd sides, a random block shared by nobody", {4, 1, 9, 7}, true},
      {"TwoChannels", "neither grey nor colours", {2, 2, 5, 6}},
      {"Colours", "odd sides", {3, 3, 13, 11}, true},
      {"Wide", "longer than high", {2, 3, 6, 33}},
      {"Block", "exactly a block of pixels in a sample", {2, 3, 16, 16}},
      {"Blocks", "samples that end within a block", {5, 3, 29, 31}},
  };
  return cases;
}

}  // namespace fovea::test
