// SPDX-License-Identifier: Apache-2.0
#include "core/train/checkpoint.h"

#include <cfloat>
#include <clocale>

#include "core/io/safetensors.h"
#include "core/layers/batch_norm.h"
#include "core/layers/linear.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

Checkpoint example() {
  Checkpoint c;
  c.net = "name = \"tiny\"\n";
  c.sample_shape = {1, 1, 3};
  c.class_names = {"zero", "\"one\", two", "Ωμέγα"};
  c.normalization = {{0.1307f}, {0.3081f}};
  c.step = 123456789012345;
  c.epoch = 3;
  c.epoch_samples = 64;
  c.epoch_correct = 17;
  c.epoch_loss = 1.0 / 3.0;
  c.options.seed = 0xFFFFFFFFFFFFFFFF;
  c.options.optimizer = {.learning_rate = 0.1, .momentum = DBL_TRUE_MIN, .weight_decay = 1e30 / 3, .nesterov = true};
  c.options.schedule = {.kind = ScheduleKind::plateau};
  c.options.ema = 0.5;
  c.plateau = {.learning_rate = 0.1, .bad_epochs = 2};
  c.options.precision = Precision::fp16;
  c.loss_scale = LossScale{.scale = 1024, .good_steps = 7, .skipped_steps = 3};
  c.data = "digits 20000 10";
  c.device = "reference";
  c.weights = {{"fc.weight", Tensor::from(Shape{2, 3}, {1, 2, 3, 4, 5, -0.0f})},
               {"fc.bias", Tensor::from(Shape{2}, {7, 8})}};
  c.slots = {
      {"momentum",
       {{"fc.weight", Tensor::from(Shape{2, 3}, {.1f, .2f, .3f, .4f, .5f, .6f})},
        {"fc.bias", Tensor::from(Shape{2}, {.7f, .8f})}}},
      {"other",
       {{"fc.weight", Tensor::from(Shape{2, 3}, {6, 5, 4, 3, 2, 1})}, {"fc.bias", Tensor::from(Shape{2}, {0, 9})}}}};
  c.average = {{"fc.weight", Tensor::from(Shape{2, 3}, {.5f, 1, 1.5f, 2, 2.5f, 3})},
               {"fc.bias", Tensor::from(Shape{2}, {3.5f, 4})}};
  return c;
}

Graph tiny_net(std::int64_t outputs, std::int64_t inputs, const std::string& name, bool bias = true) {
  Graph graph("tiny");
  const NodeId image = graph.input("image", Shape{1, 1, inputs});
  graph.add(name, Linear({.out_features = outputs, .bias = bias}), image);
  return graph;
}

class CheckpointFile : public ::testing::Test {
 protected:
  test::TemporaryDirectory dir_;
  std::string path_ = dir_ / "last.safetensors";
};

void expect_same_tensors(const std::vector<std::pair<std::string, Tensor>>& a,
                         const std::vector<std::pair<std::string, Tensor>>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_EQ(a[i].second.shape(), b[i].second.shape());
    const auto x = a[i].second.span<float>(), y = b[i].second.span<float>();
    EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
  }
}

void expect_same_slots(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.slots.size(), b.slots.size());
  for (std::size_t s = 0; s < a.slots.size(); ++s) {
    EXPECT_EQ(a.slots[s].first, b.slots[s].first);
    expect_same_tensors(a.slots[s].second, b.slots[s].second);
  }
  expect_same_tensors(a.average, b.average);
}

