// SPDX-License-Identifier: Apache-2.0
//
// The device layer is compiled twice: for `cuda` (FOVEA_TARGET=cuda) and for the emulator (FOVEA_TARGET=emu,
// FOVEA_EMU=1). Everything lives in namespace fovea::FOVEA_TARGET, because nvcc's host stub of a kernel and the
// emulator's function of the same name would otherwise be one symbol.
#pragma once

#ifndef FOVEA_TARGET
#error "compile with FOVEA_TARGET=cuda or FOVEA_TARGET=emu (see cuda/CMakeLists.txt)"
#endif

#ifndef FOVEA_EMU
#define FOVEA_EMU 0
#endif
