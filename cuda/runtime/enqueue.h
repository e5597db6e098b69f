// SPDX-License-Identifier: Apache-2.0
//
// Work that somebody else's library puts on a stream (target cuda only), with the bookkeeping of launch(): refused on a
// lost device, on the stream's device, counted as one launch, named to the profiler and in the report of a later fault,
// and waited for when FOVEA_SYNC=1.
#pragma once
#include <functional>

#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// `name` must be a literal. What `work` throws is passed on.
void enqueue(Stream& stream, const char* name, const std::function<void()>& work);

// For calls that belong to the stream's device but put no work on it, such as planning.
void on_device(const Stream& stream, const std::function<void()>& work);

}  // namespace fovea::FOVEA_TARGET
