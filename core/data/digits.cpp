// SPDX-License-Identifier: Apache-2.0
#include "core/data/digits.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/data/digit_strokes.h"
#include "core/data/memory_dataset.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

constexpr std::uint64_t digits_seed = 28;
constexpr int extent = static_cast<int>(digit_extent);
constexpr float box = 20.0f;  // pixels of the longer side of a digit
constexpr int steps_per_span = 5;

struct Point {
  float x = 0, y = 0;
};
// A point of the path. The pen's half width is in pixels.
struct PathPoint {
  float x = 0, y = 0, half_width = 0;
  bool pen_down = true;  // on the way to the next point
};

// Everything below draws from one stream, in a fixed order.
class Hand {
 public:
  Hand(DigitSplit split, std::int64_t index)
      : random_(digits_seed, RandomPurpose::digits,
                static_cast<std::uint64_t>(split) << 40 | static_cast<std::uint64_t>(index)) {}

  float uniform(float low, float high) { return random_.uniform(low, high); }
  bool chance(float probability) { return random_.uniform() < probability; }
  // Mean 0, deviation 1, within +-3.5: the sum of four uniforms. Needs no logarithm, whose last bit differs between
  // mathematics libraries.
  float normal() {
    const float sum = random_.uniform() + random_.uniform() + random_.uniform() + random_.uniform();
    return (sum - 2.0f) * 1.7320508f;
  }
  std::size_t below(std::size_t bound) { return random_.below(static_cast<std::uint32_t>(bound)); }

 private:
  RandomStream random_;
};

class Path {
 public:
  void add(PathPoint point) { points_[size_++] = point; }
  std::span<PathPoint> points() { return {points_.data(), size_}; }
  template <class Fn>
  void for_each_segment(Fn&& fn) const {
    for (std::size_t i = 0; i + 1 < size_; ++i) {
      if (points_[i].pen_down) fn(points_[i], points_[i + 1]);
    }
  }

 private:
  std::array<PathPoint, digit_style_max_points * steps_per_span> points_{};
  std::size_t size_ = 0;
};

const WritingStyle& choose_style(int digit, Hand& hand) {
  const std::span<const WritingStyle> styles = writing_styles();
  float total = 0;
  for (const WritingStyle& style : styles) total += style.digit == digit ? style.weight : 0.0f;
  float at = hand.uniform(0, total);
  const WritingStyle* chosen = nullptr;
  for (const WritingStyle& style : styles) {
    if (style.digit != digit) continue;
    chosen = &style;
    at -= style.weight;
    if (at < 0) break;
  }
  return *chosen;
}

// Catmull-Rom: a smooth curve through b and c, with a and d as neighbours.
Point spline(Point a, Point b, Point c, Point d, float t) {
  const auto along = [t](float p, float q, float r, float s) {
    return q + 0.5f * t * ((r - p) + t * ((2.0f * p - 5.0f * q + 4.0f * r - s) + t * (3.0f * (q - r) + s - p)));
  };
  return {along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)};
}

// The pen's path in the unit box: a style somewhere between its extremes, each point a little off.
Path write(const WritingStyle& style, Hand& hand) {
  const float between = hand.uniform(-0.3f, 1.3f);
  const float care = hand.uniform(0.015f, 0.05f);
  std::array<Point, digit_style_max_points> points;
  const std::size_t count = style.points.size();
  for (std::size_t i = 0; i < count; ++i) {
    const StrokePoint& p = style.points[i];
    const bool corner = i > 0 && p.x0 == style.points[i - 1].x0 && p.y0 == style.points[i - 1].y0;
    if (corner)
      points[i] = points[i - 1];
    else
      points[i] = {p.x0 + (p.x1 - p.x0) * between + care * hand.normal(),
                   p.y0 + (p.y1 - p.y0) * between + care * hand.normal()};
  }
  Path path;
  for (std::size_t first = 0; first < count;) {
    std::size_t last = first;
    while (last + 1 < count && !style.points[last].lift) ++last;
    for (std::size_t i = first; i < last; ++i) {
      const Point a = points[i > first ? i - 1 : i], d = points[i + 1 < last ? i + 2 : i + 1];
      for (int step = 0; step < steps_per_span; ++step) {
        const Point p = spline(a, points[i], points[i + 1], d, static_cast<float>(step) / steps_per_span);
        path.add({p.x, p.y, 0, true});
      }
    }
    path.add({points[last].x, points[last].y, 0, false});
    first = last + 1;
  }
  return path;
}

