// SPDX-License-Identifier: Apache-2.0
//
// A data specification: KIND[:ARGUMENTS][@SIZE][#OPTION=VALUE]...
//
//   folder:photos@128#holdout=5          images scaled to 3x128x128, every 5th file of a class for testing
//   cifar10:DIR#classes=cat,dog#per-class=100
//
// SIZE is S (3xSxS), HxW (3xHxW) or CxHxW, C = 1 or 3; `folder` and `list` take it. docs/data.md has all of it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/data/dataset.h"
#include "core/io/image.h"

namespace fovea {

struct DataOptions {
  std::optional<std::int64_t> holdout = {};   // every Nth sample of a class, from its first, is for testing; at least 2
  std::optional<Shape> size = {};             // the shape of the samples
  std::optional<ImageFit> fit = {};           // crop unless given
  std::optional<Unreadable> unreadable = {};  // fail unless given
  std::optional<std::string> classes = {};    // keep these, by name or number, and label them 0, 1, ... in this order
  std::optional<std::int64_t> per_class = {};  // keep the first N training samples of each class
  bool one_split = false;                      // data that are not split become the train split alone
};

// As open_data(spec); what the specification says itself must not be given in `options` too.
DataSplits open_data(std::string_view spec, const DataOptions& options);

struct DataSpec {
  std::string kind, arguments;  // "folder", "photos"
  bool has_arguments = false;   // a colon follows the kind
  DataOptions options;
};
// Takes a specification apart. Throws InputError: an unknown or repeated option, a bad value.
DataSpec parse_data_spec(std::string_view spec, const DataOptions& options);

// "128", "96x128" or "3x96x128" as {C, H, W}. Throws InputError that starts with `what`.
Shape parse_sample_size(const std::string& what, std::string_view text);

}  // namespace fovea
