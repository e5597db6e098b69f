// SPDX-License-Identifier: Apache-2.0
#include "core/data/folder.h"

#include <algorithm>
#include <filesystem>

#include "core/data/csv.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// A directory tree of grey images of one colour each.
class ImageFiles : public ::testing::Test {
 protected:
  void image(const std::string& name, std::uint8_t value, int height = 4, int width = 4) {
    const std::string path = dir_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    const Tensor picture =
        Tensor::from<std::uint8_t>(Shape{1, height, width}, Bytes(static_cast<std::size_t>(height * width), value));
    write_png(path, picture);
  }
  void text(const std::string& name, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(dir_ / name).parent_path());
    test::write_bytes(dir_ / name, Bytes(content.begin(), content.end()));
  }
  std::string folder(const std::string& rest) const { return "folder:" + dir_.path() + rest; }
  std::string list(const std::string& rest) const { return "list:" + dir_.path() + "/list.csv" + rest; }
  // "label:first byte" of every sample.
  static std::vector<std::string> all(const Dataset& data) {
    std::vector<std::string> samples;
    Bytes pixels(static_cast<std::size_t>(data.sample_shape().elements()));
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const std::int32_t label = data.read(i, pixels);
      EXPECT_EQ(label, data.label(i));
      samples.push_back(std::to_string(label) + ":" + std::to_string(pixels[0]));
    }
    return samples;
  }
  using Samples = std::vector<std::string>;

  test::TemporaryDirectory dir_;
};

class Folder : public ImageFiles {
 protected:
  void SetUp() override {
    for (int i = 0; i < 5; ++i) image("dog/" + std::to_string(i) + ".png", static_cast<std::uint8_t>(100 + i));
    for (int i = 0; i < 3; ++i) image("cat/" + std::to_string(i) + ".PNG", static_cast<std::uint8_t>(i));
  }
};

TEST_F(Folder, SplitsByHoldoutWithinEachClass) {
  const DataSplits splits = open_data(folder("@1x2x2#holdout=2"));
  EXPECT_EQ(splits.train->class_names(), (Samples{"cat", "dog"}));
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 2, 2}));
  EXPECT_EQ(all(*splits.test), (Samples{"0:0", "0:2", "1:100", "1:102", "1:104"}));
  EXPECT_EQ(all(*splits.train), (Samples{"0:1", "1:101", "1:103"}));
  EXPECT_EQ(splits.train->file(0), dir_ / "cat/1.PNG");
  EXPECT_TRUE(splits.notes.empty());
  // The option of the interface is the same as that of the specification; both together are a mistake.
  EXPECT_EQ(all(*open_data(folder("@1x2x2"), {.holdout = 2}).test), all(*splits.test));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@1x2x2#holdout=2"), {.holdout = 3}); }),
                    {"holdout: given more than once"}));
}

TEST_F(Folder, SizesHaveThreeForms) {
  EXPECT_EQ(open_data(folder("@6#holdout=2")).train->sample_shape(), (Shape{3, 6, 6}));
  EXPECT_EQ(open_data(folder("@6x7#holdout=2")).train->sample_shape(), (Shape{3, 6, 7}));
  EXPECT_EQ(open_data(folder("#size=1x6x7#holdout=2")).train->sample_shape(), (Shape{1, 6, 7}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("#holdout=2")); }), {"expected the size", "@128"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@2x6x6#holdout=2")); }), {"1 or 3 channels"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@0#holdout=2")); }), {"from 1 to 8192, got '0'"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@6x#holdout=2")); }), {"got ''"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@6#size=7#holdout=2")); }), {"size: given more than once"}));
}

TEST_F(Folder, FitsImagesByCroppingOrStretching) {
  text("wide/0.pgm", "P5 6 2 255\n" + std::string("\1\1\11\11\1\1\1\1\11\11\1\1", 12));
  image("wide/1.png", 1);
  const auto first = [&](const std::string& options) {
    const DataSplits splits = open_data(folder("@1x2x2#holdout=2" + options));
    Bytes pixels(4);
    splits.test->read(5, pixels);  // "wide" is the third class
    return pixels;
  };
  EXPECT_EQ(first(""), (Bytes{9, 9, 9, 9}));
  EXPECT_EQ(first("#fit=crop"), (Bytes{9, 9, 9, 9}));
  EXPECT_NE(first("#fit=stretch"), (Bytes{9, 9, 9, 9}));
  EXPECT_TRUE(
      holds(input_error([&] { first("#fit=strech"); }), {"expected crop or stretch", "did you mean 'stretch'?"}));
}

