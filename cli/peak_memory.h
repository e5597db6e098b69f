// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>

namespace fovea::cli {

// The most memory that this process had resident at once, since its start or the last forget_peak_memory(). Nothing
// where the system does not tell.
std::optional<std::size_t> peak_memory();
// Starts anew from what is resident now; does nothing where the system cannot.
void forget_peak_memory();

}  // namespace fovea::cli
