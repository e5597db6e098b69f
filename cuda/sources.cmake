# The device layer's sources, relative to this directory. A file added here is compiled for every target it serves.

# Kernels: compiled by nvcc for cuda, and by the host compiler for emu.
set(FOVEA_DEVICE_KERNELS
)

# Host code of both targets.
set(FOVEA_DEVICE_SOURCES
  runtime/device_memory.cpp
  runtime/device_state.cpp
  runtime/launch.cpp
  runtime/pool.cpp
)

# emu only. The emulator's engine is never instrumented by the thread sanitizer: switching fibers from an instrumented
# function corrupts the sanitizer's shadow stack.
set(FOVEA_EMU_ENGINE_SOURCES
  emu/context.cpp
  emu/engine.cpp
  emu/fault.cpp
  emu/fiber.cpp
  emu/shared_arena.cpp
  emu/warp.cpp
)
set(FOVEA_EMU_SOURCES
  emu/options.cpp
  runtime/runtime_emu.cpp
)

# cuda only.
set(FOVEA_CUDA_SOURCES
  runtime/cuda_check.cpp
  runtime/runtime_cuda.cpp
)
