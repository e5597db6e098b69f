// SPDX-License-Identifier: Apache-2.0
//
// What the files that call oneDNN share: its engine and stream, our views as its memory descriptors, and primitives that
// run on scratch memory of ours. oneDNN's types stay in this folder.
#pragma once
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/ops/workspace.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea::cpu {

const dnnl::engine& onednn_engine();
dnnl::stream& onednn_stream();

// Scratch memory comes from the caller, so that the executor plans it; products of float32 numbers stay that.
dnnl::primitive_attr with_user_scratchpad();

dnnl::memory::format_tag tag_of(Layout layout);
dnnl::memory::desc image_desc(const Shape& shape, Layout layout);
// The layout that a descriptor of an image is in; empty for one that has no name here.
std::optional<Layout> layout_of(const dnnl::memory::desc& desc, const Shape& shape);

// Runs f and turns oneDNN's exceptions into DeviceError naming the operation.
template <class F>
auto guarded(const char* operation, F&& f) {
  try {
    return f();
  } catch (const dnnl::error& e) {
    throw DeviceError(std::string(operation) + ": oneDNN: " + e.what());
  }
}

// Whole numbers that tell one primitive from another.
using PrimitiveKey = std::vector<std::int64_t>;
struct PrimitiveKeyHash {
  std::size_t operator()(const PrimitiveKey& key) const {  // FNV-1a
    std::uint64_t hash = 14695981039346656037u;
    for (const std::int64_t value : key) hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211u;
    return hash;
  }
};
template <class Primitive>
using PrimitiveCache = std::unordered_map<PrimitiveKey, Primitive, PrimitiveKeyHash>;

// Bytes rounded up, so that the next piece of a workspace is aligned.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace fovea::cpu
