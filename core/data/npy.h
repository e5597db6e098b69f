// SPDX-License-Identifier: Apache-2.0
//
// NumPy's .npy files: "\x93NUMPY", a version, the header's length, a header that is a Python dictionary
// {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }, then the elements. Untrusted input: the header is
// read by a grammar of its own, never evaluated, and its shape is proved against the file before memory is allocated.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/open_data.h"

namespace fovea {

struct NpyHeader {
  std::string descr;  // "|u1", "<i8", ...
  std::vector<std::int64_t> shape;
  std::size_t data_begin = 0;  // in the file
  std::size_t item_bytes = 0;
};

// Reads the header of a file whose first bytes are `start` and which has `file_bytes` in all. Throws InputError naming the
// file and the rule broken: magic, version (1.0, 2.0 and 3.0 are read), a header that is no such dictionary, other or
// missing keys, Fortran order, big-endian numbers, objects and other types than integers, floats and booleans, a shape
// that overflows or does not fit the file's size exactly.
NpyHeader parse_npy_header(const std::string& path, std::span<const std::byte> start, std::uint64_t file_bytes);

// "X.npy,Y.npy" or "XTRAIN,YTRAIN,XTEST,YTEST". X: uint8 images [N, H, W] or [N, C, H, W]; Y: integers [N], the classes
// 0 ... the largest. Throws InputError: what parse_npy_header refuses, other shapes or types, counts that differ, a label
// that is negative or above 65,535 (naming its index).
DataSplits open_npy(const std::string& arguments, const DataOptions& options);

}  // namespace fovea
