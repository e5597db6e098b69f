// SPDX-License-Identifier: Apache-2.0
//
// The safetensors format: u64 little-endian header length N, N bytes of JSON, then the tensors' bytes. Untrusted input:
// every offset is proved before anything of its size is allocated.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea {

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;  // host tensors in file order

  // Throws InputError with a list of names when absent.
  const Tensor& at(const std::string& name) const;
};

// Throws InputError naming the file and the rule broken: header length, JSON, duplicate names, unknown dtype, offsets
// that do not tile the data exactly, shapes that disagree with offsets.
SafetensorsFile read_safetensors(const std::string& path);

// Deterministic bytes: metadata by key, tensors in the given order, header padded to 8. Written to a temporary file in
// the same directory, fsynced, renamed over `path`, directory fsynced: a crash leaves the old file or the new one.
// With `checksum`, metadata carries "checksum" = CRC-32 over header and data (its own digits read as zeros).
void write_safetensors(const std::string& path, const SafetensorsFile& file, bool checksum);

// Verifies the checksum that write_safetensors left. Throws InputError when it is missing or wrong.
SafetensorsFile read_checked_safetensors(const std::string& path);

}  // namespace fovea
