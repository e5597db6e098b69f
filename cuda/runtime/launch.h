// SPDX-License-Identifier: Apache-2.0
//
// The only way to run a kernel:
//
//   launch(stream, "relu_forward", relu_forward_kernel, dim3(blocks), dim3(256), 0, count, x, y);
//
// Checks the configuration, counts the launch, names it to the profiler, and reports errors: LaunchError for a bad
// configuration, KernelFaultError for a rule broken inside (emu, or FOVEA_SYNC=1), DeviceLostError after a fault.
// `name` must be a literal. Arguments are converted to the kernel's parameter types and passed by value.
#pragma once
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>

#include "cuda/runtime/dim3.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

namespace detail {

// `arguments`: cuda: one pointer per parameter; emu: one pointer to what `invoke` understands, and `keep` copies that for
// a recording.
void launch_checked(Stream& stream, const char* name, const void* kernel, dim3 grid, dim3 block,
                    std::size_t dynamic_shared_bytes, void (*invoke)(void*), std::shared_ptr<void> (*keep)(const void*),
                    void** arguments);
void allow_dynamic_shared(Stream& stream, const void* kernel, std::size_t bytes);
bool compiled_for_sm80(Stream& stream, const void* kernel);

}  // namespace detail

template <class... Parameters, class... Arguments>
void launch(Stream& stream, const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            std::size_t dynamic_shared_bytes, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "one argument per kernel parameter");
#if FOVEA_EMU
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> values;
  } call{kernel, std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)};
  void* argument = &call;
  const auto invoke = [](void* context) {
    Call& self = *static_cast<Call*>(context);
    std::apply(self.kernel, self.values);
  };
  const auto keep = [](const void* context) -> std::shared_ptr<void> {
    return std::make_shared<Call>(*static_cast<const Call*>(context));
  };
  detail::launch_checked(stream, name, reinterpret_cast<const void*>(kernel), grid, block, dynamic_shared_bytes, invoke,
                         keep, &argument);
#else
  std::tuple<Parameters...> values(std::forward<Arguments>(arguments)...);
  std::apply(
      [&](Parameters&... value) {
        void* pointers[sizeof...(Parameters) + 1] = {const_cast<void*>(static_cast<const volatile void*>(&value))...};
        detail::launch_checked(stream, name, reinterpret_cast<const void*>(kernel), grid, block, dynamic_shared_bytes,
                               nullptr, nullptr, pointers);
      },
      values);
#endif
}

// Lets `kernel` be launched on this stream's device with up to `bytes` of dynamic shared memory, beyond the default
// of 48 KiB. Throws LaunchError beyond limits().shared_bytes_opt_in.
template <class... Parameters>
void allow_dynamic_shared(Stream& stream, void (*kernel)(Parameters...), std::size_t bytes) {
  detail::allow_dynamic_shared(stream, reinterpret_cast<const void*>(kernel), bytes);
}

// Whether `kernel`, in the form that this stream's device would run, has the instructions of sm_80 (sm80.cuh), or is the
// trap that stands for them. A new device is not enough: it may run what was compiled for an old one.
template <class... Parameters>
bool compiled_for_sm80(Stream& stream, void (*kernel)(Parameters...)) {
  return detail::compiled_for_sm80(stream, reinterpret_cast<const void*>(kernel));
}

}  // namespace fovea::FOVEA_TARGET
