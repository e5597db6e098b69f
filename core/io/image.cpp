// SPDX-License-Identifier: Apache-2.0
#include "core/io/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/io/file.h"
#include "core/io/image_formats.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Along one axis: each output element is a weighted mean of a run of input elements.
struct ResizeTap {
  std::int64_t first = 0;
  std::vector<double> weights;
};

// A triangle, as wide as an output element when shrinking and as an input element when growing, around the output
// element's centre.
std::vector<ResizeTap> resize_taps(std::int64_t in, std::int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), support = std::max(scale, 1.0);
  std::vector<ResizeTap> taps(static_cast<std::size_t>(out));
  for (std::int64_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(centre - support)));
    const auto last = std::min<std::int64_t>(in, static_cast<std::int64_t>(std::ceil(centre + support)));
    ResizeTap& tap = taps[static_cast<std::size_t>(o)];
    tap.first = first;
    double sum = 0;
    for (std::int64_t i = first; i < last; ++i) {
      const double weight = std::max(0.0, 1.0 - std::abs(static_cast<double>(i) + 0.5 - centre) / support);
      tap.weights.push_back(weight);
      sum += weight;
    }
    for (double& weight : tap.weights) weight /= sum;
  }
  return taps;
}

// One plane of `height` x `width` to `to` x `to`.
void resize_plane(const std::uint8_t* plane, std::int64_t height, std::int64_t width,
                  const std::vector<ResizeTap>& rows, const std::vector<ResizeTap>& columns, std::uint8_t* out) {
  std::vector<double> narrow(static_cast<std::size_t>(height) * columns.size());
  double* write = narrow.data();
  for (std::int64_t h = 0; h < height; ++h) {
    for (const ResizeTap& tap : columns) {
      const std::uint8_t* in = plane + h * width + tap.first;
      double sum = 0;
      for (const double weight : tap.weights) sum += weight * *in++;
      *write++ = sum;
    }
  }
  for (const ResizeTap& tap : rows) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const double* in = narrow.data() + static_cast<std::size_t>(tap.first) * columns.size() + column;
      double sum = 0;
      for (const double weight : tap.weights) {
        sum += weight * *in;
        in += columns.size();
      }
      *out++ = static_cast<std::uint8_t>(std::clamp(sum + 0.5, 0.0, 255.0));
    }
  }
}

// The image's planes with `channels` of them.
Tensor convert_channels(const Tensor& image, std::int64_t channels) {
  const std::int64_t have = image.shape()[0];
  if (have == channels) return image;
  Tensor result(Shape{channels, image.shape()[1], image.shape()[2]}, DType::u8);
  const std::span<const std::uint8_t> in = image.span<std::uint8_t>();
  const std::span<std::uint8_t> out = result.span<std::uint8_t>();
  const std::size_t area = std::min(in.size(), out.size());
  for (std::size_t i = 0; i < area; ++i) {
    if (channels == 3) {
      out[i] = out[area + i] = out[2 * area + i] = in[i];
    } else {
      out[i] = static_cast<std::uint8_t>((299u * in[i] + 587u * in[area + i] + 114u * in[2 * area + i] + 500u) / 1000u);
    }
  }
  return result;
}

bool is_picture(const Shape& shape) {
  return shape.rank() == 3 && (shape[0] == 1 || shape[0] == 3) && shape[1] > 0 && shape[2] > 0;
}

}  // namespace

void require_image_size(const std::string& path, std::uint64_t width, std::uint64_t height) {
  require(width > 0 && height > 0, [&] { return fmt::format("{}: an image of {} x {} pixels", path, width, height); });
  require(width <= static_cast<std::uint64_t>(max_image_pixels) / height, [&] {
    return fmt::format("{}: an image of {} x {} pixels; at most {} are read", path, width, height, max_image_pixels);
  });
}

Tensor planes_from_interleaved(std::span<const std::uint8_t> pixels, std::int64_t channels, std::int64_t height,
                               std::int64_t width) {
  Tensor image(Shape{channels, height, width}, DType::u8);
  const auto C = static_cast<std::size_t>(channels);
  const std::span<std::uint8_t> out = image.span<std::uint8_t>();
  const std::size_t area = out.size() / C;
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < C; ++c) out[c * area + i] = pixels[i * C + c];
  }
  return image;
}

Tensor read_image(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  if (is_png(bytes)) return decode_png(path, bytes);
  if (is_netpbm(bytes)) return decode_netpbm(path, bytes);
  throw InputError(fmt::format("{}: expected a PNG, PGM (P2, P5) or PPM (P6) image; the first bytes are [{:02x}]", path,
                               fmt::join(std::span(bytes).first(std::min<std::size_t>(bytes.size(), 8)), " ")));
}

Tensor fit_image(const Tensor& image, const Shape& sample_shape) {
  require(image.dtype() == DType::u8 && is_picture(image.shape()), [&] {
    return fmt::format("image: expected u8 [1 or 3, H, W], got {} {}", name_of(image.dtype()),
                       image.shape().to_string());
  });
  require(is_picture(sample_shape), [&] {
    return fmt::format("the net reads samples of {}; a picture has 1 or 3 channels", sample_shape.to_string());
  });
  const Tensor planes = convert_channels(image, sample_shape[0]);
  const std::int64_t height = image.shape()[1], width = image.shape()[2];
  Tensor result(sample_shape, DType::u8);
  const std::vector<ResizeTap> rows = resize_taps(height, sample_shape[1]);
  const std::vector<ResizeTap> columns = resize_taps(width, sample_shape[2]);
  for (std::int64_t c = 0; c < sample_shape[0]; ++c) {
    resize_plane(planes.span<std::uint8_t>().data() + c * height * width, height, width, rows, columns,
                 result.span<std::uint8_t>().data() + c * sample_shape[1] * sample_shape[2]);
  }
  return result;
}

}  // namespace fovea
