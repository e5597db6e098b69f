// SPDX-License-Identifier: Apache-2.0
#include "core/io/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/support/philox.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

Bytes file_bytes(const std::string& header, std::size_t data_bytes) {
  Bytes bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(header.size() >> shift));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data_bytes; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}

class Safetensors : public ::testing::Test {
 protected:
  std::string error_of(const Bytes& bytes) {
    test::write_bytes(path_, bytes);
    const std::string message = input_error([&] { read_safetensors(path_); });
    EXPECT_TRUE(holds(message, {path_ + ": "}));
    return message;
  }
  std::string error_of(const std::string& header, std::size_t data_bytes) {
    return error_of(file_bytes(header, data_bytes));
  }
  static SafetensorsFile example() {
    SafetensorsFile file;
    file.metadata = {{"b", "two\n\"quoted\" \\"}, {"a", "Ω"}};
    file.tensors.emplace_back("conv1.weight", Tensor::from(Shape{2, 1, 3}, {1, -2, 0.5f, 1e-30f, 4, 5}));
    file.tensors.emplace_back("bytes", Tensor::from<std::uint8_t>(Shape{3}, Bytes{1, 2, 3}));
    const std::vector<std::int64_t> steps{7};
    file.tensors.emplace_back("steps", Tensor::from<std::int64_t>(Shape{}, steps));
    file.tensors.emplace_back("none", Tensor::zeros(Shape{0, 4}));
    return file;
  }

  test::TemporaryDirectory dir_;
  std::string path_ = dir_ / "t.safetensors";
};

TEST_F(Safetensors, RoundTrip) {
  for (const bool checksum : {false, true}) {
    write_safetensors(path_, example(), checksum);
    const SafetensorsFile file = checksum ? read_checked_safetensors(path_) : read_safetensors(path_);
    auto metadata = file.metadata;
    EXPECT_EQ(metadata.erase("checksum"), checksum ? 1u : 0u);
    EXPECT_EQ(metadata, example().metadata);
    const SafetensorsFile wanted = example();
    ASSERT_EQ(file.tensors.size(), wanted.tensors.size());
    for (std::size_t i = 0; i < wanted.tensors.size(); ++i) {
      const auto& [name, tensor] = file.tensors[i];
      EXPECT_EQ(name, wanted.tensors[i].first);
      EXPECT_EQ(tensor.shape(), wanted.tensors[i].second.shape());
      ASSERT_EQ(tensor.dtype(), wanted.tensors[i].second.dtype());
      EXPECT_EQ(std::memcmp(tensor.view().data, wanted.tensors[i].second.view().data, tensor.bytes()), 0);
    }
    EXPECT_EQ(file.at("steps").span<std::int64_t>()[0], 7);
    EXPECT_TRUE(holds(input_error([&] { file.at("conv1.bias"); }), {"'conv1.bias'", "conv1.weight, bytes"}));
  }
}

TEST_F(Safetensors, EveryDtypeAndNan) {
  SafetensorsFile file;
  for (const DType dtype :
       {DType::f32, DType::f64, DType::bf16, DType::f16, DType::u8, DType::u16, DType::i32, DType::i64}) {
    file.tensors.emplace_back(std::string(name_of(dtype)), Tensor::zeros(Shape{3, 5}, dtype));
  }
  file.tensors.emplace_back("nan", Tensor::from(Shape{2}, {std::nanf(""), -std::numeric_limits<float>::infinity()}));
  write_safetensors(path_, file, true);
  const SafetensorsFile back = read_checked_safetensors(path_);
  for (const auto& [name, tensor] : file.tensors) EXPECT_EQ(back.at(name).dtype(), tensor.dtype());
  EXPECT_TRUE(std::isnan(back.at("nan").span<float>()[0]));
}

// The format's own example of a layout, byte by byte; the reader of any other library must find the same.
TEST_F(Safetensors, WritesTheDocumentedBytes) {
  SafetensorsFile file;
  file.metadata = {{"k", "v"}};
  file.tensors.emplace_back("x", Tensor::from<std::uint8_t>(Shape{1, 4}, Bytes{0, 1, 2, 3}));
  file.tensors.emplace_back("y", Tensor::from(Shape{1}, {0.0f}));
  write_safetensors(path_, file, false);
  std::string header = R"({"__metadata__":{"k":"v"},"x":{"dtype":"U8","shape":[1,4],"data_offsets":[0,4]},)"
                       R"("y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  Bytes wanted = file_bytes(header, 4);
  wanted.insert(wanted.end(), 4, 0);
  EXPECT_EQ(test::read_bytes(path_), wanted);
  write_safetensors(path_, file, false);
  EXPECT_EQ(test::read_bytes(path_), wanted);
}

TEST_F(Safetensors, ReadsTensorsListedInAnotherOrder) {
  test::write_bytes(path_, file_bytes(R"({"b":{"shape":[2],"dtype":"U8","data_offsets":[4,6]},
      "none":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
      "a":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}}  )",
                                      6));
  const SafetensorsFile file = read_safetensors(path_);
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.tensors[0].first, "a");
  EXPECT_EQ(file.tensors[1].first, "none");
  EXPECT_EQ(file.at("b").span<std::uint8_t>()[1], 5);
  test::write_bytes(path_, file_bytes("{}", 0));
  EXPECT_TRUE(read_safetensors(path_).tensors.empty());
}

