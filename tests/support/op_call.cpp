// SPDX-License-Identifier: Apache-2.0
#include "tests/support/op_call.h"

#include <algorithm>
#include <cstring>

#include "tests/support/nhwc_backend.h"

namespace fovea::test {
namespace {

// Under AddressSanitizer buffers have no guard zones of ours, so that it sees the first byte outside of them itself.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool address_sanitizer = true;
#else
constexpr bool address_sanitizer = false;
#endif
#else
constexpr bool address_sanitizer = false;
#endif
constexpr std::size_t guard_bytes = address_sanitizer ? 0 : 1024;

// Device memory with a guard zone on both sides, `shift` bytes longer in front.
class GuardedBuffer {
 public:
  GuardedBuffer(Backend& device, std::size_t bytes, std::size_t shift, unsigned char fill, unsigned char guard)
      : memory_(device.memory()), bytes_(bytes), front_(guard_bytes + shift), guard_(guard) {
    data_ = static_cast<unsigned char*>(memory_->allocate(front_ + bytes + guard_bytes));
    memory_->fill(data_, guard, front_ + bytes + guard_bytes);
    memory_->fill(body(), fill, bytes);
  }
  ~GuardedBuffer() { memory_->deallocate(data_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  void* body() const { return data_ + front_; }
  void write(const Tensor& host) { memory_->copy_from_host(body(), host.view().data, bytes_); }
  void read(void* host) const { memory_->copy_to_host(host, body(), bytes_); }
  bool guards_intact() const {
    std::vector<unsigned char> all(front_ + bytes_ + guard_bytes);
    memory_->copy_to_host(all.data(), data_, all.size());
    const auto untouched = [&](auto begin, std::size_t count) {
      return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(count),
                         [&](unsigned char c) { return c == guard_; });
    };
    return untouched(all.begin(), front_) && untouched(all.end() - guard_bytes, guard_bytes);
  }

 private:
  std::shared_ptr<Memory> memory_;
  std::size_t bytes_, front_;
  unsigned char guard_;
  unsigned char* data_ = nullptr;
};

// The same values as they lie on the device.
Tensor lying_in(Layout layout, const Tensor& t) { return layout == Layout::nchw ? t : t.in_layout(layout); }

// The first element that still holds the prefill's NaN; -1 when there is none.
std::int64_t first_unwritten(const Tensor& t) {
  const std::size_t size = size_of(t.dtype());
  if (t.dtype() != DType::f32 && !is_16_bit(t.dtype())) return -1;
  const auto* bytes = static_cast<const unsigned char*>(t.view().data);
  for (std::int64_t i = 0; i < t.elements(); ++i) {
    const unsigned char* element = bytes + static_cast<std::size_t>(i) * size;
    if (std::all_of(element, element + size, [](unsigned char c) { return c == 0xFF; })) return i;
  }
  return -1;
}

}  // namespace

bool guards_in_use() { return guard_bytes > 0; }

OpCall in_float64(const OpCall& call) {
  const auto floating = [](DType dtype) { return dtype == DType::f32 || is_16_bit(dtype); };
  const auto convert = [&](const Tensor& t) { return !t.empty() && floating(t.dtype()) ? t.converted(DType::f64) : t; };
  OpCall result = call;
  for (Tensor& input : result.inputs) input = convert(input);
  for (OutputSpec& output : result.outputs) {
    if (floating(output.dtype)) output.dtype = DType::f64;
    if (!output.initial.empty()) output.initial = convert(output.initial);
  }
  return result;
}

Execution execute(Backend& device, const OpCall& call, unsigned char prefill, Begins begins) {
  const auto shift = [begins](DType dtype) { return begins == Begins::aligned ? 0 : size_of(dtype); };
  const EngineChoice engine = device.choose(call.op, call.direction, {});
  const Memory* memory = device.memory().get();
  const auto layout_of = [images = image_layout(device)](const Shape& shape, bool plain) {
    return shape.rank() == 4 && !plain ? images : Layout::nchw;
  };
  // Not the inputs' byte: a kernel that copies one element too many would write what is already there.
  const auto output_guard = static_cast<unsigned char>(~prefill);
  std::vector<std::unique_ptr<GuardedBuffer>> inputs, outputs;
  std::vector<ConstView> input_views;
  std::vector<View> output_views;
  std::vector<Tensor> given;  // the inputs as they lie on the device
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const Tensor& host = call.inputs[i];
    if (host.empty()) {  // an optional input that is absent
      given.emplace_back();
      inputs.push_back(nullptr);
      input_views.emplace_back();
      continue;
    }
    const Layout layout = layout_of(host.shape(), call.plain_inputs.contains(i));
    given.push_back(lying_in(layout, host));
    inputs.push_back(std::make_unique<GuardedBuffer>(device, host.bytes(), shift(host.dtype()), prefill, prefill));
    inputs.back()->write(given.back());
    input_views.emplace_back(inputs.back()->body(), host.shape(), host.dtype(), layout, memory);
  }
  for (std::size_t i = 0; i < call.outputs.size(); ++i) {
    const OutputSpec& spec = call.outputs[i];
    const Layout layout = layout_of(spec.shape, call.plain_outputs.contains(i));
    const std::size_t bytes = static_cast<std::size_t>(spec.shape.elements()) * size_of(spec.dtype);
    outputs.push_back(std::make_unique<GuardedBuffer>(device, bytes, shift(spec.dtype), prefill, output_guard));
    if (!spec.initial.empty()) outputs.back()->write(lying_in(layout, spec.initial));
    output_views.push_back({outputs.back()->body(), spec.shape, spec.dtype, layout, memory});
  }
  const std::size_t workspace_bytes = call.workspace ? call.workspace(*engine.ops, image_layout(device)) : 0;
  GuardedBuffer workspace(device, workspace_bytes, 0, prefill, output_guard);

  const std::uint64_t executed_before = device.executed();
  call.run(*engine.ops, input_views, output_views,
           workspace_bytes ? Workspace{workspace.body(), workspace_bytes} : Workspace{});
  device.synchronize();

  Execution result;
  const auto fault = [&](const std::string& message) {
    if (result.fault.empty()) result.fault = call.op + " on " + device.name() + ": " + message;
  };
  if (device.executed() == executed_before) fault("the device executed nothing");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    Tensor after(given[i].shape(), given[i].dtype());
    inputs[i]->read(after.view().data);
    if (std::memcmp(after.view().data, given[i].view().data, after.bytes()) != 0)
      fault("input " + std::to_string(i) + " was changed");
    if (!inputs[i]->guards_intact()) fault("wrote outside of input " + std::to_string(i));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Tensor host(call.outputs[i].shape, call.outputs[i].dtype, host_memory(), output_views[i].layout);
    outputs[i]->read(host.view().data);
    if (host.layout() != Layout::nchw) host = host.in_layout(Layout::nchw);
    if (!outputs[i]->guards_intact()) fault("wrote outside of output " + std::to_string(i));
    if (const std::int64_t at = first_unwritten(host); at >= 0 && prefill == 0xFF)
      fault("output " + std::to_string(i) + ": element " + std::to_string(at) + " was not written");
    result.outputs.push_back(std::move(host));
  }
  if (!workspace.guards_intact()) fault("wrote outside of the workspace");
  return result;
}

}  // namespace fovea::test
