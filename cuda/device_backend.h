// SPDX-License-Identifier: Apache-2.0
//
// A device as the executor sees it: one stream, its memory, and the engines that issue work on it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "cuda/native_ops.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/recording.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// What the engine "auto" chooses among: Backend::measured_engines() and hardware().
struct MeasuredEngines {
  std::vector<std::string> names = {};
  std::string hardware = {};
};

class DeviceBackend final : public Backend {
 public:
  // One way to compute some or all operations.
  struct Engine {
    std::string name;
    std::unique_ptr<NativeOps> ops;
    std::function<bool(std::string_view op, Direction)> provides;  // empty: every operation
  };

  // Engines "native" (everything), "direct" and "native-fp32x3" (convolutions, linear layers; it needs sm_80) are made here;
  // `others` come beside them.
  // `preferred` is what a layer without a wish gets, and "native" what it gets where the preferred engine lacks the
  // operation: choose() says which it was.
  // Throws InputError when `preferred` is none of them, DeviceError when it is one that this device cannot run.
  DeviceBackend(std::string name, Stream stream, std::string preferred,
                const std::function<std::vector<Engine>(Stream&, const DeviceMemory&)>& others = {},
                MeasuredEngines measured = {});

  std::string name() const override { return name_; }
  std::shared_ptr<Memory> memory() override { return memory_; }
  EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) override;
  // conv2d: naive, tiled, mma. linear: tiled, mma. mma not in fp32, and alone in tf32 and fp32x3.
  std::vector<Generation> generations(std::string_view op, Precision precision) override;
  std::vector<std::string> measured_engines() const override { return measured_.names; }
  std::string hardware() const override { return measured_.hardware; }
  void begin_range(std::string_view name) override;
  void end_range() override;
  std::uint64_t executed() const override { return stream_.launches(); }
  std::optional<RuntimeCounts> counts() const override { return stream_.counters().read(); }
  void synchronize() override { memory_->synchronize(); }
  std::unique_ptr<WorkTimer> timer() override;
  std::string no_capture() const override { return no_recording(stream_); }
  std::unique_ptr<Captured> capture(const std::function<void()>& work) override {
    return std::make_unique<Recording>(stream_, work);
  }

 private:
  Engine& find(std::string_view engine);

  std::string name_, preferred_;
  Stream stream_;
  std::shared_ptr<DeviceMemory> memory_;
  std::vector<Engine> engines_;
  std::unique_ptr<NativeOps> tf32_;  // a generation that is no engine
  MeasuredEngines measured_;
};

}  // namespace fovea::FOVEA_TARGET
