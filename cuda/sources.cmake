# The device layer's sources, relative to this directory. A file added here is compiled for every target it serves.

# Kernels: compiled by nvcc for cuda, and by the host compiler for emu.
set(FOVEA_DEVICE_KERNELS
  kernels/activation.cu
  kernels/adagrad.cu
  kernels/adam.cu
  kernels/adaptive_pool2d.cu
  kernels/add.cu
  kernels/augment_blur.cu
  kernels/augment_color.cu
  kernels/augment_contrast.cu
  kernels/augment_cutout.cu
  kernels/augment_mix.cu
  kernels/augment_noise.cu
  kernels/augment_normalise.cu
  kernels/augment_warp.cu
  kernels/average.cu
  kernels/avg_pool2d.cu
  kernels/batch_norm.cu
  kernels/bias.cu
  kernels/binary_cross_entropy.cu
  kernels/cast.cu
  kernels/concat.cu
  kernels/conv2d_backward_data_direct.cu
  kernels/conv2d_backward_data_implicit_gemm.cu
  kernels/conv2d_backward_filter_direct.cu
  kernels/conv2d_backward_filter_implicit_gemm.cu
  kernels/conv2d_forward_direct.cu
  kernels/conv2d_forward_implicit_gemm.cu
  kernels/distance.cu
  kernels/dropout.cu
  kernels/gemm_tiled.cu
  kernels/gradient_clip.cu
  kernels/halt.cu
  kernels/hinge_loss.cu
  kernels/log_softmax.cu
  kernels/lrn.cu
  kernels/max_pool2d.cu
  kernels/mean_loss.cu
  kernels/mean_squared_error.cu
  kernels/multiply.cu
  kernels/nonfinite.cu
  kernels/one_hot.cu
  kernels/pad.cu
  kernels/prelu.cu
  kernels/relu.cu
  kernels/rmsprop.cu
  kernels/sgd.cu
  kernels/soft_cross_entropy.cu
  kernels/softmax.cu
  kernels/softmax_cross_entropy.cu
  kernels/sum_of_squares.cu
  kernels/tanh.cu
  kernels/upsample2d.cu
)

# Host code of both targets.
set(FOVEA_DEVICE_SOURCES
  arguments.cpp
  device_backend.cpp
  native_activations.cpp
  native_augment.cpp
  native_convolution.cpp
  native_distance.cpp
  native_elementwise.cpp
  native_losses.cpp
  native_normalisation.cpp
  native_optimizers.cpp
  native_pooling.cpp
  native_shapes.cpp
  runtime/device_memory.cpp
  runtime/device_state.cpp
  runtime/launch.cpp
  runtime/pool.cpp
  runtime/recording.cpp
)

# emu only. The emulator's engine is never instrumented by the thread sanitizer: switching fibers from an instrumented
# function corrupts the sanitizer's shadow stack.
set(FOVEA_EMU_ENGINE_SOURCES
  emu/async_copy.cpp
  emu/context.cpp
  emu/engine.cpp
  emu/fault.cpp
  emu/fiber.cpp
  emu/matrix.cpp
  emu/shared_arena.cpp
  emu/warp.cpp
)
set(FOVEA_EMU_SOURCES
  emu/options.cpp
  emu_backend.cpp
  runtime/host_copies_emu.cpp
  runtime/runtime_emu.cpp
)

# cuda only.
set(FOVEA_CUDA_SOURCES
  cuda_backend.cpp
  runtime/cuda_check.cpp
  runtime/host_copies_cuda.cpp
  runtime/runtime_cuda.cpp
)
