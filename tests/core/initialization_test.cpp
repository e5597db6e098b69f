// SPDX-License-Identifier: Apache-2.0
//
// Random starts against their formulas. Bounds are six standard deviations of what is measured: with n numbers a correct
// start goes beyond one in 2 of 10^9 cases. Seeds are fixed, so that a run of the tests is no case of chance.
#include "core/graph/initialization.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/executor/executor.h"
#include "core/graph/net_file.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv2d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/linear.h"
#include "core/layers/relu.h"
#include "core/support/philox.h"
#include "cpu_reference/reference_backend.h"
#include "tests/core/small_nets.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::holds;
using test::input_error;

ParameterSpec weight_of(const Layer& layer, const Shape& input) { return layer.parameters({&input, 1})[0]; }

TEST(Fans, AreProductsPerOutputAndOutputsPerInput) {
  const auto expect = [](const ParameterSpec& spec, std::int64_t in, std::int64_t out) {
    EXPECT_EQ(spec.fan_in, in);
    EXPECT_EQ(spec.fan_out, out);
  };
  expect(weight_of(Linear({.out_features = 5}), {1, 7}), 7, 5);
  expect(weight_of(Conv2d({.out_channels = 12, .kernel = {3, 5}}), {1, 8, 9, 9}), 8 * 15, 12 * 15);
  expect(weight_of(Conv2d({.out_channels = 12, .kernel = {3, 5}, .groups = 4}), {1, 8, 9, 9}), 2 * 15, 3 * 15);
  expect(weight_of(Conv1d({.out_channels = 6, .kernel = 5, .groups = 2}), {1, 4, 9}), 2 * 5, 3 * 5);
  expect(weight_of(ConvTranspose2d({.out_channels = 4, .kernel = 3, .groups = 2}), {1, 6, 5, 5}), 3 * 9, 2 * 9);
}

// fan_in 490 and fan_out 180, in 88,200 numbers.
const Conv2dOptions many{.out_channels = 180, .kernel = 7};
const Shape many_inputs{1, 10, 9, 9};

struct RandomStart {
  const char* text;
  double deviation;  // by the formula
  bool uniform;
};

TEST(RandomStarts, HaveMeanVarianceAndForm) {
  const double in = 10 * 49, out = 180 * 49;
  for (const RandomStart& c :
       std::vector<RandomStart>{{"xavier_uniform", std::sqrt(6 / (in + out)) / std::sqrt(3), true},
                                {"xavier_uniform:gain=0.5", 0.5 * std::sqrt(6 / (in + out)) / std::sqrt(3), true},
                                {"xavier_normal", std::sqrt(2 / (in + out)), false},
                                {"kaiming_uniform", std::sqrt(6 / in) / std::sqrt(3), true},
                                {"kaiming_uniform:mode=fan_out,gain=1", std::sqrt(3 / out) / std::sqrt(3), true},
                                {"kaiming_normal", std::sqrt(2 / in), false},
                                {"kaiming_normal:mode=fan_out", std::sqrt(2 / out), false},
                                {"lecun_normal", std::sqrt(1 / in), false},
                                {"normal:std=0.01", 0.01, false}}) {
    SCOPED_TRACE(c.text);
    const Tensor weights = initial_weights(Initialization::parse(c.text), weight_of(Conv2d(many), many_inputs),
                                           RandomStream(1, RandomPurpose::test, 0));
    const auto n = static_cast<double>(weights.elements());
    double sum = 0, squares = 0, largest = 0, inside = 0;
    for (const float w : weights.span<float>()) {
      sum += w;
      squares += double{w} * w;
      largest = std::max(largest, std::abs(double{w}));
      inside += std::abs(w) < c.deviation;
    }
    EXPECT_LE(std::abs(sum / n), 6 * c.deviation / std::sqrt(n));
    // The variance of z^2 is E z^4 - 1: 9/5 - 1 of a uniform z, 3 - 1 of a normal one.
    EXPECT_LE(std::abs(squares / n / (c.deviation * c.deviation) - 1), 6 * std::sqrt((c.uniform ? 0.8 : 2) / n));
    const double p = c.uniform ? 1 / std::sqrt(3) : std::erf(std::sqrt(0.5));
    EXPECT_LE(std::abs(inside / n - p), 6 * std::sqrt(p * (1 - p) / n));
    const double bound = c.deviation * std::sqrt(3);
    if (c.uniform) {
      EXPECT_LE(largest, bound * (1 + 0x1p-23));
      EXPECT_GE(largest, bound * (1 - 20 / n));  // none of n beyond this: (1 - 20/n)^n, 2 of 10^9
    } else {
      EXPECT_GT(largest, 3.5 * c.deviation);  // none of n beyond this: (1 - 0.00047)^n, below 10^-17
    }
  }
}

