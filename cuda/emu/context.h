// SPDX-License-Identifier: Apache-2.0
//
// Switching between stacks. The assembly keeps the callee-saved registers on the stack that is left, so a context is
// one stack pointer. Elsewhere than on x86-64 and aarch64 (or with FOVEA_EMU_UCONTEXT) the C library does it, with a
// system call per switch.
#pragma once
#include <cstddef>

#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(FOVEA_EMU_UCONTEXT)
#define FOVEA_EMU_UCONTEXT 1
#endif

#ifdef FOVEA_EMU_UCONTEXT
#include <ucontext.h>
#endif

namespace fovea::emu {

struct Context {
#ifdef FOVEA_EMU_UCONTEXT
  ucontext_t context;
#else
  void* stack_pointer = nullptr;
#endif
};

#ifndef FOVEA_EMU_UCONTEXT
extern "C" void fovea_emu_switch(void** save_stack_pointer, void* load_stack_pointer);
#endif

// Makes `context` start `entry` (which must not return) on the given stack at the first switch to it.
void prepare_context(Context& context, void* stack, std::size_t bytes, void (*entry)());
// Saves the running context in `from` and continues `to`. Returns when something switches back to `from`.
inline void switch_context(Context& from, Context& to) {
#ifdef FOVEA_EMU_UCONTEXT
  swapcontext(&from.context, &to.context);
#else
  fovea_emu_switch(&from.stack_pointer, to.stack_pointer);
#endif
}

}  // namespace fovea::emu
