// SPDX-License-Identifier: Apache-2.0
//
// Runs a plan on a backend. One Executor serves one batch size and is used by one thread at a time; several executors
// may share weights, each on its own Backend object and thread, as long as nobody writes the weights.
#pragma once
#include <memory>
#include <string_view>

#include "core/executor/plan.h"

namespace fovea {

// Sees each step begin and end, on the executor's thread. On an asynchronous device the work of a step has been enqueued
// when after() is called, and may not have begun. A step that throws has no after().
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void before(const PlanStep& step) = 0;  // one of Executor::plan().steps
  virtual void after(const PlanStep& step) = 0;
};

class Executor {
 public:
  // `weights` must lie in the backend's memory, with PlanOptions::kept_copies those copies too. `gradients` may be shared
  // between executors (a tail batch) and is made here when training and null. `arena` may be shared too, by executors of which one runs at a time: bytes on the
  // backend's memory, at least as many as the plan's; empty: one is made here. The graph is copied; the backend must
  // outlive the executor. Throws DeviceError when the arena does not fit, naming the bytes asked for.
  Executor(Graph graph, Backend& backend, std::shared_ptr<ParameterArena> weights, const PlanOptions& options,
           std::shared_ptr<ParameterArena> gradients = nullptr, Tensor arena = {});
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  // Device memory that an executor of this plan takes beside arena and gradients: the number that backward begins with.
  static std::size_t seed_bytes(const Plan& plan);

  const Graph& graph() const { return graph_; }
  const Plan& plan() const { return plan_; }
  Backend& backend() { return backend_; }
  ParameterArena& weights() { return *weights_; }
  const std::shared_ptr<ParameterArena>& gradients() const { return gradients_; }

  // A node's output in device memory, valid after forward() until the next run; without PlanOptions::retain only
  // inputs and the target are guaranteed.
  View value(NodeId node);
  View gradient(NodeId node);
  // Copies a tensor of the host, or of the backend's memory, into an input. Throws InputError when shape or dtype differ
  // (f32 converts to what the plan stores).
  void set_input(NodeId node, const Tensor& value);
  Tensor read(NodeId node) { return read(plan_.values.at(static_cast<std::size_t>(node))); }

  // Which random numbers the next passes draw (dropout): those of this seed and training step. `in_memory`: where the
  // backend's memory holds the step too, [1] i64, for passes that are captured; empty: nowhere.
  void set_random(std::uint64_t seed, std::int64_t step, ConstView in_memory = {});

  // What the next backward passes begin with, 1 at first: d (scale * target) / d everything. Powers of two scale
  // gradients exactly, and lift those that a 16-bit type would round to 0. Costs nothing while it stays what it is.
  void set_loss_scale(double scale);

  // A fault to test with: from now on forward leaves NaN as the first element of this node's output. Throws InputError
  // when the plan computes no such output.
  void inject(NodeId node);

  // Who sees the steps of the next passes, until another is named; null, as at first: nobody, at no cost. It must outlive
  // the passes.
  void observe(StepObserver* observer) { observer_ = observer; }

  void forward();
  void backward();
  // Inference on the caller's own buffers, on this backend's memory: `input` is not copied and `output` receives the
  // target. Same thread rule as the executor.
  void infer(ConstView input, View output);

  // Single steps and buffers, for compare and debugging.
  void run(const PlanStep& step);
  View view(const BufferUse& use);
  Tensor read(const BufferUse& use);
  void write(const BufferUse& use, const Tensor& value);

 private:
  void compute(const PlanStep& step);
  void write_seed();

  Graph graph_;
  Backend& backend_;
  std::shared_ptr<ParameterArena> weights_, gradients_;
  Plan plan_;
  Tensor arena_;
  Tensor seed_;  // loss_scale_ on the device, so that backward waits for no copy from the host; empty without training
  RandomKey random_;
  NodeId inject_ = -1;
  double loss_scale_ = 1;
  StepObserver* observer_ = nullptr;
  BufferId external_input_ = no_buffer, external_output_ = no_buffer;
  ConstView external_input_view_;
  View external_output_view_;
};

}  // namespace fovea
