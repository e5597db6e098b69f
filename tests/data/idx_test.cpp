// SPDX-License-Identifier: Apache-2.0
#include "core/data/idx.h"

#include <cstdlib>
#include <cstring>

#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

Bytes idx(const std::vector<std::uint32_t>& extents, const Bytes& values, std::uint8_t type = 0x08) {
  Bytes bytes{0, 0, type, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
  }
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

Bytes counting(std::size_t n) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}

class Idx : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const Bytes& bytes) {
    test::write_bytes(dir_ / name, bytes);
    return dir_ / name;
  }
  std::string error_of(const std::string& name, const Bytes& bytes, int rank) {
    const std::string path = file(name, bytes);
    const std::string message = input_error([&] { read_idx(path, rank); });
    EXPECT_TRUE(holds(message, {path + ": "}));
    return message;
  }
  // Two images of 2 x 3 with labels 9 and 0, as the train and the test split.
  void write_split(const std::string& images, const std::string& labels) {
    file(images, idx({2, 2, 3}, counting(12)));
    file(labels, idx({2}, {9, 0}));
  }
  test::TemporaryDirectory dir_;
};

TEST_F(Idx, ReadsPlainAndGzip) {
  const Bytes bytes = idx({2, 2, 3}, counting(12));
  for (const IdxArray& array : {read_idx(file("a", bytes), 3), read_idx(file("a.gz", test::gzip(bytes)), 3)}) {
    EXPECT_EQ(array.extents, (std::vector<std::int64_t>{2, 2, 3}));
    EXPECT_EQ(array.values, counting(12));
  }
}

TEST_F(Idx, ReadsGzipLargerThanItsBuffers) {
  const Bytes values = counting(5'000'000);
  EXPECT_EQ(read_idx(file("a.gz", test::gzip(idx({5, 1000, 1000}, values))), 3).values, values);
}

TEST_F(Idx, RejectsOtherFiles) {
  EXPECT_TRUE(holds(error_of("a", {'P', 'N', 'G', '!', 0, 0, 0, 1, 5}, 1), {"not an IDX file", "50 4E 47 21"}));
  EXPECT_TRUE(holds(error_of("a", idx({2}, {1, 2, 3, 4, 5, 6, 7, 8}, 0x0D), 1), {"type 0D", "32-bit floats"}));
  EXPECT_TRUE(holds(error_of("a", idx({2}, {1, 2}, 0x77), 1), {"type 77"}));
  EXPECT_TRUE(holds(error_of("a", idx({2, 2, 3}, counting(12)), 1), {"expected 1 axes (labels)", "got 3"}));
  EXPECT_TRUE(holds(error_of("a", test::gzip(idx({2}, {1, 2})), 1), {"gzip-compressed", ".gz"}));
  EXPECT_TRUE(holds(error_of("a.gz", idx({2}, {1, 2}), 1), {"damaged gzip"}));
  EXPECT_TRUE(holds(error_of("little-endian", {1, 8, 0, 0, 2, 0, 0, 0, 1, 2}, 1), {"not an IDX file"}));
}

TEST_F(Idx, RejectsEveryTruncation) {
  const Bytes whole = idx({2, 2, 3}, counting(12));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(holds(error_of("a", Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), 3),
                      {"truncated"}))
        << length;
  }
  const Bytes packed = test::gzip(whole);
  for (std::size_t length = 0; length < packed.size(); ++length) {
    error_of("a.gz", Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length)), 3);
  }
}

TEST_F(Idx, RejectsTrailingBytes) {
  Bytes bytes = idx({2, 2, 3}, counting(12));
  bytes.push_back(0);
  EXPECT_TRUE(holds(error_of("a", bytes, 3), {"longer than its header says"}));
  EXPECT_TRUE(holds(error_of("a.gz", test::gzip(bytes), 3), {"longer than its header says"}));
  Bytes packed = test::gzip(idx({2, 2, 3}, counting(12)));
  packed.push_back(0);
  EXPECT_TRUE(holds(error_of("a.gz", packed, 3), {"bytes follow the end of the gzip stream"}));
}

TEST_F(Idx, RejectsDamagedGzip) {
  // Deflate's checksum is CRC-32 and the length: a flipped bit in data or trailer cannot pass.
  const Bytes packed = test::gzip(idx({4, 28, 28}, counting(4 * 28 * 28)));
  for (std::size_t byte = 10; byte < packed.size(); ++byte) {
    Bytes damaged = packed;
    damaged[byte] ^= 1u << (byte % 8);
    error_of("a.gz", damaged, 3);
  }
}

