// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/rmsprop.h"

#include <cmath>

namespace fovea::reference {

template <class T>
void rmsprop_step(const RmspropOptions& options, std::int64_t elements, T* w, const T* g, T* v, T* b) {
  const RmspropFactors<T> f(options);
  for (std::int64_t i = 0; i < elements; ++i) {
    const T gradient = g[i] + f.weight_decay * w[i];
    v[i] = f.alpha * v[i] + f.rest * (gradient * gradient);
    b[i] = f.momentum * b[i] + gradient / (std::sqrt(v[i]) + f.epsilon);
    w[i] = w[i] - f.learning_rate * b[i];
  }
}

template void rmsprop_step<float>(const RmspropOptions&, std::int64_t, float*, const float*, float*, float*);
template void rmsprop_step<double>(const RmspropOptions&, std::int64_t, double*, const double*, double*, double*);

}  // namespace fovea::reference
