// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace fovea {

// Where each parameter of a graph lies in one flat arena: first all that is trained, then the layers' state. Offsets are
// multiples of 64 elements; the gaps stay zero, so one kernel may update the whole trained part.
struct ParameterLayout {
  struct Entry {
    std::string name;  // "conv1.weight"
    NodeId node = -1;
    ParameterSpec spec;
    std::int64_t offset = 0;  // in elements
    bool trained = true;      // false: state
  };
  std::vector<Entry> entries;
  std::int64_t elements = 0;          // of the arena, gaps included
  std::int64_t trained_elements = 0;  // of its first part
  std::int64_t parameters = 0;        // trained ones, without gaps

  static ParameterLayout of(const Graph& graph);
};

// An arena on a device: weights, their gradients, or an optimizer's state.
//
// Weights may have a copy in 16 bits beside them, which plans with PlanOptions::kept_copies compute with. It holds the
// rounded weights at any time, as long as whoever changes weights goes through set() or, by way of trained(), gives an
// update copy() to write (core/ops/update_memory.h).
class ParameterArena {
 public:
  // Zeros. `copied`: bf16 or f16, of f32 weights; f32: no copy.
  ParameterArena(ParameterLayout layout, std::shared_ptr<Memory> memory, DType dtype = DType::f32,
                 DType copied = DType::f32);
  // What the copy takes of a device's memory.
  static std::size_t copy_bytes(const ParameterLayout& layout, DType copied);

  const ParameterLayout& layout() const { return layout_; }
  View all() { return arena_.view(); }
  ConstView all() const { return arena_.view(); }
  // What an optimizer updates.
  View trained();
  // The 16-bit copy of trained(), element by element; empty where none is kept. And that of one trained parameter.
  View copy();
  View copy_entry(std::size_t i);
  // The rest: what layers keep without training it. Empty where there is none.
  View state();
  View entry(std::size_t i);
  ConstView entry(std::size_t i) const;
  // Host copies of one parameter. set() throws InputError on a shape mismatch and converts f32 <-> f64; it sets the 16-bit
  // copy too.
  Tensor get(std::size_t i) const;
  void set(std::size_t i, const Tensor& host);

 private:
  ParameterLayout layout_;
  Tensor arena_, copy_;  // copy_ is empty where none is kept
};

// What a parameter or state that is not drawn at random starts as: zeros or its constants, f32 on the host.
Tensor initial_values(const ParameterSpec& spec);

// Fills `arena` with initial weights: each element depends on (seed, parameter's number, element) only. `init` is for the
// layers with weights to draw for which the net asks nothing. Throws InputError where it does not suit one.
void initialise(ParameterArena& arena, std::uint64_t seed, const Initialization& init = {});

}  // namespace fovea
