// SPDX-License-Identifier: Apache-2.0
#include "core/data/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/data/file_dataset.h"
#include "core/data/memory_dataset.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::size_t header_room = 12 + 65536;
constexpr std::int64_t most_npy_classes = 65536;

struct NpyFile {
  NpyHeader header;
  std::vector<std::uint8_t> bytes;
};

NpyFile read_npy(const std::string& path) {
  InputFile file(path);
  std::vector<std::byte> start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), header_room)));
  file.read(start);
  NpyFile result{parse_npy_header(path, start, file.size()), {}};
  result.bytes.resize(static_cast<std::size_t>(file.size()) - result.header.data_begin);
  const std::size_t have = std::min(start.size() - result.header.data_begin, result.bytes.size());
  const auto rest = std::as_bytes(std::span(start)).subspan(result.header.data_begin, have);
  std::ranges::copy(rest, std::as_writable_bytes(std::span(result.bytes)).begin());
  file.read(std::as_writable_bytes(std::span(result.bytes).subspan(have)));
  return result;
}

std::vector<std::int32_t> read_classes(const std::string& path) {
  const NpyFile file = read_npy(path);
  const char kind = file.header.descr[1];
  require((kind == 'i' || kind == 'u') && file.header.shape.size() == 1, [&] {
    return fmt::format("{}: expected labels of integers and one axis [N], got '{}' and the shape ({})", path,
                       file.header.descr, fmt::join(file.header.shape, ", "));
  });
  const std::size_t width = file.header.item_bytes;
  std::vector<std::int32_t> labels(file.bytes.size() / width);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b < width; ++b) bits |= std::uint64_t{file.bytes[i * width + b]} << 8 * b;
    // A signed number's sign bit goes up through the bits that it lacks.
    const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
    const std::int64_t value = std::bit_cast<std::int64_t>(kind == 'i' ? (bits ^ sign) - sign : bits);
    require(value >= 0 && value < most_npy_classes, [&] {
      return fmt::format("{}: label {} is {}; expected a class from 0 to {}", path, i, value, most_npy_classes - 1);
    });
    labels[i] = static_cast<std::int32_t>(value);
  }
  return labels;
}

struct NpyImages {
  Shape sample_shape;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

NpyImages read_images(const std::string& x_path, const std::string& y_path) {
  NpyFile x = read_npy(x_path);
  const std::vector<std::int64_t>& s = x.header.shape;
  require(x.header.descr[1] == 'u' && x.header.item_bytes == 1,
          [&] { return fmt::format("{}: expected bytes ('|u1', NumPy's uint8), got '{}'", x_path, x.header.descr); });
  require((s.size() == 3 || s.size() == 4) && std::ranges::all_of(s, [](std::int64_t e) { return e > 0; }), [&] {
    return fmt::format("{}: expected images [N, H, W] or [N, C, H, W], got the shape ({})", x_path, fmt::join(s, ", "));
  });
  NpyImages images{s.size() == 3 ? Shape{1, s[1], s[2]} : Shape{s[1], s[2], s[3]}, std::move(x.bytes),
                   read_classes(y_path)};
  require(static_cast<std::int64_t>(images.labels.size()) == s[0], [&] {
    return fmt::format("{}: {} images, but {} has {} labels", x_path, s[0], y_path, images.labels.size());
  });
  return images;
}

std::unique_ptr<Dataset> dataset(NpyImages images, std::int32_t classes) {
  return std::make_unique<MemoryDataset>(images.sample_shape, numbered_classes(classes), std::move(images.pixels),
                                         std::move(images.labels));
}

NpyImages chosen(const NpyImages& images, const std::vector<std::size_t>& indices) {
  NpyImages result{images.sample_shape, {}, {}};
  const auto bytes = static_cast<std::size_t>(images.sample_shape.elements());
  for (const std::size_t i : indices) {
    const auto begin = images.pixels.begin() + static_cast<std::ptrdiff_t>(i * bytes);
    result.pixels.insert(result.pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
    result.labels.push_back(images.labels[i]);
  }
  return result;
}

}  // namespace

DataSplits open_npy(const std::string& arguments, const DataOptions& options) {
  std::vector<std::string> paths{""};
  for (const char c : arguments) {
    if (c == ',')
      paths.emplace_back();
    else
      paths.back() += c;
  }
  require((paths.size() == 2 || paths.size() == 4) && std::ranges::none_of(paths, &std::string::empty),
          [&] { return fmt::format("npy:{}: expected X.npy,Y.npy or XTRAIN,YTRAIN,XTEST,YTEST", arguments); });
  DataSplits splits;
  NpyImages train = read_images(paths[0], paths[1]);
  std::int32_t classes = *std::ranges::max_element(train.labels) + 1;
  if (paths.size() == 4) {
    require(!options.holdout, [&] {
      return fmt::format("npy:{}: holdout is for data that are not split; these have test images", arguments);
    });
    NpyImages test = read_images(paths[2], paths[3]);
    require(train.sample_shape == test.sample_shape, [&] {
      return fmt::format("{}: images of {}, but {} has {}", paths[0], train.sample_shape.to_string(), paths[2],
                         test.sample_shape.to_string());
    });
    classes = std::max(classes, *std::ranges::max_element(test.labels) + 1);
    splits.test = dataset(std::move(test), classes);
  } else if (options.holdout) {
    const HoldoutSplit split =
        split_by_holdout("npy:" + arguments, train.labels, numbered_classes(classes), options.holdout);
    splits.test = dataset(chosen(train, split.test), classes);
    train = chosen(train, split.train);
  }
  splits.train = dataset(std::move(train), classes);
  return splits;
}

}  // namespace fovea
