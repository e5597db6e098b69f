// SPDX-License-Identifier: Apache-2.0
#include "cli/profile_net.h"

#include <algorithm>

#include "cli/net_step.h"
#include "cli/random_batch.h"

namespace fovea::cli {
namespace {

// Below the clock's resolution nothing can be said.
constexpr double least_seconds = 1e-9;

double median_of(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return std::max(least_seconds, Timing{.runs = 1, .seconds = std::move(seconds)}.median());
}

// Times the steps of a plan one by one: each begins where the one before has ended.
class StepClock final : public StepObserver {
 public:
  StepClock(Backend& backend, std::size_t steps)
      : backend_(backend), timer_(backend.timer()), spans_(steps), launches_(steps) {}

  void start() {
    next_ = 0;
    executed_ = backend_.executed();
    timer_->start();
  }
  void end() {
    timer_->mark();
    launches_[next_++] = static_cast<std::int64_t>(backend_.executed() - executed_);
    executed_ = backend_.executed();
  }
  void finish() {
    const std::vector<double> ends = timer_->marks();
    for (std::size_t i = 0; i < ends.size(); ++i) spans_[i] = {i == 0 ? 0 : ends[i - 1], ends[i]};
  }
  void before(const PlanStep&) override {}
  void after(const PlanStep&) override { end(); }

  const std::vector<StepSpan>& spans() const { return spans_; }
  const std::vector<std::int64_t>& launches() const { return launches_; }

 private:
  Backend& backend_;
  const std::unique_ptr<WorkTimer> timer_;
  std::vector<StepSpan> spans_;
  std::vector<std::int64_t> launches_;
  std::size_t next_ = 0;
  std::uint64_t executed_ = 0;
};

// A whole step; the optimizer is not in the plan, so that the clock is told.
void run_observed(NetStep& step, StepClock& clock) {
  step.executor().observe(&clock);
  clock.start();
  step.forward();
  if (step.executor().plan().options.training) {
    step.backward();
    step.update();
    clock.end();
  }
  clock.finish();
  step.executor().observe(nullptr);
}

template <class Work>
double timed(WorkTimer& timer, Work&& work) {
  timer.start();
  work();
  return timer.seconds();
}

// By step of the plan, the row it belongs to.
std::vector<std::size_t> group(const std::vector<StepRow>& steps, std::vector<ProfileRow>& rows) {
  std::vector<std::size_t> row_of;
  for (const StepRow& step : steps) {
    const auto found = std::ranges::find_if(
        rows, [&](const ProfileRow& row) { return row.layer == step.layer && row.direction == step.direction; });
    row_of.push_back(static_cast<std::size_t>(found - rows.begin()));
    if (found == rows.end()) rows.push_back({step.layer, step.direction, step.op, step.engine});
    ProfileRow& row = rows[row_of.back()];
    if (step.kind == StepKind::forward || step.kind == StepKind::backward) row.op = step.op, row.engine = step.engine;
    row.bytes += step.bytes;
    row.flops += step.flops;
    row.launches += step.launches;
  }
  return row_of;
}

// A ReLU of one number.
double smallest_operation(Backend& backend) {
  constexpr int warm_up = 10, runs = 101;
  Ops& ops = *backend.choose("relu", Direction::forward, {}).ops;
  Tensor x = Tensor::zeros(Shape{1}, DType::f32, backend.memory()), y(Shape{1}, DType::f32, backend.memory());
  const std::unique_ptr<WorkTimer> timer = backend.timer();
  std::vector<double> seconds;
  for (int i = 0; i < warm_up + runs; ++i) {
    const double one = timed(*timer, [&] { ops.relu_forward(x.view(), y.view()); });
    if (i >= warm_up) seconds.push_back(one);
  }
  return median_of(std::move(seconds));
}

}  // namespace

double Profile::sum() const {
  double seconds = 0;
  for (const ProfileRow& row : rows) seconds += row.seconds;
  return seconds;
}

Profile profile_net(const Model& model, Backend& backend, const PlanOptions& options, std::int64_t steps) {
  NetStep step(model, backend, options);
  Profile profile;
  profile.steps = step_rows(model.graph, step.layout(), step.executor().plan(), backend);
  StepClock clock(backend, profile.steps.size());
  step.run();  // first touches of memory, caches of the libraries
  run_observed(step, clock);
  for (std::size_t i = 0; i < profile.steps.size(); ++i) profile.steps[i].launches = clock.launches()[i];
  const std::vector<std::size_t> row_of = group(profile.steps, profile.rows);

  const std::unique_ptr<WorkTimer> timer = backend.timer();
  profile.clock = timer->clock();
  const bool captures = backend.no_capture().empty();
  if (captures) step.capture();
  std::vector<double> whole, captured;
  std::vector<std::vector<double>> by_row(profile.rows.size());
  for (std::int64_t i = 0; i < steps; ++i) {
    whole.push_back(timed(*timer, [&] { step.run(); }));
    if (captures) captured.push_back(timed(*timer, [&] { step.replay(); }));
    run_observed(step, clock);
    for (std::vector<double>& seconds : by_row) seconds.push_back(0);
    for (std::size_t s = 0; s < row_of.size(); ++s)
      by_row[row_of[s]].back() += clock.spans()[s].end - clock.spans()[s].begin;
  }
  profile.counts = step.counted_run();
  step.require_finite_loss();
  for (std::size_t i = 0; i < by_row.size(); ++i) profile.rows[i].seconds = median_of(std::move(by_row[i]));
  profile.spans = clock.spans();
  profile.step_seconds = median_of(std::move(whole));
  if (captures) profile.captured_seconds = median_of(std::move(captured));
  profile.launch_seconds = smallest_operation(backend);
  return profile;
}

double roofline_seconds(const ProfileRow& row, const Ceilings& ceilings) {
  return std::max(static_cast<double>(row.flops) / ceilings.flops_per_second,
                  static_cast<double>(row.bytes) / ceilings.bytes_per_second);
}

Bound bound_of(const ProfileRow& row, const Profile& profile, const Ceilings& ceilings) {
  const double starts = static_cast<double>(std::max<std::int64_t>(1, row.launches)) * profile.launch_seconds;
  const double compute = static_cast<double>(row.flops) / ceilings.flops_per_second;
  if (starts >= roofline_seconds(row, ceilings)) return Bound::launch;
  return compute >= static_cast<double>(row.bytes) / ceilings.bytes_per_second ? Bound::compute : Bound::memory;
}

}  // namespace fovea::cli
