// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea {

// Of host logits [N, C] or [N, C, ...] against labels [N] or [N, ...]: how many largest scores are the label's. Of equal
// scores the first class wins, and NaN never does.
std::int64_t count_correct(const Tensor& logits, std::span<const std::int32_t> labels);

// The class with the largest target of each row [N, C], the first of equal ones: labels for count_correct().
std::vector<std::int32_t> labels_of_targets(const Tensor& targets);

// How a classifier's answers compare with the labels: a table of counts, [label][answer], and what follows from it.
class Confusion {
 public:
  explicit Confusion(std::int64_t classes);

  // As count_correct(); labels in [0, C).
  void add(const Tensor& logits, std::span<const std::int32_t> labels);

  std::int64_t classes() const { return classes_; }
  std::int64_t labels() const { return labels_; }    // counted so far
  std::int64_t correct() const { return correct_; }  // of them, the answer was the label
  std::int64_t count(std::int64_t label, std::int64_t answer) const;
  // Fractions of the labels; NaN before the first one.
  double accuracy() const;
  double top5_accuracy() const;  // the label is among the five largest scores; 1 with up to five classes
  // The fraction of the labels `label` that were answered right (recall); NaN when there was none.
  double class_accuracy(std::int64_t label) const;

 private:
  std::int64_t classes_, labels_ = 0, correct_ = 0, top5_ = 0;
  std::vector<std::int64_t> counts_;  // [classes, classes]
};

}  // namespace fovea
