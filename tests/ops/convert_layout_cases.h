// SPDX-License-Identifier: Apache-2.0
//
// Images that are brought from one layout to another.
#pragma once
#include <ostream>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::test {

struct ConvertLayoutCase {
  const char* name;
  const char* why;
  Shape x;
  bool small = false;
};
inline std::ostream& operator<<(std::ostream& out, const ConvertLayoutCase& c) {
  return out << c.name << " (" << c.why << "), x " << c.x.to_string();
}

inline const std::vector<ConvertLayoutCase>& convert_layout_cases() {
  static const std::vector<ConvertLayoutCase> cases{
      {"One", "a single element", {1, 1, 1, 1}, true},
      {"OneChannel", "the same bytes in both layouts", {2, 1, 5, 7}, true},
      {"OnePosition", "likewise", {3, 37, 1, 1}, true},
      {"TwoChannels", "tiles of 2 x 512", {2, 2, 33, 31}},
      {"Image", "three channels: tiles of 3 x 320, the last one not full", {2, 3, 19, 18}, true},
      {"ImageInChunks",
       "three channels of whole chunks: tiles of 3 x 85 of them, the last one not full",
       {2, 3, 24, 60},
       true},
      {"Channels31InChunks", "tiles of 31 x 8 chunks, the last one not full", {2, 31, 6, 12}, true},
      {"OneChannelInChunks", "one row of more chunks than a block has threads", {2, 1, 44, 48}},
      {"FewPositions", "on the way back five rows of whole chunks", {2, 16, 5, 1}, true},
      {"Channels31", "the most that are one side of a long tile", {1, 31, 7, 5}},
      {"Tile", "one tile exactly", {2, 32, 4, 8}, true},
      {"TileAndOne", "a tile and one more either way", {2, 33, 3, 11}, true},
      {"Narrow", "more channels than positions: two", {2, 70, 1, 2}},
      {"NarrowOdd", "five positions", {2, 150, 5, 1}, true},
      {"Tiles", "several tiles each way", {2, 65, 9, 8}},
  };
  return cases;
}

}  // namespace fovea::test
