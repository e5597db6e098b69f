// SPDX-License-Identifier: Apache-2.0
//
// The emulated device has done all work before when a copy is asked for: values arrive at once, and only the count tells
// when somebody waits for them.
#include <cstring>
#include <vector>

#include "cuda/runtime/host_copies.h"

namespace fovea::emu {
namespace {

class EmuArrival final : public Arrival {
 public:
  EmuArrival(Stream stream, std::vector<Tensor> values) : stream_(std::move(stream)), values_(std::move(values)) {}
  const std::vector<Tensor>& wait() override {
    if (!waited_) stream_.synchronize();
    waited_ = true;
    return values_;
  }

 private:
  Stream stream_;
  std::vector<Tensor> values_;
  bool waited_ = false;
};

}  // namespace

struct HostCopies::Impl {
  Stream stream;
};

HostCopies::HostCopies(const Stream& stream) : impl_(new Impl{stream.share()}) {}
HostCopies::~HostCopies() = default;

void HostCopies::send(void* device_dst, const void* host_src, std::size_t bytes) {
  std::memcpy(device_dst, host_src, bytes);
}

std::unique_ptr<Arrival> HostCopies::fetch(std::span<const ConstView> values) {
  std::vector<Tensor> copies;
  for (const ConstView& value : values) {
    Tensor& copy = copies.emplace_back(value.shape, value.dtype, host_memory(), value.layout);
    if (impl_->stream.dry())
      std::memset(copy.view().data, 0, copy.bytes());
    else
      std::memcpy(copy.view().data, value.data, copy.bytes());
  }
  return std::make_unique<EmuArrival>(impl_->stream.share(), std::move(copies));
}

}  // namespace fovea::emu
