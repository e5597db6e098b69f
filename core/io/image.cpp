// SPDX-License-Identifier: Apache-2.0
#include "core/io/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/io/file.h"
#include "core/io/image_formats.h"
#include "core/io/resize.h"
#include "core/support/error.h"

namespace fovea {
namespace {

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
  split_channels(pixels.data(), out.size() / C, C, out.data(), out.size() / C);
  return image;
}

void split_channels(const std::uint8_t* pixels, std::size_t count, std::size_t channels, std::uint8_t* out,
                    std::size_t plane) {
  if (channels == 3) {  // a loop of its own, which compilers turn into shuffles
    std::uint8_t* __restrict red = out, * __restrict green = out + plane, * __restrict blue = out + 2 * plane;
    for (std::size_t i = 0; i < count; ++i) {
      red[i] = pixels[3 * i];
      green[i] = pixels[3 * i + 1];
      blue[i] = pixels[3 * i + 2];
    }
    return;
  }
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < count; ++i) out[c * plane + i] = pixels[channels * i + c];
  }
}

Tensor decode_image(const std::string& path, std::span<const std::byte> bytes) {
  if (is_jpeg(bytes)) return decode_jpeg(path, bytes);
  if (is_png(bytes)) return decode_png(path, bytes);
  if (is_netpbm(bytes)) return decode_netpbm(path, bytes);
  throw InputError(fmt::format("{}: expected a JPEG, PNG, PGM (P2, P5) or PPM (P6) image; the first bytes are [{:02x}]",
                               path, fmt::join(bytes.first(std::min<std::size_t>(bytes.size(), 8)), " ")));
}

Tensor read_image(const std::string& path) { return decode_image(path, read_file(path)); }

Tensor fit_image(const Tensor& image, const Shape& sample_shape, ImageFit fit) {
  require(image.dtype() == DType::u8 && is_picture(image.shape()), [&] {
    return fmt::format("image: expected u8 [1 or 3, H, W], got {} {}", name_of(image.dtype()),
                       image.shape().to_string());
  });
  require(is_picture(sample_shape), [&] {
    return fmt::format("the net reads samples of {}; a picture has 1 or 3 channels", sample_shape.to_string());
  });
  const std::int64_t height = image.shape()[1], width = image.shape()[2];
  const std::int64_t out_height = sample_shape[1], out_width = sample_shape[2];
  ImageRegion region{0, 0, static_cast<double>(height), static_cast<double>(width)};
  if (fit == ImageFit::crop) {
    // The largest centred region of the sample's proportions: whole numbers decide which side is cut.
    if (width * out_height > height * out_width) {
      region.width = region.height * static_cast<double>(out_width) / static_cast<double>(out_height);
      region.left = (static_cast<double>(width) - region.width) / 2;
    } else if (width * out_height < height * out_width) {
      region.height = region.width * static_cast<double>(out_height) / static_cast<double>(out_width);
      region.top = (static_cast<double>(height) - region.height) / 2;
    }
  }
  const Tensor planes = convert_channels(image, sample_shape[0]);
  if (planes.shape() == sample_shape) return planes;
  Tensor result(sample_shape, DType::u8);
  resize_planes(planes, region, result);
  return result;
}

}  // namespace fovea
