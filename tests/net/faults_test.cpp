// SPDX-License-Identifier: Apache-2.0
//
// Every fault a net file can have, with the exact message.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "tests/net/faults.h"
#include "tests/net/own_layer.h"

namespace fovea::test {
namespace {

const std::string head = "input = [1, 8, 8]\n";
const std::string conv = "[[layer]]\nname = \"conv1\"\ntype = \"conv2d\"\nout_channels = 2\nkernel = 3\n";
std::string layer(const std::string& name, const std::string& type, const std::string& more = "") {
  return "[[layer]]\nname = \"" + name + "\"\ntype = \"" + type + "\"\n" + more;
}

struct FaultCase {
  std::string name;
  std::string toml;
  std::string message;
};

void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.toml; }

class NetFault : public testing::TestWithParam<FaultCase> {};

TEST_P(NetFault, IsReportedInFull) { EXPECT_EQ(faults_of(GetParam().toml), GetParam().message); }

// How the list of all layer types looks in messages.
const std::string all_types = [] {
  const LayerTypes types = types_with_own();
  std::string list;
  for (const auto& [type, factory] : types.all()) list += (list.empty() ? "" : ", ") + type;
  return list;
}();

const std::vector<FaultCase> cases = {
    {"GoodNetHasNone", head + conv, "no fault"},
    {"UnknownType", head + layer("a", "covn2d", "kernel = 3\n"),
     "net.toml:4:8: layer 'a': unknown layer type: expected one of " + all_types +
         ", got 'covn2d' (did you mean 'conv2d'?)"},
    {"UnknownTypeWithoutSuggestion", head + layer("a", "dense"),
     "net.toml:4:8: layer 'a': unknown layer type: expected one of " + all_types + ", got 'dense'"},
    {"UnknownKey", head + conv + "strides = 2\n",
     "net.toml:7:1: layer 'conv1': unknown key 'strides' (did you mean 'stride'?)"},
    {"UnknownKeyWithoutSuggestion", head + layer("a", "linear", "out_features = 2\nshape = 5\n"),
     "net.toml:6:1: layer 'a': unknown key 'shape'; expected one of name, type, inputs, engine, out_features, bias"},
    {"MisspeltRequiredKeyIsOneFault", head + layer("a", "linear", "out_feature = 2\n"),
     "net.toml:5:1: layer 'a': unknown key 'out_feature' (did you mean 'out_features'?)"},
    {"MissingKey", head + layer("a", "linear"),
     "net.toml:2:1: layer 'a': missing key 'out_features': expected a whole number from 1 to 2147483647"},
    {"MissingName", head + "[[layer]]\ntype = \"relu\"\n",
     "net.toml:2:1: layer 1: missing key 'name': expected a string"},
    {"MissingType", head + "[[layer]]\nname = \"a\"\nkernel = 3\n",
     "net.toml:2:1: layer 'a': missing key 'type': expected a string"},
    {"MisspeltType", head + "[[layer]]\nname = \"a\"\ntyp = \"relu\"\n",
     "net.toml:4:1: layer 'a': unknown key 'typ' (did you mean 'type'?)"},
    {"WrongTypeOfNumber", head + layer("a", "linear", "out_features = \"ten\"\n"),
     "net.toml:5:16: layer 'a': key 'out_features': expected a whole number from 1 to 2147483647, got the string "
     "\"ten\""},
    {"RealForWholeNumber", head + layer("a", "linear", "out_features = 2.5\n"),
     "net.toml:5:16: layer 'a': key 'out_features': expected a whole number from 1 to 2147483647, got the real number "
     "2.5"},
    {"WrongTypeOfFlag", head + layer("a", "linear", "out_features = 2\nbias = 1\n"),
     "net.toml:6:8: layer 'a': key 'bias': expected true or false, got 1"},
    {"WrongTypeOfReal", head + layer("a", "own", "scale = true\n"),
     "net.toml:5:9: layer 'a': key 'scale': expected a finite number, got true"},
    {"WrongTypeOfString", head + layer("a", "own", "mode = 1979-05-27\n"),
     "net.toml:5:8: layer 'a': key 'mode': expected a string, got a date or time"},
    {"OutOfRange", head + layer("a", "linear", "out_features = 0\n"),
     "net.toml:5:16: layer 'a': key 'out_features': expected a whole number from 1 to 2147483647, got 0"},
    {"BeyondInt32", head + layer("a", "linear", "out_features = 2147483648\n"),
     "net.toml:5:16: layer 'a': key 'out_features': expected a whole number from 1 to 2147483647, got 2147483648"},
    {"OwnRange", head + layer("a", "own", "count = 10\n"),
     "net.toml:5:9: layer 'a': key 'count': expected a whole number from -3 to 9, got 10"},
    {"WrongNumberOfExtents", head + layer("a", "conv2d", "out_channels = 1\nkernel = [3, 3, 3]\n"),
     "net.toml:6:10: layer 'a': key 'kernel': expected a whole number from 1 to 2147483647 or [height, width], got an "
     "array of 3"},
    {"WrongExtent", head + layer("a", "conv2d", "out_channels = 1\nkernel = [3, -1]\n"),
     "net.toml:6:14: layer 'a': key 'kernel': expected a whole number from 1 to 2147483647 or [height, width], got -1"},
    {"WrongPadding", head + conv + "padding = [1, 2, 3]\n",
     "net.toml:7:11: layer 'conv1': key 'padding': expected a whole number from 0 to 2147483647 or [vertical, "
     "horizontal] or [top, left, bottom, right], got an array of 3"},
    {"WrongPaddingOfASequence", "input = [1, 8]\n" + layer("a", "max_pool1d", "kernel = 2\npadding = [1, 2, 3]\n"),
     "net.toml:6:11: layer 'a': key 'padding': expected a whole number from 0 to 2147483647 or [left, right], got an "
     "array of 3"},
    {"BadName", head + layer("a b", "relu"),
     "net.toml:3:8: layer 1: key 'name': expected 1 to 64 letters, digits, '_' or '-', got the string \"a b\""},
    {"DuplicateName", head + layer("a", "relu") + layer("a", "tanh"),
     "net.toml:5:1: layer 'a': duplicate name: expected a name of its own, got the name of the layer at line 2"},
    {"NameOfTheInput", head + layer("image", "relu"),
     "net.toml:2:1: layer 'image': duplicate name: expected a name of its own, got the name of the net's input"},
    {"ReservedName", head + layer("loss", "relu"),
     "net.toml:2:1: layer 'loss': duplicate name: expected a name of its own, got a name reserved for training (label, "
     "target, loss)"},
    {"UnknownInput", head + conv + layer("a", "relu", "inputs = [\"conv\"]\n"),
     "net.toml:10:11: layer 'a': unknown input: expected the net's input or a layer above, got 'conv' (did you mean "
     "'conv1'?)"},
    {"WrongTypeOfInputs", head + conv + layer("a", "relu", "inputs = [1]\n"),
     "net.toml:10:11: layer 'a': key 'inputs': expected an array of strings, got 1"},
    {"NoInputs", head + conv + layer("a", "relu", "inputs = []\n"),
     "net.toml:10:10: layer 'a': key 'inputs': expected an array of strings, got an array of 0"},
    {"ForwardReference", head + layer("a", "relu", "inputs = [\"b\"]\n") + layer("b", "tanh", "inputs = [\"image\"]\n"),
     "net.toml:5:11: layer 'a': forward reference: expected a layer above, got 'b', which comes below at line 6"},
    {"Cycle",
     head + layer("a", "add", "inputs = [\"image\", \"c\"]\n") + layer("b", "relu") + layer("c", "tanh") +
         layer("d", "relu"),
     "net.toml:2:1: layer 'a': expected a net without cycles, got the cycle a <- c <- b <- a (<- means reads)"},
    {"CycleOfOne", head + conv + layer("a", "relu", "inputs = [\"a\"]\n"),
     "net.toml:7:1: layer 'a': expected a net without cycles, got the cycle a <- a (<- means reads)"},
    {"TwoCycles",
     head + layer("a", "relu", "inputs = [\"b\"]\n") + layer("b", "relu") + layer("c", "relu", "inputs = [\"d\"]\n") +
         layer("d", "relu"),
     "net.toml:2:1: layer 'a': expected a net without cycles, got the cycle a <- b <- a (<- means reads)\n"
     "net.toml:9:1: layer 'c': expected a net without cycles, got the cycle c <- d <- c (<- means reads)"},
    {"WrongNumberOfInputs", head + conv + layer("a", "add", "inputs = [\"conv1\"]\n"),
     "net.toml:10:10: layer 'a': wrong number of inputs: add expected 2, got 1"},
    {"WrongNumberOfInputsByDefault", head + conv + layer("a", "add"),
     "net.toml:7:1: layer 'a': wrong number of inputs: add expected 2, got 1 (no 'inputs' means the layer above)"},
    {"KernelLargerThanInput",
     head + conv + layer("pool1", "max_pool2d") +
         layer("a", "conv2d", "out_channels = 1\nkernel = [2, 6]\npadding = 1\n"),
     "net.toml:14:10: layer 'a': kernel: 2x6 with dilation 1x1 is larger than the padded input 5x5; shapes: image [1, "
     "8, 8] -> conv1 [2, 6, 6] -> pool1 [2, 3, 3]"},
    {"ShapeMismatch", head + conv + layer("a", "add", "inputs = [\"image\", \"conv1\"]\n"),
     "net.toml:7:1: layer 'a': expected two inputs of one shape, got [1, 1, 8, 8] and [1, 2, 6, 6]; shapes: image [1, "
     "8, 8], conv1 [2, 6, 6]"},
    {"GroupsDoNotDivide", head + conv + layer("a", "conv2d", "out_channels = 4\nkernel = 1\ngroups = 4\n"),
     "net.toml:12:10: layer 'a': groups: expected a divisor of the 2 input channels, got 4; shapes: image [1, 8, 8] -> "
     "conv1 [2, 6, 6]"},
    {"ImageLayerAfterDense", head + layer("fc", "linear", "out_features = 4\n") + layer("p", "max_pool2d"),
     "net.toml:6:1: layer 'p': expected an input [N, C, H, W], got [1, 4]; shapes: image [1, 8, 8] -> fc [4]"},
    {"UnusedLayer", head + conv + layer("a", "relu") + layer("b", "tanh", "inputs = [\"conv1\"]\n"),
     "net.toml:7:1: layer 'a': unused layer: expected a layer below to read it, got none (the net's output is its last "
     "layer, 'b')"},
    {"NoLayers", head, "net.toml:1:1: missing key 'layer': expected one or more [[layer]] tables"},
    {"LayersIsNotAList", head + "layer = 3\n",
     "net.toml:2:9: key 'layer': expected one or more [[layer]] tables, got 3"},
    {"MisspeltLayers", head + "[[layers]]\nname = \"a\"\n",
     "net.toml:2:3: unknown key 'layers' (did you mean 'layer'?)"},
    {"NoInput", conv,
     "net.toml:1:1: missing key 'input': expected an array, each element a whole number from 1 to "
     "2147483647"},
    {"InputOfNothing", "input = [1, 0, 8]\n" + conv,
     "net.toml:1:13: key 'input': expected an array, each element a whole number from 1 to 2147483647, got 0"},
    {"InputOfTooManyAxes", "input = [1, 1, 1, 1, 1, 1]\n" + conv,
     "net.toml:1:9: key 'input': expected at most 5 extents, got an array of 6"},
    {"InputTooLarge", "input = [2147483647, 2147483647, 2147483647]\n" + layer("a", "relu"),
     "net.toml:1:9: key 'input': shape [2147483647, 2147483647, 2147483647]: more than 2^63 elements"},
    {"WrongTypeOfNetName", "name = 5\n" + head + conv, "net.toml:1:8: key 'name': expected a string, got 5"},
    {"WrongEngine", head + conv + "engine = 3\n",
     "net.toml:7:10: layer 'conv1': key 'engine': expected a string, got 3"},
};

INSTANTIATE_TEST_SUITE_P(Table, NetFault, testing::ValuesIn(cases), [](const auto& test) { return test.param.name; });

TEST(NetFaults, AllAreReportedAtOnceInTheOrderOfTheFile) {
  const std::string text = faults_of(
      "name = 1\n"                                                  // 1
      "input = [1, 8, 8]\n"                                         // 2
      "colour = \"red\"\n" +                                        // 3
      layer("a", "conv2d", "out_channels = 0\nkernl = 3\n") +       // 4..8
      layer("b", "linear", "out_features = 3\nbias = \"yes\"\n") +  // 9..13
      layer("b", "rleu") +                                          // 14..16
      layer("c", "tanh", "inputs = [\"bb\"]\n"));                   // 17..20
  std::vector<std::string> where;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    where.push_back(text.substr(at, text.find(": ", at) - at));
    at = end + 1;
  }
  EXPECT_EQ(where, (std::vector<std::string>{"net.toml:1:8", "net.toml:3:1", "net.toml:7:16", "net.toml:8:1",
                                             "net.toml:13:8", "net.toml:14:1", "net.toml:16:8", "net.toml:20:11"}))
      << text;
}

