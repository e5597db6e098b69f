// SPDX-License-Identifier: Apache-2.0
#include "core/data/open_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/data/cifar.h"
#include "core/data/digits.h"
#include "core/data/folder.h"
#include "core/data/idx.h"
#include "core/data/list_file.h"
#include "core/data/npy.h"
#include "core/data/shapes.h"
#include "core/data/subset.h"
#include "core/data/synthetic.h"
#include "core/data/waves.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::int64_t largest_extent = 8192, most_samples = std::int64_t{1} << 32;

struct Kind {
  const char* name;
  const char* form;   // what is missing without arguments; null: there are none
  bool files, holds;  // takes a size, takes a holdout
  DataSplits (*open)(const DataSpec& spec);
};
const Kind kinds[] = {
    {"digits", nullptr, false, false, [](const DataSpec&) { return open_digits(); }},
    {"mnist", "mnist:DIR, the directory of the IDX files; 'scripts/get_data.sh mnist' puts them into data/mnist", false,
     false, [](const DataSpec& s) { return open_mnist(s.arguments); }},
    {"cifar10", "cifar10:DIR, the directory of the .bin files", false, false,
     [](const DataSpec& s) { return open_cifar10(s.arguments); }},
    {"cifar100", "cifar100:DIR, the directory of train.bin and test.bin", false, false,
     [](const DataSpec& s) { return open_cifar100(s.arguments); }},
    {"folder", "folder:DIR@SIZE, a directory with one directory of images for each class", true, true,
     [](const DataSpec& s) { return open_folder(s.arguments, s.options); }},
    {"list", "list:FILE@SIZE, a CSV file of path,label[,split]", true, true,
     [](const DataSpec& s) { return open_list(s.arguments, s.options); }},
    {"npy", "npy:X.npy,Y.npy or npy:XTRAIN,YTRAIN,XTEST,YTEST", false, true,
     [](const DataSpec& s) { return open_npy(s.arguments, s.options); }},
    {"synthetic", "", false, false, [](const DataSpec& s) { return open_synthetic(s.arguments); }},
    {"shapes", "", false, false, [](const DataSpec& s) { return open_shapes(s.arguments); }},
    {"waves", "", false, false, [](const DataSpec& s) { return open_waves(s.arguments); }},
};

// "key=value" with a key of letters and dashes, as it follows '#'.
bool is_option(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  return std::ranges::all_of(text.substr(0, equals), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_size(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == 'x'; });
}

std::int64_t parse_count(const std::string& what, std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(fault == std::errc{} && end == text.data() + text.size() && value >= low && value <= high,
          [&] { return fmt::format("{}: expected a whole number from {} to {}, got '{}'", what, low, high, text); });
  return value;
}

template <class T>
void set_once(const std::string& what, std::optional<T>& option, T value) {
  require(!option, [&] { return fmt::format("{}: given more than once", what); });
  option = std::move(value);
}

template <class T>
T one_of(const std::string& what, std::string_view text, const char* first, T if_first, const char* second,
         T if_second) {
  require(text == first || text == second, [&] {
    return fmt::format("{}: expected {} or {}, got '{}'{}", what, first, second, text,
                       did_you_mean(text, {first, second}));
  });
  return text == first ? if_first : if_second;
}

void set_option(const std::string& spec, std::string_view key, std::string_view value, DataOptions& options) {
  const std::string what = fmt::format("data '{}': {}", spec, key);
  if (key == "holdout") {
    set_once(what, options.holdout, parse_count(what, value, 2, most_samples));
  } else if (key == "size") {
    set_once(what, options.size, parse_sample_size(what, value));
  } else if (key == "fit") {
    set_once(what, options.fit, one_of(what, value, "crop", ImageFit::crop, "stretch", ImageFit::stretch));
  } else if (key == "unreadable") {
    set_once(what, options.unreadable, one_of(what, value, "fail", Unreadable::fail, "skip", Unreadable::skip));
  } else if (key == "classes") {
    set_once(what, options.classes, std::string(value));
  } else if (key == "per-class") {
    set_once(what, options.per_class, parse_count(what, value, 1, most_samples));
  } else {
    throw InputError(
        fmt::format("data '{}': unknown option '{}'{}: expected holdout, size, fit, unreadable, classes or per-class",
                    spec, key, did_you_mean(key, {"holdout", "size", "fit", "unreadable", "classes", "per-class"})));
  }
}

}  // namespace

