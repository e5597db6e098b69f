// SPDX-License-Identifier: Apache-2.0
//
// Logarithm of softmax over each row of scores.
//
//   y[n,c]  = log(exp(x[n,c]) / sum over j of exp(x[n,j]))
//           = (x[n,c] - m) - log(sum over j of exp(x[n,j] - m))     m = max over j of x[n,j]
//   dx[n,c] = dy[n,c] - exp(y[n,c]) * sum over j of dy[n,j]
//
// The second form neither overflows nor takes the logarithm of a probability that has become 0.
// x, y, dy, dx [N,C]. T as in storage.h; computed in double. A NaN in a row makes the whole row NaN.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fovea::reference {

template <class T>
void log_softmax_forward(std::int64_t N, std::int64_t C, const T* x, T* y) {
  for (std::int64_t n = 0; n < N; ++n) {
    const T* scores = x + n * C;
    const double m = *std::max_element(scores, scores + C);
    double sum = 0;
    for (std::int64_t j = 0; j < C; ++j) sum += std::exp(scores[j] - m);
    for (std::int64_t c = 0; c < C; ++c) y[n * C + c] = static_cast<T>((scores[c] - m) - std::log(sum));
  }
}

template <class T>
void log_softmax_backward(std::int64_t N, std::int64_t C, const T* y, const T* dy, T* dx) {
  for (std::int64_t n = 0; n < N; ++n) {
    const T *y_row = y + n * C, *dy_row = dy + n * C;
    double sum = 0;
    for (std::int64_t j = 0; j < C; ++j) sum += dy_row[j];
    for (std::int64_t c = 0; c < C; ++c)
      dx[n * C + c] = static_cast<T>(dy_row[c] - std::exp(static_cast<double>(y_row[c])) * sum);
  }
}

}  // namespace fovea::reference
