// SPDX-License-Identifier: Apache-2.0
//
// oneDNN's threads are OpenMP's. Fovea's own loops use the same ones, so that a process never has two pools that compete
// for the cores.
#pragma once

namespace fovea {

// From here on parallel_for and parallel_ranges run on OpenMP's threads, in the whole process.
void share_openmp_threads();

// Tells OpenMP, for the calling thread, to use thread_count() threads, and returns that number. Call it before oneDNN
// creates or executes a primitive: the count may have been changed since, and a primitive is made for one count.
int use_openmp_threads();

}  // namespace fovea
