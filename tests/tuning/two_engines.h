// SPDX-License-Identifier: Apache-2.0
//
// A device that measures its engines, with a clock that shows what each call is said to take, so that tests know which
// engine has to win. Both engines are right; the bits of their linear layers differ.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/support/error.h"
#include "cpu_reference/reference_ops.h"

namespace fovea::test {

// What the calls of an engine take, in seconds, by name of the call: "linear_forward". Others take `otherwise`.
struct Costs {
  std::map<std::string, double> calls = {};
  double otherwise = 0.001;

  double of(const std::string& call) const {
    const auto found = calls.find(call);
    return found == calls.end() ? otherwise : found->second;
  }
};

struct Clock {
  double now = 0;
  int reads = 0;
};

// The reference, whose convolutions and linear layers move the clock on.
class ReferenceOnClock : public ReferenceOps {
 public:
  ReferenceOnClock(Clock& clock, const Costs& costs) : clock_(clock), costs_(costs) {}

  void conv2d_forward(const Conv2dOptions& o, ConstView x, ConstView w, ConstView bias, View y, Workspace ws) override {
    take("conv2d_forward");
    ReferenceOps::conv2d_forward(o, x, w, bias, y, ws);
  }
  void conv2d_backward_data(const Conv2dOptions& o, ConstView dy, ConstView w, View dx, Workspace ws) override {
    take("conv2d_backward_data");
    ReferenceOps::conv2d_backward_data(o, dy, w, dx, ws);
  }
  void conv2d_backward_filter(const Conv2dOptions& o, ConstView x, ConstView dy, View dw, Workspace ws) override {
    take("conv2d_backward_filter");
    ReferenceOps::conv2d_backward_filter(o, x, dy, dw, ws);
  }
  void linear_forward(const LinearOptions& o, ConstView x, ConstView w, ConstView bias, View y, Workspace ws) override {
    take("linear_forward");
    ReferenceOps::linear_forward(o, x, w, bias, y, ws);
  }
  void linear_backward_data(const LinearOptions& o, ConstView dy, ConstView w, View dx, Workspace ws) override {
    take("linear_backward_data");
    ReferenceOps::linear_backward_data(o, dy, w, dx, ws);
  }
  void linear_backward_weight(const LinearOptions& o, ConstView x, ConstView dy, View dw, Workspace ws) override {
    take("linear_backward_weight");
    ReferenceOps::linear_backward_weight(o, x, dy, dw, ws);
  }

 protected:
  void take(const char* call) { clock_.now += costs_.of(call); }

 private:
  Clock& clock_;
  const Costs& costs_;
};

// The same in float32 only, with linear layers that add up in float from the last input to the first: other bits.
class BackToFront final : public ReferenceOnClock {
 public:
  using ReferenceOnClock::ReferenceOnClock;

  bool stores_16_bits(std::string_view op) const override { return op != "conv2d" && op != "linear"; }
  void linear_forward(const LinearOptions&, ConstView x, ConstView w, ConstView bias, View y, Workspace) override {
    take("linear_forward");
    const std::int64_t O = w.shape[0], I = w.shape[1], N = x.elements() / I;
    const float *xs = data_as<float>(x), *ws = data_as<float>(w), *bs = bias ? data_as<float>(bias) : nullptr;
    float* ys = data_as<float>(y);
    for (std::int64_t n = 0; n < N; ++n)
      for (std::int64_t o = 0; o < O; ++o) {
        float sum = 0;
        for (std::int64_t i = I - 1; i >= 0; --i) sum += xs[n * I + i] * ws[o * I + i];
        ys[n * O + o] = sum + (bs ? bs[o] : 0);
      }
  }
};

class TwoEngines final : public Backend {
 public:
  // By default "other" is the faster one for convolutions, and for linear layers backward.
  TwoEngines() {
    other_costs.calls = {{"conv2d_forward", 0.0005},
                         {"conv2d_backward_filter", 0.0005},
                         {"linear_forward", 0.002},
                         {"linear_backward_weight", 0.0001}};
  }

  std::string name() const override { return device + ":auto"; }
  std::shared_ptr<Memory> memory() override { return host_memory(); }
  EngineChoice choose(std::string_view op, Direction, std::string_view forced) override {
    if (forced.empty() || forced == "native") return {&native_, "native"};
    require(forced == "other" && (op == "conv2d" || op == "linear"),
            [&] { return "engine '" + std::string(forced) + "' of device " + name() + " has no " + std::string(op); });
    return {&other_, "other"};
  }
  std::vector<std::string> measured_engines() const override { return engines; }
  std::string hardware() const override { return gpu; }
  std::uint64_t executed() const override { return native_.executed() + other_.executed(); }
  std::unique_ptr<WorkTimer> timer() override { return std::make_unique<Timer>(clock); }

  std::string device = "two", gpu = "a made-up GPU, driver 1";
  std::vector<std::string> engines{"native", "other"};
  Costs native_costs, other_costs;
  Clock clock;

 private:
  class Timer final : public WorkTimer {
   public:
    explicit Timer(Clock& clock) : clock_(clock) {}
    void start() override { start_ = clock_.now; }
    double seconds() override {
      ++clock_.reads;
      return clock_.now - start_;
    }
    void mark() override { marks_.push_back(seconds()); }
    std::vector<double> marks() override { return marks_; }
    std::string_view clock() const override { return "device"; }

   private:
    Clock& clock_;
    std::vector<double> marks_;
    double start_ = 0;
  };

  ReferenceOnClock native_{clock, native_costs};
  BackToFront other_{clock, other_costs};
};

}  // namespace fovea::test
