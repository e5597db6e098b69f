// SPDX-License-Identifier: Apache-2.0
//
// 7. The classifiers of the lecture notes (CS231n) on the same images, in one table: nearest neighbours, linear SVM,
//    softmax, a net of two layers, a convolutional net.
//    Usage: 07_classifiers_compared [SPEC [TRAINING TEST [EPOCHS]]]    e.g. cifar10:data/cifar-10-batches-bin 5000 1000
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "core/backend/device_list.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "core/train/nearest_neighbours.h"
#include "core/train/trainer.h"

namespace {
using namespace fovea;

// The first `samples` of another data set.
class First final : public Dataset {
 public:
  First(const Dataset& all, std::int64_t samples) : all_(all), samples_(samples) {
    require(samples >= 1 && samples <= all.size(),
            [&] { return "expected 1 to " + std::to_string(all.size()) + " images, got " + std::to_string(samples); });
  }
  std::int64_t size() const override { return samples_; }
  Shape sample_shape() const override { return all_.sample_shape(); }
  const std::vector<std::string>& class_names() const override { return all_.class_names(); }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    return all_.read(index, pixels);
  }

 private:
  const Dataset& all_;
  std::int64_t samples_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void row(const char* name, const char* net, std::int64_t parameters, double seconds, double accuracy) {
  std::printf("%-28s %-16s %9lld %7.1f s   %.3f\n", name, net, static_cast<long long>(parameters), seconds, accuracy);
  std::fflush(stdout);
}

void compare_all(const std::string& spec, std::int64_t training, std::int64_t testing, std::int64_t epochs) {
  const DataSplits data = open_data(spec);
  const First train(*data.train, training), test(*data.test, testing);
  const auto device = open_device("auto");
  std::printf("%lld training and %lld test images %s of %lld classes, %lld epochs\n",
              static_cast<long long>(train.size()), static_cast<long long>(test.size()),
              train.sample_shape().to_string().c_str(), static_cast<long long>(train.classes()),
              static_cast<long long>(epochs));
  std::printf("%-28s %-16s %9s %9s   %s\n", "classifier", "net", "numbers", "time", "accuracy");

  auto start = std::chrono::steady_clock::now();
  const NearestNeighbours neighbours(*device, train, train.size(), 5, DistanceNorm::l1);
  const double accuracy = neighbours.accuracy(test, test.size());
  row("5 nearest neighbours (L1)", "-", train.size() * train.sample_shape().elements(), seconds_since(start), accuracy);

  struct Method {
    const char *name, *net;
    double rate;
  };
  const bool colour = train.sample_shape()[0] == 3;
  for (const Method& method :
       {Method{"linear SVM", "svm", 3e-4}, Method{"softmax", "softmax", 1e-3}, Method{"two layers", "mlp", 1e-2},
        Method{"convolutional net", colour ? "convnetjs-cifar" : "lenet5", 1e-2}}) {
    start = std::chrono::steady_clock::now();
    const Model model = make_classifier(load_net(method.net, train.sample_shape(), train.classes()));
    Trainer trainer(model, *device, train, spec,
                    {.epochs = epochs,
                     .batch = 25,
                     .optimizer = {.learning_rate = method.rate, .momentum = 0.9, .weight_decay = 1e-3}});
    trainer.run([](const Progress&) {});
    const Evaluation result = evaluate(model, *device, trainer.weights(), test, trainer.normalization());
    row(method.name, method.net, ParameterLayout::of(model.graph).parameters, seconds_since(start), result.accuracy);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto number = [&](int i, long long otherwise) { return argc > i ? std::atoll(argv[i]) : otherwise; };
    compare_all(argc > 1 ? argv[1] : "digits", number(2, 1000), number(3, 500), number(4, 5));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
