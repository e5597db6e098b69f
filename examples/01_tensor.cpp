// SPDX-License-Identifier: Apache-2.0
//
// 1. A tensor: a shape, an element type, and memory on one device. Devices never mix by themselves; to() is the
//    crossing.
#include <iostream>

#include "core/backend/device_list.h"
#include "core/support/error.h"

int main() {
  using namespace fovea;
  const Tensor image = Tensor::from(Shape{1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});  // N = 1 image, C = 1 channel, H = 2, W = 3
  std::cout << "image: shape " << image.shape().to_string() << ", " << name_of(image.dtype()) << ", " << image.bytes()
            << " bytes on " << image.memory()->device() << "\n";

  // The same bytes under another shape: flattening copies nothing.
  const Tensor flat = image.reshaped(Shape{1, 6});
  const bool shared = flat.span<float>().data() == image.span<float>().data();
  std::cout << "flat: shape " << flat.shape().to_string() << ", the same bytes: " << (shared ? "yes" : "no") << "\n";

  // To a device and back. "emu" runs GPU kernels on the host, and keeps a memory of its own.
  const auto emu = open_device("emu");
  const Tensor copy = image.to(emu->memory());
  std::cout << "copy: on " << copy.memory()->device() << "\n";
  try {
    copy.span<float>();
  } catch (const InputError& error) {
    std::cout << "reading it here is an error: " << error.what() << "\n";
  }
  const Tensor back = copy.to_host();
  std::cout << "back:";
  for (const float value : back.span<float>()) std::cout << " " << value;
  std::cout << "\n";
}
