// SPDX-License-Identifier: Apache-2.0
#include "core/tuning/choose_engines.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/executor/step_call.h"
#include "core/support/error.h"
#include "core/tuning/step_key.h"
#include "core/tuning/step_time.h"

namespace fovea {
namespace {

constexpr Direction both_directions[] = {Direction::forward, Direction::backward};

// The engines for one layer in both directions; without a backward step the second name is empty.
struct Pair {
  std::string forward, backward;
  std::optional<Plan> plan{};             // the first of the plans, where the engines make all of them possible
  std::string refusal{};                  // else why not
  std::optional<double> seconds[2] = {};  // of what differs from the other pairs: forward, backward

  const std::string& engine(Direction direction) const { return direction == Direction::forward ? forward : backward; }
  std::optional<double> total() const {
    if (!seconds[0] || !seconds[1]) return std::nullopt;
    return *seconds[0] + *seconds[1];
  }
};

// How often a plan has steps that are alike: of one layer and one key.
using StepCounts = std::map<std::string, int>;

class Chooser {
 public:
  Chooser(const Graph& graph, Backend& backend, const std::vector<PlanOptions>& plans, EngineTimes& times,
          bool may_measure)
      : graph_(graph),
        backend_(backend),
        plans_(plans),
        times_(times),
        may_measure_(may_measure),
        parameters_(ParameterLayout::of(graph)),
        before_(backend.picked_engines()) {}
  // Picks of a search that ended in an exception do not stay.
  ~Chooser() { backend_.pick_engines(std::move(before_)); }
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;

  EngineTable choose() {
    backend_.pick_engines({});
    const Plan plan = make_plan(graph_, parameters_, backend_, plans_.front());
    std::vector<bool> has_backward(graph_.nodes().size());
    for (const PlanStep& step : plan.steps)
      if (step.kind == StepKind::backward) has_backward[static_cast<std::size_t>(step.node)] = true;
    for (std::size_t i = 0; i < plan.forward_steps; ++i) {
      const PlanStep& step = plan.steps[i];
      if (step.kind == StepKind::forward) choose_for(step.node, has_backward[static_cast<std::size_t>(step.node)]);
    }
    before_ = table_.picks();
    return std::move(table_);
  }

 private:
  // Those that have the operation of a layer which insists on none.
  std::vector<std::string> engines_for(const Node& node, Direction direction) {
    std::vector<std::string> names;
    for (const std::string& name : backend_.measured_engines()) {
      try {
        backend_.choose(node.layer->op(), direction, name);
        names.push_back(name);
      } catch (const InputError&) {
        continue;  // it lacks the operation
      }
    }
    return names;
  }

  void choose_for(NodeId id, bool has_backward) {
    const Node& node = graph_.node(id);
    if (!node.engine.empty()) return;
    const std::vector<std::string> forward = engines_for(node, Direction::forward);
    const std::vector<std::string> backward =
        has_backward ? engines_for(node, Direction::backward) : std::vector<std::string>{""};
    if (forward.size() < 2 && backward.size() < 2) return;
    std::vector<Pair> pairs;
    for (const std::string& f : forward)
      for (const std::string& b : backward) pairs.push_back(plan_with(node, f, b));
    const bool is_choice = std::ranges::count_if(pairs, [](const Pair& pair) { return pair.plan.has_value(); }) > 1;
    if (is_choice) time_pairs(pairs);
    const Pair& best = best_of(pairs, [](const Pair&) { return true; });
    if (is_choice && !best.total()) table_.unmeasured.push_back(node.name);
    for (const Direction direction : both_directions) {
      const std::vector<std::string>& engines = direction == Direction::forward ? forward : backward;
      if (engines.size() < 2) continue;
      EngineRow row{node.name, direction, std::string(node.layer->op()), best.engine(direction), {}};
      for (const std::string& engine : engines) row.times.push_back(time_of(pairs, engine, direction));
      table_.rows.push_back(std::move(row));
    }
  }

  Pair plan_with(const Node& node, const std::string& forward, const std::string& backward) {
    Pair pair{.forward = forward, .backward = backward};
    EnginePicks picks{{node.name, Direction::forward, forward}};
    if (!backward.empty()) picks.push_back({node.name, Direction::backward, backward});
    backend_.pick_engines(std::move(picks));
    try {
      pair.plan = make_plan(graph_, parameters_, backend_, plans_.front());
      for (std::size_t i = 1; i < plans_.size(); ++i) make_plan(graph_, parameters_, backend_, plans_[i]);
    } catch (const InputError& error) {
      pair.plan.reset();
      pair.refusal = error.what();
    }
    return pair;
  }

