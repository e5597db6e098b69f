// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {
namespace {

constexpr Layout all_layouts[] = {Layout::nchw, Layout::nhwc, Layout::nchw8c, Layout::nchw16c};
constexpr std::int64_t odd_channels[] = {1, 3, 6, 8, 15, 16, 17, 20};

// Where the header's formulas find element (n, c, h, w).
std::int64_t offset(const Shape& s, Layout layout, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  const std::int64_t C = s[1], H = s[2], W = s[3];
  if (layout == Layout::nchw) return ((n * C + c) * H + h) * W + w;
  if (layout == Layout::nhwc) return ((n * H + h) * W + w) * C + c;
  const std::int64_t block = layout == Layout::nchw8c ? 8 : 16, B = (C + block - 1) / block;
  return (((n * B + c / block) * H + h) * W + w) * block + c % block;
}

TEST(Layout, StorageElements) {
  struct Row {
    Shape shape;
    Layout layout;
    std::int64_t elements;
  };
  const std::vector<Row> table{
      {{2, 3, 5, 7}, Layout::nchw, 210},     {{2, 3, 5, 7}, Layout::nhwc, 210},   {{2, 3, 5, 7}, Layout::nchw8c, 560},
      {{2, 3, 5, 7}, Layout::nchw16c, 1120}, {{1, 8, 2, 2}, Layout::nchw8c, 32},  {{1, 8, 2, 2}, Layout::nchw16c, 64},
      {{1, 9, 2, 2}, Layout::nchw8c, 64},    {{1, 16, 1, 1}, Layout::nchw8c, 16}, {{1, 17, 1, 1}, Layout::nchw16c, 32},
      {{0, 3, 5, 7}, Layout::nchw8c, 0},     {{4, 9}, Layout::nchw, 36},          {{}, Layout::nchw, 1}};
  for (const auto& [shape, layout, elements] : table)
    EXPECT_EQ(storage_elements(shape, layout), elements) << shape.to_string() << " " << name_of(layout);
}

TEST(Layout, SameBytes) {
  struct Row {
    Shape shape;
    Layout a, b;
    bool same;
    const char* why;
  };
  const std::vector<Row> table{
      {{2, 3, 4, 4}, Layout::nchw, Layout::nchw, true, "itself"},
      {{2, 3, 4, 4}, Layout::nchw16c, Layout::nchw16c, true, "itself, padding included"},
      {{2, 3, 4, 4}, Layout::nchw, Layout::nhwc, false, "channels move"},
      {{2, 1, 4, 4}, Layout::nchw, Layout::nhwc, true, "one channel"},
      {{2, 1, 4, 4}, Layout::nchw, Layout::nchw8c, false, "one channel, padded"},
      {{2, 3, 1, 1}, Layout::nchw, Layout::nhwc, true, "one position"},
      {{2, 3, 1, 1}, Layout::nchw, Layout::nchw8c, false, "one position, padded"},
      {{2, 16, 1, 1}, Layout::nchw, Layout::nchw8c, true, "one position, two full blocks"},
      {{2, 32, 1, 1}, Layout::nchw8c, Layout::nchw16c, true, "one position, full blocks of either kind"},
      {{2, 24, 1, 1}, Layout::nchw8c, Layout::nchw16c, false, "one position, blocks of 16 not full"},
      {{2, 3, 1, 2}, Layout::nchw, Layout::nhwc, false, "two positions"},
      {{2, 8, 4, 4}, Layout::nhwc, Layout::nchw8c, true, "one full block"},
      {{2, 16, 4, 4}, Layout::nhwc, Layout::nchw16c, true, "one full block of 16"},
      {{2, 16, 4, 4}, Layout::nhwc, Layout::nchw8c, false, "two blocks of 8"},
      {{2, 32, 4, 4}, Layout::nhwc, Layout::nchw16c, false, "two blocks of 16"},
      {{2, 6, 4, 4}, Layout::nhwc, Layout::nchw8c, false, "a block that is not full"},
      {{2, 16, 4, 4}, Layout::nchw8c, Layout::nchw16c, false, "as many bytes, other places"},
      {{2, 8, 4, 4}, Layout::nchw, Layout::nchw8c, false, "as many bytes as a full block, other places"}};
  for (const auto& [shape, a, b, same, why] : table) {
    EXPECT_EQ(same_bytes(shape, a, b), same) << shape.to_string() << " " << why;
    EXPECT_EQ(same_bytes(shape, b, a), same) << shape.to_string() << " " << why << ", the other way round";
  }
}

// What same_bytes says, against the formulas, for every small shape.
TEST(Layout, SameBytesIsWhatTheFormulasSay) {
  for (const std::int64_t C : odd_channels)
    for (const Shape& shape : {Shape{1, C, 1, 1}, Shape{2, C, 1, 1}, Shape{1, C, 1, 2}, Shape{2, C, 3, 2}})
      for (const Layout a : all_layouts)
        for (const Layout b : all_layouts) {
          bool same = storage_elements(shape, a) == storage_elements(shape, b);
          for (std::int64_t n = 0; n < shape[0]; ++n)
            for (std::int64_t c = 0; c < C; ++c)
              for (std::int64_t h = 0; h < shape[2]; ++h)
                for (std::int64_t w = 0; w < shape[3]; ++w)
                  same = same && offset(shape, a, n, c, h, w) == offset(shape, b, n, c, h, w);
          EXPECT_EQ(same_bytes(shape, a, b), same) << shape.to_string() << " " << name_of(a) << " " << name_of(b);
        }
}

// Elements that are all different (as far as T can tell), none of them 0.
template <class T>
std::vector<T> numbered(std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(1 + i % 251);
  return values;
}

// From nchw to `layout`: every element where the formula says, zeros everywhere else; and through any other back.
template <class T>
void check_copies(const Shape& shape, Layout layout) {
  const std::vector<T> plain = numbered<T>(shape.elements());
  std::vector<T> expected(static_cast<std::size_t>(storage_elements(shape, layout)), T{0});
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (std::int64_t h = 0; h < shape[2]; ++h)
        for (std::int64_t w = 0; w < shape[3]; ++w)
          expected[static_cast<std::size_t>(offset(shape, layout, n, c, h, w))] =
              plain[static_cast<std::size_t>(offset(shape, Layout::nchw, n, c, h, w))];

  constexpr T old{77};  // what lay there before
  std::vector<T> copied(expected.size(), old);
  copy_layout(shape, sizeof(T), plain.data(), Layout::nchw, copied.data(), layout);
  EXPECT_EQ(copied, expected) << shape.to_string() << " " << name_of(layout);
  for (const Layout other : all_layouts) {
    std::vector<T> between(static_cast<std::size_t>(storage_elements(shape, other)), old), back(plain.size(), old);
    copy_layout(shape, sizeof(T), copied.data(), layout, between.data(), other);
    copy_layout(shape, sizeof(T), between.data(), other, back.data(), Layout::nchw);
    EXPECT_EQ(back, plain) << shape.to_string() << " " << name_of(layout) << " " << name_of(other);
  }
}

TEST(Layout, CopiesGoWhereTheFormulasSayAndBack) {
  for (const std::int64_t C : odd_channels)
    for (const Shape& shape : {Shape{2, C, 3, 5}, Shape{1, C, 1, 1}, Shape{3, C, 1, 2}})
      for (const Layout layout : all_layouts) {
        check_copies<float>(shape, layout);
        check_copies<std::uint16_t>(shape, layout);
        check_copies<std::uint8_t>(shape, layout);
      }
}

template <class F>
std::string message_of(F&& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

TEST(Layout, TensorsChangeTheirLayout) {
  const Tensor plain = Tensor::from<float>({2, 3, 2, 2}, numbered<float>(24));
  const Tensor blocked = plain.in_layout(Layout::nchw8c);
  EXPECT_EQ(blocked.layout(), Layout::nchw8c);
  EXPECT_EQ(blocked.shape(), plain.shape());
  EXPECT_EQ(blocked.bytes(), std::size_t{2 * 8 * 4 * 4});
  EXPECT_EQ(blocked.view().bytes(), blocked.bytes());
  EXPECT_EQ(blocked.elements(), 24);
  const Tensor copy = blocked.to_host(), wide = blocked.converted(DType::f64), back = blocked.in_layout(Layout::nchw);
  EXPECT_EQ(std::memcmp(copy.view().data, blocked.view().data, blocked.bytes()), 0);
  EXPECT_EQ(copy.layout(), Layout::nchw8c);
  EXPECT_EQ(wide.layout(), Layout::nchw8c);
  EXPECT_TRUE(std::ranges::equal(wide.span<double>(), blocked.span<float>()));
  EXPECT_TRUE(std::ranges::equal(back.span<float>(), plain.span<float>()));
}

TEST(Layout, TensorsRefuseWhatHasNoLayout) {
  EXPECT_EQ(message_of([] {
              Tensor t(Shape{2, 3}, DType::f32, host_memory(), Layout::nhwc);
            }),
            "tensor [2, 3]: expected 4 extents for layout nhwc");
  EXPECT_EQ(message_of([] {
              Tensor::zeros({2, 3, 4}).in_layout(Layout::nchw8c);
            }),
            "tensor [2, 3, 4]: expected 4 extents for layout nchw8c");
  EXPECT_EQ(message_of([] { Tensor().in_layout(Layout::nhwc); }), "Tensor::in_layout: expected a host tensor");
  Tensor image = Tensor::zeros({2, 3, 4, 4}).in_layout(Layout::nhwc);
  const std::string refused = "reshape: expected layout nchw, [2, 3, 4, 4] is nhwc";
  EXPECT_EQ(message_of([&] { image.reshaped({2, 48}); }), refused);
  EXPECT_EQ(message_of([&] { image.view().reshaped({2, 48}); }), refused);
  EXPECT_EQ(message_of([&] { std::as_const(image).view().reshaped({2, 48}); }), refused);
  EXPECT_EQ(message_of([&] { image.reshaped({2, 47}); }), "reshape: [2, 3, 4, 4] and [2, 47] differ in size");
  EXPECT_EQ(image.reshaped({2, 3, 4, 4}).layout(), Layout::nhwc) << "its own shape is no change";
}

}  // namespace
}  // namespace fovea
