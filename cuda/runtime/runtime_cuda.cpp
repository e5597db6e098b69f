// SPDX-License-Identifier: Apache-2.0
//
// The CUDA device behind Stream, Event, launch and RawMemory.
#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cuda/runtime/cuda_check.h"
#include "cuda/runtime/dry.h"
#include "cuda/runtime/enqueue.h"
#include "cuda/runtime/event.h"
#include "cuda/runtime/handle.h"
#include "cuda/runtime/launch_check.h"
#include "cuda/runtime/nvtx.h"
#include "cuda/runtime/raw_memory.h"
#include "cuda/runtime/recording.h"
#include "cuda/runtime/tape.h"

namespace fovea::FOVEA_TARGET {
namespace {

struct DestroyStream {
  void operator()(cudaStream_t stream) const noexcept {
    note_cuda_error(cudaStreamDestroy(stream), "cudaStreamDestroy");
  }
};
struct DestroyGraph {
  void operator()(cudaGraph_t graph) const noexcept { note_cuda_error(cudaGraphDestroy(graph), "cudaGraphDestroy"); }
};
struct DestroyGraphExec {
  void operator()(cudaGraphExec_t exec) const noexcept {
    note_cuda_error(cudaGraphExecDestroy(exec), "cudaGraphExecDestroy");
  }
};
struct DestroyEvent {
  void operator()(cudaEvent_t event) const noexcept { note_cuda_error(cudaEventDestroy(event), "cudaEventDestroy"); }
};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  FOVEA_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

LaunchLimits limits_of(int device) {
  const auto get = [&](cudaDeviceAttr which) { return static_cast<unsigned>(attribute(which, device)); };
  LaunchLimits limits;
  limits.threads_per_block = get(cudaDevAttrMaxThreadsPerBlock);
  limits.block_x = get(cudaDevAttrMaxBlockDimX);
  limits.block_y = get(cudaDevAttrMaxBlockDimY);
  limits.block_z = get(cudaDevAttrMaxBlockDimZ);
  limits.grid_x = get(cudaDevAttrMaxGridDimX);
  limits.grid_y = get(cudaDevAttrMaxGridDimY);
  limits.grid_z = get(cudaDevAttrMaxGridDimZ);
  limits.shared_bytes = get(cudaDevAttrMaxSharedMemoryPerBlock);
  limits.shared_bytes_opt_in = get(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  return limits;
}

}  // namespace

struct Stream::Impl {
  explicit Impl(int device) : state(device_state(device)), synchronous(detail::synchronous_from_environment()) {}
  DeviceState& state;
  Handle<cudaStream_t, DestroyStream> stream;
  LaunchLimits limits;
  const bool synchronous;
  bool dry = false;
  Tape* tape = nullptr;
  Counters counters;
  std::map<const void*, std::size_t> shared_opt_in;
};

Stream::Stream(int device) {
  int count = 0;
  FOVEA_CUDA_CHECK(cudaGetDeviceCount(&count));
  require(device >= 0 && device < count, [&] {
    return "cuda: there are " + std::to_string(count) + " devices, numbered from 0; got " + std::to_string(device);
  });
  const DeviceGuard guard(device);
  impl_ = std::make_shared<Impl>(device);
  impl_->limits = limits_of(device);
  FOVEA_CUDA_CHECK(cudaStreamCreateWithFlags(impl_->stream.out(), cudaStreamNonBlocking));
}

void Stream::synchronize() {
  impl_->state.require_usable();
  refuse_in_recording(*this, "wait for the device");
  const DeviceGuard guard(device());
  impl_->counters.synchronisations.add_one();
  FOVEA_CUDA_CHECK(cudaStreamSynchronize(impl_->stream.get()));
  impl_->state.notify_synchronized();
}
void* Stream::native_handle() const { return impl_->stream.get(); }
int Stream::device() const { return impl_->state.device(); }
DeviceState& Stream::state() const { return impl_->state; }
const LaunchLimits& Stream::limits() const { return impl_->limits; }
Counters& Stream::counters() const { return impl_->tape != nullptr ? impl_->tape->counters : impl_->counters; }
Tape* Stream::tape() const { return impl_->tape; }
bool Stream::dry() const { return impl_->dry; }
bool Stream::synchronous() const { return impl_->synchronous; }
void count_only(Stream& stream) { stream.impl().dry = true; }

namespace detail {

void launch_checked(Stream& stream, const char* name, const void* kernel, dim3 grid, dim3 block,
                    std::size_t dynamic_shared_bytes, void (*)(void*), std::shared_ptr<void> (*)(const void*),
                    void** arguments) {
  Stream::Impl& impl = stream.impl();
  impl.state.require_usable();
  std::size_t shared_limit = impl.limits.shared_bytes;
  if (const auto found = impl.shared_opt_in.find(kernel); found != impl.shared_opt_in.end()) {
    shared_limit = std::max(shared_limit, found->second);
  }
  check_configuration(name, grid, block, dynamic_shared_bytes, shared_limit, impl.limits);
  const DeviceGuard guard(stream.device());
  const ProfilerRange range(name);
  stream.counters().launches.add_one();
  if (impl.dry) return;
  impl.state.set_last_kernel(name);
  const cudaError_t code = cudaLaunchKernel(kernel, grid, block, arguments, dynamic_shared_bytes, impl.stream.get());
  if (code == cudaErrorInvalidConfiguration || code == cudaErrorLaunchOutOfResources || code == cudaErrorInvalidValue) {
    (void)cudaGetLastError();
    throw LaunchError("kernel '" + std::string(name) + "': " + cudaGetErrorName(code) + ": " + cudaGetErrorString(code),
                      name);
  }
  check_cuda(code, name, __FILE__, __LINE__);
  if (impl.synchronous) stream.synchronize();
}

void allow_dynamic_shared(Stream& stream, const void* kernel, std::size_t bytes) {
  Stream::Impl& impl = stream.impl();
  if (bytes > impl.limits.shared_bytes_opt_in) {
    throw LaunchError("allow_dynamic_shared: " + std::to_string(bytes) + " bytes asked, a block has at most " +
                          std::to_string(impl.limits.shared_bytes_opt_in),
                      "");
  }
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)));
  impl.shared_opt_in[kernel] = bytes;
}

