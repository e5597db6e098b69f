// SPDX-License-Identifier: Apache-2.0
//
// The engine "library": convolutions by cuDNN (library_conv2d.cpp), linear layers by cuBLASLt (library_linear.cpp),
// everything else by the engine "native". Neither library's types appear here, and neither is opened before it is needed.
// docs/library-engine.md tells the rest.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cuda/cudnn/conv2d_cudnn.h"
#include "cuda/cudnn/linear_cublaslt.h"
#include "cuda/cudnn/precision.h"
#include "cuda/native_ops.h"

namespace fovea::cuda {

struct LibraryStatus {
  bool available = false;
  std::string detail;  // versions and files, or why not: every place tried
};

// Opens both libraries if that has not been done yet. Never throws.
LibraryStatus library_status();
// Of both, without their places; where library_status() finds them.
std::string library_versions();

class LibraryOps final : public NativeOps {
 public:
  // Both must outlive this object. Nothing is opened yet.
  LibraryOps(Stream& stream, const DeviceMemory& memory, LibraryPrecision precision = LibraryPrecision::float32)
      : NativeOps(stream, memory, ConvAlgorithm::implicit_gemm), precision_(precision) {}
  ~LibraryOps() override;

  // Which operations are the libraries' own, forward and backward. Throws DeviceError for those when a library is
  // missing: choosing this engine must not end in another one.
  bool provides(std::string_view op, Direction direction) const;
  // In 16 bits convolutions and linear layers end with a ReLU on the way; in f32 our plans for the libraries end with the
  // product: bias and ReLU are kernels of their own.
  bool fuses_relu(std::string_view op, DType dtype) const override {
    return op == "conv2d" || op == "linear" ? is_16_bit(dtype) : NativeOps::fuses_relu(op, dtype);
  }
  bool fuses_relu_backward(std::string_view op) const override {
    return op != "conv2d" && op != "linear" && NativeOps::fuses_relu_backward(op);
  }

  // nhwc for the geometries that are convolved in 16 bits (convolves_16_bits), whatever the device. All others are plain:
  // f32, and 16 bits that are brought to f32 and back within the call.
  Conv2dLayouts conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType dtype, Layout given,
                               bool training) override;
  // Throws InputError when no engine of the library keeps to the precision, deterministically, for this geometry.
  std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) override;
  std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                  Conv2dLayouts layouts) override;
  void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override;
  void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) override;
  std::size_t linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x, DType dtype) override;
  void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                      Workspace workspace) override;
  void linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                           Workspace workspace) override;
  void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                            Workspace workspace) override;
  void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                              Workspace workspace) override;

  // These throw: what the native engine has must not run under this one's name.
  void conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override {
    Conv2dOps::conv2d_backward_data_relu(options, x, dy, w, dx, workspace);
  }
  void linear_backward_data_relu(const LinearOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                 Workspace workspace) override {
    LinearOps::linear_backward_data_relu(options, x, dy, w, dx, workspace);
  }

 private:
  Conv2dCudnn& cudnn();        // on the stream's device; opened on first use
  LinearCublasLt& cublaslt();  // likewise
  std::size_t planned_bytes(const Conv2dTask& task);
  void enqueue_conv2d(const char* name, const Conv2dTask& task, const void* first, const void* second, void* result,
                      Workspace workspace, Conv2dEpilogue epilogue = {});
  void run_conv2d_forward(const char* name, bool relu, const Conv2dOptions& options, const ConstView& x,
                          const ConstView& w, const ConstView& bias, const View& y, const Workspace& workspace);
  void enqueue_linear(const char* name, const LinearTask& task, const void* first, const void* second, void* result,
                      Workspace workspace);
  void run_linear_forward(const char* name, bool relu, const LinearOptions& options, const ConstView& x,
                          const ConstView& w, const ConstView& bias, const View& y, const Workspace& workspace);

  LibraryPrecision precision_;
  std::optional<Conv2dCudnn> cudnn_;
  std::optional<LinearCublasLt> cublaslt_;
};

}  // namespace fovea::cuda
