// SPDX-License-Identifier: Apache-2.0
#include "core/backend/device_list.h"

#include <fmt/format.h>

#include <charconv>

#include "core/backend/dry_backend.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"
#include "cuda/emu_backend.h"
#if FOVEA_HAVE_CPU
#include "cpu/cpu_backend.h"
#endif
#if FOVEA_HAVE_CUDA
#include "cuda/cuda_backend.h"
#endif

namespace fovea {
namespace {

// One line per device: how it is described and how it is opened; to count only, where a call of an operation is not what
// it counts.
struct Device {
  const char* name;
  DeviceInfo (*info)();
  std::unique_ptr<Backend> (*open)(int index, std::string_view engine);
  std::unique_ptr<Backend> (*open_dry)(int index, std::string_view engine) = nullptr;
};

#if FOVEA_HAVE_CPU
constexpr Device cpu_device{"cpu", cpu_device_info,
                            [](int, std::string_view engine) { return make_cpu_backend(engine); }};
#else
constexpr const char* cpu_not_built = "not built: run scripts/fetch_onednn.sh and configure with -DFOVEA_CPU=ON";
constexpr Device cpu_device{
    "cpu", [] { return DeviceInfo{.name = "cpu", .available = false, .detail = cpu_not_built, .engines = {}}; },
    [](int, std::string_view) -> std::unique_ptr<Backend> {
      throw DeviceError(std::string("device cpu: ") + cpu_not_built);
    }};
#endif

#if FOVEA_HAVE_CUDA
constexpr Device cuda_device{"cuda", cuda_device_info, make_cuda_backend, make_dry_cuda_backend};
#else
constexpr const char* cuda_not_built =
    "not built: configure with nvcc (CUDA Toolkit 12.8 or newer) on PATH and -DFOVEA_CUDA=ON";
constexpr Device cuda_device{
    "cuda", [] { return DeviceInfo{.name = "cuda", .available = false, .detail = cuda_not_built, .engines = {}}; },
    [](int, std::string_view) -> std::unique_ptr<Backend> {
      throw DeviceError(std::string("device cuda: ") + cuda_not_built);
    }};
#endif

std::unique_ptr<Backend> open_reference(int, std::string_view engine) {
  require(engine == "reference" || engine == "native" || engine == "auto", [&] {
    return fmt::format("device reference: expected no engine (it has one, 'reference'), got '{}'", engine);
  });
  return make_reference_backend();
}

std::unique_ptr<Backend> open_emu(int, std::string_view engine) { return make_emu_backend(engine); }
std::unique_ptr<Backend> open_dry_emu(int, std::string_view engine) { return make_dry_emu_backend(engine); }

const Device devices[] = {
    {"reference", reference_device_info, open_reference},
    cpu_device,
    {"emu", emu_device_info, open_emu, open_dry_emu},
    cuda_device,
};

struct Choice {
  const Device& device;
  int index = 0;
  std::string_view engine;
};

Choice find_device(std::string_view spec) {
  const std::size_t colon = spec.find(':');
  std::string_view name = spec.substr(0, colon);
  const std::string_view engine = colon == std::string_view::npos ? "native" : spec.substr(colon + 1);
  int index = 0;
  const std::size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits < name.size()) {
    const auto [end, error] = std::from_chars(name.data() + digits, name.data() + name.size(), index);
    require(error == std::errc() && end == name.data() + name.size(),
            [&] { return fmt::format("device '{}': its number is out of range", spec); });
    require(name.substr(0, digits) == cuda_device.name,
            [&] { return fmt::format("device '{}': only {} devices are numbered", spec, cuda_device.name); });
    name = name.substr(0, digits);
  }
  if (name == "auto") {
    name = "reference";
    for (const Device& fast : {cpu_device, cuda_device})
      if (fast.info().available) name = fast.name;
  }

  std::vector<std::string> names{"auto"};
  for (const Device& device : devices) {
    if (name == device.name) return {device, index, engine};
    names.emplace_back(device.name);
  }
  throw InputError(
      fmt::format("device '{}': expected one of {}{}", spec, fmt::join(names, ", "), did_you_mean(name, names)));
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> list;
  for (const Device& device : devices) list.push_back(device.info());
  return list;
}

std::unique_ptr<Backend> open_device(std::string_view spec) {
  const Choice choice = find_device(spec);
  return choice.device.open(choice.index, choice.engine);
}

std::unique_ptr<Backend> open_dry_device(std::string_view spec) {
  const Choice choice = find_device(spec);
  if (choice.device.open_dry != nullptr) return choice.device.open_dry(choice.index, choice.engine);
  return make_dry_backend(choice.device.open(choice.index, choice.engine));
}

}  // namespace fovea
