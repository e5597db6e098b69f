// SPDX-License-Identifier: Apache-2.0
//
// Finding out why nobody can go on, and saying so.
#include <bit>
#include <cstdio>

#include "cuda/emu/engine.h"

namespace fovea::emu {
namespace {

std::string to_string(uint3 v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}
std::string to_string(Site site) { return std::string(site.file) + ":" + std::to_string(site.line); }
std::string hex(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

}  // namespace

const char* name_of(WarpCall call) {
  switch (call) {
    case WarpCall::syncwarp:
      return "__syncwarp";
    case WarpCall::shfl:
      return "__shfl_sync";
    case WarpCall::shfl_up:
      return "__shfl_up_sync";
    case WarpCall::shfl_down:
      return "__shfl_down_sync";
    case WarpCall::shfl_xor:
      return "__shfl_xor_sync";
    case WarpCall::ballot:
      return "__ballot_sync";
    case WarpCall::any:
      return "__any_sync";
    case WarpCall::all:
      return "__all_sync";
    case WarpCall::mma_bf16:
      return "mma<bf16_t>";
    case WarpCall::mma_f16:
      return "mma<f16_t>";
    case WarpCall::mma_tf32:
      return "mma<tf32_t>";
    case WarpCall::ldmatrix_x1:
      return "ldmatrix<1>";
    case WarpCall::ldmatrix_x2:
      return "ldmatrix<2>";
    case WarpCall::ldmatrix_x4:
      return "ldmatrix<4>";
    case WarpCall::ldmatrix_x1_trans:
      return "ldmatrix<1, transposed>";
    case WarpCall::ldmatrix_x2_trans:
      return "ldmatrix<2, transposed>";
    case WarpCall::ldmatrix_x4_trans:
      return "ldmatrix<4, transposed>";
  }
  return "?";
}

// On the host fiber: all threads wait or have returned, and nothing will wake them.
void Engine::diagnose_deadlock() {
  failed_ = true;
  fault_.set = true;
  int at_barrier = -1, in_collective = -1, exited = -1;
  for (int t = thread_count_; t-- > 0;) {
    if (threads_[t].state == State::at_barrier) at_barrier = t;
    if (threads_[t].state == State::in_collective) in_collective = t;
    if (threads_[t].state == State::exited) exited = t;
  }
  if (in_collective < 0) {
    fault_.fault = KernelFault::barrier_exited_thread;
    fault_.thread = at_barrier;
    fault_.site = threads_[at_barrier].site;
    fault_.other_thread = exited;
    return;
  }
  const Thread& waiting = threads_[in_collective];
  fault_.thread = in_collective;
  fault_.site = waiting.site;
  fault_.call = waiting.call;
  fault_.mask = waiting.mask;
  const int warp = in_collective / 32 * 32;
  for (unsigned rest = waiting.mask; rest != 0; rest &= rest - 1) {
    const int other = warp + std::countr_zero(rest);
    const Thread& thread = threads_[other];
    if (thread.state == State::in_collective && thread.mask == waiting.mask) continue;
    fault_.other_thread = other;
    fault_.other_site = thread.site;
    fault_.other_call = thread.call;
    fault_.other_mask = thread.mask;
    fault_.fault = thread.state == State::at_barrier ? KernelFault::barrier_divergent : KernelFault::warp_mismatch;
    return;
  }
}

std::string Engine::describe_thread(int thread) const { return "thread " + to_string(threads_[thread].index); }

std::string Engine::describe(const FaultRecord& record) const {
  std::string text = "kernel '" + std::string(launch_.name) + "': block " + to_string(blockIdx);
  if (record.thread >= 0) {
    text += " " + describe_thread(record.thread);
    if (record.site.line > 0) text += " at " + to_string(record.site);
  }
  text += ": ";
  const std::string call = std::string(name_of(record.call)) + "(" + hex(record.mask) + ")";
  const std::string bytes = std::to_string(record.bytes);
  const std::string copy = "cp_async<" + bytes + ">";
  switch (record.fault) {
    case KernelFault::barrier_site_mismatch:
      text += "waits at this __syncthreads while " + describe_thread(record.other_thread) + " waits at another, " +
              to_string(record.other_site);
      break;
    case KernelFault::barrier_exited_thread:
      text += "waits at __syncthreads, but " + describe_thread(record.other_thread) + " has returned from the kernel";
      break;
    case KernelFault::barrier_divergent:
      text += "waits in " + call + " for " + describe_thread(record.other_thread) + ", which waits at __syncthreads, " +
              to_string(record.other_site);
      break;
    case KernelFault::warp_self_not_named:
      text += call + ": the mask does not name the calling lane " + std::to_string(record.thread % 32);
      break;
    case KernelFault::warp_missing_lane:
      text += call + ": the mask names lane " + std::to_string(record.lane) + ", but the block's " +
              std::to_string(thread_count_) + " threads end before it";
      break;
    case KernelFault::warp_exited_lane:
      text += call + ": the mask names lane " + std::to_string(record.lane) + ", which has returned from the kernel";
      break;
    case KernelFault::warp_mismatch:
      text += call + ": " + describe_thread(record.other_thread) + " of the same warp is in another call, " +
              name_of(record.other_call) + "(" + hex(record.other_mask) + ") at " + to_string(record.other_site);
      break;
    case KernelFault::warp_bad_source:
      text += call + ": reads lane " + std::to_string(record.lane) + ", which the mask does not name";
      break;
    case KernelFault::warp_bad_width:
      text += call + ": width " + std::to_string(record.width) + " is not a power of two from 1 to 32";
      break;
    case KernelFault::shared_too_large:
      if (record.bytes == 0) {
        text += "uses dynamic_shared<T>(), but was launched with 0 bytes of it";
      } else {
        text += "shared array '" + std::string(record.array) + "' needs " + std::to_string(record.bytes) + " bytes; " +
                std::to_string(record.used) + " of " + std::to_string(record.limit) + " are in use";
      }
      break;
    case KernelFault::shared_overrun:
      text += "bytes outside the shared array '" + std::string(record.array) + "' (" + std::to_string(record.bytes) +
              " bytes" + (record.site.line > 0 ? ", " + to_string(record.site) : std::string()) + ") were overwritten";
      break;
    case KernelFault::shared_unwritten:
      text += "reads shared memory that no thread has written";
      break;
    case KernelFault::shared_outside:
      text += (record.copy ? copy : call) + ": the " + bytes +
              " bytes at the address given are not within one shared array of the block";
      break;
    case KernelFault::shared_misaligned:
      text += (record.copy ? copy : call) + ": the address given is " + std::to_string(record.used) + " bytes into '" +
              record.array + "', whose elements are aligned to " + std::to_string(record.limit) +
              "; it must be aligned to " + bytes;
      break;
    case KernelFault::copy_misaligned_source:
      text += copy + ": the source is not aligned to " + bytes + " bytes";
      break;
    case KernelFault::copy_shared_source:
      text += copy + ": the source is shared memory; it must be global memory";
      break;
    case KernelFault::copy_bad_size:
      text += copy + ": " + std::to_string(record.width) + " bytes are to be read";
      break;
    case KernelFault::copy_unfinished:
      text += copy + ": nobody waits for this copy before the thread returns; copies that it left behind: " +
              std::to_string(record.used);
      break;
    case KernelFault::copy_too_many:
      text +=
          copy + ": more than " + std::to_string(record.limit) + " copies of a thread at a time, the emulator's limit";
      break;
    case KernelFault::wide_misaligned:
      text += "accesses " + bytes + " bytes at a time, from an address that is not aligned to " +
              std::to_string(record.limit);
      break;
    case KernelFault::memory_overrun:
    case KernelFault::memory_use_after_free:
    case KernelFault::memory_unknown_pointer:
      break;  // found by DeviceMemory, which words them itself
  }
  return text;
}

}  // namespace fovea::emu
