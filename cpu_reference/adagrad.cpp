// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/adagrad.h"

#include <cmath>

namespace fovea::reference {

template <class T>
void adagrad_step(const AdagradOptions& options, std::int64_t elements, T* w, const T* g, T* v) {
  const AdagradFactors<T> f(options);
  for (std::int64_t i = 0; i < elements; ++i) {
    const T gradient = g[i] + f.weight_decay * w[i];
    v[i] = v[i] + gradient * gradient;
    w[i] = w[i] - f.learning_rate * (gradient / (std::sqrt(v[i]) + f.epsilon));
  }
}

template void adagrad_step<float>(const AdagradOptions&, std::int64_t, float*, const float*, float*);
template void adagrad_step<double>(const AdagradOptions&, std::int64_t, double*, const double*, double*);

}  // namespace fovea::reference