TEST_F(Idx, RejectsImpossibleExtents) {
  EXPECT_TRUE(holds(error_of("a", idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, {}), 3), {"overflows"}));
  EXPECT_TRUE(holds(error_of("a", idx({2, 0, 3}, {}), 3), {"extent 1 is 0"}));
  // These promise terabytes: they must fail at once, before anything of that size is allocated.
  EXPECT_TRUE(holds(error_of("a", idx({60000, 28000, 28000}, counting(50)), 3), {"truncated", "47040000000000"}));
  EXPECT_TRUE(holds(error_of("a.gz", test::gzip(idx({60000, 28000, 28000}, counting(50))), 3), {"truncated"}));
}

TEST_F(Idx, RejectsWhatIsNoFile) {
  EXPECT_TRUE(holds(input_error([&] { read_idx(dir_.path(), 1); }), {dir_.path(), "directory"}));
  EXPECT_TRUE(holds(input_error([&] { read_idx("/dev/zero", 1); }), {"/dev/zero", "device"}));
  EXPECT_TRUE(holds(input_error([&] { read_idx(dir_ / "none", 1); }), {"none", "No such file"}));
}

TEST_F(Idx, RejectsImagesAndLabelsThatDisagree) {
  const std::string images = file("images", idx({3, 2, 2}, counting(12)));
  EXPECT_TRUE(holds(input_error([&] {
                      read_idx_dataset(images, file("labels", idx({2}, {1, 2})));
                    }),
                    {images, "3 images", "2 labels"}));
  EXPECT_TRUE(holds(input_error([&] {
                      read_idx_dataset(images, file("labels", idx({3}, {1, 10, 2})));
                    }),
                    {dir_ / "labels", "label 1 is 10", "0 to 9"}));
}

TEST_F(Idx, OpensEitherSpelling) {
  write_split("train-images.idx3-ubyte", "train-labels-idx1-ubyte");
  file("t10k-images-idx3-ubyte.gz", test::gzip(idx({1, 2, 3}, counting(6))));
  file("t10k-labels.idx1-ubyte.gz", test::gzip(idx({1}, {5})));
  const DataSplits splits = open_data("mnist:" + dir_.path());
  EXPECT_EQ(splits.spec, "mnist:" + dir_.path());
  EXPECT_EQ(splits.train->size(), 2);
  EXPECT_EQ(splits.test->size(), 1);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(splits.train->classes(), 10);
  Bytes pixels(6);
  EXPECT_EQ(splits.train->read(1, pixels), 0);
  EXPECT_EQ(pixels, Bytes({42, 49, 56, 63, 70, 77}));
  EXPECT_EQ(splits.test->read(0, pixels), 5);
}

TEST_F(Idx, SaysHowToGetMissingData) {
  EXPECT_TRUE(holds(input_error([&] { open_data("mnist:" + dir_.path()); }),
                    {dir_.path(), "train-images-idx3-ubyte", "scripts/get_data.sh mnist"}));
  write_split("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  EXPECT_TRUE(holds(input_error([&] { open_data("mnist:" + dir_.path()); }), {"t10k-images-idx3-ubyte"}));
}

TEST_F(Idx, RejectsSplitsOfDifferentShapes) {
  write_split("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  file("t10k-images-idx3-ubyte", idx({1, 3, 2}, counting(6)));
  file("t10k-labels-idx1-ubyte", idx({1}, {5}));
  EXPECT_TRUE(holds(input_error([&] { open_data("mnist:" + dir_.path()); }), {"[1, 2, 3]", "[1, 3, 2]"}));
}

TEST(Mnist, HasItsPublishedMeanAndDeviation) {
  const char* data = std::getenv("FOVEA_DATA");
  if (data == nullptr) GTEST_SKIP() << "FOVEA_DATA not set";
  const DataSplits splits = open_data(std::string("mnist:") + data + "/mnist");
  EXPECT_EQ(splits.train->size(), 60000);
  EXPECT_EQ(splits.test->size(), 10000);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 28, 28}));
  const Normalization normalization = measure_normalization(*splits.train);
  EXPECT_NEAR(normalization.mean.at(0), 0.1307, 5e-5);
  EXPECT_NEAR(normalization.deviation.at(0), 0.3081, 5e-5);
  Bytes pixels(784);
  const std::vector<std::int32_t> first_labels{5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
  for (std::size_t i = 0; i < first_labels.size(); ++i) {
    EXPECT_EQ(splits.train->read(static_cast<std::int64_t>(i), pixels), first_labels[i]);
  }
}

}  // namespace
}  // namespace fovea
