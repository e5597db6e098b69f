// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/dispatch.h"

#include <fmt/core.h>

namespace fovea::reference {

void check_labels(const Arguments& arguments, const ConstView& labels, const Shape& shape, std::int64_t classes) {
  arguments.check("labels", labels, shape, DType::i32);
  const std::int32_t* label = data_as<std::int32_t>(labels);
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    if (label[i] < 0 || label[i] >= classes)
      arguments.fail(fmt::format("labels[{}]: expected 0 to {}, got {}", i, classes - 1, label[i]));
}

}  // namespace fovea::reference
