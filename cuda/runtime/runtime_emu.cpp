// SPDX-License-Identifier: Apache-2.0
//
// The emulated device. A launch runs at once, on the calling thread; its memory is host memory that only kernels and
// DeviceMemory touch, filled with 0xFF (a NaN) whenever it belongs to nobody and fenced by guard zones.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>

#include "core/support/available_memory.h"
#include "cuda/emu/kernel_launch.h"
#include "cuda/emu/sanitizers.h"
#include "cuda/runtime/dry.h"
#include "cuda/runtime/event.h"
#include "cuda/runtime/launch_check.h"
#include "cuda/runtime/nvtx.h"
#include "cuda/runtime/raw_memory.h"
#include "cuda/runtime/recording.h"
#include "cuda/runtime/tape.h"

namespace fovea::emu {

struct Stream::Impl {
  Impl(int device, const EmuOptions& emu_options)
      : state(device), options(emu_options), synchronous(detail::synchronous_from_environment()) {}
  DeviceState state;
  const EmuOptions options;
  const LaunchLimits limits;
  const bool synchronous;
  bool dry = false;
  Tape* tape = nullptr;
  Counters counters;
  std::uint64_t kernels_run = 0;
  std::map<const void*, std::size_t> shared_opt_in;
};

Stream::Stream(int device, const EmuOptions& options) {
  require(device == 0, [&] { return "emu: there is one emulated device, 0; got " + std::to_string(device); });
  impl_ = std::make_shared<Impl>(device, options);
}

void Stream::synchronize() {
  impl_->state.require_usable();
  refuse_in_recording(*this, "wait for the device");
  impl_->counters.synchronisations.add_one();
  impl_->state.notify_synchronized();
}
void* Stream::native_handle() const { return nullptr; }
int Stream::device() const { return impl_->state.device(); }
DeviceState& Stream::state() const { return impl_->state; }
const LaunchLimits& Stream::limits() const { return impl_->limits; }
Counters& Stream::counters() const { return impl_->tape != nullptr ? impl_->tape->counters : impl_->counters; }
Tape* Stream::tape() const { return impl_->tape; }
bool Stream::dry() const { return impl_->dry; }
bool Stream::synchronous() const { return impl_->synchronous; }
void count_only(Stream& stream) { stream.impl().dry = true; }

namespace detail {

namespace {

void run_on(Stream::Impl& impl, KernelLaunch launch) {
  // Every launch has an order of its own, and the same one in every run.
  launch.seed = impl.options.seed * 0x9e3779b97f4a7c15u + impl.kernels_run++;
  impl.state.set_last_kernel(launch.name);
  try {
    run_kernel(launch);
  } catch (const KernelFaultError& error) {
    impl.state.mark_lost(error.what());
    throw;
  }
}

}  // namespace

void launch_checked(Stream& stream, const char* name, const void* kernel, dim3 grid, dim3 block,
                    std::size_t dynamic_shared_bytes, void (*invoke)(void*), std::shared_ptr<void> (*keep)(const void*),
                    void** arguments) {
  Stream::Impl& impl = stream.impl();
  impl.state.require_usable();
  KernelLaunch launch;
  if (const auto found = impl.shared_opt_in.find(kernel); found != impl.shared_opt_in.end()) {
    launch.shared_limit = std::max(found->second, impl.limits.shared_bytes);
  } else {
    launch.shared_limit = impl.limits.shared_bytes;
  }
  check_configuration(name, grid, block, dynamic_shared_bytes, launch.shared_limit, impl.limits);
  launch.name = name;
  launch.grid = grid;
  launch.block = block;
  launch.dynamic_shared_bytes = dynamic_shared_bytes;
  launch.schedule = impl.options.schedule;
  launch.invoke = invoke;
  launch.context = *arguments;
  stream.counters().launches.add_one();
  if (impl.dry) return;
  if (impl.tape != nullptr) {
    const std::shared_ptr<void> kept = keep(launch.context);
    launch.context = kept.get();
    impl.tape->calls.push_back([&impl, launch, kept] { run_on(impl, launch); });
    return;
  }
  run_on(impl, launch);
  if (impl.synchronous) stream.synchronize();
}

void allow_dynamic_shared(Stream& stream, const void* kernel, std::size_t bytes) {
  Stream::Impl& impl = stream.impl();
  if (bytes > impl.limits.shared_bytes_opt_in) {
    throw LaunchError("allow_dynamic_shared: " + std::to_string(bytes) + " bytes asked, a block has at most " +
                          std::to_string(impl.limits.shared_bytes_opt_in),
                      "");
  }
  impl.shared_opt_in[kernel] = bytes;
}

bool compiled_for_sm80(Stream&, const void*) { return true; }

}  // namespace detail

struct Event::Impl {
  Stream stream;
  std::chrono::steady_clock::time_point time;
};

Event::Event(const Stream& stream) { impl_.reset(new Impl{stream.share(), {}}); }
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;
void Event::record(Stream& stream) {
  stream.state().require_usable();
  refuse_in_recording(stream, "record an event");
  impl_->time = std::chrono::steady_clock::now();
}
void Event::wait() {
  impl_->stream.state().require_usable();
  refuse_in_recording(impl_->stream, "wait for an event");
  impl_->stream.counters().synchronisations.add_one();
}
double Event::milliseconds_since(const Event& start) {
  wait();
  return std::chrono::duration<double, std::milli>(impl_->time - start.impl_->time).count();
}

void push_range(const char*) {}
void pop_range() {}

namespace {

constexpr std::size_t emulated_device_bytes = std::size_t{4} << 30;
constexpr std::size_t guard_zone_bytes = 256;
constexpr unsigned char guard_byte = 0xfb;
constexpr unsigned char free_byte = 0xff;

bool all_equal(const unsigned char* data, unsigned char byte, std::size_t bytes) {
  if (bytes == 0) return true;
  return data[0] == byte && std::memcmp(data, data + 1, bytes - 1) == 0;
}

class EmuRawMemory final : public RawMemory {
 public:
  explicit EmuRawMemory(std::size_t capacity) : capacity_(capacity == 0 ? emulated_device_bytes : capacity) {}

