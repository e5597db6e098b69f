// SPDX-License-Identifier: Apache-2.0
//
// The file that remembers what steps took. Seeded faults that turn these red: save() writing its own times only; find()
// without the hardware; a constructor that throws for a damaged file, or is silent about it; a path that forgets a
// variable.
#include "core/tuning/engine_times.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/data/files.h"

namespace fovea::test {
namespace {

Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before, set_ = true;
    if (value != nullptr)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }
  ~Variable() {
    if (set_)
      ::setenv(name_, before_.c_str(), 1);
    else
      ::unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string before_;
  bool set_ = false;
};

TEST(EngineTimes, AreFoundByHardwareAndStep) {
  EngineTimes times;
  times.add("gpu", "conv", 0.25);
  EXPECT_EQ(times.find("gpu", "conv"), 0.25);
  EXPECT_FALSE(times.find("gpu", "linear"));
  EXPECT_FALSE(times.find("gpu, newer driver", "conv"));
  times.save();  // there is no file
  EXPECT_EQ(times.warning(), "");
}

TEST(EngineTimes, StayInAFileInAFolderThatIsMade) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a/b/engines.json";
  EngineTimes first(path);
  EXPECT_EQ(first.warning(), "");
  first.save();
  EXPECT_EQ(directory.names(), std::vector<std::string>{}) << "nothing was measured";
  first.add("gpu", "conv \"3x3\"", 0.25);
  first.save();
  EXPECT_EQ(first.warning(), "");
  const EngineTimes second(path);
  EXPECT_EQ(second.warning(), "");
  EXPECT_EQ(second.find("gpu", "conv \"3x3\""), 0.25);
}

TEST(EngineTimes, KeepWhatOthersWroteMeanwhile) {
  const TemporaryDirectory directory;
  const std::string path = directory / "engines.json";
  EngineTimes one(path), two(path);
  one.add("gpu", "a", 1);
  two.add("gpu", "b", 2);
  two.add("cpu", "a", 3);
  one.save();
  two.save();
  const EngineTimes all(path);
  EXPECT_EQ(all.find("gpu", "a"), 1);
  EXPECT_EQ(all.find("gpu", "b"), 2);
  EXPECT_EQ(all.find("cpu", "a"), 3);
}

TEST(EngineTimes, ADamagedFileIsNamedIgnoredAndReplaced) {
  const TemporaryDirectory directory;
  const std::string path = directory / "engines.json";
  const std::string head = R"({"format": "fovea engine times", "version": 1)";
  const std::pair<std::string, std::string> files[] = {
      {"", "expected a JSON object"},
      {"\x01\x02", "expected a JSON object"},
      {"[1, 2]", "expected a JSON object"},
      {R"({"format": "another"})", "of the format 'fovea engine times'"},
      {R"({"format": "fovea engine times", "version": 2, "microseconds": {}})", "expected version 1"},
      {head + "}", "expected an object 'microseconds'"},
      {head + R"(, "microseconds": {"gpu": 3}})", "'gpu': expected an object"},
      {head + R"(, "microseconds": {"gpu": {"conv": "fast"}}})",
       R"('conv': expected a number of at least 0, got "fast")"},
      {head + R"(, "microseconds": {"gpu": {"conv": -1}}})", "got -1"},
      {(head + R"(, "microseconds": {"gpu": {"conv": 1}}})").substr(0, 60), "expected a JSON object"},
  };
  for (const auto& [text, says] : files) {
    SCOPED_TRACE(text);
    write_bytes(path, bytes_of(text));
    EngineTimes times(path);
    EXPECT_TRUE(holds(times.warning(), {path, says, "is ignored"})) << times.warning();
    EXPECT_FALSE(times.find("gpu", "conv"));
    times.add("gpu", "conv", 0.5);
    times.save();
    const EngineTimes again(path);
    EXPECT_EQ(again.warning(), "");
    EXPECT_EQ(again.find("gpu", "conv"), 0.5);
  }
}

TEST(EngineTimes, AFileThatCannotBeWrittenIsAWarning) {
  const TemporaryDirectory directory;
  write_bytes(directory / "file", bytes_of("in the way of a folder"));
  EngineTimes times(directory / "file/engines.json");
  times.add("gpu", "conv", 0.5);
  EXPECT_NO_THROW(times.save());
  EXPECT_TRUE(holds(times.warning(), {directory / "file", "is not kept"})) << times.warning();
  EXPECT_EQ(times.find("gpu", "conv"), 0.5);
}

TEST(EngineTimes, ThePathFollowsTheEnvironment) {
  const Variable home("HOME", "/h"), xdg("XDG_CACHE_HOME", nullptr), fovea("FOVEA_CACHE", nullptr);
  EXPECT_EQ(engine_times_path(), "/h/.cache/fovea/engines.json");
  {
    const Variable relative("XDG_CACHE_HOME", "not/absolute");
    EXPECT_EQ(engine_times_path(), "/h/.cache/fovea/engines.json");
  }
  const Variable caches("XDG_CACHE_HOME", "/x");
  EXPECT_EQ(engine_times_path(), "/x/fovea/engines.json");
  {
    const Variable ours("FOVEA_CACHE", "mine");
    EXPECT_EQ(engine_times_path(), "mine/engines.json");
  }
  const Variable nowhere("HOME", nullptr), none("XDG_CACHE_HOME", nullptr);
  EXPECT_EQ(engine_times_path(), "");
}

}  // namespace
}  // namespace fovea::test
