// SPDX-License-Identifier: Apache-2.0
//
// Changes of colour that look at one pixel alone: brightness, saturation, hue, and an offset (core/ops/augment.h).
//
//   rows [N, numbers] i64     images [N, C, H, W] u8, changed in place; C = 3 but for brightness
//
// Thread i changes pixel i, in the three channels; brightness, which knows no pixels, an element. Each value is read and
// written once, 32 bytes in a row by a warp, and the numbers of a sample come from the cache.
#include "core/ops/augment.h"

#include "cuda/kernels/augment_pixel.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

struct Color {
  int red, green, blue;
};

struct Saturation {
  static constexpr int numbers = 1;
  __device__ static Color change(const std::int64_t* row, Color p) {
    const int grey = grey_of(p.red, p.green, p.blue), factor = static_cast<int>(row[0]);
    return {blend(p.red, grey, factor), blend(p.green, grey, factor), blend(p.blue, grey, factor)};
  }
};

// The wheel has six sectors, from red over yellow, green, cyan, blue and magenta to red. The largest and the smallest
// channel stay; the third tells how far a colour is within its sector, rising and falling by turns.
struct Hue {
  static constexpr int numbers = 1;
  __device__ static Color change(const std::int64_t* row, Color p) {
    const int most = max(max(p.red, p.green), p.blue), least = min(min(p.red, p.green), p.blue), span = most - least;
    if (span == 0) return p;
    int sector = 0, difference = p.green - p.blue;
    if (most != p.red) {
      sector = most == p.green ? 2 : 4;
      difference = most == p.green ? p.blue - p.red : p.red - p.green;
    }
    int hue = sector * hue_sector + difference * hue_sector / span + static_cast<int>(row[0]);
    hue += hue < 0 ? 6 * hue_sector : hue >= 6 * hue_sector ? -6 * hue_sector : 0;
    const int place = hue / hue_sector, part = (hue % hue_sector * span + hue_sector / 2) / hue_sector;
    const int between = place % 2 == 0 ? least + part : most - part;
    switch (place) {
      case 0:
        return {most, between, least};
      case 1:
        return {between, most, least};
      case 2:
        return {least, most, between};
      case 3:
        return {least, between, most};
      case 4:
        return {between, least, most};
      default:
        return {most, least, between};
    }
  }
};

struct Offset {
  static constexpr int numbers = 3;
  __device__ static Color change(const std::int64_t* row, Color p) {
    return {to_byte(p.red + static_cast<int>(row[0])), to_byte(p.green + static_cast<int>(row[1])),
            to_byte(p.blue + static_cast<int>(row[2]))};
  }
};

template <class Change>
__global__ void __launch_bounds__(elementwise_threads)
    augment_color_kernel(PixelIndex p, const std::int64_t* __restrict__ rows, unsigned char* __restrict__ images) {
  const std::int64_t i = global_thread();
  if (i >= p.count) return;
  unsigned char *red = images + p.first(i), *green = red + p.area, *blue = green + p.area;
  const Color changed = Change::change(rows + static_cast<std::int64_t>(p.sample(i)) * Change::numbers,
                                       {.red = *red, .green = *green, .blue = *blue});
  *red = static_cast<unsigned char>(changed.red);
  *green = static_cast<unsigned char>(changed.green);
  *blue = static_cast<unsigned char>(changed.blue);
}

__global__ void __launch_bounds__(elementwise_threads)
    augment_brightness_kernel(std::int64_t count, Divisor elements, const std::int64_t* __restrict__ rows,
                              unsigned char* __restrict__ images) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  images[i] = blend(images[i], 0, static_cast<int>(rows[static_cast<int>(i) / elements]));
}

namespace {

template <class Change>
void launch_change(Stream& stream, const char* name, const Shape& images, const std::int64_t* rows,
                   std::uint8_t* pixels) {
  const PixelIndex index(images[0], images[1], images[2], images[3]);
  launch(stream, name, augment_color_kernel<Change>, elementwise_blocks(index.count), dim3(elementwise_threads), 0,
         index, rows, pixels);
}

}  // namespace

void augment_brightness(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  const std::int64_t count = images.elements();
  launch(stream, "augment_brightness", augment_brightness_kernel, elementwise_blocks(count), dim3(elementwise_threads),
         0, count, Divisor(count / images[0]), rows, pixels);
}

void augment_saturation(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  launch_change<Saturation>(stream, "augment_saturation", images, rows, pixels);
}

void augment_hue(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  launch_change<Hue>(stream, "augment_hue", images, rows, pixels);
}

void augment_offset(Stream& stream, const Shape& images, const std::int64_t* rows, std::uint8_t* pixels) {
  launch_change<Offset>(stream, "augment_offset", images, rows, pixels);
}

}  // namespace fovea::FOVEA_TARGET
