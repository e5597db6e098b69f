// SPDX-License-Identifier: Apache-2.0
#include "cpu/cpu_ops.h"

namespace fovea {

bool CpuOps::provides(std::string_view) const { return false; }

}  // namespace fovea
