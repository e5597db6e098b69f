// SPDX-License-Identifier: Apache-2.0
//
// The k-nearest-neighbour classifier (Fix and Hodges 1951; Cover and Hart 1967): nothing is trained; an image gets the
// label that most of the k nearest training images have. Pixels are compared as they are, value / 255.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/backend/backend.h"
#include "core/data/dataset.h"

namespace fovea {

// The label that most of the `k` nearest samples have, given the distance and the label of all. Samples at equal
// distances count in the order of their labels; of labels with equally many votes the one with the nearest sample wins,
// then the lower one. So the order of the training samples does not matter.
std::int32_t vote(std::span<const float> distances, std::span<const std::int32_t> labels, std::int64_t k);

// The distances are computed on the device, all images of a batch against all training images; the host votes.
class NearestNeighbours {
 public:
  // Keeps the first `samples` training images on the device, which must outlive this object. Throws InputError:
  // `samples` outside [1, training.size()], k outside [1, samples], more than one label for an image.
  NearestNeighbours(Backend& backend, const Dataset& training, std::int64_t samples, std::int64_t k, DistanceNorm norm);

  std::int64_t samples() const { return static_cast<std::int64_t>(labels_.size()); }
  // The labels of these images of `data`. Throws InputError when they have another shape than the training images.
  std::vector<std::int32_t> classify(const Dataset& data, std::span<const std::int64_t> indices) const;
  // The fraction of the first `images` of `data` that get their own label.
  double accuracy(const Dataset& data, std::int64_t images) const;

 private:
  Backend& backend_;
  Shape sample_shape_;
  std::int64_t k_;
  DistanceNorm norm_;
  Tensor rows_;  // [samples, pixels] on the device
  std::vector<std::int32_t> labels_;
};

}  // namespace fovea
