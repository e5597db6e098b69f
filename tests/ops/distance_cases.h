// SPDX-License-Identifier: Apache-2.0
//
// Rows of two matrices for distance, as a layer of the tests' own: so the harness of layers runs them.
#pragma once
#include <memory>

#include "core/support/error.h"
#include "core/tolerance/distance.h"
#include "tests/support/layer_test.h"
#include "tests/support/random_pick.h"

namespace fovea::test {

// Inputs a [M, D] and b [N, D], output [M, N].
class DistanceLayer final : public Layer {
 public:
  explicit DistanceLayer(DistanceNorm norm) : norm_(norm) {}

  std::string_view type() const override { return "distance"; }
  void describe(FieldVisitor& visitor) const override {
    DistanceNorm norm = norm_;
    field(visitor, "norm", norm, Presence::optional, distance_norm_names);
  }
  int input_count() const override { return 2; }
  std::string input_name(int i) const override { return i == 0 ? "a" : "b"; }
  bool differentiable(int) const override { return false; }
  Shape output_shape(Shapes inputs) const override { return {inputs[0][0], inputs[1][0]}; }
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops& ops, const ForwardArgs& args) const override {
    ops.distance_forward(norm_, args.inputs[0], args.inputs[1], args.output);
  }
  void backward(Ops&, const BackwardArgs&) const override {}
  void forward_tolerance(ForwardToleranceArgs& args) const override {
    args.output.tolerance = distance_tolerance(norm_, args.inputs[0].value, args.inputs[1].value, args.output.value);
  }
  void backward_tolerance(BackwardToleranceArgs&) const override {}

 private:
  DistanceNorm norm_;
};

inline LayerCase distance_case(std::string name, std::string why, DistanceNorm norm, std::int64_t M, std::int64_t N,
                               std::int64_t D, bool small = false) {
  return {.name = std::move(name),
          .why = std::move(why),
          .layer = std::make_shared<DistanceLayer>(norm),
          .inputs = {{M, D}, {N, D}},
          .exact_forward = norm == DistanceNorm::l1,  // a root is seldom a whole number
          .small = small};
}

inline std::vector<LayerCase> distance_cases() {
  std::vector<LayerCase> cases;
  const struct {
    const char *name, *why;
    std::int64_t M, N, D;
    bool small = false;
  } shapes[] = {
      {"Digits", "a few test images against some training images", 5, 70, 784},
      {"OneNumber", "one number against one number", 1, 1, 1, true},
      {"OneRow", "one test image", 1, 65, 17, true},
      {"OneColumn", "one training image", 67, 1, 9},
      {"Tile63", "one row and column less than a tile", 63, 63, 5},
      {"Tile64", "exactly a tile and a slice", 64, 64, 16},
      {"Tile65", "one row and column more than a tile, one depth more than a slice", 65, 65, 17, true},
      {"Depth15", "one depth less than a slice", 3, 4, 15, true},
      {"Depth31", "one depth less than two slices", 3, 4, 31},
      {"Depth1", "a line", 9, 130, 1},
      {"Cifar", "as long as a CIFAR image", 3, 7, 3072},
      {"Rectangle", "more rows than columns", 130, 9, 33},
  };
  for (const auto& s : shapes) {
    cases.push_back(distance_case(std::string(s.name) + "L1", s.why, DistanceNorm::l1, s.M, s.N, s.D, s.small));
    cases.push_back(distance_case(std::string(s.name) + "L2", s.why, DistanceNorm::l2, s.M, s.N, s.D, s.small));
  }
  // Near neighbours: |a|^2 - 2 a b + |b|^2 would lose every digit.
  for (const DistanceNorm norm : {DistanceNorm::l1, DistanceNorm::l2}) {
    LayerCase near = distance_case(norm == DistanceNorm::l1 ? "NearL1" : "NearL2",
                                   "differences are small beside the values", norm, 5, 6, 40);
    near.fills = {{.low = 99.99f, .high = 100.01f}, {.low = 99.99f, .high = 100.01f}};
    cases.push_back(std::move(near));
  }
  return cases;
}

inline LayerCase random_distance_case(RandomStream& random) {
  const DistanceNorm norm = pick_bool(random) ? DistanceNorm::l1 : DistanceNorm::l2;
  const std::int64_t M = pick(random, 1, 80), N = pick(random, 1, 80);
  return distance_case("Distance", {}, norm, M, N, pick(random, 1, 60));
}

}  // namespace fovea::test
