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
using Tensor4 = std::vector<std::int64_t>;

enum Uid : std::int64_t { uid_x = 1, uid_w = 2, uid_y = 3 };  // dx, dw, dy take the same places

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

std::string describe(Conv2dPass pass, const Conv2dGeometry& g) {
  return fmt::format(
      "conv2d {} of input {}x{}x{}x{}, filters {}x{}x{}x{}, output {}x{}, stride {}x{}, padding {},{} dilation {}x{} "
      "groups {}",
      name_of(pass), g.N, g.C, g.H, g.W, g.K, g.C / g.groups, g.R, g.S, g.P, g.Q, g.stride_h, g.stride_w, g.pad_top,
      g.pad_left, g.dilation_h, g.dilation_w, g.groups);
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

template <class Attributes>
Attributes convolution(const Conv2dGeometry& g) {
  const std::int64_t window_h = g.dilation_h * (g.R - 1) + 1, window_w = g.dilation_w * (g.S - 1) + 1;
  Attributes attributes;
  attributes.set_pre_padding({g.pad_top, g.pad_left})
      .set_post_padding({padding_after(g.H, g.pad_top, window_h, g.stride_h, g.P),
                         padding_after(g.W, g.pad_left, window_w, g.stride_w, g.Q)})
      .set_stride({g.stride_h, g.stride_w})
      .set_dilation({g.dilation_h, g.dilation_w})
      .set_convolution_mode(fe::ConvolutionMode_t::CROSS_CORRELATION);
  return attributes;
}

Tensor4 nchw_strides(const Tensor4& dim) { return {dim[1] * dim[2] * dim[3], dim[2] * dim[3], dim[3], 1}; }

fe::graph::Tensor_attributes tensor(Uid uid, const Tensor4& dim) {
  return fe::graph::Tensor_attributes()
      .set_uid(uid)
      .set_dim(dim)
      .set_stride(nchw_strides(dim))
      .set_data_type(fe::DataType_t::FLOAT)
      .set_alignment(alignof(float));  // views may begin at any element
}

struct Graph {
  fe::graph::Graph graph;
  std::int64_t plan = 0;  // of those that cuDNN ranks
  Conv2dPlanInfo info;
};

// One convolution as a graph of one node, checked but not yet planned.
void describe_graph(fe::graph::Graph& graph, Conv2dPass pass, const Conv2dGeometry& g) {
  const Tensor4 x{g.N, g.C, g.H, g.W}, w{g.K, g.C / g.groups, g.R, g.S}, y{g.N, g.K, g.P, g.Q};
  graph.set_io_data_type(fe::DataType_t::FLOAT)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  std::shared_ptr<fe::graph::Tensor_attributes> result;
  switch (pass) {
    case Conv2dPass::forward:
      result = graph.conv_fprop(graph.tensor(tensor(uid_x, x)), graph.tensor(tensor(uid_w, w)),
                                convolution<fe::graph::Conv_fprop_attributes>(g));
      *result = tensor(uid_y, y);
      break;
    case Conv2dPass::backward_data:
      result = graph.conv_dgrad(graph.tensor(tensor(uid_y, y)), graph.tensor(tensor(uid_w, w)),
                                convolution<fe::graph::Conv_dgrad_attributes>(g));
      *result = tensor(uid_x, x);
      break;
    case Conv2dPass::backward_filter:
      result = graph.conv_wgrad(graph.tensor(tensor(uid_y, y)), graph.tensor(tensor(uid_x, x)),
                                convolution<fe::graph::Conv_wgrad_attributes>(g));
      *result = tensor(uid_w, w);
      break;
  }
  result->set_output(true);
  check(graph.validate(), "checking " + describe(pass, g));
}

std::vector<fe::NumericalNote_t> unwanted(LibraryPrecision precision) {
  using Note = fe::NumericalNote_t;
  std::vector<Note> notes{Note::NONDETERMINISTIC};
  if (precision == LibraryPrecision::float32) {
    notes.insert(notes.end(),
                 {Note::TENSOR_CORE, Note::DOWN_CONVERT_INPUTS, Note::REDUCED_PRECISION_REDUCTION, Note::FFT,
                  Note::WINOGRAD, Note::WINOGRAD_TILE_4x4, Note::WINOGRAD_TILE_6x6, Note::WINOGRAD_TILE_13x13});
  }
  return notes;
}

// "eng17_k25=0" is engine 17 with its knobs.
bool is_engine(const std::string& name, std::string_view engine) {
  return name.starts_with(engine) && (name.size() == engine.size() || name[engine.size()] == '_');
}

bool paddings_differ(const Conv2dGeometry& g) {
  const fe::graph::Conv_wgrad_attributes a = convolution<fe::graph::Conv_wgrad_attributes>(g);
  return a.get_pre_padding() != a.get_post_padding();
}

// Engines that claim a filter gradient and get it wrong, found by the tests on an H100 with cuDNN 9.14: engine 17
// transforms its inputs as Winograd's do, without their note (5x5 filters: errors of 1 %); engine 1 reads past the image
// where the padding before it is not the padding behind it.
bool is_wrong(const std::string& engine, Conv2dPass pass, const Conv2dGeometry& g) {
  if (pass != Conv2dPass::backward_filter) return false;
  return is_engine(engine, "eng17") || (is_engine(engine, "eng1") && paddings_differ(g));
}

}  // namespace

