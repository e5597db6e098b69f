// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/augmentation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/data/augment/normal.h"
#include "core/data/augment/passes.h"
#include "core/data/augment/warp.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::vector<const AugmentKind*> all_kinds() {
  std::vector<const AugmentKind*> kinds;
  for (const auto* list : {&geometry_kinds(), &color_kinds(), &pixel_kinds(), &mix_kinds()}) {
    for (const AugmentKind& kind : *list) kinds.push_back(&kind);
  }
  return kinds;
}

// "resized-crop[:LOW[:HIGH]]"
std::string form_of(const AugmentKind& kind) {
  std::string form = kind.name, closing;
  for (const AugmentKind::Number& number : kind.numbers) {
    const bool optional = !std::isnan(number.otherwise);
    form += fmt::format("{}:{}", optional ? "[" : "", number.name);
    if (optional) closing += "]";
  }
  return form + closing;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

double parse_number(std::string_view op, const AugmentKind::Number& number, std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = fault == std::errc{} && end == text.data() + text.size() && value >= number.low &&
                    value <= number.high && (!number.whole || value == std::floor(value));
  require(good, [&] {
    return fmt::format("augmentation '{}': {}: expected a {} from {} to {}, got '{}'", op, number.name,
                       number.whole ? "whole number" : "number", number.low, number.high, text);
  });
  return value;
}

AugmentNumbers parse_numbers(std::string_view op, const AugmentKind& kind, std::span<const std::string_view> given) {
  require(given.size() <= kind.numbers.size(), [&] {
    return fmt::format("augmentation '{}': expected {}, got {} numbers", op, form_of(kind), given.size());
  });
  AugmentNumbers numbers;
  for (std::size_t i = 0; i < kind.numbers.size(); ++i) {
    const AugmentKind::Number& number = kind.numbers[i];
    require(i < given.size() || !std::isnan(number.otherwise), [&] {
      return fmt::format("augmentation '{}': expected {}; {} is missing", op, form_of(kind), number.name);
    });
    numbers.push_back(i < given.size() ? parse_number(op, number, given[i]) : number.otherwise);
  }
  return numbers;
}

}  // namespace

Augmentation Augmentation::parse(std::string_view text) {
  Augmentation result;
  result.text_ = text;
  const std::vector<const AugmentKind*> kinds = all_kinds();
  for (const std::string_view op : split(text, ',')) {
    const std::vector<std::string_view> parts = split(op, ':');
    const auto kind = std::ranges::find_if(kinds, [&](const AugmentKind* k) { return parts[0] == k->name; });
    if (kind == kinds.end()) {
      std::vector<std::string> names;
      for (const AugmentKind* k : kinds) names.emplace_back(k->name);
      throw InputError(fmt::format("augmentation '{}': unknown operation '{}'{}: expected {}", text, parts[0],
                                   did_you_mean(parts[0], names), fmt::join(names, ", ")));
    }
    const AugmentNumbers numbers = parse_numbers(op, **kind, std::span(parts).subspan(1));
    if ((*kind)->make == nullptr) {
      const MixKind mix = mix_kind(parts[0]);
      require(std::ranges::none_of(result.mixes_, [&](const MixStep& step) { return step.kind == mix; }),
              [&] { return fmt::format("augmentation '{}': '{}' is given twice", text, parts[0]); });
      result.mixes_.push_back({mix, numbers[0]});
      continue;
    }
    require(result.mixes_.empty(), [&] {
      return fmt::format(
          "augmentation '{}': '{}' changes one image, so it comes before mixup and cutmix, which mix two", text,
          parts[0]);
    });
    for (auto& made : (*kind)->make(numbers)) {
      result.steps_.push_back(std::make_shared<const Step>(Step{std::string(parts[0]), std::move(made)}));
    }
  }
  return result;
}

void Augmentation::require_fits(const Shape& shape) const {
  if (empty()) return;
  require(shape.rank() == 3, [&] {
    return fmt::format("augmentation '{}' is for images [C, H, W]; the samples are {}", text_, shape.to_string());
  });
  for (const auto& step : steps_) {
    require(!step->op->needs_rgb() || shape[0] == 3, [&] {
      return fmt::format("augmentation '{}' changes colours; it needs 3 channels, the samples are {}", step->name,
                         shape.to_string());
    });
    require(std::min(shape[1], shape[2]) >= step->op->least_extent(), [&] {
      return fmt::format("augmentation '{}' of '{}' needs images of at least {} x {} pixels, the samples are {}",
                         step->name, text_, step->op->least_extent(), step->op->least_extent(), shape.to_string());
    });
  }
}