  std::string key_in(const Plan& plan, const PlanStep& step) const {
    return graph_.node(step.node).name + ": " + step_key(graph_, plan, step);
  }

  StepCounts count_steps(const Plan& plan) const {
    StepCounts counts;
    for (const PlanStep& step : plan.steps) ++counts[key_in(plan, step)];
    return counts;
  }

  // Steps that every plan has, each as often as the plan that has it the least often.
  StepCounts common_steps(const std::vector<Pair>& pairs) const {
    std::optional<StepCounts> common;
    for (const Pair& pair : pairs) {
      if (!pair.plan) continue;
      StepCounts counts = count_steps(*pair.plan);
      if (common)
        for (auto& [key, count] : *common) count = std::min(count, counts[key]);
      else
        common = std::move(counts);
    }
    return common.value_or(StepCounts{});
  }

  void time_pairs(std::vector<Pair>& pairs) {
    const StepCounts common = common_steps(pairs);
    for (Pair& pair : pairs) {
      if (!pair.plan) continue;
      StepCounts left = common;
      pair.seconds[0] = pair.seconds[1] = 0;
      for (std::size_t i = 0; i < pair.plan->steps.size(); ++i) {
        const PlanStep& step = pair.plan->steps[i];
        if (left[key_in(*pair.plan, step)]-- > 0) continue;
        std::optional<double>& sum = pair.seconds[i < pair.plan->forward_steps ? 0 : 1];
        const std::optional<double> seconds = time_of(*pair.plan, step);
        sum = sum && seconds ? std::optional(*sum + *seconds) : std::nullopt;
      }
    }
  }

  std::optional<double> time_of(const Plan& plan, const PlanStep& step) {
    const std::string hardware = backend_.hardware(), key = step_key(graph_, plan, step);
    const bool is_new = seen_.insert(key).second;
    if (const std::optional<double> known = times_.find(hardware, key)) {
      if (is_new) ++table_.remembered;
      return known;
    }
    if (!may_measure_) return std::nullopt;
    try {
      const double seconds = time_step(graph_, parameters_, plan, step, backend_);
      times_.add(hardware, key, seconds);
      ++table_.measured;
      return seconds;
    } catch (const DeviceError& error) {
      throw DeviceError("engine auto measures '" + range_name(graph_, step) + "' by engine '" + step.engine.engine +
                        "': " + error.what());
    }
  }

  // The first of those that take the least time; of pairs without times the first that can be planned.
  template <class Predicate>
  static const Pair& best_of(const std::vector<Pair>& pairs, const Predicate& eligible) {
    const Pair* best = nullptr;
    bool all_timed = true;
    for (const Pair& pair : pairs) all_timed = all_timed && (!pair.plan || pair.total());
    for (const Pair& pair : pairs) {
      if (!pair.plan || !eligible(pair)) continue;
      if (best == nullptr || (all_timed && *pair.total() < *best->total())) best = &pair;
    }
    if (best != nullptr) return *best;
    for (const Pair& pair : pairs)
      if (eligible(pair)) return pair;  // refused, as all of them are
    throw Error("choose_engines: no pair of engines");
  }

  static EngineTime time_of(const std::vector<Pair>& pairs, const std::string& engine, Direction direction) {
    const Pair& pair = best_of(pairs, [&](const Pair& p) { return p.engine(direction) == engine; });
    return {engine, pair.plan ? pair.seconds[direction == Direction::forward ? 0 : 1] : std::nullopt, pair.refusal};
  }

  const Graph& graph_;
  Backend& backend_;
  const std::vector<PlanOptions>& plans_;
  EngineTimes& times_;
  bool may_measure_;
  ParameterLayout parameters_;
  EnginePicks before_;
  std::set<std::string> seen_;  // keys that were asked for
  EngineTable table_;
};

}  // namespace

EnginePicks EngineTable::picks() const {
  EnginePicks picks;
  for (const EngineRow& row : rows) picks.push_back({row.layer, row.direction, row.engine});
  return picks;
}

EngineTable choose_engines(const Graph& graph, Backend& backend, const std::vector<PlanOptions>& plans,
                           EngineTimes& times, bool may_measure) {
  if (backend.measured_engines().empty()) return {};
  return Chooser(graph, backend, plans, times, may_measure).choose();
}

}  // namespace fovea
