// SPDX-License-Identifier: Apache-2.0
//
// Linear layers on the host's fake cuBLASLt (fake_cublaslt.cpp): what is asked of the library is right, down to the
// last transposition, before a GPU has seen it.
#include "cuda/cudnn/linear_cublaslt.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/support/error.h"
#include "cuda/cudnn/cublaslt_loader.h"

namespace fovea::cuda {
namespace {

const CublasLtLibrary& fake_library() {
  static const CublasLtLibrary library =
      load_cublaslt({.first = {std::string(FAKE_LIBRARIES) + "/good"}, .loader_path = false, .then = {}});
  return library;
}

// Floats that begin at a multiple of 256 bytes, or one float further.
class Floats {
 public:
  Floats(std::int64_t count, bool aligned) : storage_(static_cast<std::size_t>(count) + 65), count_(count) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    data_ = storage_.data() + ((256 - address % 256) % 256) / sizeof(float) + (aligned ? 0 : 1);
  }
  float* data() { return data_; }
  float& operator[](std::int64_t i) { return data_[i]; }
  std::int64_t size() const { return count_; }
  void fill(int seed) {
    for (std::int64_t i = 0; i < count_; ++i) data_[i] = static_cast<float>((i * 37 + seed * 11) % 19 - 9);
  }

 private:
  std::vector<float> storage_;
  std::int64_t count_;
  float* data_;
};

constexpr LinearGeometry shape{.N = 5, .I = 3, .O = 7};  // no two alike

class LinearTest : public ::testing::TestWithParam<bool> {
 protected:
  Floats x_{shape.N * shape.I, GetParam()}, w_{shape.O * shape.I, GetParam()}, y_{shape.N * shape.O, GetParam()};
  Floats workspace_{1024, true};
  LinearCublasLt linear_{fake_library(), nullptr, LibraryPrecision::float32};