TEST_F(CheckpointFile, KeepsEveryField) {
  const Checkpoint c = example();
  write_checkpoint(path_, c);
  const Checkpoint back = read_checkpoint(path_);
  EXPECT_EQ(back.net, c.net);
  EXPECT_EQ(back.sample_shape, c.sample_shape);
  EXPECT_EQ(back.class_names, c.class_names);
  EXPECT_EQ(back.normalization, c.normalization);
  EXPECT_EQ(back.step, c.step);
  EXPECT_EQ(back.epoch, c.epoch);
  EXPECT_EQ(back.epoch_samples, c.epoch_samples);
  EXPECT_EQ(back.epoch_correct, c.epoch_correct);
  EXPECT_EQ(back.epoch_loss, c.epoch_loss);
  EXPECT_EQ(to_json(back.options), to_json(c.options));
  EXPECT_EQ(back.options.optimizer, c.options.optimizer);
  EXPECT_EQ(back.plateau, c.plateau);
  EXPECT_EQ(back.loss_scale, c.loss_scale);
  EXPECT_EQ(back.data, c.data);
  EXPECT_EQ(back.device, c.device);
  expect_same_tensors(back.weights, c.weights);
  expect_same_slots(back, c);
}

TEST_F(CheckpointFile, SameStateSameBytes) {
  write_checkpoint(path_, example());
  const Bytes first = test::read_bytes(path_);
  write_checkpoint(dir_ / "other", example());
  EXPECT_EQ(test::read_bytes(dir_ / "other"), first);
  write_checkpoint(path_, read_checkpoint(path_));
  EXPECT_EQ(test::read_bytes(path_), first);
}

TEST_F(CheckpointFile, NumbersDoNotDependOnTheLocale) {
  write_checkpoint(path_, example());
  const Bytes first = test::read_bytes(path_);
  const char* comma = nullptr;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8"}) {
    if (comma == nullptr) comma = std::setlocale(LC_ALL, name);
  }
  if (comma == nullptr) GTEST_SKIP() << "no locale with a decimal comma is installed";
  write_checkpoint(path_, example());
  const double back = read_checkpoint(path_).options.optimizer.learning_rate;
  std::setlocale(LC_ALL, "C");
  EXPECT_EQ(back, 0.1);
  EXPECT_EQ(test::read_bytes(path_), first);
}

TEST_F(CheckpointFile, EveryFlippedBitIsFound) {
  write_checkpoint(path_, example());
  const Bytes whole = test::read_bytes(path_);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = whole;
      damaged[byte] ^= static_cast<std::uint8_t>(1u << bit);
      test::write_bytes(path_, damaged);
      try {
        read_checkpoint(path_);
        ADD_FAILURE() << "bit " << bit << " of byte " << byte << " went unnoticed";
      } catch (const InputError& error) {
        ASSERT_TRUE(holds(error.what(), {path_ + ": "}));
      }
    }
  }
}

TEST_F(CheckpointFile, EveryTruncationIsFound) {
  write_checkpoint(path_, example());
  const Bytes whole = test::read_bytes(path_);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    test::write_bytes(path_, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_THROW(read_checkpoint(path_), InputError) << length;
  }
  Bytes longer = whole;
  longer.push_back(0);
  test::write_bytes(path_, longer);
  EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {"bytes follow the last tensor"}));
}

// Files that are whole, but say what no checkpoint says.
TEST_F(CheckpointFile, RejectsWrongFields) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases{
      {"format", "pt", "this is no fovea checkpoint"},
      {"format_version", "1", "reads version 2, the file has version 1"},
      {"sample_shape", "1", "channels, height and width, or channels and length"},
      {"sample_shape", "1,0,3", "extents from 1"},
      {"sample_shape", "1,1,", "expected a number, got ''"},
      {"class_names", "zero", "JSON list of strings"},
      {"class_names", "[1]", "JSON list of strings"},
      {"mean", "0.1,0.2", "expected 1 channels, got 2"},
      {"deviation", "x", "expected a number, got 'x'"},
      {"step", "-1", "expected at least 0, got -1"},
      {"step", "99999999999999999999", "expected a number"},
      {"step", "1.5", "expected a number, got '1.5'"},
      {"options", "{}", "'epochs' is missing"},
      {"options", "batch = 64", "expected a JSON object"},
      {"plateau_learning_rate", "0,1", "expected a number, got '0,1'"},
      {"plateau_best", "", "expected a number, got ''"},
      {"plateau_bad_epochs", "-1", "expected at least 0, got -1"},
      {"loss_scale", "1000", "expected a power of two from 1 to 2^126, got 1000"},
      {"loss_scale", "0.5", "expected a power of two"},
      {"loss_scale", "nan", "expected a power of two"},
      {"loss_scale_good_steps", "-1", "expected at least 0, got -1"},
      {"loss_scale_skipped_steps", "1.5", "expected a number, got '1.5'"}};
  for (const auto& [key, value, what] : cases) {
    write_checkpoint(path_, example());
    SafetensorsFile file = read_checked_safetensors(path_);
    file.metadata[key] = value;
    write_safetensors(path_, file, true);
    EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "'" + key + "'", what}));
    file.metadata.erase(key);
    write_safetensors(path_, file, true);
    EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "'" + key + "'", "missing"}));
  }
}

