// SPDX-License-Identifier: Apache-2.0
#include "core/data/npy.h"

#include <string>

#include "core/support/philox.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

Bytes npy(const std::string& dictionary, const Bytes& data, int major = 1) {
  Bytes bytes{0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(major), 0};
  const std::string text = dictionary + "   \n";
  bytes.push_back(static_cast<std::uint8_t>(text.size()));
  bytes.push_back(static_cast<std::uint8_t>(text.size() >> 8));
  if (major > 1) bytes.insert(bytes.end(), 2, 0);
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}
std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

class Npy : public ::testing::Test {
 protected:
  void SetUp() override {
    write("x", npy(header("|u1", "(3, 1, 2)"), {1, 2, 3, 4, 5, 6}));
    write("y", npy(header("<i8", "(3,)"), labels({1, 0, 1})));
  }
  static Bytes labels(const std::vector<std::int64_t>& values) {
    Bytes bytes;
    for (const std::int64_t value : values) {
      for (int b = 0; b < 8; ++b) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * b));
    }
    return bytes;
  }
  void write(const std::string& name, const Bytes& bytes) { test::write_bytes(dir_ / (name + ".npy"), bytes); }
  std::string spec() const { return "npy:" + (dir_ / "x.npy") + "," + (dir_ / "y.npy"); }
  DataSplits open(const std::string& options = "") { return open_data(spec() + options, {.one_split = true}); }
  std::string error() {
    return input_error([&] { open(); });
  }
  std::string x_error(const std::string& dictionary, const Bytes& data = {1, 2, 3, 4, 5, 6}) {
    write("x", npy(dictionary, data));
    return error();
  }

  test::TemporaryDirectory dir_;
};

TEST_F(Npy, ReadsGreyImages) {
  const DataSplits splits = open();
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 1, 2}));
  EXPECT_EQ(splits.train->classes(), 2);
  Bytes pixels(2);
  EXPECT_EQ(splits.train->read(1, pixels), 0);
  EXPECT_EQ(pixels, (Bytes{3, 4}));
  write("y", npy(header("<i8", "(3,)"), labels({0, 0, 0})));
  const DataSplits held = open("#holdout=2");
  EXPECT_EQ(held.test->size(), 2);
  EXPECT_EQ(held.train->read(0, pixels), 0);
  EXPECT_EQ(pixels, (Bytes{3, 4}));
}

TEST_F(Npy, ReadsOtherWritings) {
  write("x", npy("{\"shape\":(3,1,1,2),\"fortran_order\":False,\"descr\":\"|u1\"}", {1, 2, 3, 4, 5, 6}, 3));
  write("y", npy(header("<u2", "(3,)"), {1, 0, 0, 0, 1, 0}, 2));
  EXPECT_EQ(open().train->sample_shape(), (Shape{1, 1, 2}));
  write("y", npy(header("|i1", "(3,)"), {1, 0, 1}));
  EXPECT_EQ(open().train->classes(), 2);
}

TEST_F(Npy, TakesFourFiles) {
  const std::string test_files = "," + (dir_ / "x.npy") + "," + (dir_ / "y.npy");
  EXPECT_EQ(open_data(spec() + test_files).test->size(), 3);
  EXPECT_TRUE(holds(input_error([&] { open_data(spec() + test_files + "#holdout=2"); }), {"these have test images"}));
  EXPECT_TRUE(holds(input_error([] { open_data("npy:a.npy"); }), {"expected X.npy,Y.npy"}));
  EXPECT_TRUE(holds(input_error([] { open_data("npy:a.npy,"); }), {"expected X.npy,Y.npy"}));
}

