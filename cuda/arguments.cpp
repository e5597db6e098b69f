// SPDX-License-Identifier: Apache-2.0
#include "cuda/arguments.h"

#include <fmt/core.h>

namespace fovea::FOVEA_TARGET {
namespace {

std::string unless_plain(Layout layout) { return layout == Layout::nchw ? "" : " " + std::string(name_of(layout)); }

std::string describe(const ConstView& view) {
  if (!view) return "nothing";
  return fmt::format("{} {}{} on {}", name_of(view.dtype), view.shape.to_string(), unless_plain(view.layout),
                     view.memory ? view.memory->device() : "no device");
}

// Below 2^31, with room for the threads of a last, partly filled tile or block.
constexpr std::int64_t most_indexable = (std::int64_t{1} << 31) - (std::int64_t{1} << 16);

}  // namespace

void Arguments::check(std::string_view name, const ConstView& view, const Shape& shape, DType dtype,
                      Layout layout) const {
  if (view && view.memory == &memory_ && view.layout == layout && view.dtype == dtype && view.shape == shape &&
      view.elements() > 0)
    return;
  fail(fmt::format("{}: expected {} {}{} on {}, got {}", name, name_of(dtype), shape.to_string(), unless_plain(layout),
                   memory_.device(), describe(view)));
}

Layout Arguments::image_layout(std::string_view name, const ConstView& image) const {
  const bool channels_last = image.layout == Layout::nhwc && image.shape.rank() == 4;
  if (!channels_last && image.layout != Layout::nchw)
    fail(fmt::format("{}: expected nchw, or nhwc with 4 axes, got {}", name, describe(image)));
  return image.layout;
}

void Arguments::require_rank(std::string_view name, const ConstView& view, int at_least, int at_most) const {
  const int rank = view.shape.rank();
  if (rank < at_least || rank > at_most)
    fail(fmt::format("{}: expected {} to {} axes, got {}", name, at_least, at_most, describe(view)));
}

void Arguments::require_indexable(std::string_view name, std::int64_t elements) const {
  if (elements > most_indexable)
    fail(fmt::format("{}: {} is more than {}, the most that this kernel can index; choose a smaller batch", name,
                     elements, most_indexable));
}

void Arguments::require_workspace(const Workspace& workspace, std::size_t bytes) const {
  if (bytes > 0 && (workspace.data == nullptr || workspace.bytes < bytes))
    fail(fmt::format("workspace: expected {} bytes, got {}", bytes, workspace.data == nullptr ? 0 : workspace.bytes));
}

void Arguments::fail_storage(std::string_view name, const ConstView& view) const {
  fail(fmt::format("{}: expected f32, bf16 or f16 on {}, got {}", name, memory_.device(), describe(view)));
}

void Arguments::fail(std::string_view message) const {
  throw InputError(fmt::format("{} {}: {}", memory_.device(), operation_, message));
}

}  // namespace fovea::FOVEA_TARGET
