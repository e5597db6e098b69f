// SPDX-License-Identifier: Apache-2.0
//
// Captured work on the emulator: a replay does what was noted, with the numbers and addresses of then and the memory of
// now; what cannot be done again is refused. And the copies from and to the host that nobody waits for.
#include "cuda/runtime/recording.h"

#include "cuda/runtime/dry.h"
#include "cuda/runtime/event.h"
#include "tests/emu/emu_test.h"
#include "tests/support/runtime_counts.h"

namespace fovea::emu {
namespace {

using test::text;

__global__ void add_kernel(float* y, const float* amount, float more) { y[threadIdx.x] += *amount + more; }

class RecordingTest : public testing::Test {
 protected:
  void add(float more) {
    launch(device_.stream, "add", add_kernel, dim3(1), dim3(4), 0, y_, static_cast<const float*>(amount_), more);
  }
  template <class Work>
  std::string counted(Work&& work) {
    const RuntimeCounts before = device_.stream.counters().read();
    work();
    return text(device_.stream.counters().read() - before);
  }
  // What a capture of `work` throws; the stream is usable afterwards, and nothing of it was done.
  template <class Work>
  std::string refusal(Work&& work) {
    const std::vector<float> before = device_.download(y_, 4);
    std::string message;
    try {
      Recording(device_.stream, [&] {
        add(1);
        work();
      });
    } catch (const DeviceError& error) {
      message = error.what();
    }
    EXPECT_EQ(device_.download(y_, 4), before);
    return message;
  }