TEST(RandomStarts, FollowSeedAndParameter) {
  const Model model = test::branching();
  ParameterArena a(ParameterLayout::of(model.graph), host_memory()), b(a.layout(), host_memory()), c = b;
  const auto start = [&](ParameterArena& arena, std::uint64_t seed) {
    initialise(arena, seed, Initialization::parse("kaiming_normal"));
    const Tensor first = arena.get(0);
    return std::vector<float>(first.span<float>().begin(), first.span<float>().end());
  };
  EXPECT_EQ(start(a, 1), start(b, 1));
  EXPECT_NE(start(a, 1), start(b, 2));
  const Tensor first = a.get(0), other = a.get(2);
  EXPECT_NE(first.span<float>()[0], other.span<float>()[0]);
}

TEST(Starts, AreTheLayersOwnWhereNothingIsAsked) {
  const Model model = test::branching();
  ParameterArena arena(ParameterLayout::of(model.graph), host_memory());
  initialise(arena, 7);
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) {
    const ParameterSpec& spec = arena.layout().entries[i].spec;
    RandomStream random(7, RandomPurpose::initialise, i);
    const auto bound = static_cast<float>(std::sqrt(1.0 / static_cast<double>(spec.fan_in)));
    const Tensor values = arena.get(i);
    for (const float value : values.span<float>())
      ASSERT_EQ(value, spec.name == "bias" ? 0 : random.uniform(-bound, bound)) << spec.name;
  }
}

TEST(Starts, ANetsOwnGoesBeforeThatOfTheRun) {
  Graph g("mixed");
  NodeId x = g.add("a", Linear({.out_features = 3}), g.input("image", {1, 2, 2}));
  g.set_init(x, Initialization::parse("constant:value=2,bias=5"));
  x = g.add("norm", BatchNorm({}), x);
  g.add("b", Linear({.out_features = 3}), x);
  ParameterArena arena(ParameterLayout::of(g), host_memory());
  initialise(arena, 1, Initialization::parse("constant:value=3,bias=-1"));
  std::string starts;
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) {
    const Tensor values = arena.get(i);
    for (const float value : values.span<float>()) ASSERT_EQ(value, values.span<float>()[0]);
    starts += arena.layout().entries[i].name + "=" + std::to_string(int(values.span<float>()[0])) + " ";
  }
  EXPECT_EQ(starts,
            "a.weight=2 a.bias=5 norm.weight=1 norm.bias=0 b.weight=3 b.bias=-1 norm.running_mean=0 "
            "norm.running_var=1 ");
}

TEST(Dirac, HandsOnTheInput) {
  const auto backend = make_reference_backend();
  for (const std::int64_t groups : {1, 2}) {
    for (const Size2 kernel : {Size2{3, 5}, Size2{1, 1}}) {
      Graph g("identity");
      const NodeId image = g.input("image", {4, 6, 7});
      const NodeId y = g.add("conv",
                             Conv2d({.out_channels = 4,
                                     .kernel = kernel,
                                     .padding = {kernel.h / 2, kernel.w / 2, kernel.h / 2, kernel.w / 2},
                                     .groups = groups}),
                             image);
      const auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(g), host_memory());
      initialise(*weights, 1, Initialization::parse("dirac"));
      Executor executor(g, *backend, weights, {.batch = 2, .target = y});
      const Tensor x = test::random_tensor({2, 4, 6, 7}, 0);
      executor.set_input(image, x);
      executor.forward();
      const Tensor out = executor.read(y);
      EXPECT_TRUE(std::ranges::equal(out.span<float>(), x.span<float>())) << groups << " groups";
    }
  }
  EXPECT_TRUE(holds(input_error([] {
                      initial_weights(Initialization::parse("dirac"), weight_of(Linear({.out_features = 5}), {1, 7}),
                                      RandomStream(1, RandomPurpose::test, 0));
                    }),
                    {"init: dirac: expected the filters of a convolution, got 'weight' [5, 7]"}));
}

