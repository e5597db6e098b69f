// SPDX-License-Identifier: Apache-2.0
//
// Dense layers that tests and benchmarks share. The tiled product owns tiles of 64 x 64 results and takes 16 products
// at a time: 63, 64 and 65 (15, 16 and 17) stand before, at and after an edge, in each of the three extents.
#pragma once
#include <ostream>
#include <vector>

#include "core/ops/linear.h"

namespace fovea::test {

struct LinearCase {
  const char* name;
  const char* why;
  Shape x;
  LinearOptions options;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const LinearCase& c) {
  return out << c.name << " (" << c.why << "), x " << c.x.to_string();
}

inline const std::vector<LinearCase>& linear_cases() {
  static const std::vector<LinearCase> cases{
      {"LeNetFc1", "the first dense layer of lenet5", {4, 16, 5, 5}, {.out_features = 120}},
      {"LeNetFc3", "the last dense layer of lenet5", {16, 84}, {.out_features = 10}},
      {"MlpFc1", "the first layer of mlp", {2, 784}, {.out_features = 128}},
      {"Single", "one product", {1, 1}, {.out_features = 1}, true},
      {"BatchOne", "inference on one sample", {1, 37}, {.out_features = 11}, true},
      {"OneFeature", "a sum of one product", {5, 1}, {.out_features = 7}},
      {"OneOutput", "a single column", {9, 33}, {.out_features = 1}},
      {"NoBias", "the bias is optional", {3, 20}, {.out_features = 9, .bias = false}, true},
      {"Tails63", "just below a tile everywhere", {63, 63}, {.out_features = 63}},
      {"Tiles64", "exactly one tile everywhere", {64, 64}, {.out_features = 64}},
      {"Tails65", "just above a tile everywhere", {65, 65}, {.out_features = 65}},
      {"BatchTail65", "rows beyond a tile", {65, 7}, {.out_features = 5}, true},
      {"OutputTail129", "columns beyond two tiles", {3, 7}, {.out_features = 129}},
      {"Depth15", "one product less than a slice", {4, 15}, {.out_features = 6}},
      {"Depth16", "exactly a slice", {4, 16}, {.out_features = 6}},
      {"Depth17", "one product more than a slice", {4, 17}, {.out_features = 6}, true},
      {"Depth32", "exactly two slices", {4, 32}, {.out_features = 6}},
      {"Depth33", "a third slice of one product", {4, 33}, {.out_features = 6}},
      {"LongBatch", "513 samples per weight gradient", {513, 5}, {.out_features = 3}},
      {"OddEverywhere", "no extent is a power of two", {13, 29}, {.out_features = 23}},
      {"LongReduction", "9,216 products per output, as in AlexNet's fc6", {2, 9216}, {.out_features = 3}},
  };
  return cases;
}

}  // namespace fovea::test
