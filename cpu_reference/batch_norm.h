// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation: each channel is shifted and scaled to mean 0 and variance 1, then to a learned shift and scale.
//
//   mean[c] = 1/M sum x     variance[c] = 1/M sum (x - mean)^2     inverse_deviation[c] = 1 / sqrt(variance + epsilon)
//   z = (x - mean) * inverse_deviation                             y = z * weight[c] + bias[c]
//   dbias[c] = sum dy       dweight[c] = sum dy * z
//   dx = weight * inverse_deviation * (dy - dbias / M - z * dweight / M)    where the statistics come from x
//   dx = weight * inverse_deviation * dy                                    where they are constants
//
// x, y, dy, dx [N,C,positions], the others [C]; sums over M = N * positions values. T as in storage.h;
// computed in double.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/ops/batch_norm.h"
#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

// Calls f(i) for every element of channel c of [N,C,positions].
template <class F>
void for_each_of_channel(const BatchNormGeometry& g, std::int64_t c, F&& f) {
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t p = 0; p < g.positions; ++p) f((n * g.C + c) * g.positions + p);
}

// Moves the running statistics by `momentum` towards the batch's, the variance without its bias.
template <class T>
void batch_norm_forward(const BatchNormGeometry& g, const T* x, const Wide<T>* weight, const Wide<T>* bias,
                        Wide<T>* running_mean, Wide<T>* running_variance, T* y, Wide<T>* mean,
                        Wide<T>* inverse_deviation) {
  const double M = static_cast<double>(g.values()), momentum = g.momentum;
  parallel_for(g.C, [&](std::int64_t c) {
    double sum = 0, squares = 0;
    for_each_of_channel(g, c, [&](std::int64_t i) { sum += x[i]; });
    const double m = sum / M;
    for_each_of_channel(g, c, [&](std::int64_t i) { squares += (x[i] - m) * (x[i] - m); });
    const double variance = squares / M, inverse = 1 / std::sqrt(variance + g.epsilon);
    for_each_of_channel(g, c,
                        [&](std::int64_t i) { y[i] = static_cast<T>((x[i] - m) * inverse * weight[c] + bias[c]); });
    mean[c] = static_cast<Wide<T>>(m);
    inverse_deviation[c] = static_cast<Wide<T>>(inverse);
    running_mean[c] = static_cast<Wide<T>>((1 - momentum) * running_mean[c] + momentum * m);
    running_variance[c] =
        static_cast<Wide<T>>((1 - momentum) * running_variance[c] + momentum * variance * M / (M - 1));
  });
}

// dweight and dbias of one channel, in double.
struct BatchNormSums {
  double dweight = 0, dbias = 0;
};
template <class T>
BatchNormSums batch_norm_sums(const BatchNormGeometry& g, std::int64_t c, const T* x, double mean, double inverse,
                              const T* dy) {
  BatchNormSums sums;
  for_each_of_channel(g, c, [&](std::int64_t i) {
    sums.dweight += dy[i] * (x[i] - mean) * inverse;
    sums.dbias += dy[i];
  });
  return sums;
}

// dx may be null.
template <class T>
void batch_norm_backward(const BatchNormGeometry& g, const T* x, const Wide<T>* weight, const Wide<T>* mean,
                         const Wide<T>* inverse_deviation, const T* dy, T* dx, Wide<T>* dweight, Wide<T>* dbias) {
  const double M = static_cast<double>(g.values());
  parallel_for(g.C, [&](std::int64_t c) {
    const double m = mean[c], inverse = inverse_deviation[c];
    const BatchNormSums sums = batch_norm_sums(g, c, x, m, inverse, dy);
    dweight[c] = static_cast<Wide<T>>(sums.dweight);
    dbias[c] = static_cast<Wide<T>>(sums.dbias);
    if (dx == nullptr) return;
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double z = (x[i] - m) * inverse;
      dx[i] = static_cast<T>(weight[c] * inverse * (dy[i] - sums.dbias / M - z * sums.dweight / M));
    });
  });
}

template <class T>
void batch_norm_inference(const BatchNormGeometry& g, const T* x, const Wide<T>* weight, const Wide<T>* bias,
                          const Wide<T>* running_mean, const Wide<T>* running_variance, T* y) {
  parallel_for(g.C, [&](std::int64_t c) {
    const double m = running_mean[c], inverse = 1 / std::sqrt(static_cast<double>(running_variance[c]) + g.epsilon);
    for_each_of_channel(g, c,
                        [&](std::int64_t i) { y[i] = static_cast<T>((x[i] - m) * inverse * weight[c] + bias[c]); });
  });
}

// dx may be null.
template <class T>
void batch_norm_inference_backward(const BatchNormGeometry& g, const T* x, const Wide<T>* weight,
                                   const Wide<T>* running_mean, const Wide<T>* running_variance, const T* dy, T* dx,
                                   Wide<T>* dweight, Wide<T>* dbias) {
  parallel_for(g.C, [&](std::int64_t c) {
    const double m = running_mean[c], inverse = 1 / std::sqrt(static_cast<double>(running_variance[c]) + g.epsilon);
    const BatchNormSums sums = batch_norm_sums(g, c, x, m, inverse, dy);
    dweight[c] = static_cast<Wide<T>>(sums.dweight);
    dbias[c] = static_cast<Wide<T>>(sums.dbias);
    if (dx == nullptr) return;
    for_each_of_channel(g, c, [&](std::int64_t i) { dx[i] = static_cast<T>(weight[c] * inverse * dy[i]); });
  });
}

}  // namespace fovea::reference