Shape parse_sample_size(const std::string& what, std::string_view text) {
  std::vector<std::int64_t> extents;
  for (std::string_view rest = text;;) {
    const std::size_t cross = rest.find('x');
    extents.push_back(
        parse_count(what + ": size '" + std::string(text) + "'", rest.substr(0, cross), 1, largest_extent));
    if (cross == std::string_view::npos) break;
    rest.remove_prefix(cross + 1);
  }
  if (extents.size() == 1) return Shape{3, extents[0], extents[0]};
  if (extents.size() == 2) return Shape{3, extents[0], extents[1]};
  require(extents.size() == 3 && (extents[0] == 1 || extents[0] == 3),
          [&] { return fmt::format("{}: size '{}': expected S, HxW or CxHxW with 1 or 3 channels", what, text); });
  return Shape{extents[0], extents[1], extents[2]};
}

DataSpec parse_data_spec(std::string_view spec, const DataOptions& options) {
  DataSpec result;
  result.options = options;
  const std::string whole(spec);
  // From the end: a '#' that no option follows belongs to a file's name.
  for (std::size_t hash = spec.rfind('#'); hash != std::string_view::npos && is_option(spec.substr(hash + 1));
       hash = spec.rfind('#')) {
    const std::string_view option = spec.substr(hash + 1);
    const std::size_t equals = option.find('=');
    set_option(whole, option.substr(0, equals), option.substr(equals + 1), result.options);
    spec = spec.substr(0, hash);
  }
  const std::size_t colon = spec.find(':');
  result.kind = spec.substr(0, colon);
  result.has_arguments = colon != std::string_view::npos;
  if (result.has_arguments) result.arguments = spec.substr(colon + 1);
  const Kind* kind = std::ranges::find_if(kinds, [&](const Kind& k) { return result.kind == k.name; });
  if (kind != std::end(kinds) && kind->files) {
    const std::size_t at = result.arguments.rfind('@');
    if (at != std::string::npos && is_size(std::string_view(result.arguments).substr(at + 1))) {
      set_option(whole, "size", std::string_view(result.arguments).substr(at + 1), result.options);
      result.arguments.resize(at);
    }
  }
  return result;
}

DataSplits open_data(std::string_view spec) { return open_data(spec, {}); }

DataSplits open_data(std::string_view text, const DataOptions& options) {
  const DataSpec spec = parse_data_spec(text, options);
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  const Kind* kind = std::ranges::find_if(kinds, [&](const Kind& k) { return spec.kind == k.name; });
  require(kind != std::end(kinds), [&] {
    return fmt::format("unknown data '{}': expected {}{}", text, data_specs, did_you_mean(spec.kind, names));
  });
  const std::string form = kind->form != nullptr ? kind->form : "";
  require(kind->form != nullptr || !spec.has_arguments,
          [&] { return fmt::format("data '{}': '{}' takes no arguments", text, kind->name); });
  require(form.empty() || !spec.arguments.empty(), [&] { return fmt::format("data '{}': expected {}", text, form); });
  require(kind->files || (!spec.options.size && !spec.options.fit), [&] {
    return fmt::format("data '{}': size and fit are for 'folder' and 'list'; '{}' has samples of one size", text,
                       kind->name);
  });
  require(kind->holds || !spec.options.holdout, [&] {
    return fmt::format("data '{}': holdout is for 'folder', 'list' and 'npy'; '{}' has a test split", text, kind->name);
  });
  DataSplits splits = kind->open(spec);
  splits.spec = text;
  splits.unreadable = spec.options.unreadable.value_or(Unreadable::fail);
  require(splits.test || spec.options.one_split, [&] {
    return fmt::format(
        "data '{}': there is no test split; choose one with #holdout=N (every Nth of a class), e.g. "
        "{}#holdout=5",
        text, text);
  });
  if (splits.unreadable == Unreadable::skip) leave_out_unreadable(splits);
  if (spec.options.classes || spec.options.per_class) select_classes(splits, spec.options);
  return splits;
}

}  // namespace fovea
