// SPDX-License-Identifier: Apache-2.0
//
// Every check of the operation tests, shown to fail on the fault that it exists for.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <span>
#include <string>

#include "core/backend/device_list.h"
#include "core/compare/measure.h"
#include "core/layers/relu.h"
#include "core/support/error.h"
#include "core/tolerance/linear.h"
#include "tests/support/checks.h"
#include "tests/support/devices.h"
#include "tests/support/environment.h"
#include "tests/support/fill.h"
#include "tests/support/layer_checks.h"
#include "tests/support/nhwc_backend.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

// The reference under test. It is the truth too, but the truth runs in float64: the faults below act on float32 only.
Backend& device() { return truth_backend(); }

float* data(const View& view) { return static_cast<float*>(view.data); }

// relu(x), and then what `fault` does to the device's copies of x and y. `fault` may be null.
using Fault = void (*)(const ConstView& x, const View& y);
OpCall relu_with(Fault fault, std::int64_t elements = 64) {
  return {.op = "relu",
          .inputs = {reals({elements}, stream_for("support", 0), 0.5f, 1)},
          .outputs = {{Shape{elements}}},
          .run = [fault](Ops& ops, auto in, auto out, Workspace) {
            ops.relu_forward(in[0], out[0]);
            if (fault && out[0].dtype == DType::f32) fault(in[0], out[0]);
          }};
}
std::vector<Tensor> no_tolerance(const std::vector<Tensor>& truth) { return std::vector<Tensor>(truth.size()); }

std::string fault_of(const OpCall& call) { return execute(device(), call).fault; }

TEST(Execute, PassesAnHonestOperation) {
  EXPECT_EQ(fault_of(relu_with(nullptr)), "");
  EXPECT_TRUE(check_exact(device(), relu_with(nullptr)));
  EXPECT_TRUE(check_bound(device(), relu_with(nullptr), no_tolerance));
}

TEST(Execute, FindsAnUnwrittenElement) {
  OpCall call = relu_with(nullptr);
  call.run = [](Ops& ops, auto in, auto out, Workspace) {  // skips the last element
    ConstView x = in[0];
    View y = out[0];
    x.shape = y.shape = Shape{63};
    ops.relu_forward(x, y);
  };
  EXPECT_NE(fault_of(call).find("element 63 was not written"), std::string::npos) << fault_of(call);
  EXPECT_FALSE(check_exact(device(), call));
  EXPECT_FALSE(check_bound(device(), call, no_tolerance));
}

TEST(Execute, FindsAWriteOutside) {
  if (!guards_in_use()) GTEST_SKIP() << "AddressSanitizer watches the edges itself";
  EXPECT_NE(fault_of(relu_with([](auto&, auto& y) { data(y)[64] = 1; })).find("outside of output 0"),
            std::string::npos);
  EXPECT_NE(fault_of(relu_with([](auto&, auto& y) { data(y)[-1] = 1; })).find("outside of output 0"),
            std::string::npos);
  const Fault beside_input = [](auto& x, auto&) { const_cast<float*>(static_cast<const float*>(x.data))[64] = 1; };
  EXPECT_NE(fault_of(relu_with(beside_input)).find("outside of input 0"), std::string::npos);
}

TEST(Execute, FindsAReadOutside) {
  if (!guards_in_use()) GTEST_SKIP() << "AddressSanitizer watches the edges itself";
  const Fault reads_beyond = [](auto& x, auto& y) { data(y)[63] += 0 * static_cast<const float*>(x.data)[64]; };
  EXPECT_FALSE(check_exact(device(), relu_with(reads_beyond)));
}

TEST(Execute, FindsAChangedInput) {
  const Fault changes_input = [](auto& x, auto&) { const_cast<float*>(static_cast<const float*>(x.data))[5] = 0; };
  EXPECT_NE(fault_of(relu_with(changes_input)).find("input 0 was changed"), std::string::npos);
}

