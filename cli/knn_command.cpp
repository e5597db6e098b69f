// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/net_and_data.h"
#include "core/support/error.h"
#include "core/train/nearest_neighbours.h"

namespace fovea::cli {
namespace {

struct KnnFlags {
  std::string data, norm = "l2";
  std::int64_t k = 5;
  std::optional<std::int64_t> train, test;
  DeviceOptions device;
};

// How many images to use of a split: as asked for, or all.
std::int64_t images_of(const std::string& option, const std::optional<std::int64_t>& asked, const Dataset& split,
                       const std::string& spec) {
  require(!asked || *asked <= split.size(), [&] {
    return fmt::format("{}: expected at most {} (the images of '{}'), got {}", option, split.size(), spec, *asked);
  });
  return asked.value_or(split.size());
}

int run_knn(const KnnFlags& options, Output& out) {
  const DataSplits splits = open_data(options.data);
  const std::int64_t train = images_of("--train", options.train, *splits.train, options.data);
  const std::int64_t test = images_of("--test", options.test, *splits.test, options.data);
  require(options.k <= train,
          [&] { return fmt::format("--k: expected at most {} (the training images), got {}", train, options.k); });
  const std::unique_ptr<Backend> backend = open(options.device);
  const DistanceNorm norm = options.norm == "l1" ? DistanceNorm::l1 : DistanceNorm::l2;
  out.say(fmt::format("{} test images against {} training images of {}, k = {}, {} on {}", grouped(test),
                      grouped(train), options.data, options.k, options.norm, backend->name()));
  const NearestNeighbours neighbours(*backend, *splits.train, train, options.k, norm);

  const auto start = std::chrono::steady_clock::now();
  const double accuracy = neighbours.accuracy(*splits.test, test);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double speed = static_cast<double>(test) / seconds;
  out.say(fmt::format("{} images/s", grouped(static_cast<std::int64_t>(speed))));
  out.result(fmt::format("test accuracy: {}", percent(accuracy)));
  out.object({{"accuracy", accuracy},
              {"k", options.k},
              {"norm", options.norm},
              {"train_images", train},
              {"test_images", test},
              {"device", device_of(*backend)},
              {"engine", engine_of(*backend)},
              {"images_per_second", speed}});
  return 0;
}

}  // namespace

Run declare_knn(Arguments& arguments) {
  auto options = std::make_shared<KnnFlags>();
  arguments.text("--data", options->data, "SPEC", data_help, Presence::required);
  arguments.integer("--k", options->k, {1}, "Neighbours that vote");
  arguments.choice("--norm", options->norm, {"l2", "l1"}, "Sum of squared differences, or of absolute ones");
  arguments.integer("--train", options->train, {1}, "Training images to compare with, the first N; default: all");
  arguments.integer("--test", options->test, {1}, "Test images to classify, the first N; default: all");
  declare(arguments, options->device);
  arguments.footer(
      "Nothing is trained: each test image gets the label that most of its K nearest training images have. Pixels are\n"
      "compared as they are, every test image with every training image, so the work is the product of both "
      "numbers.\n\n"
      "Examples:\n"
      "  fovea knn --data digits --train 5000 --test 500\n"
      "  fovea knn --data mnist:data/mnist --k 3 --norm l1 --device cuda --json");
  return [options](Output& out) { return run_knn(*options, out); };
}

}  // namespace fovea::cli
