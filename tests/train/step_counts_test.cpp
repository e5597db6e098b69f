// SPDX-License-Identifier: Apache-2.0
//
// What a training step asks of the device's runtime, to the number: launches and nothing that waits or allocates. Counted
// on dry devices, where nets of any size cost nothing, and on the devices themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "core/backend/device_list.h"
#include "core/data/synthetic.h"
#include "core/executor/plan_launches.h"
#include "core/models/models.h"
#include "core/train/training_model.h"
#include "tests/support/runtime_counts.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

// What `work` adds to the counts.
template <class Work>
std::string during(const Backend& backend, Work&& work) {
  const RuntimeCounts before = backend.counts().value();
  work();
  return text(backend.counts().value() - before);
}

// Those that count: emu, and cuda where there is a GPU.
std::vector<std::string> devices_with_runtime() {
  std::vector<std::string> names;
  for (const DeviceInfo& device : list_devices())
    if (device.available && open_dry_device(device.name)->counts()) names.push_back(device.name);
  return names;
}

std::uint64_t sum_of(const std::vector<std::int64_t>& launches) {
  return static_cast<std::uint64_t>(std::accumulate(launches.begin(), launches.end(), std::int64_t{0}));
}

// A net whose batch is on the device, as that of a step which is captured: the input, forward, backward, and SGD with
// momentum. Images are float32, whatever the plan's `dtype`. All weights are zeros.
class ResidentStep {
 public:
  ResidentStep(const Model& model, Backend& backend, std::int64_t batch, DType dtype = DType::f32)
      : model_(model),
        layout_(ParameterLayout::of(model.graph)),
        weights_(std::make_shared<ParameterArena>(layout_, backend.memory(), DType::f32, dtype)),
        executor_(model.graph, backend, weights_,
                  {.batch = batch,
                   .training = true,
                   .target = model.loss,
                   .dtype = dtype,
                   .kept_copies = PlanPasses().keep_copies(true, dtype)}),
        optimizer_({.learning_rate = 0.01, .momentum = 0.9}, backend, layout_, parameter_runs(layout_, {})),
        image_(on_device(model.image, DType::f32)),
        label_(on_device(model.label, DType::i32)) {}

  void run() {
    executor_.set_input(model_.image, image_);
    executor_.set_input(model_.label, label_);
    executor_.set_random(1, steps_);
    executor_.forward();
    executor_.backward();
    optimizer_.step(*weights_, *executor_.gradients(), 0.01, ++steps_);
  }
  Executor& executor() { return executor_; }
  const ParameterLayout& layout() const { return layout_; }

 private:
  Tensor on_device(NodeId input, DType dtype) {
    const Shape shape = model_.graph.node(input).sample_shape.with_batch(executor_.plan().options.batch);
    return Tensor::zeros(shape, dtype, executor_.backend().memory());
  }

  const Model& model_;
  ParameterLayout layout_;
  std::shared_ptr<ParameterArena> weights_;
  Executor executor_;
  Optimizer optimizer_;
  Tensor image_, label_;
  std::int64_t steps_ = 0;
};

// Not of a layer's operation, but beside it.
std::string name_of_step(const Model& model, const PlanStep& step) {
  if (step.kind == StepKind::accumulate) return "sum";
  if (step.kind == StepKind::cast) return "cast";
  if (step.kind == StepKind::convert) return "convert_layout";
  return std::string(model.graph.node(step.node).layer->op());
}

// The launches by operation, "conv2d 2+7" for 2 forward and 7 backward, in the order of the plan; then the optimizer's.
std::string launches_by_operation(const Model& model, ResidentStep& step, Backend& dry) {
  const Plan& plan = step.executor().plan();
  const std::vector<std::int64_t> launches = count_launches(model.graph, step.layout(), plan, dry);
  std::vector<std::string> names;
  std::map<std::string, std::array<std::int64_t, 2>> sums;
  for (std::size_t i = 0; i < launches.size(); ++i) {
    if (launches[i] == 0) continue;  // the seed is a copy
    const std::string name = name_of_step(model, plan.steps[i]);
    if (!sums.contains(name)) names.push_back(name);
    sums[name][i < plan.forward_steps ? 0 : 1] += launches[i];
  }
  std::string text;
  for (const std::string& name : names)
    text += name + " " + std::to_string(sums[name][0]) + "+" + std::to_string(sums[name][1]) + ", ";
  return text + "sgd " + std::to_string(count_sgd_launches(step.layout(), dry));
}

struct NetLaunches {
  const char* net;
  std::int64_t batch;
  std::uint64_t launches;
  const char* by_operation;
};

