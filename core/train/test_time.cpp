// SPDX-License-Identifier: Apache-2.0
#include "core/train/test_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/support/error.h"

namespace fovea {
namespace {

// The softmax of each row of `logits` [N, classes] is added to `sums`.
void add_probabilities(const Tensor& logits, std::vector<double>& sums) {
  const std::span<const float> all = logits.span<float>();
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  std::vector<double> p(classes);
  for (std::size_t begin = 0; begin < all.size(); begin += classes) {
    const std::span<const float> scores = all.subspan(begin, classes);
    const double most = *std::ranges::max_element(scores);
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += p[c] = std::exp(double{scores[c]} - most);
    for (std::size_t c = 0; c < classes; ++c) sums[begin + c] += p[c] / sum;
  }
}

// The first largest wins.
std::int64_t count_correct(const std::vector<double>& scores, const std::vector<std::int32_t>& labels) {
  const std::size_t classes = scores.size() / labels.size();
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = scores.begin() + static_cast<std::ptrdiff_t>(i * classes);
    correct += std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row == labels[i];
  }
  return correct;
}

}  // namespace

ViewsEvaluation evaluate_views(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights,
                               const Dataset& data, const Normalization& normalization, const Views& views,
                               std::uint64_t seed, std::int64_t batch, Precision precision, PlanPasses passes) {
  const Shape shape = data.sample_shape();
  views.require_fits(shape);
  require(data.label_shape().rank() == 0 && shape == model.sample_shape() && data.classes() <= model.classes(), [&] {
    return fmt::format(
        "net '{}' takes samples {} and tells {} classes apart; views need data with one label for each "
        "image that fit it, got samples {} of {} classes",
        model.graph.name(), model.sample_shape().to_string(), model.classes(), shape.to_string(), data.classes());
  });
  const PixelTable table(normalization, shape);
  const auto bytes = static_cast<std::size_t>(shape.elements()), classes = static_cast<std::size_t>(model.classes());
  ViewsEvaluation result{.images = data.size()};
  std::int64_t correct = 0, views_correct = 0;
  std::unique_ptr<Executor> executor;
  std::vector<std::uint8_t> pixels, changed, scratch;
  for (std::int64_t first = 0; first < data.size(); first += batch) {
    const std::int64_t samples = std::min(batch, data.size() - first);
    const auto n = static_cast<std::size_t>(samples);
    if (!executor || executor->plan().options.batch != samples) {
      executor = std::make_unique<Executor>(
          model.graph, backend, weights,
          PlanOptions{.batch = samples, .target = model.logits, .dtype = storage_of(precision), .passes = passes});
    }
    pixels.resize(n * bytes);
    std::vector<std::int32_t> labels(n);
    for (std::size_t i = 0; i < n; ++i) {
      labels[i] = data.read(first + static_cast<std::int64_t>(i), std::span(pixels).subspan(i * bytes, bytes));
    }
    // View -1 is the image itself.
    std::vector<double> plain(n * classes), averaged(n * classes);
    for (std::int64_t view = -1; view < views.count(); ++view) {
      Tensor images(shape.with_batch(samples));
      for (std::size_t i = 0; i < n; ++i) {
        changed.assign(pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes),
                       pixels.begin() + static_cast<std::ptrdiff_t>((i + 1) * bytes));
        if (view >= 0) views.apply(view, seed, first + static_cast<std::int64_t>(i), shape, changed, scratch);
        table.apply(changed, images.span<float>().data() + i * bytes);
      }
      executor->set_input(model.image, images);
      executor->forward();
      add_probabilities(executor->read(model.logits).converted(DType::f32), view < 0 ? plain : averaged);
    }
    correct += count_correct(plain, labels);
    views_correct += count_correct(averaged, labels);
    for (std::size_t i = 0; i < n; ++i) {
      const double p = averaged[i * classes + static_cast<std::size_t>(labels[i])] / static_cast<double>(views.count());
      result.views_loss -= std::log(std::max(p, std::numeric_limits<double>::min()));
    }
  }
  const auto all = static_cast<double>(data.size());
  result.accuracy = static_cast<double>(correct) / all;
  result.views_accuracy = static_cast<double>(views_correct) / all;
  result.views_loss /= all;
  return result;
}

}  // namespace fovea