void Augmentation::apply(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, const Shape& shape,
                         std::span<std::uint8_t> pixels, std::vector<std::uint8_t>& scratch) const {
  if (steps_.empty()) return;
  const ImageBytes image{shape[0], shape[1], shape[2], pixels, scratch};
  std::vector<std::int64_t> rows(static_cast<std::size_t>(numbers()));
  draw(seed, epoch, sample, shape, 0, 1, rows);
  std::span<std::int64_t> rest = rows;
  const auto row_of = [&](std::size_t i) { return rest.first(static_cast<std::size_t>(steps_[i]->op->numbers())); };
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const AugmentPass pass = steps_[i]->op->pass();
    const std::span<std::int64_t> row = row_of(i);
    rest = rest.subspan(row.size());
    // A flip after a crop costs nothing: one pass does both.
    const bool two_warps = pass == AugmentPass::warp && i + 1 < steps_.size() && steps_[i + 1]->op->pass() == pass;
    const bool mirrored = two_warps && scale_and_mirror(row, row_of(i + 1), image.width);
    apply_pass(pass, row, image);
    if (!mirrored) continue;
    ++i;
    rest = rest.subspan(row.size());
  }
}

std::vector<Augmentation::Pass> Augmentation::passes() const {
  std::vector<Pass> passes;
  for (const auto& step : steps_) passes.push_back({step->op->pass(), step->op->numbers()});
  return passes;
}

std::int64_t Augmentation::numbers() const {
  std::int64_t sum = 0;
  for (const auto& step : steps_) sum += step->op->numbers();
  return sum;
}

void Augmentation::draw(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, const Shape& shape,
                        std::int64_t place, std::int64_t samples, std::span<std::int64_t> rows) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto numbers = static_cast<std::size_t>(steps_[i]->op->numbers());
    RandomStream random = augment_stream(seed, epoch, sample, i);
    steps_[i]->op->draw(shape, random, rows.subspan(static_cast<std::size_t>(place) * numbers, numbers));
    rows = rows.subspan(static_cast<std::size_t>(samples) * numbers);
  }
}

Augmentation::Mix Augmentation::draw_mix(std::uint64_t seed, std::int64_t epoch, std::int64_t sample,
                                         const Shape& shape, std::int64_t samples) const {
  RandomStream random = augment_stream(seed, epoch, sample, steps_.size());
  const MixStep& step = mixes_[mixes_.size() > 1 ? random.below(static_cast<std::uint32_t>(mixes_.size())) : 0];
  const std::int64_t partner = random.below(static_cast<std::uint32_t>(samples));
  return {step.kind, partner, draw_mix_row(step.kind, step.alpha, shape, random)};
}

void apply_pass(AugmentPass pass, AugmentRow row, const ImageBytes& image) {
  switch (pass) {
    case AugmentPass::warp:
      return warp_image(row, image);
    case AugmentPass::brightness:
      return change_brightness(row, image);
    case AugmentPass::contrast:
      return change_contrast(row, image);
    case AugmentPass::saturation:
      return change_saturation(row, image);
    case AugmentPass::hue:
      return turn_hue(row, image);
    case AugmentPass::offset:
      return add_offset(row, image);
    case AugmentPass::blur:
      return blur_image(row, image);
    case AugmentPass::noise:
      return add_noise(row, normal_table(), image);
    case AugmentPass::cutout:
      return cut_out(row, image);
  }
}

RandomStream augment_stream(std::uint64_t seed, std::int64_t epoch, std::int64_t sample, std::uint64_t op) {
  const std::uint64_t purpose = static_cast<std::uint64_t>(RandomPurpose::augment) << 48;
  const Philox::Block key = Philox::block(seed, purpose ^ op, static_cast<std::uint64_t>(epoch));
  return RandomStream(std::uint64_t{key[1]} << 32 | key[0], RandomPurpose::augment, static_cast<std::uint64_t>(sample));
}

std::vector<std::string> augmentation_help() {
  std::vector<std::string> lines;
  for (const AugmentKind* kind : all_kinds()) lines.push_back(fmt::format("{}: {}", form_of(*kind), kind->summary));
  return lines;
}

}  // namespace fovea
