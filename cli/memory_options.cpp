// SPDX-License-Identifier: Apache-2.0
#include "cli/memory_options.h"

#include <fmt/format.h>

#include "core/support/error.h"
#include "core/train/training_model.h"

namespace fovea::cli {
namespace {

constexpr const char *micro_batch_option = "--micro-batch", *limit_option = "--memory-limit";

struct Limit {
  std::size_t bytes = 0;
  std::string text;  // "2.0 GiB are free on emu:native"
};

Limit limit_of(const MemoryFlags& flags, Backend& backend) {
  if (!flags.limit.empty()) {
    const std::size_t bytes = parse_bytes(limit_option, flags.limit);
    return {bytes, fmt::format("{} is {}", limit_option, bytes_text(bytes))};
  }
  const std::size_t bytes = backend.memory()->free_bytes();
  return {bytes, fmt::format("{} are free on {}", bytes_text(bytes), backend.name())};
}

std::int64_t parse_micro_batch(const std::string& text, std::int64_t batch) {
  try {
    return parse_integer(micro_batch_option, text, {1, batch});
  } catch (const InputError&) {
    throw InputError(fmt::format("{}: expected auto or a whole number from 1 to {} (the batch), got '{}'",
                                 micro_batch_option, batch, text));
  }
}

// Layers that look at the pieces of a batch one by one.
std::string seen_piecewise(const Model& model) {
  bool norm = false, dropout = false;
  for (const Node& node : model.graph.nodes()) {
    norm = norm || (node.layer && node.layer->op() == "batch_norm");
    dropout = dropout || (node.layer && node.layer->op() == "dropout");
  }
  return norm && dropout ? "batch norm and dropout" : norm ? "batch norm" : dropout ? "dropout" : "";
}

// What would fit instead.
std::string advice(const Model& model, Backend& backend, const TrainingSets& sets, const TrainOptions& options,
                   std::size_t limit, bool resumed) {
  const std::int64_t batch = largest_batch(model, backend, options, sets, limit);
  const std::string largest = batch == 0 ? fmt::format("no --batch fits while evaluation computes {} images at once",
                                                       TrainOptions::largest_evaluation)
                                         : fmt::format("the largest --batch that fits is {}", batch);
  if (resumed) return largest + "; a run that goes on keeps its batch and micro-batch";
  const std::int64_t piece = best_micro_batch(model, backend, options, sets, limit);
  if (piece == 0)
    return fmt::format("{}, and no {} of a batch of {} either", largest, micro_batch_option, options.batch);
  return fmt::format("{}; {} {} computes the batch of {} in pieces of that size", largest, micro_batch_option, piece,
                     options.batch);
}

}  // namespace

void declare(Arguments& arguments, MemoryFlags& flags) {
  arguments.text(micro_batch_option, flags.micro_batch, "N|auto",
                 "Compute a batch in pieces of N images and add up their gradients; auto: as large as fits");
  arguments.text(limit_option, flags.limit, "SIZE",
                 "Device memory that the training may take: 512M, 2G, bytes; default: what is free");
}

std::vector<std::string> memory_table(const Model& model, const TrainingMemory& memory) {
  const Graph& graph = model.graph;
  const std::vector<Shape> shapes = graph.shapes(memory.piece);
  std::vector<std::vector<std::string>> rows{
      {"layer", "type", "output", "parameters", "activations", "gradients", "workspace"}};
  const auto add = [&](const std::string& name, std::string_view type, const std::string& shape, const LayerMemory& m) {
    rows.push_back({name, std::string(type), shape, bytes_text(m.parameters), bytes_text(m.activations),
                    bytes_text(m.gradients), bytes_text(m.workspace)});
  };
  LayerMemory all;
  for (std::size_t i = 0; i < memory.layers.size(); ++i) {
    const LayerMemory& layer = memory.layers[i];
    const Node& node = graph.nodes()[i];
    if (layer.total() > 0) add(node.name, node.layer ? node.layer->type() : "input", shapes[i].to_string(), layer);
    all.parameters += layer.parameters;
    all.activations += layer.activations;
    all.gradients += layer.gradients;
    all.workspace += layer.workspace;
  }
  add("all", "", "", all);
  std::vector<std::string> lines = aligned(rows, 3);
  lines.emplace_back("on the device at once, where layers share bytes in turn:");
  std::vector<std::vector<std::string>> parts;
  for (const auto& [name, bytes] : memory.parts) parts.push_back({"  " + name, bytes_text(bytes)});
  parts.push_back({"  total", bytes_text(memory.total())});
  for (std::string& line : aligned(parts, 1)) lines.push_back(std::move(line));
  return lines;
}

std::string micro_batch_note(const TrainOptions& options, const Model& model) {
  if (options.piece() >= options.batch) return fmt::format("the whole batch of {} is computed at once", options.batch);
  const std::string layers = seen_piecewise(model);
  return fmt::format("each batch of {} is computed in pieces of {}{}", options.batch, options.micro_batch,
                     layers.empty() ? "" : ", and " + layers + " looks at each piece by itself");
}

void fit_into_memory(const MemoryFlags& flags, bool resumed, const Model& model, Backend& backend,
                     const TrainingSets& sets, TrainOptions& options) {
  const bool automatic = flags.micro_batch == "auto";
  if (!automatic && !flags.micro_batch.empty())
    options.micro_batch = parse_micro_batch(flags.micro_batch, options.batch);
  if (automatic && !resumed) options.micro_batch = 0;
  const Limit limit = limit_of(flags, backend);
  TrainingMemory memory = plan_memory(model, backend, options, sets);
  if (memory.total() > limit.bytes && automatic && !resumed) {
    if (const std::int64_t piece = best_micro_batch(model, backend, options, sets, limit.bytes)) {
      options.micro_batch = piece;
      memory = plan_memory(model, backend, options, sets);
    }
  }
  require(memory.total() <= limit.bytes, [&] {
    return fmt::format("net '{}' with {} images at once takes {} to train, and {}: {}\n{}", model.graph.name(),
                       memory.piece, bytes_text(memory.total()), limit.text,
                       advice(model, backend, sets, options, limit.bytes, resumed),
                       fmt::join(memory_table(training_model(model, options), memory), "\n"));
  });
}

}  // namespace fovea::cli
