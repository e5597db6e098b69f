// SPDX-License-Identifier: Apache-2.0
#include "cuda/device_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/backend/device_list.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/runtime/event.h"
#include "cuda/runtime/nvtx.h"

namespace fovea::FOVEA_TARGET {
namespace {

// From the moment the device reaches one event to the moment it reaches another: neither what the host did before the
// first nor how long it takes to notice the second.
class EventTimer final : public WorkTimer {
 public:
  explicit EventTimer(Stream& stream) : stream_(stream), begin_(stream), end_(stream) {}

  void start() override {
    used_ = 0;
    begin_.record(stream_);
  }
  double seconds() override {
    end_.record(stream_);
    return 1e-3 * end_.milliseconds_since(begin_);
  }
  void mark() override {
    if (used_ == marks_.size()) marks_.emplace_back(stream_);
    marks_[used_++].record(stream_);
  }
  std::vector<double> marks() override {
    std::vector<double> seconds;
    for (std::size_t i = 0; i < used_; ++i) seconds.push_back(1e-3 * marks_[i].milliseconds_since(begin_));
    return seconds;
  }
  std::string_view clock() const override { return FOVEA_EMU ? "host" : "device"; }

 private:
  Stream& stream_;
  Event begin_, end_;
  std::vector<Event> marks_;  // the first used_ of them, of this time; the rest of an earlier one
  std::size_t used_ = 0;
};

}  // namespace

DeviceBackend::DeviceBackend(std::string name, Stream stream, std::string preferred,
                             const std::function<std::vector<Engine>(Stream&, const DeviceMemory&)>& others,
                             MeasuredEngines measured)
    : name_(std::move(name)),
      preferred_(std::move(preferred)),
      stream_(std::move(stream)),
      memory_(std::make_shared<DeviceMemory>(stream_.device(), stream_)),
      measured_(std::move(measured)) {
  engines_.push_back({"native", std::make_unique<NativeOps>(stream_, *memory_, ConvAlgorithm::implicit_gemm), {}});
  const auto multiplies = [](std::string_view op, Direction) { return op == "conv2d" || op == "linear"; };
  engines_.push_back({"direct", std::make_unique<NativeOps>(stream_, *memory_, ConvAlgorithm::direct), multiplies});
  engines_.push_back(
      {std::string(fp32x3_engine), std::make_unique<NativeOps>(stream_, *memory_, ConvAlgorithm::fp32x3), multiplies});
  if (others) std::ranges::move(others(stream_, *memory_), std::back_inserter(engines_));
  find(preferred_);
  tf32_ = std::make_unique<NativeOps>(stream_, *memory_, ConvAlgorithm::tf32);
}

DeviceBackend::Engine& DeviceBackend::find(std::string_view engine) {
  const auto found = std::ranges::find(engines_, engine, &Engine::name);
  if (found != engines_.end()) {
    if (engine == fp32x3_engine && !conv2d_mma_available(stream_))
      throw DeviceError(fmt::format("device {}: engine {}: expected tensor cores of sm_80 or newer, and code for them",
                                    name_, engine));
    return *found;
  }
  std::vector<std::string> names;
  for (const Engine& e : engines_) names.push_back(e.name);
  throw InputError(fmt::format("device {}: expected an engine of {}, got '{}'{}", name_, fmt::join(names, ", "), engine,
                               did_you_mean(engine, names)));
}

EngineChoice DeviceBackend::choose(std::string_view op, Direction direction, std::string_view forced) {
  const auto provides = [&](const Engine& engine) { return !engine.provides || engine.provides(op, direction); };
  if (!forced.empty()) {
    Engine& engine = find(forced);
    require(provides(engine), [&] {
      return fmt::format("engine '{}' of device {} has no {} {}; leave the engine out or choose 'native'", forced,
                         name_, op, direction == Direction::forward ? "forward" : "backward");
    });
    return {engine.ops.get(), engine.name};
  }
  Engine& preferred = find(preferred_);
  Engine& engine = provides(preferred) ? preferred : find("native");
  return {engine.ops.get(), engine.name};
}

std::vector<Generation> DeviceBackend::generations(std::string_view op, Precision precision) {
  const EngineChoice native{find("native").ops.get(), "native"};
  const bool tensor_cores = precision != Precision::fp32 && conv2d_mma_available(stream_);
  const bool stored_as_f32 = precision == Precision::tf32 || precision == Precision::fp32x3;  // there alone
  EngineChoice mma = native;
  if (precision == Precision::tf32) mma.ops = tf32_.get();
  if (precision == Precision::fp32x3 && tensor_cores) mma = {find(fp32x3_engine).ops.get(), std::string(fp32x3_engine)};
  std::vector<Generation> list;
  if (op == "conv2d") {
    if (!stored_as_f32) {
      list.push_back({"naive", {find("direct").ops.get(), "direct"}});
      list.push_back({"tiled", native});  // what this engine does with images in NCHW
    }
    if (tensor_cores) list.push_back({"mma", mma, Layout::nhwc});
  } else if (op == "linear") {
    if (!stored_as_f32) list.push_back({"tiled", {find("direct").ops.get(), "direct"}});
    if (tensor_cores) list.push_back({"mma", mma});
  }
  return list;
}

void DeviceBackend::begin_range(std::string_view name) { push_range(std::string(name).c_str()); }
void DeviceBackend::end_range() { pop_range(); }
std::unique_ptr<WorkTimer> DeviceBackend::timer() { return std::make_unique<EventTimer>(stream_); }

}  // namespace fovea::FOVEA_TARGET
