// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cuda/runtime/target.h"

#if FOVEA_EMU
#include "cuda/emu/vector_types.h"
#else
#include <vector_types.h>
namespace fovea::FOVEA_TARGET {
using ::dim3;
}
#endif
