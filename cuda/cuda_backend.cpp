// SPDX-License-Identifier: Apache-2.0
#include "cuda/cuda_backend.h"

#include <cuda_runtime_api.h>
#include <fmt/core.h>

#include "core/support/error.h"
#include "cuda/device_backend.h"
#include "cuda/runtime/dry.h"
#if FOVEA_HAVE_LIBRARY_ENGINE
#include "cuda/cudnn/library_ops.h"
#endif

namespace fovea {
namespace {

struct Gpus {
  int count = 0;
  std::string problem;  // why there are none
};

Gpus find_gpus() {
  Gpus gpus;
  const cudaError_t code = cudaGetDeviceCount(&gpus.count);
  if (code != cudaSuccess) {
    cudaGetLastError();  // not a fault of anybody's later call
    gpus.count = 0;
    gpus.problem = fmt::format("no usable GPU: {} ({})", cudaGetErrorString(code), cudaGetErrorName(code));
  } else if (gpus.count == 0) {
    gpus.problem = "no usable GPU: the driver lists none (CUDA_VISIBLE_DEVICES may hide them)";
  }
  return gpus;
}

std::string describe(int device) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) {
    cudaGetLastError();
    return fmt::format("GPU {}", device);
  }
  return fmt::format("{}: {} (sm_{}{}, {} multiprocessors, {} MiB)", device, properties.name, properties.major,
                     properties.minor, properties.multiProcessorCount, properties.totalGlobalMem >> 20);
}

EngineInfo library_info() {
#if FOVEA_HAVE_LIBRARY_ENGINE
  const cuda::LibraryStatus status = cuda::library_status();
  return {"library", status.available, status.detail, {Precision::fp32, Precision::bf16, Precision::fp16}};
#else
  return {"library",
          false,
          "not built: run scripts/fetch_cudnn_frontend.sh and configure again, with -DFOVEA_CUDNN=ON to learn what is "
          "missing",
          {Precision::fp32, Precision::bf16, Precision::fp16}};
#endif
}

// Of the first GPU.
EngineInfo fp32x3_info(int gpus) {
  cudaDeviceProp properties{};
  const bool known = gpus > 0 && cudaGetDeviceProperties(&properties, 0) == cudaSuccess;
  const bool available = known && properties.major >= 8;
  return {std::string(fp32x3_engine),
          available,
          available ? "native, with float32 in three products of tf32 on tensor cores"
          : known   ? "needs the tensor cores of sm_80 or newer"
                    : "no GPU",
          {Precision::fp32x3}};
}

// The engines beside our own kernels. They cost nothing until a layer uses them.
std::vector<cuda::DeviceBackend::Engine> library_engines(cuda::Stream& stream, const cuda::DeviceMemory& memory) {
  std::vector<cuda::DeviceBackend::Engine> engines;
#if FOVEA_HAVE_LIBRARY_ENGINE
  const auto add = [&](const char* name, cuda::LibraryPrecision precision) {
    auto ops = std::make_unique<cuda::LibraryOps>(stream, memory, precision);
    const cuda::LibraryOps* library = ops.get();
    engines.push_back({name, std::move(ops), [library](std::string_view op, Direction direction) {
                         return library->provides(op, direction);
                       }});
  };
  add("library", cuda::LibraryPrecision::float32);
  add("library-tf32", cuda::LibraryPrecision::tf32);
#else
  (void)stream, (void)memory;
#endif
  return engines;
}

std::string runtime_text() {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const std::string text = fmt::format("CUDA runtime {}.{}", runtime / 1000, runtime % 1000 / 10);
  return text + (driver ? fmt::format(", driver for CUDA {}.{}", driver / 1000, driver % 1000 / 10) : ", no driver");
}

// The GPU without its number, which says nothing about its speed.
std::string hardware_text(int device) {
  const std::string gpu = describe(device);
  return gpu.substr(gpu.find(": ") == std::string::npos ? 0 : gpu.find(": ") + 2) + "; " + runtime_text();
}

// What "auto" chooses among. Without the libraries that is native alone; `fovea devices` says why.
cuda::MeasuredEngines measured_on(int device) {
  cuda::MeasuredEngines measured{{"native"}, hardware_text(device)};
#if FOVEA_HAVE_LIBRARY_ENGINE
  if (cuda::library_status().available) {
    measured.names.push_back("library");
    measured.hardware += "; " + cuda::library_versions();
  }
#endif
  return measured;
}

std::unique_ptr<Backend> open_gpu(int index, std::string_view engine, bool dry) {
  const Gpus gpus = find_gpus();
  if (gpus.count == 0) throw DeviceError("device cuda: " + gpus.problem);
  require(index >= 0 && index < gpus.count,
          [&] { return fmt::format("device cuda{}: expected a number from 0 to {}", index, gpus.count - 1); });
  if (engine == "library" || engine == "library-tf32") {
    const EngineInfo info = library_info();
    if (!info.available) throw DeviceError(fmt::format("device cuda, engine {}: {}", engine, info.detail));
  }
  const std::string name = (index == 0 ? "cuda" : "cuda" + std::to_string(index)) + ":" + std::string(engine);
  const bool measures = engine == "auto";
  cuda::Stream stream(index);
  if (dry) cuda::count_only(stream);
  return std::make_unique<cuda::DeviceBackend>(name, std::move(stream), std::string(measures ? "native" : engine),
                                               library_engines,
                                               measures ? measured_on(index) : cuda::MeasuredEngines{});
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(int index, std::string_view engine) {
  return open_gpu(index, engine, false);
}

std::unique_ptr<Backend> make_dry_cuda_backend(int index, std::string_view engine) {
  return open_gpu(index, engine, true);
}

DeviceInfo cuda_device_info() {
  const Gpus gpus = find_gpus();
  std::string detail = gpus.problem;
  for (int i = 0; i < gpus.count; ++i) detail += (i ? "; " : "") + describe(i);
  detail += "; " + runtime_text();
  const bool available = gpus.count > 0;
  EngineInfo library = library_info();
  if (library.available && !available) library.available = false, library.detail = "no GPU; " + library.detail;
  const std::vector<Precision> precisions{Precision::fp32, Precision::bf16, Precision::fp16};
  return {.name = "cuda",
          .available = available,
          .detail = detail,
          .engines = {{"native", available, available ? "tiled kernels" : "no GPU", precisions},
                      {"direct", available,
                       available ? "textbook kernels for convolutions and linear layers; the rest is native" : "no GPU",
                       precisions},
                      fp32x3_info(gpus.count),
                      library,
                      {"library-tf32",
                       library.available,
                       library.available ? "library, with tensor cores that round factors to TF32" : "as library",
                       {Precision::tf32}}}};
}

}  // namespace fovea