TEST(Execute, FindsADeviceThatDidNotRun) {
  OpCall call = relu_with(nullptr);
  call.run = [](Ops&, auto in, auto out, Workspace) {  // right, but computed elsewhere
    std::copy_n(static_cast<const char*>(in[0].data), in[0].bytes(), static_cast<char*>(out[0].data));
  };
  EXPECT_NE(fault_of(call).find("executed nothing"), std::string::npos) << fault_of(call);
}

TEST(Execute, FindsAWorkspaceOverrun) {
  if (!guards_in_use()) GTEST_SKIP() << "AddressSanitizer watches the edges itself";
  OpCall call = relu_with(nullptr);
  call.workspace = [](Ops&, Layout) { return std::size_t{16}; };
  call.run = [](Ops& ops, auto in, auto out, Workspace space) {
    ops.relu_forward(in[0], out[0]);
    static_cast<char*>(space.data)[space.bytes] = 1;
  };
  EXPECT_NE(fault_of(call).find("outside of the workspace"), std::string::npos);
}

TEST(CheckExact, FindsTheLastBit) {
  const Fault last_bit = [](auto&, auto& y) { data(y)[40] = std::nextafter(data(y)[40], 2.0f); };
  const auto result = check_exact(device(), relu_with(last_bit));
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("flat index 40"), std::string::npos) << result.message();
}

TEST(CheckExact, DistrustsZeros) {
  OpCall call = relu_with(nullptr);
  call.inputs[0] = integers({64}, stream_for("support", 1), 3, 0.1);
  EXPECT_FALSE(check_exact(device(), call));
  EXPECT_TRUE(check_exact(device(), call, ZeroTrust::off));
}

TEST(MostlyNonzero, StandsAt70Percent) {
  Tensor t({10});
  for (std::size_t i = 0; i < 10; ++i) t.span<float>()[i] = i < 7 ? 0 : 1;
  EXPECT_TRUE(mostly_nonzero(t));
  t.span<float>()[7] = 0;
  EXPECT_FALSE(mostly_nonzero(t));
}

TEST(CheckBound, FindsBitsThatChangeBetweenRuns) {
  static int runs = 0;  // an error within the tolerance, in every other run
  const Fault unsteady = [](auto&, auto& y) {
    if (++runs % 2 == 0) data(y)[3] = std::nextafter(data(y)[3], 2.0f);
  };
  const auto result = check_bound(device(), relu_with(unsteady), [](const std::vector<Tensor>& truth) {
    Tensor tolerance(truth[0].shape(), DType::f64);
    for (double& t : tolerance.span<double>()) t = 1e-3;
    return std::vector<Tensor>{tolerance};
  });
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("bitwise"), std::string::npos) << result.message();
}

TEST(CheckBound, FindsAResultThatDependsOnOldMemory) {
  OpCall call = relu_with(nullptr);
  call.run = [](Ops& ops, auto in, auto out, Workspace) {
    const unsigned char before = *static_cast<const unsigned char*>(out[0].data);
    ops.relu_forward(in[0], out[0]);
    if (out[0].dtype == DType::f32 && before == 0x5A) data(out[0])[9] = std::nextafter(data(out[0])[9], 2.0f);
  };
  EXPECT_FALSE(check_bound(device(), call, [](const std::vector<Tensor>& truth) {
    Tensor tolerance(truth[0].shape(), DType::f64);
    for (double& t : tolerance.span<double>()) t = 1e-3;
    return std::vector<Tensor>{tolerance};
  }));
}

TEST(CheckBound, FindsAResultThatDependsOnAlignment) {
  OpCall call = relu_with(nullptr);
  call.run = [](Ops& ops, auto in, auto out, Workspace) {
    ops.relu_forward(in[0], out[0]);
    if (out[0].dtype == DType::f32 && reinterpret_cast<std::uintptr_t>(out[0].data) % 16 != 0)
      data(out[0])[9] = std::nextafter(data(out[0])[9], 2.0f);
  };
  const auto result = check_bound(device(), call, [](const std::vector<Tensor>& truth) {
    Tensor tolerance(truth[0].shape(), DType::f64);
    for (double& t : tolerance.span<double>()) t = 1e-3;
    return std::vector<Tensor>{tolerance};
  });
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("one element off alignment"), std::string::npos) << result.message();
}

