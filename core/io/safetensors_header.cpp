// SPDX-License-Identifier: Apache-2.0
#include "core/io/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "core/support/error.h"

namespace fovea {
namespace {

struct DTypeName {
  std::string_view name;
  DType dtype;
};
constexpr std::array dtype_names{DTypeName{"F64", DType::f64},   DTypeName{"F32", DType::f32},
                                 DTypeName{"BF16", DType::bf16}, DTypeName{"F16", DType::f16},
                                 DTypeName{"U8", DType::u8},     DTypeName{"U16", DType::u16},
                                 DTypeName{"I32", DType::i32},   DTypeName{"I64", DType::i64}};

// Takes the parser's events one by one. A tree of the document would drop duplicate keys without a word, and nesting
// that the format does not have is refused at once, so a bomb of brackets costs nothing.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderEvents(const std::string& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t value) override { return unexpected(fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) return unexpected(fmt::format("{}", value));
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      fail(fmt::format("tensor {}: {} is too large", quoted_name(entry_.name), value));
    }
    numbers_.push_back(static_cast<std::int64_t>(value));
    const std::size_t most = place_ == Place::shape ? static_cast<std::size_t>(Shape::max_rank) : 2;
    if (numbers_.size() > most) {
      fail(fmt::format("tensor {}: {} has more than {} numbers", quoted_name(entry_.name),
                       place_ == Place::shape ? "shape" : "data_offsets", most));
    }
    return true;
  }
  bool number_float(number_float_t, const string_t& text) override { return unexpected(quoted_name(text)); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = std::move(text);
      return true;
    }
    if (place_ != Place::entry || key_ != "dtype") return unexpected("a string");
    for (const DTypeName& known : dtype_names) {
      if (text != known.name) continue;
      dtype_ = known.dtype;
      return true;
    }
    fail(fmt::format("tensor {}: dtype {} is unknown; expected F64, F32, BF16, F16, U8, U16, I32 or I64",
                     quoted_name(entry_.name), quoted_name(text)));
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top && key_ == safetensors_metadata_key) {
      place_ = Place::metadata;
      keys_.clear();
    } else if (place_ == Place::top) {
      place_ = Place::entry;
      keys_.clear();
      entry_ = {};
      entry_.name = key_;
      dtype_.reset();
      shape_.reset();
      offsets_.reset();
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    std::set<std::string>& seen = place_ == Place::top ? names_ : keys_;
    if (!seen.insert(text).second) fail(fmt::format("{} appears twice", quoted_name(text)));
    if (place_ == Place::entry && text != "dtype" && text != "shape" && text != "data_offsets") {
      fail(fmt::format("tensor {}: unknown key {}", quoted_name(entry_.name), quoted_name(text)));
    }
    key_ = std::move(text);
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) {
      if (!dtype_ || !shape_ || !offsets_) {
        fail(fmt::format("tensor {}: expected dtype, shape and data_offsets", quoted_name(entry_.name)));
      }
      finish_entry();
    }
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || key_ == "dtype") return unexpected("an array");
    place_ = key_ == "shape" ? Place::shape : Place::offsets;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    (place_ == Place::shape ? shape_ : offsets_) = numbers_;
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail(fmt::format("not JSON at byte {} of it", position));
  }

 private:
  enum class Place { outside, top, metadata, entry, shape, offsets };

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: safetensors header: {}", path_, what));
  }
  bool unexpected(const std::string& got) const {
    switch (place_) {
      case Place::outside:
        fail(fmt::format("expected an object, got {}", got));
      case Place::top:
        fail(fmt::format("{}: expected an object, got {}", quoted_name(key_), got));
      case Place::metadata:
        fail(fmt::format("metadata {}: expected a string, got {}", quoted_name(key_), got));
      case Place::entry:
        fail(fmt::format("tensor {}: {}: expected {}, got {}", quoted_name(entry_.name), key_,
                         key_ == "dtype" ? "a string" : "an array of numbers", got));
      case Place::shape:
      case Place::offsets:
        break;
    }
    fail(fmt::format("tensor {}: {}: expected whole numbers from 0, got {}", quoted_name(entry_.name),
                     place_ == Place::shape ? "shape" : "data_offsets", got));
  }

  void finish_entry() {
    const std::string name = quoted_name(entry_.name);
    entry_.dtype = *dtype_;
    if (offsets_->size() != 2) fail(fmt::format("tensor {}: data_offsets: expected two numbers", name));
    entry_.begin = static_cast<std::uint64_t>((*offsets_)[0]);
    entry_.end = static_cast<std::uint64_t>((*offsets_)[1]);
    if (entry_.begin > entry_.end) {
      fail(fmt::format("tensor {}: it begins at {}, after its end at {}", name, entry_.begin, entry_.end));
    }
    std::uint64_t bytes = size_of(entry_.dtype);
    for (const std::int64_t extent : *shape_) {
      const auto e = static_cast<std::uint64_t>(extent);
      if (e != 0 && bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / e) {
        fail(fmt::format("tensor {}: the shape [{}] overflows 63 bits", name, fmt::join(*shape_, ", ")));
      }
      bytes *= e;
    }
    if (bytes != entry_.end - entry_.begin) {
      fail(fmt::format("tensor {}: the shape [{}] of {} takes {} bytes, but data_offsets give {}", name,
                       fmt::join(*shape_, ", "), name_of(entry_.dtype), bytes, entry_.end - entry_.begin));
    }
    entry_.shape = Shape(std::span<const std::int64_t>(*shape_));
    header_.entries.push_back(std::move(entry_));
  }

  const std::string& path_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  std::set<std::string> names_, keys_;
  std::string key_;
  SafetensorsEntry entry_;
  std::vector<std::int64_t> numbers_;
  std::optional<DType> dtype_;
  std::optional<std::vector<std::int64_t>> shape_, offsets_;
};

