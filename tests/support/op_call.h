// SPDX-License-Identifier: Apache-2.0
//
// One call of one operation on host data, run on any device between guard zones, and on a device that images lie in NHWC
// on (tests/support/devices.h) with the images of the call in that layout.
#pragma once
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/backend/backend.h"

namespace fovea::test {

struct OutputSpec {
  Shape shape;
  DType dtype = DType::f32;
  Tensor initial{};  // operations that update in place start from this; others from NaN
};

struct OpCall {
  std::string op;  // as Backend::choose knows it
  Direction direction = Direction::forward;
  std::vector<Tensor> inputs;
  std::vector<OutputSpec> outputs;
  std::function<void(Ops&, std::span<const ConstView>, std::span<const View>, Workspace)> run;
  std::function<std::size_t(Ops&, Layout)> workspace{};  // bytes, images lying so; none when empty
  // Which of 4 axes are no images, and so lie plainly on a device that images lie otherwise on: filters.
  std::set<std::size_t> plain_inputs{}, plain_outputs{};
};

// The same call in float64, for the truth: f32, bf16 and f16 tensors converted, others kept.
OpCall in_float64(const OpCall& call);

struct Execution {
  std::vector<Tensor> outputs;  // on the host
  // Empty, or what the operation did that it must not: left an output element unwritten, wrote outside of an output,
  // changed an input, ran nothing on the device.
  std::string fault;
};

// Whether buffers have guard zones; not under AddressSanitizer, which sees the first byte outside of a buffer itself.
bool guards_in_use();

// Where tensors begin: at multiples of 16 bytes and more, or one element further. The workspace is always aligned.
enum class Begins { aligned, one_element_off };

// `prefill` is the byte that outputs, workspace and all guard zones are filled with before the run: 0xFF makes NaNs, so
// that a read outside of an input shows in the result. Unwritten elements are found with 0xFF only.
Execution execute(Backend& device, const OpCall& call, unsigned char prefill = 0xFF, Begins begins = Begins::aligned);

}  // namespace fovea::test
