// SPDX-License-Identifier: Apache-2.0
//
// In inference batch normalisation is a scale and a shift for each channel, and so is what comes before it:
//
//   (w * x + b - mean) * s + bias  =  (w s) * x + ((b - mean) s + bias)       s = weight / sqrt(variance + epsilon)
//
// Folding puts s into the filters and the rest into the bias of the layer before, and leaves the normalisation out: one
// pass over the activations less.
#pragma once
#include <vector>

#include "core/graph/graph.h"

namespace fovea {

struct FoldedNet {
  Graph graph;
  std::vector<Tensor> weights;  // host tensors in the order of ParameterLayout::of(graph)
  // By the old graph's nodes: the new node that computes the same. A folded pair has one node, of the first's name; what
  // the layer before the normalisation gave by itself is computed no more, and its entry names the pair too.
  std::vector<NodeId> node_of;
  int folded = 0;  // pairs
};

// For inference only. Folds every batch_norm that reads a conv2d, conv1d or linear which nothing else reads, and copies the
// rest. `weights` are host tensors in the order of ParameterLayout::of(graph); InputError for another number of them.
FoldedNet fold_batch_norm(const Graph& graph, const std::vector<Tensor>& weights);
// The same of a classifier, whose inputs and outputs are found again.
struct FoldedModel {
  Model model;
  std::vector<Tensor> weights;
  int folded = 0;
};
FoldedModel fold_batch_norm(const Model& model, const std::vector<Tensor>& weights);

}  // namespace fovea