TEST_F(CheckpointFile, RejectsWrongTensors) {
  for (const std::string what : {"the optimizer's other", "their average"}) {
    Checkpoint c = example();
    (what == "their average" ? c.average : c.slots[1].second).pop_back();
    EXPECT_TRUE(holds(input_error([&] { write_checkpoint(path_, c); }), {"weights and " + what}));
    EXPECT_TRUE(dir_.names().empty());
  }
  write_checkpoint(path_, example());
  SafetensorsFile file = read_checked_safetensors(path_);
  file.tensors.pop_back();
  write_safetensors(path_, file, true);
  EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "weights and their average"}));
  file = read_checked_safetensors(path_);
  file.tensors.clear();
  file.tensors.emplace_back("w", Tensor::zeros(Shape{1}, DType::f16));
  file.tensors.emplace_back("optimizer/momentum/w", Tensor::zeros(Shape{1}, DType::f16));
  write_safetensors(path_, file, true);
  EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "f32"}));
}

// What layers keep without training it lies among the weights, told apart by a list of names.
Checkpoint with_state() {
  Checkpoint c = example();
  c.average.emplace_back("norm.running_mean", Tensor::from(Shape{2}, {7, 8}));
  c.average.emplace_back("norm.running_var", Tensor::from(Shape{2}, {9, 10}));
  c.state = {{"norm.running_mean", Tensor::from(Shape{2}, {-1.5f, 2})},
             {"norm.running_var", Tensor::from(Shape{2}, {0.25f, 3})}};
  return c;
}

TEST_F(CheckpointFile, KeepsState) {
  const Checkpoint c = with_state();
  write_checkpoint(path_, c);
  const Checkpoint back = read_checkpoint(path_);
  expect_same_tensors(back.weights, c.weights);
  expect_same_slots(back, c);
  expect_same_tensors(back.state, c.state);
  const Bytes first = test::read_bytes(path_);
  write_checkpoint(path_, back);
  EXPECT_EQ(test::read_bytes(path_), first);
}

// A net without state writes what it wrote before there was any.
TEST_F(CheckpointFile, WithoutStateThereIsNoList) {
  write_checkpoint(path_, example());
  EXPECT_EQ(read_checked_safetensors(path_).metadata.count("state"), 0u);
  EXPECT_TRUE(read_checkpoint(path_).state.empty());
}