// A faulty layer must not make the layers below it look faulty.
TEST(NetFaults, OneMistakeIsOneMessage) {
  EXPECT_EQ(faults_of(head + layer("a", "rleu") + conv + layer("fc", "linear", "out_features = 3\n")),
            "net.toml:4:8: layer 'a': unknown layer type: expected one of " + all_types +
                ", got 'rleu' (did you mean 'relu'?)");
}

TEST(NetFaults, ASyntaxErrorIsReportedAlone) {
  const std::string text = faults_of("name = 1\ninput = [1, 8, 8\n" + layer("a", "rleu"));
  EXPECT_EQ(text.substr(0, 28), "net.toml:3:1: syntax error: ") << text;
  EXPECT_EQ(text.find("rleu"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST(NetFaults, BytesThatAreNotTextAreASyntaxError) {
  EXPECT_NE(faults_of(std::string("\x89PNG\r\n\x1a\n\0\0", 10)).find(": syntax error: "), std::string::npos);
  EXPECT_NE(faults_of("name = \"\xff\xfe\"\n").find(": syntax error: "), std::string::npos);
  EXPECT_NE(faults_of(std::string(100000, '[')).find(": syntax error: "), std::string::npos);
}

TEST(NetFaults, ALongTraceShowsItsEnd) {
  std::string toml = head;
  for (int i = 0; i < 9; ++i) toml += layer("r" + std::to_string(i), "relu");
  const std::string text = faults_of(toml + layer("a", "conv2d", "out_channels = 1\nkernel = 9\n"));
  EXPECT_NE(text.find("; shapes: ... -> r3 [1, 8, 8] -> r4 [1, 8, 8]"), std::string::npos) << text;
}

}  // namespace
}  // namespace fovea::test
