// SPDX-License-Identifier: Apache-2.0
#include "cuda/emu/context.h"

#include <cstdint>

#ifdef FOVEA_EMU_UCONTEXT

namespace fovea::emu {

void prepare_context(Context& context, void* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context.context);
  context.context.uc_stack.ss_sp = stack;
  context.context.uc_stack.ss_size = bytes;
  context.context.uc_link = nullptr;
  makecontext(&context.context, entry, 0);
}

}  // namespace fovea::emu

#else

// void fovea_emu_switch(void** save_stack_pointer, void* load_stack_pointer)
// It leaves by `ret`: threads waiting at one barrier all resume at the same place, so the return is predicted.
#if defined(__x86_64__)
asm(R"(
.pushsection .text
.globl fovea_emu_switch
.hidden fovea_emu_switch
.type fovea_emu_switch, @function
.p2align 4
fovea_emu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size fovea_emu_switch, . - fovea_emu_switch
.popsection
)");
#else
asm(R"(
.pushsection .text
.globl fovea_emu_switch
.hidden fovea_emu_switch
.type fovea_emu_switch, %function
.p2align 4
fovea_emu_switch:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  ret
.size fovea_emu_switch, . - fovea_emu_switch
.popsection
)");
#endif

namespace fovea::emu {

void prepare_context(Context& context, void* stack, std::size_t bytes, void (*entry)()) {
  // The frame that fovea_emu_switch pops, with `entry` as the address to return to.
  const auto top = (reinterpret_cast<std::uintptr_t>(stack) + bytes) & ~std::uintptr_t{15};
  auto* frame = reinterpret_cast<void**>(top);
#if defined(__x86_64__)
  *--frame = nullptr;  // entry's own return address: ends backtraces, and leaves the stack aligned as after a call
  *--frame = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--frame = nullptr;
#else
  frame -= 20;
  for (int i = 0; i < 20; ++i) frame[i] = nullptr;
  frame[1] = reinterpret_cast<void*>(entry);
#endif
  context.stack_pointer = frame;
}

}  // namespace fovea::emu

#endif
