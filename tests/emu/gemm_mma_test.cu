// SPDX-License-Identifier: Apache-2.0
//
// Linear layers on tensor cores against the reference loops, as conv2d_mma_test.cu does it.
#include "cpu_reference/linear.h"
#include "cuda/kernels/kernels_mma.h"
#include "tests/emu/mma_checks.h"

namespace fovea::emu {
namespace {

struct GemmCase {
  const char* name;
  const char* why;
  LinearGeometry g;
  MmaTileSize size;
};
std::ostream& operator<<(std::ostream& out, const GemmCase& c) { return out << c.name << " (" << c.why << ')'; }

const std::vector<GemmCase>& gemm_cases() {
  static const std::vector<GemmCase> cases{
      {"One", "one product", {1, 1, 1}, MmaTileSize::small},
      {"Chunks", "tails of a tile and of a slice in whole chunks", {65, 72, 40}, MmaTileSize::small},
      {"Elements", "nothing is a multiple of anything", {67, 37, 45}, MmaTileSize::small},
      {"OddInputs", "w by elements, dy by chunks", {9, 13, 16}, MmaTileSize::small},
      {"OddOutputs", "the reverse", {9, 16, 13}, MmaTileSize::small},
      {"Ring", "ten slices in a ring of four", {5, 312, 312}, MmaTileSize::small},
      {"Narrow", "more than one tile in all directions", {130, 72, 136}, MmaTileSize::narrow},
      {"Large", "the same", {130, 136, 72}, MmaTileSize::large},
      {"Samples", "a sum over samples in two parts", {600, 24, 8}, MmaTileSize::small},
  };
  return cases;
}

template <class T>
struct LinearProblem {
  LinearGeometry g;
  Doubles x, w, bias, dy, gate;

