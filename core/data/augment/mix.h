// SPDX-License-Identifier: Apache-2.0
//
// Mixing of two samples and of their labels. mixup: H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, "mixup: Beyond
// empirical risk minimization", 2018: every pixel, and the label, is lambda of the one and 1 - lambda of the other.
// cutmix: S. Yun and others, "CutMix: Regularization strategy to train strong classifiers with localizable features",
// 2019: a rectangle of 1 - lambda of the image comes from the other, and its share of the pixels counts for the label.
// lambda has the distribution Beta(alpha, alpha).
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/data/augment/op.h"
#include "core/data/augment/passes.h"

namespace fovea {

enum class MixKind { mixup, cutmix };

// The row of a mix (core/ops/augment.h).
using MixRow = std::array<std::int64_t, mix_numbers>;

// What texts may ask for; their one number is alpha.
const std::vector<AugmentKind>& mix_kinds();
MixKind mix_kind(std::string_view name);

// Beta(alpha, alpha) as X / (X + Y) of two gamma variables, each by G. Marsaglia, W. W. Tsang, "A simple method for
// generating gamma variables", 2000, from normal numbers by G. E. P. Box, M. E. Muller, 1958; with alpha below 1 as
// Gamma(alpha + 1) U^(1 / alpha). Logarithms of gamma variables are kept, since they may be too small for a double.
double draw_beta(RandomStream& random, double alpha);

// mixup: 256 lambda, rounded, of all pixels. cutmix: a rectangle of sqrt(1 - lambda) of both sides, rounded, around a
// pixel that is any with equal chance, cut at the edges.
MixRow draw_mix_row(MixKind kind, double alpha, const Shape& sample, RandomStream& random);

// The part of a mixed sample that is its partner's, as a fraction of whole numbers.
struct MixShare {
  std::int64_t part = 0, whole = 1;
};
MixShare partner_share(AugmentRow row, const Shape& sample);

// A target for every class: both labels' shares, which are one where the labels are one.
void mix_targets(const MixShare& partners, std::int32_t label, std::int32_t partner_label, std::span<float> targets);

}  // namespace fovea