// What the bound is for: 9,216 products of a dense layer, of which one is left out, or one is taken twice.
TEST(CheckBound, FindsOneProductMissingAmong9216) {
  const LinearOptions options{.out_features = 2, .bias = false};
  const Tensor x = reals({2, 9216}, stream_for("support", 2)), w = reals({2, 9216}, stream_for("support", 3));
  const auto call_with = [&](float times) {
    return OpCall{.op = "linear",
                  .inputs = {x, w, Tensor{}},
                  .outputs = {{Shape{2, 2}}},
                  .run = [options, times](Ops& ops, auto in, auto out, Workspace space) {
                    ops.linear_forward(options, in[0], in[1], in[2], out[0], space);
                    if (out[0].dtype != DType::f32) return;
                    const float *xs = static_cast<const float*>(in[0].data),
                                *ws = static_cast<const float*>(in[1].data);
                    data(out[0])[0] += times * xs[9215] * ws[9215];
                  }};
  };
  ASSERT_GT(std::abs(x.span<float>()[9215] * w.span<float>()[9215]), 0.01f) << "an ordinary product";
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}}, parameters{{w.converted(DType::f64), {}}};
    Uncertain output{truth[0], {}};
    ForwardToleranceArgs args{truth_ops(), inputs, parameters, output, {}};
    linear_forward_tolerance(args, options);
    return std::vector<Tensor>{output.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), call_with(0), tolerances));
  EXPECT_FALSE(check_bound(device(), call_with(-1), tolerances));
  EXPECT_FALSE(check_bound(device(), call_with(1), tolerances));
}

double ratio(float actual, double truth, double tolerance) {
  Tensor value({1}, DType::f64), allowed({1}, DType::f64);
  value.span<double>()[0] = truth;
  allowed.span<double>()[0] = tolerance;
  return measure(Tensor::from({1}, {actual}), {value, allowed}).worst_ratio;
}

TEST(Measure, IsErrorOverBound) {
  EXPECT_EQ(ratio(1.5f, 1, 0.25), 2);
  EXPECT_EQ(ratio(1.5f, 1, 0.5), 1);
  EXPECT_EQ(ratio(1.0f, 1, 0), 0);
  EXPECT_EQ(ratio(1.5f, 1, 0), infinity);
  EXPECT_EQ(ratio(-0.0f, 0, 0), 0);
  EXPECT_EQ(ratio(7, 1, infinity), 0) << "undecided: any value is right";
}

TEST(Measure, NonFiniteValuesMustMatchInKindAndSign) {
  EXPECT_EQ(ratio(not_a_number, not_a_number, 1), 0);
  EXPECT_EQ(ratio(infinity, infinity, 1), 0);
  EXPECT_EQ(ratio(not_a_number, 1, infinity), infinity);
  EXPECT_EQ(ratio(1, not_a_number, infinity), infinity);
  EXPECT_EQ(ratio(-infinity, infinity, infinity), infinity);
  EXPECT_EQ(ratio(infinity, 1e30, 1e40), infinity);
  EXPECT_EQ(ratio(infinity, 1e300, 1), 0) << "beyond float's range, infinity is the right answer";
  EXPECT_EQ(ratio(1, 2, not_a_number), infinity) << "a NaN tolerance allows nothing";
}

TEST(Measure, RefusesOtherShapes) {
  EXPECT_THROW(measure(Tensor::zeros({2}), {Tensor::zeros({3}, DType::f64), {}}), InputError);
}

