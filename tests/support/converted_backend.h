// SPDX-License-Identifier: Apache-2.0
//
// A host device seen through conversions of layout: images come in any layout, reach the inner device's engine in one
// of the test's choice and go back. Tests use it both ways: to run the tables of cases, which are nchw, on an engine in
// another layout; and to make plans with layouts for the reference, which knows nchw only.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "core/backend/backend.h"

namespace fovea::test {

struct ConvertedOptions {
  // How the inner engine gets its images; of convolutions it is asked which layouts it wants, coming from this one.
  Layout inside = Layout::nchw;
  std::optional<Conv2dLayouts> inside_conv2d = {};  // instead of what the engine wants
  // What plans are told (core/ops/layout.h): plain by default. Convolutions ask for each of their images, or get this.
  std::function<Layout(Layout given)> wanted = [](Layout) { return Layout::nchw; };
  std::optional<Conv2dLayouts> wanted_conv2d = {};
  bool fuses_relu = false, fuses_relu_backward = false, works_in_place = false;
};

// `inner` must outlive the result. Every image of the inner engine lies between guard zones, and its output starts as
// NaN. Throws Error when the engine writes outside of an output, or leaves padding that is not 0; when the caller's
// images do not lie alike.
std::unique_ptr<Backend> make_converted_backend(Backend& inner, ConvertedOptions options);

}  // namespace fovea::test
