// SPDX-License-Identifier: Apache-2.0
//
// The engine "onednn": what oneDNN computes, and loops of our own for what it lacks.
#pragma once
#include <string_view>

#include "cpu_reference/reference_ops.h"

namespace fovea {

class CpuOps : public ReferenceOps {
 public:
  // Which operations are this engine's own. The others are inherited from the reference so that the class is complete;
  // CpuBackend names the reference for them and never calls them here.
  bool provides(std::string_view op) const;
};

}  // namespace fovea
