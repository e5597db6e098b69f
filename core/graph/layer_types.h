// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/layer.h"

namespace fovea {

// Makes a layer whose options are read through the visitor.
using LayerFactory = std::function<std::shared_ptr<const Layer>(FieldVisitor&)>;

// What docs/ops.md and `fovea op --list` say about a type, and options and shapes to show it by.
struct LayerExample {
  std::string summary;        // one line
  std::string params = "{}";  // JSON
  std::vector<Shape> inputs;  // the batch included
};

// The types that net files may name. A plain value: copy builtin(), add your own, pass it to read_net.
class LayerTypes {
 public:
  static LayerTypes builtin();
  // Those of the [loss] table: layers that read {logits, labels} or {logits, targets} (Graph::set_loss).
  static LayerTypes losses();
  void add(std::string type, LayerFactory factory, LayerExample example = {}) {
    examples_[type] = std::move(example);
    factories_[std::move(type)] = std::move(factory);
  }
  // All of `more` besides; of equal names, those.
  void add(const LayerTypes& more);
  const std::map<std::string, LayerFactory>& all() const { return factories_; }
  const LayerExample& example(const std::string& type) const { return examples_.at(type); }

 private:
  std::map<std::string, LayerFactory> factories_;
  std::map<std::string, LayerExample> examples_;
};

}  // namespace fovea
