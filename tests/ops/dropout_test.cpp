// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "core/support/error.h"
#include "core/support/philox.h"
#include "tests/ops/dropout_cases.h"
#include "tests/ops/elementwise_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr RandomKey key{.seed = 0xFEDCBA9876543210, .step = 1000, .layer = 12};

Tensor ones(const Shape& shape) {
  Tensor result(shape);
  for (float& v : result.span<float>()) v = 1;
  return result;
}

class DropoutTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall forward(double rate, RandomKey k, const Tensor& x) {
    return {.op = "dropout",
            .inputs = {x},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [=](Ops& ops, auto in, auto out, Workspace) { ops.dropout_forward({rate}, k, in[0], out[0]); }};
  }
  static OpCall backward(double rate, RandomKey k, const Tensor& dy) {
    return {.op = "dropout",
            .direction = Direction::backward,
            .inputs = {dy},
            .outputs = {{dy.shape(), dy.dtype()}},
            .run = [=](Ops& ops, auto in, auto out, Workspace) { ops.dropout_backward({rate}, k, in[0], out[0]); }};
  }
  // A checked run on the device.
  Tensor run(const OpCall& call) {
    const Execution execution = execute(device(), call);
    EXPECT_EQ(execution.fault, "");
    return execution.outputs[0];
  }
  // Which elements this device keeps: 1 or 0.
  std::vector<int> mask(double rate, RandomKey k, const Shape& shape) {
    const Tensor y = run(forward(rate, k, ones(shape)));
    std::vector<int> result;
    for (const float v : y.span<float>()) result.push_back(v != 0);
    return result;
  }
};

// A device that captures reads the step where it lies, whatever the key says; others go by the key, which says the same.
TEST_P(DropoutTest, TheStepInMemory) {
  const Tensor x = ones(param().x);
  for (const bool backwards : {false, true}) {
    OpCall call = backwards ? backward(0.5, key, x) : forward(0.5, key, x);
    const Tensor expected = run(call);
    RandomKey wrong = key;
    if (device().no_capture().empty()) wrong.step = 7;
    const auto step = static_cast<std::int64_t>(key.step);
    call.inputs.push_back(Tensor::from<std::int64_t>(Shape{1}, std::span<const std::int64_t>(&step, 1)));
    call.run = [=](Ops& ops, auto in, auto out, Workspace) {
      RandomKey k = wrong;
      k.step_in_memory = in[1];
      backwards ? ops.dropout_backward({0.5}, k, in[0], out[0]) : ops.dropout_forward({0.5}, k, in[0], out[0]);
    };
    EXPECT_TRUE(same_bits(run(call), expected)) << "backwards " << backwards;
  }
}

// The contract, word for word: core/ops/random_key.h.
TEST_P(DropoutTest, TheMaskIsTheContracts) {
  const double rate = 0.3;
  const std::vector<int> kept = mask(rate, key, param().x);
  const std::uint64_t high = std::uint64_t{6} << 48 | std::uint64_t{12} << 32 | 1000;  // dropout, layer, step
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const std::uint32_t word = Philox::block(key.seed, high, i / 4)[i % 4];
    ASSERT_EQ(kept[i] != 0, std::floor(word / 256.0) / 16777216 >= rate) << i;
  }
}

TEST_P(DropoutTest, AnElementWhoseNumberIsTheRateIsKept) {
  const std::size_t last = static_cast<std::size_t>(param().x.elements()) - 1;
  const std::uint64_t high = key.counter_high(static_cast<std::uint16_t>(RandomPurpose::dropout));
  const double u = (Philox::block(key.seed, high, last / 4)[last % 4] >> 8) * 0x1p-24;
  EXPECT_EQ(mask(u, key, param().x)[last], 1);
  EXPECT_EQ(mask(std::nextafter(u, 1.0), key, param().x)[last], 0);
}

TEST_P(DropoutTest, BackwardDropsWhatForwardDropped) {
  for (const double rate : {0.5, 0.2}) {
    const Tensor up = run(forward(rate, key, ones(param().x))), down = run(backward(rate, key, ones(param().x)));
    EXPECT_TRUE(same_bits(up, down)) << rate;
  }
}

TEST_P(DropoutTest, RateZeroChangesNothing) {
  const float values[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max(),       -1.0f / 3};
  Tensor x(param().x);
  RandomStream places = random(2);
  for (float& v : x.span<float>()) v = values[places.below(6)];
  EXPECT_TRUE(check_exact(device(), forward(0, key, x)));
  EXPECT_TRUE(equal_to_truth(run(forward(0, key, x)), x.converted(DType::f64)));
  EXPECT_TRUE(equal_to_truth(run(backward(0, key, x)), x.converted(DType::f64)));
}

