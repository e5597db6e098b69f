// SPDX-License-Identifier: Apache-2.0
#include "core/graph/option_list.h"

#include <fmt/format.h>

#include <utility>

#include "core/graph/toml_fields.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Takes down what a type's fields() declares and leaves every value as it is, the default.
class OptionLister final : public FieldVisitor {
 public:
  void field(std::string_view key, std::int64_t& value, Presence presence, IntRange range) override {
    add(key, "int", value, presence, range_text(range), range);
  }
  void field(std::string_view key, Size2& value, Presence presence, IntRange range) override {
    add(key, "size", value, presence, fmt::format("{} or {}", range_text(range), range.pair), range);
  }
  void field(std::string_view key, Padding2& value, Presence presence, IntRange range) override {
    add(key, "padding", value, presence, range_text(range) + " or [vertical, horizontal] or [top, left, bottom, right]",
        range);
  }
  void field(std::string_view key, bool& value, Presence presence) override {
    add(key, "bool", value, presence, "true or false");
  }
  void field(std::string_view key, double& value, Presence presence, RealRange range) override {
    add(key, "real", value, presence, range_text(range), range);
  }
  void field(std::string_view key, std::vector<double>& values, Presence presence, RealRange range) override {
    add(key, "reals", values, presence, "an array, each element " + range_text(range), range);
  }
  void field(std::string_view key, std::vector<std::int64_t>& values, Presence presence, IntRange range) override {
    add(key, "ints", values, presence, "an array, each element " + range_text(range), range);
  }
  void field(std::string_view key, std::string& value, Presence presence) override {
    add(key, "string", value, presence, "a string");
  }
  void field(std::string_view key, std::string& value, Presence presence,
             std::span<const std::string_view> words) override {
    add(key, "word", value, presence, fmt::format("one of \"{}\"", fmt::join(words, "\", \"")), words);
  }

  std::vector<OptionInfo> take() { return std::move(options_); }

 private:
  template <class Value, class... Limits>
  void add(std::string_view key, std::string kind, Value& value, Presence presence, std::string expected,
           Limits... limits) {
    OptionInfo info{.name = std::string(key),
                    .kind = std::move(kind),
                    .required = presence == Presence::required,
                    .standard = {},
                    .expected = std::move(expected)};
    if (!info.required) info.standard = text_of(key, value, limits...);
    options_.push_back(std::move(info));
  }

  // TOML and JSON write these values alike. An empty array is not written: it stands for "none".
  template <class Value, class... Limits>
  static std::string text_of(std::string_view key, Value& value, Limits... limits) {
    TomlWriter writer;
    static_cast<FieldVisitor&>(writer).field(key, value, Presence::optional, limits...);
    const std::string& line = writer.text();
    const std::size_t start = key.size() + std::string_view(" = ").size();
    return line.empty() ? "[]" : line.substr(start, line.size() - start - 1);
  }

  std::vector<OptionInfo> options_;
};

}  // namespace

std::vector<OptionInfo> list_options(const LayerFactory& factory) {
  OptionLister lister;
  try {
    factory(lister);
  } catch (const InputError&) {  // options that are required have no value here; by now all are listed
  }
  return lister.take();
}

}  // namespace fovea