TEST_F(Npy, RefusesHeadersThatAreNoneOfNumPys) {
  const auto dictionary = [&](const std::string& text) { return x_error(text); };
  EXPECT_TRUE(holds(dictionary(header("|O", "(3, 1, 2)")), {"x.npy", "Python objects"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(3, 1, 2)", "True")), {"Fortran order"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(3, 1, 2)", "Maybe")), {"expected True or False"}));
  EXPECT_TRUE(holds(dictionary("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (6,)}"), {"record type"}));
  EXPECT_TRUE(holds(dictionary("{'descr': '|u1', 'fortran_order': False}"), {"expected the keys"}));
  EXPECT_TRUE(holds(dictionary("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (6,)}"), {"twice"}));
  EXPECT_TRUE(holds(dictionary("{'descr': '|u1', 'fortran_orders': False, 'shape': (6,)}"),
                    {"unknown key 'fortran_orders'", "did you mean 'fortran_order'?"}));
  EXPECT_TRUE(holds(dictionary("{'descr': '|u1', 'fortran_order': False, 'shape': (6)}"), {"a comma is missing"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(-3, 1, 2)")), {"expected a whole number"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(3.0, 1, 2)")), {"a comma is missing"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(3, 1, __import__('os'))")), {"expected a whole number"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(99999999999999999999,)")), {"below 2^63"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(1,1,1,1,1,1,1,1,1)")), {"more than 8 axes"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(3, 1, 2)") + " x"), {"more follows"}));
  EXPECT_TRUE(holds(dictionary("[]"), {"expected '{'"}));
  EXPECT_TRUE(holds(dictionary("{'descr': '|u1"), {"does not end"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(4294967296, 4294967296, 2)")), {"overflows 63 bits"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(1000000, 1000, 2)")), {"needs 2000000000 bytes", "holds 6"}));
  EXPECT_TRUE(holds(dictionary(header("|u1", "(2, 1, 2)")), {"needs 4 bytes", "holds 6"}));
  EXPECT_TRUE(holds(dictionary(header("u1", "(3, 1, 2)")), {"'u1'"}));
  EXPECT_TRUE(holds(dictionary(header("|u2", "(3,)")), {"the byte order is missing"}));
  EXPECT_TRUE(holds(dictionary(header(">i2", "(3,)")), {"big-endian"}));
  EXPECT_TRUE(holds(dictionary(header("<U1", "(3,)")), {"'<U1'"}));
}

TEST_F(Npy, RefusesOtherFiles) {
  write("x", {'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_TRUE(holds(error(), {"x.npy: not a .npy file"}));
  write("x", {});
  EXPECT_TRUE(holds(error(), {"not a .npy file"}));
  Bytes bytes = npy(header("|u1", "(3, 1, 2)"), {1, 2, 3, 4, 5, 6});
  bytes[6] = 4;
  write("x", bytes);
  EXPECT_TRUE(holds(error(), {"version 4.0"}));
  bytes[6] = 1, bytes[9] = 0xFF;
  write("x", bytes);
  EXPECT_TRUE(holds(error(), {"truncated, or a header of"}));
}

TEST_F(Npy, RefusesArraysThatAreNoImagesOrLabels) {
  EXPECT_TRUE(holds(x_error(header("<f4", "(1, 1, 1)"), {0, 0, 0, 0}), {"expected bytes ('|u1'", "got '<f4'"}));
  EXPECT_TRUE(holds(x_error(header("|u1", "(6,)")), {"expected images [N, H, W]", "(6)"}));
  EXPECT_TRUE(holds(x_error(header("|u1", "(3, 0, 2)"), {}), {"expected images"}));
  EXPECT_TRUE(holds(x_error(header("|u1", "(2, 1, 3)")), {"2 images, but", "3 labels"}));
  SetUp();
  write("y", npy(header("<i8", "(3,)"), labels({0, -1, 0})));
  EXPECT_TRUE(holds(error(), {"y.npy: label 1 is -1"}));
  write("y", npy(header("<i8", "(3,)"), labels({0, 0, 65536})));
  EXPECT_TRUE(holds(error(), {"y.npy: label 2 is 65536"}));
  write("y", npy(header("<f8", "(3,)"), labels({0, 0, 0})));
  EXPECT_TRUE(holds(error(), {"labels of integers"}));
  write("y", npy(header("<i8", "(3, 1)"), labels({0, 0, 0})));
  EXPECT_TRUE(holds(error(), {"one axis"}));
}

TEST_F(Npy, SurvivesRandomDamage) {
  const Bytes whole = npy(header("|u1", "(3, 1, 2)"), {1, 2, 3, 4, 5, 6});
  for (std::uint64_t mutation = 0; mutation < 2000; ++mutation) {
    RandomStream random(7, RandomPurpose::test, mutation);
    Bytes bytes = whole;
    for (std::uint32_t edit = 1 + random.below(3); edit > 0; --edit) {
      bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] = static_cast<std::uint8_t>(random.below(256));
    }
    write("x", bytes);
    try {
      open();
    } catch (const InputError& e) {
      ASSERT_TRUE(holds(e.what(), {dir_.path()})) << mutation;
    }
  }
}

}  // namespace
}  // namespace fovea
