// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation (core/ops/batch_norm.h) in lanes. One task is one block of up to 16 channels over the whole batch:
// its sums, in double, then its results, while the block is still in the cache. A ReLU on the way costs nothing.
#include <cmath>

#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/lanes.h"

namespace fovea {
namespace {

using cpu::Lanes;
using cpu::max_lanes;

// One block of channels of one sample.
struct Strip {
  std::int64_t positions, step;
  int lanes;
};

struct Constants {
  float mean[max_lanes] = {}, inverse[max_lanes] = {}, weight[max_lanes] = {}, bias[max_lanes] = {};
};

FOVEA_SIMD_CLONES void add_sums(const Strip& strip, const float* x, double* sum) {
  cpu::for_lane_groups(
      strip.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        double total[lanes] = {};
        for (std::int64_t i = 0; i < strip.positions; ++i)
          for (int l = 0; l < lanes; ++l) total[l] += static_cast<double>(x[i * strip.step + first + l]);
        for (int l = 0; l < lanes; ++l) sum[first + l] += total[l];
      });
}

FOVEA_SIMD_CLONES void add_squares(const Strip& strip, const float* x, const double* mean, double* squares) {
  cpu::for_lane_groups(
      strip.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        double total[lanes] = {};
        for (std::int64_t i = 0; i < strip.positions; ++i)
          for (int l = 0; l < lanes; ++l) {
            const double d = static_cast<double>(x[i * strip.step + first + l]) - mean[first + l];
            total[l] += d * d;
          }
        for (int l = 0; l < lanes; ++l) squares[first + l] += total[l];
      });
}

template <bool relu>
inline __attribute__((always_inline)) void normalise(const Strip& strip, const Constants& c, const float* x, float* y) {
  cpu::for_lane_groups(
      strip.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        for (std::int64_t i = 0; i < strip.positions; ++i)
#pragma omp simd
          for (int l = 0; l < lanes; ++l) {
            const float value =
                (x[i * strip.step + first + l] - c.mean[first + l]) * c.inverse[first + l] * c.weight[first + l] +
                c.bias[first + l];
            y[i * strip.step + first + l] = relu && value <= 0 ? 0.0f : value;  // keeps NaN
          }
      });
}
FOVEA_SIMD_CLONES void normalise_plain(const Strip& strip, const Constants& c, const float* x, float* y) {
  normalise<false>(strip, c, x, y);
}
FOVEA_SIMD_CLONES void normalise_relu(const Strip& strip, const Constants& c, const float* x, float* y) {
  normalise<true>(strip, c, x, y);
}

// dweight += sum dy z, dbias += sum dy.
FOVEA_SIMD_CLONES void add_gradient_sums(const Strip& strip, const Constants& c, const float* x, const float* dy,
                                         double* dweight, double* dbias) {
  cpu::for_lane_groups(
      strip.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        double weight[lanes] = {}, bias[lanes] = {};
        for (std::int64_t i = 0; i < strip.positions; ++i)
          for (int l = 0; l < lanes; ++l) {
            const float gradient = dy[i * strip.step + first + l];
            weight[l] += static_cast<double>(
                gradient * ((x[i * strip.step + first + l] - c.mean[first + l]) * c.inverse[first + l]));
            bias[l] += static_cast<double>(gradient);
          }
        for (int l = 0; l < lanes; ++l) dweight[first + l] += weight[l], dbias[first + l] += bias[l];
      });
}

// dx = scale * (dy - mean_dy - z * mean_dyz)
FOVEA_SIMD_CLONES void input_gradient(const Strip& strip, const Constants& c, const float* mean_dy,
                                      const float* mean_dyz, const float* x, const float* dy, float* dx) {
  cpu::for_lane_groups(
      strip.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        for (std::int64_t i = 0; i < strip.positions; ++i)
#pragma omp simd
          for (int l = 0; l < lanes; ++l) {
            const float z = (x[i * strip.step + first + l] - c.mean[first + l]) * c.inverse[first + l];
            dx[i * strip.step + first + l] =
                c.weight[first + l] * c.inverse[first + l] *
                (dy[i * strip.step + first + l] - mean_dy[first + l] - z * mean_dyz[first + l]);
          }
      });
}

struct Images {
  Lanes lanes;
  Strip strip(std::int64_t block) const { return {lanes.positions, lanes.step, lanes.lanes_of(block)}; }
};

float inverse_deviation_of(float variance, float epsilon) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(variance) + static_cast<double>(epsilon)));
}

