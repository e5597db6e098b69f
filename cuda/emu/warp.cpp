// SPDX-License-Identifier: Apache-2.0
//
// Warp functions: every lane named by the mask must arrive at the same call with the same mask; the last one computes
// everybody's result. Only __syncwarp orders memory: shuffles and votes promise nothing of the kind on the device.
#include <bit>
#include <cstring>

#include "cuda/emu/engine.h"
#include "cuda/emu/sanitizers.h"

namespace fovea::emu {

std::uint64_t Engine::collective(WarpCall call, unsigned mask, std::uint64_t value, unsigned argument, int width,
                                 Site site) {
  const int warp_index = current_ / 32;
  const int lane = current_ % 32;
  Warp& warp = warps_[warp_index];
  Thread& self = threads_[current_];
  FaultRecord record;
  record.thread = current_;
  record.site = site;
  record.call = call;
  record.mask = mask;
  record.width = width;
  if ((mask >> lane & 1) == 0) {
    record.fault = KernelFault::warp_self_not_named;
    fail(record);
  }
  if ((mask & ~warp.exists) != 0) {
    record.fault = KernelFault::warp_missing_lane;
    record.lane = std::countr_zero(mask & ~warp.exists);
    fail(record);
  }
  if ((mask & warp.exited) != 0) {
    record.fault = KernelFault::warp_exited_lane;
    record.lane = std::countr_zero(mask & warp.exited);
    fail(record);
  }
  if (width < 1 || width > 32 || (width & (width - 1)) != 0) {
    record.fault = KernelFault::warp_bad_width;
    fail(record);
  }

  const int lowest = std::countr_zero(mask);
  Gathering& gathering = warp.gatherings[lowest];
  if (gathering.arrived == 0) {
    gathering.mask = mask;
    gathering.call = call;
    gathering.site = site;
  } else if (gathering.mask != mask || gathering.call != call || !same_site(gathering.site, site)) {
    record.fault = KernelFault::warp_mismatch;
    record.other_thread = warp_index * 32 + std::countr_zero(gathering.arrived);
    record.other_site = gathering.site;
    record.other_call = gathering.call;
    record.other_mask = gathering.mask;
    fail(record);
  }
  self.site = site;
  self.call = call;
  self.mask = mask;
  self.value = value;
  self.argument = argument;
  self.width = width;
  gathering.arrived |= 1u << lane;

  // Fresh tags for each use of this group of lanes, alternating as the block barrier's do.
  void* tag = arena_.warp_tag(warp_index, lowest, static_cast<int>(gathering.generation & 1));
  if (call == WarpCall::syncwarp) release(tag);
  if (gathering.arrived == mask) {
    complete(warp, warp_index, gathering);
  } else {
    warp.waiting |= 1u << lane;
    self.state = State::in_collective;
    ++waiting_in_collective_;
    suspend();
  }
  if (call == WarpCall::syncwarp) acquire(tag);
  return self.result;
}

void Engine::complete(Warp& warp, int warp_index, Gathering& gathering) {
  const unsigned mask = gathering.mask;
  if (gathering.call >= WarpCall::mma_bf16) {
    complete_matrix(warp_index, gathering.call);
  } else {
    exchange_values(warp_index, mask);
  }
  for (unsigned rest = mask & warp.waiting; rest != 0; rest &= rest - 1) {
    threads_[warp_index * 32 + std::countr_zero(rest)].state = State::runnable;
    --waiting_in_collective_;
  }
  warp.waiting &= ~mask;
  gathering.arrived = 0;
  ++gathering.generation;
}

void Engine::exchange_values(int warp_index, unsigned mask) {
  Thread* const lanes = threads_ + warp_index * 32;
  unsigned votes = 0;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    votes |= static_cast<unsigned>(lanes[lane].value & 1) << lane;
  }
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    Thread& thread = lanes[lane];
    const int segment = lane & ~(thread.width - 1);
    const int argument = static_cast<int>(thread.argument);
    int source = lane;
    switch (thread.call) {
      case WarpCall::syncwarp:
        break;
      case WarpCall::ballot:
        thread.result = votes;
        break;
      case WarpCall::any:
        thread.result = votes != 0;
        break;
      case WarpCall::all:
        thread.result = votes == mask;
        break;
      case WarpCall::shfl:
        source = segment + (argument & (thread.width - 1));
        break;
      case WarpCall::shfl_up:
        if (thread.argument <= static_cast<unsigned>(lane - segment)) source = lane - argument;
        break;
      case WarpCall::shfl_down:
        if (thread.argument < static_cast<unsigned>(segment + thread.width - lane)) source = lane + argument;
        break;
      case WarpCall::shfl_xor:
        // As the device: a lane of an earlier segment may be read, one of a later segment may not.
        if ((lane ^ argument) < segment + thread.width) source = lane ^ argument;
        break;
      default:  // matrix.cpp
        break;
    }
    if (thread.call == WarpCall::shfl || thread.call == WarpCall::shfl_up || thread.call == WarpCall::shfl_down ||
        thread.call == WarpCall::shfl_xor) {
      if (source < 0 || source > 31 || (mask >> source & 1) == 0) {
        FaultRecord record;
        record.fault = KernelFault::warp_bad_source;
        record.thread = warp_index * 32 + lane;
        record.site = thread.site;
        record.call = thread.call;
        record.mask = mask;
        record.lane = source;
        fail(record);
      }
      thread.result = lanes[source].value;
    }
  }
}

}  // namespace fovea::emu
