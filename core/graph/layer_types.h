// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/graph/layer.h"

namespace fovea {

// Makes a layer whose options are read through the visitor.
using LayerFactory = std::function<std::shared_ptr<const Layer>(FieldVisitor&)>;

// The layer types that net files may name. A plain value: copy builtin(), add your own, pass it to read_net.
class LayerTypes {
 public:
  static LayerTypes builtin();
  // The losses, which no [[layer]] may be: layers that read predictions and labels or targets.
  static LayerTypes losses();
  void add(std::string type, LayerFactory factory) { factories_[std::move(type)] = std::move(factory); }
  const std::map<std::string, LayerFactory>& all() const { return factories_; }

 private:
  std::map<std::string, LayerFactory> factories_;
};

}  // namespace fovea