std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw InputError(fmt::format("safetensors: {} is not UTF-8", quoted_name(text)));
  }
}

}  // namespace

std::string quoted_name(std::string_view name) {
  constexpr std::size_t longest = 80;
  std::string out = "'";
  for (const char c : name.substr(0, longest)) {
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F ? '?' : c;
  }
  return out + (name.size() > longest ? "...'" : "'");
}

SafetensorsHeader parse_safetensors_header(const std::string& path, std::string_view json, std::uint64_t data_bytes) {
  require(!json.empty() && json[0] == '{',
          [&] { return fmt::format("{}: safetensors header: expected it to start with '{{'", path); });
  HeaderEvents events(path);
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);
  SafetensorsHeader header = events.take();
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  std::uint64_t end = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    require(entry.begin == end, [&] {
      return fmt::format(
          "{}: safetensors header: tensor {} begins at byte {} of the data; expected {}: tensors may "
          "neither overlap nor leave gaps",
          path, quoted_name(entry.name), entry.begin, end);
    });
    end = entry.end;
  }
  require(end == data_bytes, [&] {
    return fmt::format("{}: {}: the tensors take {} bytes, the file has {}", path,
                       data_bytes < end ? "truncated" : "bytes follow the last tensor", end, data_bytes);
  });
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  std::string json = "{";
  if (!header.metadata.empty()) {
    json += fmt::format("\"{}\":{{", safetensors_metadata_key);
    for (const auto& [key, value] : header.metadata) {
      json += fmt::format("{}{}:{}", json.back() == '{' ? "" : ",", json_string(key), json_string(value));
    }
    json += "}";
  }
  for (const SafetensorsEntry& entry : header.entries) {
    const auto known = std::find_if(dtype_names.begin(), dtype_names.end(),
                                    [&](const DTypeName& name) { return name.dtype == entry.dtype; });
    json += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                        json.back() == '{' ? "" : ",", json_string(entry.name), known->name,
                        fmt::join(entry.shape.extents(), ","), entry.begin, entry.end);
  }
  return json + "}";
}

}  // namespace fovea
