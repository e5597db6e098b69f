// SPDX-License-Identifier: Apache-2.0
//
// IDX, the format of MNIST and Fashion-MNIST: two zero bytes, the element type (0x08: unsigned byte), the rank, one
// big-endian u32 per extent, then the elements; often as .gz. Untrusted input: what the header promises is proved
// against the file before memory of that size is allocated.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace fovea {

struct IdxArray {
  std::vector<std::int64_t> extents;
  std::vector<std::uint8_t> values;
};

// Reads an IDX file of unsigned bytes and of `rank` axes; one whose name ends in ".gz" is inflated. Throws InputError
// naming the file and the rule broken: magic, type, rank, an extent of 0, sizes that overflow, a file longer or shorter
// than its header says, damaged gzip.
IdxArray read_idx(const std::string& path, int rank);

// Images [N, H, W] and labels [N] as a dataset of 1 x H x W samples in 10 classes. Throws InputError: different
// counts, a label of 10 or above (naming its index).
std::unique_ptr<Dataset> read_idx_dataset(const std::string& images_path, const std::string& labels_path);

// The four files of MNIST under `directory` (train-images-idx3-ubyte or train-images.idx3-ubyte and so on, plain or
// .gz). Throws InputError that says how to get the data when a file is missing.
DataSplits open_mnist(const std::string& directory);

}  // namespace fovea