TEST_F(CheckpointFile, RejectsADamagedListOfState) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "JSON list of strings"},
      {"norm.running_mean", "JSON list of strings"},
      {"[\"norm.running_mean\", 7]", "JSON list of strings"},
      {"{}", "JSON list of strings"},
      {R"(["norm.running_mean", "norm.running_var", "norm.other"])", "there is no tensor 'norm.other'"},
      {R"(["norm.running_mean", "norm.running_variance"])", "there is no tensor 'norm.running_variance'"}};
  for (const auto& [list, what] : cases) {
    write_checkpoint(path_, with_state());
    SafetensorsFile file = read_checked_safetensors(path_);
    file.metadata["state"] = list;
    write_safetensors(path_, file, true);
    EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "'state'", what})) << list;
  }
  // Tensors that the list forgets would be weights that the optimizer does not know.
  for (const std::string list : {"", "[]", R"(["norm.running_mean"])"}) {
    write_checkpoint(path_, with_state());
    SafetensorsFile file = read_checked_safetensors(path_);
    list.empty() ? void(file.metadata.erase("state")) : void(file.metadata["state"] = list);
    write_safetensors(path_, file, true);
    EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "weights and the optimizer's momentum"}))
        << list;
  }
  write_checkpoint(path_, with_state());
  SafetensorsFile file = read_checked_safetensors(path_);
  for (auto& [name, tensor] : file.tensors)
    if (name == "norm.running_var") tensor = Tensor::zeros(Shape{2}, DType::f16);
  write_safetensors(path_, file, true);
  EXPECT_TRUE(holds(input_error([&] { read_checkpoint(path_); }), {path_, "'state'", "'norm.running_var' is not f32"}));
}

TEST_F(CheckpointFile, LoadsStateByName) {
  Graph graph("tiny");
  NodeId x = graph.input("image", Shape{1, 1, 3});
  x = graph.add("fc", Linear({.out_features = 2}), x);
  graph.add("norm", BatchNorm({}), x);
  Checkpoint c = with_state();
  c.average.clear();
  for (auto* list : {&c.weights, &c.slots[0].second, &c.slots[1].second})
    for (const char* name : {"norm.weight", "norm.bias"}) list->emplace_back(name, Tensor::from(Shape{2}, {1, 1}));
  std::swap(c.state[0], c.state[1]);
  ParameterArena arena(ParameterLayout::of(graph), host_memory());
  load_weights(c, path_, arena);
  const Tensor mean = arena.get(4), variance = arena.get(5);
  EXPECT_EQ(arena.layout().entries[4].name, "norm.running_mean");
  EXPECT_EQ(mean.span<float>()[0], -1.5f);
  EXPECT_EQ(variance.span<float>()[1], 3);
  c.state.pop_back();
  c.state[0].second = Tensor::zeros(Shape{3});
  EXPECT_TRUE(holds(input_error([&] { load_weights(c, path_, arena); }),
                    {"norm.running_mean: [2] is missing", "norm.running_var: expected [2], got [3]"}));
}

TEST_F(CheckpointFile, LoadsWeightsByName) {
  Checkpoint c = example();
  std::swap(c.weights[0], c.weights[1]);
  ParameterArena arena(ParameterLayout::of(tiny_net(2, 3, "fc")), host_memory());
  load_weights(c, path_, arena);
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) {
    const Tensor& wanted = c.weights[arena.layout().entries[i].name == "fc.bias" ? 0 : 1].second;
    const Tensor got = arena.get(i);
    const auto a = wanted.span<float>();
    const auto b = std::as_const(got).span<float>();
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

TEST_F(CheckpointFile, ListsEveryDifferenceOfAnotherNet) {
  const auto error = [&](const Graph& graph) {
    ParameterArena arena(ParameterLayout::of(graph), host_memory());
    return input_error([&] { load_weights(example(), path_, arena); });
  };
  EXPECT_TRUE(holds(error(tiny_net(5, 3, "fc")),
                    {path_, "fc.weight: expected [5, 3], got [2, 3]", "fc.bias: expected [5], got [2]"}));
  EXPECT_TRUE(
      holds(error(tiny_net(2, 3, "head")), {"head.weight: [2, 3] is missing", "head.bias: [2] is missing",
                                            "fc.weight: [2, 3] is not in the net", "fc.bias: [2] is not in the net"}));
  EXPECT_TRUE(holds(error(tiny_net(2, 3, "fc", false)), {"fc.bias: [2] is not in the net"}));
}

}  // namespace
}  // namespace fovea