// Why so many. A ReLU forward is part of what comes before it, and backward of what comes behind it, except where that
// is dropout (alexnet, once), two readers or adaptive pooling (resnet18, behind each of its 8 blocks). conv2d backward:
// the input's gradient (not of the first layer), the filters' (and a sum over its parts, where there are several), the
// bias's. linear backward: input, weight, bias. batch_norm: the statistics or sums of each
// channel, and a pass with them. softmax_cross_entropy: the samples' losses, and their mean. add backward: a copy for
// either summand; sum: the gradients of a value that has two readers. All else one each.
constexpr NetLaunches nets[] = {
    {"lenet5", 64, 29, "conv2d 2+7, max_pool2d 2+2, linear 3+9, softmax_cross_entropy 2+1, sgd 1"},
    {"alexnet", 2, 53,
     "conv2d 5+19, max_pool2d 3+3, adaptive_pool2d 1+1, dropout 2+2, linear 3+9, softmax_cross_entropy 2+1, relu 0+1, "
     "sgd 1"},
    {"resnet18", 2, 206,
     "conv2d 20+54, batch_norm 40+40, max_pool2d 1+1, add 8+16, adaptive_pool2d 1+1, linear 1+3, "
     "softmax_cross_entropy 2+1, relu 0+8, sum 0+8, sgd 1"},
};

// The same in bf16, with images in NHWC and convolutions on tensor cores. There is no cast of weights, since the update
// writes them in 16 bits too (there were 5, 8 and 21). What differs: conv2d forward: the filters in the kernel's order,
// and the product, before it the images folded (first layers of alexnet and resnet18, conv2d_fold.cu; twice more
// backward). conv2d backward: the filters' gradient in parts, and their sum, but where one part of one tap is all (2 of
// resnet18's, and linear layers); of the bias one, or two where there are at least 512 pixels (both of lenet5, the first
// two of alexnet); of the input the filters in the kernel's order, and one product for each class of pixels that a
// stride makes (4 for 6 of resnet18's, else 1). batch_norm forward: sums, squares, and the pass with them.
// convert_layout: the image where it has channels to convert, and in nets that flatten an image of several positions
// that image and its gradient, since linear layers read NCHW. resnet18 flattens one position: nothing after its input.
constexpr NetLaunches nets_in_bf16[] = {
    {"lenet5", 64, 36, "conv2d 4+10, max_pool2d 2+2, convert_layout 1+1, linear 3+9, softmax_cross_entropy 2+1, sgd 1"},
    {"alexnet", 2, 70,
     "convert_layout 2+1, conv2d 11+27, max_pool2d 3+3, adaptive_pool2d 1+1, dropout 2+2, linear 3+9, "
     "softmax_cross_entropy 2+1, relu 0+1, sgd 1"},
    {"resnet18", 2, 290,
     "convert_layout 1+0, conv2d 41+96, batch_norm 60+40, max_pool2d 1+1, add 8+16, adaptive_pool2d 1+1, "
     "linear 1+3, softmax_cross_entropy 2+1, relu 0+8, sum 0+8, sgd 1"},
};

// Whether the plan's convolutions run on tensor cores, which a GPU older than sm_80 does not have.
bool has_tensor_cores(Backend& backend) {
  Ops& ops = *backend.choose("conv2d", Direction::forward, {}).ops;
  const Conv2dOptions options{.out_channels = 1, .kernel = 1};
  return ops.conv2d_layouts(options, {1, 8, 2, 2}, DType::bf16, Layout::nchw, true).x == Layout::nhwc;
}

// Counted by the dry device's runtime, and by its plan.
void expect_launches(const NetLaunches& net, Backend& dry, DType dtype) {
  const Model model = make_classifier(load_net(net.net));
  ResidentStep step(model, dry, net.batch, dtype);
  // Rounding the images to 16 bits is a launch, and no copy.
  const std::uint64_t rounding = is_16_bit(dtype) ? 1 : 0;
  const RuntimeCounts expected{.launches = net.launches + rounding, .copies_on_device = 3 - rounding};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(during(dry, [&] { step.run(); }), text(expected));
  EXPECT_EQ(launches_by_operation(model, step, dry), net.by_operation);
  EXPECT_EQ(sum_of(count_launches(model.graph, step.layout(), step.executor().plan(), dry)) +
                static_cast<std::uint64_t>(count_sgd_launches(step.layout(), dry)),
            net.launches);
}

// Beside them three copies on the device: images and labels into the plan's memory, and the number that backward begins
// with. No allocation, no waiting, no copy from or to the host; no image changes its layout.
TEST(StepCounts, OfNets) {
  for (const std::string& device : devices_with_runtime()) {
    for (const NetLaunches& net : nets) {
      SCOPED_TRACE(device + ", " + net.net);
      expect_launches(net, *open_dry_device(device), DType::f32);
    }
  }
}

