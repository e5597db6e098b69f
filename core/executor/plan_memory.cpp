// SPDX-License-Identifier: Apache-2.0
//
// Sizes, lifetimes and offsets of a plan's buffers. Greedy by size (Pisarchyk and Lee, "Efficient memory management for deep neural net
// inference", 2020): the largest buffer first, each at the lowest offset that no overlapping lifetime occupies.
#include <algorithm>
#include <numeric>

#include "core/executor/plan.h"
#include "core/support/error.h"

namespace fovea {

namespace {
constexpr std::size_t alignment = 256;
bool lifetimes_overlap(const PlanBuffer& a, const PlanBuffer& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}
}  // namespace

std::size_t storage_bytes(const std::string& name, const Shape& shape, Layout layout, DType dtype) {
  std::int64_t bytes = 0;
  require(!__builtin_mul_overflow(storage_elements(shape, layout), static_cast<std::int64_t>(size_of(dtype)), &bytes) &&
              bytes < (std::int64_t{1} << 48),
          [&] { return "'" + name + "': " + shape.to_string() + " is more than 2^48 bytes; choose a smaller batch"; });
  return static_cast<std::size_t>(bytes);
}

void keep_to_the_end(const Graph& graph, Plan& plan) {
  const int last = std::max(0, static_cast<int>(plan.steps.size()) - 1);
  const auto keep = [&](const BufferUse& u) {
    if (u.buffer != no_buffer) plan.buffers[static_cast<std::size_t>(u.buffer)].last_step = last;
  };
  for (PlanBuffer& buffer : plan.buffers) {
    buffer.last_step = std::min(buffer.last_step, last);
    if (buffer.role == BufferRole::input) buffer.first_step = 0, buffer.last_step = last;
  }
  keep(plan.values[static_cast<std::size_t>(plan.options.target)]);
  for (const NodeId id : plan.options.keep) keep(plan.values[static_cast<std::size_t>(id)]);
  if (!plan.options.input_gradient) return;
  for (std::size_t id = 0; id < plan.gradients.size(); ++id)
    if (!graph.nodes()[id].layer) keep(plan.gradients[id]);
}

void assign_offsets(Plan& plan) {
  std::vector<std::size_t> order(plan.buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return plan.buffers[a].bytes > plan.buffers[b].bytes; });

  std::vector<const PlanBuffer*> placed;  // by offset
  plan.arena_bytes = 0;
  for (const std::size_t id : order) {
    PlanBuffer& buffer = plan.buffers[id];
    std::size_t offset = 0;
    for (const PlanBuffer* other : placed) {
      if (!plan.options.retain && !lifetimes_overlap(buffer, *other)) continue;
      if (other->offset >= offset + buffer.bytes) break;  // the gap before `other` is wide enough
      offset = std::max(offset, (other->offset + other->bytes + alignment - 1) / alignment * alignment);
    }
    buffer.offset = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + buffer.bytes);
    placed.insert(std::ranges::upper_bound(placed, offset, {}, [](const PlanBuffer* b) { return b->offset; }), &buffer);
  }
}

}  // namespace fovea
