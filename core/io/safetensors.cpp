// SPDX-License-Identifier: Apache-2.0
#include "core/io/safetensors.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "core/io/file.h"
#include "core/io/safetensors_header.h"
#include "core/support/error.h"

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::size_t length_bytes = 8;
constexpr std::string_view checksum_key = "checksum", no_checksum = "00000000";
// How the checksum looks in a header that we wrote. It cannot be met inside a string, where quotes are escaped.
constexpr std::string_view checksum_mark = "\"checksum\":\"";

std::uint32_t crc_of(std::uint32_t crc, std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string encoded_length(std::uint64_t length) {
  std::string bytes(length_bytes, '\0');
  std::memcpy(bytes.data(), &length, length_bytes);
  return bytes;
}

SafetensorsFile read(const std::string& path, bool checked) {
  InputFile in(path);
  require(in.size() >= length_bytes,
          [&] { return fmt::format("{}: not a safetensors file: it has {} bytes", path, in.size()); });
  std::uint64_t length = 0;
  in.read(std::as_writable_bytes(std::span(&length, 1)));
  require(length <= safetensors_max_header && length <= in.size() - length_bytes, [&] {
    return fmt::format("{}: not a safetensors file, or truncated: it promises a header of {} bytes, the file has {}",
                       path, length, in.size());
  });
  std::string json(static_cast<std::size_t>(length), '\0');
  in.read(std::as_writable_bytes(std::span(json)));
  const SafetensorsHeader header = parse_safetensors_header(path, json, in.size() - length_bytes - length);

  std::string written_checksum;
  std::uint32_t crc = 0;
  if (checked) {
    const auto found = header.metadata.find(std::string(checksum_key));
    require(found != header.metadata.end(),
            [&] { return fmt::format("{}: has no checksum: damaged, or not written by Fovea", path); });
    written_checksum = found->second;
    const std::size_t at = json.find(checksum_mark);
    require(at != std::string::npos && written_checksum.size() == no_checksum.size() &&
                json.compare(at + checksum_mark.size(), no_checksum.size(), written_checksum) == 0,
            [&] { return fmt::format("{}: damaged: the checksum is not as Fovea writes it", path); });
    json.replace(at + checksum_mark.size(), no_checksum.size(), no_checksum);
    crc = crc_of(crc_of(0, bytes_of(encoded_length(length))), bytes_of(json));
  }

  SafetensorsFile file;
  file.metadata = header.metadata;
  for (const SafetensorsEntry& entry : header.entries) {
    Tensor tensor(entry.shape, entry.dtype);
    const std::span bytes(static_cast<std::byte*>(tensor.view().data), tensor.bytes());
    in.read(bytes);
    if (checked) crc = crc_of(crc, bytes);
    file.tensors.emplace_back(entry.name, std::move(tensor));
  }
  if (checked) {
    const std::string found = fmt::format("{:08x}", crc);
    require(found == written_checksum, [&] {
      return fmt::format("{}: damaged: the checksum in the file is {}, its bytes give {}", path, written_checksum,
                         found);
    });
  }
  return file;
}

}  // namespace

const Tensor& SafetensorsFile::at(const std::string& name) const {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  std::vector<std::string_view> names;
  for (const auto& [key, tensor] : tensors) names.push_back(key);
  throw InputError(fmt::format("no tensor '{}'; there are: {}", name, fmt::join(names, ", ")));
}

SafetensorsFile read_safetensors(const std::string& path) { return read(path, false); }
SafetensorsFile read_checked_safetensors(const std::string& path) { return read(path, true); }

void write_safetensors(const std::string& path, const SafetensorsFile& file, bool checksum) {
  SafetensorsHeader header;
  header.metadata = file.metadata;
  header.metadata.erase(std::string(checksum_key));
  if (checksum) header.metadata.emplace(checksum_key, no_checksum);
  std::set<std::string_view> names;
  std::uint64_t end = 0;
  for (const auto& named : file.tensors) {
    const std::string& name = named.first;
    const Tensor& tensor = named.second;
    require(name != safetensors_metadata_key && names.insert(name).second,
            [&] { return fmt::format("{}: tensor name {} is used twice or reserved", path, quoted_name(name)); });
    require(tensor.on_host(),
            [&] { return fmt::format("{}: tensor {} is not in host memory", path, quoted_name(name)); });
    const std::uint64_t begin = end;
    end += tensor.bytes();
    header.entries.push_back({name, tensor.dtype(), tensor.shape(), begin, end});
  }
  std::string json = format_safetensors_header(header);
  json.append((length_bytes - json.size() % length_bytes) % length_bytes, ' ');
  require(json.size() <= safetensors_max_header,
          [&] { return fmt::format("{}: the header would take {} bytes", path, json.size()); });

  const std::string length = encoded_length(json.size());
  std::vector<std::span<const std::byte>> pieces{bytes_of(length), bytes_of(json)};
  for (const auto& [name, tensor] : file.tensors) {
    pieces.emplace_back(static_cast<const std::byte*>(tensor.view().data), tensor.bytes());
  }
  if (checksum) {
    std::uint32_t crc = 0;
    for (const auto& piece : pieces) crc = crc_of(crc, piece);
    json.replace(json.find(checksum_mark) + checksum_mark.size(), no_checksum.size(), fmt::format("{:08x}", crc));
  }
  write_file_atomically(path, pieces);
}

}  // namespace fovea