TEST_F(Safetensors, RejectsBadLengths) {
  EXPECT_TRUE(holds(error_of(Bytes{1, 0, 0}), {"not a safetensors file", "3 bytes"}));
  EXPECT_TRUE(holds(error_of(Bytes{}), {"0 bytes"}));
  EXPECT_TRUE(holds(error_of(Bytes{5, 0, 0, 0, 0, 0, 0, 0, '{', '}'}), {"a header of 5 bytes"}));
  EXPECT_TRUE(holds(error_of(Bytes(200, 0xFF)), {"18446744073709551615"}));
  Bytes huge{1, 0xE1, 0xF5, 5, 0, 0, 0, 0};  // 100,000,001
  huge.resize(300);
  EXPECT_TRUE(holds(error_of(huge), {"100000001"}));
  EXPECT_TRUE(holds(error_of(Bytes(8, 0)), {"start with '{'"}));
}

TEST_F(Safetensors, RejectsBadHeaders) {
  const auto tensor = [](const std::string& body) { return "{\"w\":{" + body + "}}"; };
  const auto entry = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return tensor("\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets);
  };
  const std::vector<std::tuple<std::string, std::size_t, std::string>> cases{
      {" {}", 0, "start with '{'"},
      {"[]", 0, "start with '{'"},
      {"{", 0, "not JSON"},
      {"{}x", 0, "not JSON"},
      {"{\"\xFF\":1}", 0, "not JSON"},
      {"{\"w\":1}", 0, "'w': expected an object, got 1"},
      {"{\"w\":null}", 0, "got null"},
      {"{\"w\":[[[[", 0, "got an array"},
      {"{\"w\":{\"shape\":{", 0, "got an object"},
      {"{\"__metadata__\":{\"a\":{", 0, "got an object"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a': expected a string, got 1"},
      {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, "'a' appears twice"},
      {"{\"__metadata__\":[]}", 0, "got an array"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' appears twice"},
      {tensor(""), 0, "expected dtype, shape and data_offsets"},
      {tensor("\"dtype\":\"F32\",\"shape\":[1]"), 4, "expected dtype, shape and data_offsets"},
      {tensor("\"dtype\":\"F32\",\"dtype\":\"F32\""), 4, "'dtype' appears twice"},
      {tensor("\"color\":\"red\""), 4, "unknown key 'color'"},
      {entry("\"F31\"", "[1]", "[0,4]"), 4, "dtype 'F31' is unknown"},
      {entry("32", "[1]", "[0,4]"), 4, "dtype: expected a string, got 32"},
      {entry("\"F32\"", "\"1\"", "[0,4]"), 4, "shape: expected an array of numbers, got a string"},
      {entry("\"F32\"", "[-1]", "[0,4]"), 4, "shape: expected whole numbers from 0, got -1"},
      {entry("\"F32\"", "[1.0]", "[0,4]"), 4, "got '1.0'"},
      {entry("\"F32\"", "[true]", "[0,4]"), 4, "got a boolean"},
      {entry("\"F32\"", "[[1]]", "[0,4]"), 4, "got an array"},
      {entry("\"F32\"", "[1,1,1,1,1,1,1]", "[0,4]"), 4, "shape has more than 6 numbers"},
      {entry("\"F32\"", "[99999999999999999999]", "[0,4]"), 4, "got '99999999999999999999'"},
      {entry("\"F32\"", "[18446744073709551615]", "[0,4]"), 4, "too large"},
      {entry("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0, "overflows"},
      {entry("\"F32\"", "[2147483648,2147483648,4]", "[0,0]"), 0, "overflows"},
      {entry("\"F32\"", "[2]", "[0,4]"), 4, "takes 8 bytes, but data_offsets give 4"},
      {entry("\"F32\"", "[1]", "[4,0]"), 4, "begins at 4, after its end at 0"},
      {entry("\"F32\"", "[1]", "[0]"), 4, "expected two numbers"},
      {entry("\"F32\"", "[1]", "[0,4,8]"), 4, "data_offsets has more than 2 numbers"},
      {entry("\"F32\"", "[1]", "[0,4]"), 3, "truncated: the tensors take 4 bytes, the file has 3"},
      {entry("\"F32\"", "[1]", "[0,4]"), 5, "bytes follow the last tensor"},
      {entry("\"F32\"", "[1]", "[1,5]"), 5, "begins at byte 1 of the data; expected 0"},
      {entry("\"F32\"", "[1000000000000]", "[0,4000000000000]"), 4, "truncated"}};
  for (const auto& [header, data_bytes, what] : cases) {
    EXPECT_TRUE(holds(error_of(header, data_bytes), {what})) << header;
  }
}

TEST_F(Safetensors, RejectsDuplicatesGapsAndOverlaps) {
  const auto two = [](const std::string& name, const std::string& offsets) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},")" + name +
           R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets + "}}";
  };
  EXPECT_TRUE(holds(error_of(two("a", "[4,8]"), 8), {"'a' appears twice"}));
  EXPECT_TRUE(holds(error_of(two("\\u0061", "[4,8]"), 8), {"'a' appears twice"}));
  EXPECT_TRUE(holds(error_of(two("b", "[3,7]"), 8), {"tensor 'b' begins at byte 3", "expected 4"}));
  EXPECT_TRUE(holds(error_of(two("b", "[5,9]"), 9), {"tensor 'b' begins at byte 5"}));
  EXPECT_TRUE(holds(error_of(two("b", "[0,4]"), 4), {"begins at byte 0 of the data; expected 4"}));
}

TEST_F(Safetensors, RejectsABombOfBrackets) {
  const std::string header = "{\"w\":" + std::string(2'000'000, '[');
  EXPECT_TRUE(holds(error_of(header, 0), {"got an array"}));
  EXPECT_TRUE(holds(error_of("{\"w\":{\"shape\":" + std::string(2'000'000, '['), 0), {"got an array"}));
}

TEST_F(Safetensors, RejectsWhatCannotBeWritten) {
  SafetensorsFile file = example();
  file.tensors.emplace_back("bytes", Tensor::zeros(Shape{1}));
  EXPECT_TRUE(holds(input_error([&] { write_safetensors(path_, file, false); }), {"'bytes'", "twice"}));
  file = example();
  file.tensors.emplace_back("__metadata__", Tensor::zeros(Shape{1}));
  EXPECT_TRUE(holds(input_error([&] { write_safetensors(path_, file, false); }), {"reserved"}));
  file = example();
  file.metadata["bad"] = "\xC3\x28";
  EXPECT_TRUE(holds(input_error([&] { write_safetensors(path_, file, false); }), {"not UTF-8"}));
  EXPECT_TRUE(dir_.names().empty());
}

TEST_F(Safetensors, CheckedReadingWantsAChecksum) {
  write_safetensors(path_, example(), false);
  EXPECT_TRUE(holds(input_error([&] { read_checked_safetensors(path_); }), {path_, "no checksum"}));
  // One that another program wrote: not where and how Fovea writes it.
  test::write_bytes(path_, file_bytes(R"({"__metadata__":{"checksum" : "00000000"}})", 0));
  EXPECT_TRUE(holds(input_error([&] { read_checked_safetensors(path_); }), {path_, "damaged"}));
  test::write_bytes(path_, file_bytes(R"({"__metadata__":{"checksum":"short"}})", 0));
  EXPECT_TRUE(holds(input_error([&] { read_checked_safetensors(path_); }), {path_, "damaged"}));
}

// Random damage may go unnoticed without a checksum, but never crashes; with one it is always found.
TEST_F(Safetensors, SurvivesRandomDamage) {
  constexpr std::uint64_t seed = 2'024;
  RecordProperty("seed", static_cast<int>(seed));
  write_safetensors(path_, example(), true);
  const Bytes whole = test::read_bytes(path_);
  const std::vector<std::string> tokens{
      "{",    "}",       "[",         "]",       ",",     ":", "\"", "-1",   "1e9", "18446744073709551615",
      "null", "\\u0000", "\"dtype\"", "\"F64\"", "[0,4]", "0", "[[", "\xFF", " "};
  int loaded = 0;
  for (std::uint64_t mutation = 0; mutation < 2000; ++mutation) {
    RandomStream random(seed, RandomPurpose::test, mutation);
    Bytes bytes = whole;
    for (std::uint32_t edit = 1 + random.below(3); edit > 0 && !bytes.empty(); --edit) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(static_cast<std::uint32_t>(bytes.size())));
      switch (random.below(5)) {
        case 0:
          bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << random.below(8));
          break;
        case 1:
          bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random.below(256));
          break;
        case 2:
          bytes.resize(static_cast<std::size_t>(at));
          break;
        case 3:
          bytes.erase(bytes.begin() + at);
          break;
        default: {
          const std::string& token = tokens[random.below(static_cast<std::uint32_t>(tokens.size()))];
          bytes.insert(bytes.begin() + at, token.begin(), token.end());
        }
      }
    }
    if (bytes == whole) continue;
    test::write_bytes(path_, bytes);
    try {
      read_safetensors(path_);
      ++loaded;
    } catch (const InputError&) {
    }
    EXPECT_THROW(read_checked_safetensors(path_), InputError) << "seed " << seed << ", mutation " << mutation;
  }
  EXPECT_GT(loaded, 20);  // the damage was not so crude that only the first check was tried
}

TEST_F(Safetensors, SavesOverTheFileItReads) {
  write_safetensors(path_, example(), true);
  const SafetensorsFile file = read_checked_safetensors(path_);
  write_safetensors(path_, file, true);
  EXPECT_EQ(read_checked_safetensors(path_).metadata, file.metadata);
}

}  // namespace
}  // namespace fovea
