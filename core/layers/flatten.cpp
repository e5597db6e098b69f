// SPDX-License-Identifier: Apache-2.0
#include "core/layers/flatten.h"

#include "core/support/error.h"

namespace fovea {

Shape Flatten::output_shape(Shapes inputs) const {
  require(inputs[0].rank() >= 2, [&] { return "expected an input [N, ...], got " + inputs[0].to_string(); });
  return {inputs[0][0], inputs[0].without_batch().elements()};
}

}  // namespace fovea
