// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with data, before a net is trained on them.
#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace fovea {

struct SampleName {
  std::string split;  // "train" or "test"
  std::int64_t index = 0;
  std::int32_t label = 0;
  std::string file;  // empty where samples have no files of their own
};

// Samples with the same bytes, as the net would see them.
struct Duplicates {
  std::vector<SampleName> samples;  // train before test, by index
  bool across_classes = false, across_splits = false;
};

struct DataReport {
  struct Split {
    std::string name;
    std::int64_t samples = 0;
    std::vector<std::int64_t> per_class;  // readable ones; empty for data with a label for each position
  };
  std::vector<Split> splits;
  std::vector<std::string> unreadable;  // a message for each sample
  std::vector<Duplicates> duplicates;   // ordered by their first samples
  Normalization normalization;          // of the train split's readable samples; empty when there are none
  std::vector<std::string> problems;    // what a training would suffer from, a line each; empty: sound
  std::vector<std::string> notes;       // what is merely worth knowing
};

// Reads every sample of every split, on all threads.
DataReport check_data(const DataSplits& splits);

}  // namespace fovea
