// SPDX-License-Identifier: Apache-2.0
//
// Softmax: turns each row of scores into probabilities.
//
//   y[n,c]  = exp(x[n,c]) / sum over j of exp(x[n,j])
//           = exp(x[n,c] - m) / sum over j of exp(x[n,j] - m)     m = max over j of x[n,j], so that exp cannot overflow
//   dx[n,c] = y[n,c] * (dy[n,c] - sum over j of dy[n,j] * y[n,j])
//
// x, y, dy, dx [N,C]. T as in storage.h; computed in double. A NaN in a row makes the whole row NaN.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fovea::reference {

template <class T>
void softmax_forward(std::int64_t N, std::int64_t C, const T* x, T* y) {
  for (std::int64_t n = 0; n < N; ++n) {
    const T* scores = x + n * C;
    const double m = *std::max_element(scores, scores + C);
    double sum = 0;
    for (std::int64_t j = 0; j < C; ++j) sum += std::exp(scores[j] - m);
    for (std::int64_t c = 0; c < C; ++c) y[n * C + c] = static_cast<T>(std::exp(scores[c] - m) / sum);
  }
}

template <class T>
void softmax_backward(std::int64_t N, std::int64_t C, const T* y, const T* dy, T* dx) {
  for (std::int64_t n = 0; n < N; ++n) {
    const T *y_row = y + n * C, *dy_row = dy + n * C;
    double sum = 0;
    for (std::int64_t j = 0; j < C; ++j) sum += static_cast<double>(dy_row[j]) * y_row[j];
    for (std::int64_t c = 0; c < C; ++c) dx[n * C + c] = static_cast<T>(y_row[c] * (dy_row[c] - sum));
  }
}

}  // namespace fovea::reference
