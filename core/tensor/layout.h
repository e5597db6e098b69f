// SPDX-License-Identifier: Apache-2.0
//
// How a tensor's elements lie in memory. A Shape always lists extents in the order N, C, H, W; the layout says where
// element (n, c, h, w) is found:
//
//   nchw     ((n*C + c)*H + h)*W + w                          plain, and the only layout of tensors that are not 4-D
//   nhwc     ((n*H + h)*W + w)*C + c                          channels last
//   nchw8c   (((n*B + c/8)*H + h)*W + w)*8 + c%8              channels in B = ceil(C/8) blocks of 8;
//   nchw16c  (((n*B + c/16)*H + h)*W + w)*16 + c%16           blocks of 16
//
// The last block of a blocked layout is filled up with zeros, so it takes more memory than the tensor has elements.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/tensor/shape.h"

namespace fovea {

enum class Layout : std::uint8_t { nchw, nhwc, nchw8c, nchw16c };

std::string_view name_of(Layout layout);
// Channels that lie side by side in a blocked layout; 1 for the others.
std::int64_t channel_block(Layout layout);
// Elements in memory, padding included. `shape` is 4-D unless the layout is nchw.
std::int64_t storage_elements(const Shape& shape, Layout layout);
// True when both put every element of this shape in the same place.
bool same_bytes(const Shape& shape, Layout a, Layout b);

// Copies elements of `element_bytes` each between two layouts, on the host, and fills the padding with zeros.
void copy_layout(const Shape& shape, std::size_t element_bytes, const void* from, Layout from_layout, void* to,
                 Layout to_layout);

}  // namespace fovea