TEST(Fill, RepeatsAndStaysInRange) {
  const Tensor a = integers({1000}, stream_for("a", 0), 8), again = integers({1000}, stream_for("a", 0), 8);
  EXPECT_TRUE(same_bits(a, again));
  EXPECT_FALSE(same_bits(a, integers({1000}, stream_for("a", 1), 8)));
  EXPECT_FALSE(same_bits(a, integers({1000}, stream_for("b", 0), 8)));
  std::set<float> seen(a.span<float>().begin(), a.span<float>().end());
  EXPECT_EQ(seen.size(), 17u);
  EXPECT_EQ(*seen.begin(), -8);
  EXPECT_EQ(*seen.rbegin(), 8);
}

TEST(Fill, RealsUseTheWholeSignificand) {
  int odd = 0;  // last bits set: sums of such numbers must be rounded
  const Tensor t = reals({1000}, stream_for("a", 2));
  for (const float v : t.span<float>()) {
    EXPECT_LT(std::abs(v), 1);
    odd += static_cast<int>(std::bit_cast<std::uint32_t>(v) & 1u);
  }
  EXPECT_GT(odd, 400);
}

TEST(Fill, DensityKeepsSumsExact) {
  EXPECT_EQ(exact_density(100, 8, 8), 1);
  EXPECT_EQ(exact_density(1 << 20, 8, 8), 0.25);  // 2^18 products of 64 reach 2^24
  std::int64_t kept = 0;
  const Tensor t = integers({100000}, stream_for("a", 3), 8, 0.25);
  for (const float v : t.span<float>()) kept += v != 0;
  EXPECT_NEAR(static_cast<double>(kept), 100000 * 0.25 * 16 / 17, 500);
}

TEST(Devices, NamesComeFromSpecs) {
  const std::vector<TestDevice> devices = test_devices("reference emu:native@reverse cuda:library");
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].name, "Reference");
  EXPECT_EQ(devices[1].name, "EmuNativeReverse");
  EXPECT_EQ(devices[1].spec, "emu:native@reverse");
  EXPECT_EQ(devices[2].name, "CudaLibrary");
}

TEST(Devices, ThoseWithAnEngineIn16Bits) {
  const Environment all("FOVEA_TEST_CASES", "");
  const std::vector<TestDevice> devices = test_devices_in_16_bits("reference cpu emu:native@reverse cuda:library");
  ASSERT_EQ(devices.size(), 6u);
  EXPECT_EQ(devices[0].name, "ReferenceBf16");
  EXPECT_EQ(devices[1].name, "ReferenceF16");
  EXPECT_EQ(devices[2].name, "EmuNativeReverseBf16");
  EXPECT_EQ(devices[2].spec, "emu:native@reverse");
  EXPECT_EQ(devices[2].dtype, DType::bf16);
  EXPECT_EQ(devices[3].dtype, DType::f16);
  EXPECT_EQ(devices[4].name, "CudaLibraryBf16");
  EXPECT_EQ(devices[5].name, "CudaLibraryF16");
}

TEST(Devices, MistakesAreErrorsAndNotSkips) {
  std::string reason;
  EXPECT_THROW(open_test_device({"X", "emu:native@sideways"}, reason), InputError);
  EXPECT_THROW(open_test_device({"X", "reference@reverse"}, reason), InputError);
  EXPECT_THROW(open_test_device({"X", "quantum"}, reason), InputError);
}

TEST(Devices, AMissingCudaIsASkipOrAFailure) {
  std::string reason;
  const char* before = std::getenv("FOVEA_REQUIRE_CUDA");
  const std::string kept = before ? before : "";
  setenv("FOVEA_REQUIRE_CUDA", "1", 1);
  bool thrown = false;
  try {
    open_test_device({"Cuda", "cuda:native"}, reason);
  } catch (const DeviceError& e) {
    thrown = true;
    EXPECT_NE(std::string(e.what()).find("FOVEA_REQUIRE_CUDA"), std::string::npos);
  }
  unsetenv("FOVEA_REQUIRE_CUDA");
  const bool usable = open_test_device({"Cuda", "cuda:native"}, reason) != nullptr;
  if (before) setenv("FOVEA_REQUIRE_CUDA", kept.c_str(), 1);
  EXPECT_EQ(thrown, !usable);
  EXPECT_EQ(reason.empty(), usable) << "a skip has a reason";
}

