// SPDX-License-Identifier: Apache-2.0
//
// The wall between the executor and everything that computes.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backend/engine_pick.h"
#include "core/backend/runtime_counts.h"
#include "core/backend/work_timer.h"
#include "core/ops/activation.h"
#include "core/ops/adagrad.h"
#include "core/ops/adam.h"
#include "core/ops/adaptive_pool2d.h"
#include "core/ops/add.h"
#include "core/ops/augment.h"
#include "core/ops/average.h"
#include "core/ops/avg_pool2d.h"
#include "core/ops/batch_norm.h"
#include "core/ops/bias.h"
#include "core/ops/binary_cross_entropy.h"
#include "core/ops/cast.h"
#include "core/ops/concat.h"
#include "core/ops/conv2d.h"
#include "core/ops/distance.h"
#include "core/ops/dropout.h"
#include "core/ops/gradient_clip.h"
#include "core/ops/halt.h"
#include "core/ops/hinge_loss.h"
#include "core/ops/layout.h"
#include "core/ops/linear.h"
#include "core/ops/log_softmax.h"
#include "core/ops/lrn.h"
#include "core/ops/max_pool2d.h"
#include "core/ops/mean_squared_error.h"
#include "core/ops/multiply.h"
#include "core/ops/nonfinite.h"
#include "core/ops/one_hot.h"
#include "core/ops/pad.h"
#include "core/ops/prelu.h"
#include "core/ops/relu.h"
#include "core/ops/rmsprop.h"
#include "core/ops/sgd.h"
#include "core/ops/soft_cross_entropy.h"
#include "core/ops/softmax.h"
#include "core/ops/softmax_cross_entropy.h"
#include "core/ops/sum_of_squares.h"
#include "core/ops/tanh.h"
#include "core/ops/upsample2d.h"
#include "core/support/error.h"
#include "core/tensor/precision.h"

namespace fovea {

// One implementation of every operation, forward and backward: an engine. Each base declares one op's pure virtual
// functions, so an engine with an operation missing does not compile. Functions only enqueue work where the device is
// asynchronous; they throw DeviceError when it cannot be enqueued. Views must lie in the backend's memory.
class Ops : public LayoutOps,
            public Conv2dOps,
            public BiasOps,
            public LinearOps,
            public MaxPool2dOps,
            public AvgPool2dOps,
            public AdaptivePool2dOps,
            public ReluOps,
            public TanhOps,
            public ActivationOps,
            public PreluOps,
            public AddOps,
            public MultiplyOps,
            public CastOps,
            public ConcatOps,
            public PadOps,
            public Upsample2dOps,
            public LrnOps,
            public BatchNormOps,
            public DropoutOps,
            public SoftmaxOps,
            public LogSoftmaxOps,
            public SoftmaxCrossEntropyOps,
            public SoftCrossEntropyOps,
            public HingeLossOps,
            public MeanSquaredErrorOps,
            public BinaryCrossEntropyOps,
            public OneHotOps,
            public DistanceOps,
            public SgdOps,
            public AdamOps,
            public RmspropOps,
            public AdagradOps,
            public AverageOps,
            public SumOfSquaresOps,
            public GradientClipOps,
            public NonfiniteOps,
            public HaltOps,
            public AugmentOps {};

// The implementation that a plan step will call, and the engine's name to print beside it.
struct EngineChoice {
  Ops* ops = nullptr;
  std::string engine;
};

// One of the ways in which a device's own kernels compute an operation: what `engine` does with images in `layout`.
struct Generation {
  std::string name;  // "naive", "tiled", "mma": its rung on the ladder of docs/convolution.md
  EngineChoice engine;
  Layout layout = Layout::nchw;
};

// Work that a device has captured, to be done again and again: the same operations on the same bytes of memory, with the
// numbers that they were given when it was captured. What is to differ from one time to the next lies in device memory.
class Captured {
 public:
  virtual ~Captured() = default;
  virtual void replay() = 0;  // enqueues all of it
};

// A device: its memory and one or more engines. A backend is used by one thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  // as given on the command line: "reference", "emu:native", ...
  virtual std::shared_ptr<Memory> memory() = 0;
  // Which engine runs operation `op` ("conv2d", "relu", ...) in `direction`. `forced` names an engine that a layer
  // insists on, or is empty; throws InputError when that engine does not provide the op. Never falls back silently:
  // the choice is recorded in the plan.
  virtual EngineChoice choose(std::string_view op, Direction direction, std::string_view forced) = 0;
  // The ways that there are on this device to compute `op` ("conv2d", "linear") in `precision`, from the plainest to the
  // newest, to be measured and compared. Plans take one of them or none; its name is an engine's. Empty by default.
  virtual std::vector<Generation> generations(std::string_view /*op*/, Precision) { return {}; }
  // What the engine "auto" chooses among, by measuring them layer by layer (core/tuning); the first computes what
  // nothing was picked for. Empty, as on most devices: nothing is measured.
  virtual std::vector<std::string> measured_engines() const { return {}; }
  // What times of the measured engines hold for, in words: hardware and versions.
  virtual std::string hardware() const { return {}; }
  // From now on plans take these engines for the layers of these names, in place of the device's own choice; what a
  // layer itself insists on goes first. Plans that are there keep theirs.
  void pick_engines(EnginePicks picks) { picks_ = std::move(picks); }
  const EnginePicks& picked_engines() const { return picks_; }
  // A named range around the work of one layer, for profilers. No-ops by default.
  virtual void begin_range(std::string_view) {}
  virtual void end_range() {}
  // Operations (or kernel launches) this backend has executed: proof that the device under test really ran.
  virtual std::uint64_t executed() const = 0;
  // What the device's runtime has done for this backend so far; nullopt where there is none, as on host memory.
  virtual std::optional<RuntimeCounts> counts() const { return std::nullopt; }
  virtual void synchronize() { memory()->synchronize(); }
  // By the device's own clock where it has one; valid no longer than the backend.
  virtual std::unique_ptr<WorkTimer> timer() { return std::make_unique<HostTimer>(memory()); }
  // Why this device captures nothing; empty where it does.
  virtual std::string no_capture() const { return "its operations are done when their calls return"; }
  // Calls `work`, whose operations, copies on the device and fills are noted and not done. Whatever else a backend or its
  // memory is asked for meanwhile is a DeviceError: to wait, to allocate or free, to copy from or to the host. The memory
  // used must outlive the result, and so must the backend. Throws what `work` throws, and DeviceError where no_capture().
  virtual std::unique_ptr<Captured> capture(const std::function<void()>& /*work*/) {
    throw DeviceError("device " + name() + " captures no work: " + no_capture());
  }

 private:
  EnginePicks picks_;
};

}  // namespace fovea