  LinearProblem(const GemmCase& c, Numbers numbers, bool as_tf32 = true) : g(c.g) {
    std::uint64_t tensor = 0;
    const auto draw = [&](std::int64_t count) {
      return drawn<T>(count, test::stream_for(c.name, tensor++), numbers, as_tf32);
    };
    x = draw(g.N * g.I);
    w = draw(g.O * g.I);
    bias = draw(g.O);
    dy = draw(g.N * g.O);
    gate = draw(g.N * g.I);
  }
};

struct LinearResults {
  Doubles y, dx, dw;
};
// `relu`: with the ReLU at the end, and the backward of the one before.
template <class T>
LinearResults run_linear(const LinearProblem<T>& p, MmaTileSize size, bool relu, const EmuOptions& options = {}) {
  EmuDevice device(options);
  const T *x = device.upload(stored<T>(p.x)), *w = device.upload(stored<T>(p.w)), *dy = device.upload(stored<T>(p.dy));
  T *y = device.allocate<T>(p.dy.size()), *dx = device.allocate<T>(p.x.size());
  float* dw = device.allocate<float>(p.w.size());
  float* partials = device.allocate<float>(linear_backward_weight_mma_workspace(p.g) / sizeof(float));
  linear_forward_mma<T>(device.stream, p.g, relu, x, w, device.upload(stored<float>(p.bias)), y, size);
  linear_backward_data_mma<T>(device.stream, p.g, relu ? device.upload(stored<T>(p.gate)) : nullptr, dy, w, dx, size);
  linear_backward_weight_mma<T>(device.stream, p.g, x, dy, dw, partials, size);
  return {widened(device.download(y, p.dy.size())), widened(device.download(dx, p.x.size())),
          widened(device.download(dw, p.w.size()))};
}
LinearResults linear_truth(const LinearGeometry& g, const Doubles& x, const Doubles& w, const Doubles& bias,
                           const Doubles& dy) {
  LinearResults truth{Doubles(at(g.N * g.O)), Doubles(at(g.N * g.I)), Doubles(at(g.O * g.I))};
  reference::linear_forward<double>(g, x.data(), w.data(), bias.data(), truth.y.data());
  reference::linear_backward_data<double>(g, dy.data(), w.data(), truth.dx.data());
  reference::linear_backward_weight<double>(g, x.data(), dy.data(), truth.dw.data());
  return truth;
}

template <class T>
class GemmMma : public testing::Test {};
TYPED_TEST_SUITE(GemmMma, StoredTypes);

TYPED_TEST(GemmMma, Exact) {
  for (const GemmCase& c : gemm_cases()) {
    SCOPED_TRACE(c);
    const LinearProblem<TypeParam> p(c, Numbers::integers);
    LinearResults truth = linear_truth(p.g, p.x, p.w, p.bias, p.dy);
    const LinearResults reversed = run_linear(p, c.size, false, {EmuSchedule::reverse, 0});
    expect_exact<TypeParam>(reversed.y, truth.y);
    expect_exact<TypeParam>(reversed.dx, truth.dx);
    expect_exact<float>(reversed.dw, truth.dw);
    for (double& v : truth.y) v = v > 0 ? v : 0;
    for (std::size_t i = 0; i < truth.dx.size(); ++i) truth.dx[i] = p.gate[i] > 0 ? truth.dx[i] : 0;
    const LinearResults actual = run_linear(p, c.size, true);
    expect_exact<TypeParam>(actual.y, truth.y);
    expect_exact<TypeParam>(actual.dx, truth.dx);
  }
}

template <class T>
void expect_results_within(const LinearProblem<T>& p, const LinearResults& actual) {
  const LinearResults truth = linear_truth(p.g, p.x, p.w, p.bias, p.dy);
  const LinearResults of_squares = linear_truth(p.g, squares(p.x), squares(p.w), squares(p.bias), squares(p.dy));
  expect_within<T>(actual.y, truth.y, of_squares.y, p.g.I + 1);
  expect_within<T>(actual.dx, truth.dx, of_squares.dx, p.g.O);
  expect_within<float>(actual.dw, truth.dw, of_squares.dw, p.g.N);
}

TYPED_TEST(GemmMma, WithinTheBound) {
  for (const GemmCase& c : gemm_cases()) {
    SCOPED_TRACE(c);
    const LinearProblem<TypeParam> p(c, Numbers::reals);
    expect_results_within(p, run_linear(p, c.size, false));
  }
}

// The results of floats are those of the same floats as tf32.
TEST(GemmMmaTf32, InputsAreRounded) {
  for (const GemmCase& c : gemm_cases()) {
    SCOPED_TRACE(c);
    LinearProblem<float> p(c, Numbers::reals, false), rounded(c, Numbers::reals, true);
    rounded.bias = p.bias;  // it is added in float
    const LinearResults actual = run_linear(p, c.size, false), expected = run_linear(rounded, c.size, false);
    EXPECT_EQ(actual.y, expected.y);
    EXPECT_EQ(actual.dx, expected.dx);
    EXPECT_EQ(actual.dw, expected.dw);
  }
}

// Float32 in three products: any floats, within its own bound; integers that tf32 rounds, exactly.
TEST(GemmMmaFp32x3, HoldsTheBoundOfFloat32) {
  for (const GemmCase& c : gemm_cases()) {
    SCOPED_TRACE(c);
    const LinearProblem<float> p(c, Numbers::reals, false);
    expect_results_within(p, run_linear(p, MmaTileSize::fp32x3, false));
  }
}
TEST(GemmMmaFp32x3, IntegersThatTf32RoundsAreExact) {
  for (const GemmCase& c : gemm_cases()) {
    SCOPED_TRACE(c);
    LinearProblem<float> of_w(c, Numbers::integers), of_dy(c, Numbers::integers);
    for (double& v : of_w.w) v *= 2049;  // 12 digits
    for (double& v : of_dy.dy) v *= 2049;
    for (const LinearProblem<float>* p : {&of_w, &of_dy}) {
      const LinearResults truth = linear_truth(p->g, p->x, p->w, p->bias, p->dy);
      const LinearResults actual = run_linear(*p, MmaTileSize::fp32x3, false, {EmuSchedule::reverse, 0});
      expect_exact<float>(actual.y, truth.y);
      expect_exact<float>(actual.dx, truth.dx);
      expect_exact<float>(actual.dw, truth.dw);
    }
  }
}

}  // namespace
}  // namespace fovea::emu
