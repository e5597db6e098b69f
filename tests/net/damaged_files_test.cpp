// SPDX-License-Identifier: Apache-2.0
//
// Net files with random damage are read or refused with InputError; nothing else may happen, under any sanitizer.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/graph/net_file.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

const std::vector<std::string> pieces = {"[[layer]]\n",
                                         "inputs = [\"conv1\", \"fc3\"]\n",
                                         "inputs = []\n",
                                         "type = \"add\"\n",
                                         "kernel = [2, 3]\n",
                                         "9223372036854775807",
                                         "-1",
                                         "2147483647",
                                         "nan",
                                         "\"\\u0000\"",
                                         "{ a = 1 }",
                                         "\n",
                                         "\"",
                                         "[",
                                         "]",
                                         "\xff",
                                         "name = \"image\"\n",
                                         "0"};

std::string damaged(std::string text, RandomStream& random) {
  const std::uint32_t changes = 1 + random.below(3);
  for (std::uint32_t i = 0; i < changes; ++i) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    switch (random.below(5)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, 1 + random.below(12));
        break;
      case 2:
        text.insert(at, pieces[random.below(static_cast<std::uint32_t>(pieces.size()))]);
        break;
      case 3:
        text.insert(at, text.substr(random.below(static_cast<std::uint32_t>(text.size())), random.below(80)));
        break;
      default: {  // another digit, so that much of the file stays sound
        const std::size_t digit = text.find_first_of("0123456789", at);
        if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random.below(10));
      }
    }
    if (text.empty()) text = "\n";
  }
  return text;
}

TEST(DamagedNetFiles, AreReadOrRefused) {
  int read = 0, refused = 0;
  for (const char* net : {"lenet5", "lenet5-1998"}) {
    const std::string sound = write_net(load_net(net));
    for (std::uint64_t i = 0; i < 1500; ++i) {
      RandomStream random(1, RandomPurpose::test, i);
      const std::string text = damaged(sound, random);
      try {
        const Graph graph = parse_net(text, "damaged.toml");
        // What was read can be written and read again.
        EXPECT_EQ(write_net(parse_net(write_net(graph), "again.toml")), write_net(graph)) << text;
        ++read;
      } catch (const InputError& error) {
        EXPECT_EQ(std::string(error.what()).substr(0, 13), "damaged.toml:") << text << '\n' << error.what();
        ++refused;
      }
    }
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace fovea