TEST_P(DropoutTest, NaNStaysWhereItIsKeptAndGoesWhereItIsDropped) {
  Tensor x(param().x);
  for (float& v : x.span<float>()) v = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = run(forward(0.5, key, x));
  const std::vector<int> kept = mask(0.5, key, param().x);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const float v = y.span<float>()[i];
    ASSERT_TRUE(kept[i] ? std::isnan(v) : v == 0) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, DropoutTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

// In every type.
class DropoutStoredTest : public DropoutTest {};

// The same bits as the reference, not only values within a bound: every device drops the same elements, and rounds the
// product with the scale alike.
TEST_P(DropoutStoredTest, TheSameBitsAsTheReference) {
  std::string reason;
  Backend& reference = *open_test_device(test_devices("reference").front(), reason);
  for (const double rate : {0.5, 0.1, 0.7}) {
    const Tensor x = stored(reals(param().x, random(0))), dy = stored(reals(param().x, random(1)));
    EXPECT_TRUE(same_bits(run(forward(rate, key, x)), execute(reference, forward(rate, key, x)).outputs[0])) << rate;
    EXPECT_TRUE(same_bits(run(backward(rate, key, dy)), execute(reference, backward(rate, key, dy)).outputs[0]));
  }
}

// Views need not begin where four elements can be moved together.
TEST_P(DropoutStoredTest, AnyAlignment) {
  const auto count = param().x.elements();
  const Tensor x = stored(reals(param().x, random(3))), y = run(forward(0.4, key, x));
  const std::shared_ptr<Memory> memory = device().memory();
  const std::size_t size = size_of(storage());
  for (const std::size_t offset : {1, 2, 3}) {
    Tensor in({count + 3}, storage(), memory), out({count + 3}, storage(), memory);
    View from{static_cast<char*>(in.view().data) + offset * size, x.shape(), storage(), Layout::nchw, memory.get()};
    View to{static_cast<char*>(out.view().data) + (3 - offset) * size, x.shape(), storage(), Layout::nchw,
            memory.get()};
    memory->copy_from_host(from.data, x.view().data, x.bytes());
    device().choose("dropout", Direction::forward, {}).ops->dropout_forward({0.4}, key, from, to);
    Tensor result(x.shape(), storage());
    memory->copy_to_host(result.view().data, to.data, x.bytes());
    EXPECT_TRUE(same_bits(result, y)) << offset;
  }
}

INSTANTIATE_TEST_SUITE_P(All, DropoutStoredTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

// Statistics of the mask over n elements; each bound is five standard deviations.
struct MaskCase {
  const char* name;
  const char* why;
  double rate;
  bool small = true;
};
std::ostream& operator<<(std::ostream& out, const MaskCase& c) { return out << c.name << " (" << c.why << ")"; }

const std::vector<MaskCase> mask_cases{
    {"Tenth", "few are dropped", 0.1}, {"Half", "the usual rate", 0.5}, {"NineTenths", "few are kept", 0.9}};

class DropoutMaskTest : public OpTest<MaskCase> {
 protected:
  static constexpr std::int64_t n = 20000;
  std::vector<int> mask(RandomKey k) {
    Tensor x({n}, DType::f32, device().memory()), y = Tensor({n}, DType::f32, device().memory());
    const Tensor host = ones({n});
    device().memory()->copy_from_host(x.view().data, host.view().data, host.bytes());
    device().choose("dropout", Direction::forward, {}).ops->dropout_forward({param().rate}, k, x.view(), y.view());
    std::vector<int> result;
    const Tensor read = y.to_host();
    for (const float v : read.span<float>()) result.push_back(v != 0);
    return result;
  }
  static double bound(double p) { return 5 * std::sqrt(p * (1 - p) * static_cast<double>(n)); }
};

TEST_P(DropoutMaskTest, KeepsTheRightFraction) {
  const std::vector<int> kept = mask(key);
  double all = 0, words[4] = {};  // each word of a block by itself too
  for (std::size_t i = 0; i < kept.size(); ++i) all += kept[i], words[i % 4] += kept[i];
  const double p = 1 - param().rate;
  EXPECT_NEAR(all, p * n, bound(p));
  for (const double word : words) EXPECT_NEAR(word, p * n / 4, bound(p) / 2);
}

// Independent masks differ in 2 p (1 - p) of their elements.
TEST_P(DropoutMaskTest, OtherSeedsStepsAndLayersDropOtherElements) {
  const double p = 1 - param().rate, differing = 2 * p * (1 - p);
  std::vector<std::vector<int>> masks{mask(key)};
  for (const int change : {0, 1, 2, 3, 4, 5}) {
    RandomKey other = key;
    if (change == 0) other.seed += 1;
    if (change == 1) other.seed ^= std::uint64_t{1} << 63;
    if (change == 2) other.step += 1;
    if (change == 3) other.step ^= 1u << 31;
    if (change == 4) other.layer += 1;
    if (change == 5) other.layer ^= 1u << 15;
    masks.push_back(mask(other));
    for (std::size_t earlier = 0; earlier + 1 < masks.size(); ++earlier) {
      double differ = 0;
      for (std::size_t i = 0; i < masks.back().size(); ++i) differ += masks.back()[i] != masks[earlier][i];
      EXPECT_NEAR(differ, differing * n, bound(differing)) << "change " << change << ", mask " << earlier;
    }
  }
  EXPECT_EQ(masks[0], mask(key)) << "the same key, the same mask";
}

TEST_P(DropoutMaskTest, RefusesARateOutsideOfItsRange) {
  Ops& ops = *device().choose("dropout", Direction::forward, {}).ops;
  Tensor x({4}, DType::f32, device().memory()), y = Tensor({4}, DType::f32, device().memory());
  for (const double rate : {1.0, -0.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(ops.dropout_forward({rate}, key, x.view(), y.view()), InputError) << rate;
    EXPECT_THROW(ops.dropout_backward({rate}, key, x.view(), y.view()), InputError) << rate;
  }
}

INSTANTIATE_TEST_SUITE_P(All, DropoutMaskTest, devices_and_cases(FOVEA_TEST_DEVICES, mask_cases), case_name<MaskCase>);

const bool registered = register_layer_tests("DropoutLayer", FOVEA_TEST_DEVICES, dropout_cases(), random_dropout_case);

}  // namespace
}  // namespace fovea::test
