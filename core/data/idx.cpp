// SPDX-License-Identifier: Apache-2.0
#include "core/data/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/data/memory_dataset.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::int64_t idx_classes = 10;

// The bytes of a file, or what they inflate to.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fewer than asked only at the end.
  virtual std::size_t read_some(std::span<std::byte> bytes) = 0;
  // No more bytes than this can come, whatever the header says.
  virtual std::uint64_t limit() const = 0;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(const std::string& path) : file_(path) {}
  std::size_t read_some(std::span<std::byte> bytes) override { return file_.read_some(bytes); }
  std::uint64_t limit() const override { return file_.size(); }

 private:
  InputFile file_;
};

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(const std::string& path) : file_(path) {
    const int result = inflateInit2(&stream_, 16 + MAX_WBITS);  // 16: a gzip header and trailer, and nothing else
    if (result != Z_OK) throw Error(fmt::format("{}: zlib cannot start: {}", path, zError(result)));
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::size_t read_some(std::span<std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size() && !finished_) {
      if (stream_.avail_in == 0) refill();
      stream_.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
      stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(bytes.size() - done, 1u << 30));
      const uInt room = stream_.avail_out;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      if (result == Z_STREAM_END) {
        finish();
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        throw InputError(fmt::format("{}: damaged gzip data: {}", file_.path(),
                                     stream_.msg != nullptr ? stream_.msg : zError(result)));
      }
    }
    return done;
  }
  // Deflate cannot shrink data more than 1032 times.
  std::uint64_t limit() const override { return file_.size() * 1032; }

 private:
  void refill() {
    const std::size_t got = file_.read_some(std::as_writable_bytes(std::span(input_)));
    require(got > 0, [&] { return fmt::format("{}: truncated: the gzip stream does not end", file_.path()); });
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(got);
  }
  void finish() {
    finished_ = true;
    std::array<std::byte, 1> extra;
    require(stream_.avail_in == 0 && file_.read_some(extra) == 0,
            [&] { return fmt::format("{}: bytes follow the end of the gzip stream", file_.path()); });
  }

  InputFile file_;
  z_stream stream_{};
  std::array<unsigned char, 65536> input_{};
  bool finished_ = false;
};

std::string_view type_name(unsigned type) {
  switch (type) {
    case 0x08:
      return "unsigned bytes";
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "32-bit floats";
    case 0x0E:
      return "64-bit floats";
    default:
      return "no type that IDX knows";
  }
}

// Checks the first four bytes.
void check_magic(const std::string& path, const std::array<std::uint8_t, 4>& magic, int rank) {
  require(magic[0] != 0x1F || magic[1] != 0x8B,
          [&] { return fmt::format("{}: the file is gzip-compressed; give it a name that ends in .gz", path); });
  require(magic[0] == 0 && magic[1] == 0, [&] {
    return fmt::format("{}: not an IDX file: expected to start with 00 00 08 {:02X}, got {:02X}", path, rank,
                       fmt::join(magic, " "));
  });
  require(magic[2] == 0x08, [&] {
    return fmt::format("{}: expected unsigned bytes (type 08), got type {:02X}: {}", path, magic[2],
                       type_name(magic[2]));
  });
  require(magic[3] == rank, [&] {
    return fmt::format("{}: expected {} axes ({}), got {}", path, rank, rank == 1 ? "labels" : "images", magic[3]);
  });
}

std::string first_existing(const std::string& directory, std::string_view part, std::string_view kind) {
  for (const char separator : {'-', '.'}) {
    for (const std::string_view suffix : {"", ".gz"}) {
      std::string path = fmt::format("{}/{}{}{}{}", directory, part, separator, kind, suffix);
      if (file_exists(path)) return path;
    }
  }
  throw InputError(fmt::format(
      "mnist:{0}: found no file {0}/{1}-{2} or {0}/{1}-{2}.gz. To get the data run 'scripts/get_data.sh mnist' and use "
      "mnist:data/mnist; the built-in data 'digits' need no download.",
      directory, part, kind));
}

}  // namespace

