// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/conv2d_cudnn.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/support/error.h"
#include "cuda/cudnn/cudnn_loader.h"

// cudnn-frontend is header-only and calls cuDNN through `cudnn_dlhandle` below. Its namespace gets a name of ours, so
// that a program that uses another version of it, or links cuDNN, can link Fovea as well.
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#define cudnn_frontend fovea_cudnn_frontend
#include <cudnn_frontend.h>

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;
}

namespace fovea::cuda {

namespace {

namespace fe = cudnn_frontend;
using Extents = std::vector<std::int64_t>;

enum Uid : std::int64_t { uid_x = 1, uid_w, uid_y, uid_bias, uid_least };  // dx, dw, dy take the places of x, w, y

const char* name_of(Conv2dPass pass) {
  switch (pass) {
    case Conv2dPass::forward:
      return "forward";
    case Conv2dPass::backward_data:
      return "backward_data";
    case Conv2dPass::backward_filter:
      return "backward_filter";
  }
  return "";
}

std::string describe(const Conv2dTask& task) {
  const Conv2dGeometry& g = task.g;
  return fmt::format(
      "conv2d {}{} in {} {} of input {}x{}x{}x{}, filters {}x{}x{}x{}, output {}x{}, stride {}x{}, padding {},{} "
      "dilation {}x{} groups {}",
      name_of(task.pass), task.epilogue ? " with bias" : "", name_of(task.dtype), name_of(task.layout), g.N, g.C, g.H,
      g.W, g.K, g.C / g.groups, g.R, g.S, g.P, g.Q, g.stride_h, g.stride_w, g.pad_top, g.pad_left, g.dilation_h,
      g.dilation_w, g.groups);
}

[[noreturn]] void fail(const std::string& doing, const std::string& reason) {
  throw DeviceError(fmt::format("cuDNN {} failed: {}: {}", cudnn_library().version, doing, reason));
}

void check(fe::error_t status, const std::string& doing) {
  if (status.is_bad()) fail(doing, status.get_message());
}

// Padding below and to the right. The geometry knows the output's extent instead; more than one padding can give it,
// and the symmetric one is what most engines want.
std::int64_t padding_after(std::int64_t in, std::int64_t before, std::int64_t window, std::int64_t stride,
                           std::int64_t out) {
  if ((in + 2 * before - window) / stride + 1 == out) return before;
  return std::max<std::int64_t>(0, (out - 1) * stride + window - in - before);
}

Extents paddings_before(const Conv2dGeometry& g) { return {g.pad_top, g.pad_left}; }
Extents paddings_after(const Conv2dGeometry& g) {
  return {padding_after(g.H, g.pad_top, g.dilation_h * (g.R - 1) + 1, g.stride_h, g.P),
          padding_after(g.W, g.pad_left, g.dilation_w * (g.S - 1) + 1, g.stride_w, g.Q)};
}
bool paddings_differ(const Conv2dGeometry& g) { return paddings_before(g) != paddings_after(g); }

template <class Attributes>
Attributes convolution(const Conv2dGeometry& g) {
  Attributes attributes;
  attributes.set_pre_padding(paddings_before(g))
      .set_post_padding(paddings_after(g))
      .set_stride({g.stride_h, g.stride_w})
      .set_dilation({g.dilation_h, g.dilation_w})
      .set_convolution_mode(fe::ConvolutionMode_t::CROSS_CORRELATION);
  return attributes;
}

Extents strides(Layout layout, const Extents& dim) {
  if (layout == Layout::nhwc) return {dim[1] * dim[2] * dim[3], 1, dim[3] * dim[1], dim[1]};
  return {dim[1] * dim[2] * dim[3], dim[2] * dim[3], dim[3], 1};
}

fe::DataType_t type_of(DType dtype) {
  if (dtype == DType::bf16) return fe::DataType_t::BFLOAT16;
  return dtype == DType::f16 ? fe::DataType_t::HALF : fe::DataType_t::FLOAT;
}

// Plain views of f32 may begin at any element; the rest may not, for tensor cores' sake.
std::int64_t alignment_of(const Conv2dTask& task) {
  const bool plain = task.dtype == DType::f32 && task.layout == Layout::nchw;
  return static_cast<std::int64_t>(plain ? alignof(float) : conv2d_alignment);
}

fe::graph::Tensor_attributes tensor(Uid uid, const Extents& dim, const Conv2dTask& task) {
  return fe::graph::Tensor_attributes()
      .set_uid(uid)
      .set_dim(dim)
      .set_stride(strides(task.layout, dim))
      .set_data_type(type_of(task.dtype))
      .set_alignment(alignment_of(task));
}

using Node = std::shared_ptr<fe::graph::Tensor_attributes>;

fe::graph::Pointwise_attributes pointwise(fe::PointwiseMode_t mode) {
  return fe::graph::Pointwise_attributes().set_mode(mode).set_compute_data_type(fe::DataType_t::FLOAT);
}

// y = v <= least ? least : v with v = conv + bias. Not cuDNN's own ReLU, which does not say what it makes of NaN.
Node epilogue(fe::graph::Graph& graph, const Node& conv, const Conv2dTask& task) {
  const Node bias = graph.tensor(
      tensor(uid_bias, {1, task.g.K, 1, 1}, task).set_data_type(fe::DataType_t::FLOAT).set_alignment(alignof(float)));
  const Node least = graph.tensor(
      tensor(uid_least, {1, 1, 1, 1}, task).set_data_type(fe::DataType_t::FLOAT).set_is_pass_by_value(true));
  const Node sum = graph.pointwise(conv, bias, pointwise(fe::PointwiseMode_t::ADD));
  const Node below = graph.pointwise(sum, least, pointwise(fe::PointwiseMode_t::CMP_LE));
  below->set_data_type(fe::DataType_t::BOOLEAN);
  return graph.pointwise(least, sum, below, pointwise(fe::PointwiseMode_t::BINARY_SELECT));
}

struct Graph {
  fe::graph::Graph graph;
  std::int64_t plan = 0;  // of those that cuDNN ranks
  Conv2dPlanInfo info;
};

// One convolution as a graph, checked but not yet planned.
void describe_graph(fe::graph::Graph& graph, const Conv2dTask& task) {
  const Conv2dGeometry& g = task.g;
  const Extents x{g.N, g.C, g.H, g.W}, w{g.K, g.C / g.groups, g.R, g.S}, y{g.N, g.K, g.P, g.Q};
  graph.set_io_data_type(type_of(task.dtype))
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  Node result;
  switch (task.pass) {
    case Conv2dPass::forward:
      result = graph.conv_fprop(graph.tensor(tensor(uid_x, x, task)), graph.tensor(tensor(uid_w, w, task)),
                                convolution<fe::graph::Conv_fprop_attributes>(g));
      if (task.epilogue) result = epilogue(graph, result, task);
      *result = tensor(uid_y, y, task);
      break;
    case Conv2dPass::backward_data:
      result = graph.conv_dgrad(graph.tensor(tensor(uid_y, y, task)), graph.tensor(tensor(uid_w, w, task)),
                                convolution<fe::graph::Conv_dgrad_attributes>(g));
      *result = tensor(uid_x, x, task);
      break;
    case Conv2dPass::backward_filter:
      result = graph.conv_wgrad(graph.tensor(tensor(uid_y, y, task)), graph.tensor(tensor(uid_x, x, task)),
                                convolution<fe::graph::Conv_wgrad_attributes>(g));
      *result = tensor(uid_w, w, task);
      break;
  }
  result->set_output(true);
  check(graph.validate(), "checking " + describe(task));
}

// Numbers of 16 bits lose nothing on tensor cores, but in transforms and in sums of fewer bits as any others.
bool holds_16_bits(const Conv2dTask& task) { return task.fits_tf32 || is_16_bit(task.dtype); }

std::vector<fe::NumericalNote_t> unwanted(LibraryPrecision precision, const Conv2dTask& task) {
  using Note = fe::NumericalNote_t;
  std::vector<Note> notes{Note::NONDETERMINISTIC};
  if (!holds_16_bits(task) && precision == LibraryPrecision::tf32) return notes;
  notes.insert(notes.end(), {Note::DOWN_CONVERT_INPUTS, Note::REDUCED_PRECISION_REDUCTION, Note::FFT, Note::WINOGRAD,
                             Note::WINOGRAD_TILE_4x4, Note::WINOGRAD_TILE_6x6, Note::WINOGRAD_TILE_13x13});
  if (!holds_16_bits(task)) notes.push_back(Note::TENSOR_CORE);
  return notes;
}

std::string rule_of(LibraryPrecision precision, const Conv2dTask& task) {
  const bool rounds = !holds_16_bits(task) && precision == LibraryPrecision::tf32;
  return rounds ? "deterministic" : "deterministic " + std::string(holds_16_bits(task) ? "full-precision" : "float32");
}

// "eng17_k25=0" is engine 17 with its knobs.
bool is_engine(const std::string& name, std::string_view engine) {
  return name.starts_with(engine) && (name.size() == engine.size() || name[engine.size()] == '_');
}

// Engines that claim a gradient and get it wrong, found by the tests on an H100 with cuDNN 9.14. Of filters: engine 17
// transforms its inputs as Winograd's do, without their note (5x5 filters: errors of 1 %); engine 1 reads past the image
// where the padding before it is not the padding behind it. Of images: in f16 with three channels engine 2 errs twice as much
// as all the others, beyond the bound; it is left out in 16 bits altogether.
bool is_wrong(const std::string& engine, const Conv2dTask& task) {
  if (task.pass == Conv2dPass::backward_data && is_16_bit(task.dtype)) return is_engine(engine, "eng2");
  if (task.pass != Conv2dPass::backward_filter) return false;
  return is_engine(engine, "eng17") || (is_engine(engine, "eng1") && paddings_differ(task.g));
}

}  // namespace

bool convolves_16_bits(const Conv2dGeometry& g) {
  // Tensor cores take 8 channels at a time; with one group cuDNN fills them up itself.
  const bool whole_groups = g.groups == 1 || (g.channels_per_group() % 8 == 0 && g.filters_per_group() % 8 == 0);
  return whole_groups && g.dilation_h == 1 && g.dilation_w == 1 && !paddings_differ(g);
}

struct Conv2dCudnn::Impl {
  using Key = std::array<std::int64_t, 21>;
  LibraryPrecision precision;
  cudnnHandle_t handle = nullptr;
  std::shared_ptr<fe::DeviceProperties> description;  // instead of a handle
  std::map<Key, std::unique_ptr<Graph>> graphs;
  decltype(&cudnnDestroy) destroy = nullptr;

