// SPDX-License-Identifier: Apache-2.0
#include "cpu_reference/adam.h"

#include <cmath>

namespace fovea::reference {

template <class T>
void adam_step(const AdamOptions& options, std::int64_t elements, T* w, const T* g, T* m, T* v) {
  const AdamFactors<T> f(options);
  for (std::int64_t i = 0; i < elements; ++i) {
    const T gradient = options.decoupled ? g[i] : g[i] + f.added_decay * w[i];
    m[i] = m[i] + f.rest1 * (gradient - m[i]);
    v[i] = f.beta2 * v[i] + f.rest2 * (gradient * gradient);
    const T kept = options.decoupled ? f.keep * w[i] : w[i];
    w[i] = kept - f.rate * (m[i] / (std::sqrt(v[i]) / f.root2 + f.epsilon));
  }
}

template void adam_step<float>(const AdamOptions&, std::int64_t, float*, const float*, float*, float*);
template void adam_step<double>(const AdamOptions&, std::int64_t, double*, const double*, double*, double*);

}  // namespace fovea::reference
