// SPDX-License-Identifier: Apache-2.0
#include "core/train/confusion.h"

#include <cmath>
#include <limits>

namespace fovea {
namespace {

double fraction(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Whether class `a` ranks before class `b`: a larger score, an equal one of an earlier class; NaN is behind all numbers.
bool ranks_before(std::span<const float> scores, std::size_t a, std::size_t b) {
  const bool a_is_number = !std::isnan(scores[a]), b_is_number = !std::isnan(scores[b]);
  if (a_is_number != b_is_number) return a_is_number;
  return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
}

std::size_t best(std::span<const float> scores) {
  std::size_t answer = 0;
  for (std::size_t c = 1; c < scores.size(); ++c)
    if (ranks_before(scores, c, answer)) answer = c;
  return answer;
}

// use(scores of all classes) for each of the `labels` positions, in the labels' order.
template <class Use>
void for_each_scores(const Tensor& logits, std::size_t labels, const Use& use) {
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  const auto positions = static_cast<std::size_t>(logits.shape().without_batch().without_batch().elements());
  std::vector<float> scores(classes);
  const Tensor wide = logits.dtype() == DType::f32 ? logits : logits.converted(DType::f32);
  for (std::size_t i = 0; i < labels; ++i) {
    const std::size_t n = i / positions, position = i % positions;
    for (std::size_t c = 0; c < classes; ++c) scores[c] = wide.span<float>()[(n * classes + c) * positions + position];
    use(std::span<const float>(scores));
  }
}

}  // namespace

std::vector<std::int32_t> labels_of_targets(const Tensor& targets) {
  const auto classes = static_cast<std::size_t>(targets.shape()[1]);
  std::vector<std::int32_t> labels;
  for (std::size_t n = 0; n < static_cast<std::size_t>(targets.shape()[0]); ++n)
    labels.push_back(static_cast<std::int32_t>(best(targets.span<float>().subspan(n * classes, classes))));
  return labels;
}

std::int64_t count_correct(const Tensor& logits, std::span<const std::int32_t> labels) {
  std::int64_t correct = 0;
  std::size_t i = 0;
  for_each_scores(logits, labels.size(), [&](std::span<const float> scores) {
    correct += best(scores) == static_cast<std::size_t>(labels[i++]);
  });
  return correct;
}

Confusion::Confusion(std::int64_t classes)
    : classes_(classes), counts_(static_cast<std::size_t>(classes) * static_cast<std::size_t>(classes)) {}

void Confusion::add(const Tensor& logits, std::span<const std::int32_t> labels) {
  std::size_t i = 0;
  for_each_scores(logits, labels.size(), [&](std::span<const float> scores) {
    const auto label = static_cast<std::size_t>(labels[i++]);
    const std::size_t answer = best(scores);
    std::int64_t before = 0;  // classes that rank before the label
    for (std::size_t c = 0; c < scores.size(); ++c) before += c != label && ranks_before(scores, c, label);
    ++counts_[label * static_cast<std::size_t>(classes_) + answer];
    ++labels_;
    correct_ += answer == label;
    top5_ += before < 5;
  });
}

std::int64_t Confusion::count(std::int64_t label, std::int64_t answer) const {
  return counts_.at(static_cast<std::size_t>(label * classes_ + answer));
}

double Confusion::accuracy() const { return fraction(correct_, labels_); }
double Confusion::top5_accuracy() const { return fraction(top5_, labels_); }

double Confusion::class_accuracy(std::int64_t label) const {
  std::int64_t all = 0;
  for (std::int64_t answer = 0; answer < classes_; ++answer) all += count(label, answer);
  return fraction(count(label, label), all);
}

}  // namespace fovea
