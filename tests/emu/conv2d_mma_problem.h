// SPDX-License-Identifier: Apache-2.0
//
// One convolution for the kernels on tensor cores: its tensors, what a launcher makes of them on emu, and the truth in
// float64.
#pragma once
#include <vector>

#include "cpu_reference/conv2d.h"
#include "tests/emu/conv2d_mma_cases.h"
#include "tests/emu/mma_checks.h"

namespace fovea::emu {

// [N, C, pixels] to [N, pixels, C], and back with C and pixels exchanged.
template <class V>
std::vector<V> transposed(const std::vector<V>& images, std::int64_t N, std::int64_t C, std::int64_t pixels) {
  std::vector<V> result(images.size());
  for (std::int64_t n = 0; n < N; ++n) {
    for (std::int64_t c = 0; c < C; ++c) {
      for (std::int64_t i = 0; i < pixels; ++i)
        result[at((n * pixels + i) * C + c)] = images[at((n * C + c) * pixels + i)];
    }
  }
  return result;
}

// One convolution's tensors in float64, NCHW and KCRS, as T holds them; of float, as tf32 does where `as_tf32`.
template <class T>
struct Problem {
  Conv2dGeometry g;
  Doubles x, w, bias, dy, gate;

  Problem(const MmaCase& c, Numbers numbers, bool as_tf32 = true) : g(conv2d_geometry(c.options, c.x)) {
    std::uint64_t tensor = 0;
    const auto draw = [&](std::int64_t count, bool is_float) {
      const RandomStream random = test::stream_for(c.name, tensor++);
      return is_float ? drawn<float>(count, random, numbers, false) : drawn<T>(count, random, numbers, as_tf32);
    };
    x = draw(g.N * g.C * g.H * g.W, false);
    w = draw(g.K * g.channels_per_group() * g.R * g.S, false);
    if (c.options.bias) bias = draw(g.K, true);
    dy = draw(g.N * g.K * g.P * g.Q, false);
    gate = draw(g.N * g.C * g.H * g.W, false);
  }
};

// What a launcher left, NCHW or KCRS again.
template <class T>
Doubles forward_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size, bool relu = false) {
  const Conv2dGeometry& g = p.g;
  T* krsc = device.allocate<T>(p.w.size());
  T* y = device.allocate<T>(p.dy.size());
  conv2d_filters_to_krsc<T>(device.stream, g, device.upload(stored<T>(p.w)), krsc);
  conv2d_forward_mma<T>(device.stream, g, relu, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)), krsc,
                        p.bias.empty() ? nullptr : device.upload(stored<float>(p.bias)), y, size);
  return widened(transposed(device.download(y, p.dy.size()), g.N, g.P * g.Q, g.K));
}
template <class T>
Doubles backward_data_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size, bool gated = false) {
  const Conv2dGeometry& g = p.g;
  T* crsk = device.allocate<T>(p.w.size());
  T* dx = device.allocate<T>(p.x.size());
  conv2d_filters_to_crsk<T>(device.stream, g, device.upload(stored<T>(p.w)), crsk);
  conv2d_backward_data_mma<T>(device.stream, g,
                              gated ? device.upload(transposed(stored<T>(p.gate), g.N, g.C, g.H * g.W)) : nullptr,
                              device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), crsk, dx, size);
  return widened(transposed(device.download(dx, p.x.size()), g.N, g.H * g.W, g.C));
}
template <class T>
Doubles backward_filter_on(EmuDevice& device, const Problem<T>& p, MmaTileSize size) {
  const Conv2dGeometry& g = p.g;
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(conv2d_backward_filter_mma_workspace(g) / sizeof(float));
  conv2d_backward_filter_mma<T>(device.stream, g, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                                device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), dw, partials, size);
  return widened(device.download(dw, p.w.size()));
}

// The same by way of folded images and filters.
template <class T>
Doubles folded_forward_on(EmuDevice& device, const Problem<T>& p, const FoldedConv2d& folded,
                          MmaTileSize size = MmaTileSize::by_shape) {
  const Conv2dGeometry& g = p.g;
  T* images = device.allocate<T>(at(folded.image_elements()));
  T* krsc = device.allocate<T>(at(folded.filter_elements()));
  T* y = device.allocate<T>(p.dy.size());
  conv2d_fold_images<T>(device.stream, g, folded, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                        images);
  conv2d_fold_filters<T>(device.stream, g, folded, device.upload(stored<T>(p.w)), krsc);
  conv2d_forward_mma<T>(device.stream, folded.g, false, images, krsc,
                        p.bias.empty() ? nullptr : device.upload(stored<float>(p.bias)), y, size);
  return widened(transposed(device.download(y, p.dy.size()), g.N, g.P * g.Q, g.K));
}
template <class T>
Doubles folded_backward_filter_on(EmuDevice& device, const Problem<T>& p, const FoldedConv2d& folded,
                                  MmaTileSize size = MmaTileSize::by_shape) {
  const Conv2dGeometry& g = p.g;
  T* images = device.allocate<T>(at(folded.image_elements()));
  float* folded_dw = device.allocate<float>(at(folded.filter_elements()));
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(conv2d_backward_filter_mma_workspace(folded.g) / sizeof(float));
  conv2d_fold_images<T>(device.stream, g, folded, device.upload(transposed(stored<T>(p.x), g.N, g.C, g.H * g.W)),
                        images);
  conv2d_backward_filter_mma<T>(device.stream, folded.g, images,
                                device.upload(transposed(stored<T>(p.dy), g.N, g.K, g.P * g.Q)), folded_dw, partials,
                                size);
  conv2d_unfold_filter_gradient(device.stream, g, folded, folded_dw, dw);
  return widened(device.download(dw, p.w.size()));
}

inline Doubles reference_forward(const Conv2dGeometry& g, const Doubles& x, const Doubles& w, const Doubles& bias) {
  Doubles y(at(g.N * g.K * g.P * g.Q));
  reference::conv2d_forward<double>(g, x.data(), w.data(), bias.empty() ? nullptr : bias.data(), y.data());
  return y;
}
inline Doubles reference_backward_data(const Conv2dGeometry& g, const Doubles& dy, const Doubles& w) {
  Doubles dx(at(g.N * g.C * g.H * g.W));
  reference::conv2d_backward_data<double>(g, dy.data(), w.data(), dx.data());
  return dx;
}
inline Doubles reference_backward_filter(const Conv2dGeometry& g, const Doubles& x, const Doubles& dy) {
  Doubles dw(at(g.K * g.channels_per_group() * g.R * g.S));
  reference::conv2d_backward_filter<double>(g, x.data(), dy.data(), dw.data());
  return dw;
}

}  // namespace fovea::emu