void check(const cpu::Arguments& arguments, const BatchNormGeometry& g,
           std::initializer_list<std::pair<const char*, ConstView>> per_channel) {
  for (const auto& [name, view] : per_channel) arguments.plain(name, view, Shape{g.C});
}

void forward(const char* name, const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
             View running_mean, View running_variance, View y, View mean, View inverse_deviation,
             void (*results)(const Strip&, const Constants&, const float*, float*)) {
  const cpu::Arguments arguments(name, "x", x);
  const BatchNormGeometry g = arguments.geometry([&] {
    const BatchNormGeometry geometry = batch_norm_geometry(options, x.shape);
    require_batch_statistics(geometry);
    return geometry;
  });
  check(arguments, g,
        {{"weight", weight},
         {"bias", bias},
         {"running_mean", running_mean},
         {"running_variance", running_variance},
         {"mean", mean},
         {"inverse_deviation", inverse_deviation}});
  arguments.image("y", y, x.shape);
  const Images images{Lanes::of(x.shape, x.layout)};
  const float *from = data_as<float>(x), *w = data_as<float>(weight), *b = data_as<float>(bias);
  float *to = data_as<float>(y), *means = data_as<float>(mean), *inverses = data_as<float>(inverse_deviation);
  float *running_means = data_as<float>(running_mean), *running_variances = data_as<float>(running_variance);
  const double M = static_cast<double>(g.values()), momentum = static_cast<double>(g.momentum);
  parallel_for(images.lanes.blocks, [&](std::int64_t block) {
    const Strip strip = images.strip(block);
    double center[max_lanes] = {}, squares[max_lanes] = {};
    for (std::int64_t n = 0; n < g.N; ++n) add_sums(strip, from + images.lanes.offset(n, block), center);
    for (double& m : center) m /= M;
    for (std::int64_t n = 0; n < g.N; ++n) add_squares(strip, from + images.lanes.offset(n, block), center, squares);
    Constants constants;
    for (int l = 0; l < images.lanes.channels_of(block); ++l) {
      const std::int64_t c = block * images.lanes.width + l;
      const double variance = squares[l] / M, inverse = 1 / std::sqrt(variance + static_cast<double>(g.epsilon));
      constants.mean[l] = means[c] = static_cast<float>(center[l]);
      constants.inverse[l] = inverses[c] = static_cast<float>(inverse);
      constants.weight[l] = w[c];
      constants.bias[l] = b[c];
      running_means[c] =
          static_cast<float>((1 - momentum) * static_cast<double>(running_means[c]) + momentum * center[l]);
      running_variances[c] = static_cast<float>((1 - momentum) * static_cast<double>(running_variances[c]) +
                                                momentum * variance * M / (M - 1));
    }
    for (std::int64_t n = 0; n < g.N; ++n) {
      const std::int64_t at = images.lanes.offset(n, block);
      results(strip, constants, from + at, to + at);
    }
  });
}

void inference(const char* name, const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
               ConstView running_mean, ConstView running_variance, View y,
               void (*results)(const Strip&, const Constants&, const float*, float*)) {
  const cpu::Arguments arguments(name, "x", x);
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x.shape); });
  check(arguments, g,
        {{"weight", weight}, {"bias", bias}, {"running_mean", running_mean}, {"running_variance", running_variance}});
  arguments.image("y", y, x.shape);
  const Images images{Lanes::of(x.shape, x.layout)};
  const float *from = data_as<float>(x), *w = data_as<float>(weight), *b = data_as<float>(bias);
  const float *means = data_as<float>(running_mean), *variances = data_as<float>(running_variance);
  float* to = data_as<float>(y);
  parallel_for(g.N * images.lanes.blocks, [&](std::int64_t i) {
    const std::int64_t block = i % images.lanes.blocks, at = images.lanes.offset(i / images.lanes.blocks, block);
    Constants constants;
    for (int l = 0; l < images.lanes.channels_of(block); ++l) {
      const std::int64_t c = block * images.lanes.width + l;
      constants.mean[l] = means[c];
      constants.inverse[l] = inverse_deviation_of(variances[c], g.epsilon);
      constants.weight[l] = w[c];
      constants.bias[l] = b[c];
    }
    results(images.strip(block), constants, from + at, to + at);
  });
}

