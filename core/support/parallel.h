// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>

namespace fovea {

// Threads used by parallel_for: by default the cores this process may run on (affinity and cgroup quota respected).
int thread_count();
// Sets it for the process; 0 restores the default. Throws InputError below 0 or above 1024.
void set_thread_count(int threads);

// Runs body(begin, end) for contiguous ranges that together are [0, count): at most thread_count() of them, none shorter
// than `grain` unless it is the only one. For loops whose body is too little work for a call. What holds for parallel_for
// holds here; the ranges do depend on the thread count.
void parallel_ranges(std::int64_t count, std::int64_t grain,
                     const std::function<void(std::int64_t begin, std::int64_t end)>& body);

// Runs body(i) for every i in [0, count), the indices split into thread_count() contiguous parts. Each index is
// computed wholly by one thread, so results do not depend on the thread count. Nested calls run serially. The first
// exception thrown by a body is rethrown here.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

// Who runs the parts: calls body(part) once for every part in [0, parts), on as many threads as it has, and returns when
// all are done. `body` does not throw.
using ParallelRunner = void (*)(int parts, const std::function<void(int part)>& body);
// For a backend whose library brings threads of its own: the loops above then run on those, so that a process never has
// two pools. Null restores Fovea's own threads. Not to be called from within a loop.
void set_parallel_runner(ParallelRunner runner);

}  // namespace fovea