  explicit Impl(LibraryPrecision p) : precision(p) {
    fe::cudnn_dlhandle = cudnn_library().library.native_handle();
    cudnn_library().library.load(destroy, "cudnnDestroy");
  }
  ~Impl() {
    graphs.clear();
    if (handle != nullptr) destroy(handle);
  }

  Graph& graph_of(const Conv2dTask& task);
  std::unique_ptr<Graph> build(const Conv2dTask& task);
};

Graph& Conv2dCudnn::Impl::graph_of(const Conv2dTask& task) {
  const Conv2dGeometry& g = task.g;
  const Key key{static_cast<std::int64_t>(task.pass),
                static_cast<std::int64_t>(task.dtype),
                static_cast<std::int64_t>(task.layout),
                task.fits_tf32,
                task.epilogue,
                g.N,
                g.C,
                g.H,
                g.W,
                g.K,
                g.R,
                g.S,
                g.P,
                g.Q,
                g.stride_h,
                g.stride_w,
                g.pad_top,
                g.pad_left,
                g.dilation_h,
                g.dilation_w,
                g.groups};
  std::unique_ptr<Graph>& graph = graphs[key];
  if (graph == nullptr) {
    try {
      graph = build(task);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {  // cudnn-frontend's own
      fail("planning " + describe(task), error.what());
    }
  }
  return *graph;
}

std::unique_ptr<Graph> Conv2dCudnn::Impl::build(const Conv2dTask& task) {
  auto result = std::make_unique<Graph>();
  fe::graph::Graph& graph = result->graph;
  if (description != nullptr) graph.set_device_properties(description);
  describe_graph(graph, task);
  if (task.epilogue) open_cudnn_compiler();
  check(graph.build_operation_graph(handle), "describing " + describe(task));

  const auto none_fits = [&](const std::string& reason) {
    const char* hint = task.epilogue ? "; graphs with a bias are compiled, which takes NVRTC" : "";
    throw InputError(fmt::format("engine library: cuDNN {} has no {} engine for {} ({}{}); use engine native",
                                 cudnn_library().version, rule_of(precision, task), describe(task),
                                 reason.substr(0, reason.find('\n')), hint));
  };
  fe::error_t ranked = graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
  if (ranked.get_code() == fe::error_code_t::HEURISTIC_QUERY_FAILED) none_fits(ranked.get_message());
  check(ranked, "ranking engines for " + describe(task));
  graph.deselect_numeric_notes(unwanted(precision, task));
  if (!task.epilogue) graph.deselect_behavior_notes({fe::BehaviorNote_t::RUNTIME_COMPILATION});
  std::string refusal = "it ranks none";
  for (std::int64_t& i = result->plan;; ++i) {
    if (i == graph.get_execution_plan_count()) none_fits(refusal);
    check(graph.get_plan_name_at_index(i, result->info.engine), "naming an engine of " + describe(task));
    if (is_wrong(result->info.engine, task)) continue;
    fe::error_t built = graph.build_plan_at_index(i);
    if (built.is_good()) break;
    refusal = built.get_message();
  }

  std::int64_t bytes = 0;
  check(graph.get_workspace_size_plan_at_index(result->plan, bytes), "sizing the workspace of " + describe(task));
  result->info.workspace_bytes = static_cast<std::size_t>(bytes);
  return result;
}

Conv2dCudnn::Conv2dCudnn(void* stream, LibraryPrecision precision) : impl_(std::make_unique<Impl>(precision)) {
  const SharedLibrary& library = cudnn_library().library;
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnGetErrorString) error_string = nullptr;
  library.load(create, "cudnnCreate");
  library.load(set_stream, "cudnnSetStream");
  library.load(error_string, "cudnnGetErrorString");
  if (const cudnnStatus_t status = create(&impl_->handle); status != CUDNN_STATUS_SUCCESS) {
    fail("cudnnCreate", error_string(status));
  }
  if (const cudnnStatus_t status = set_stream(impl_->handle, static_cast<cudaStream_t>(stream));
      status != CUDNN_STATUS_SUCCESS) {
    fail("cudnnSetStream", error_string(status));
  }
}

Conv2dCudnn::Conv2dCudnn(std::string_view description, LibraryPrecision precision)
    : impl_(std::make_unique<Impl>(precision)) {
  impl_->description = std::make_shared<fe::DeviceProperties>();
  check(impl_->description->deserialize({description.begin(), description.end()}), "reading a device description");
}

Conv2dCudnn::Conv2dCudnn(Conv2dCudnn&&) noexcept = default;
Conv2dCudnn::~Conv2dCudnn() = default;

const Conv2dPlanInfo& Conv2dCudnn::plan(const Conv2dTask& task) { return impl_->graph_of(task).info; }

void Conv2dCudnn::run(const Conv2dTask& task, const void* first, const void* second, void* result, void* workspace,
                      Conv2dEpilogue epilogue) {
  if (impl_->handle == nullptr) throw DeviceError("cuDNN was opened for a described device: it can plan, but not run");
  const auto in = [](const void* data) { return const_cast<void*>(data); };
  std::unordered_map<std::int64_t, void*> pointers;
  switch (task.pass) {
    case Conv2dPass::forward:
      pointers = {{uid_x, in(first)}, {uid_w, in(second)}, {uid_y, result}};
      break;
    case Conv2dPass::backward_data:
      pointers = {{uid_y, in(first)}, {uid_w, in(second)}, {uid_x, result}};
      break;
    case Conv2dPass::backward_filter:
      pointers = {{uid_x, in(first)}, {uid_y, in(second)}, {uid_w, result}};
      break;
  }
  if (task.epilogue) pointers.insert({{uid_bias, in(epilogue.bias)}, {uid_least, &epilogue.least}});
  Graph& graph = impl_->graph_of(task);
  try {
    fe::error_t status = graph.graph.execute_plan_at_index(impl_->handle, pointers, workspace, graph.plan);
    if (status.is_bad()) fail("running " + describe(task), status.get_message());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail("running " + describe(task), error.what());
  }
}

}  // namespace fovea::cuda