// Two copies: the image is rounded into the plan's memory.
TEST(StepCounts, OfNetsInBf16) {
  for (const std::string& device : devices_with_runtime()) {
    const std::unique_ptr<Backend> dry = open_dry_device(device);
    if (!has_tensor_cores(*dry)) {
      EXPECT_EQ(device, "cuda");
      continue;
    }
    for (const NetLaunches& net : nets_in_bf16) {
      SCOPED_TRACE(device + ", " + net.net);
      expect_launches(net, *dry, DType::bf16);
    }
  }
}

TEST(StepCounts, AreThoseOfTheDeviceItself) {
  const Model model = make_classifier(lenet5());
  for (const std::string& device : devices_with_runtime()) {
    SCOPED_TRACE(device);
    const std::unique_ptr<Backend> backend = open_device(device), dry = open_dry_device(device);
    ResidentStep step(model, *backend, 2), counted(model, *dry, 2);
    const std::string counts = during(*dry, [&] { counted.run(); });
    const RuntimeCounts expected{
        .launches = sum_of(count_launches(model.graph, counted.layout(), counted.executor().plan(), *dry)) + 1,
        .copies_on_device = 3};
    EXPECT_EQ(counts, text(expected));
    EXPECT_EQ(during(*backend, [&] { step.run(); }), counts);
    EXPECT_EQ(during(*backend, [&] { step.run(); }), counts);
    EXPECT_EQ(backend->counts()->launches, backend->executed());
  }
}

// A step in which somebody waits, allocates or copies is seen to do so.
TEST(StepCounts, SeeWhatIsPlanted) {
  const Model model = plain_net();
  for (const std::string& device : devices_with_runtime()) {
    for (const bool dry : {false, true}) {
      SCOPED_TRACE(device + (dry ? ", dry" : ""));
      const std::unique_ptr<Backend> backend = dry ? open_dry_device(device) : open_device(device);
      ResidentStep step(model, *backend, 2);
      RuntimeCounts clean = *backend->counts();
      step.run();
      clean = *backend->counts() - clean;
      const auto with = [&](auto&& planted) {
        return during(*backend, [&] {
          step.run();
          planted();
        });
      };
      const auto more = [&](auto&& change) {
        RuntimeCounts counts = clean;
        change(counts);
        return text(counts);
      };
      EXPECT_EQ(with([] {}), text(clean));
      EXPECT_EQ(with([&] { Tensor(Shape{4}, DType::f32, backend->memory()); }),
                more([](RuntimeCounts& c) { ++c.allocations, ++c.frees; }));
      EXPECT_EQ(with([&] { backend->synchronize(); }), more([](RuntimeCounts& c) { ++c.synchronisations; }));
      EXPECT_EQ(with([&] { step.executor().read(model.loss); }),
                more([](RuntimeCounts& c) { ++c.copies_to_host, ++c.synchronisations; }));
      EXPECT_EQ(with([&] { step.executor().set_loss_scale(2); }),
                more([](RuntimeCounts& c) { ++c.copies_from_host, ++c.synchronisations; }));
      EXPECT_EQ(with([&] { step.executor().set_loss_scale(2); }), text(clean)) << "it is there already";
      EXPECT_EQ(with([&] { backend->memory()->fill(step.executor().value(model.loss).data, 0, 4); }),
                more([](RuntimeCounts& c) { ++c.fills; }));
    }
  }
}

TEST(StepCounts, AreOfDevicesWithARuntime) {
  for (const DeviceInfo& device : list_devices()) {
    if (!device.available || (device.name != "reference" && device.name != "cpu")) continue;
    EXPECT_FALSE(open_device(device.name)->counts()) << device.name;
    EXPECT_FALSE(open_dry_device(device.name)->counts()) << device.name;
  }
}

struct TrainerCounts {
  const char* name;
  bool norm;                     // a net with state
  void (*set)(TrainOptions& o);  // of a batch of 4
  std::uint64_t passes;          // forward and backward
  std::uint64_t launches;        // beside those of the passes
  std::uint64_t from_host, to_host, on_device;
  std::uint64_t synchronisations;  // one for each pass, whose results arrive together
  bool captured = true;            // where it can be
};

