// SPDX-License-Identifier: Apache-2.0
//
// Transfer learning: the weights of one training as the start of another (Yosinski et al. 2014).
#pragma once
#include <string>
#include <vector>

#include "core/executor/parameters.h"
#include "core/graph/graph.h"
#include "core/train/checkpoint.h"

namespace fovea {

// The tensors of a net and of the checkpoint it starts from; each list in the order of its owner.
struct TransferReport {
  std::vector<std::string> loaded;
  std::vector<std::string> fresh;    // the net's own initial values stay: not in the checkpoint, or part of a new head
  std::vector<std::string> skipped;  // of the checkpoint, with the reason: "fc3.weight [10, 84]: the net has [2, 84]"
};

// The last layer with weights on the way to the logits. Throws InputError when the net has none.
NodeId head_of(const Model& model);

// The net with a head for `classes` classes: the last layer, "linear" or "conv2d", gets as many outputs. Throws
// InputError when the net ends otherwise.
Graph with_new_head(const Graph& graph, std::int64_t classes);

// Copies every tensor that the checkpoint and the net share by name and shape into `weights`; with `new_head` all but
// the head's. Throws InputError when nothing was copied.
TransferReport transfer_weights(const Checkpoint& checkpoint, const std::string& path, const Model& model,
                                bool new_head, ParameterArena& weights);

}  // namespace fovea
