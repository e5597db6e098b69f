// SPDX-License-Identifier: Apache-2.0
//
// A layer type from outside the library, with a field of every kind that net files know.
#pragma once
#include <memory>
#include <string>

#include "core/graph/layer.h"
#include "core/graph/layer_types.h"
#include "core/ops/fields.h"

namespace fovea::test {

struct OwnOptions {
  std::int64_t count = 7;
  Size2 size = 3;
  Padding2 margin = 1;
  bool fast = true;
  double scale = 0.5;
  std::string mode = "plain";
};

inline void fields(FieldVisitor& visitor, OwnOptions& o) {
  visitor.field("count", o.count, Presence::optional, IntRange{.low = -3, .high = 9});
  visitor.field("size", o.size, Presence::optional, at_least(1));
  visitor.field("margin", o.margin, Presence::optional, at_least(0));
  visitor.field("fast", o.fast, Presence::optional);
  visitor.field("scale", o.scale, Presence::optional);
  visitor.field("mode", o.mode, Presence::optional);
}

class OwnLayer final : public Layer {
 public:
  explicit OwnLayer(OwnOptions options) : options_(std::move(options)) {}
  const OwnOptions& options() const { return options_; }
  std::string_view type() const override { return "own"; }
  void describe(FieldVisitor& visitor) const override {
    OwnOptions copy = options_;
    fields(visitor, copy);
  }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops&, const ForwardArgs&) const override {}
  void backward(Ops&, const BackwardArgs&) const override {}
  void forward_tolerance(ForwardToleranceArgs&) const override {}
  void backward_tolerance(BackwardToleranceArgs&) const override {}

 private:
  OwnOptions options_;
};

inline LayerTypes types_with_own() {
  LayerTypes types = LayerTypes::builtin();
  types.add("own", [](FieldVisitor& visitor) {
    OwnOptions options;
    fields(visitor, options);
    return std::make_shared<const OwnLayer>(options);
  });
  return types;
}

}  // namespace fovea::test