// What a device in NHWC is given, and what comes back: images as they lie there, and what is no image as it is.
TEST(Nhwc, ImagesLieInItAndNothingElseDoes) {
  const auto nhwc = make_nhwc_backend(open_device("reference"));
  EXPECT_EQ(image_layout(*nhwc), Layout::nhwc);
  EXPECT_EQ(image_layout(device()), Layout::nchw);
  const Tensor image = reals({2, 3, 4, 5}, stream_for("nhwc", 0), 0.5f, 1),
               filter = reals({3, 2, 4, 5}, stream_for("nhwc", 1));
  bool moved = false;
  OpCall call{.op = "relu",
              .inputs = {image, filter, reals({7}, stream_for("nhwc", 2))},
              .outputs = {{image.shape()}},
              .run = {}};
  call.plain_inputs = {1};
  call.run = [&](Ops& ops, auto in, auto out, Workspace) {
    EXPECT_EQ(in[0].layout, Layout::nhwc);
    EXPECT_EQ(in[1].layout, Layout::nchw);
    EXPECT_EQ(in[2].layout, Layout::nchw);
    EXPECT_EQ(out[0].layout, Layout::nhwc);
    EXPECT_EQ(std::memcmp(in[0].data, image.in_layout(Layout::nhwc).view().data, image.bytes()), 0);
    EXPECT_EQ(std::memcmp(in[1].data, filter.view().data, filter.bytes()), 0);
    ops.relu_forward({in[0].data, {120}, DType::f32, Layout::nchw, in[0].memory},
                     View{out[0].data, {120}, DType::f32, Layout::nchw, out[0].memory});
    if (moved) std::swap(data(out[0])[0], data(out[0])[1]);  // neighbouring channels, not neighbouring columns
  };
  EXPECT_TRUE(same_bits(execute(*nhwc, call).outputs[0], image));
  moved = true;
  const Tensor swapped = execute(*nhwc, call).outputs[0];
  EXPECT_EQ(swapped.span<float>()[0], image.span<float>()[20]);
  EXPECT_EQ(swapped.span<float>()[20], image.span<float>()[0]);
}

// The reference has one layout, and says so.
TEST(Nhwc, AnEngineWithoutItIsFound) {
  const auto nhwc = make_nhwc_backend(open_device("reference"));
  const LayerCase image{.name = "Image", .layer = std::make_shared<Relu>(), .inputs = {{2, 3, 4, 5}}};
  EXPECT_THROW(check_forward(*nhwc, image), InputError);
  const LayerCase row{.name = "Row", .layer = std::make_shared<Relu>(), .inputs = {{2, 60}}};
  EXPECT_TRUE(check_forward(*nhwc, row));
}

struct NamedCase {
  const char* name;
  const char* why;
  bool small;
};
TEST(Cases, SmallSelectsThoseForSanitizers) {
  const std::vector<NamedCase> cases{{"A", "", true}, {"B", "", false}};
  const Environment all("FOVEA_TEST_CASES", "");
  EXPECT_EQ(selected(cases).size(), 2u);
  EXPECT_EQ(test_devices_in_16_bits("emu:native").size(), 2u);
  const std::vector<NamedCase> three{{"A", "", true}, {"B", "", false}, {"C", "", false}};
  ASSERT_EQ(selected_for_16_bits(three).size(), 2u);
  EXPECT_EQ(selected_for_16_bits(three)[1].name, std::string("C")) << "the last of the larger ones";
  setenv("FOVEA_TEST_CASES", "small", 1);
  EXPECT_EQ(selected(cases).size(), 1u);
  EXPECT_EQ(selected_for_16_bits(cases).size(), 1u);
  EXPECT_EQ(test_devices_in_16_bits("emu:native").size(), 1u);
  setenv("FOVEA_TEST_CASES", "tiny", 1);
  EXPECT_THROW(selected(cases), InputError) << "a typing error must not select everything or nothing";
}

}  // namespace
}  // namespace fovea::test
