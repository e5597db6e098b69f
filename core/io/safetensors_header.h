// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

namespace fovea {

inline constexpr std::string_view safetensors_metadata_key = "__metadata__";
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;  // the format's own limit

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // bytes in the data part
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
};

// Reads the JSON of a header and proves that its tensors tile `data_bytes` exactly. Throws InputError that starts with
// `path`: not UTF-8 or JSON, anything but the objects of the format, a duplicate or unknown key, a number that is
// negative or not whole, an unknown dtype, a shape of overflowing or other size, gaps and overlaps.
SafetensorsHeader parse_safetensors_header(const std::string& path, std::string_view json, std::uint64_t data_bytes);

// The inverse, without padding.
std::string format_safetensors_header(const SafetensorsHeader& header);

// A name from an untrusted file, fit for a message: short and printable, in quotes.
std::string quoted_name(std::string_view name);

}  // namespace fovea