  void* allocate(std::size_t bytes) override {
    if (bytes > capacity_ - taken_) return nullptr;
    void* data = nullptr;
    if (posix_memalign(&data, 256, bytes) != 0) return nullptr;
    taken_ += bytes;
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override {
    unpoison(data, bytes);
    std::free(data);
    taken_ -= bytes;
  }
  // No more than the host has for it, where the host tells.
  std::size_t free_bytes() const override {
    return std::min<std::size_t>(capacity_ - taken_, available_memory().value_or(capacity_));
  }

  std::size_t guard_bytes() const override { return guard_zone_bytes; }
  void on_reserve(void* data, std::size_t bytes) override {
    std::memset(data, guard_byte, guard_zone_bytes);
    std::memset(static_cast<char*>(data) + guard_zone_bytes, free_byte, bytes - guard_zone_bytes);
    poison(data, bytes);
  }
  bool on_acquire(void* data, std::size_t bytes, std::size_t capacity) override {
    auto* begin = static_cast<unsigned char*>(data);
    unpoison(data, capacity);
    // Nobody owned these bytes since they were filled; under the address sanitizer nobody could have written them.
    const bool untouched = under_asan || all_equal(begin, free_byte, capacity);
    std::memset(begin, free_byte, bytes);
    std::memset(begin + bytes, guard_byte, capacity - bytes);
    poison(begin + bytes, capacity - bytes);
    return untouched;
  }
  bool guards_intact(const void* data, std::size_t bytes, std::size_t capacity) const override {
    if (under_asan) return true;  // the zones are poisoned: a write there has been reported already
    const auto* begin = static_cast<const unsigned char*>(data);
    // In front lies the zone of the segment or of the block before, or that block's bytes while they are free.
    const unsigned char before = begin[-1];
    return (before == guard_byte || before == free_byte) &&
           all_equal(begin - guard_zone_bytes, before, guard_zone_bytes) &&
           all_equal(begin + bytes, guard_byte, capacity - bytes);
  }
  void on_release(void* data, std::size_t, std::size_t capacity) noexcept override {
    unpoison(data, capacity);
    std::memset(data, free_byte, capacity);
    poison(data, capacity);
  }

 private:
  const std::size_t capacity_;
  std::size_t taken_ = 0;
};

// Work that is no launch.
template <class Work>
void do_or_note(const Stream& stream, Work&& work) {
  if (stream.tape() != nullptr)
    stream.tape()->calls.push_back(std::forward<Work>(work));
  else
    work();
}

// Addresses that can be neither read nor written.
class DryRawMemory final : public RawMemory {
 public:
  explicit DryRawMemory(std::size_t capacity) : capacity_(capacity == 0 ? emulated_device_bytes : capacity) {}

  void* allocate(std::size_t bytes) override {
    if (bytes > capacity_ - taken_) return nullptr;
    void* data = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    taken_ += bytes;
    return data;
  }
  void deallocate(void* data, std::size_t bytes) noexcept override {
    munmap(data, bytes);
    taken_ -= bytes;
  }
  std::size_t free_bytes() const override { return capacity_ - taken_; }

 private:
  const std::size_t capacity_;
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<RawMemory> make_raw_memory(const Stream& stream, std::size_t capacity_bytes) {
  if (stream.dry()) return std::make_unique<DryRawMemory>(capacity_bytes);
  return std::make_unique<EmuRawMemory>(capacity_bytes);
}

void copy_from_host(const Stream&, void* device_dst, const void* host_src, std::size_t bytes) {
  std::memcpy(device_dst, host_src, bytes);
}
void copy_to_host(const Stream&, void* host_dst, const void* device_src, std::size_t bytes) {
  std::memcpy(host_dst, device_src, bytes);
}
void copy_on_device(const Stream& stream, void* device_dst, const void* device_src, std::size_t bytes) {
  do_or_note(stream, [=] { std::memmove(device_dst, device_src, bytes); });
}
void fill_on_device(const Stream& stream, void* device_dst, unsigned char value, std::size_t bytes) {
  do_or_note(stream, [=] { std::memset(device_dst, value, bytes); });
}

struct Recording::Impl {
  Tape tape;
};

Recording::Recording(Stream& stream, const std::function<void()>& work)
    : stream_(stream.share()), impl_(std::make_unique<Impl>()) {
  refuse_in_recording(stream, "be captured within captured work");
  if (const std::string why = no_recording(stream); !why.empty()) throw DeviceError("emu captures no work: " + why);
  stream.state().require_usable();
  Tape*& tape = stream.impl().tape;
  tape = &impl_->tape;
  try {
    work();
    if (tape->illegal != nullptr) refuse_in_recording(stream, tape->illegal);
  } catch (...) {
    tape = nullptr;
    throw;
  }
  tape = nullptr;
}

Recording::~Recording() = default;

void Recording::replay() {
  stream_.state().require_usable();
  refuse_in_recording(stream_, "replay captured work");
  stream_.counters().add_replay(impl_->tape.counters.read());
  for (const std::function<void()>& call : impl_->tape.calls) call();
}

}  // namespace fovea::emu
