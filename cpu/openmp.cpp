// SPDX-License-Identifier: Apache-2.0
#include "cpu/openmp.h"

#include <omp.h>

#include "core/support/parallel.h"

namespace fovea {
namespace {

// A loop over the parts and not one part per thread: OpenMP may give fewer threads than asked for.
void run_on_openmp(int parts, const std::function<void(int part)>& body) {
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int part = 0; part < parts; ++part) body(part);
}

}  // namespace

void share_openmp_threads() { set_parallel_runner(run_on_openmp); }

int use_openmp_threads() {
  const int threads = thread_count();
  omp_set_num_threads(threads);
  return threads;
}

}  // namespace fovea
