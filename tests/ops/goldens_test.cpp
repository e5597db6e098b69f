// SPDX-License-Identifier: Apache-2.0
//
// Every layer type and loss against PyTorch: the reference in float64, every device in float32, both directions.
#include <algorithm>
#include <cctype>
#include <set>

#include "core/graph/layer_types.h"
#include "tests/goldens/golden_case.h"
#include "tests/support/device_test.h"

namespace fovea::test {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr std::size_t least_cases = 10;

AssertionResult every_type_has_goldens(Backend&) {
  std::map<std::string, std::size_t> golden;
  for (const GoldenFile& file : golden_files()) {
    golden[file.type] = std::set<std::string>(file.cases.begin(), file.cases.end()).size();
    if (file.torch.empty()) return AssertionFailure() << file.type << ": PyTorch's version is not recorded";
  }
  LayerTypes types = LayerTypes::builtin();
  types.add(LayerTypes::losses());
  for (const auto& [type, factory] : types.all())
    if (golden[type] < least_cases)
      return AssertionFailure() << type << ": " << golden[type] << " golden cases, at least " << least_cases;
  return AssertionSuccess();
}

// A wrong number in a golden must be noticed in every kind of tensor.
AssertionResult finds_moved_goldens(Backend& device) {
  const GoldenCase right = golden_case("linear", "Vectors");
  const auto moved = [](Tensor& t) {
    t = t.to_host();
    t.span<double>()[1] += 0x1p-10;
  };
  std::vector<GoldenCase> wrong(4, right);
  moved(wrong[0].output);
  moved(wrong[1].input_gradients[0]);
  moved(wrong[2].parameter_gradients[0]);
  moved(wrong[3].parameter_gradients[1]);
  wrong.push_back(golden_case("batch_norm", "Images"));
  moved(wrong.back().state_after[0]);
  wrong.push_back(golden_case("flatten", "Case3"));
  moved(wrong.back().output);
  wrong.push_back(golden_case("relu", "Image"));
  moved(wrong.back().input_gradients[0]);
  for (std::size_t i = 0; i < wrong.size(); ++i)
    for (const DType dtype : {DType::f64, DType::f32})
      if (check_golden(device, wrong[i], dtype, false)) return AssertionFailure() << "wrong golden " << i << " passed";
  return check_golden(device, right, DType::f32, false);
}

// "max_pool2d" as "MaxPool2d".
std::string camel_case(const std::string& type) {
  std::string name;
  bool start = true;
  for (const char c : type) {
    if (c != '_') name += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    start = c == '_';
  }
  return name;
}

bool register_goldens() {
  const TestDevice reference = test_devices("reference").front();
  const std::string suite = "All/GoldensTest";
  register_device_test(suite, "EveryType", reference, "HasGoldens", every_type_has_goldens, "");
  register_device_test(suite, "WrongGoldens", reference, "AreFound", finds_moved_goldens, "");
  for (const GoldenFile& file : golden_files())
    for (const std::string& name : file.cases) {
      const std::string type = file.type;
      const auto checked = [=](DType dtype) {
        return [=](Backend& device) {
          return check_golden(device, golden_case(type, name), dtype, device.name() == "reference");
        };
      };
      register_device_test(suite, camel_case(type) + "Float64", reference, name, checked(DType::f64), "");
      for (const TestDevice& device : test_devices(FOVEA_TEST_DEVICES))
        register_device_test(suite, camel_case(type), device, name, checked(DType::f32), "");
    }
  return true;
}

const bool registered = register_goldens();

}  // namespace
}  // namespace fovea::test