TEST_F(Folder, ReportsWhatIsNoSample) {
  text("README", "hello");
  text("dog/notes.txt", "hello");
  image("cat/inner/0.png", 3);
  const std::string message = input_error([&] { open_data(folder("@4#holdout=2")); });
  EXPECT_TRUE(holds(
      message, {"2 entries that cannot be samples", "dog/notes.txt", "cat/inner: a directory", "#unreadable=skip"}));
  const DataSplits splits = open_data(folder("@4#holdout=2#unreadable=skip"));
  EXPECT_EQ(splits.train->size() + splits.test->size(), 8);
  ASSERT_EQ(splits.notes.size(), 3u);
  EXPECT_TRUE(holds(splits.notes[0], {"not in a class's directory", "README"}));
  EXPECT_TRUE(holds(splits.notes[1], {"left out", "cat/inner"}));
}

TEST_F(Folder, NamesTheFileThatCannotBeRead) {
  text("dog/1.png", "not a picture");
  const DataSplits splits = open_data(folder("@4#holdout=2"));
  EXPECT_TRUE(holds(input_error([&] { all(*splits.train); }), {"dog/1.png: expected a JPEG, PNG"}));
  EXPECT_TRUE(holds(input_error([&] { measure_normalization(*splits.train); }), {"dog/1.png"}));
  measure_normalization(*splits.train, Unreadable::skip);
  // Or it is left out from the beginning.
  const DataSplits readable = open_data(folder("@1x4x4#holdout=2#unreadable=skip"));
  EXPECT_EQ(all(*readable.train), (Samples{"0:1", "1:103"}));
  ASSERT_EQ(readable.notes.size(), 1u);
  EXPECT_TRUE(holds(readable.notes[0], {"left out: ", "dog/1.png: expected a JPEG"}));
  for (int i = 0; i < 5; i += 2)
    text("dog/" + std::to_string(i) + ".png", ""), text("cat/" + std::to_string(i) + ".PNG", "");
  EXPECT_TRUE(
      holds(input_error([&] { open_data(folder("@4#holdout=2#unreadable=skip")); }), {"none of", "can be read"}));
}

TEST_F(Folder, TakesASplitThatIsThere) {
  for (const char* split : {"train", "val"}) {
    image(std::string("s/") + split + "/b/0.png", split[0]);
    image(std::string("s/") + split + "/a/0.png", static_cast<std::uint8_t>(split[0] + 1));
  }
  text("s/LICENSE", "free");
  const DataSplits splits = open_data(folder("/s@4"));
  EXPECT_EQ(all(*splits.train), (Samples{"0:117", "1:116"}));
  EXPECT_EQ(all(*splits.test), (Samples{"0:119", "1:118"}));
  EXPECT_TRUE(holds(splits.notes.at(0), {"LICENSE"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("/s@4#holdout=2")); }), {"not split", "s/train"}));
  image("s/val/c/0.png", 1);
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("/s@4")); }), {"same classes", "a, b in", "a, b, c in"}));
}

TEST_F(Folder, RefusesFoldersThatAreNoClasses) {
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@4")); }), {"no test split", "#holdout=5"}));
  EXPECT_TRUE(open_data(folder("@4"), {.one_split = true}).test == nullptr);
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("/nowhere@4#holdout=2")); }), {"nowhere is not a directory"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("/cat@4#holdout=2")); }), {"a directory with images for each"}));
  std::filesystem::create_directories(dir_ / "emu");
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@4#holdout=2")); }), {"class 'emu' has no images"}));
  std::filesystem::remove(dir_ / "emu");
  image("fox/0.png", 1);
  EXPECT_TRUE(holds(input_error([&] { open_data(folder("@4#holdout=2")); }), {"class 'fox'", "leaves none"}));
}

TEST_F(Folder, OptionsAreChecked) {
  const auto error = [&](const std::string& options) {
    return input_error([&] { open_data(folder("@4" + options)); });
  };
  EXPECT_TRUE(holds(error("#holdout=1"), {"holdout: expected a whole number from 2", "got '1'"}));
  EXPECT_TRUE(holds(error("#holdout=two"), {"got 'two'"}));
  EXPECT_TRUE(holds(error("#holdouts=2"), {"unknown option 'holdouts'", "did you mean 'holdout'?"}));
  EXPECT_TRUE(holds(error("#unreadable=ignore"), {"expected fail or skip"}));
  EXPECT_TRUE(holds(input_error([] { open_data("digits#holdout=2"); }), {"'digits' has a test split"}));
  EXPECT_TRUE(holds(input_error([] { open_data("digits#size=28"); }), {"size and fit are for"}));
  // A name may hold what options start with.
  image("a#b@2x/x/0.png", 7), image("a#b@2x/x/1.png", 8);
  EXPECT_EQ(all(*open_data(folder("/a#b@2x@4#holdout=2")).train), (Samples{"0:8"}));
}

