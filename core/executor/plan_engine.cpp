// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_engine.h"

#include "core/backend/device_list.h"
#include "core/support/error.h"

namespace fovea {

EngineChoice choose_engine(Backend& backend, const Node& node, Direction direction, DType dtype) {
  const std::string op(node.layer->op());
  try {
    EngineChoice choice = backend.choose(op, direction, node.engine);
    require(!is_16_bit(dtype) || choice.ops->stores_16_bits(op), [&] {
      return "engine '" + choice.engine + "' of device " + backend.name() + " computes " + op +
             " in float32 only, not in " + std::string(name_of(dtype)) + "; " +
             std::string(devices_with(Precision::bf16)) + " do";
    });
    return choice;
  } catch (const InputError& e) {
    throw InputError("layer '" + node.name + "': " + e.what());
  }
}

}  // namespace fovea
