// SPDX-License-Identifier: Apache-2.0
//
// The binary versions of CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009): files of
// records of 3073 bytes, a label from 0 to 9 and 3 x 32 x 32 pixels, red, green, blue; CIFAR-100 has 3074 bytes, a coarse
// label (not used here) and a fine one from 0 to 99 before the pixels.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace fovea {

// The records of the files, one file after another. Throws InputError naming the file and what is wrong: it cannot be
// read, its size is no multiple of 3073 or 0, a label above 9 (with its record).
std::unique_ptr<Dataset> read_cifar10(const std::vector<std::string>& paths);

// data_batch_1.bin ... data_batch_5.bin and test_batch.bin under `directory`. Throws InputError that says where the
// data are to be had when a file is missing.
DataSplits open_cifar10(const std::string& directory);

// The same of CIFAR-100, whose records have 3074 bytes, with the fine labels.
std::unique_ptr<Dataset> read_cifar100(const std::string& path);

// train.bin and test.bin under `directory`.
DataSplits open_cifar100(const std::string& directory);

}  // namespace fovea