TEST(InitText, RefusesWhatIsWrong) {
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"kaimingnormal", "got 'kaimingnormal' (did you mean 'kaiming_normal'?)"},
           {"", "init: expected one of xavier_uniform, "},
           {"normal", "init: std: expected a number, normal needs one"},
           {"constant:bias=1", "init: value: expected a number, constant needs one"},
           {"normal:std=x", "init: std: expected a number, got 'x'"},
           {"normal:std=-1", "init: expected gain and std of at least 0, got -1"},
           {"normal:std=inf", "got inf"},
           {"constant:value=1e39", "init: expected value and bias to be float32 numbers, got 1e+39"},
           {"normal:", "init: expected key=value behind the colon"},
           {"normal:sdt=1", "init: expected one of mode, gain, std, value, bias, got 'sdt' (did you mean 'std'?)"},
           {"normal:std=1,gain=2", "init: gain belongs to xavier_* and kaiming_*, got normal"},
           {"xavier_normal:mode=fan_out",
            "init: mode belongs to kaiming_uniform and kaiming_normal, got xavier_normal"},
           {"kaiming_normal:mode=fan_uot", "got 'fan_uot' (did you mean 'fan_out'?)"},
           {"dirac:std=1", "init: std belongs to normal, got dirac"},
           {"normal:std=1,value=1", "init: value belongs to constant, got normal"}}) {
    EXPECT_TRUE(holds(input_error([&, given = text] { Initialization::parse(given); }), {says})) << text;
  }
}

TEST(InitInNetFiles, IsReadWrittenAndRefused) {
  const auto net = [](const std::string& keys) {
    return "name = \"net\"\ninput = [2, 4, 4]\n\n[[layer]]\nname = \"conv\"\ntype = \"conv2d\"\n" + keys +
           "out_channels = 3\nkernel = 3\n\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\nout_features = 2\n";
  };
  for (const auto& [keys, text] : std::vector<std::pair<std::string, std::string>>{
           {"init = \"kaiming_normal\"\ninit_mode = \"fan_out\"\ninit_gain = 1.5\n",
            "kaiming_normal:mode=fan_out,gain=1.5"},
           {"init = \"normal\"\ninit_std = 0.01\ninit_bias = 1.0\n", "normal:std=0.01,bias=1"},
           {"init = \"constant\"\ninit_value = 0.5\n", "constant:value=0.5"},
           {"init = \"dirac\"\n", "dirac"}}) {
    const Graph graph = parse_net(net(keys), "FILE");
    EXPECT_EQ(graph.node(graph.find("conv")).init, Initialization::parse(text));
    const Graph again = parse_net(write_net(graph), "FILE");
    EXPECT_EQ(again.node(again.find("conv")).init, Initialization::parse(text));
    EXPECT_EQ(again.node(again.find("fc")).init, Initialization{});
  }
  EXPECT_EQ(write_net(parse_net(net(""), "FILE")).find("init"), std::string::npos);
  for (const auto& [keys, says] : std::vector<std::pair<std::string, std::string>>{
           {"init = \"lecun_norml\"\n", "(did you mean 'lecun_normal'?)"},
           {"init = \"normal\"\n", "FILE:7:8: layer 'conv': init: std: expected a number, normal needs one"},
           {"init_std = 1.0\n", "unknown key 'init_std'"},
           {"init = \"dirac\"\ninit_gain = 1.0\n", "init: gain belongs to"}})
    EXPECT_TRUE(holds(input_error([&, given = keys] { parse_net(net(given), "FILE"); }), {says})) << keys;
  const std::string relu = "input = [2, 4, 4]\n[[layer]]\nname = \"r\"\ntype = \"relu\"\ninit = \"dirac\"\n";
  EXPECT_TRUE(holds(input_error([&] { parse_net(relu, "FILE"); }),
                    {"FILE:5:8: layer 'r': init: expected a layer with weights to draw, 'r' has none"}));
}

}  // namespace
}  // namespace fovea
