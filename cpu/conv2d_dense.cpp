// SPDX-License-Identifier: Apache-2.0
#include "cpu/conv2d_dense.h"

#include <algorithm>
#include <vector>

#include "core/support/error.h"
#include "core/support/parallel.h"
#include "cpu/onednn.h"
#include "cpu/openmp.h"

namespace fovea::cpu {
namespace {

// Fewer samples do not pay for reading and writing D once more.
constexpr std::int64_t fewest_samples = 16;

std::int64_t sample_elements(const Shape& image, Layout layout) {
  return storage_elements({1, image[1], image[2], image[3]}, layout);
}

// Where the elements of one sample lie: channel c at place i is at channel[c] + place[i]. Channels from a multiple of
// `run` on lie side by side, so many of them.
struct Places {
  std::vector<std::int64_t> channel, place;
  std::int64_t run = 1;
};
Places places_of(const Shape& image, Layout layout) {
  const std::int64_t C = image[1], area = image[2] * image[3], block = channel_block(layout);
  Places at{.channel = {}, .place = {}, .run = layout == Layout::nhwc ? C : block};
  for (std::int64_t c = 0; c < C; ++c)
    at.channel.push_back(layout == Layout::nhwc ? c : c / block * block * area + c % block);
  for (std::int64_t i = 0; i < area; ++i) at.place.push_back(i * (layout == Layout::nhwc ? C : block));
  return at;
}

// The tap r*S + s that connects output place (p, q) with input place (h, w), for all of them: [P*Q][H*W].
std::vector<std::int64_t> taps_of(const Conv2dGeometry& g) {
  std::vector<std::int64_t> taps;
  for (std::int64_t p = 0; p < g.P; ++p)
    for (std::int64_t q = 0; q < g.Q; ++q)
      for (std::int64_t h = 0; h < g.H; ++h)
        for (std::int64_t w = 0; w < g.W; ++w)
          taps.push_back((h + g.pad_top - p * g.stride_h) * g.S + w + g.pad_left - q * g.stride_w);
  return taps;
}

// The matrix: its extents in memory, and how its elements and the filters' meet.
class Dense {
 public:
  Dense(const Conv2dOptions& options, const Shape& x, Layout x_layout, Layout y_layout)
      : g_(conv2d_geometry(options, x)),
        rows_(sample_elements({1, g_.K, g_.P, g_.Q}, y_layout)),
        columns_(sample_elements(x, x_layout)),
        y_(places_of({1, g_.K, g_.P, g_.Q}, y_layout)),
        x_(places_of(x, x_layout)),
        taps_(taps_of(g_)),
        padded_(rows_ != g_.K * g_.P * g_.Q || columns_ != g_.C * g_.H * g_.W) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }

