// SPDX-License-Identifier: Apache-2.0
//
// Options read from JSON: every kind of field, and every fault with its exact message.
#include "core/graph/json_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "core/support/error.h"
#include "tests/net/own_layer.h"

namespace fovea::test {
namespace {

OwnOptions read(std::string_view json) {
  return dynamic_cast<const OwnLayer&>(*make_layer(types_with_own(), "own", json)).options();
}

std::string fault(std::string_view json, std::string_view type = "own") {
  try {
    make_layer(types_with_own(), type, json);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no fault";
}

TEST(JsonFields, EveryKindOfField) {
  const OwnOptions o = read(
      R"({"count": -3, "size": [2, 5], "margin": [1, 2, 3, 4], "fast": false, "scale": 2.5e-1, "mode": "\u00e9"})");
  EXPECT_EQ(o.count, -3);
  EXPECT_EQ(o.size, Size2(2, 5));
  EXPECT_EQ(o.margin, Padding2(1, 2, 3, 4));
  EXPECT_FALSE(o.fast);
  EXPECT_EQ(o.scale, 0.25);
  EXPECT_EQ(o.mode, "\xC3\xA9");
  EXPECT_EQ(read(R"({"scale": 3, "margin": [1, 2]})").scale, 3);  // a whole number is a number
  EXPECT_EQ(read(R"({"scale": 18446744073709551615})").scale, 18446744073709551616.0);
}

TEST(JsonFields, AbsentOptionsKeepTheirDefaults) {
  EXPECT_EQ(read("{}").count, 7);
  EXPECT_EQ(read(" { } ").mode, "plain");
}

TEST(JsonFields, FaultsReadLikeThoseOfNetFiles) {
  EXPECT_EQ(fault(R"({"count": 10})"), "params: own: key 'count': expected a whole number from -3 to 9, got 10");
  EXPECT_EQ(
      fault(R"({"size": [1, 2, 3]})"),
      "params: own: key 'size': expected a whole number from 1 to 2147483647 or [height, width], got an array of 3");
  EXPECT_EQ(fault(R"({"fast": {"a": 1}})"), "params: own: key 'fast': expected true or false, got a table");
  EXPECT_EQ(fault(R"({"siez": 1})"), "params: own: unknown key 'siez' (did you mean 'size'?)");
  EXPECT_EQ(fault("{}", "linear"),
            "params: linear: missing key 'out_features': expected a whole number from 1 to 2147483647");
  EXPECT_EQ(fault(R"({"count": 10, "mode": 1})"),
            "params: own: key 'count': expected a whole number from -3 to 9, got 10\n"
            "params: own: key 'mode': expected a string, got 1");
}

TEST(JsonFields, RefusesWhatIsNoObject) {
  EXPECT_EQ(fault("[1]"), "params: expected an object, got an array");
  EXPECT_EQ(fault("3"), "params: expected an object, got a number");
  EXPECT_EQ(fault("null"), "params: expected an object, got null");
  EXPECT_EQ(fault("\"{}\""), "params: expected an object, got a string");
  EXPECT_EQ(fault("true"), "params: expected an object, got true");
}

TEST(JsonFields, RefusesWhatIsNotJson) {
  const std::string tail = ": expected an object such as {\"kernel\": 3}";
  EXPECT_EQ(fault(""), "params: not JSON at byte 1" + tail);
  EXPECT_EQ(fault("{\"count\": 1"), "params: not JSON at byte 12" + tail);
  EXPECT_EQ(fault("{} {}"), "params: not JSON at byte 4" + tail);
  EXPECT_EQ(fault("{count: 1}"), "params: not JSON at byte 2" + tail);
  EXPECT_EQ(fault("{\"scale\": NaN}"), "params: not JSON at byte 11" + tail);
  EXPECT_EQ(fault("{\"mode\": \"\xFF\"}"), "params: not JSON at byte 11" + tail);
  EXPECT_EQ(fault(R"({"scale": 1e999})"), "params: the number 1e999 is too large");
}

TEST(JsonFields, RefusesDuplicatesNullAndBombs) {
  EXPECT_EQ(fault(R"({"count": 1, "count": 1})"), "params: key 'count': given more than once");
  EXPECT_EQ(fault(R"({"count": null})"), "params: key 'count': expected a value, got null");
  const std::string bomb = "{\"size\": " + std::string(1000000, '[');
  EXPECT_EQ(fault(bomb), "params: key 'size': nested more than 8 deep");
  EXPECT_EQ(fault(R"({"size": [[[[[[[[1]]]]]]]]})"), "params: key 'size': nested more than 8 deep");
  EXPECT_EQ(fault(R"({"size": [[[[[[[1]]]]]]]})").substr(0, 30), "params: own: key 'size': expec");
}

TEST(JsonFields, UnknownTypes) {
  const std::string text = fault("{}", "conv2");
  EXPECT_EQ(text.substr(0, 36), "unknown layer type: expected one of ");
  EXPECT_NE(text.find(", got 'conv2' (did you mean 'conv2d'?)"), std::string::npos);
}

}  // namespace
}  // namespace fovea::test
