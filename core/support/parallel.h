// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>

namespace fovea {

// Threads used by parallel_for: by default the cores this process may run on (affinity and cgroup quota respected).
int thread_count();
// Sets it for the process; 0 restores the default. Throws InputError below 0 or above 1024.
void set_thread_count(int threads);

// Runs body(i) for every i in [0, count), the indices split into thread_count() contiguous parts. Each index is
// computed wholly by one thread, so results do not depend on the thread count. Nested calls run serially. The first
// exception thrown by a body is rethrown here.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace fovea