  void fill(const float* w, float* matrix) const {
    if (padded_) std::fill_n(matrix, rows_ * columns_, 0.0f);
    each_filter([&](std::int64_t k, float* taps) {
      for (std::int64_t c = 0; c < g_.C; ++c)
        for (std::int64_t tap = 0; tap < g_.R * g_.S; ++tap)
          taps[tap * g_.C + c] = w[(k * g_.C + c) * g_.R * g_.S + tap];
      each_run(k, matrix, taps, [](float* elements, const float* weights, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) elements[i] = weights[i];
      });
    });
  }
  void collect(const float* matrix, float* dw) const {
    each_filter([&](std::int64_t k, float* taps) {
      std::fill_n(taps, g_.C * g_.R * g_.S, 0.0f);
      each_run(k, matrix, taps, [](const float* elements, float* weights, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) weights[i] += elements[i];
      });
      for (std::int64_t c = 0; c < g_.C; ++c)
        for (std::int64_t tap = 0; tap < g_.R * g_.S; ++tap)
          dw[(k * g_.C + c) * g_.R * g_.S + tap] = taps[tap * g_.C + c];
    });
  }
  // Every sample of y starts as the biases.
  void fill_bias(const float* bias, float* y) const {
    std::vector<float> row(static_cast<std::size_t>(rows_));
    for (std::int64_t k = 0; k < g_.K; ++k)
      for (const std::int64_t place : y_.place)
        row[static_cast<std::size_t>(y_.channel[static_cast<std::size_t>(k)] + place)] = bias[k];
    for (std::int64_t n = 0; n < g_.N; ++n) std::ranges::copy(row, y + n * rows_);
  }

 private:
  // f(k, room for one filter as [R*S][C], in which channels lie side by side as they do in the matrix).
  template <class F>
  void each_filter(const F& f) const {
    parallel_ranges(g_.K, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> taps(static_cast<std::size_t>(g_.C * g_.R * g_.S));
      for (std::int64_t k = begin; k < end; ++k) f(k, taps.data());
    });
  }
  // use(elements of the matrix, elements of the filter, how many) for all of filter k.
  template <class Element, class Weight, class Use>
  void each_run(std::int64_t k, Element* matrix, Weight* filter, const Use& use) const {
    const std::size_t area = x_.place.size();
    for (std::size_t out = 0; out < y_.place.size(); ++out) {
      Element* const row = matrix + (y_.channel[static_cast<std::size_t>(k)] + y_.place[out]) * columns_;
      for (std::size_t i = 0; i < area; ++i) {
        Weight* const tap = filter + taps_[out * area + i] * g_.C;
        for (std::int64_t c = 0; c < g_.C; c += x_.run)
          use(row + x_.channel[static_cast<std::size_t>(c)] + x_.place[i], tap + c, std::min(x_.run, g_.C - c));
      }
    }
  }

  Conv2dGeometry g_;
  std::int64_t rows_, columns_;
  Places y_, x_;
  std::vector<std::int64_t> taps_;
  bool padded_;
};

}  // namespace

bool conv2d_is_dense(const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  // The windows of the first and the last output reach over the whole image: so do all between them.
  const auto covers = [](std::int64_t image, std::int64_t filter, std::int64_t outputs, std::int64_t stride,
                         std::int64_t pad) { return image + pad <= filter && (outputs - 1) * stride <= pad; };
  return g.groups == 1 && g.dilation_h == 1 && g.dilation_w == 1 && g.N >= fewest_samples &&
         covers(g.H, g.R, g.P, g.stride_h, g.pad_top) && covers(g.W, g.S, g.Q, g.stride_w, g.pad_left);
}

std::size_t conv2d_dense_workspace(const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts) {
  const Shape y = conv2d_output_shape(options, x);
  const std::int64_t columns = std::max(sample_elements(x, layouts.x), sample_elements(x, layouts.dx));
  return static_cast<std::size_t>(sample_elements(y, layouts.y) * columns) * sizeof(float);
}

void conv2d_dense(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                  const float* first, const float* second, const float* bias, float* result, Workspace workspace) {
  const Dense dense(options, x, pass == Conv2dPass::backward_data ? layouts.dx : layouts.x, layouts.y);
  const std::int64_t N = x[0], rows = dense.rows(), columns = dense.columns();
  const std::size_t bytes = static_cast<std::size_t>(rows * columns) * sizeof(float);
  require(workspace.bytes >= bytes, [&] {
    return "conv2d: expected a workspace of " + std::to_string(bytes) + " bytes, got " +
           std::to_string(workspace.bytes);
  });
  float* const matrix = static_cast<float*>(workspace.data);
  use_openmp_threads();
  guarded("conv2d", [&] {
    if (pass == Conv2dPass::backward_filter) {
      dnnl::sgemm('T', 'N', rows, columns, N, 1, second, rows, first, columns, 0, matrix, columns);
      dense.collect(matrix, result);
      return;
    }
    dense.fill(second, matrix);
    if (pass == Conv2dPass::backward_data) {
      dnnl::sgemm('N', 'N', N, columns, rows, 1, first, rows, matrix, columns, 0, result, columns);
    } else {
      if (bias != nullptr) dense.fill_bias(bias, result);
      dnnl::sgemm('N', 'T', N, rows, columns, 1, first, columns, matrix, columns, bias != nullptr ? 1.0f : 0.0f, result,
                  rows);
    }
  });
}

}  // namespace fovea::cpu
