// SPDX-License-Identifier: Apache-2.0
//
// A library that calls itself cuDNN: FAKE_VERSION is what it says, and FAKE_COMPLETE whether it has the functions.
#include <cstddef>

extern "C" {
std::size_t cudnnGetVersion() { return FAKE_VERSION; }
#if FAKE_COMPLETE
void cudnnGetErrorString() {}
void cudnnGetLastErrorString() {}
void cudnnCreate() {}
void cudnnDestroy() {}
void cudnnSetStream() {}
void cudnnGetStream() {}
void cudnnBackendCreateDescriptor() {}
void cudnnBackendFinalize() {}
void cudnnBackendDestroyDescriptor() {}
void cudnnBackendSetAttribute() {}
void cudnnBackendExecute() {}
void cudnnBackendGetAttribute() {}
#endif
}