struct Conv2dCudnn::Impl {
  using Key = std::array<std::int64_t, 17>;
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

  Graph& graph_of(Conv2dPass pass, const Conv2dGeometry& g);
  std::unique_ptr<Graph> build(Conv2dPass pass, const Conv2dGeometry& g);
};

Graph& Conv2dCudnn::Impl::graph_of(Conv2dPass pass, const Conv2dGeometry& g) {
  const Key key{static_cast<std::int64_t>(pass),
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
      graph = build(pass, g);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {  // cudnn-frontend's own
      fail("planning " + describe(pass, g), error.what());
    }
  }
  return *graph;
}

std::unique_ptr<Graph> Conv2dCudnn::Impl::build(Conv2dPass pass, const Conv2dGeometry& g) {
  auto result = std::make_unique<Graph>();
  fe::graph::Graph& graph = result->graph;
  if (description != nullptr) graph.set_device_properties(description);
  describe_graph(graph, pass, g);
  check(graph.build_operation_graph(handle), "describing " + describe(pass, g));

  const auto none_fits = [&](const std::string& reason) {
    const char* rule = precision == LibraryPrecision::float32 ? "deterministic float32" : "deterministic";
    throw InputError(fmt::format("engine library: cuDNN {} has no {} engine for {} ({}); use engine native",
                                 cudnn_library().version, rule, describe(pass, g),
                                 reason.substr(0, reason.find('\n'))));
  };
  fe::error_t ranked = graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
  if (ranked.get_code() == fe::error_code_t::HEURISTIC_QUERY_FAILED) none_fits(ranked.get_message());
  check(ranked, "ranking engines for " + describe(pass, g));
  graph.deselect_numeric_notes(unwanted(precision));
  graph.deselect_behavior_notes({fe::BehaviorNote_t::RUNTIME_COMPILATION});
  std::string refusal = "it ranks none";
  for (std::int64_t& i = result->plan;; ++i) {
    if (i == graph.get_execution_plan_count()) none_fits(refusal);
    check(graph.get_plan_name_at_index(i, result->info.engine), "naming an engine of " + describe(pass, g));
    if (is_wrong(result->info.engine, pass, g)) continue;
    fe::error_t built = graph.build_plan_at_index(i);
    if (built.is_good()) break;
    refusal = built.get_message();
  }

  std::int64_t bytes = 0;
  check(graph.get_workspace_size_plan_at_index(result->plan, bytes), "sizing the workspace of " + describe(pass, g));
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

const Conv2dPlanInfo& Conv2dCudnn::plan(Conv2dPass pass, const Conv2dGeometry& g) {
  return impl_->graph_of(pass, g).info;
}

void Conv2dCudnn::run(Conv2dPass pass, const Conv2dGeometry& g, const float* first, const float* second, float* result,
                      void* workspace) {
  if (impl_->handle == nullptr) throw DeviceError("cuDNN was opened for a described device: it can plan, but not run");
  const auto in = [](const float* data) { return static_cast<void*>(const_cast<float*>(data)); };
  std::unordered_map<std::int64_t, void*> pointers;
  switch (pass) {
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
  Graph& graph = impl_->graph_of(pass, g);
  try {
    fe::error_t status = graph.graph.execute_plan_at_index(impl_->handle, pointers, workspace, graph.plan);
    if (status.is_bad()) fail("running " + describe(pass, g), status.get_message());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail("running " + describe(pass, g), error.what());
  }
}

}  // namespace fovea::cuda