bool compiled_for_sm80(Stream& stream, const void* kernel) {
  const DeviceGuard guard(stream.device());
  cudaFuncAttributes attributes{};
  FOVEA_CUDA_CHECK(cudaFuncGetAttributes(&attributes, kernel));
  return attributes.ptxVersion >= 80;
}

}  // namespace detail

void enqueue(Stream& stream, const char* name, const std::function<void()>& work) {
  Stream::Impl& impl = stream.impl();
  impl.state.require_usable();
  const DeviceGuard guard(stream.device());
  const ProfilerRange range(name);
  stream.counters().launches.add_one();
  if (impl.dry) return;
  impl.state.set_last_kernel(name);
  work();
  if (impl.synchronous) stream.synchronize();
}

void on_device(const Stream& stream, const std::function<void()>& work) {
  stream.state().require_usable();
  const DeviceGuard guard(stream.device());
  work();
}

struct Event::Impl {
  Stream stream;
  Handle<cudaEvent_t, DestroyEvent> event;
};

Event::Event(const Stream& stream) {
  const DeviceGuard guard(stream.device());
  impl_.reset(new Impl{stream.share(), {}});
  FOVEA_CUDA_CHECK(cudaEventCreate(impl_->event.out()));
}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

void Event::record(Stream& stream) {
  refuse_in_recording(stream, "record an event");
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaEventRecord(impl_->event.get(), static_cast<cudaStream_t>(stream.native_handle())));
}
void Event::wait() {
  refuse_in_recording(impl_->stream, "wait for an event");
  const DeviceGuard guard(impl_->stream.device());
  impl_->stream.counters().synchronisations.add_one();
  FOVEA_CUDA_CHECK(cudaEventSynchronize(impl_->event.get()));
}
double Event::milliseconds_since(const Event& start) {
  wait();
  float milliseconds = 0;
  FOVEA_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.impl_->event.get(), impl_->event.get()));
  return milliseconds;
}

struct Recording::Impl {
  Tape tape;
  Handle<cudaGraphExec_t, DestroyGraphExec> exec;  // none of a dry stream
};