// Of a whole step of the trainer. From the host: images, labels and the step's values, for each pass; nobody waits for
// these. To the host: loss and scores of each pass, and what was found that is not finite. On the device: what each
// backward pass begins with. Launches: two look at the loss of each pass, two at the gradients, and one behind either halts
// the step; one is the optimizer's.
const TrainerCounts trainers[] = {
    {"fp32", false, [](TrainOptions&) {}, 1, 7, 3, 3, 1, 1},
    {"bf16", false, [](TrainOptions& o) { o.precision = Precision::bf16; }, 1, 7, 3, 3, 1, 1},
    // Gradients are divided by the scale, which stays where it is.
    {"fp16", false, [](TrainOptions& o) { o.precision = Precision::fp16; }, 1, 8, 3, 3, 1, 1},
    // State is copied before the step, and back where the step was halted.
    {"state", true, [](TrainOptions&) {}, 1, 8, 3, 3, 2, 1},
    // Gradients are scaled twice; the first are copied, the second added.
    {"pieces", false, [](TrainOptions& o) { o.micro_batch = 2; }, 2, 13, 6, 5, 3, 2, false},
    // The norm in two launches, its factor, and the product.
    {"clipped", false, [](TrainOptions& o) { o.clip_norm = 1e9; }, 1, 11, 3, 3, 1, 1},
    {"averaged", false, [](TrainOptions& o) { o.ema = 0.9; }, 1, 8, 3, 3, 1, 1},
    // Images as bytes and what was drawn for them; made by two launches and copied into the plan's memory.
    {"augmented on the device", false, [](TrainOptions& o) { o.augment = "flip", o.augment_on_device = true; }, 1, 9, 4,
     3, 2, 1},
};

std::vector<std::pair<std::size_t, bool>> with_and_without_capture() {
  std::vector<std::pair<std::size_t, bool>> runs;
  for (std::size_t i = 0; i < std::size(trainers); ++i) runs.insert(runs.end(), {{i, true}, {i, false}});
  return runs;
}

// The second step: the first allocates scratch memory.
TEST(StepCounts, OfTheTrainer) {
  for (const std::string& device : devices_with_runtime()) {
    for (const auto& [number, capture] : with_and_without_capture()) {
      const TrainerCounts& c = trainers[number];
      SCOPED_TRACE(device + ", " + c.name + (capture ? "" : ", call by call"));
      const Pairs data(8);
      const Model model = c.norm ? whole_net() : plain_net();
      TrainOptions options{.batch = 4};
      c.set(options);
      options.capture = capture;
      const std::unique_ptr<Backend> backend = open_device(device), dry = open_dry_device(device);
      const ParameterLayout layout = ParameterLayout::of(model.graph);
      const Plan plan =
          make_plan(model.graph, layout, *dry, pass_options(model, options.precision, options.piece(), true));
      Trainer trainer(model, *backend, data, "pairs", options);
      ASSERT_TRUE(trainer.step());
      const RuntimeCounts expected{
          .launches = c.passes * sum_of(count_launches(model.graph, layout, plan, *dry)) + c.launches,
          .synchronisations = c.synchronisations,
          .copies_from_host = c.from_host,
          .copies_to_host = c.to_host,
          .copies_on_device = c.on_device,
          .replays = capture && c.captured ? 1u : 0u};
      EXPECT_EQ(during(*backend, [&] { ASSERT_TRUE(trainer.step()); }), text(expected));
      EXPECT_EQ(trainer.scaling() == nullptr ? 0 : trainer.scaling()->skipped_steps, 0);
    }
  }
}

TEST(StepCounts, OfLenetsTraining) {
  const DataSplits data = open_synthetic("1x28x28:10");
  const Model model = make_classifier(lenet5());
  for (const std::string& device : devices_with_runtime()) {
    SCOPED_TRACE(device);
    const std::unique_ptr<Backend> backend = open_device(device);
    Trainer trainer(model, *backend, *data.train, "synthetic", {.batch = 4});
    ASSERT_TRUE(trainer.step());
    // 29 as in the table of nets, 6 to search for what is not finite and to halt the step.
    const RuntimeCounts under_way{
        .launches = 35, .copies_from_host = 3, .copies_to_host = 3, .copies_on_device = 1, .replays = 1};
    RuntimeCounts waited_for = under_way;
    waited_for.synchronisations = 1;
    EXPECT_EQ(during(*backend, [&] { ASSERT_TRUE(trainer.step()); }), text(waited_for));
    // Nobody waits for the next four; then for one with each that is begun.
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(during(*backend, [&] { ASSERT_TRUE(trainer.enqueue()); }), text(under_way)) << i;
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(during(*backend, [&] { ASSERT_TRUE(trainer.enqueue()); }), text(waited_for)) << i;
    EXPECT_EQ(during(*backend, [&] { trainer.settle(); }), text({.synchronisations = 4}));
  }
}

}  // namespace
}  // namespace fovea::test
