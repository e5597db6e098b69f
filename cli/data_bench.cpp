// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/data_command.h"
#include "core/data/loader.h"
#include "core/data/open_data.h"
#include "core/io/file.h"
#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea::cli {
namespace {

constexpr std::int64_t kept_files = 512;  // files whose bytes are in memory before the clock runs
constexpr int rounds = 9;                 // of each measurement, by turns

// Work that can be repeated: each call does some samples and says how many.
using Work = std::function<std::int64_t()>;

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Samples a second by `clock`. What one thread can do is told by its processor time, so that other programs on the
// machine do not count; what all threads can do together, by the wall's.
double rate(const Work& work, clockid_t clock, double seconds) {
  const double start = seconds_of(clock);
  std::int64_t samples = 0;
  double passed = 0;
  while (passed < seconds) {
    samples += work();
    passed = seconds_of(clock) - start;
  }
  return static_cast<double>(samples) / passed;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Decoding and resizing files that are in memory, and nothing else; null where samples are no files.
Work decode_alone(const Dataset& data, ImageFit fit, std::int64_t batch) {
  if (data.file(0).empty()) return nullptr;
  struct File {
    std::string path;
    std::vector<std::byte> bytes;
  };
  auto files = std::make_shared<std::vector<File>>();
  const std::int64_t count = std::min(kept_files, data.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string path = data.file(i * data.size() / count);
    files->push_back({path, read_file(path)});
  }
  auto next = std::make_shared<std::size_t>(0);
  return [=, shape = data.sample_shape()] {
    for (std::int64_t i = 0; i < batch; ++i, *next = (*next + 1) % files->size()) {
      const File& file = (*files)[*next];
      fit_image(decode_image(file.path, file.bytes), shape, fit);
    }
    return batch;
  };
}

// Reading samples as the data set does: for files from the disk.
Work read_alone(const Dataset& data, std::int64_t batch) {
  auto next = std::make_shared<std::int64_t>(0);
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(data.sample_shape().elements()));
  auto labels = std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(data.label_shape().elements()));
  return [=, &data] {
    for (std::int64_t i = 0; i < batch; ++i, *next = (*next + 1) % data.size())
      data.read_labels(*next, *pixels, *labels);
    return batch;
  };
}

// The whole way: files, decoding, resizing, augmentation, normalisation, batches.
Work whole_way(const Dataset& data, const LoaderOptions& options) {
  const std::vector<float> ones(static_cast<std::size_t>(data.sample_shape()[0]), 1.0f);
  auto loader = std::make_shared<Loader>(data, Normalization{ones, ones}, options);
  auto step = std::make_shared<std::int64_t>(0);
  return [=] {
    const std::int64_t here = (*step)++;
    Batch batch = loader->batch(here / loader->batches_per_epoch(), here % loader->batches_per_epoch());
    const std::int64_t samples = batch.images.shape()[0];
    loader->recycle(std::move(batch));
    return samples;
  };
}

}  // namespace

int bench_data_command(const DataCommandOptions& o, const DataSplits& splits, Output& out) {
  const std::string split = o.split.empty() ? "train" : o.split;
  const Dataset& data = split == "test" ? *splits.test : *splits.train;
  const std::int64_t batch = std::min(o.batch.value_or(64), data.size());
  LoaderOptions options{.batch = batch,
                        .seed = static_cast<std::uint64_t>(o.seed.value_or(1)),
                        .threads = 0,
                        .unreadable = splits.unreadable};
  if (!o.augment.empty()) options.augmentation = Augmentation::parse(o.augment);
  LoaderOptions threaded = options;
  threaded.threads = thread_count();

  struct Measurement {
    const char *key, *what;
    Work work;
    std::vector<double> rates = {};
  };
  std::vector<Measurement> measurements;
  const ImageFit fit = parse_data_spec(splits.spec, {}).options.fit.value_or(ImageFit::crop);
  if (Work work = decode_alone(data, fit, batch)) {
    measurements.push_back({"decode_and_resize", "decoding and resizing alone, from memory", std::move(work)});
  }
  measurements.push_back({"read", "reading samples", read_alone(data, batch)});
  measurements.push_back({"batches", "the whole way to a batch", whole_way(data, options)});
  // Machines speed up and slow down while they run: all take turns. Threads of loaders would disturb the others, so the
  // last one is measured by itself.
  const double seconds = o.seconds.value_or(2) / rounds;
  for (int round = 0; round < rounds; ++round) {
    for (Measurement& m : measurements) m.rates.push_back(rate(m.work, CLOCK_THREAD_CPUTIME_ID, seconds));
  }
  {
    Measurement all{"batches_threaded", "the whole way, on all threads", whole_way(data, threaded)};
    for (int round = 0; round < rounds; ++round) all.rates.push_back(rate(all.work, CLOCK_MONOTONIC, seconds));
    measurements.push_back(std::move(all));
  }

  out.say(fmt::format("{} ({}): samples {}, batch {}, augmentation {}", splits.spec, split,
                      data.sample_shape().to_string(), batch, o.augment.empty() ? "none" : o.augment));
  Json result{{"data", splits.spec},
              {"split", split},
              {"batch", batch},
              {"augment", o.augment.empty() ? Json() : Json(o.augment)},
              {"threads", threaded.threads}};
  std::vector<std::vector<std::string>> rows{{"", "samples/s", "of the first"}};
  const double first = median(measurements[0].rates);
  for (const Measurement& m : measurements) {
    const double value = median(m.rates);
    result[fmt::format("{}_per_second", m.key)] = value;
    rows.push_back({m.what, fmt::format("{:.0f}", value), percent(value / first)});
  }
  for (const std::string& line : aligned(rows, 1)) out.result(line);
  out.object(result);
  return 0;
}

}  // namespace fovea::cli