// Slant, rotation, proportions and a slow bend of the whole digit.
void distort(Path& path, Hand& hand) {
  const float angle = 0.13f * hand.normal(), slant = 0.12f + 0.27f * hand.normal();
  const float width = 0.90f + 0.18f * hand.normal();
  const float bend_x = 0.08f * hand.normal(), bend_y = 0.08f * hand.normal();
  const float swell_x = 0.09f * hand.normal(), swell_y = 0.09f * hand.normal();
  const float sine = angle - angle * angle * angle / 6.0f, cosine = 1.0f - angle * angle / 2.0f;
  for (PathPoint& p : path.points()) {
    const float u = 2.0f * p.x - 1.0f, v = 2.0f * p.y - 1.0f;
    float x = width * (u + bend_x * v * v + swell_x * u * v);
    const float y = v + bend_y * u * u + swell_y * u * v;
    x -= slant * y;
    p.x = cosine * x - sine * y;
    p.y = sine * x + cosine * y;
  }
}

// The pen's width along the path: a mean, pressure that comes and goes, thin ends.
void press(Path& path, Hand& hand) {
  const float deviate = hand.normal();
  const float mean = std::clamp(1.22f + 0.33f * deviate + 0.05f * deviate * deviate, 0.60f, 2.7f);
  std::array<float, 5> pressure;
  const float variation = hand.uniform(0.0f, 0.16f);
  for (float& p : pressure) p = 1.0f + variation * hand.normal();
  const float thin_end = hand.chance(0.3f) ? hand.uniform(0.5f, 0.9f) : 1.0f;
  const std::span<PathPoint> points = path.points();
  const auto last = static_cast<float>(points.size() - 1);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const float at = 3.999f * static_cast<float>(i) / last;
    const auto knot = static_cast<std::size_t>(at);
    const float t = at - static_cast<float>(knot);
    float width = mean * (pressure[knot] + (pressure[knot + 1] - pressure[knot]) * t);
    if (i + 3 > points.size()) width *= thin_end;
    points[i].half_width = std::max(width, 0.5f);
  }
}

// A dry pen: a short piece of the path is missing.
void break_path(Path& path, Hand& hand) {
  const std::span<PathPoint> points = path.points();
  const std::size_t at = hand.below(points.size()), length = 1 + hand.below(2);
  for (std::size_t i = at; i < std::min(at + length, points.size()); ++i) points[i].pen_down = false;
}

// Scales the inked box to 20 pixels and puts the centre of mass into the middle of the image.
void place(Path& path, Hand& hand) {
  float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f, widest = 0;
  for (const PathPoint& p : path.points()) {
    left = std::min(left, p.x);
    right = std::max(right, p.x);
    top = std::min(top, p.y);
    bottom = std::max(bottom, p.y);
    widest = std::max(widest, p.half_width);
  }
  const float size = box * hand.uniform(0.95f, 1.02f) - 2.0f * widest;
  const float scale = size / std::max({right - left, bottom - top, 0.1f});
  float mass = 0, mass_x = 0, mass_y = 0;
  path.for_each_segment([&](const PathPoint& a, const PathPoint& b) {
    const float length = std::sqrt((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));
    const float weight = (length + 1e-3f) * (a.half_width + b.half_width);
    mass += weight;
    mass_x += weight * 0.5f * (a.x + b.x);
    mass_y += weight * 0.5f * (a.y + b.y);
  });
  const float middle = 0.5f * static_cast<float>(extent) + 0.5f;  // MNIST centres on the pixel right of the middle
  const float x0 = middle + 0.6f * hand.normal() - scale * mass_x / mass;
  const float y0 = middle + 0.6f * hand.normal() - scale * mass_y / mass;
  for (PathPoint& p : path.points()) {
    p.x = x0 + scale * p.x;
    p.y = y0 + scale * p.y;
  }
}