class List : public ImageFiles {
 protected:
  void SetUp() override {
    for (int i = 0; i < 6; ++i) image("p/" + std::to_string(i) + ".png", static_cast<std::uint8_t>(i));
  }
  std::string error(const std::string& csv, const std::string& options = "@4") {
    text("list.csv", csv);
    return input_error([&] { open_data(list(options)); });
  }
};

TEST_F(List, ReadsPathsLabelsAndSplits) {
  text("list.csv", "path,label,split\r\np/0.png,dog,train\r\np/1.png,cat,test\r\n\r\n\"p/2.png\",\"cat\",train\n");
  const DataSplits splits = open_data(list("@4"));
  EXPECT_EQ(splits.train->class_names(), (Samples{"cat", "dog"}));
  EXPECT_EQ(all(*splits.train), (Samples{"1:0", "0:2"}));
  EXPECT_EQ(all(*splits.test), (Samples{"0:1"}));
  EXPECT_TRUE(holds(input_error([&] { open_data(list("@4#holdout=2")); }), {"names the split of each image"}));
}

TEST_F(List, SplitsByHoldoutAndKnowsNumbers) {
  image("p/a, \"b\".png", 9);
  text("list.csv", "p/0.png,1\np/1.png,0\np/2.png,1\n\"p/a, \"\"b\"\".png\",0\n" + (dir_ / "p/4.png") + ",1\n");
  const DataSplits splits = open_data(list("@4#holdout=2"));
  EXPECT_EQ(splits.train->class_names(), (Samples{"0", "1"}));
  EXPECT_EQ(all(*splits.test), (Samples{"1:0", "0:1", "1:4"}));
  EXPECT_EQ(all(*splits.train), (Samples{"1:2", "0:9"}));
}

TEST_F(List, NamesTheLineThatIsWrong) {
  EXPECT_TRUE(holds(error(""), {"list.csv: expected lines of path,label"}));
  EXPECT_TRUE(holds(error("path,label\n"), {"expected lines of path,label"}));
  EXPECT_TRUE(holds(error("p/0.png\n"), {"list.csv:1: expected path,label", "got 1 fields"}));
  EXPECT_TRUE(holds(error("p/0.png,a\np/1.png,b,train\n"), {"list.csv:2:", "got 3 fields"}));
  EXPECT_TRUE(holds(error("path,label,split\np/1.png,b\n"), {"list.csv:2: expected 3 fields"}));
  EXPECT_TRUE(holds(error("path,label,fold\np/1.png,b,1\n"), {"list.csv:1: expected the names"}));
  EXPECT_TRUE(holds(error("p/0.png,a\n,b\n"), {"list.csv:2: the path is empty"}));
  EXPECT_TRUE(holds(error("p/0.png,\n"), {"list.csv:1: the label is empty"}));
  EXPECT_TRUE(holds(error("p/0.png,a,tset\n"), {"list.csv:1: the split is 'tset'", "did you mean 'test'?"}));
  EXPECT_TRUE(holds(error("p/0.png,a,train\n"), {"1 for training and 0 for testing"}));
  EXPECT_TRUE(holds(error("p/0.png,0\np/1.png,2\n"), {"numbers up to 2, but only 2"}));
  EXPECT_TRUE(holds(error("p/0.png,0\np/1.png,99999999999\n"), {"too large a number"}));
  EXPECT_TRUE(holds(error("p/0.png,a\np/9.png,b\n"), {"1 entry", "list.csv:2: there is no file", "p/9.png"}));
  EXPECT_TRUE(holds(error("p/0.png,a\n\"p/1.png,b\n"), {"the quoted field does not end"}));
  EXPECT_TRUE(holds(error("p/0\"a.png,a\n"), {"list.csv:1: a quote inside"}));
  EXPECT_TRUE(holds(error("\"p/0.png\"x,a\n"), {"list.csv:1: expected a comma"}));
  EXPECT_TRUE(holds(error(std::string("p/0.png,a\0b\n", 12)), {"a zero byte"}));
  text("list.csv", "p/0.png,a\np/9.png,b\np/1.png,b\np/2.png,a\np/3.png,b\n");
  const DataSplits splits = open_data(list("@4#unreadable=skip#holdout=2"));
  EXPECT_EQ(splits.train->size() + splits.test->size(), 4);
  EXPECT_TRUE(holds(splits.notes.at(0), {"left out: ", "list.csv:2", "p/9.png"}));
}

TEST(Csv, KeepsLineBreaksInQuotes) {
  const std::vector<CsvRow> rows = parse_csv("f", "a,\"b\nc\",\n\nd,\"\",e");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].fields, (std::vector<std::string>{"a", "b\nc", ""}));
  EXPECT_EQ(rows[1].fields, (std::vector<std::string>{"d", "", "e"}));
  EXPECT_EQ(rows[1].line, 4);
}

}  // namespace
}  // namespace fovea
