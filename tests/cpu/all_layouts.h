// SPDX-License-Identifier: Apache-2.0
//
// Every layout that the cpu device computes in.
#pragma once
#include "core/tensor/layout.h"

namespace fovea::test {

inline constexpr Layout all_layouts[] = {Layout::nchw, Layout::nhwc, Layout::nchw8c, Layout::nchw16c};

}  // namespace fovea::test