// Thread-local: calls of other threads, such as a second trainer's allocations, are none of this capture's business. What
// this thread must not call meanwhile (cudaMalloc, say) the driver refuses, if refuse_in_recording has not before.
Recording::Recording(Stream& stream, const std::function<void()>& work)
    : stream_(stream.share()), impl_(std::make_unique<Impl>()) {
  refuse_in_recording(stream, "be captured within captured work");
  if (const std::string why = no_recording(stream); !why.empty()) throw DeviceError("cuda captures no work: " + why);
  stream.state().require_usable();
  const DeviceGuard guard(stream.device());
  const auto queue = static_cast<cudaStream_t>(stream.native_handle());
  Tape*& tape = stream.impl().tape;
  if (!stream.dry()) FOVEA_CUDA_CHECK(cudaStreamBeginCapture(queue, cudaStreamCaptureModeThreadLocal));
  tape = &impl_->tape;
  Handle<cudaGraph_t, DestroyGraph> graph;
  try {
    work();
    if (tape->illegal != nullptr) refuse_in_recording(stream, tape->illegal);
  } catch (...) {
    tape = nullptr;
    // The stream leaves its capture; what was captured, if that is valid at all, is dropped.
    if (!stream.dry()) note_cuda_error(cudaStreamEndCapture(queue, graph.out()), "cudaStreamEndCapture");
    throw;
  }
  tape = nullptr;
  if (stream.dry()) return;
  FOVEA_CUDA_CHECK(cudaStreamEndCapture(queue, graph.out()));
  FOVEA_CUDA_CHECK(cudaGraphInstantiateWithFlags(impl_->exec.out(), graph.get(), 0));
}

// A graph that is still being run may be destroyed: the driver keeps it until then.
Recording::~Recording() = default;

void Recording::replay() {
  stream_.state().require_usable();
  refuse_in_recording(stream_, "replay captured work");
  const DeviceGuard guard(stream_.device());
  const ProfilerRange range("captured work");
  stream_.counters().add_replay(impl_->tape.counters.read());
  if (stream_.dry()) return;
  stream_.state().set_last_kernel("captured work");
  FOVEA_CUDA_CHECK(cudaGraphLaunch(impl_->exec.get(), static_cast<cudaStream_t>(stream_.native_handle())));
}

void push_range(const char* name) { nvtxRangePushA(name); }
void pop_range() { nvtxRangePop(); }

namespace {

class CudaRawMemory final : public RawMemory {
 public:
  CudaRawMemory(int device, std::size_t capacity) : device_(device), capacity_(capacity) {}

  void* allocate(std::size_t bytes) override {
    if (capacity_ != 0 && bytes > capacity_ - taken_) return nullptr;
    const DeviceGuard guard(device_);
    void* data = nullptr;
    const cudaError_t code = cudaMalloc(&data, bytes);
    if (code == cudaErrorMemoryAllocation) {
      (void)cudaGetLastError();
      return nullptr;
    }
    check_cuda(code, "cudaMalloc", __FILE__, __LINE__);
    taken_ += bytes;
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override {
    note_cuda_error(cudaFree(data), "cudaFree");  // waits for the device; any device may be current
    taken_ -= bytes;
  }
  std::size_t free_bytes() const override {
    std::size_t free = 0, total = 0;
    const DeviceGuard guard(device_);
    FOVEA_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return capacity_ == 0 ? free : std::min(free, capacity_ - taken_);
  }

 private:
  const int device_;
  const std::size_t capacity_;
  std::size_t taken_ = 0;
};

cudaStream_t native(const Stream& stream) { return static_cast<cudaStream_t>(stream.native_handle()); }

}  // namespace

std::unique_ptr<RawMemory> make_raw_memory(const Stream& stream, std::size_t capacity_bytes) {
  return std::make_unique<CudaRawMemory>(stream.device(), capacity_bytes);
}

void copy_from_host(const Stream& stream, void* device_dst, const void* host_src, std::size_t bytes) {
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaMemcpyAsync(device_dst, host_src, bytes, cudaMemcpyHostToDevice, native(stream)));
  // The caller may change or free the source at once. CUDA promises to have read it by now for no kind of host memory:
  // a copy from pageable memory only "might be" synchronous.
  FOVEA_CUDA_CHECK(cudaStreamSynchronize(native(stream)));
}
void copy_to_host(const Stream& stream, void* host_dst, const void* device_src, std::size_t bytes) {
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaMemcpyAsync(host_dst, device_src, bytes, cudaMemcpyDeviceToHost, native(stream)));
  FOVEA_CUDA_CHECK(cudaStreamSynchronize(native(stream)));
}
void copy_on_device(const Stream& stream, void* device_dst, const void* device_src, std::size_t bytes) {
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaMemcpyAsync(device_dst, device_src, bytes, cudaMemcpyDeviceToDevice, native(stream)));
}
void fill_on_device(const Stream& stream, void* device_dst, unsigned char value, std::size_t bytes) {
  const DeviceGuard guard(stream.device());
  FOVEA_CUDA_CHECK(cudaMemsetAsync(device_dst, value, bytes, native(stream)));
}

}  // namespace fovea::FOVEA_TARGET
