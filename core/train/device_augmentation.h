// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <span>
#include <vector>

#include "core/backend/backend.h"
#include "core/data/augment/augmentation.h"
#include "core/data/dataset.h"

namespace fovea {

// The second half of what a Loader does with augment_on_device, where the net is trained: passes over the bytes with the
// numbers that were drawn on the host, then normalisation. The images are those of a loader that does it all, bit for bit.
class DeviceAugmentation {
 public:
  // The backend must outlive this object.
  DeviceAugmentation(const Augmentation& augmentation, const Normalization& normalization, const Shape& sample_shape,
                     Backend& backend);

  // The images first, first + 1, ... of a batch as a net wants them: f32 [count, C, H, W] in the backend's memory, until
  // the next call.
  const Tensor& images(const Batch& batch, std::int64_t first, std::int64_t count);
  // Memory for calls with these counts.
  static std::size_t bytes(const Augmentation& augmentation, const Shape& sample_shape, Backend& backend,
                           std::span<const std::int64_t> counts);

 private:
  struct Room {             // for batches of one size
    Tensor pixels, warped;  // warps go from one to the other; partners follow
    Tensor rows, mixes, scratch, images;
  };
  Room& room_for(std::int64_t samples);
  void run(AugmentPass pass, ConstView rows, Room& room);

  std::vector<Augmentation::Pass> passes_;
  std::int64_t numbers_;
  bool mixes_;
  Shape sample_shape_;
  Backend& backend_;
  Ops& ops_;
  Tensor table_, normal_;
  std::map<std::int64_t, Room> rooms_;  // the last batch of an epoch is smaller
};

}  // namespace fovea