// `inverse_of(c)` is 1 / deviation of channel c. With `statistics` the mean and the deviation depend on x.
template <class Inverse>
void backward(const BatchNormGeometry& g, ConstView x, ConstView weight, const float* means, Inverse&& inverse_of,
              bool statistics, ConstView dy, View dx, View dweight, View dbias) {
  const Images images{Lanes::of(x.shape, x.layout)};
  const float *from = data_as<float>(x), *w = data_as<float>(weight), *gradient = data_as<float>(dy);
  float* to = dx ? data_as<float>(dx) : nullptr;
  float *to_weight = data_as<float>(dweight), *to_bias = data_as<float>(dbias);
  const double M = static_cast<double>(g.values());
  parallel_for(images.lanes.blocks, [&](std::int64_t block) {
    const Strip strip = images.strip(block);
    Constants constants;
    for (int l = 0; l < images.lanes.channels_of(block); ++l) {
      const std::int64_t c = block * images.lanes.width + l;
      constants.mean[l] = means[c];
      constants.inverse[l] = inverse_of(c);
      constants.weight[l] = w[c];
    }
    double weight_sum[max_lanes] = {}, bias_sum[max_lanes] = {};
    for (std::int64_t n = 0; n < g.N; ++n) {
      const std::int64_t at = images.lanes.offset(n, block);
      add_gradient_sums(strip, constants, from + at, gradient + at, weight_sum, bias_sum);
    }
    float mean_dy[max_lanes] = {}, mean_dyz[max_lanes] = {};
    for (int l = 0; l < images.lanes.channels_of(block); ++l) {
      const std::int64_t c = block * images.lanes.width + l;
      to_weight[c] = static_cast<float>(weight_sum[l]);
      to_bias[c] = static_cast<float>(bias_sum[l]);
      if (statistics) {
        mean_dy[l] = static_cast<float>(bias_sum[l] / M);
        mean_dyz[l] = static_cast<float>(weight_sum[l] / M);
      }
    }
    if (to == nullptr) return;
    for (std::int64_t n = 0; n < g.N; ++n) {
      const std::int64_t at = images.lanes.offset(n, block);
      input_gradient(strip, constants, mean_dy, mean_dyz, from + at, gradient + at, to + at);
    }
  });
}

}  // namespace

void CpuOps::batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                                Workspace) {
  forward("batch_norm_forward", options, x, weight, bias, running_mean, running_variance, y, mean, inverse_deviation,
          normalise_plain);
  ++executed_;
}

void CpuOps::batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                     View running_mean, View running_variance, View y, View mean,
                                     View inverse_deviation, Workspace) {
  forward("batch_norm_forward_relu", options, x, weight, bias, running_mean, running_variance, y, mean,
          inverse_deviation, normalise_relu);
  ++executed_;
}

void CpuOps::batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                  ConstView running_mean, ConstView running_variance, View y) {
  inference("batch_norm_inference", options, x, weight, bias, running_mean, running_variance, y, normalise_plain);
  ++executed_;
}

void CpuOps::batch_norm_inference_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                       ConstView running_mean, ConstView running_variance, View y) {
  inference("batch_norm_inference_relu", options, x, weight, bias, running_mean, running_variance, y, normalise_relu);
  ++executed_;
}

void CpuOps::batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                                 ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                                 Workspace) {
  const cpu::Arguments arguments("batch_norm_backward", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] {
    const BatchNormGeometry geometry = batch_norm_geometry(options, x.shape);
    require_batch_statistics(geometry);
    return geometry;
  });
  check(arguments, g,
        {{"weight", weight},
         {"mean", mean},
         {"inverse_deviation", inverse_deviation},
         {"dweight", dweight},
         {"dbias", dbias}});
  arguments.image("dy", dy, x.shape);
  if (dx) arguments.image("dx", dx, x.shape);
  const float* inverse = data_as<float>(inverse_deviation);
  backward(
      g, x, weight, data_as<float>(mean), [&](std::int64_t c) { return inverse[c]; }, true, dy, dx, dweight, dbias);
  ++executed_;
}

void CpuOps::batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                           ConstView running_mean, ConstView running_variance, ConstView dy, View dx,
                                           View dweight, View dbias, Workspace) {
  const cpu::Arguments arguments("batch_norm_inference_backward", "x", x);
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x.shape); });
  check(arguments, g,
        {{"weight", weight},
         {"running_mean", running_mean},
         {"running_variance", running_variance},
         {"dweight", dweight},
         {"dbias", dbias}});
  arguments.image("dy", dy, x.shape);
  if (dx) arguments.image("dx", dx, x.shape);
  const float* variance = data_as<float>(running_variance);
  backward(
      g, x, weight, data_as<float>(running_mean),
      [&](std::int64_t c) { return inverse_deviation_of(variance[c], g.epsilon); }, false, dy, dx, dweight, dbias);
  ++executed_;
}

}  // namespace fovea
