// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/sgd.h"

namespace fovea::reference {

template <class T>
void sgd_step(const SgdOptions& options, std::int64_t elements, T* w, const T* g, T* v) {
  const T learning_rate = options.learning_rate, momentum = options.momentum, weight_decay = options.weight_decay;
  for (std::int64_t i = 0; i < elements; ++i) {
    const T gradient = g[i] + weight_decay * w[i];
    v[i] = momentum * v[i] + gradient;
    const T direction = options.nesterov ? gradient + momentum * v[i] : v[i];
    w[i] = w[i] - learning_rate * direction;
  }
}

template void sgd_step<float>(const SgdOptions&, std::int64_t, float*, const float*, float*);
template void sgd_step<double>(const SgdOptions&, std::int64_t, double*, const double*, double*);

}  // namespace fovea::reference
