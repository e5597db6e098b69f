// SPDX-License-Identifier: Apache-2.0
#include "cli/roofline.h"

#include <algorithm>

namespace fovea::cli {
namespace {

// NVIDIA's data sheets of the SXM modules, without sparsity: float32 on the ordinary cores, the rest on tensor cores.
struct Hardware {
  double fp32, tf32, sixteen_bits;  // FLOP/s
  double bytes_per_second;

  double flops_per_second(Precision precision) const {
    if (is_16_bit(storage_of(precision))) return sixteen_bits;
    if (precision == Precision::fp32x3) return tf32 / 3;
    return precision == Precision::tf32 ? tf32 : fp32;
  }
};
constexpr Hardware h100{66.9e12, 494.7e12, 989.4e12, 3.35e12}, h200{66.9e12, 494.7e12, 989.4e12, 4.8e12};

}  // namespace

std::optional<double> Roofline::seconds(std::int64_t flops, std::int64_t bytes) const {
  double least = 0;
  if (flops_per_second) least = static_cast<double>(flops) / *flops_per_second;
  if (bytes_per_second) least = std::max(least, static_cast<double>(bytes) / *bytes_per_second);
  if (least > 0) return least;
  return std::nullopt;
}

void declare(Arguments& arguments, RooflineOptions& options) {
  arguments.real("--ceiling-flops", options.flops, {.low = 1}, "FLOP/s that the device reaches, for roofline_us");
  arguments.real("--ceiling-bandwidth", options.bandwidth, {.low = 1}, "Bytes/s likewise, read and written together");
  arguments.choice("--hardware", options.hardware, {"h100", "h200"},
                   "Take ceilings that are not given from this GPU's data sheet");
}

Roofline roofline_of(const RooflineOptions& options, Precision precision) {
  Roofline roofline;
  if (!options.hardware.empty()) {
    const Hardware& hardware = options.hardware == "h100" ? h100 : h200;
    roofline.flops_per_second = hardware.flops_per_second(precision);
    roofline.bytes_per_second = hardware.bytes_per_second;
  }
  if (options.flops) roofline.flops_per_second = options.flops;
  if (options.bandwidth) roofline.bytes_per_second = options.bandwidth;
  return roofline;
}

}  // namespace fovea::cli
