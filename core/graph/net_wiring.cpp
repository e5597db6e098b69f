// SPDX-License-Identifier: Apache-2.0
#include "core/graph/net_wiring.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/support/did_you_mean.h"

namespace fovea {
namespace {

using Layers = std::vector<NetFileLayer>;

std::map<std::string, int> index_names(const Layers& layers, const std::string& image_name, NetFaults& faults) {
  std::map<std::string, int> index{{image_name, NetFileLayer::image}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const NetFileLayer& layer = layers[i];
    if (layer.name.empty()) continue;
    const auto report = [&](const std::string& got) {
      faults.add(layer.line, layer.column, layer.where,
                 fmt::format("duplicate name: expected a name of its own, got {}", got));
    };
    const auto [it, added] = index.emplace(layer.name, static_cast<int>(i));
    if (!added && it->second == NetFileLayer::image) {
      report("the name of the net's input");
    } else if (!added) {
      report(fmt::format("the name of the layer at line {}", layers[static_cast<std::size_t>(it->second)].line));
    } else if (layer.name == "label" || layer.name == "target" || layer.name == "loss") {
      report("a name reserved for training (label, target, loss)");
    }
  }
  return index;
}

// The inputs as written; they may point forward. Returns false when one is unknown.
bool resolve(Layers& layers, const std::map<std::string, int>& index, NetFaults& faults) {
  bool all_known = true;
  std::vector<std::string> names;
  for (const auto& [name, i] : index) names.push_back(name);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    NetFileLayer& layer = layers[i];
    if (layer.inputs_value == nullptr) {
      layer.inputs = {static_cast<int>(i) - 1};  // the layer above; the first reads the image
      continue;
    }
    for (std::size_t k = 0; k < layer.input_names.size(); ++k) {
      const auto found = index.find(layer.input_names[k]);
      layer.inputs.push_back(found == index.end() ? NetFileLayer::unknown : found->second);
      if (found != index.end()) continue;
      all_known = false;
      const TomlValue& at = layer.input_value(k);
      faults.add(at.line, at.column, layer.where,
                 fmt::format("unknown input: expected the net's input or a layer above, got '{}'{}",
                             layer.input_names[k], did_you_mean(layer.input_names[k], names)));
    }
    if (layer.input_names.empty()) all_known = false;
  }
  return all_known;
}

// Marks what lies on no cycle, reading only layers that do not either: what is left has an input in the rest.
void peel(const Layers& layers, std::vector<bool>& gone) {
  std::vector<int> waiting(layers.size());
  std::vector<std::vector<std::size_t>> readers(layers.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (gone[i]) continue;
    for (const int input : layers[i].inputs) {
      if (input < 0 || gone[static_cast<std::size_t>(input)]) continue;
      ++waiting[i];
      readers[static_cast<std::size_t>(input)].push_back(i);
    }
    if (waiting[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t i = ready.back();
    ready.pop_back();
    gone[i] = true;
    for (const std::size_t reader : readers[i]) {
      if (--waiting[reader] == 0) ready.push_back(reader);
    }
  }
}

// The members of one cycle among the layers not gone, each reading the next; empty when there is none.
std::vector<std::size_t> find_cycle(const Layers& layers, const std::vector<bool>& gone) {
  const auto first = std::find(gone.begin(), gone.end(), false);
  if (first == gone.end()) return {};
  std::vector<std::size_t> path;
  std::vector<int> position(layers.size(), -1);
  std::size_t at = static_cast<std::size_t>(first - gone.begin());
  while (position[at] < 0) {
    position[at] = static_cast<int>(path.size());
    path.push_back(at);
    for (const int input : layers[at].inputs) {
      if (input >= 0 && !gone[static_cast<std::size_t>(input)]) {
        at = static_cast<std::size_t>(input);
        break;
      }
    }
  }
  path.erase(path.begin(), path.begin() + position[at]);
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  return path;
}

// Reports every cycle; returns the edges (reader, input) that belong to one.
std::set<std::pair<std::size_t, std::size_t>> report_cycles(const Layers& layers, NetFaults& faults) {
  std::set<std::pair<std::size_t, std::size_t>> edges;
  std::vector<bool> gone(layers.size());
  for (;;) {
    peel(layers, gone);
    const std::vector<std::size_t> cycle = find_cycle(layers, gone);
    if (cycle.empty()) return edges;
    std::string members = layers[cycle[0]].name;
    for (std::size_t k = 0; k < cycle.size(); ++k) {
      const std::size_t input = cycle[(k + 1) % cycle.size()];
      edges.emplace(cycle[k], input);
      gone[cycle[k]] = true;
      members += " <- " + layers[input].name;
    }
    const NetFileLayer& layer = layers[cycle[0]];
    faults.add(layer.line, layer.column, layer.where,
               fmt::format("expected a net without cycles, got the cycle {} (<- means reads)", members));
  }
}

void report_unused(const Layers& layers, NetFaults& faults) {
  std::vector<bool> used(layers.size());
  if (!layers.empty()) used.back() = true;
  for (const NetFileLayer& layer : layers) {
    for (const int input : layer.inputs) {
      if (input >= 0) used[static_cast<std::size_t>(input)] = true;
    }
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (used[i]) continue;
    faults.add(layers[i].line, layers[i].column, layers[i].where,
               fmt::format("unused layer: expected a layer below to read it, got none (the net's output is its last "
                           "layer, '{}')",
                           layers.back().name));
  }
}

}  // namespace

void wire_net(Layers& layers, const std::string& image_name, NetFaults& faults) {
  const std::map<std::string, int> index = index_names(layers, image_name, faults);
  bool sound = resolve(layers, index, faults);
  const auto on_cycle = report_cycles(layers, faults);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (std::size_t k = 0; k < layers[i].inputs.size(); ++k) {
      int& input = layers[i].inputs[k];
      if (input < static_cast<int>(i)) continue;
      const std::size_t other = static_cast<std::size_t>(input);
      if (on_cycle.count({i, other}) == 0) {
        const TomlValue& at = layers[i].input_value(k);
        faults.add(at.line, at.column, layers[i].where,
                   fmt::format("forward reference: expected a layer above, got '{}', which comes below at line {}",
                               layers[other].name, layers[other].line));
      }
      input = NetFileLayer::unknown;
      sound = false;
    }
  }
  // After a wrong reference, "unused" would only repeat it.
  if (sound) report_unused(layers, faults);
}

}  // namespace fovea