  LinearTest() { x_.fill(1), w_.fill(2), y_.fill(3); }
  void run(LinearPass pass, Floats& first, Floats& second, Floats& result) {
    result.fill(4);
    linear_.run({pass, shape}, first.data(), second.data(), result.data(), {workspace_.data(), 4096});
  }
};

TEST_P(LinearTest, Forward) {
  run(LinearPass::forward, x_, w_, y_);
  for (std::int64_t n = 0; n < shape.N; ++n) {
    for (std::int64_t o = 0; o < shape.O; ++o) {
      float sum = 0;
      for (std::int64_t i = 0; i < shape.I; ++i) sum += x_[n * shape.I + i] * w_[o * shape.I + i];
      EXPECT_EQ(y_[n * shape.O + o], sum) << n << " " << o;
    }
  }
}

TEST_P(LinearTest, BackwardData) {
  run(LinearPass::backward_data, y_, w_, x_);
  for (std::int64_t n = 0; n < shape.N; ++n) {
    for (std::int64_t i = 0; i < shape.I; ++i) {
      float sum = 0;
      for (std::int64_t o = 0; o < shape.O; ++o) sum += y_[n * shape.O + o] * w_[o * shape.I + i];
      EXPECT_EQ(x_[n * shape.I + i], sum) << n << " " << i;
    }
  }
}

TEST_P(LinearTest, BackwardWeight) {
  run(LinearPass::backward_weight, x_, y_, w_);
  for (std::int64_t o = 0; o < shape.O; ++o) {
    for (std::int64_t i = 0; i < shape.I; ++i) {
      float sum = 0;
      for (std::int64_t n = 0; n < shape.N; ++n) sum += y_[n * shape.O + o] * x_[n * shape.I + i];
      EXPECT_EQ(w_[o * shape.I + i], sum) << o << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Alignment, LinearTest, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Aligned" : "Unaligned"; });

TEST(LinearPlan, WorkspaceSufficesForEveryAlignment) {
  LinearCublasLt linear(fake_library(), nullptr, LibraryPrecision::float32);
  EXPECT_EQ(linear.workspace({LinearPass::forward, shape}), 4096u) << "1024 aligned, 4096 not";
}

TEST(LinearPlan, TooSmallAWorkspaceIsRefused) {
  LinearCublasLt linear(fake_library(), nullptr, LibraryPrecision::float32);
  Floats x(15, true), w(21, true), y(35, true);
  EXPECT_THROW(linear.run({LinearPass::forward, shape}, x.data(), w.data(), y.data(), {x.data(), 1023}), InputError);
}

TEST(LinearPlan, Tf32TakesTensorCores) {
  LinearCublasLt linear(fake_library(), nullptr, LibraryPrecision::tf32);
  Floats x(15, true), w(21, true), y(35, true), workspace(1024, true);
  x.fill(1), w.fill(2);
  linear.run({LinearPass::forward, shape}, x.data(), w.data(), y.data(), {workspace.data(), 4096});
  EXPECT_EQ(y[0], x[0] * w[0] + x[1] * w[1] + x[2] * w[2]);
}

// Operands in bf16, as every pass of a layer asks for it: what is added up leaves as f32 but for a gradient of the input.
class LinearIn16Bits : public ::testing::TestWithParam<bool> {
 protected:
  // Numbers of one tensor, stored as bf16 at a multiple of 256 bytes, or one element further.
  struct Stored {
    Floats numbers, storage;
    bf16_t* data;
    explicit Stored(std::int64_t count, int seed, bool is_aligned)
        : numbers(count, true), storage(count + 1, true), data(reinterpret_cast<bf16_t*>(storage.data())) {
      if (!is_aligned) ++data;
      numbers.fill(seed);
      for (std::int64_t i = 0; i < count; ++i) data[i] = bf16_t(numbers[i]);
    }
  };
  Stored x_{shape.N * shape.I, 1, GetParam()}, w_{shape.O * shape.I, 2, GetParam()},
      dy_{shape.N * shape.O, 3, GetParam()};
  Floats workspace_{1024, true};
  LinearCublasLt linear_{fake_library(), nullptr, LibraryPrecision::float32};

  void run(const LinearTask& task, const Stored& first, const Stored& second, void* result) {
    linear_.run(task, first.data, second.data, result, {workspace_.data(), 4096});
  }
};

TEST_P(LinearIn16Bits, ForwardLeavesSumsInFloat32) {
  Floats y(shape.N * shape.O, true);
  run({.pass = LinearPass::forward, .g = shape, .operands = DType::bf16}, x_, w_, y.data());
  for (std::int64_t n = 0; n < shape.N; ++n) {
    for (std::int64_t o = 0; o < shape.O; ++o) {
      float sum = 0;
      for (std::int64_t i = 0; i < shape.I; ++i) sum += x_.numbers[n * shape.I + i] * w_.numbers[o * shape.I + i];
      EXPECT_EQ(y[n * shape.O + o], sum) << n << " " << o;
    }
  }
}

TEST_P(LinearIn16Bits, BackwardDataIsStoredLikeItsOperands) {
  Stored dx(shape.N * shape.I, 4, GetParam());
  run({.pass = LinearPass::backward_data, .g = shape, .operands = DType::bf16, .result = DType::bf16}, dy_, w_,
      dx.data);
  for (std::int64_t n = 0; n < shape.N; ++n) {
    for (std::int64_t i = 0; i < shape.I; ++i) {
      float sum = 0;
      for (std::int64_t o = 0; o < shape.O; ++o) sum += dy_.numbers[n * shape.O + o] * w_.numbers[o * shape.I + i];
      // The fake cuts off where bf16 has no such number.
      EXPECT_NEAR(static_cast<float>(dx.data[n * shape.I + i]), sum, std::abs(sum) / 128) << n << " " << i;
    }
  }
}

TEST_P(LinearIn16Bits, BackwardWeightIsFloat32) {
  Floats dw(shape.O * shape.I, true);
  run({.pass = LinearPass::backward_weight, .g = shape, .operands = DType::bf16}, x_, dy_, dw.data());
  for (std::int64_t o = 0; o < shape.O; ++o) {
    for (std::int64_t i = 0; i < shape.I; ++i) {
      float sum = 0;
      for (std::int64_t n = 0; n < shape.N; ++n) sum += dy_.numbers[n * shape.O + o] * x_.numbers[n * shape.I + i];
      EXPECT_EQ(dw[o * shape.I + i], sum) << o << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Alignment, LinearIn16Bits, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Aligned" : "Unaligned"; });

TEST(LinearPlan, Float16IsNotTakenAsBfloat16) {
  LinearCublasLt linear(fake_library(), nullptr, LibraryPrecision::float32);
  EXPECT_EQ(linear.workspace({.pass = LinearPass::forward, .g = shape, .operands = DType::f16}), 4096u)
      << "8192 are those of the algorithm with fewer bits";
}

TEST(LinearPlan, NothingInFloat32IsRefusedByName) {
  LinearCublasLt linear(fake_library(), nullptr, LibraryPrecision::float32);
  for (const std::int64_t outputs : {13, 17}) {  // of its rows, the fake library has no plain algorithm, or none at all
    try {
      linear.workspace({LinearPass::forward, {.N = 2, .I = 3, .O = outputs}});
      ADD_FAILURE() << outputs << " outputs were planned";
    } catch (const InputError& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find("engine library: cuBLASLt 13.1.0 has no deterministic float32 algorithm for linear forward "
                          "of 2 samples, 3 inputs, " +
                          std::to_string(outputs)),
                std::string::npos)
          << said;
    }
  }
}

}  // namespace
}  // namespace fovea::cuda
