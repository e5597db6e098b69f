// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <cstring>
#include <list>
#include <mutex>
#include <vector>

#include "cuda/runtime/cuda_check.h"
#include "cuda/runtime/handle.h"
#include "cuda/runtime/host_copies.h"

namespace fovea::FOVEA_TARGET {
namespace {

struct FreePinned {
  void operator()(void* data) const noexcept { note_cuda_error(cudaFreeHost(data), "cudaFreeHost"); }
};
struct DestroyCopyEvent {
  void operator()(cudaEvent_t event) const noexcept { note_cuda_error(cudaEventDestroy(event), "cudaEventDestroy"); }
};

// Pinned memory, and when the copy that used it last is done.
struct PinnedBlock {
  Handle<void*, FreePinned> data;
  std::size_t bytes = 0;
  Handle<cudaEvent_t, DestroyCopyEvent> done;
  bool held = false;  // by an Arrival
};

constexpr std::size_t pinned_unit = 256, small_block = 64 * 1024;

std::size_t rounded_up(std::size_t bytes) { return (bytes + pinned_unit - 1) / pinned_unit * pinned_unit; }

}  // namespace

struct HostCopies::Impl {
  Stream stream;
  std::mutex mutex;
  std::list<PinnedBlock> blocks;  // the one used longest ago first

  explicit Impl(const Stream& on) : stream(on.share()) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  // Copies under way still use the blocks.
  ~Impl() {
    if (!blocks.empty()) note_cuda_error(cudaStreamSynchronize(queue()), "cudaStreamSynchronize");
  }

  cudaStream_t queue() const { return static_cast<cudaStream_t>(stream.native_handle()); }

  void wait_for(PinnedBlock& block) {
    stream.counters().synchronisations.add_one();
    FOVEA_CUDA_CHECK(cudaEventSynchronize(block.done.get()));
  }

  static bool idle(const PinnedBlock& block) {
    const cudaError_t code = cudaEventQuery(block.done.get());
    if (code == cudaErrorNotReady) {
      (void)cudaGetLastError();
      return false;
    }
    check_cuda(code, "cudaEventQuery", __FILE__, __LINE__);
    return true;
  }

  // A block of at least so many bytes, and not twice as many, that nobody uses; last in the list. With the lock held.
  PinnedBlock& take(std::size_t wanted) {
    const std::size_t bytes = rounded_up(wanted), most = bytes <= small_block ? 16 : 2;
    std::size_t in_use = 0;
    auto oldest = blocks.end();
    for (auto block = blocks.begin(); block != blocks.end(); ++block) {
      if (block->bytes < bytes || block->bytes >= 2 * bytes || block->held) continue;
      if (idle(*block)) {
        blocks.splice(blocks.end(), blocks, block);
        return blocks.back();
      }
      if (oldest == blocks.end()) oldest = block;
      ++in_use;
    }
    if (in_use >= most) {
      wait_for(*oldest);
      blocks.splice(blocks.end(), blocks, oldest);
      return blocks.back();
    }
    PinnedBlock block;
    block.bytes = bytes;
    FOVEA_CUDA_CHECK(cudaHostAlloc(block.data.out(), bytes, cudaHostAllocDefault));
    FOVEA_CUDA_CHECK(cudaEventCreateWithFlags(block.done.out(), cudaEventDisableTiming));
    blocks.push_back(std::move(block));
    return blocks.back();
  }
};

namespace {

class CudaArrival final : public Arrival {
 public:
  CudaArrival(std::shared_ptr<HostCopies::Impl> copies, PinnedBlock* block, std::vector<Tensor> values)
      : copies_(std::move(copies)), block_(block), values_(std::move(values)) {}
  ~CudaArrival() override {
    const std::lock_guard lock(copies_->mutex);
    if (block_ != nullptr) block_->held = false;  // used again when its event says so
  }
  CudaArrival(const CudaArrival&) = delete;
  CudaArrival& operator=(const CudaArrival&) = delete;

  const std::vector<Tensor>& wait() override {
    if (block_ == nullptr) return values_;
    const DeviceGuard guard(copies_->stream.device());
    copies_->wait_for(*block_);
    const char* from = static_cast<const char*>(block_->data.get());
    for (Tensor& value : values_) {
      std::memcpy(value.view().data, from, value.bytes());
      from += rounded_up(value.bytes());
    }
    const std::lock_guard lock(copies_->mutex);
    block_->held = false;
    block_ = nullptr;
    return values_;
  }

 private:
  std::shared_ptr<HostCopies::Impl> copies_;
  PinnedBlock* block_;  // null: arrived
  std::vector<Tensor> values_;
};

}  // namespace

HostCopies::HostCopies(const Stream& stream) : impl_(new Impl(stream)) {}
HostCopies::~HostCopies() = default;

void HostCopies::send(void* device_dst, const void* host_src, std::size_t bytes) {
  const DeviceGuard guard(impl_->stream.device());
  const std::lock_guard lock(impl_->mutex);
  PinnedBlock& block = impl_->take(bytes);
  std::memcpy(block.data.get(), host_src, bytes);
  FOVEA_CUDA_CHECK(cudaMemcpyAsync(device_dst, block.data.get(), bytes, cudaMemcpyHostToDevice, impl_->queue()));
  FOVEA_CUDA_CHECK(cudaEventRecord(block.done.get(), impl_->queue()));
}

std::unique_ptr<Arrival> HostCopies::fetch(std::span<const ConstView> values) {
  std::vector<Tensor> copies;
  std::size_t bytes = 0;
  for (const ConstView& value : values) {
    copies.emplace_back(value.shape, value.dtype, host_memory(), value.layout);
    bytes += rounded_up(value.bytes());
    if (impl_->stream.dry()) std::memset(copies.back().view().data, 0, copies.back().bytes());
  }
  if (impl_->stream.dry()) return std::make_unique<CudaArrival>(impl_, nullptr, std::move(copies));
  const DeviceGuard guard(impl_->stream.device());
  const std::lock_guard lock(impl_->mutex);
  PinnedBlock& block = impl_->take(std::max(bytes, pinned_unit));
  char* to = static_cast<char*>(block.data.get());
  for (const ConstView& value : values) {
    FOVEA_CUDA_CHECK(cudaMemcpyAsync(to, value.data, value.bytes(), cudaMemcpyDeviceToHost, impl_->queue()));
    to += rounded_up(value.bytes());
  }
  FOVEA_CUDA_CHECK(cudaEventRecord(block.done.get(), impl_->queue()));
  block.held = true;
  return std::make_unique<CudaArrival>(impl_, &block, std::move(copies));
}

}  // namespace fovea::FOVEA_TARGET