  EmuDevice device_;
  float* y_ = device_.upload<float>({0, 0, 0, 0});
  float* copy_ = device_.upload<float>({0, 0, 0, 0});
  float* amount_ = device_.upload<float>({1});
};

TEST_F(RecordingTest, KeepsNumbersAndAddressesAndReadsMemoryAnew) {
  float more = 0.5f;
  Recording recording(device_.stream, [&] {
    add(more);
    device_.memory.copy(copy_, y_, 4 * sizeof(float));
    device_.memory.fill(y_, 0, sizeof(float));
  });
  more = 100;  // too late
  EXPECT_EQ(device_.download(y_, 4), (std::vector<float>{0, 0, 0, 0})) << "noted, not done";
  recording.replay();
  EXPECT_EQ(device_.download(copy_, 4), (std::vector<float>{1.5f, 1.5f, 1.5f, 1.5f}));
  EXPECT_EQ(device_.download(y_, 4), (std::vector<float>{0, 1.5f, 1.5f, 1.5f}));
  const float amount = 3;
  device_.memory.copy_from_host(amount_, &amount, sizeof amount);
  recording.replay();
  EXPECT_EQ(device_.download(copy_, 4), (std::vector<float>{3.5f, 5, 5, 5}));
}

TEST_F(RecordingTest, IsCountedWhenItIsReplayed) {
  std::unique_ptr<Recording> recording;
  const auto work = [&] {
    add(1);
    add(2);
    device_.memory.copy(copy_, y_, 4);
    device_.memory.fill(y_, 0, 4);
  };
  EXPECT_EQ(counted([&] { recording = std::make_unique<Recording>(device_.stream, work); }), text({}));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(counted([&] { recording->replay(); }),
              text({.launches = 2, .copies_on_device = 1, .fills = 1, .replays = 1}));
}

TEST_F(RecordingTest, OfADryStreamCountsAlike) {
  Stream dry;
  count_only(dry);
  DeviceMemory memory(0, dry);
  auto* x = static_cast<float*>(memory.allocate(16));
  Recording recording(dry, [&] {
    launch(dry, "add", add_kernel, dim3(1), dim3(4), 0, x, static_cast<const float*>(x), 1.0f);
    memory.copy(x, x + 1, 4);
    memory.fill(x, 0, 4);
  });
  const RuntimeCounts before = dry.counters().read();
  recording.replay();
  EXPECT_EQ(text(dry.counters().read() - before),
            text({.launches = 1, .copies_on_device = 1, .fills = 1, .replays = 1}));
  memory.deallocate(x);
}

TEST_F(RecordingTest, RefusesWhatCannotBeDoneAgain) {
  const auto says = [](const std::string& asked) {
    return "captured work may launch, and copy and fill on the device; it was asked to " + asked;
  };
  DeviceMemory& memory = device_.memory;
  float host = 0;
  EXPECT_EQ(refusal([&] { memory.allocate(4); }), says("allocate memory"));
  EXPECT_EQ(refusal([&] { memory.copy_from_host(y_, &host, 4); }), says("copy from the host"));
  EXPECT_EQ(refusal([&] { memory.send_from_host(y_, &host, 4); }), says("copy from the host"));
  EXPECT_EQ(refusal([&] { memory.copy_to_host(&host, y_, 4); }), says("copy to the host"));
  EXPECT_EQ(refusal([&] { memory.fetch_to_host({}); }), says("copy to the host"));
  EXPECT_EQ(refusal([&] { memory.synchronize(); }), says("wait for the device"));
  EXPECT_EQ(refusal([&] { Event(device_.stream).record(device_.stream); }), says("record an event"));
  EXPECT_EQ(refusal([&] { Event(device_.stream).wait(); }), says("wait for an event"));
  EXPECT_EQ(refusal([&] { Recording(device_.stream, [] {}); }), says("be captured within captured work"));
  void* spare = memory.allocate(4);
  EXPECT_EQ(refusal([&] { memory.deallocate(spare); }), says("free memory"));
  Recording other(device_.stream, [&] { add(1); });
  EXPECT_EQ(refusal([&] { other.replay(); }), says("replay captured work"));
  EXPECT_EQ(refusal([] {}), "");
}

TEST_F(RecordingTest, PassesOnWhatItsWorkThrows) {
  EXPECT_EQ(refusal([] { throw DeviceError("of its own"); }), "of its own");
  add(1);
  EXPECT_EQ(device_.download(y_, 1), std::vector<float>{2});
}

TEST(Recording, FaultsOfReplaysAreFaults) {
  EmuDevice device;
  float* y = device.upload<float>({0, 0, 0, 0});
  DeviceState& state = device.stream.state();
  Recording recording(device.stream, [&] {
    launch(device.stream, "add", add_kernel, dim3(1), dim3(4), 0, y, static_cast<const float*>(y), 1.0f);
  });
  state.mark_lost("planted");
  EXPECT_THROW(recording.replay(), DeviceLostError);
}

TEST_F(RecordingTest, CopiesThatNobodyWaitsFor) {
  std::vector<float> host{1, 2, 3, 4};
  EXPECT_EQ(counted([&] { device_.memory.send_from_host(y_, host.data(), 16); }), text({.copies_from_host = 1}));
  host.assign(4, 9);  // has been taken over
  std::unique_ptr<Arrival> arrival;
  const std::vector<ConstView> values{{y_, {2, 2}, DType::f32, Layout::nchw, &device_.memory},
                                      {amount_, {1}, DType::f32, Layout::nchw, &device_.memory}};
  EXPECT_EQ(counted([&] { arrival = device_.memory.fetch_to_host(values); }), text({.copies_to_host = 2}));
  device_.memory.fill(y_, 0, 16);  // behind the copy
  EXPECT_EQ(counted([&] { arrival->wait(); }), text({.synchronisations = 1}));
  EXPECT_EQ(counted([&] { arrival->wait(); }), text({}));
  const std::vector<Tensor>& arrived = arrival->wait();
  ASSERT_EQ(arrived.size(), 2u);
  EXPECT_EQ(arrived[0].shape(), (Shape{2, 2}));
  EXPECT_EQ(arrived[0].span<float>()[3], 4);
  EXPECT_EQ(arrived[1].span<float>()[0], 1);
  EXPECT_THROW(device_.memory.send_from_host(y_, host.data(), 17), DeviceError);
}

}  // namespace
}  // namespace fovea::emu
