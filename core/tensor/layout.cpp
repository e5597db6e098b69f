// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/layout.h"

#include <cstring>

namespace fovea {
namespace {

// Offset of element (n, c, position) = n*sample + (c / block)*outer + position*step + (c % block)*inner.
struct Strides {
  std::int64_t sample, block, outer, step, inner;

  std::int64_t at(std::int64_t n, std::int64_t c, std::int64_t position) const {
    return n * sample + c / block * outer + position * step + c % block * inner;
  }
};

Strides strides_of(const Shape& shape, Layout layout) {
  const std::int64_t C = shape[1], positions = shape[2] * shape[3];
  if (layout == Layout::nchw) return {C * positions, 1, positions, 1, 0};
  if (layout == Layout::nhwc) return {C * positions, C, 0, C, 1};
  const std::int64_t block = channel_block(layout), blocks = (C + block - 1) / block;
  return {blocks * block * positions, block, positions * block, block, 1};
}

}  // namespace

std::string_view name_of(Layout layout) {
  switch (layout) {
    case Layout::nchw:
      return "nchw";
    case Layout::nhwc:
      return "nhwc";
    case Layout::nchw8c:
      return "nchw8c";
    case Layout::nchw16c:
      return "nchw16c";
  }
  return "?";
}

std::int64_t channel_block(Layout layout) {
  if (layout == Layout::nchw8c) return 8;
  if (layout == Layout::nchw16c) return 16;
  return 1;
}

std::int64_t storage_elements(const Shape& shape, Layout layout) {
  const std::int64_t block = channel_block(layout);
  if (block == 1 || shape.elements() == 0) return shape.elements();
  return shape.elements() / shape[1] * ((shape[1] + block - 1) / block * block);
}

bool same_bytes(const Shape& shape, Layout a, Layout b) {
  if (a == b) return true;
  if (shape.rank() != 4) return false;
  if (storage_elements(shape, a) != storage_elements(shape, b)) return false;
  const bool one_position = shape[2] * shape[3] == 1, one_channel = shape[1] == 1;
  const auto one_block = [&](Layout layout) { return layout == Layout::nhwc || shape[1] <= channel_block(layout); };
  if (one_position) return true;  // all are then [N, C], the padding excluded above
  return one_channel || (a != Layout::nchw && b != Layout::nchw && one_block(a) && one_block(b));
}

void copy_layout(const Shape& shape, std::size_t element_bytes, const void* from, Layout from_layout, void* to,
                 Layout to_layout) {
  if (from_layout == to_layout) {
    std::memcpy(to, from, static_cast<std::size_t>(storage_elements(shape, to_layout)) * element_bytes);
    return;
  }
  const auto bytes = static_cast<std::int64_t>(element_bytes);
  if (storage_elements(shape, to_layout) != shape.elements())
    std::memset(to, 0, static_cast<std::size_t>(storage_elements(shape, to_layout)) * element_bytes);
  const Strides source = strides_of(shape, from_layout), target = strides_of(shape, to_layout);
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int64_t position = 0; position < shape[2] * shape[3]; ++position)
        std::memcpy(static_cast<char*>(to) + target.at(n, c, position) * bytes,
                    static_cast<const char*>(from) + source.at(n, c, position) * bytes, element_bytes);
}

}  // namespace fovea
