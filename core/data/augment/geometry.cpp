// SPDX-License-Identifier: Apache-2.0
//
// Where pixels lie: flip, shift, padded random crop, random-resized crop, rotation, shear, perspective tilt.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/data/augment/op.h"
#include "core/data/augment/warp.h"

namespace fovea {
namespace {

// All of them map the image: their rows are those of a warp.
class Geometric : public AugmentOp {
 public:
  AugmentPass pass() const final { return AugmentPass::warp; }
  void draw(const Shape& sample, RandomStream& random, std::span<std::int64_t> row) const final {
    std::ranges::copy(draw_map(static_cast<double>(sample[1]), static_cast<double>(sample[2]), random), row.begin());
  }

 private:
  // For an image of height H and width W.
  virtual WarpRow draw_map(double H, double W, RandomStream& random) const = 0;
};

class Flip final : public Geometric {
 public:
  explicit Flip(const AugmentNumbers& n) : probability_(n[0]) {}
  WarpRow draw_map(double, double W, RandomStream& random) const override {
    const bool mirrored = double{random.uniform()} < probability_;
    return warp_row({mirrored ? -1.0 : 1.0, 0, mirrored ? W : 0, 0, 1, 0, 0, 0}, Outside::edge);
  }

 private:
  double probability_;
};

// A distance from -most to most, every one as likely.
std::int64_t draw_distance(RandomStream& random, std::int64_t most) {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(2 * most + 1))) - most;
}

template <Outside outside>
class Move final : public Geometric {
 public:
  explicit Move(const AugmentNumbers& n) : most_(static_cast<std::int64_t>(n[0])) {}
  WarpRow draw_map(double, double, RandomStream& random) const override {
    const auto dy = static_cast<double>(draw_distance(random, most_));
    const auto dx = static_cast<double>(draw_distance(random, most_));
    return warp_row({1, 0, dx, 0, 1, dy, 0, 0}, outside);
  }
  std::int64_t least_extent() const override { return most_ + 1; }

 private:
  std::int64_t most_;
};

class ResizedCrop final : public Geometric {
 public:
  explicit ResizedCrop(const AugmentNumbers& n) : low_(std::min(n[0], n[1])), high_(std::max(n[0], n[1])) {}
  WarpRow draw_map(double H, double W, RandomStream& random) const override {
    double h = H, w = W;
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double area = draw_real(random, low_, high_), stretch = draw_real(random, 1.0, 4.0 / 3.0);
      const double ratio = random.below(2) == 0 ? stretch : 1 / stretch;
      const double height = H * std::sqrt(area / ratio), width = W * std::sqrt(area * ratio);
      if (height > H || width > W) continue;
      h = height, w = width;
      break;
    }
    const double top = draw_real(random, 0, H - h), left = draw_real(random, 0, W - w);
    return warp_row({w / W, 0, left, 0, h / H, top, 0, 0}, Outside::edge);
  }

 private:
  double low_, high_;
};

double draw_angle(RandomStream& random, double degrees) {
  return draw_real(random, -degrees, degrees) * std::numbers::pi / 180;
}

// A linear map around the image's centre.
WarpRow around_centre(double H, double W, double xx, double xy, double yx, double yy) {
  const double x = W / 2, y = H / 2;
  return warp_row({xx, xy, x - xx * x - xy * y, yx, yy, y - yx * x - yy * y, 0, 0}, Outside::black);
}

class Rotate final : public Geometric {
 public:
  explicit Rotate(const AugmentNumbers& n) : degrees_(n[0]) {}
  WarpRow draw_map(double H, double W, RandomStream& random) const override {
    const double angle = draw_angle(random, degrees_), c = std::cos(angle), s = std::sin(angle);
    return around_centre(H, W, c, s, -s, c);
  }

 private:
  double degrees_;
};

class Shear final : public Geometric {
 public:
  explicit Shear(const AugmentNumbers& n) : degrees_(n[0]) {}
  WarpRow draw_map(double H, double W, RandomStream& random) const override {
    return around_centre(H, W, 1, std::tan(draw_angle(random, degrees_)), 0, 1);
  }

 private:
  double degrees_;
};

class Perspective final : public Geometric {
 public:
  explicit Perspective(const AugmentNumbers& n) : strength_(n[0]) {}
  WarpRow draw_map(double H, double W, RandomStream& random) const override {
    std::array<std::array<double, 2>, 4> from{{{0, 0}, {W, 0}, {W, H}, {0, H}}};
    for (auto& [x, y] : from) {
      const double across = draw_real(random, 0, strength_) * W / 2, down = draw_real(random, 0, strength_) * H / 2;
      x += x > 0 ? -across : across;
      y += y > 0 ? -down : down;
    }
    return warp_row(corners_from(H, W, from), Outside::edge);
  }

 private:
  double strength_;
};

}  // namespace

const std::vector<AugmentKind>& geometry_kinds() {
  static const std::vector<AugmentKind> kinds{
      {"flip", "mirrored left to right with probability P", {{"P", 0, 1, false, 0.5}}, make_one<Flip>},
      {"shift",
       "moved by up to N pixels each way; the edge is repeated",
       {{"N", 0, 1024, true, no_default}},
       make_one<Move<Outside::edge>>},
      {"crop",
       "a random part of the image's size after N black pixels were added on each side",
       {{"N", 0, 1024, true, no_default}},
       make_one<Move<Outside::black>>},
      {"resized-crop",
       "a random part of LOW to HIGH of the area, up to 3:4 or 4:3 of the proportions, enlarged to the "
       "image's size",
       {{"LOW", 0.01, 1, false, 0.08}, {"HIGH", 0.01, 1, false, 1}},
       make_one<ResizedCrop>},
      {"rotate", "turned by up to D degrees; black comes in", {{"D", 0, 180, false, no_default}}, make_one<Rotate>},
      {"shear",
       "sheared sideways by up to D degrees; black comes in",
       {{"D", 0, 60, false, no_default}},
       make_one<Shear>},
      {"perspective",
       "tilted: each corner comes from up to S of the way to the middle",
       {{"S", 0, 0.9, false, no_default}},
       make_one<Perspective>},
  };
  return kinds;
}

}  // namespace fovea