// How far each pixel's centre lies outside the ink (negative: inside), in pixels; far away where it does not matter.
using Field = std::array<float, static_cast<std::size_t>(extent) * extent>;

Field measure_distances(const Path& path) {
  Field field;
  field.fill(100.0f);
  path.for_each_segment([&](const PathPoint& a, const PathPoint& b) {
    const float reach = std::max(a.half_width, b.half_width) + 1.5f;
    const int left = std::max(0, static_cast<int>(std::min(a.x, b.x) - reach));
    const int right = std::min(extent, static_cast<int>(std::max(a.x, b.x) + reach) + 1);
    const int top = std::max(0, static_cast<int>(std::min(a.y, b.y) - reach));
    const int bottom = std::min(extent, static_cast<int>(std::max(a.y, b.y) + reach) + 1);
    const float dx = b.x - a.x, dy = b.y - a.y;
    const float per_length = 1.0f / std::max(dx * dx + dy * dy, 1e-6f);
    for (int row = top; row < bottom; ++row) {
      float* out = field.data() + row * extent;
      const float py = static_cast<float>(row) + 0.5f - a.y;
      for (int column = left; column < right; ++column) {
        const float px = static_cast<float>(column) + 0.5f - a.x;
        const float t = std::clamp((px * dx + py * dy) * per_length, 0.0f, 1.0f);
        const float ex = px - t * dx, ey = py - t * dy;
        const float outside = std::sqrt(ex * ex + ey * ey) - (a.half_width + (b.half_width - a.half_width) * t);
        out[column] = std::min(out[column], outside);
      }
    }
  });
  return field;
}

// Ink with soft, slightly rough edges on paper that is not always clean.
void develop(const Field& field, Hand& hand, std::span<std::uint8_t> pixels) {
  const float softness = hand.uniform(0.8f, 1.3f), roughness = hand.uniform(0.0f, 0.4f);
  const float darkness = hand.chance(0.15f) ? hand.uniform(0.75f, 1.0f) : 1.0f;
  const float grain = hand.chance(0.12f) ? hand.uniform(0.02f, 0.10f) : 0.0f;
  for (std::size_t i = 0; i < field.size(); ++i) {
    float outside = field[i];
    if (outside < 1.5f) outside += roughness * hand.uniform(-0.5f, 0.5f);
    float ink = darkness * std::clamp(0.5f - outside / softness, 0.0f, 1.0f);
    if (grain > 0) ink += grain * hand.uniform(-1.0f, 1.0f);
    pixels[i] = static_cast<std::uint8_t>(255.0f * std::clamp(ink, 0.0f, 1.0f) + 0.5f);
  }
  if (hand.chance(0.06f)) {
    for (std::size_t speck = 1 + hand.below(3); speck > 0; --speck) {
      pixels[hand.below(pixels.size())] = static_cast<std::uint8_t>(60 + hand.below(196));
    }
  }
}

}  // namespace

std::int32_t draw_digit(DigitSplit split, std::int64_t index, std::span<std::uint8_t> pixels) {
  require(index >= 0 && pixels.size() == static_cast<std::size_t>(extent) * extent, [&] {
    return fmt::format("digits: expected an index from 0 and {} bytes, got {} and {}", extent * extent, index,
                       pixels.size());
  });
  const int digit = static_cast<int>(index % 10);
  Hand hand(split, index);
  Path path = write(choose_style(digit, hand), hand);
  distort(path, hand);
  press(path, hand);
  if (hand.chance(0.05f)) break_path(path, hand);
  place(path, hand);
  develop(measure_distances(path), hand, pixels);
  return digit;
}

DataSplits open_digits() {
  const auto make = [](DigitSplit split, std::int64_t samples) {
    return generate_dataset(
        Shape{1, digit_extent, digit_extent}, numbered_classes(10), samples,
        [split](std::int64_t i, std::span<std::uint8_t> pixels) { return draw_digit(split, i, pixels); });
  };
  DataSplits splits;
  splits.spec = "digits";
  splits.train = make(DigitSplit::train, digits_train_samples);
  splits.test = make(DigitSplit::test, digits_test_samples);
  return splits;
}

}  // namespace fovea