IdxArray read_idx(const std::string& path, int rank) {
  const bool gzip = path.size() >= 3 && path.compare(path.size() - 3, 3, ".gz") == 0;
  std::unique_ptr<ByteSource> source;
  if (gzip)
    source = std::make_unique<GzipSource>(path);
  else
    source = std::make_unique<PlainSource>(path);

  const auto read_header = [&](std::array<std::uint8_t, 4>& bytes) {
    const std::size_t got = source->read_some(std::as_writable_bytes(std::span(bytes)));
    require(got == bytes.size(), [&] { return fmt::format("{}: truncated: the header does not end", path); });
  };
  std::array<std::uint8_t, 4> word{};
  read_header(word);
  check_magic(path, word, rank);

  IdxArray array;
  const std::uint64_t header = 4 + 4 * static_cast<std::uint64_t>(rank);
  std::uint64_t expected = 1;
  for (int axis = 0; axis < rank; ++axis) {
    read_header(word);
    const std::uint64_t extent = std::uint64_t{word[0]} << 24 | word[1] << 16 | word[2] << 8 | word[3];
    require(extent > 0, [&] { return fmt::format("{}: extent {} is 0; expected data", path, axis); });
    require(expected <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / extent,
            [&] { return fmt::format("{}: the extents' product overflows 63 bits", path); });
    expected *= extent;
    array.extents.push_back(static_cast<std::int64_t>(extent));
  }
  const std::uint64_t limit = source->limit() - std::min(source->limit(), header);
  require(expected <= limit, [&] {
    return fmt::format("{}: truncated: the header promises {} bytes of data, the file {} {}", path, expected,
                       gzip ? "can hold at most" : "holds", limit);
  });

  // Inflated data may still end early, so memory follows the bytes that came; growing doubles, never beyond `expected`.
  std::uint64_t done = 0;
  while (done < expected) {
    const std::uint64_t step = gzip ? std::max<std::uint64_t>(done, 1 << 20) : expected;
    array.values.resize(static_cast<std::size_t>(std::min(expected, done + step)));
    const std::size_t got = source->read_some(std::as_writable_bytes(std::span(array.values)).subspan(done));
    done += got;
    require(done == array.values.size(), [&] {
      return fmt::format("{}: truncated: the header promises {} bytes of data, got {}", path, expected, done);
    });
  }
  // Asking for one byte more also makes zlib check the length and the checksum.
  std::array<std::byte, 1> extra;
  require(source->read_some(extra) == 0, [&] {
    return fmt::format("{}: longer than its header says: bytes follow the {} bytes of data", path, expected);
  });
  return array;
}

std::unique_ptr<Dataset> read_idx_dataset(const std::string& images_path, const std::string& labels_path) {
  IdxArray labels = read_idx(labels_path, 1);
  IdxArray images = read_idx(images_path, 3);
  require(images.extents[0] == labels.extents[0], [&] {
    return fmt::format("{}: {} images, but {} has {} labels", images_path, images.extents[0], labels_path,
                       labels.extents[0]);
  });
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    require(labels.values[i] < idx_classes, [&] {
      return fmt::format("{}: label {} is {}; expected a class from 0 to {}", labels_path, i, labels.values[i],
                         idx_classes - 1);
    });
  }
  return std::make_unique<MemoryDataset>(Shape{1, images.extents[1], images.extents[2]}, numbered_classes(idx_classes),
                                         std::move(images.values),
                                         std::vector<std::int32_t>(labels.values.begin(), labels.values.end()));
}

DataSplits open_mnist(const std::string& directory) {
  // All four names first: a missing file is told before long reads.
  const std::string train_images = first_existing(directory, "train-images", "idx3-ubyte");
  const std::string train_labels = first_existing(directory, "train-labels", "idx1-ubyte");
  const std::string test_images = first_existing(directory, "t10k-images", "idx3-ubyte");
  const std::string test_labels = first_existing(directory, "t10k-labels", "idx1-ubyte");
  DataSplits splits;
  splits.spec = "mnist:" + directory;
  splits.train = read_idx_dataset(train_images, train_labels);
  splits.test = read_idx_dataset(test_images, test_labels);
  require(splits.train->sample_shape() == splits.test->sample_shape(), [&] {
    return fmt::format("{}: images of {}, but {} has {}", train_images, splits.train->sample_shape().to_string(),
                       test_images, splits.test->sample_shape().to_string());
  });
  return splits;
}

}  // namespace fovea
